//! The faults that the legs of a user's OAuth met: calls that waited for such a leg have met them, too,
//! and calls that go without what it was to bring.
//!
//! ```text
//! leg meets a fault ──► fails ──► paused, locked out, without ──► tokens come
//! who waits: met it               who is refused for it: met it   nobody meets it any longer
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use super::patience::Patience;
use super::process::Process;
use crate::engine::legs::Journey;
use crate::model::fault::Touched;

/// What legs met, a bit each by the number of the fault.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Those of the last renewal.
    last: AtomicU64,
    /// Those since there were tokens.
    failing: AtomicU64,
}

impl Process {
    /// A renewal is over that began when the tokens were of `generation`. Said before the next begins.
    pub(super) fn has_met(&self, journey: &Journey, generation: u64) {
        let Touched(met) = journey.met();
        let has_tokens = self.grant.generation() != generation && self.grant.token().is_some();
        self.met.last.store(met, Ordering::Relaxed);
        if has_tokens {
            self.met.failing.store(0, Ordering::Relaxed);
        } else {
            self.met.failing.fetch_or(met, Ordering::Relaxed);
        }
    }

    /// A login begins, which needs nothing that an earlier leg was to bring: should it fail, that is not
    /// why.
    pub(super) fn forget_met(&self) {
        if !self.realm.has_nobody() {
            self.met.failing.store(0, Ordering::Relaxed);
        }
    }

    /// The exchange waited for somebody else's renewal.
    pub(super) fn waited_for(&self, patience: &mut Patience) {
        patience.has_met(Touched(self.met.last.load(Ordering::Relaxed)));
    }

    /// The exchange goes without new tokens, or without any.
    pub(super) fn goes_without(&self, patience: &mut Patience) {
        patience.has_met(Touched(self.met.failing.load(Ordering::Relaxed)));
    }

    /// The same user in another load goes without for the same reason.
    pub(super) fn pass_met_on(&self, heir: &Self) {
        let failing = self.met.failing.load(Ordering::Relaxed);
        heir.met.failing.store(failing, Ordering::Relaxed);
    }
}
