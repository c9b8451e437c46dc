//! How one of Claude's clients behaves on the wire: dated data, every value with its source.

pub mod oauth;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::distribution::Distribution;

/// One client's behaviour, read from a profile file.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of a profile file")]
pub struct Profile {
    /// Its name without the date, as scenarios write it.
    pub name: String,
    /// The month it describes, `YYYY-MM`.
    pub date: String,
    /// One sentence: which client this is.
    pub about: String,
    /// The profile whose values it has where it gives none of its own, `name@date` or a path.
    pub inherits: Option<String>,
    /// Who it says it is.
    pub identity: Identity,
    /// Which era it speaks.
    pub era: Era,
    /// How long it believes what it found out about a server's era; `None` is for good.
    pub probe_lasts: Option<Duration>,
    /// Protocol version asked for in `initialize`.
    pub protocol_version: String,
    /// Its `capabilities` object, as JSON text.
    pub capabilities: String,
    /// JSON-RPC ids of its requests.
    pub ids: Ids,
    /// How likely each session policy is for a user; weights, not shares.
    pub sessions: SessionWeights,
    /// Lists it asks for after a handshake that is not made only for one call.
    pub lists: Vec<List>,
    /// Resources it reads, prompts it gets and arguments it completes, of each at most so many,
    /// after it has listed them.
    pub reads: u32,
    /// Whether it asks again for a list whose `ttlMs` has passed, and not before.
    pub honours_ttl: bool,
    /// Share of handshakes after which it opens the stream of what the server tells unasked.
    pub stream_share: f64,
    /// Whether it waits until that stream is open before it goes on.
    pub stream_awaited: bool,
    /// How often in a row it tries to take up a stream that broke, counted anew once it is open.
    pub resumes: u32,
    /// Share of sessions it ends with DELETE.
    pub delete_share: f64,
    /// Whether it sends `notifications/initialized` after a handshake made for one call.
    pub initialized_when_fresh: bool,
    /// Whether connections are the user's own or shared by all users.
    pub connections: Connections,
    /// Calls of one conversation in flight at once.
    pub cap: u32,
    /// A call queued behind the cap longer than this is never sent.
    pub queue_limit: Option<Duration>,
    /// Delay of each call of a burst after the first.
    pub stagger: Distribution,
    /// Budget of connecting and of `initialize`.
    pub connect_timeout: Duration,
    /// Budget of one tool call, from its admission.
    pub call_timeout: Duration,
    /// Characters of a result it reads.
    pub result_cap: Option<u32>,
    /// Whether its calls ask for progress.
    pub progress: bool,
    /// Whether it says so when it no longer waits for an answer (`notifications/cancelled`).
    pub cancels: bool,
    /// How often it answers what a modern server asks before a result.
    pub input_rounds: u32,
    /// What it does when the server answers 404 to a session.
    pub on_session_404: OnSessionLoss,
    /// What it does when the server answers 400 to a session.
    pub on_session_400: OnSessionLoss,
    /// What it does with requests from the server.
    pub server_requests: ServerRequests,
    /// How it gets and keeps a grant where a server asks for one.
    pub oauth: oauth::OAuth,
    /// Where each value comes from, by its key (`identity.user_agent`).
    pub sources: BTreeMap<String, Source>,
}

/// Who the client says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `User-Agent`.
    pub user_agent: String,
    /// `clientInfo.name`.
    pub client_name: String,
    /// `clientInfo.version`.
    pub client_version: String,
    /// Further headers it always sends.
    pub headers: Vec<(String, String)>,
}

/// Which era a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// It initialises.
    Legacy,
    /// It asks `server/discover`, and initialises where that is not understood.
    Auto,
    /// It asks `server/discover` and never initialises.
    Modern,
}

/// How JSON-RPC ids are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// The same id on every call, concurrent ones too.
    Constant(u32),
    /// Counting up from this one, unique within a session.
    Counter(u32),
}

/// Weights of the session policies; at least one is above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SessionWeights {
    /// A handshake for every call; its session is used for that call and forgotten.
    pub fresh: f64,
    /// As `fresh`, and the call does not even carry the session id it was given.
    pub unechoed: f64,
    /// One session for everything a user does, conversations and subagents alike.
    pub pooled: f64,
    /// One session a conversation, its id on every request, as the specification asks.
    pub echo: f64,
}

/// A list the client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools/list`.
    Tools,
    /// `resources/list`, if the server has resources.
    Resources,
    /// `resources/templates/list`, if the server has resources.
    Templates,
    /// `prompts/list`, if the server has prompts.
    Prompts,
}

/// Whose connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Each user keeps connections of its own.
    PerUser,
    /// All users of the run draw from one pool, as behind a broker.
    Shared,
}

/// Reaction to a session the server no longer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSessionLoss {
    /// One new handshake, then the call again, once.
    Reinitialise,
    /// The call fails; the next call makes a new handshake.
    GiveUp,
}

/// Reaction to requests from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRequests {
    /// ping with an empty result, roots/list with no roots, elicitation as given, sampling with an
    /// empty message where elicitation is not refused, everything else with -32601.
    Answer(Elicitation),
    /// Only ping is answered; the rest is left unanswered, as hosted Claude does.
    PingOnly,
    /// Nothing is answered.
    Ignore,
}

/// Reaction to a form, or a URL, that a server wants its user to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elicitation {
    /// A form is sent with its schema's defaults, a URL is agreed to; nothing is opened.
    AcceptDefaults,
    /// The user says no.
    Decline,
    /// The user closes the dialog.
    Cancel,
    /// The client knows no elicitation: -32601.
    Refuse,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How sure it is.
    pub confidence: Confidence,
    /// Document, issue or measurement, with its date where known.
    pub reference: String,
    /// The month it was seen in or read, `YYYY-MM`; else that of its profile file.
    pub date: String,
    /// The value itself, as JSON has it.
    pub value: Value,
}

/// How sure a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The vendor documents it.
    Documented,
    /// Third parties observed it.
    Observed,
    /// We inferred it; reports say so.
    Modelled,
}

impl Confidence {
    /// The word in profile files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Modelled => "modelled",
        }
    }
}
