//! `check-starvation`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StarvationTrials {
    /// From one cheap request to the next.
    pub every: Duration,
    /// The most slow calls in flight.
    pub most: u32,
    /// So long each number of them is held.
    pub hold: Duration,
    /// How often all of it is done.
    pub rounds: u32,
    /// The slow tool; the slowest one if nothing is said.
    pub slow: Option<String>,
}

impl Default for StarvationTrials {
    fn default() -> Self {
        let (every, hold) = (Duration::from_millis(250), Duration::from_secs(5));
        Self { every, most: 64, hold, rounds: 3, slow: None }
    }
}

impl StarvationTrials {
    /// How many slow calls are in flight, step by step, after none.
    pub fn steps(&self) -> impl Iterator<Item = u32> {
        let most = self.most;
        let doubled = std::iter::successors(Some(1_u32), |step| step.checked_mul(2));
        doubled.take_while(move |step| *step < most).chain([most])
    }

    /// Cheap requests of one step.
    pub fn cheap(&self) -> u32 {
        let each = self.hold.as_nanos() / self.every.as_nanos().max(1);
        u32::try_from(each).unwrap_or(u32::MAX)
    }

    pub(super) fn waits(&self) -> Duration {
        let steps = self.steps().count() as u32 + 1;
        self.hold * steps * self.rounds
    }

    pub(super) fn told(&self) -> String {
        let Self { every, most, hold, rounds, slow } = self;
        let slow = slow.as_deref().unwrap_or("the slowest tool");
        let (every, hold) = (figure::duration(*every), figure::duration(*hold));
        format!(
            "a cheap request every {every} while 0, 1, 2, ... {most} calls of {slow} are in flight, \
             {hold} each, {rounds} times"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_slow_calls_is_doubled_until_it_is_the_most() {
        for (most, steps) in
            [(1, vec![1]), (2, vec![1, 2]), (8, vec![1, 2, 4, 8]), (5, vec![1, 2, 4, 5])]
        {
            let knobs = StarvationTrials { most, ..StarvationTrials::default() };
            assert_eq!(knobs.steps().collect::<Vec<_>>(), steps);
        }
        assert_eq!(StarvationTrials::default().cheap(), 20);
    }
}
