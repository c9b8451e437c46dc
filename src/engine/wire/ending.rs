//! Why exchanges end before their time, and what they count as then.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::model::fault::Touched;
use crate::model::outcome::Outcome;

/// Why a run's exchanges end before their time.
///
/// The low byte says why; the high one is one more than the number of the fault that did it.
#[derive(Debug, Default)]
pub struct Ending(AtomicU16);

impl Ending {
    /// The person stopped the run.
    pub fn stopped(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// A fault of the scenario takes a call away.
    pub fn cancelled(&self, fault: u8) {
        self.0.store((u16::from(fault) + 1) << 8 | 1, Ordering::Relaxed);
    }

    /// The fault that ends them.
    pub fn touched(&self) -> Touched {
        let fault = (self.0.load(Ordering::Relaxed) >> 8).checked_sub(1);
        fault.and_then(|fault| u8::try_from(fault).ok()).map_or(Touched::default(), Touched::by)
    }

    /// The load is over.
    pub fn cut(&self) {
        self.0.store(2, Ordering::Relaxed);
    }

    /// A new run begins.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the person stopped the run, or a fault took the call away.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) & 0xff == 1
    }

    /// What an exchange or call that is dropped now counts as.
    pub fn outcome(&self) -> Outcome {
        if self.is_stopped() { Outcome::Cancelled } else { Outcome::Unfinished }
    }
}
