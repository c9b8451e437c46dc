//! What a process takes the time to be when it asks whether its token is still good: under a fault its
//! clock is wrong. Nothing else is: its pauses, what is measured and what is told go by the real one.
//!
//! ```text
//! issued ────────────── due ─────── over ──────────► the real time
//!    └── ahead: due, over ┘             └ behind: not due yet, and not over; presented until its 401
//! ```

use std::time::Duration;

use super::patience::Patience;
use super::process::Process;
use crate::engine::grant::Token;

impl Process {
    /// What the process decides of this token, by the time it takes it to be. Where it would decide
    /// otherwise by the real time, the exchange is told to have met the fault. One that the exchange
    /// has just been given is good, whatever the clock says.
    pub(super) fn believes(
        &self,
        token: &Token,
        patience: &mut Patience,
        decides: impl Fn(Duration) -> bool,
    ) -> bool {
        let now = self.now();
        let truly = decides(now);
        let skew = self.realm.weather.as_ref().and_then(|weather| weather.skews(self.user));
        // No clock makes a token of none.
        let skew = skew.filter(|_| !patience.has_been_given() && !token.is_missing());
        let Some(skew) = skew else { return truly };
        let decided = decides(skew.what.of(now));
        if decided != truly {
            patience.has_met(skew.touched());
        }
        decided
    }
}
