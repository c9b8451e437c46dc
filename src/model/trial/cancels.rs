//! What `check-cancel` tries.

use std::time::Duration;

/// One call, cancelled or not, or what tells that a call was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// A call of the slow tool that is left alone.
    Alone,
    /// One that is cancelled in the middle.
    Cancelled(Seen),
    /// One whose stream is closed in the middle, which is how the era without sessions cancels.
    Closed,
    /// A request right after that, in the same session.
    After,
    /// A call behind as many slow ones as the target works on at once.
    Behind {
        /// Those were cancelled.
        cancelled: bool,
        /// When they end if they are not.
        due: Duration,
    },
    /// A call that is cancelled about the instant of its answer.
    Raced {
        /// How far its answer was from that, if there was one.
        apart: Option<Duration>,
    },
    /// What tells that.
    Notice,
    /// A request after that, in the same session.
    AfterRace,
}

/// What was seen of a cancelled call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When the notification was sent, if the target took it.
    pub taken: Option<Duration>,
    /// When an answer came, if one did.
    pub answered: Option<Duration>,
    /// Whether the call ended while it was watched.
    pub has_ended: bool,
    /// How much longer it would have taken.
    pub left: Duration,
}
