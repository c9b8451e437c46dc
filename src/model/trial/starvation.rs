//! What `check-starvation` tries.

use std::time::Duration;

/// So many times what they took alone, cheap requests take, before they are starved.
const TIMES: u32 = 5;
/// Less than this starves nobody: a person waits longer for a page.
const LEAST: Duration = Duration::from_secs(1);
/// One in so many of them has to take that long: one that does may be anybody's hiccup.
const ONE_IN: usize = 10;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// A call of the slow tool, with nothing else in flight.
    Alone,
    /// A cheap request.
    Cheap(At),
    /// A call of the slow tool, which others are in flight with.
    Slow(At),
}

/// When it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// In which round.
    pub round: u32,
    /// With so many slow calls in flight.
    pub slow: u32,
}

/// From here on a cheap request took too long, where 99 in 100 took no more than this alone.
pub fn limit(alone: Duration) -> Duration {
    alone.saturating_mul(TIMES).max(LEAST)
}

/// Whether so many too long ones of so many are too many.
pub const fn are_starved(long: usize, count: usize) -> bool {
    count > 0 && long > 1 && long * ONE_IN >= count
}
