//! A POST as a server must read it: the transport's rules first, then one JSON-RPC message,
//! borrowed from the body. (MCP 2025-11-25, basic/transports; JSON-RPC 2.0.)

use std::borrow::Cow;
use std::net::Ipv4Addr;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// A body past this is answered 413.
pub const MAX_BODY_BYTES: u64 = 4 << 20;

/// What is still read of a body that is too long: a server that closes at once resets the
/// connection under a client that is still writing, which then never sees the 413.
const MAX_DRAINED_BYTES: u64 = 4 * MAX_BODY_BYTES;

/// A request that the transport refuses: an HTTP status and a JSON-RPC error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON-RPC error code.
    pub code: i32,
    /// What was found and what was expected.
    pub message: Cow<'static, str>,
    /// The request's id as it was written, where it was read and the era gives it back.
    pub id: Option<Box<str>>,
    /// The error's `data`, a JSON object.
    pub data: Option<Box<str>>,
}

impl Refusal {
    /// A refusal with the code -32600, as the Python SDK's servers use for all but parse errors.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::coded(status, INVALID_REQUEST, message)
    }

    /// A refusal with a code of its own.
    pub fn coded(status: StatusCode, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), id: None, data: None }
    }
}

/// The most messages a batch may have.
const MAX_BATCH: usize = 100;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

/// One JSON-RPC message, borrowed from its body.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    /// The id as it was written: it goes back the same, `"1"` never as `1`.
    #[serde(borrow, default, deserialize_with = "present")]
    pub id: Option<&'a RawValue>,
    /// The method; none in a response.
    #[serde(borrow)]
    pub method: Option<Cow<'a, str>>,
    /// The parameters, not yet looked at.
    #[serde(borrow)]
    pub params: Option<&'a RawValue>,
    /// What it was asked for, in a response.
    #[serde(borrow, default, deserialize_with = "present")]
    pub result: Option<&'a RawValue>,
    /// Why it did not do it, in a response.
    #[serde(borrow, default, deserialize_with = "present")]
    pub error: Option<&'a RawValue>,
}

/// Keeps `null` apart from absent, which `Option` alone would not.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Whether a body is a batch: an array.
pub fn is_batch(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// Reads the messages of a batch, unread themselves.
pub fn parse_batch(body: &[u8]) -> Result<Vec<&RawValue>, Refusal> {
    let messages: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let bad = |message| Err(Refusal::new(StatusCode::BAD_REQUEST, message));
    match messages.len() {
        0 => bad("an empty batch"),
        1..=MAX_BATCH => Ok(messages),
        _ => bad("a batch of more than 100 messages"),
    }
}

/// Why a batch is refused in a revision that has none.
pub fn no_batch(body: &[u8]) -> Refusal {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => {
            let expected = "a batch: one message a POST is expected but in 2025-03-26";
            Refusal::new(StatusCode::BAD_REQUEST, expected)
        }
        Err(error) => not_json(&error),
    }
}

/// Reads the one message of a body.
pub fn parse(body: &[u8]) -> Result<Message<'_>, Refusal> {
    let bad = |message| Refusal::new(StatusCode::BAD_REQUEST, message);
    // serde would read an array as the fields in order; a batch has to be seen before that.
    if is_batch(body) {
        return Err(no_batch(body));
    }
    let message: Message =
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            Category::Data => bad("not a JSON-RPC message"),
            _ => not_json(&error),
        })?;
    if message.jsonrpc.as_deref() != Some("2.0") {
        return Err(bad("`jsonrpc` must be \"2.0\""));
    }
    if message.id.is_some_and(|id| !is_id(id.get())) {
        return Err(bad("`id` must be a string or an integer"));
    }
    let answers = message.result.is_some() != message.error.is_some() && message.id.is_some();
    if message.method.is_none() && !answers {
        return Err(bad("neither a request, a notification nor a response"));
    }
    Ok(message)
}

fn not_json(error: &serde_json::Error) -> Refusal {
    let message = format!("not JSON: {error}");
    Refusal::coded(StatusCode::BAD_REQUEST, PARSE_ERROR, message)
}

fn is_id(raw: &str) -> bool {
    raw.starts_with('"') || raw.parse::<i64>().is_ok()
}

/// Holds a POST's headers to the transport's rules: 406 and 415.
pub fn check_post(headers: &HeaderMap) -> Result<(), Refusal> {
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        let expected = "Accept must list application/json and text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, expected));
    }
    check_content(headers)
}

/// Holds a body to its media type: 415.
pub fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| essence(kind).eq_ignore_ascii_case("application/json")) {
        let expected = "Content-Type must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, expected));
    }
    Ok(())
}

/// Whether `Accept` lists a media type, itself or by a wildcard; an absent one lists nothing.
pub fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let (family, _) = wanted.split_once('/').unwrap_or((wanted, ""));
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(essence).any(|listed| {
            listed.eq_ignore_ascii_case(wanted)
                || listed == "*/*"
                || listed.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(family))
        })
    })
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Refuses a page of another host: the guard against DNS rebinding that the transport demands.
pub fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = origin.to_str().ok().and_then(|origin| url::Url::parse(origin).ok());
    let local = host.as_ref().and_then(url::Url::host).is_some_and(|host| match host {
        url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    });
    if local {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, "Origin is neither absent nor of this machine"))
}

/// Refuses a name that is not this machine's: a page whose name was made to lead here has it in
/// `Host`, and would be read by a browser without an `Origin`.
pub fn check_host(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    if is_local(host.as_bytes()) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, "Host is not of this machine"))
}

/// `localhost`, 127.0.0.0/8 or `[::1]`, with a port or without.
fn is_local(host: &[u8]) -> bool {
    let name = match host.iter().rposition(|byte| *byte == b':') {
        Some(at) if host[at + 1..].iter().all(u8::is_ascii_digit) => &host[..at],
        _ => host,
    };
    // The most usual one first: every request passes here.
    name == b"127.0.0.1"
        || name == b"[::1]"
        || is_loopback(name)
        || name.eq_ignore_ascii_case(b"localhost")
        || name.to_ascii_lowercase().ends_with(b".localhost")
}

fn is_loopback(name: &[u8]) -> bool {
    let address = str::from_utf8(name).ok().and_then(|name| name.parse().ok());
    address.is_some_and(|address: Ipv4Addr| address.is_loopback())
}

/// Reads a whole body, at most [`MAX_BODY_BYTES`] of it.
pub async fn read(mut body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is over 4 MiB");
    if body.size_hint().lower() > MAX_BODY_BYTES {
        drain(&mut body, 0).await;
        return Err(too_large());
    }
    // Nearly every body is one frame, which then is not copied.
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::new(StatusCode::BAD_REQUEST, "the body ended early");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if first.is_empty() {
            first = data;
            continue;
        }
        if more.is_empty() {
            more.extend_from_slice(&first);
        }
        more.extend_from_slice(&data);
        if more.len() as u64 > MAX_BODY_BYTES {
            drain(&mut body, more.len() as u64).await;
            return Err(too_large());
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

async fn drain(body: &mut Body, mut read: u64) {
    while read < MAX_DRAINED_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn messages_are_told_apart() {
        for (body, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":"1","method":"ping","params":{}}"#, None),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"#, Some(PARSE_ERROR)),
            ("", Some(PARSE_ERROR)),
            ("[", Some(PARSE_ERROR)),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Some(INVALID_REQUEST)),
            (r#" ["2.0",1,"ping"]"#, Some(INVALID_REQUEST)),
            ("7", Some(INVALID_REQUEST)),
            (r#"{"id":1,"method":"ping"}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","id":1}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, Some(INVALID_REQUEST)),
            (r#"{"jsonrpc":"2.0","method":7}"#, Some(INVALID_REQUEST)),
        ] {
            assert_eq!(
                parse(body.as_bytes()).err().map(|refusal| refusal.code),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn accept_must_list_both() {
        for (accept, both) in [
            ("application/json, text/event-stream", true),
            ("text/event-stream;q=0.5,Application/JSON ; charset=utf-8", true),
            ("*/*", true),
            ("application/*, text/*", true),
            ("application/json", false),
            ("text/event-stream", false),
            ("text/html, application/jsonl", false),
        ] {
            let headers = headers("accept", accept);
            let found =
                accepts(&headers, "application/json") && accepts(&headers, "text/event-stream");
            assert_eq!(found, both, "{accept}");
        }
        assert!(!accepts(&HeaderMap::new(), "application/json"));
    }

    #[test]
    fn only_pages_of_this_machine_may_call() {
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:80", true),
            ("https://claude.ai", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1.evil.example", false),
            ("null", false),
        ] {
            assert_eq!(check_origin(&headers("origin", origin)).is_ok(), allowed, "{origin}");
        }
        assert!(check_origin(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, allowed) in [
            ("127.0.0.1:8080", true),
            ("127.1.2.3", true),
            ("localhost:1", true),
            ("LOCALHOST", true),
            ("a.localhost", true),
            ("[::1]:80", true),
            ("[::1]", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1.evil.example:80", false),
            ("localhost.evil.example", false),
            ("127.evil.example", false),
            ("127.0.0.evil", false),
            ("", false),
        ] {
            assert_eq!(check_host(&headers("host", host)).is_ok(), allowed, "{host}");
        }
    }
}
