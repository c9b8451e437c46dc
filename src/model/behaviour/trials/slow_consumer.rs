//! `check-slow-consumer`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowConsumerTrials {
    /// Clients that read slowly.
    pub readers: u32,
    /// So many bytes a second they read; at 0 none.
    pub rate: u32,
    /// From one ordinary call to the next.
    pub every: Duration,
    /// So long ordinary calls are made before, beside and after the slow readers.
    pub hold: Duration,
    /// So long the answers to slow readers may take to begin.
    pub settle: Duration,
    /// How often all of it is done.
    pub rounds: u32,
    /// Smaller results may be on their way as a whole before they are read, in bytes.
    pub least_bytes: u32,
    /// The tool with large results; the one with the largest if nothing is said.
    pub large: Option<String>,
    /// The tool of ordinary calls; the one with the smallest results if nothing is said.
    pub ordinary: Option<String>,
}

impl Default for SlowConsumerTrials {
    fn default() -> Self {
        Self {
            readers: 50,
            rate: 1_000,
            every: Duration::from_millis(100),
            hold: Duration::from_secs(5),
            settle: Duration::from_secs(20),
            rounds: 3,
            least_bytes: 2_000_000,
            large: None,
            ordinary: None,
        }
    }
}

impl SlowConsumerTrials {
    /// Ordinary calls of one phase.
    pub fn calls(&self) -> u32 {
        let calls = self.hold.as_nanos() / self.every.as_nanos().max(1);
        u32::try_from(calls).unwrap_or(u32::MAX)
    }

    pub(super) fn waits(&self) -> Duration {
        self.hold * 3 * self.rounds
    }

    pub(super) fn told(&self) -> String {
        let Self { readers, rate, every, hold, rounds, .. } = self;
        let read = match rate {
            0 => "stop reading".to_owned(),
            rate => format!("read {} a second", figure::bytes(u64::from(*rate))),
        };
        let (every, hold) = (figure::duration(*every), figure::duration(*hold));
        format!(
            "an ordinary call every {every}, for {hold} each before, while and after {readers} \
             clients ask for large results and {read}, {rounds} times"
        )
    }
}
