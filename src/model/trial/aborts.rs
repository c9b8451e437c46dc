//! What `check-abort-liveness` tries.

use std::time::Duration;

use crate::model::fault::Parting;

/// One request of a client, or one that its client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// A step of a client that comes before any stream is cut.
    Before(Step),
    /// A call whose client leaves it.
    Left(Left),
    /// A step of a client that comes after all of them were cut.
    After(Step),
    /// A call in the session in which streams were cut.
    Kept,
    /// Time that was left to what was left: then others come again.
    Rested(Duration),
}

/// A step of a client's first minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The handshake.
    Handshake,
    /// `tools/list`.
    List,
    /// A call.
    Call,
}

/// How a call is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// In the session that stays, or in one of its own.
    pub in_kept: bool,
    /// With the head of its answer, or right after it was sent.
    pub at_head: bool,
    /// With RST or with FIN.
    pub parting: Parting,
}
