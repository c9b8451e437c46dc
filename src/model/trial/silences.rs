//! What `check-idle-streams` tries.

use std::time::Duration;

/// A stream that is held, or a call that tells how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// Something on which nothing happens.
    Held(Held),
    /// A call that asked for progress.
    Told(Told),
}

/// Something that is held open, and on which nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What.
    pub kind: Kind,
    /// So long.
    pub silence: Duration,
    /// When it began: with the head of a stream, or with a call that was sent.
    pub opened: Option<Duration>,
    /// Pieces that came on it.
    pub beats: u32,
    /// When the last of them came.
    pub last: Option<Duration>,
    /// Its events have ids: its server may end it to be asked again.
    pub resumes: bool,
    /// It is held once more, as it was cut before.
    pub again: bool,
}

/// What can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A session's stream, opened with GET.
    Get,
    /// `subscriptions/listen`.
    Listen,
    /// A call that takes its time.
    Call,
}

/// What a call told before its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Messages before the answer.
    pub messages: u32,
    /// When the first of them came.
    pub first: Option<Duration>,
    /// When the answer came.
    pub answered: Option<Duration>,
}
