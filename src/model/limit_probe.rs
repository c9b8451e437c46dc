//! One request that is sent to find out about a limit: by whom, what, to what end, and what came of
//! it.

use std::time::Duration;

use super::behaviour::Ask;
use super::outcome::{Class, Outcome, Throttle};

/// Whose request it is, counted within the run: 0 is the one whose limit is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Who {
    /// Which user, with a credential of its own.
    pub user: u16,
    /// Which session of that user's.
    pub session: u16,
    /// Which of the addresses it leaves from.
    pub place: u16,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A tool call.
    Call,
    /// A handshake, in a session that has had none.
    Handshake,
    /// `tools/list`.
    List,
    /// A refresh of the user's tokens.
    Refresh,
}

/// What about a request is another than the one that is refused has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Varied {
    /// The user, and so the session.
    User,
    /// The session.
    Session,
    /// The address, and so the session.
    Address,
    /// The tool.
    Tool,
    /// It is a handshake.
    Handshake,
    /// It is a list.
    List,
    /// It is a refresh at the token endpoint.
    Refresh,
}

/// To what end it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// So that what follows costs no handshake and no login.
    Warm,
    /// Below the declared limit.
    Calm,
    /// As many at once as there are, after a rest.
    Burst,
    /// When the target said that it may come again.
    Obeyed,
    /// Before that.
    TooEarly,
    /// Again and again until one is served.
    Until,
    /// More than is allowed, evenly.
    Press,
    /// To use up what is left.
    Spent,
    /// The one that is refused, just before another is tried.
    Before,
    /// Another one.
    Another(Varied),
    /// The one that is refused, just after.
    After,
    /// All there is, shortly before a window's edge.
    EdgeBefore,
    /// All there is, shortly after it.
    EdgeAfter,
    /// By the user that asks too much.
    Noisy,
    /// By one that asks little meanwhile.
    Quiet,
}

/// A request to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shot {
    /// Whose.
    pub who: Who,
    /// What is asked.
    pub what: What,
    /// The tool and its arguments, of a call.
    pub ask: Ask,
    /// To what end.
    pub part: Part,
    /// Which repetition of that.
    pub round: u16,
}

/// A request that was sent, or could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// What was to be sent.
    pub shot: Shot,
    /// When its first byte left; when it was begun, if none did.
    pub sent: Duration,
    /// When its answer was there.
    pub done: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

impl Probe {
    /// Whether what was asked was done.
    pub fn is_served(&self) -> bool {
        self.outcome.class() == Class::Ok
    }

    /// What it was told, if it was one too many.
    pub const fn throttle(&self) -> Option<Throttle> {
        match self.outcome {
            Outcome::Throttled(throttle) => Some(throttle),
            _ => None,
        }
    }
}
