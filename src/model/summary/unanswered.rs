//! Times that nobody waited out: what was measured is less than what it would have taken.
//!
//! They stay in the percentiles, for leaving them out would flatter the target that hangs, and are
//! kept a second time here, so that a percentile they could move is known to be a lower bound.

use std::time::Duration;

use crate::model::event::Call;
use crate::model::histogram::Histogram;

/// The times of what ended without an answer while one could still have come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unanswered {
    /// Their response so far.
    pub response: Histogram,
    /// Their service so far: those that were sent.
    pub service: Histogram,
}

impl Unanswered {
    pub(super) fn add_call(&mut self, call: &Call) {
        if call.outcome.is_unanswered() {
            self.add(call.instants.response(), call.instants.service());
        }
    }

    pub(super) fn add(&mut self, response: Duration, service: Option<Duration>) {
        self.response.record(response);
        if let Some(service) = service {
            self.service.record(service);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
    }
}
