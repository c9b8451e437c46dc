//! What a probe saw, before anybody judges it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

/// Everything that was seen of a target.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What carries HTTP to it.
    pub link: Link,
    /// Days until its certificate ends, where there is one that can be read.
    pub days_left: Option<i64>,
    /// It refuses whoever has no credential.
    pub is_guarded: bool,
    /// What the legs of OAuth took, in their order.
    pub legs: Vec<(Operation, Duration)>,
    /// Why OAuth came to no token, if it was tried and came to none.
    pub no_tokens: Option<NoTokens>,
    /// The ways in which a session could be begun.
    pub ways: Vec<Opened>,
    /// A session of the handshake era has an id.
    pub has_sessions: bool,
    /// The list of tools.
    pub tools: Option<Listed>,
    /// How the call of a read-only tool ended.
    pub call: Option<Called>,
    /// What its page of health answered, where one was named.
    pub health: Option<Health>,
    /// What came of requests that were written by hand.
    pub attempts: BTreeMap<Attempted, Tried>,
    /// The same of requests with uncommon ids.
    pub ids: Vec<(Value, Tried)>,
    /// Answers came as event streams, and this many of them did not say `X-Accel-Buffering: no`.
    pub buffered: Option<u32>,
}

/// What carries HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// TLS.
    Tls,
    /// Nothing that hides it, on this machine.
    #[default]
    Here,
    /// The same, on the way to another one.
    Plain,
}

/// Why OAuth came to no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTokens {
    /// The leg.
    pub leg: Operation,
    /// What was expected and found.
    pub said: String,
    /// What helps.
    pub what_to_do: &'static str,
}

/// A session that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The request that began it.
    pub with: Operation,
    /// What that took.
    pub took: Duration,
}

/// The list of tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The tools, in the server's order.
    pub tools: Vec<Tool>,
    /// Bytes of all pages.
    pub bytes: usize,
    /// What all pages took.
    pub took: Duration,
    /// The names in the order of a second list; none if there was none.
    pub again: Option<Vec<String>>,
}

/// One tool, as far as a reviewer looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// It has a title, of its own or among its annotations.
    pub has_title: bool,
    /// Characters of its description; none if it has none.
    pub description: Option<usize>,
    /// `readOnlyHint` or `destructiveHint` is there.
    pub is_annotated: bool,
}

/// How the call of a tool ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The tool.
    pub tool: String,
    /// How.
    pub outcome: Outcome,
    /// What was wrong with it, if something was.
    pub said: String,
    /// Characters of text in its result.
    pub chars: u32,
    /// What it took.
    pub took: Duration,
}

/// What a page of health answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The page.
    pub url: String,
    /// The status of a healthy answer.
    pub expected: u16,
    /// The status, or why there is none.
    pub found: Result<u16, String>,
}

/// What a request that was written by hand tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attempted {
    /// `server/discover` without a credential: the first request.
    Anonymous,
    /// The same with a token that nobody issued.
    BadToken,
    /// A method that does not exist, in a session with a handshake.
    UnknownMethod,
    /// The same without a handshake.
    ModernMethod,
    /// `initialize` with a revision that never was.
    UnknownVersion,
    /// A request without a handshake of a revision that never was.
    ModernVersion,
    /// A request whose `Mcp-Method` is not its method.
    Mismatch,
    /// A call of a tool that does not exist.
    UnknownTool,
    /// A body that is no JSON.
    BrokenJson,
    /// A request in a session that never was.
    LostSession,
    /// GET without a session.
    Get,
    /// DELETE without a session.
    Delete,
    /// The question of a browser whether a page of another origin may ask.
    Preflight,
    /// A request of a page of another origin.
    Origin,
    /// A POST to the URL with a slash more or less at its end.
    Slash,
}

/// What came of a request that was written by hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// It was not made, and why.
    Not(&'static str),
    /// An answer, whatever it says.
    Answer(Box<Answer>),
    /// None.
    Nothing {
        /// How it ended.
        outcome: Outcome,
        /// The status of the answer's head, if that came.
        status: Option<u16>,
        /// After what time.
        after: Duration,
    },
}

/// An answer to a request that was written by hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type without its parameters, in lower case; empty if there is none.
    pub media: String,
    /// What it took.
    pub took: Duration,
    /// Headers that tell something, by their names in lower case.
    pub headers: BTreeMap<&'static str, String>,
    /// It challenges for a bearer token; and the URL of the resource's metadata in that.
    pub challenge: Option<Option<String>>,
    /// It came as an event that names an endpoint of HTTP+SSE.
    pub is_endpoint: bool,
    /// The JSON-RPC message in it.
    pub rpc: Option<Rpc>,
    /// Its beginning, as text.
    pub beginning: String,
}

/// A JSON-RPC response.
#[derive(Debug, Clone, PartialEq)]
pub struct Rpc {
    /// Its id; null if it has none.
    pub id: Value,
    /// Its result, or the code and the message of its error.
    pub body: Result<Value, (i64, String)>,
}

/// Why nothing was tried where no session could be begun.
pub const NO_SESSION: &str = "there was no session to try it in";

impl Facts {
    /// What came of an attempt.
    pub fn of(&self, attempted: Attempted) -> &Tried {
        const NOT: Tried = Tried::Not(NO_SESSION);
        const OTHER: Tried = Tried::Not("the target does not speak as it would have to for that");
        let none = if self.ways.is_empty() { &NOT } else { &OTHER };
        self.attempts.get(&attempted).unwrap_or(none)
    }

    /// Whether a session could be begun with this.
    pub fn has(&self, with: Operation) -> bool {
        self.ways.iter().any(|way| way.with == with)
    }
}

impl Tried {
    /// The answer, if one came.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Not(_) | Self::Nothing { .. } => None,
        }
    }
}

impl Answer {
    /// Whether it is a page for people.
    pub fn is_page(&self) -> bool {
        matches!(self.media.as_str(), "text/html" | "application/xhtml+xml")
    }

    /// Whether it leads elsewhere.
    pub const fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// The code and the message of its JSON-RPC error.
    pub fn error(&self) -> Option<(i64, &str)> {
        let error = self.rpc.as_ref()?.body.as_ref().err()?;
        Some((error.0, &error.1))
    }

    /// Its result.
    pub fn result(&self) -> Option<&Value> {
        self.rpc.as_ref()?.body.as_ref().ok()
    }
}
