//! Why exchanges end before their time, and what they count as then.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::outcome::Outcome;

/// Why a run's exchanges end before their time.
#[derive(Debug, Default)]
pub struct Ending(AtomicU8);

impl Ending {
    /// The person stopped the run.
    pub fn stopped(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// The load is over.
    pub fn cut(&self) {
        self.0.store(2, Ordering::Relaxed);
    }

    /// A new run begins.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the person stopped the run.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }

    /// What an exchange or call that is dropped now counts as.
    pub fn outcome(&self) -> Outcome {
        if self.is_stopped() { Outcome::Cancelled } else { Outcome::Unfinished }
    }
}
