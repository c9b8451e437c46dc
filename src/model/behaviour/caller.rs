//! One agent's way with the tools: which calls a turn makes, and what a failed one leads to.
//!
//! A planned call that fails leads to at most one further call: the same once more, or the same
//! tool with other words. When that fails too the model gives up on it; the failure still counts
//! for the circuit. What is not failed is not reacted to: a cancelled or unfinished call is the end
//! of the run, not news about the tool.

use crate::model::chance::{Key, Purpose};
use crate::model::outcome::Class;

use super::{Ask, Reaction};

/// State of one agent's calls. Nothing is allocated for tools that work.
#[derive(Debug)]
pub(super) struct Caller {
    key: Key,
    reaction: Reaction,
    tools: u16,
    turn: u32,
    /// Calls made by the last burst, in its order.
    asked: Vec<Asked>,
    /// Calls the next burst owes because of failures.
    owed: Vec<Owed>,
    /// Tools with failures in a row.
    failing: Vec<(u16, u32)>,
    /// Tools this agent no longer uses, ascending.
    dropped: Vec<u16>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    ask: Ask,
    is_reaction: bool,
}

#[derive(Debug, Clone, Copy)]
enum Owed {
    Same(Ask),
    OtherWords(u16),
}

impl Owed {
    const fn tool(self) -> u16 {
        match self {
            Self::Same(ask) => ask.tool,
            Self::OtherWords(tool) => tool,
        }
    }
}

/// Whether the model sees this end as a failure of the tool.
const fn failed(class: Class) -> bool {
    class.is_error() || matches!(class, Class::Throttled | Class::NeverSent)
}

impl Caller {
    pub(super) const fn new(key: Key, reaction: Reaction, tools: u16) -> Self {
        Self {
            key,
            reaction,
            tools,
            turn: 0,
            asked: Vec::new(),
            owed: Vec::new(),
            failing: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// The key of the turn that comes next.
    pub(super) const fn key(&self) -> Key {
        self.key.at_turn(self.turn)
    }

    /// Calls owed to earlier failures.
    pub(super) fn owes(&self) -> u32 {
        self.owed.len() as u32
    }

    /// Whether no tool is left to call.
    pub(super) fn is_stuck(&self) -> bool {
        self.dropped.len() >= usize::from(self.tools)
    }

    /// The next turn without calls: time passes elsewhere.
    pub(super) fn skip(&mut self) {
        self.turn += 1;
    }

    /// The next turn's burst: `planned` calls with tools drawn evenly from those still in use, then
    /// what is owed, at most `most` of it.
    pub(super) fn burst(&mut self, planned: u32, most: u32) -> Vec<Ask> {
        let key = self.key();
        self.turn += 1;
        self.asked.clear();
        let owed = self.owed.len().min(most as usize);
        let mut burst = Vec::with_capacity(planned as usize + owed);
        let mut chance = key.draw(Purpose::Tool);
        let in_use = usize::from(self.tools) - self.dropped.len();
        for _ in 0..if in_use == 0 { 0 } else { planned } {
            let tool = self.nth_in_use(chance.between(0, in_use as u64 - 1) as u16);
            burst.push(Ask { tool, variation: variation(key, burst.len()) });
        }
        self.asked.extend(burst.iter().map(|ask| Asked { ask: *ask, is_reaction: false }));
        for owed in self.owed.drain(..).take(owed) {
            let ask = match owed {
                Owed::Same(ask) => ask,
                Owed::OtherWords(tool) => Ask { tool, variation: variation(key, burst.len()) },
            };
            self.asked.push(Asked { ask, is_reaction: true });
            burst.push(ask);
        }
        burst
    }

    /// Hears how the last burst ended, and decides what that leads to.
    pub(super) fn hear(&mut self, outcomes: &[Class]) {
        if self.asked.is_empty() {
            return;
        }
        let key = self.key.at_turn(self.turn - 1);
        let asked = std::mem::take(&mut self.asked);
        for (place, (asked, class)) in asked.iter().zip(outcomes).enumerate() {
            match *class {
                Class::Ok => self.failing.retain(|(tool, _)| *tool != asked.ask.tool),
                class if failed(class) => self.react(key, place, *asked),
                _ => {}
            }
        }
        self.asked = asked;
        self.asked.clear();
        let dropped = &self.dropped;
        self.owed.retain(|owed| dropped.binary_search(&owed.tool()).is_err());
    }

    /// One failure. Its chance is its place's own, so that it does not depend on how the other
    /// calls of the burst ended.
    fn react(&mut self, key: Key, place: usize, asked: Asked) {
        let tool = asked.ask.tool;
        let mut chance = key.draw_at(Purpose::Reaction, place as u32);
        let (choice, breaks) = (chance.unit(), chance.unit());
        if !asked.is_reaction {
            if choice < self.reaction.retry {
                self.owed.push(Owed::Same(asked.ask));
            } else if choice < self.reaction.retry + self.reaction.rephrase {
                self.owed.push(Owed::OtherWords(tool));
            } else {
                self.drop_tool(tool);
            }
        }
        let in_a_row = self.one_more_failure(tool);
        if in_a_row >= self.reaction.circuit_after.max(1) && breaks < self.reaction.circuit {
            self.drop_tool(tool);
        }
    }

    fn one_more_failure(&mut self, tool: u16) -> u32 {
        if let Some((_, failures)) = self.failing.iter_mut().find(|(failing, _)| *failing == tool) {
            *failures += 1;
            return *failures;
        }
        self.failing.push((tool, 1));
        1
    }

    fn drop_tool(&mut self, tool: u16) {
        if let Err(place) = self.dropped.binary_search(&tool) {
            self.dropped.insert(place, tool);
        }
    }

    /// The `nth` tool that is not dropped.
    fn nth_in_use(&self, nth: u16) -> u16 {
        self.dropped
            .iter()
            .fold(nth, |tool, dropped| if *dropped <= tool { tool + 1 } else { tool })
    }
}

fn variation(key: Key, place: usize) -> u64 {
    key.value(Purpose::Variation, place as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Reaction = Reaction { retry: 0.0, rephrase: 0.0, circuit_after: 3, circuit: 0.0 };

    fn caller(reaction: Reaction, tools: u16) -> Caller {
        Caller::new(Key::of_run(7, 1), reaction, tools)
    }

    #[test]
    fn a_retry_is_the_same_call_and_only_once() {
        let mut caller = caller(Reaction { retry: 1.0, ..NEVER }, 3);
        let first = caller.burst(2, 0);
        caller.hear(&[Class::Ok, Class::ToolError]);
        assert_eq!(caller.owes(), 1);
        let second = caller.burst(1, 5);
        assert_eq!(second[1], first[1]);
        assert_ne!(second[0].variation, first[0].variation);
        caller.hear(&[Class::Ok, Class::ToolError]);
        assert_eq!(caller.owes(), 0);
    }

    #[test]
    fn other_words_are_the_same_tool() {
        let mut caller = caller(Reaction { rephrase: 1.0, ..NEVER }, 3);
        let first = caller.burst(1, 0);
        caller.hear(&[Class::Timeout]);
        let second = caller.burst(0, 5);
        assert_eq!(second[0].tool, first[0].tool);
        assert_ne!(second[0].variation, first[0].variation);
    }

    #[test]
    fn a_reaction_does_not_depend_on_the_rest_of_the_burst() {
        let reaction = Reaction { retry: 0.5, rephrase: 0.0, circuit_after: 9, circuit: 0.0 };
        for run in 0..100 {
            let retried = |other: Class| {
                let mut caller = Caller::new(Key::of_run(7, run), reaction, u16::MAX);
                let asked = caller.burst(2, 0);
                caller.hear(&[other, Class::Timeout]);
                caller.burst(0, 9).contains(&asked[1])
            };
            assert_eq!(retried(Class::Ok), retried(Class::Timeout), "run {run}");
        }
    }

    #[test]
    fn what_counts_as_a_failure() {
        for class in Class::ALL {
            let mut caller = caller(Reaction { retry: 1.0, ..NEVER }, 1);
            caller.burst(1, 0);
            caller.hear(&[class]);
            let ends = [Class::Ok, Class::Cancelled, Class::Unfinished];
            assert_eq!(caller.owes() == 0, ends.contains(&class), "{class:?}");
        }
    }

    #[test]
    fn the_circuit_opens_after_failures_in_a_row() {
        let circuit = Reaction { retry: 1.0, circuit: 1.0, ..NEVER };
        let table = [
            (vec![Class::Status, Class::Status, Class::Status], true),
            (vec![Class::Status, Class::Status, Class::Ok, Class::Status], false),
            (vec![Class::Status, Class::Status], false),
        ];
        for (ends, stuck) in table {
            let mut caller = caller(circuit, 1);
            for class in ends {
                caller.burst(1, 0);
                caller.hear(&[class]);
            }
            assert_eq!(caller.is_stuck(), stuck);
            assert_eq!(caller.owes() == 0, stuck, "nothing is owed on a dropped tool");
        }
    }

    #[test]
    fn a_dropped_tool_is_not_asked_again() {
        let mut caller = caller(NEVER, 4);
        for left in (0..4_usize).rev() {
            let dropped = caller.burst(1, 0)[0].tool;
            caller.hear(&[Class::Connect]);
            let asked = caller.burst(50, 0);
            caller.hear(&[]);
            assert!(asked.iter().all(|ask| ask.tool < 4 && ask.tool != dropped));
            let mut tools: Vec<u16> = asked.iter().map(|ask| ask.tool).collect();
            tools.sort_unstable();
            tools.dedup();
            assert_eq!(tools.len(), left);
        }
        assert!(caller.is_stuck());
    }
}
