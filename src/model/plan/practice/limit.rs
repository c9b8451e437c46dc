//! The practice target's rate limit: `[practice] limit`, `squall serve --limit`.

use std::fmt;

use crate::model::plan::limits::{Allowance, Per, Says, word};

/// A rate limit; it prints as the table that a scenario has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// How much it allows.
    pub allow: Allowance,
    /// What the bucket holds; no more than what is allowed unless it says so.
    pub burst: u32,
    /// What it counts by.
    pub per: Per,
    /// How it counts.
    pub kind: Kind,
    /// Methods that it counts, and refuses.
    pub counts: Vec<String>,
    /// How it refuses.
    pub signal: Says,
    /// Whether a refusal says when to come again.
    pub retry_after: bool,
}

/// How a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A token bucket: it fills evenly, and each request takes one.
    Bucket,
    /// Windows that begin with the first request after the one before.
    Fixed,
    /// Any stretch of time as long as the window.
    Sliding,
}

impl Kind {
    /// Each, by its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("bucket", Self::Bucket), ("fixed", Self::Fixed), ("sliding", Self::Sliding)];

    /// Its word in scenarios.
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

/// What is counted where nothing else is said.
pub const COUNTED: &str = "tools/call";

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allow, burst, per, kind, counts, signal, retry_after } = self;
        write!(f, "{{ allow = \"{allow}\"")?;
        if *kind == Kind::Bucket {
            write!(f, ", burst = {burst}")?;
        }
        write!(f, ", per = \"{}\", kind = \"{}\", counts = [", per.word(), kind.word())?;
        for (at, method) in counts.iter().enumerate() {
            write!(f, "{}\"{method}\"", if at == 0 { "" } else { ", " })?;
        }
        write!(f, "], signal = \"{}\", retry_after = {retry_after} }}", signal.word())
    }
}
