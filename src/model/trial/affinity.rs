//! What `check-affinity` tries.

/// One thing that is done to find a session again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// A session was opened: what follows is in it.
    Opened,
    /// A call on a connection of its own, from the address with this number; 0 is the one that the
    /// session was opened from.
    Fresh(u32),
    /// A call of the client that opened the session, on a connection that it has.
    Kept,
    /// `notifications/initialized` on another connection than `initialize` was sent on.
    Confirmed,
    /// A call in a session that began so.
    Begun,
}
