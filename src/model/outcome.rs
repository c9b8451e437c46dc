//! How a call ended, as the client that made it could tell.

mod connect;
mod rule;

use std::time::Duration;

pub use connect::{ConnectFailure, TlsFailure};
pub use rule::Rule;

/// The end of one call. What the target does wrong is an outcome, never an `Err`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A result without `isError`.
    Ok,
    /// A result with `isError: true`.
    ToolError,
    /// A JSON-RPC error object with this code, whatever the HTTP status.
    RpcError(i64),
    /// The target said "too much", in one of five shapes.
    Throttled(Throttle),
    /// HTTP 401 or 403 with this status.
    Unauthorised(u16),
    /// The session was refused with this status, and a new handshake did not help or was not made.
    SessionLost(u16),
    /// Another HTTP status that is no answer.
    Status(u16),
    /// The answer's body or stream ended before the answer was whole.
    CutStream,
    /// The client's own patience ended.
    Timeout,
    /// No connection, or none that lasted until the request was out.
    Connect(ConnectFailure),
    /// The answer broke a rule of the protocol.
    Violation(Rule),
    /// The person stopped the run.
    Cancelled,
    /// The client's own in-flight cap never let it go.
    NeverSent,
    /// Still open when the run was cut.
    Unfinished,
}

/// What kind of "too much" was heard, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// The shape of the refusal.
    pub signal: Signal,
    /// How long the target asked to wait, if it said so.
    pub retry_after: Option<Duration>,
}

/// The shapes of a rate limit seen in the wild; MCP specifies none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// HTTP 429, body not JSON-RPC.
    Http429,
    /// HTTP 429 with a JSON-RPC error in its body.
    Http429Rpc,
    /// HTTP 200 with a JSON-RPC error.
    RpcError,
    /// HTTP 200 with `isError: true`, or a rate-limit code in `structuredContent`.
    ToolError,
    /// HTTP 503 or 403 with `Retry-After`, or a session pool that says it is full.
    Disguised,
}

impl Signal {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http429 => "HTTP 429",
            Self::Http429Rpc => "HTTP 429 with a JSON-RPC error",
            Self::RpcError => "JSON-RPC error in HTTP 200",
            Self::ToolError => "isError result in HTTP 200",
            Self::Disguised => "disguised (503, 403 or a full session pool)",
        }
    }
}

/// `Outcome` without its details: what counters and behaviours look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// See [`Outcome::Ok`]; the others likewise.
    Ok,
    #[expect(missing_docs, reason = "named as in Outcome")]
    ToolError,
    #[expect(missing_docs, reason = "named as in Outcome")]
    RpcError,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Throttled,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Unauthorised,
    #[expect(missing_docs, reason = "named as in Outcome")]
    SessionLost,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Status,
    #[expect(missing_docs, reason = "named as in Outcome")]
    CutStream,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Timeout,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Connect,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Violation,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Cancelled,
    #[expect(missing_docs, reason = "named as in Outcome")]
    NeverSent,
    #[expect(missing_docs, reason = "named as in Outcome")]
    Unfinished,
}

impl Class {
    /// Every class, in the order reports list them.
    pub const ALL: [Self; 14] = [
        Self::Ok,
        Self::ToolError,
        Self::RpcError,
        Self::Throttled,
        Self::Unauthorised,
        Self::SessionLost,
        Self::Status,
        Self::CutStream,
        Self::Timeout,
        Self::Connect,
        Self::Violation,
        Self::Cancelled,
        Self::NeverSent,
        Self::Unfinished,
    ];

    /// The name in `run.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::RpcError => "rpc_error",
            Self::Throttled => "throttled",
            Self::Unauthorised => "unauthorised",
            Self::SessionLost => "session_lost",
            Self::Status => "http_status",
            Self::CutStream => "cut_stream",
            Self::Timeout => "timeout",
            Self::Connect => "connect_failure",
            Self::Violation => "violation",
            Self::Cancelled => "cancelled",
            Self::NeverSent => "never_sent",
            Self::Unfinished => "unfinished",
        }
    }

    /// Whether this end counts as an error: everything but ok, throttled, cancelled, never sent
    /// and unfinished. A tool error counts.
    pub const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::Ok | Self::Throttled | Self::Cancelled | Self::NeverSent | Self::Unfinished
        )
    }

    /// Whether the call was sent at all.
    pub const fn was_sent(self) -> bool {
        !matches!(self, Self::NeverSent)
    }
}

impl Outcome {
    /// Whether somebody stopped waiting while the target could still have answered: the client's
    /// patience ended, or the run did. The time measured is then at least, not exactly, what it
    /// takes. A call its own person took away is over for that person, so it is none of these.
    pub const fn is_unanswered(&self) -> bool {
        matches!(self, Self::Timeout | Self::Unfinished | Self::Connect(ConnectFailure::TimedOut))
    }

    /// The class that counters use.
    pub const fn class(&self) -> Class {
        match self {
            Self::Ok => Class::Ok,
            Self::ToolError => Class::ToolError,
            Self::RpcError(_) => Class::RpcError,
            Self::Throttled(_) => Class::Throttled,
            Self::Unauthorised(_) => Class::Unauthorised,
            Self::SessionLost(_) => Class::SessionLost,
            Self::Status(_) => Class::Status,
            Self::CutStream => Class::CutStream,
            Self::Timeout => Class::Timeout,
            Self::Connect(_) => Class::Connect,
            Self::Violation(_) => Class::Violation,
            Self::Cancelled => Class::Cancelled,
            Self::NeverSent => Class::NeverSent,
            Self::Unfinished => Class::Unfinished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_all_ends_but_five() {
        let not_errors: Vec<_> =
            Class::ALL.into_iter().filter(|class| !class.is_error()).map(Class::name).collect();
        assert_eq!(not_errors, ["ok", "throttled", "cancelled", "never_sent", "unfinished"]);
    }

    #[test]
    fn class_order_is_its_number() {
        for (number, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number);
        }
    }
}
