//! What one answer says of the token that was presented.

use std::fmt;

use crate::model::event::{Challenged, Presented};
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

/// What was answered to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// What was asked was done.
    Accepted,
    /// 401, and what it challenged.
    Refused(Challenged),
    /// Neither: something that no client takes for the end of its token.
    Wrong(Wrong),
    /// It says nothing about the token.
    Nothing,
}

/// A refusal that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    /// Another status than 401.
    Status(u16),
    /// A status of success, with something that is no result.
    Error(u16),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Error(status) => write!(f, "HTTP {status} with an error"),
        }
    }
}

impl Answer {
    /// Servers may let anybody connect, and ask for a token where a tool is called: only a call that
    /// was answered shows that its token was accepted. A limit, a lost session or a gateway is about
    /// something else, and what a server says to paths and methods that it has not comes before the
    /// token.
    pub(super) fn of(presented: &Presented) -> Self {
        let Presented { operation, outcome, challenge, .. } = *presented;
        let Some(status) = presented.status else { return Self::Nothing };
        let is_method =
            matches!(operation, Operation::Stream | Operation::Resume | Operation::Delete);
        match (status, outcome) {
            (401, _) => Self::Refused(challenge),
            (_, Outcome::Throttled(_) | Outcome::SessionLost(_))
            | (404..=406 | 429 | 502..=504, _) => Self::Nothing,
            _ if is_method => Self::Nothing,
            (200..300, Outcome::ToolError | Outcome::RpcError(_) | Outcome::Violation(_)) => {
                Self::Wrong(Wrong::Error(status))
            }
            (200..300, _) if operation == Operation::ToolsCall => Self::Accepted,
            (200..300, _) => Self::Nothing,
            _ => Self::Wrong(Wrong::Status(status)),
        }
    }
}
