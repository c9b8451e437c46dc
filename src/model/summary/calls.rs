//! Calls as their users saw them: how they ended and how long each part took.
//!
//! Response covers every call that came due and ended, in whatever way: a failure with the time
//! until it failed, a call never sent with the time its user waited for nothing, a call still open
//! when the run was cut with the time until then. Leaving those out would flatter the target that
//! hangs. For the last kind the figure is a lower bound, so their number stands beside it.

use super::unanswered::Unanswered;
use crate::model::event::Call;
use crate::model::histogram::Histogram;
use crate::model::outcome::Class;

/// How many ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    by_class: [u64; Class::ALL.len()],
    unsent: u64,
}

impl Tally {
    /// Counts one. `sent` says whether a byte of it left.
    pub fn add(&mut self, class: Class, sent: bool) {
        self.by_class[class as usize] += 1;
        // A failed connection was an attempt on the target and counts as sent; a call that its
        // person or the end of the run took away while it was held never reached anybody.
        let attempted = match class {
            Class::Cancelled | Class::Unfinished => sent,
            _ => class.was_sent(),
        };
        self.unsent += u64::from(!attempted);
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.by_class.iter_mut().zip(other.by_class).for_each(|(mine, theirs)| *mine += theirs);
        self.unsent += other.unsent;
    }

    /// How many ended so.
    pub fn of(&self, class: Class) -> u64 {
        self.by_class[class as usize]
    }

    /// All of them.
    pub fn count(&self) -> u64 {
        self.by_class.iter().sum()
    }

    /// Those that reached for the target: what errors are a share of.
    pub fn sent(&self) -> u64 {
        self.count() - self.unsent
    }

    /// Those that ended in an error, see [`Class::is_error`].
    pub fn errors(&self) -> u64 {
        Class::ALL.into_iter().filter(|class| class.is_error()).map(|class| self.of(class)).sum()
    }
}

/// The five times of design: response = lag + held + preparation + service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Times {
    /// What the user felt: every call.
    pub response: Histogram,
    /// The same of calls that ended well.
    pub response_ok: Histogram,
    /// What the target did: calls that were sent.
    pub service: Histogram,
    /// Connecting and handshake: calls that were sent.
    pub preparation: Histogram,
    /// The client's cap and queue: calls that were admitted.
    pub held: Histogram,
    /// The generator's own: every call.
    pub lag: Histogram,
    /// Those of these that are only lower bounds.
    pub unanswered: Unanswered,
}

impl Times {
    fn add(&mut self, call: &Call) {
        let instants = &call.instants;
        let response = instants.response();
        self.response.record(response);
        self.unanswered.add_call(call);
        if call.outcome.class() == Class::Ok {
            self.response_ok.record(response);
        }
        self.lag.record(instants.lag());
        if let Some(held) = instants.held() {
            self.held.record(held);
        }
        if let Some(preparation) = instants.preparation() {
            self.preparation.record(preparation);
        }
        if let Some(service) = instants.service() {
            self.service.record(service);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.response_ok.merge(&other.response_ok);
        self.service.merge(&other.service);
        self.preparation.merge(&other.preparation);
        self.held.merge(&other.held);
        self.lag.merge(&other.lag);
        self.unanswered.merge(&other.unanswered);
    }
}

/// All calls of tools.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calls {
    /// How they ended.
    pub tally: Tally,
    /// How long they took.
    pub times: Times,
    /// Characters of text in results.
    pub result_chars: u64,
    /// Results longer than the client reads.
    pub over_cap: u64,
}

impl Calls {
    pub(super) fn add(&mut self, call: &Call) {
        self.tally.add(call.outcome.class(), call.instants.sent.is_some());
        self.times.add(call);
        self.result_chars += u64::from(call.result_chars);
        self.over_cap += u64::from(call.over_cap);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.times.merge(&other.times);
        self.result_chars += other.result_chars;
        self.over_cap += other.over_cap;
    }
}

/// The calls of one tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tool {
    /// Its name, as the target wrote it.
    pub name: String,
    /// How they ended.
    pub tally: Tally,
    /// What users felt.
    pub response: Histogram,
    /// What the target did.
    pub service: Histogram,
    /// Those of these that are only lower bounds.
    pub unanswered: Unanswered,
    /// Characters of text in results.
    pub result_chars: u64,
    /// Results longer than the client reads.
    pub over_cap: u64,
}

impl Tool {
    pub(super) fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    pub(super) fn add(&mut self, call: &Call) {
        self.tally.add(call.outcome.class(), call.instants.sent.is_some());
        self.response.record(call.instants.response());
        if let Some(service) = call.instants.service() {
            self.service.record(service);
        }
        self.unanswered.add_call(call);
        self.result_chars += u64::from(call.result_chars);
        self.over_cap += u64::from(call.over_cap);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.unanswered.merge(&other.unanswered);
        self.result_chars += other.result_chars;
        self.over_cap += other.over_cap;
    }
}

/// The calls of one class of user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserClass {
    /// Its name in the plan.
    pub name: String,
    /// How its calls ended.
    pub tally: Tally,
    /// What its users felt.
    pub response: Histogram,
    /// What the target did.
    pub service: Histogram,
    /// Those of these that are only lower bounds.
    pub unanswered: Unanswered,
}

impl UserClass {
    pub(super) fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    pub(super) fn add(&mut self, call: &Call) {
        self.tally.add(call.outcome.class(), call.instants.sent.is_some());
        self.response.record(call.instants.response());
        if let Some(service) = call.instants.service() {
            self.service.record(service);
        }
        self.unanswered.add_call(call);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.unanswered.merge(&other.unanswered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_a_share_of_what_was_sent() {
        let mut tally = Tally::default();
        for (class, sent) in [
            (Class::Ok, true),
            (Class::ToolError, true),
            (Class::Connect, false),
            (Class::NeverSent, false),
            (Class::Cancelled, false),
            (Class::Cancelled, true),
            (Class::Throttled, true),
        ] {
            tally.add(class, sent);
        }
        assert_eq!((tally.count(), tally.sent(), tally.errors()), (7, 5, 2));
    }
}
