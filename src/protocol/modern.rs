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
/// (basic/transports, "Value Encoding"). A tab could stand there, but intermediaries change it.
pub fn header_value(text: &str) -> Cow<'_, str> {
    let is_visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_padded = text.starts_with(' ') || text.ends_with(' ');
    let looks_wrapped = text.starts_with("=?base64?") && text.ends_with("?=");
    if is_visible && !is_padded && !looks_wrapped {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("=?base64?{}?=", STANDARD.encode(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_of_each_request() {
        let of = |ask: &Ask<'_>| -> Vec<(&'static str, String)> {
            headers(ask).map(|(name, value)| (name, value.into_owned())).collect()
        };
        let method = |method: &str| (METHOD_HEADER, method.to_owned());
        let name = |name: &str| (NAME_HEADER, name.to_owned());
        let empty = serde_json::Map::new();
        let cases = [
            (Ask::ToolsList { cursor: Some("x") }, vec![method("tools/list")]),
            (
                Ask::ToolsCall { name: "get_weather", arguments: &|_| {} },
                vec![method("tools/call"), name("get_weather")],
            ),
            (
                Ask::ResourcesRead { uri: "file:///a b.json" },
                vec![method("resources/read"), name("file:///a b.json")],
            ),
            (
                Ask::PromptsGet { name: "\u{4e16}", arguments: &empty },
                vec![method("prompts/get"), name("=?base64?5LiW?=")],
            ),
            (Ask::TaskGet { id: "t-1" }, vec![method("tasks/get"), name("t-1")]),
        ];
        for (ask, expected) in cases {
            assert_eq!(of(&ask), expected);
        }
        let constant = constant_headers(Revision::V2026_07_28);
        assert!(constant.contains(&("mcp-protocol-version", "2026-07-28")));
        assert!(constant.contains(&("accept", "application/json, text/event-stream")));
    }

    #[test]
    fn values_are_encoded_as_the_specification_writes_them() {
        let cases = [
            ("us-west1", "us-west1"),
            ("us west 1", "us west 1"),
            ("", ""),
            ("Hello, \u{4e16}\u{754c}", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("=?BASE64?literal?=", "=?BASE64?literal?="),
            ("\tindented", "=?base64?CWluZGVudGVk?="),
            ("a\tb", "=?base64?YQli?="),
            ("\u{7f}", "=?base64?fw==?="),
        ];
        for (text, expected) in cases {
            assert_eq!(header_value(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(text in any::<String>()) {
            let value = header_value(&text);
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            let wrapped =
                value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
            let read = wrapped.map_or_else(
                || text.clone(),
                |inner| String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap(),
            );
            prop_assert_eq!(read, text);
        }
    }
}
