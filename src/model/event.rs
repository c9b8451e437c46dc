//! What the engine tells the recorder, and through it every observer: facts with their instants.
//!
//! Every instant is an offset from the start of the run.

use std::time::Duration;

use super::fault::Touched;
use super::limit_probe::Probe;
use super::operation::Operation;
use super::outcome::{Outcome, Rule};
use super::trial::Tried;

mod echo;
mod presented;

pub use echo::Echo;
pub use presented::{Challenged, Issued, Presented, Whose};

/// One fact about a run.
#[derive(Debug, Clone)]
pub enum Event {
    /// A call came due and ended.
    Call(Call),
    /// An HTTP exchange was sent and ended.
    Exchange(Exchange),
    /// A session was opened, lost or closed.
    Session(SessionEvent),
    /// What an authorization server gave a user changed.
    Grant(GrantEvent),
    /// A user's OAuth came to nothing.
    Refused(Box<Refused>),
    /// A refresh token was presented twice.
    Race(Race),
    /// An access token was issued.
    Issued(Issued),
    /// An access token was presented where it is watched what becomes of it.
    Presented(Presented),
    /// A request that was sent to find out about a limit.
    Probe(Box<Probe>),
    /// A trial of a check ended.
    Tried(Box<Tried>),
    /// A check could not do to the target what it was to do.
    Untried(Box<Refused>),
    /// A run (a chat turn or a Research run) ended.
    Run(Run),
    /// The barrier behind a wave of subagents opened.
    Wave(Wave),
    /// The target broke a rule of the protocol.
    Violation(Box<Violation>),
    /// An arrival found the ceiling of users reached.
    Dropped {
        /// When it was due.
        due: Duration,
    },
    /// How the run stood at one moment; taken about once a second.
    Sample(Sample),
    /// A simulated user of ours panicked: a fault of squall, never of the target.
    Panicked {
        /// When it was caught.
        at: Duration,
        /// What the panic said.
        message: Box<str>,
    },
}

/// One call as its user sees it; it may have cost several exchanges.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Which simulated user.
    pub user: u32,
    /// Which run.
    pub run: u32,
    /// Index into the plan's user classes.
    pub class: u8,
    /// What was called.
    pub operation: Operation,
    /// Index into the plan's tools, for `tools/call`.
    pub tool: Option<u16>,
    /// The five instants.
    pub instants: Instants,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP exchanges it cost, its own included; 0 when it was never sent.
    pub exchanges: u16,
    /// Characters of text in the result.
    pub result_chars: u32,
    /// The result was longer than the client reads, which cuts it.
    pub over_cap: bool,
    /// It was the first that an access token was used for.
    pub first_with_token: bool,
    /// The faults that its exchanges met.
    pub touched: Touched,
    /// Whether its answer told whose it is.
    pub echo: Echo,
}

/// The five instants of a call. `response = done - due`, `lag = started - due`,
/// `held = admitted - started`, `preparation = sent - admitted`, `service = done - sent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// Think time ended or arrival, plus the burst's stagger.
    pub due: Duration,
    /// Our task ran.
    pub started: Duration,
    /// The client's in-flight cap let it go; `None` when it never did.
    pub admitted: Option<Duration>,
    /// First byte of this call's own request left; `None` when none did.
    pub sent: Option<Duration>,
    /// The end.
    pub done: Duration,
}

impl Instants {
    /// What the user felt.
    pub fn response(&self) -> Duration {
        self.done.saturating_sub(self.due)
    }
    /// What the generator took: the only time that makes a run untrustworthy.
    pub fn lag(&self) -> Duration {
        self.started.saturating_sub(self.due)
    }
    /// What the modelled client's cap and queue took.
    pub fn held(&self) -> Option<Duration> {
        self.admitted.map(|admitted| admitted.saturating_sub(self.started))
    }
    /// Connect, handshake and credentials before this call's own request.
    pub fn preparation(&self) -> Option<Duration> {
        Some(self.sent?.saturating_sub(self.admitted?))
    }
    /// What the target did with this request.
    pub fn service(&self) -> Option<Duration> {
        Some(self.done.saturating_sub(self.sent?))
    }
}

/// One HTTP exchange.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// Which simulated user.
    pub user: u32,
    /// What it carried.
    pub operation: Operation,
    /// When a connection was asked for.
    pub began: Duration,
    /// The connection that was opened for it; `None` when one was reused.
    pub opened: Option<Opened>,
    /// First byte of the request left; `None` when none did.
    pub sent: Option<Duration>,
    /// The response head arrived.
    pub headers: Option<Duration>,
    /// The first whole event of an SSE answer arrived.
    pub first_event: Option<Duration>,
    /// The last bytes of an SSE answer arrived, comments among them.
    pub last_bytes: Option<Duration>,
    /// Whole events of an SSE answer that arrived, the answer's own included.
    pub messages: u16,
    /// The answer was whole.
    pub answer: Option<Duration>,
    /// The body ended, or the exchange was given up.
    pub end: Duration,
    /// HTTP status, if a head arrived.
    pub status: Option<u16>,
    /// How it ended, by itself.
    pub outcome: Outcome,
    /// Times its request left and the target said that it did nothing about it, over HTTP/2.
    pub unprocessed: u8,
    /// Bytes written, heads included.
    pub bytes_sent: u32,
    /// Bytes read, heads included.
    pub bytes_received: u32,
    /// The faults that it met: on its connection, or at our own end of it.
    pub touched: Touched,
}

/// What opening a connection took, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Name resolution; zero for a literal address.
    pub dns: Duration,
    /// The TCP handshake.
    pub tcp: Duration,
    /// The TLS handshake; `None` without TLS.
    pub tls: Option<Duration>,
    /// TLS went on with an earlier session (RFC 8446, section 2.2), which is cheaper.
    pub resumed: bool,
    /// HTTP/2 is spoken on it (RFC 9113), else HTTP/1.1.
    pub http2: bool,
}

/// A change in a session's life.
#[derive(Debug, Clone, Copy)]
pub struct SessionEvent {
    /// Which simulated user.
    pub user: u32,
    /// When.
    pub at: Duration,
    /// What happened.
    pub change: SessionChange,
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionChange {
    /// A handshake succeeded; whether the server issued a session id.
    Opened {
        /// The server issued an id.
        with_id: bool,
    },
    /// The server no longer knew it; the client made a new handshake for the same call.
    Lost,
    /// The client ended it with a DELETE that the server took.
    Closed,
    /// The client forgot it without a word, as hosted clients do, or its DELETE was not taken.
    Abandoned,
}

/// A change in what an authorization server gave a user.
#[derive(Debug, Clone, Copy)]
pub struct GrantEvent {
    /// Which simulated user.
    pub user: u32,
    /// When.
    pub at: Duration,
    /// What happened.
    pub change: GrantChange,
}

/// What can happen to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantChange {
    /// A client was registered for it (RFC 7591).
    Registered,
    /// The user consented, and tokens came.
    Authorised {
        /// The user had consented before: a login that should not have been needed.
        again: bool,
    },
    /// A refresh brought an access token.
    Refreshed {
        /// And a refresh token in place of the one that was sent.
        rotated: bool,
    },
    /// The authorization server no longer knows it (`invalid_grant`): the user must consent anew.
    Lost,
    /// The authorization server no longer knows the client (`invalid_client`).
    ClientForgotten,
    /// A 401 to a token whose lifetime was over.
    Expired,
    /// A 401 to a token that by its lifetime still held.
    RefusedEarly,
    /// A 403 that asks for more scope.
    ScopeRefused {
        /// The client asks the user for it, which it does once.
        widens: bool,
    },
    /// The user came to no tokens, and calls nothing until it tries again.
    LockedOut {
        /// It had some before.
        again: bool,
    },
}

/// One refresh token, presented by two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Race {
    /// Which simulated user.
    pub user: u32,
    /// When the second one sent it.
    pub at: Duration,
    /// So long after the first one.
    pub gap: Duration,
    /// By a server's clock the gap is somewhere between these: from the first one's answer to the
    /// second request, and from the first request to the second one's answer.
    pub within: (Duration, Duration),
    /// What the second one was answered.
    pub second: Second,
    /// Whether the tokens that the first one got were still good after that; `None`: nobody asked.
    pub first_alive: Option<bool>,
}

/// What the second process of a race was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Second {
    /// Tokens.
    Granted,
    /// That the refresh token is no longer good.
    Refused,
    /// An error of the server's own: 500.
    Broken,
    /// None of these: it was asked to wait, or got no answer.
    Failed,
}

/// Why a user's OAuth came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which simulated user.
    pub user: u32,
    /// When.
    pub at: Duration,
    /// The leg.
    pub operation: Operation,
    /// What was expected and found, bounded and without secrets.
    pub said: String,
    /// What helps.
    pub what_to_do: &'static str,
}

/// The end of one run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Which simulated user.
    pub user: u32,
    /// Which run.
    pub run: u32,
    /// Index into the plan's user classes.
    pub class: u8,
    /// When it was due to start.
    pub due: Duration,
    /// When it ended.
    pub ended: Duration,
    /// How it ended.
    pub fate: Fate,
    /// Calls that came due in it.
    pub calls: u32,
    /// HTTP exchanges it cost.
    pub exchanges: u32,
    /// Subagents it started.
    pub subagents: u16,
    /// Waves it went through.
    pub waves: u16,
    /// How long the slowest subagent held back its wave after the median one was done, in the
    /// worst wave; `None` without waves of two or more.
    pub straggler: Option<Duration>,
}

/// The end of one wave: its subagents were all done. A wave whose run was cut or stopped has none.
#[derive(Debug, Clone, Copy)]
pub struct Wave {
    /// Which simulated user.
    pub user: u32,
    /// When its subagents were started.
    pub began: Duration,
    /// When the last of them was done.
    pub ended: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It came to its own end.
    Completed,
    /// Its person stopped it, as the model says some do.
    Stopped,
    /// The load ended first: its time to completion is at least what was seen.
    Cut,
    /// It came to its end, and not one of its calls ended well.
    Failed,
}

/// A rule the target broke, with what was seen.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// When.
    pub at: Duration,
    /// Which simulated user; none saw it in the look at the target before the load.
    pub user: Option<u32>,
    /// In which exchange.
    pub operation: Operation,
    /// What was expected and found, bounded and without secrets.
    pub evidence: String,
    /// The faults that its exchange met, and those before it of the same call.
    pub touched: Touched,
}

/// How the run stood at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// Simulated users at work.
    pub users: u32,
    /// HTTP exchanges sent and not ended.
    pub in_flight: u32,
    /// Sessions open.
    pub sessions_open: u32,
    /// Share of the machine's cores that the generator used since the last sample, 0 to 1.
    pub cpu: f32,
}
