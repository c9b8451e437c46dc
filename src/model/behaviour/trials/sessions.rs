//! `check-sessions`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTrials {
    /// Calls of each kind: with an id that was never issued, after DELETE, of another user.
    pub tries: u32,
    /// Handshakes whose sessions are left open, in two series; half as many end theirs.
    pub cycles: u32,
    /// So long a session that nobody uses is said to be kept.
    pub idle: Option<Duration>,
    /// Sessions that are open while the target restarts.
    pub survivors: u32,
    /// How long it may take to come back.
    pub patience: Duration,
    /// When a hook restarts it, and by when it has done so. Settled with the whole scenario.
    pub restart: Option<(Duration, Duration)>,
    /// Users have something that tells them apart. Settled with the whole scenario.
    pub has_users: bool,
}

impl Default for SessionTrials {
    fn default() -> Self {
        let patience = Duration::from_secs(30);
        let (idle, restart, has_users) = (None, None, false);
        Self { tries: 5, cycles: 300, idle, survivors: 0, patience, restart, has_users }
    }
}

impl SessionTrials {
    pub(super) fn waits(&self) -> Duration {
        let restart = self.restart.map(|(_, until)| until).unwrap_or_default();
        self.idle.unwrap_or_default() + restart
    }

    pub(super) fn told(&self) -> String {
        let Self { tries, cycles, idle, has_users, survivors, .. } = self;
        let whose =
            if *has_users { "never issued, ended and foreign" } else { "never issued and ended" };
        let idle = idle.map_or(String::new(), |idle| {
            format!(", and one each after {} of silence", figure::duration(idle))
        });
        let restart = if *survivors > 0 {
            format!("; {survivors} sessions over a restart")
        } else {
            String::new()
        };
        format!(
            "{tries} calls each in sessions that were {whose}{idle}; {cycles} sessions \
             that are left open for a time, in two series, and half as many that are not, with a call in \
             each{restart}"
        )
    }
}
