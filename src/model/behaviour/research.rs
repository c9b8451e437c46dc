//! `research`: the lead of a Research run. It plans, tries the tools, starts subagents in waves,
//! waits for each wave, reflects, and writes.

use std::sync::Arc;
use std::time::Duration;

use crate::model::chance::{Chance, Key, Purpose};
use crate::model::distribution::Distribution;
use crate::model::outcome::Class;

use super::caller::Caller;
use super::{Agent, QuestionClass, Research, Step, Subagents, agent, hurried};

#[derive(Debug)]
pub(super) struct Machine {
    research: Arc<Research>,
    caller: Caller,
    key: Key,
    tools: u16,
    speed: f64,
    /// Mean calls of a subagent, by the class of question.
    calls_mean: f64,
    /// Probes still to make.
    probes: u32,
    /// Subagents of the run, and how many of them have been started.
    subagents: u32,
    started: u32,
    wave: u32,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Plan,
    Probe,
    ThinkAfterProbe,
    Wave,
    Join,
    Reflect,
    End,
}

impl Machine {
    pub(super) fn new(research: &Research, key: Key, tools: u16, speed: f64) -> Self {
        let class = research.class(key);
        let (fewest, most) = research.probes;
        Self {
            caller: Caller::new(key, research.reaction, tools),
            key,
            tools,
            speed,
            calls_mean: class.map_or(0.0, |class| class.calls_mean),
            probes: key.draw(Purpose::Probes).between(fewest.into(), most.into()) as u32,
            subagents: class.map_or(0, |class| class.subagents.draw(key)),
            started: 0,
            wave: 0,
            next: Next::Plan,
            research: Arc::new(research.clone()),
        }
    }

    pub(super) fn next(&mut self, outcomes: &[Class]) -> Step {
        self.caller.hear(outcomes);
        match self.next {
            Next::Plan => {
                self.next = Next::Probe;
                self.think(self.research.plan, self.key, Purpose::Plan)
            }
            Next::Probe => self.probe(),
            Next::ThinkAfterProbe => {
                self.next = Next::Probe;
                self.think(self.research.think, self.caller.key(), Purpose::Think)
            }
            Next::Wave => self.wave(),
            Next::Join => {
                self.next = Next::Reflect;
                Step::Join
            }
            Next::Reflect => {
                self.next = Next::Wave;
                self.think(self.research.reflect, self.key.at_turn(self.wave), Purpose::Reflect)
            }
            Next::End => Step::End,
        }
    }

    fn think(&self, think: Distribution, key: Key, purpose: Purpose) -> Step {
        Step::Think(hurried(think.draw(&mut key.draw(purpose)), self.speed))
    }

    /// Probes go one at a time; a failed one is made good before the next.
    fn probe(&mut self) -> Step {
        let owed = self.caller.owes().min(1);
        if self.caller.is_stuck() || owed + self.probes == 0 {
            return self.wave();
        }
        self.next = Next::ThinkAfterProbe;
        self.probes -= 1 - owed;
        Step::Burst(self.caller.burst(1 - owed, owed))
    }

    /// w: the next wave, or the synthesis when every subagent has been started.
    fn wave(&mut self) -> Step {
        let left = self.subagents - self.started;
        if left == 0 {
            self.next = Next::End;
            return self.think(self.research.synthesis, self.key, Purpose::Synthesis);
        }
        let sizes = &self.research.wave;
        let mut chance = self.key.at_turn(self.wave).draw(Purpose::Wave);
        let size = sizes.get(chance.weighted(sizes.iter().map(|(_, weight)| *weight)));
        let size = size.map_or(left, |(size, _)| (*size).clamp(1, left));
        let first = self.started + 1;
        self.started += size;
        self.wave += 1;
        self.next = Next::Join;
        Step::Fork((first..first + size).map(|number| self.agent(number)).collect())
    }

    fn agent(&self, number: u32) -> Agent {
        let key = self.key.of_subagent(number);
        let calls = self.research.calls(self.calls_mean, &mut key.draw(Purpose::Calls));
        let research = Arc::clone(&self.research);
        Agent(agent::Machine::new(research, key, self.tools, self.speed, calls))
    }
}

impl Research {
    /// C: the class of a run's question.
    fn class(&self, key: Key) -> Option<&QuestionClass> {
        let weights = self.classes.iter().map(|class| class.weight);
        self.classes.get(key.draw(Purpose::Class).weighted(weights))
    }

    /// N: Gamma with this mean, rounded, then clipped to the bounds (not drawn again).
    fn calls(&self, mean: f64, chance: &mut Chance) -> u32 {
        let (fewest, most) = self.calls_bounds;
        let drawn = chance.gamma(self.calls_shape, mean / self.calls_shape);
        (drawn.round() as u32).max(fewest).min(most)
    }

    /// X: when the person stops this run; `modelled` is asked only for runs that are stopped.
    pub(super) fn stops_after(
        &self,
        key: Key,
        modelled: impl FnOnce() -> Duration,
    ) -> Option<Duration> {
        let mut chance = key.draw(Purpose::Stop);
        chance.happens(self.stopped).then(|| modelled().mul_f64(chance.unit()))
    }
}

impl Subagents {
    /// S: how many subagents this run's question takes.
    fn draw(self, key: Key) -> u32 {
        let mut chance = key.draw(Purpose::Subagents);
        match self {
            Self::Uniform { runaway: (share, size), .. } if chance.happens(share) => size,
            Self::Uniform { from, to, .. } => chance.between(from.into(), to.into()) as u32,
            Self::Gamma { shape, scale, from, to } => {
                (chance.gamma(shape, scale).round() as u32).max(from).min(to)
            }
        }
    }
}
