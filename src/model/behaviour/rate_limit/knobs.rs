//! The knobs of `check-rate-limit`, and what its scenario says besides.

use std::time::Duration;

use crate::model::plan::limits::Allowance;

/// `check-rate-limit`: what there is to be known of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// What is declared; without it the limit is looked for.
    pub allow: Option<Allowance>,
    /// How many at once are declared to be served after a rest.
    pub at_once: u32,
    /// Requests in all, at most.
    pub max_requests: u32,
    /// Calls sent at once where it has to be quick.
    pub together: u32,
    /// Calls below the limit, and at which share of what is allowed.
    pub calm: (u32, f64),
    /// Bursts.
    pub bursts: u32,
    /// Quiet before a burst.
    pub rest: Option<Duration>,
    /// More than is allowed is asked for so long...
    pub pressing: Option<Duration>,
    /// ... and so many times as much.
    pub press: f64,
    /// Times that the edge of a window is looked for.
    pub edges: u32,
    /// Times that each other user, session, address, tool and method is tried.
    pub tries: u32,
    /// Users that ask little while one asks too much.
    pub quiet: u32,
    /// For so long.
    pub fair: Option<Duration>,
    /// The longest that one refusal is waited for.
    pub patience: Duration,
    /// Users have credentials of their own.
    pub has_users: bool,
    /// They have tokens that can be refreshed.
    pub has_tokens: bool,
    /// Addresses to leave from.
    pub addresses: u32,
}
