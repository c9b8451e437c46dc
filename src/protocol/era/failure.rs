//! Why no way to speak to a server was found, in words a person reads.

use std::borrow::Cow;

/// A server's list of versions is kept as far as this, each name as far as [`NAME_CHARS`].
const MOST_VERSIONS: usize = 16;
/// Characters kept of a version's name; the specification's have ten.
const NAME_CHARS: usize = 40;

/// Why there is no way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer, or one that says "not now".
    #[error("the server gave no answer that tells how it is to be spoken to")]
    Outage,
    /// The credential comes first.
    #[error("the server asks for a credential first (HTTP {0})")]
    Unauthorised(u16),
    /// Both speak without a handshake, but no revision in common.
    #[error("the server speaks none of this client's versions, only {}", names(.0))]
    NoCommonVersion(Vec<String>),
    /// The server has no handshake, and the client needs one.
    #[error("the server speaks only versions without a handshake{}", versions(.0))]
    OnlyModern(Vec<String>),
    /// The client has no handshake, and the server did not answer without.
    #[error("the server does not answer without a handshake ({})", refusal(.0))]
    OnlyLegacy(Refusal),
    /// Nothing that was tried is answered as MCP.
    #[error("nothing there speaks MCP over the transports asked for ({})", refusal(.0))]
    NoMcp(Refusal),
    /// The client is ready to speak nothing over this transport.
    #[error("this client speaks no version over the transport asked for")]
    NothingToSpeak,
}

/// The refusal that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The HTTP status; none if a stream opened but said nothing.
    pub status: Option<u16>,
    /// The JSON-RPC code, if there was one.
    pub code: Option<i64>,
}

/// The versions a server named, within bounds; they are not yet escaped.
pub(super) fn owned(versions: &[Cow<'_, str>]) -> Vec<String> {
    let kept = versions.iter().take(MOST_VERSIONS);
    kept.map(|version| version.chars().take(NAME_CHARS).collect()).collect()
}

fn names(versions: &[String]) -> String {
    if versions.is_empty() { "others".to_owned() } else { versions.join(", ") }
}

fn versions(versions: &[String]) -> String {
    if versions.is_empty() { String::new() } else { format!(": {}", versions.join(", ")) }
}

fn refusal(refusal: &Refusal) -> String {
    let status = refusal.status.map(|status| format!("HTTP {status}"));
    let code = refusal.code.map(|code| format!("error {code}"));
    let said: Vec<_> = status.into_iter().chain(code).collect();
    if said.is_empty() { "no endpoint event".to_owned() } else { said.join(", ") }
}
