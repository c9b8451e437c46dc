//! What a person reads when the first look at a target failed: what was asked of it, what it did,
//! and what to change.

use crate::engine::client::Refusal;
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome, Rule, TlsFailure};
use crate::model::plan::{FIRST_MODERN, Plan, Transport, Way};

/// What was to be spoken, as far as a message names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `clients.profile`.
    profile: String,
    /// `target.protocol`, unless it is auto.
    protocol: Option<String>,
    /// `target.transport`.
    transport: Transport,
    /// Revisions with a handshake are among it.
    legacy: bool,
}

impl Asked {
    /// What the clients of this plan speak.
    pub fn of(plan: &Plan) -> Self {
        Self {
            profile: plan.clients.profile.name.clone(),
            protocol: plan.target.protocol.clone(),
            transport: plan.target.transport,
            legacy: plan.may_speak(Way::Legacy) || plan.may_speak(Way::HttpSse),
        }
    }

    /// What keeps these clients from a revision without a handshake, and what would not.
    fn to_speak_modern(&self) -> String {
        match &self.protocol {
            Some(protocol) => format!(
                "protocol = {protocol:?} under [target] insists on a handshake: leave it out, with \
                 clients.profile = \"claude-ai-modern\" or \"spec\""
            ),
            None => format!(
                "the profile {} needs a handshake: try clients.profile = \"claude-ai-modern\" or \
                 \"spec\"",
                self.profile
            ),
        }
    }

    /// The same for revisions with one.
    fn to_speak_legacy(&self) -> String {
        match &self.protocol {
            Some(protocol) => format!(
                "protocol = {protocol:?} under [target] insists on no handshake: leave it out, and \
                 what the server speaks is found out"
            ),
            None => format!(
                "the profile {} makes no handshake: try clients.profile = \"claude-ai-legacy\" or \
                 \"spec\"",
                self.profile
            ),
        }
    }
}

/// The message.
pub(super) fn text(url: &str, refusal: &Refusal, asked: &Asked) -> String {
    let said = said(refusal);
    if let Some(versions) = nothing_in_common(refusal, asked) {
        return format!("{url} cannot be loaded: {versions}{said}");
    }
    let during = refusal.operation.name();
    let (what, hint) = what_and_hint(refusal, asked);
    let status = refusal.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    format!("{url} cannot be loaded: {during} failed{status}: {what}; {hint}{said}")
}

/// What the target said, on a line of its own.
fn said(refusal: &Refusal) -> String {
    // The versions it named are in the message.
    if refusal.said.is_empty() || !refusal.supported.is_empty() {
        return String::new();
    }
    let ours = match refusal.outcome {
        // What stands there then is the page of the server, which saw through it.
        Outcome::Connect(ConnectFailure::Tls(failure)) => failure != TlsFailure::Expected,
        Outcome::Violation(rule) => rule == Rule::TooLarge,
        _ => false,
    };
    let who = if ours { "In detail" } else { "It said" };
    let shown = refusal.said.escape_debug().to_string().replace("\\\"", "\"");
    format!("\n{who}: {shown}")
}

/// The server speaks MCP, but no revision that these clients were to speak.
fn nothing_in_common(refusal: &Refusal, asked: &Asked) -> Option<String> {
    if !refusal.supported.is_empty() {
        let versions = refusal.supported.join(", ").escape_debug().to_string();
        let mut named = refusal.supported.iter();
        let fix = if named.clone().any(|version| version == FIRST_MODERN) {
            asked.to_speak_modern()
        } else if named.any(|version| version.as_ref() < FIRST_MODERN) {
            asked.to_speak_legacy()
        } else {
            format!("the newest that squall speaks is {FIRST_MODERN}")
        };
        return Some(format!("it speaks MCP {versions} only; {fix}"));
    }
    let answered = match refusal.outcome {
        Outcome::RpcError(_) | Outcome::SessionLost(_) | Outcome::Violation(_) => true,
        Outcome::Status(status) => status == 400,
        _ => false,
    };
    let alone = refusal.operation == Operation::Discover && !asked.legacy;
    (alone && answered).then(|| {
        let status = refusal.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
        format!("it does not answer server/discover{status}; {}", asked.to_speak_legacy())
    })
}

pub(super) fn what_and_hint(refusal: &Refusal, asked: &Asked) -> (String, &'static str) {
    match refusal.outcome {
        Outcome::Connect(failure) => (failure.name().to_owned(), failure.hint()),
        Outcome::Timeout => (
            "it did not answer within the client's own time".to_owned(),
            "is the server stuck, or slow to start? Hosted Claude gives a handshake 10 seconds",
        ),
        Outcome::Unauthorised(status) => (
            format!("it refuses with HTTP {status}"),
            "give a credential in [auth] (kind = \"oauth\" if users log in), or check the one that \
             is there",
        ),
        Outcome::Status(404 | 405) => (
            format!("it answers HTTP {}", refusal.status.unwrap_or_default()),
            path_hint(asked.transport),
        ),
        // What an endpoint of Streamable HTTP says to a GET that names no session.
        Outcome::Status(status @ (400 | 406)) if refusal.operation == Operation::Stream => {
            (format!("it answers HTTP {status}"), path_hint(Transport::HttpSse))
        }
        Outcome::Throttled(throttle) => (
            format!("it says \"too much\" ({}) before any load", throttle.signal.name()),
            "wait until its limit allows more, or test from another address",
        ),
        Outcome::Violation(Rule::TooLarge) => (
            "its answer is larger than a client reads".to_owned(),
            "a list may have 2,000 tools and 16 MiB in all: is it one without end?",
        ),
        Outcome::Violation(rule) => (
            format!("its answer is not MCP ({})", rule_words(rule)),
            endpoint_hint(asked.transport),
        ),
        Outcome::Status(status) => (
            format!("it answers HTTP {status}"),
            "the server fails before it speaks MCP: see what it logged",
        ),
        other => (format!("it ended as {}", other.class().name()), "see what the server logged"),
    }
}

const fn path_hint(transport: Transport) -> &'static str {
    match transport {
        Transport::Auto => {
            "the path is probably wrong: MCP endpoints often end in /mcp, those of the older \
             HTTP+SSE in /sse"
        }
        Transport::Streamable => {
            "the path is probably wrong: MCP endpoints often end in /mcp; or it speaks the older \
             HTTP+SSE: leave transport under [target] out, and that is tried too"
        }
        Transport::HttpSse => {
            "no stream opens there: endpoints of HTTP+SSE often end in /sse; or it speaks \
             Streamable HTTP: leave transport under [target] out, and that is tried first"
        }
    }
}

const fn endpoint_hint(transport: Transport) -> &'static str {
    match transport {
        Transport::HttpSse => "is this the URL of an MCP endpoint over HTTP+SSE?",
        _ => "is this the URL of an MCP endpoint over Streamable HTTP?",
    }
}

fn rule_words(rule: Rule) -> String {
    let mut words = String::new();
    for letter in format!("{rule:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
