//! Faults of a network: what happens to connections, and to the bytes of their two directions.

use std::time::Duration;

use crate::model::distribution::Distribution;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

/// What one direction of a connection does to what passes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Each chunk comes so much later than it would, in its order.
    Latency(Distribution),
    /// So many bytes a second pass, at least one.
    Bandwidth(u64),
    /// Chunks come in slices.
    Slicer {
        /// Mean size of a slice in bytes, at least one.
        size: u64,
        /// A slice is at most so many bytes smaller or larger.
        variation: u64,
        /// Between two slices of a chunk.
        delay: Duration,
    },
    /// So many bytes pass in all, then comes the end.
    Limit {
        /// Bytes, counted from when the effect began on the connection.
        bytes: u64,
        /// What comes then.
        then: Ending,
    },
    /// This share of bytes is changed; 0 to 1.
    Corruption(f64),
    /// Nothing passes as long as this lasts; it comes afterwards, as over a line that was dead.
    Hold,
    /// Nothing passes after so many bytes as long as this lasts, and it never comes.
    Discard(u64),
    /// The end comes so long after the effect began on the connection.
    EndAfter(Duration, Ending),
    /// The other side hears so much later that this one closed.
    SlowClose(Duration),
}

/// How a connection ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This direction is closed (FIN), the other one goes on.
    HalfClosed,
    /// Both directions are closed.
    Closed,
    /// Both ends are reset (RST).
    Reset,
}

/// What a fault of the network does.
#[derive(Debug, Clone, PartialEq)]
pub enum Network {
    /// To what passes, in these directions.
    Lane(Vec<(Direction, Effect)>),
    /// New connections are reset as soon as they are there.
    Refuse,
    /// Nobody listens, and connections that are there are reset.
    Down,
}
