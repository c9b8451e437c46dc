//! What was found out of a target's rate limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was found out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RateLimits {
    /// All of it in one paragraph.
    pub description: String,
    /// Requests that were sent to find out; 0 where only what a load met is known.
    pub probes: u64,
    /// What is allowed in the long run, in requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<Between>,
    /// Served at once after a rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Between>,
    /// How it counts: `token bucket`, `fixed window`, `sliding window`, or what is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// What it counts by: `user`, `address`, `session`, `tool`, `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Refusals by how they looked.
    pub signals: BTreeMap<String, u64>,
    /// What refusals said of when to come again.
    pub retry_after: RetryAfter,
    /// Who and what else was tried while one was refused.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, Tried>,
    /// Calls of users that asked little while one asked too much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
}

/// A figure, and what it lies between for certain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// What refusals said of when to come again, and whether it was true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryAfter {
    /// Refusals that said it in a form that clients read.
    pub told: u64,
    /// Those that did not.
    pub untold: u64,
    /// Who came then and was served.
    pub obeyed: u64,
    /// Who came then and was refused again.
    pub in_vain: u64,
    /// Who came more than a second earlier and was refused.
    pub still_refused: u64,
    /// Who came more than a second earlier and was served.
    pub served_early: u64,
}

/// What trials of one variation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tried {
    /// Served while the one was refused.
    pub apart: u32,
    /// Refused with it.
    pub together: u32,
    /// Partly served.
    pub mixed: u32,
    /// The one was not refused, or something else went wrong.
    pub void: u32,
}

/// Calls of quiet users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quiet {
    /// Calls.
    pub calls: u64,
    /// Of these, refused.
    pub refused: u64,
}
