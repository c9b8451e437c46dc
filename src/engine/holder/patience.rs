//! What one exchange went through to come to its credential.

use std::time::Duration;

use crate::model::fault::Touched;

/// How much one exchange has put up with so far.
#[derive(Debug, Default)]
pub struct Patience {
    pub(super) renewed: bool,
    pub(super) step_ups: u32,
    /// Legs that this took.
    pub legs: u32,
    /// How long a person was waited for, which is no exchange's time.
    pub waited: Duration,
    /// The faults that made its credential another, or are why there is none.
    pub touched: Touched,
}

impl Patience {
    /// Whether the exchange has been refused, and given another credential.
    pub(super) const fn has_been_given(&self) -> bool {
        self.renewed || self.step_ups > 0
    }

    /// These are part of why its credential is what it is.
    pub(super) fn has_met(&mut self, faults: Touched) {
        self.touched = self.touched.and(faults);
    }
}
