//! Checks that are one script: a run in which several clients do to a target what no storm does,
//! in the order that the question needs. Here are their knobs; the scripts are `engine/trials`.

use std::time::Duration;

use super::Step;
use crate::model::plan::checks;

mod aborts;
mod affinity;
mod cancels;
mod isolation;
mod sessions;
mod silences;

pub use aborts::AbortTrials;
pub use affinity::AffinityTrials;
pub use cancels::CancelTrials;
pub use isolation::IsolationTrials;
pub use sessions::SessionTrials;
pub use silences::SilenceTrials;
mod parallel;
mod slow_consumer;
mod starvation;

pub use parallel::ParallelTrials;
pub use slow_consumer::SlowConsumerTrials;
pub use starvation::StarvationTrials;

/// A script, with its knobs.
#[derive(Debug, Clone, PartialEq)]
pub enum Trials {
    /// `check-sessions`: what becomes of sessions that are over, and of many of them.
    Sessions(SessionTrials),
    /// `check-abort-liveness`: whether it serves on after clients left in the middle of answers.
    Aborts(AbortTrials),
    /// `check-cancel`: what becomes of calls that are cancelled.
    Cancels(CancelTrials),
    /// `check-idle-streams`: what becomes of streams on which nothing happens.
    Silences(SilenceTrials),
    /// `check-isolation`: whether every answer is its own call's.
    Isolation(IsolationTrials),
    /// `check-affinity`: whether sessions are found from everywhere.
    Affinity(AffinityTrials),
    /// `check-starvation`: whether cheap requests are answered while slow calls are worked on.
    Starvation(StarvationTrials),
    /// `check-parallel-scaling`: whether calls at once take as long as one.
    Parallel(ParallelTrials),
    /// `check-slow-consumer`: whether clients that do not read keep others waiting.
    SlowConsumer(SlowConsumerTrials),
}

impl Trials {
    /// The behaviour's name in scenarios.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sessions(_) => checks::SESSIONS,
            Self::Aborts(_) => checks::ABORTS,
            Self::Cancels(_) => checks::CANCELS,
            Self::Silences(_) => checks::SILENCES,
            Self::Isolation(_) => checks::ISOLATION,
            Self::Affinity(_) => checks::AFFINITY,
            Self::Starvation(_) => checks::STARVATION,
            Self::Parallel(_) => checks::PARALLEL,
            Self::SlowConsumer(_) => checks::SLOW_CONSUMER,
        }
    }

    /// How long it waits, besides for answers.
    pub(super) fn waits(&self) -> Duration {
        match self {
            Self::Sessions(knobs) => knobs.waits(),
            Self::Starvation(knobs) => knobs.waits(),
            Self::SlowConsumer(knobs) => knobs.waits(),
            Self::Silences(knobs) => knobs.longest(),
            Self::Aborts(_)
            | Self::Cancels(_)
            | Self::Isolation(_)
            | Self::Affinity(_)
            | Self::Parallel(_) => Duration::ZERO,
        }
    }

    /// Whether time is what it looks at, so that a generator that waits for itself says nothing.
    pub const fn is_timed(&self) -> bool {
        !matches!(self, Self::Isolation(_) | Self::Affinity(_) | Self::Sessions(_))
    }

    /// What it does, for a person, as a plan tells it.
    pub fn told(&self) -> String {
        match self {
            Self::Sessions(knobs) => knobs.told(),
            Self::Aborts(knobs) => knobs.told(),
            Self::Cancels(knobs) => knobs.told(),
            Self::Silences(knobs) => knobs.told(),
            Self::Isolation(knobs) => knobs.told(),
            Self::Affinity(knobs) => knobs.told(),
            Self::Starvation(knobs) => knobs.told(),
            Self::Parallel(knobs) => knobs.told(),
            Self::SlowConsumer(knobs) => knobs.told(),
        }
    }
}

/// A run that is one script.
#[derive(Debug)]
pub(super) struct Machine(Option<Trials>);

impl Machine {
    pub(super) fn new(trials: &Trials, tools: u16) -> Self {
        Self((tools > 0).then(|| trials.clone()))
    }

    pub(super) fn next(&mut self) -> Step {
        self.0.take().map_or(Step::End, |trials| Step::Try(Box::new(trials)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_step_if_there_is_anything_to_call() {
        let trials = Trials::Sessions(SessionTrials::default());
        let mut machine = Machine::new(&trials, 1);
        assert!(matches!(machine.next(), Step::Try(step) if *step == trials));
        assert!(matches!(machine.next(), Step::End));
        assert!(matches!(Machine::new(&trials, 0).next(), Step::End));
    }
}
