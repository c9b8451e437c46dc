//! The practice target's knobs: `[practice]` in a scenario, the flags of `squall serve`.

mod flaw;
pub mod limit;

use std::time::Duration;

pub use flaw::{Flaw, Flaws};
pub use limit::Limit;

use super::authorization::Authorization;
use crate::model::distribution::Distribution;

/// The practice target's knobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Practice {
    /// Which eras and transports it speaks.
    pub speaks: Speaks,
    /// What it offers.
    pub catalogue: Catalogue,
    /// Service time of a tool call.
    pub latency: Distribution,
    /// Calls worked on at once; the rest queue. 0 is no limit.
    pub workers: u32,
    /// How requests are answered.
    pub answers: Answers,
    /// Whether sessions are issued and demanded.
    pub sessions: Sessions,
    /// Whether a session's event streams can be resumed with `Last-Event-ID`.
    pub resumable: bool,
    /// A session that nobody used for so long is ended.
    pub idle: Option<Duration>,
    /// What a resumable stream asks its client to wait for before it comes back.
    pub retry: Duration,
    /// Median size of a `search` or `fetch` result in bytes; the tail is heavy.
    pub result_bytes: u32,
    /// Seed of service times and sizes.
    pub seed: u64,
    /// What is wrong with it.
    pub defects: Flaws,
    /// The authorization server; none: whoever asks is answered.
    pub auth: Option<Authorization>,
    /// The rate limit; none: whoever asks is answered.
    pub limit: Option<Limit>,
}

impl Default for Practice {
    /// As fast as it can, correct, with sessions, in every way a server speaks.
    fn default() -> Self {
        Self {
            speaks: Speaks::ALL,
            catalogue: Catalogue::Usual,
            latency: Distribution::constant(Duration::ZERO),
            workers: 0,
            answers: Answers::Json,
            sessions: Sessions::Stateful,
            resumable: false,
            idle: None,
            retry: Duration::from_millis(500),
            result_bytes: 4_000,
            seed: 1,
            defects: Flaws::default(),
            auth: None,
            limit: None,
        }
    }
}

/// A way of speaking MCP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Streamable HTTP with `initialize`: until 2025-11-25.
    Legacy,
    /// Streamable HTTP without a handshake: from 2026-07-28 on.
    Modern,
    /// HTTP+SSE, the two endpoints of 2024-11-05.
    HttpSse,
}

impl Way {
    /// Every way, in the order they are written in.
    pub const ALL: [Self; 3] = [Self::Legacy, Self::Modern, Self::HttpSse];

    /// Its word in scenarios and flags.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
            Self::HttpSse => "http+sse",
        }
    }
}

/// A set of ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaks {
    ways: [bool; Way::ALL.len()],
}

impl Speaks {
    /// All of them.
    pub const ALL: Self = Self { ways: [true; Way::ALL.len()] };

    /// Whether it has this one.
    pub const fn has(self, way: Way) -> bool {
        self.ways[way as usize]
    }

    /// The ways it has, in their order.
    pub fn ways(self) -> impl Iterator<Item = Way> {
        Way::ALL.into_iter().filter(move |way| self.has(*way))
    }
}

impl FromIterator<Way> for Speaks {
    fn from_iter<I: IntoIterator<Item = Way>>(ways: I) -> Self {
        let mut all = [false; Way::ALL.len()];
        ways.into_iter().for_each(|way| all[way as usize] = true);
        Self { ways: all }
    }
}

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogue {
    /// A few tools that cost like others' do.
    Usual,
    /// Everything MCP has a form for, under the names that the official conformance suite calls.
    Full,
}

/// How a server answers a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Sse,
}

/// Whether a server keeps sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// It issues ids and demands them.
    Stateful,
    /// It issues none.
    Stateless,
}
