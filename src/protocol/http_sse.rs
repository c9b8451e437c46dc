//! The transport of 2024-11-05: one stream for all that comes, one endpoint for all that goes.
//!
//! Rules: MCP specification 2024-11-05, basic/transports, "HTTP with SSE". What comes on the
//! stream are messages as in every era; the answer to a POST is never an answer to its message.
//!
//! ```text
//! GET  /sse                  ── event: endpoint, data: /messages?session_id=5f ──┐
//! POST /messages?session_id=5f ── 202 ──                                         │
//!                            ── event: message, data: {"jsonrpc":"2.0",..} ──────┘
//! ```

use url::Url;

use super::answer::{self, Head};
use crate::model::outcome::{Outcome, Rule};

/// The name of the event that says where to post to.
pub const ENDPOINT_EVENT: &[u8] = b"endpoint";
/// The name of the events that carry messages, which is also the default of any stream.
pub const MESSAGE_EVENT: &[u8] = b"message";
/// An endpoint longer than this is refused, in bytes.
const LONGEST: usize = 8 * 1024;

/// Where a client posts to: path and query, ready for a request line on the stream's origin.
///
/// # Errors
/// [`Rule::ForeignEndpoint`] for another origin, [`Rule::BadEndpoint`] for what is no URI
/// reference.
pub fn endpoint(stream: &Url, data: &[u8]) -> Result<String, Rule> {
    let text = std::str::from_utf8(data).map_err(|_| Rule::BadEndpoint)?;
    // A URL parser drops tabs and line ends silently; a server that sends them is broken.
    let is_clean = text.len() <= LONGEST && text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    if text.is_empty() || !is_clean {
        return Err(Rule::BadEndpoint);
    }
    let to = stream.join(text).map_err(|_| Rule::BadEndpoint)?;
    if to.origin() != stream.origin() || !to.username().is_empty() || to.password().is_some() {
        return Err(Rule::ForeignEndpoint);
    }
    Ok(to.query().map_or_else(|| to.path().to_owned(), |query| format!("{}?{query}", to.path())))
}

/// What an event of the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'e> {
    /// Where to post to; only the first event is one.
    Endpoint(&'e [u8]),
    /// A message.
    Message(&'e [u8]),
    /// An event of a name nobody knows, to be ignored.
    Unknown,
}

/// One stream as it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stream {
    is_open: bool,
}

impl Stream {
    /// What an event is.
    ///
    /// # Errors
    /// [`Rule::BadEndpoint`] if a message comes before the endpoint, or a second endpoint.
    pub fn hear<'e>(&mut self, name: &[u8], data: &'e [u8]) -> Result<Heard<'e>, Rule> {
        match (name, self.is_open) {
            (ENDPOINT_EVENT, false) => {
                self.is_open = true;
                Ok(Heard::Endpoint(data))
            }
            (ENDPOINT_EVENT, true) | (MESSAGE_EVENT, false) => Err(Rule::BadEndpoint),
            (MESSAGE_EVENT, true) => Ok(Heard::Message(data)),
            _ => Ok(Heard::Unknown),
        }
    }
}

/// How a POST was taken; any 2xx is fine, and its body says nothing.
pub fn posted(head: &Head<'_>, body: &[u8]) -> Outcome {
    match head.status {
        200..=299 => Outcome::Ok,
        300..=399 => Outcome::Violation(Rule::Redirect),
        // The stream is the session: a server that does not find it has lost it.
        404 => Outcome::SessionLost(404),
        _ => answer::refused(head, body, None).outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::answer::Session;
    use http::HeaderMap;
    use proptest::prelude::*;

    fn at(stream: &str, data: &str) -> Result<String, Rule> {
        endpoint(&Url::parse(stream).unwrap(), data.as_bytes())
    }

    #[test]
    fn endpoints_stay_with_their_stream() {
        let stream = "http://127.0.0.1:8000/mcp/sse?key=1";
        let good = [
            // TypeScript, Python, and a relative one.
            ("/messages?sessionId=6f1c-42", "/messages?sessionId=6f1c-42"),
            ("/messages/?session_id=5f0e", "/messages/?session_id=5f0e"),
            ("messages?a=1", "/mcp/messages?a=1"),
            ("?a=1", "/mcp/sse?a=1"),
            ("../post", "/post"),
            ("http://127.0.0.1:8000/post?a=b#c", "/post?a=b"),
            ("HTTP://127.0.0.1:8000", "/"),
            ("//127.0.0.1:8000/x", "/x"),
            ("/a%20b/\u{e9}", "/a%20b/%C3%A9"),
        ];
        for (data, expected) in good {
            assert_eq!(at(stream, data).as_deref(), Ok(expected), "{data}");
        }
        let foreign = [
            "http://127.0.0.1:8001/post",
            "https://127.0.0.1:8000/post",
            "http://127.0.0.2:8000/post",
            "//elsewhere/post",
            "\\\\elsewhere\\post",
            "http://me@127.0.0.1:8000/post",
            "http://:pw@127.0.0.1:8000/post",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
        ];
        for data in foreign {
            assert_eq!(at(stream, data), Err(Rule::ForeignEndpoint), "{data}");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for data in ["", " /post", "/a b", "/a\nb", "/a\r\nHost: x", "http://", "/\0", &long] {
            assert_eq!(at(stream, data), Err(Rule::BadEndpoint), "{data}");
        }
        let stream = Url::parse(stream).unwrap();
        assert_eq!(endpoint(&stream, b"/\xff"), Err(Rule::BadEndpoint));
        // The port a scheme means is the same one written out.
        assert_eq!(at("http://127.0.0.1/sse", "http://127.0.0.1:80/p").as_deref(), Ok("/p"));
    }

    #[test]
    fn the_first_event_is_the_endpoint() {
        let mut stream = Stream::default();
        assert_eq!(stream.hear(b"ping", b""), Ok(Heard::Unknown));
        assert_eq!(stream.hear(b"message", b"{}"), Err(Rule::BadEndpoint));
        assert_eq!(stream.hear(b"endpoint", b"/p"), Ok(Heard::Endpoint(b"/p")));
        assert_eq!(stream.hear(b"message", b"{}"), Ok(Heard::Message(b"{}")));
        assert_eq!(stream.hear(b"endpoint", b"/q"), Err(Rule::BadEndpoint));
        assert_eq!(stream.hear(b"other", b"{}"), Ok(Heard::Unknown));
    }

    #[test]
    fn how_posts_are_taken() {
        let headers = HeaderMap::new();
        let cases = [
            (202, "Accepted", Outcome::Ok),
            (200, "", Outcome::Ok),
            (307, "", Outcome::Violation(Rule::Redirect)),
            (404, "Could not find session", Outcome::SessionLost(404)),
            (400, "Invalid session ID", Outcome::SessionLost(400)),
            (400, "bad body", Outcome::Status(400)),
            (500, "SSE connection not established", Outcome::Status(500)),
            (401, "", Outcome::Unauthorised(401)),
        ];
        for (status, body, expected) in cases {
            let head = Head { status, headers: &headers, session: Session::Unnamed };
            assert_eq!(posted(&head, body.as_bytes()), expected, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_the_path_can_stand_in_a_request(data in any::<Vec<u8>>()) {
            let stream = Url::parse("http://127.0.0.1:8000/sse").unwrap();
            if let Ok(path) = endpoint(&stream, &data) {
                prop_assert!(path.starts_with('/'));
                prop_assert!(path.parse::<http::uri::PathAndQuery>().is_ok(), "{}", path);
            }
        }
    }
}
