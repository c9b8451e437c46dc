//! What one HTTP exchange means: status, headers and body in, outcome out.
//!
//! Rules: MCP specification 2025-11-25, basic/transports, and what servers really do. A body that
//! refuses may be JSON, text, HTML or empty; only an answer with status 200 must be a message.
//!
//! ```text
//! head ─ reading ─┬─ Message ── read ───┐
//!                 ├─ Events ─ sse, read ┴─ settle ─ call ── Ok, ToolError, Throttled
//!                 ├─ Refusal ───────────── refused ──────── SessionLost, Status, ...
//!                 └─ Broken(rule) ───────────────────────── Violation
//! ```

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::IgnoredAny;

use super::legacy::read::CallResult;
use super::media::Media;
use super::message::{self, Answer, Id, Message, RpcError};
use super::throttle::{self, phrase};
use crate::model::outcome::{Outcome, Rule};

/// Codes that blame the message itself, whatever the session: parse error, no such method, bad
/// parameters.
const BLAMES_THE_MESSAGE: [i64; 3] = [-32700, -32601, -32602];

/// The head of an answer, and what its question carried.
#[derive(Debug, Clone, Copy)]
pub struct Head<'h> {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: &'h HeaderMap,
    /// Whether the question named a session.
    pub session: Session,
}

/// Whether a question named a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// It carried `Mcp-Session-Id`.
    Named,
    /// It did not.
    Unnamed,
    /// It could not: the modern era has no sessions, nor has HTTP+SSE one before its stream is open.
    Impossible,
}

/// How the body of an answer to a request is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// One JSON message: [`message::read`].
    Message,
    /// Server-sent events, until the message with our id.
    Events,
    /// Anything, for [`refused`].
    Refusal,
    /// Not at all: the head alone breaks a rule.
    Broken(Rule),
}

/// Whether a body is compressed, or encoded otherwise. No client of ours asks for that.
pub fn is_coded(headers: &HeaderMap) -> bool {
    let coding = headers.get(CONTENT_ENCODING).map(|coding| coding.as_bytes().trim_ascii());
    coding.is_some_and(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// A refusal: how the exchange ended, and the code of the JSON-RPC error in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// How it ended; never ok.
    pub outcome: Outcome,
    /// The code, if the body is a JSON-RPC error.
    pub code: Option<i64>,
}

/// What came of the question for the standalone stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Events follow.
    Open,
    /// 405: the server has none, which is fine. 409: the session has one already.
    NotOffered,
    /// The body is a refusal.
    Refused,
    /// The head breaks a rule.
    Broken(Rule),
}

impl Head<'_> {
    /// How to read the answer to a request.
    pub fn reading(&self) -> Reading {
        match (self.status, self.media()) {
            (200, _) if is_coded(self.headers) => Reading::Broken(Rule::UnaskedCoding),
            (200, Media::Json) => Reading::Message,
            (200, Media::EventStream) => Reading::Events,
            (200, _) => Reading::Broken(Rule::WrongMediaType),
            (202, _) => Reading::Broken(Rule::AcceptedRequest),
            (300..=399, _) => Reading::Broken(Rule::Redirect),
            _ => Reading::Refusal,
        }
    }

    /// What came of a GET.
    pub fn offer(&self) -> Offer {
        match (self.status, self.media()) {
            (200, _) if is_coded(self.headers) => Offer::Broken(Rule::UnaskedCoding),
            (200, Media::EventStream) => Offer::Open,
            (200, _) => Offer::Broken(Rule::WrongMediaType),
            (405 | 409, _) => Offer::NotOffered,
            (300..=399, _) => Offer::Broken(Rule::Redirect),
            _ => Offer::Refused,
        }
    }

    fn media(&self) -> Media {
        Media::of(self.headers.get(CONTENT_TYPE))
    }
}

/// The result out of an answer, or how the exchange ended. An error may leave the id out, a
/// result may not.
///
/// # Errors
/// A violation, a JSON-RPC error, or a throttle said in one.
pub fn settle<R>(head: &Head<'_>, answer: Answer<'_, R>, expected: Id<'_>) -> Result<R, Outcome> {
    let is_ours = answer.id.map(|id| expected.matches(&id));
    match (answer.result, answer.error) {
        (Some(_), Some(_)) | (None, None) => Err(Outcome::Violation(Rule::NotOneOfResultAndError)),
        (_, Some(_)) if is_ours == Some(false) => Err(Outcome::Violation(Rule::WrongId)),
        (None, Some(error)) => Err(throttle::of_error(&error, head.headers)
            .map_or(Outcome::RpcError(error.code), Outcome::Throttled)),
        (Some(_), None) if is_ours != Some(true) => Err(Outcome::Violation(Rule::WrongId)),
        (Some(result), None) => Ok(result),
    }
}

/// How a tool call ended that was given a result.
pub fn call(head: &Head<'_>, result: &CallResult<'_>) -> Outcome {
    match throttle::of_result(result, head.headers) {
        Some(throttle) => Outcome::Throttled(throttle),
        None if result.is_error => Outcome::ToolError,
        None => Outcome::Ok,
    }
}

/// How an exchange ended whose answer is a refusal. An error object with the id of our request
/// answers it whatever the status; any other one is the transport's, and so is every one where
/// what we sent had no id.
pub fn refused(head: &Head<'_>, body: &[u8], expected: Option<Id<'_>>) -> Refusal {
    let message = message::read::<IgnoredAny>(body);
    let (id, error) = match &message {
        Ok(Message::Answer(Answer { id, error: Some(error), .. })) => (id.as_ref(), Some(error)),
        _ => (None, None),
    };
    let code = error.map(|error| error.code);
    let is_ours = id.zip(expected).is_some_and(|(id, expected)| expected.matches(id));
    let outcome =
        if let Some(throttle) = throttle::of_status(head.status, head.headers, body, error) {
            Outcome::Throttled(throttle)
        } else if session_lost(head, body, error) {
            Outcome::SessionLost(head.status)
        } else {
            match (head.status, code) {
                (401 | 403, _) => Outcome::Unauthorised(head.status),
                (_, Some(code)) if is_ours => Outcome::RpcError(code),
                _ => Outcome::Status(head.status),
            }
        };
    Refusal { outcome, code }
}

/// How a notification, or an answer of ours, was taken: 202 is ok.
pub fn notified(head: &Head<'_>, body: &[u8]) -> Outcome {
    match head.status {
        202 => Outcome::Ok,
        200..=299 => Outcome::Violation(Rule::NotificationNotAccepted),
        300..=399 => Outcome::Violation(Rule::Redirect),
        _ => refused(head, body, None).outcome,
    }
}

/// Whether an event's data holds an answer; several messages at once are taken to.
pub fn is_answer(data: &[u8]) -> bool {
    let is_batch = data.trim_ascii_start().starts_with(b"[");
    is_batch || matches!(message::read::<IgnoredAny>(data), Ok(Message::Answer(_)))
}

/// How a DELETE was taken: a server may end the session or forbid that with 405.
pub fn deleted(head: &Head<'_>, body: &[u8]) -> Outcome {
    match head.status {
        200..=299 | 405 => Outcome::Ok,
        300..=399 => Outcome::Violation(Rule::Redirect),
        _ => refused(head, body, None).outcome,
    }
}

/// 404 to a named session is the specification's signal; 400 is what many servers send instead,
/// and what they send when the session is missing.
fn session_lost(head: &Head<'_>, body: &[u8], error: Option<&RpcError<'_>>) -> bool {
    match (head.status, head.session) {
        (404, Session::Named) => true,
        (400, session @ (Session::Named | Session::Unnamed)) => {
            let says = |words| mentions(head, body, words);
            let message = error.is_some_and(|error| BLAMES_THE_MESSAGE.contains(&error.code));
            let is_stale = session == Session::Named && !says("protocol version");
            !message && (says("session") || is_stale)
        }
        _ => false,
    }
}

/// Whether the beginning of a body that is no page has these words, given in lower case.
fn mentions(head: &Head<'_>, body: &[u8], words: &str) -> bool {
    let beginning = &body[..body.len().min(phrase::LOOKED_AT_BYTES)];
    head.media() != Media::Html
        && memchr::memmem::find(&beginning.to_ascii_lowercase(), words.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Signal, Throttle};
    use http::{HeaderName, HeaderValue};
    use serde::Deserialize;
    use std::time::Duration;

    const JSON: (&str, &str) = ("content-type", "application/json");
    const TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
    const ID: Id<'static> = Id::Number(1);

    type Pairs = &'static [(&'static str, &'static str)];

    fn headers(pairs: Pairs) -> HeaderMap {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    fn throttled(signal: Signal, seconds: Option<u64>) -> Outcome {
        let retry_after = seconds.map(Duration::from_secs);
        Outcome::Throttled(Throttle { signal, retry_after })
    }

    /// The result out of one body.
    fn whole<'a, R: Deserialize<'a>>(
        head: &Head<'_>,
        body: &'a [u8],
        expected: Id<'_>,
    ) -> Result<R, Outcome> {
        match message::read(body) {
            Ok(Message::Answer(answer)) => settle(head, answer, expected),
            Ok(_) => Err(Outcome::Violation(Rule::NotOneOfResultAndError)),
            Err(malformed) => Err(Outcome::Violation(malformed.rule)),
        }
    }

    /// As the engine judges a call whose answer is one body.
    fn judge(status: u16, pairs: Pairs, session: Session, body: &str) -> Outcome {
        let headers = headers(pairs);
        let head = Head { status, headers: &headers, session };
        match head.reading() {
            Reading::Message => whole::<CallResult<'_>>(&head, body.as_bytes(), ID)
                .map_or_else(|outcome| outcome, |result| call(&head, &result)),
            Reading::Refusal => refused(&head, body.as_bytes(), Some(ID)).outcome,
            Reading::Broken(rule) => Outcome::Violation(rule),
            Reading::Events => panic!("a stream has no one body"),
        }
    }

    #[test]
    fn answers_with_200() {
        let tool = |seconds| throttled(Signal::ToolError, seconds);
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#, Outcome::Ok),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"429 Too Many Requests"}]}}"#,
                Outcome::Ok,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Unknown tool: x"}],"isError":true}}"#,
                Outcome::ToolError,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"Rate limited, retry after 60 seconds"}]}}"#,
                tool(Some(60)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool"}}"#,
                Outcome::RpcError(-32602),
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"boom"}}"#,
                Outcome::RpcError(-32603),
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"boom"}}"#,
                Outcome::RpcError(-32603),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Rate limit exceeded","data":{"retryAfter":3}}}"#,
                throttled(Signal::RpcError, Some(3)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Too many sessions"}}"#,
                throttled(Signal::Disguised, None),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32603,"message":"boom"}}"#,
                Outcome::Violation(Rule::WrongId),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"1","result":{"content":[]}}"#,
                Outcome::Violation(Rule::WrongId),
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"result":{"content":[]}}"#,
                Outcome::Violation(Rule::WrongId),
            ),
            (r#"{"jsonrpc":"2.0","result":{"content":[]}}"#, Outcome::Violation(Rule::WrongId)),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]},"error":{"code":1,"message":""}}"#,
                Outcome::Violation(Rule::NotOneOfResultAndError),
            ),
            (r#"{"jsonrpc":"2.0","id":1}"#, Outcome::Violation(Rule::NotOneOfResultAndError)),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                Outcome::Violation(Rule::NotOneOfResultAndError),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
                Outcome::Violation(Rule::MalformedResult),
            ),
            (r#"{"ok":true}"#, Outcome::Violation(Rule::NotJsonRpc)),
            ("", Outcome::Violation(Rule::NotJson)),
        ];
        for (body, expected) in cases {
            assert_eq!(judge(200, &[JSON], Session::Named, body), expected, "{body}");
        }
    }

    #[test]
    fn heads_say_how_to_read() {
        const EVENTS: Pairs = &[("content-type", "Text/Event-Stream;charset=utf-8")];
        let broken = Reading::Broken;
        let cases: [(u16, Pairs, Reading); 12] = [
            (200, &[JSON], Reading::Message),
            (200, EVENTS, Reading::Events),
            (200, &[HTML], broken(Rule::WrongMediaType)),
            (200, &[], broken(Rule::WrongMediaType)),
            (202, &[], broken(Rule::AcceptedRequest)),
            (202, &[JSON], broken(Rule::AcceptedRequest)),
            (204, &[], Reading::Refusal),
            (301, &[HTML], broken(Rule::Redirect)),
            (307, &[], broken(Rule::Redirect)),
            (400, &[JSON], Reading::Refusal),
            (429, &[JSON], Reading::Refusal),
            (502, EVENTS, Reading::Refusal),
        ];
        for (status, pairs, expected) in cases {
            let headers = headers(pairs);
            let head = Head { status, headers: &headers, session: Session::Unnamed };
            assert_eq!(head.reading(), expected, "{status} {pairs:?}");
        }
        let offers: [(u16, Pairs, Offer); 6] = [
            (200, EVENTS, Offer::Open),
            (200, &[HTML], Offer::Broken(Rule::WrongMediaType)),
            (405, &[], Offer::NotOffered),
            (409, &[JSON], Offer::NotOffered),
            (404, &[], Offer::Refused),
            (308, &[], Offer::Broken(Rule::Redirect)),
        ];
        for (status, pairs, expected) in offers {
            let headers = headers(pairs);
            let head = Head { status, headers: &headers, session: Session::Unnamed };
            assert_eq!(head.offer(), expected, "{status} {pairs:?}");
        }
    }

    /// A JSON-RPC error as a body; `id` is JSON text, or empty for none.
    fn error(id: &str, code: i64, message: &str) -> String {
        let id = if id.is_empty() { String::new() } else { format!(",\"id\":{id}") };
        format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}}{id}}}"#)
    }

    #[test]
    fn json_refusals_of_real_servers() {
        use Outcome::{RpcError, SessionLost, Status};
        use Session::{Impossible, Named, Unnamed};
        let (null, fixed) = ("null", "\"server-error\"");
        let full = throttled(Signal::Disguised, None);
        let everything = "Bad Request: No valid session ID provided";
        let header = "Bad Request: Mcp-Session-Id header is required";
        let version = "Bad Request: Unsupported protocol version: 1 (supported versions: ..)";
        let twice = "Invalid Request: Server already initialized";
        let cases = [
            (
                "TypeScript, unknown session",
                404,
                Named,
                null,
                -32001,
                "Session not found",
                SessionLost(404),
            ),
            ("TypeScript, no session", 400, Unnamed, null, -32000, header, SessionLost(400)),
            ("TypeScript, version", 400, Named, null, -32000, version, Status(400)),
            ("TypeScript, initialize twice", 400, Unnamed, null, -32600, twice, Status(400)),
            ("TypeScript, modern only", 400, Unnamed, "1", -32022, "Unsupported", RpcError(-32022)),
            ("server-everything, unknown", 400, Named, "", -32000, everything, SessionLost(400)),
            (
                "Python, no session",
                400,
                Unnamed,
                fixed,
                -32600,
                "Missing session ID",
                SessionLost(400),
            ),
            (
                "Python, unknown session",
                404,
                Named,
                null,
                -32600,
                "Session not found",
                SessionLost(404),
            ),
            ("Python, parse error", 400, Named, fixed, -32700, "Parse error", Status(400)),
            ("Python, body too large", 413, Named, null, -32600, "Too large", Status(413)),
            ("Python, DELETE during a call", 500, Named, fixed, -32603, "Error", Status(500)),
            ("Python, sessions full", 503, Unnamed, null, -32603, "Too many open sessions", full),
            ("slots full", 400, Unnamed, "1", -32000, "Too many sessions", full),
            (
                "modern, parameters",
                400,
                Impossible,
                "1",
                -32602,
                "no session_id in arguments",
                RpcError(-32602),
            ),
            ("modern, unknown", 400, Impossible, null, -32000, "No session", Status(400)),
            ("legacy, parameters", 400, Named, null, -32602, "session_id missing", Status(400)),
            ("an error of ours", 500, Named, "1", -32603, "boom", RpcError(-32603)),
            ("another one's id", 500, Named, "\"1\"", -32603, "boom", Status(500)),
            ("limit", 429, Named, "1", -32000, "no", throttled(Signal::Http429Rpc, None)),
        ];
        for (what, status, session, id, code, message, expected) in cases {
            let body = error(id, code, message);
            assert_eq!(judge(status, &[JSON], session, &body), expected, "{what}");
        }
    }

    #[test]
    fn other_refusals_of_real_servers() {
        use Outcome::{SessionLost, Status, Unauthorised};
        use Session::{Named, Unnamed};
        const LIMIT: Pairs = &[JSON, ("retry-after", "9")];
        let syntax = "<!DOCTYPE html><pre>SyntaxError in session.js</pre>";
        let limited = throttled(Signal::Http429, Some(9));
        let cases: [(&str, u16, Pairs, Session, &str, Outcome); 16] = [
            ("TypeScript, bad JSON", 400, &[HTML], Unnamed, syntax, Status(400)),
            ("Python, host", 421, &[TEXT], Unnamed, "Invalid Host header", Status(421)),
            ("Python, origin", 403, &[TEXT], Unnamed, "Invalid Origin", Unauthorised(403)),
            (
                "rmcp, unknown",
                404,
                &[TEXT],
                Named,
                "Not Found: Session not found",
                SessionLost(404),
            ),
            ("rmcp, no session", 422, &[TEXT], Unnamed, "Unexpected message", Status(422)),
            ("rmcp, bad JSON", 415, &[TEXT], Unnamed, "fail to deserialize", Status(415)),
            ("stale session", 400, &[], Named, "", SessionLost(400)),
            ("no session", 400, &[], Unnamed, "", Status(400)),
            ("wrong path", 404, &[HTML], Unnamed, "<h1>Not Found</h1>", Status(404)),
            ("old endpoint", 405, &[], Unnamed, "", Status(405)),
            ("token", 401, &[JSON], Named, r#"{"error":"invalid_token"}"#, Unauthorised(401)),
            ("scope", 403, &[JSON], Named, r#"{"error":"insufficient_scope"}"#, Unauthorised(403)),
            ("proxy", 502, &[HTML], Named, "<h1>502 Bad Gateway</h1>", Status(502)),
            ("no backend", 503, &[HTML], Named, "<html>No server is available", Status(503)),
            ("gateway limit", 429, LIMIT, Named, r#"{"error":"slow down"}"#, limited),
            ("no text", 500, &[], Named, "\u{0}\u{fffd}", Status(500)),
        ];
        for (what, status, pairs, session, body, expected) in cases {
            assert_eq!(judge(status, pairs, session, body), expected, "{what}");
        }
    }

    #[test]
    fn a_refusal_keeps_its_code() {
        let body = br#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"x"},"id":null}"#;
        let headers = headers(&[JSON]);
        let head = Head { status: 406, headers: &headers, session: Session::Unnamed };
        let expected = Refusal { outcome: Outcome::Status(406), code: Some(-32000) };
        assert_eq!(refused(&head, body, Some(ID)), expected);
        assert_eq!(refused(&head, b"\xff", Some(ID)).code, None);
    }

    #[test]
    fn notifications_and_deletes() {
        let not_accepted = Outcome::Violation(Rule::NotificationNotAccepted);
        let redirect = Outcome::Violation(Rule::Redirect);
        let cases = [
            (202, Outcome::Ok, Outcome::Ok),
            (200, not_accepted, Outcome::Ok),
            (204, not_accepted, Outcome::Ok),
            (307, redirect, redirect),
            (405, Outcome::Status(405), Outcome::Ok),
            (404, Outcome::SessionLost(404), Outcome::SessionLost(404)),
            (401, Outcome::Unauthorised(401), Outcome::Unauthorised(401)),
            (500, Outcome::Status(500), Outcome::Status(500)),
        ];
        let headers = HeaderMap::new();
        for (status, notification, delete) in cases {
            let head = Head { status, headers: &headers, session: Session::Named };
            assert_eq!(notified(&head, b""), notification, "{status}");
            assert_eq!(deleted(&head, b""), delete, "{status}");
        }
    }
}
