//! The seam of faults at the client's end: what befalls an exchange or a call, asked once for each.
//! Who knows the faults of a scenario answers; the clients and their wire do as they are told.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::fault::{Cut, Parting, Skew, Touched};
use crate::model::operation::Operation;

/// Says what befalls exchanges and calls.
pub trait Weather: fmt::Debug + Send + Sync {
    /// What befalls an exchange that begins now.
    fn over_exchange(&self, tag: &Tag<'_>) -> Option<Spell>;

    /// When a call that begins now is cancelled, unless it has ended by then.
    fn cancels(&self, tag: &Tag<'_>) -> Option<By<Duration>>;

    /// How a call that failed now is made again.
    fn retries(&self, tag: &Tag<'_>) -> Option<By<Again>>;

    /// What the process of this user takes the time to be now, if not what it is.
    fn skews(&self, user: u32) -> Option<By<Skew>>;
}

/// An exchange or a call, as faults match it.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    /// Which simulated user.
    pub user: u32,
    /// Its number among the user's: exchanges and calls are counted apart.
    pub number: u32,
    /// What it carries.
    pub operation: Operation,
    /// The tool that is called.
    pub tool: Option<&'a str>,
}

/// What a fault does, and which fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By<T> {
    /// The fault's number among the scenario's.
    pub fault: u8,
    /// What it does.
    pub what: T,
}

/// What befalls one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spell {
    /// A stream is cut.
    pub cut: Option<By<Cut>>,
    /// The client leaves.
    pub leave: Option<By<Leave>>,
    /// Nothing of a stream is read for a while.
    pub hold: Option<By<Hold>>,
    /// A stream is read so many bytes a second.
    pub drip: Option<By<u64>>,
    /// Any body is read so many bytes a second, at 0 none.
    pub slow: Option<By<u64>>,
    /// The request is delivered once more.
    pub twice: Option<By<()>>,
    /// Beside it a stream is opened, and kept for so long.
    pub idle: Option<By<Duration>>,
    /// It goes without its session.
    pub no_session: Option<By<()>>,
    /// It goes without its protocol version.
    pub no_version: Option<By<()>>,
    /// It goes on a connection of its own, from this address where one is given.
    pub alone: Option<By<Option<IpAddr>>>,
}

/// When a client leaves, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// So long after it has a connection; with the head of the answer where there is none.
    pub after: Option<Duration>,
    /// How.
    pub parting: Parting,
}

/// How long nothing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// So long from the stream's head.
    For(Duration),
    /// Until then, since the start of the run.
    Until(Duration),
    /// For ever.
    Ever,
}

/// How a call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// So often at most.
    pub times: u32,
    /// So long after it failed.
    pub pause: Duration,
}

impl<T> By<T> {
    /// The fault, as what met it is marked.
    pub const fn touched(&self) -> Touched {
        Touched::by(self.fault)
    }
}
