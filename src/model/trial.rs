//! One thing that a check tried on a target, and what came of it: what judges of checks are fed.

use std::time::Duration;

use super::outcome::{Class, ConnectFailure, Outcome};

pub mod aborts;
pub mod affinity;
pub mod cancels;
pub mod isolation;
pub mod parallel;
pub mod sessions;
pub mod silences;
pub mod slow_consumer;
pub mod starvation;

/// What was tried, by the check that did.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// `check-sessions`.
    Session(sessions::Trial),
    /// `check-abort-liveness`.
    Abort(aborts::Trial),
    /// `check-cancel`.
    Cancel(cancels::Trial),
    /// `check-idle-streams`.
    Silence(silences::Trial),
    /// `check-isolation`.
    Isolation(isolation::Trial),
    /// `check-affinity`.
    Affinity(affinity::Trial),
    /// `check-starvation`.
    Starvation(starvation::Trial),
    /// `check-parallel-scaling`.
    Parallel(parallel::Trial),
    /// `check-slow-consumer`.
    SlowConsumer(slow_consumer::Trial),
}

/// One trial that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// What was tried.
    pub what: What,
    /// Which user tried it.
    pub user: u32,
    /// When its request left; when it was begun, if none did.
    pub sent: Duration,
    /// When its answer was there, or nobody waited for it any longer.
    pub done: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, if a head came.
    pub status: Option<u16>,
}

impl Tried {
    /// Whether it was answered well.
    pub fn is_served(&self) -> bool {
        self.outcome.class() == Class::Ok
    }

    /// Whether it says nothing of what was tried: a rate limit, a credential or we ourselves stood
    /// before it.
    pub const fn is_void(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Throttled(_)
                | Outcome::Unauthorised(_)
                | Outcome::NeverSent
                | Outcome::Unfinished
                | Outcome::Connect(ConnectFailure::Exhausted)
        )
    }

    /// From its request to its answer.
    pub fn took(&self) -> Duration {
        self.done.saturating_sub(self.sent)
    }
}
