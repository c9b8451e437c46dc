//! `check-sessions`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTrials {
    /// Calls of each kind: with an id that was never issued, after DELETE, of another user.
    pub tries: u32,
    /// Handshakes of each series, of which one never ends a session and one ends each.
    pub cycles: u32,
    /// So long a session that nobody uses is said to be kept.
    pub idle: Option<Duration>,
    /// Users have something that tells them apart. Settled with the whole scenario.
    pub has_users: bool,
}

impl Default for SessionTrials {
    fn default() -> Self {
        Self { tries: 5, cycles: 300, idle: None, has_users: false }
    }
}

impl SessionTrials {
    pub(super) fn told(&self) -> String {
        let Self { tries, cycles, idle, has_users } = self;
        let whose =
            if *has_users { "never issued, ended and foreign" } else { "never issued and ended" };
        let idle = idle.map_or(String::new(), |idle| {
            format!(", and one each after {} of silence", figure::duration(idle))
        });
        format!(
            "{tries} calls each in sessions that were {whose}{idle}; {cycles} handshakes without a \
             DELETE and {cycles} with one"
        )
    }
}
