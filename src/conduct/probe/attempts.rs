//! Requests that are written by hand: what a careless client, another era's, or a page elsewhere
//! would send. Each is made once, and none of them changes anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{
    ACCEPT, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, ORIGIN,
};
use serde_json::{Value, json};

use super::Prober;
use super::sessions::Seats;
use crate::engine::client::{Attempt, Came, Sitting};
use crate::engine::wire::line::Address;
use crate::judge::readiness::{FOREIGN, NEVER};
use crate::model::probe::facts::{Answer, Attempted, Rpc, Tried};
use crate::protocol::legacy::{SESSION_HEADER, VERSION_HEADER};
use crate::protocol::modern::METHOD_HEADER;
use crate::protocol::oauth::challenge::Challenge;

/// What is refused, or answered without asking anybody, is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A stream that opens and says nothing is listened to for so long.
const LISTENING: Duration = Duration::from_secs(2);
/// So much of an answer is quoted, in characters.
const QUOTE: usize = 120;
/// The largest number that every JSON library has as it is.
const LARGEST: i64 = 9_007_199_254_740_991;
const NO_METHOD: &str = "squall/no-such-method";
const NO_TOOL: &str = "squall_no_such_tool";

/// Headers that are kept of an answer.
const KEPT: [&str; 5] = [
    "location",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "x-accel-buffering",
    "allow",
];

impl Prober<'_> {
    /// Makes every attempt for which there is a seat.
    pub(super) async fn try_out(&mut self, seats: &Seats) {
        if let Some(seat) = &seats.legacy {
            self.with_handshake(seat).await;
        }
        if let Some(seat) = &seats.modern {
            self.without_handshake(seat).await;
        }
        let direct = seats.main().filter(|seat| seat.answers_directly());
        if let Some(seat) = direct {
            self.in_either_era(seat).await;
        }
        self.outside(direct).await;
        let is_modern = direct.is_some_and(Sitting::is_modern);
        self.facts.buffered = self.buffered(is_modern);
    }

    async fn with_handshake(&mut self, seat: &Sitting) {
        let asked = seat.asking(&json!("squall-1"), NO_METHOD, Value::Null);
        self.make(Attempted::UnknownMethod, post(asked)).await;
        let params = json!({
            "protocolVersion": NEVER,
            "capabilities": {},
            "clientInfo": { "name": "squall", "version": env!("CARGO_PKG_VERSION") },
        });
        let message =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let headers = self.client.headers_outside();
        // As long as any other handshake.
        let within = self.common.profile.connect_timeout;
        let attempt = Attempt { within, ..post((headers, message.to_string().into_bytes())) };
        let (tried, session) = self.attempted(attempt).await;
        self.facts.attempts.insert(Attempted::UnknownVersion, tried);
        if let Some(id) = session {
            // Whoever opened a session ends it.
            let mut headers = without_body(self.client.headers_outside());
            headers.insert(HeaderName::from_static(SESSION_HEADER), id);
            let end = Attempt { method: Method::DELETE, ..post((headers, Vec::new())) };
            let _ended = self.attempt(end).await;
        }
        let Some(id) = seat.id().and_then(|id| HeaderValue::from_str(&another(id)).ok()) else {
            return;
        };
        let (mut headers, body) = seat.asking(&json!("squall-2"), "tools/list", Value::Null);
        headers.insert(HeaderName::from_static(SESSION_HEADER), id);
        self.make(Attempted::LostSession, post((headers, body))).await;
    }

    async fn without_handshake(&mut self, seat: &Sitting) {
        let asked = seat.asking(&json!("squall-3"), NO_METHOD, Value::Null);
        self.make(Attempted::ModernMethod, post(asked)).await;
        let (mut headers, body) = seat.asking(&json!("squall-4"), "tools/list", Value::Null);
        headers.insert(HeaderName::from_static(METHOD_HEADER), HeaderValue::from_static("ping"));
        self.make(Attempted::Mismatch, post((headers, body))).await;
        let (mut headers, body) = seat.asking(&json!("squall-5"), "tools/list", Value::Null);
        headers.insert(HeaderName::from_static(VERSION_HEADER), HeaderValue::from_static(NEVER));
        let mut message: Value = serde_json::from_slice(&body).unwrap_or_default();
        message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = NEVER.into();
        let body = message.to_string().into_bytes();
        self.make(Attempted::ModernVersion, post((headers, body))).await;
    }

    async fn in_either_era(&mut self, seat: &Sitting) {
        let cheap = cheap(seat);
        for id in [json!("1"), json!(LARGEST)] {
            let attempt = post(seat.asking(&id, cheap, Value::Null));
            let tried = self.attempt(attempt).await;
            self.facts.ids.push((id, tried));
        }
        let params = json!({ "name": NO_TOOL, "arguments": {} });
        let asked = seat.asking(&json!("squall-6"), "tools/call", params);
        self.make(Attempted::UnknownTool, post(asked)).await;
        let (headers, _) = seat.asking(&json!("squall-7"), cheap, Value::Null);
        let broken = br#"{"jsonrpc":"2.0","id":"#.to_vec();
        self.make(Attempted::BrokenJson, post((headers, broken))).await;
        let (mut headers, body) = seat.asking(&json!("squall-8"), cheap, Value::Null);
        headers.insert(ORIGIN, HeaderValue::from_static(FOREIGN));
        self.make(Attempted::Origin, post((headers, body))).await;
    }

    /// What needs no session, and is asked of whatever answers.
    async fn outside(&mut self, seat: Option<&Sitting>) {
        let without_body = || without_body(self.client.headers_outside());
        let attempt = |method, headers, bears| {
            let (to, body, within) = (None, Vec::new(), PATIENCE);
            Attempt { method, to, headers, body, bears, within }
        };
        let delete = attempt(Method::DELETE, without_body(), true);
        let mut headers = without_body();
        headers.insert(ORIGIN, HeaderValue::from_static(FOREIGN));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        let wanted = HeaderValue::from_static("content-type, mcp-protocol-version");
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, wanted);
        let preflight = attempt(Method::OPTIONS, headers, false);
        if seat.is_some() {
            self.make(Attempted::Delete, delete).await;
        }
        self.make(Attempted::Preflight, preflight).await;
        let Some(seat) = seat else { return };
        let Some(address) = self.with_other_slash() else {
            let tried = Tried::Not("the URL has no path");
            self.facts.attempts.insert(Attempted::Slash, tried);
            return;
        };
        // No token leaves for an address that nobody gave.
        let (headers, body) = seat.asking(&json!("squall-9"), cheap(seat), Value::Null);
        let attempt = anonymous(without_session(headers), body);
        let attempt = Attempt { to: Some(Arc::new(address)), ..attempt };
        self.make(Attempted::Slash, attempt).await;
    }

    /// A GET without a session.
    pub(super) fn get(&self) -> Attempt {
        let mut headers = without_body(self.client.headers_outside());
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let (method, to, body) = (Method::GET, None, Vec::new());
        Attempt { method, to, headers, body, bears: true, within: LISTENING }
    }

    async fn make(&mut self, attempted: Attempted, attempt: Attempt) {
        let tried = self.attempt(attempt).await;
        self.facts.attempts.insert(attempted, tried);
    }

    /// Makes an attempt.
    pub(super) async fn attempt(&self, attempt: Attempt) -> Tried {
        self.attempted(attempt).await.0
    }

    /// The same, with the id of the session that it opened.
    async fn attempted(&self, attempt: Attempt) -> (Tried, Option<HeaderValue>) {
        let began = self.now();
        let is_get = attempt.method == Method::GET;
        let came = Box::pin(self.client.try_out(attempt)).await;
        let took = self.now().saturating_sub(began);
        let session = came.as_ref().ok().and_then(|came| came.headers.get(SESSION_HEADER).cloned());
        let tried = match came {
            Ok(came) => Tried::Answer(Box::new(self.answer(&came, took))),
            // A stream that opens, and has nothing to say, is what a GET asks for.
            Err((_, Some(status @ 200..300))) if is_get => {
                let media = "text/event-stream".to_owned();
                Tried::Answer(Box::new(Answer { status, media, took, ..Answer::default() }))
            }
            Err((outcome, status)) => Tried::Nothing { outcome, status, after: took },
        };
        (tried, session)
    }

    fn answer(&self, came: &Came, took: Duration) -> Answer {
        let hide = |bytes: &[u8]| self.client.hide(String::from_utf8_lossy(bytes).into_owned());
        let text = hide(&came.body);
        let header = |name: &'static str| {
            Some((name, hide(came.headers.get(name)?.as_bytes()).chars().take(QUOTE * 4).collect()))
        };
        let media = came.headers.get(CONTENT_TYPE).map(|value| hide(value.as_bytes()));
        let media = media.as_deref().and_then(|media| media.split(';').next());
        let challenge = Challenge::read(&came.headers);
        Answer {
            status: came.status,
            media: media.unwrap_or_default().trim().to_ascii_lowercase(),
            took,
            headers: KEPT.into_iter().filter_map(header).collect::<BTreeMap<_, _>>(),
            challenge: challenge
                .bearer
                .then(|| challenge.resource_metadata.map(|url| self.client.hide(url))),
            is_endpoint: came.event.as_deref() == Some(b"endpoint"),
            rpc: rpc(&text),
            beginning: text.trim().chars().take(QUOTE).collect(),
        }
    }

    /// The endpoint with a slash more or less at the end of its path.
    fn with_other_slash(&self) -> Option<Address> {
        let other = |uri: &http::Uri| {
            let text = uri.to_string();
            let (path, query) = match text.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (text.as_str(), String::new()),
            };
            let path = match path.strip_suffix('/') {
                Some(less) => less.to_owned(),
                None => format!("{path}/"),
            };
            format!("{path}{query}").parse().ok()
        };
        let Address { path, whole } = &self.endpoint.address;
        if path.path().len() < 2 {
            return None;
        }
        Some(Address { path: other(path)?, whole: other(whole)? })
    }

    /// How many event streams of the era that wants it did not ask to be passed on at once; none
    /// where there was no stream. The ids were tried in that era if `ids_are_modern`.
    fn buffered(&self, ids_are_modern: bool) -> Option<u32> {
        use Attempted::{Anonymous, Mismatch, ModernMethod, ModernVersion};
        let attempts =
            [Anonymous, ModernMethod, Mismatch, ModernVersion].map(|of| self.facts.of(of));
        let ids = self.facts.ids.iter().map(|(_, tried)| tried).filter(|_| ids_are_modern);
        let answers = attempts.into_iter().chain(ids).filter_map(Tried::answer);
        let streams: Vec<_> =
            answers.filter(|answer| answer.media == "text/event-stream").collect();
        let said = |answer: &&&Answer| {
            answer.headers.get("x-accel-buffering").is_none_or(|value| value != "no")
        };
        let silent = streams.iter().filter(said).count();
        (!streams.is_empty()).then_some(u32::try_from(silent).unwrap_or(u32::MAX))
    }
}

/// A POST that bears what the client presents.
fn post((headers, body): (HeaderMap, Vec<u8>)) -> Attempt {
    let (method, to, within) = (Method::POST, None, PATIENCE);
    Attempt { method, to, headers, body, bears: true, within }
}

/// A POST of somebody who presents nothing.
pub(super) fn anonymous(headers: HeaderMap, body: Vec<u8>) -> Attempt {
    Attempt { bears: false, ..post((headers, body)) }
}

/// What any server answers at once, in the era of the session.
fn cheap(seat: &Sitting) -> &'static str {
    if seat.is_modern() { "server/discover" } else { "ping" }
}

fn without_body(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(CONTENT_TYPE);
    headers.remove(ACCEPT);
    headers
}

fn without_session(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(SESSION_HEADER);
    headers
}

/// A session id of the same form that nobody issued.
fn another(id: &str) -> String {
    let next = |c: char| match c {
        '0'..='8' | 'a'..='e' | 'A'..='E' => char::from_u32(u32::from(c) + 1).unwrap_or(c),
        '9' => '0',
        'f' => 'a',
        'F' => 'A',
        other => other,
    };
    let other: String = id.chars().map(next).collect();
    if other == id { format!("{id}0") } else { other }
}

fn rpc(text: &str) -> Option<Rpc> {
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return None };
    message.get("jsonrpc").filter(|version| *version == "2.0")?;
    let id = message.remove("id").unwrap_or_default();
    if let Some(error) = message.get("error") {
        let (code, said) = (error["code"].as_i64()?, error["message"].as_str().unwrap_or_default());
        let said = said.chars().take(QUOTE).collect();
        return Some(Rpc { id, body: Err((code, said)) });
    }
    message.remove("result").map(|result| Rpc { id, body: Ok(result) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_nobody_issued_has_the_same_form() {
        for (id, expected) in [("1f9e-0a", "2a0f-1b"), ("abc", "bcd"), ("zz", "zz0"), ("9F", "0A")]
        {
            assert_eq!(another(id), expected);
        }
    }

    #[test]
    fn a_response_is_told_from_other_json() {
        let error = rpc(r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"no"}}"#).unwrap();
        assert_eq!(error, Rpc { id: Value::Null, body: Err((-32601, "no".to_owned())) });
        let result = rpc(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#).unwrap();
        assert_eq!(result, Rpc { id: json!("1"), body: Ok(json!({})) });
        for other in ["", "[]", "{}", r#"{"error":"invalid_token"}"#, "<html>"] {
            assert_eq!(rpc(other), None, "{other}");
        }
    }
}
