//! The modern era: no handshake and no session, every request says all there is to know.
//!
//! Rules: MCP specification 2026-07-28, basic/transports and basic/versioning.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ask::Ask;

pub mod discover;
pub mod errors;
pub mod listen;
pub mod params;
pub mod result;
pub mod write;

/// A revision without a handshake, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2026-07-28.
    V2026_07_28,
}

impl Revision {
    /// Every revision of the era, oldest first.
    pub const ALL: [Self; 1] = [Self::V2026_07_28];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name, if this era has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.name() == name)
    }
}

/// `MCP-Protocol-Version`, in the lower case of HTTP libraries.
pub const VERSION_HEADER: &str = "mcp-protocol-version";
/// `Mcp-Method`, likewise.
pub const METHOD_HEADER: &str = "mcp-method";
/// `Mcp-Name`, likewise.
pub const NAME_HEADER: &str = "mcp-name";
/// What the name of a header for a tool's argument begins with, likewise.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The headers of every request of a revision, which a client may prepare once.
pub fn constant_headers(revision: Revision) -> [(&'static str, &'static str); 3] {
    [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        (VERSION_HEADER, revision.name()),
    ]
}

/// The headers that say what a request is about: names in lower case, values ready to be sent.
pub fn headers<'a>(ask: &Ask<'a>) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> + use<'a> {
    let name = ask.name().map(|name| (NAME_HEADER, header_value(name)));
    [(METHOD_HEADER, Cow::Borrowed(ask.method()))].into_iter().chain(name)
}

/// A text as a header carries it: as it is where it can stand in a header, else wrapped
/// (basic/transports, "Value encoding").
pub fn header_value(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
        && !text.starts_with([' ', '\t'])
        && !text.ends_with([' ', '\t'])
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    if is_plain {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("=?base64?{}?=", STANDARD.encode(text)))
}
