//! A Research run's subagent: its first thinking, then batches of calls until its budget is spent.

use std::sync::Arc;
use std::time::Duration;

use crate::model::chance::{Key, Purpose};
use crate::model::outcome::Class;

use super::caller::Caller;
use super::presets::elsewhere;
use super::{Research, Step, hurried};

#[derive(Debug)]
pub(super) struct Machine {
    research: Arc<Research>,
    caller: Caller,
    key: Key,
    speed: f64,
    /// N: planned calls still to make, here or elsewhere.
    left: u32,
    /// Calls it may still make in all.
    budget: u32,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    First,
    Turn,
    Think,
}

impl Machine {
    /// `key` is the subagent's, `calls` its planned calls.
    pub(super) fn new(
        research: Arc<Research>,
        key: Key,
        tools: u16,
        speed: f64,
        calls: u32,
    ) -> Self {
        let caller = Caller::new(key, research.reaction, tools);
        let budget = research.calls_bounds.1;
        Self { research, caller, key, speed, left: calls, budget, next: Next::First }
    }

    pub(super) fn next(&mut self, outcomes: &[Class]) -> Step {
        self.caller.hear(outcomes);
        match self.next {
            Next::First => {
                self.next = Next::Turn;
                Step::Think(hurried(self.first(), self.speed))
            }
            Next::Turn => self.turn(),
            Next::Think => {
                self.next = Next::Turn;
                Step::Think(self.think())
            }
        }
    }

    fn first(&self) -> Duration {
        let mut chance = self.key.draw(Purpose::First);
        self.research.first_start.draw(&mut chance) + self.research.first_think.draw(&mut chance)
    }

    /// Thinking after the turn that was just made.
    fn think(&self) -> Duration {
        let mut chance = self.caller.key().draw(Purpose::Think);
        hurried(self.research.think.draw(&mut chance), self.speed)
    }

    /// One turn. What failed comes first when the budget is short: the model asks again before it
    /// asks for more.
    fn turn(&mut self) -> Step {
        let owed = self.caller.owes().min(self.budget);
        let wanted = self.left.min(self.budget - owed);
        if self.caller.is_stuck() || owed + wanted == 0 {
            return Step::End;
        }
        let key = self.caller.key();
        let planned = if wanted == 0 { 0 } else { self.batch(key).min(wanted) };
        self.left -= planned;
        self.budget -= planned + owed;
        let here = self.hits(key, planned);
        if here + owed > 0 {
            self.next = Next::Think;
            return Step::Burst(self.caller.burst(here, owed));
        }
        self.caller.skip();
        Step::Think(elsewhere(key, planned) + self.think())
    }

    fn batch(&self, key: Key) -> u32 {
        key.draw(Purpose::Batch).weighted(self.research.batch.iter().copied()) as u32 + 1
    }

    /// p: how many of the planned calls go to this connector.
    fn hits(&self, key: Key, planned: u32) -> u32 {
        let mut chance = key.draw(Purpose::Share);
        (0..planned).filter(|_| chance.happens(self.research.share)).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever fails, a subagent keeps to its bound, asks only tools there are, and ends.
        #[test]
        fn calls_stay_within_bounds(
            seed: u64,
            tools in 0..4_u16,
            planned in 3..10_u32,
            fails in 0.0..1.0_f64,
            share in prop_oneof![Just(1.0), 0.0..1.0_f64],
        ) {
            let bounds = (3, 9);
            let research = Research { calls_bounds: bounds, share, ..Research::standard() };
            let key = Key::of_run(seed, 0).of_subagent(1);
            let mut machine = Machine::new(Arc::new(research), key, tools, 1.0, planned);
            let mut chance = key.draw(Purpose::Service);
            let (mut calls, mut steps, mut outcomes) = (0, 0, Vec::new());
            loop {
                steps += 1;
                prop_assert!(steps < 100);
                match machine.next(&outcomes) {
                    Step::End => break,
                    Step::Burst(burst) => {
                        calls += burst.len();
                        prop_assert!(burst.iter().all(|ask| ask.tool < tools));
                        let class = |fails| if fails { Class::Timeout } else { Class::Ok };
                        outcomes = burst.iter().map(|_| class(chance.happens(fails))).collect();
                        prop_assert!(!burst.is_empty());
                    }
                    _ => outcomes.clear(),
                }
            }
            prop_assert!(calls <= 9);
            prop_assert!(calls > 0 || tools == 0 || share < 1.0);
        }
    }
}
