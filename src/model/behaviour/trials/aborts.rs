//! `check-abort-liveness`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortTrials {
    /// Calls that are left: half with RST, half with FIN.
    pub aborts: u32,
    /// Clients before them, and clients after them.
    pub fresh: u32,
    /// A step of a client after them may take so long, or longer if one before them did.
    pub budget: Duration,
}

impl Default for AbortTrials {
    fn default() -> Self {
        Self { aborts: 50, fresh: 5, budget: Duration::from_secs(2) }
    }
}

impl AbortTrials {
    /// So many times the slowest step before is no sign of anything.
    pub const MULTIPLE: u32 = 5;

    /// How long a step may take that took so long at most before.
    pub fn patience(&self, slowest: Duration) -> Duration {
        self.budget.max(slowest * Self::MULTIPLE)
    }

    pub(super) fn told(&self) -> String {
        let Self { aborts, fresh, budget } = self;
        let budget = figure::duration(*budget);
        format!(
            "{aborts} calls that are left in the middle, half with RST and half with FIN; {fresh} \
             clients before and {fresh} after, each step within {budget}"
        )
    }
}
