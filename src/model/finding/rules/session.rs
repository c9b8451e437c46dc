//! How a handshake must end.

use super::{Described, must};
use crate::model::outcome::Rule;

const SESSIONS: &str = "MCP 2025-11-25, Transports, Streamable HTTP, Session Management";

pub(super) const fn session(rule: Rule) -> Described {
    match rule {
        Rule::UnknownVersion => must(
            "unknown-version",
            "The server chose a protocol version that its client does not speak",
            "A server that does not support the version asked for answers with one it supports; the \
             client ends the connection if it does not speak that one.",
            "MCP 2025-11-25, Lifecycle, Version Negotiation",
            "Support the versions that Claude's clients ask for.",
        ),
        _ => must(
            "bad-session-id",
            "Session ids contained characters that a header must not carry",
            "A session id has only visible ASCII characters (0x21 to 0x7E).",
            SESSIONS,
            "Use a random UUID or hexadecimal text as session id.",
        ),
    }
}
