//! The legacy era over Streamable HTTP: which revisions it has, which headers its requests carry.
//!
//! Rules: MCP specification 2025-11-25, basic/transports (the revisions before it share it) and
//! basic/lifecycle.

use crate::model::outcome::Rule;

pub mod read;
pub mod write;

/// A revision that begins with `initialize` and can be spoken over Streamable HTTP, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05, by servers that name it and still offer Streamable HTTP.
    V2024_11_05,
    /// 2025-03-26.
    V2025_03_26,
    /// 2025-06-18.
    V2025_06_18,
    /// 2025-11-25.
    V2025_11_25,
}

impl Revision {
    /// Every revision of the era, oldest first.
    pub const ALL: [Self; 4] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    /// The revision of that name, if this era has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// Whether a stream that broke can be taken up again (2025-03-26, transports, "Resumability
    /// and Redelivery").
    pub const fn resumes(self) -> bool {
        !matches!(self, Self::V2024_11_05)
    }

    /// Whether messages may come several at once (2025-03-26 alone, basic, "Batching").
    pub const fn batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }

    /// The revision to go on with when a client that speaks `offered` and all before it was
    /// answered `answered` (basic/lifecycle, "Version Negotiation").
    ///
    /// # Errors
    /// [`Rule::UnknownVersion`] for a version the client cannot speak.
    pub fn negotiated(offered: Self, answered: &str) -> Result<Self, Rule> {
        Self::named(answered).filter(|&answer| answer <= offered).ok_or(Rule::UnknownVersion)
    }
}

/// The HTTP methods of an MCP endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// One message to the server.
    Post,
    /// The standalone event stream.
    Get,
    /// The end of the session.
    Delete,
}

/// `Mcp-Session-Id`, in the lower case of HTTP libraries.
pub const SESSION_HEADER: &str = "mcp-session-id";
/// `MCP-Protocol-Version`, in the lower case of HTTP libraries.
pub const VERSION_HEADER: &str = "mcp-protocol-version";

/// The headers the protocol asks of a request, beside authorization: names in lower case.
/// `initialize` has neither a session nor a revision yet; a server need not have given a session.
pub fn headers(
    verb: Verb,
    session: Option<&str>,
    revision: Option<Revision>,
) -> impl Iterator<Item = (&'static str, &str)> {
    let (content_type, accept) = match verb {
        Verb::Post => (Some("application/json"), Some("application/json, text/event-stream")),
        Verb::Get => (None, Some("text/event-stream")),
        Verb::Delete => (None, None),
    };
    let all = [
        ("content-type", content_type),
        ("accept", accept),
        (VERSION_HEADER, revision.map(Revision::name)),
        (SESSION_HEADER, session),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// The session id of an answer to `initialize`; from no other answer is one to be taken.
///
/// # Errors
/// [`Rule::BadSessionId`] if it is empty or has bytes outside 0x21..=0x7E (basic/transports,
/// "Session Management").
pub fn session_id(header: &[u8]) -> Result<&str, Rule> {
    let visible = !header.is_empty() && header.iter().all(u8::is_ascii_graphic);
    let text = std::str::from_utf8(header).ok().filter(|_| visible);
    text.ok_or(Rule::BadSessionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_with_what_it_speaks() {
        use Revision::{V2025_03_26, V2025_06_18, V2025_11_25};
        for revision in Revision::ALL {
            assert_eq!(Revision::negotiated(V2025_11_25, revision.name()), Ok(revision));
        }
        let cases = [
            (V2025_06_18, "2025-03-26", Ok(V2025_03_26)),
            (V2025_06_18, "2025-11-25", Err(Rule::UnknownVersion)),
            (V2025_11_25, "2026-07-28", Err(Rule::UnknownVersion)),
            (V2025_11_25, "2024-10-07", Err(Rule::UnknownVersion)),
            (V2025_11_25, "", Err(Rule::UnknownVersion)),
        ];
        for (offered, answered, expected) in cases {
            assert_eq!(Revision::negotiated(offered, answered), expected, "{answered}");
        }
    }

    #[test]
    fn headers_of_each_request() {
        let json = ("content-type", "application/json");
        let both = ("accept", "application/json, text/event-stream");
        let events = ("accept", "text/event-stream");
        let version = ("mcp-protocol-version", "2025-06-18");
        let session = ("mcp-session-id", "s1");
        let cases = [
            (Verb::Post, None, None, vec![json, both]),
            (Verb::Post, None, Some(Revision::V2025_06_18), vec![json, both, version]),
            (
                Verb::Post,
                Some("s1"),
                Some(Revision::V2025_06_18),
                vec![json, both, version, session],
            ),
            (Verb::Get, Some("s1"), Some(Revision::V2025_06_18), vec![events, version, session]),
            (Verb::Delete, Some("s1"), Some(Revision::V2025_06_18), vec![version, session]),
        ];
        for (verb, id, revision, expected) in cases {
            assert_eq!(headers(verb, id, revision).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn session_ids_are_visible_ascii() {
        let good = ["1", "!~", "6f1c-42", "eyJhbGciOi.J9=="];
        for id in good {
            assert_eq!(session_id(id.as_bytes()), Ok(id));
        }
        for id in ["", "a b", "a\t", "é", "\u{7f}", "\0"] {
            assert_eq!(session_id(id.as_bytes()), Err(Rule::BadSessionId), "{id:?}");
        }
        assert_eq!(session_id(b"\xff"), Err(Rule::BadSessionId));
    }
}
