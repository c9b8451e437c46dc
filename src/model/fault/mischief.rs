//! Mischief: faults that clients commit, as real clients and brokers do.

use std::net::IpAddr;
use std::time::Duration;

use super::stream::Parting;

/// What clients do wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Mischief {
    /// They leave an exchange under way: so long after it has a connection, or with its head.
    Abandon {
        /// How long after it has a connection; with the head of its answer where nothing is said.
        after: Option<Duration>,
        /// How they leave.
        parting: Parting,
    },
    /// They read so many bytes of an answer's body a second; at 0 they stop reading.
    SlowRead(u64),
    /// They deliver a POST twice, the second time on a connection of its own.
    Twice,
    /// They leave out a header.
    Without(Left),
    /// They cancel all calls in flight at the window's beginning.
    CancelHerd,
    /// They make every call that failed again.
    Retry {
        /// So often at most.
        times: u32,
        /// So long after it failed.
        pause: Duration,
    },
    /// Every request leaves from the next of these addresses, on a connection of its own; none: of
    /// those that the clients have.
    Hop(Vec<IpAddr>),
    /// They open so many connections, send part of a request on each, and nothing more.
    HalfOpen(u32),
    /// Beside each call they open an event stream, and close it after so long.
    IdleStreams(Duration),
    /// `notifications/initialized` comes from a connection of its own, without its session.
    StrayInitialized,
    /// A process takes the time to be another when it asks whether a token is still good.
    ClockSkew(Skew),
}

/// How wrong a process takes the time to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// Later by so much: it throws good tokens away.
    Ahead(Duration),
    /// Earlier by so much: it goes on presenting tokens whose time is over.
    Behind(Duration),
}

impl Skew {
    /// What it takes the time to be when it is `now`.
    pub const fn of(self, now: Duration) -> Duration {
        match self {
            Self::Ahead(by) => now.saturating_add(by),
            Self::Behind(by) => now.saturating_sub(by),
        }
    }
}

/// A header that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// `Mcp-Session-Id`.
    Session,
    /// `MCP-Protocol-Version`.
    Version,
}
