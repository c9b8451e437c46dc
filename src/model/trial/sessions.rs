//! What `check-sessions` tries.

/// One thing that is done in, or to, a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// A call in a session that was just opened.
    Live,
    /// A call in a session that was just opened, and has no id.
    Nameless,
    /// A call with an id that was never issued.
    Unknown,
    /// DELETE.
    Delete,
    /// A call in a session whose DELETE was taken.
    Deleted,
    /// A call of another user's in a session of the first one's, which is open.
    Foreign,
    /// A call in a session that nobody used for longer than it is said to be kept.
    Expired,
    /// A call in a session that was open before a restart, once the target answers again.
    Survivor,
    /// A handshake and a call after it, by a client whose session a restart ended: from the restart
    /// to the answer.
    Reopened,
    /// One handshake of one of two series, one after another: the sessions are not ended until it is
    /// over.
    Opened(u8),
    /// The same where each session is ended with DELETE.
    OpenedAndEnded,
}
