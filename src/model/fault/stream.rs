//! Faults of answers that come as events, at the client's end of them.

use std::time::Duration;

/// What happens to an answer that comes as events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStream {
    /// The client ends it before its time.
    Cut(Cut),
    /// The client reads nothing of it for so long, or as long as the window lasts; then it goes on.
    Hold(Option<Duration>),
    /// The client reads so many bytes of it a second, at least one.
    Drip(u64),
}

/// Where a stream ends before its time, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where.
    pub point: Point,
    /// How.
    pub parting: Parting,
}

/// A point in a stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before the event that is the answer.
    BeforeAnswer,
    /// After so many events.
    AfterEvents(u32),
    /// In the middle of the event after so many.
    InEvent(u32),
}

/// How a client leaves a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parting {
    /// It resets it (RST). A stream of HTTP/2 is reset in either way, and its connection goes on.
    Reset,
    /// It closes it (FIN).
    Closed,
}
