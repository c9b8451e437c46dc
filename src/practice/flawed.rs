//! A practice target with defects: what it answers instead, or what becomes of a sound answer. A
//! target without any never comes here.

mod ids;
mod lists;
mod replicas;
mod turns;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};

use self::turns::Turns;
use super::id::Id;
use super::left::Taken;
use super::limiter::From;
use super::metrics::Received;
use super::response::{self, JSON};
use super::server::{Endpoint, Target, soundly};
use super::{legacy, request};
use crate::model::plan::Flaw;
use crate::protocol::legacy::{Revision, SESSION_HEADER};
use crate::protocol::modern::{self, METHOD_HEADER};

/// Longer than hosted clients wait for a handshake.
const SLOW: Duration = Duration::from_millis(10_500);
/// What each open session costs a handshake.
const FOR_EACH: Duration = Duration::from_micros(100);
/// One call in so many finds that its session was forgotten.
const FORGOTTEN: u64 = 40;
/// So many sessions are few.
const FEW: usize = 100;
/// Characters of a large result.
const LARGE: usize = 200_000;
/// What is wrong with the answers of calls: they have to be whole for it.
const ON_CALLS: [Flaw; 6] = [
    Flaw::BuffersStreams,
    Flaw::UnknownTool500,
    Flaw::BareErrors,
    Flaw::FailingTools,
    Flaw::LargeResults,
    Flaw::RoundsIds,
];

/// What a target with defects remembers.
#[derive(Debug, Default)]
pub(super) struct Flawed {
    /// The next list is in the other order.
    turned: AtomicBool,
    /// Calls so far.
    calls: AtomicU64,
    /// Places that calls whose clients left have taken.
    pub(super) taken: Mutex<Taken>,
    /// Ids that were used.
    used: ids::Used,
    /// Where sessions were opened.
    homes: replicas::Homes,
    turns: Turns,
}

/// What is asked, as far as a defect needs it.
#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    params: Value,
}

/// Answers a request at an MCP endpoint of a target with defects.
pub(super) async fn mcp(
    target: Arc<Target>,
    endpoint: Endpoint,
    request: Request,
    received: Received,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = request::read(body).await else {
        return soundly(target, endpoint, Request::from_parts(parts, Body::empty()), received)
            .await;
    };
    let asked: Option<Asked<'_>> = serde_json::from_slice(&body).ok();
    let method = asked.as_ref().and_then(|asked| asked.method.as_deref()).unwrap_or_default();
    if let Some(response) = target.instead(&parts, method, &body).await {
        received.answered(response.status().as_u16());
        return response;
    }
    let turn = match &target.flawed {
        Some(flawed) => flawed.turns.take(&target, &parts, method).await,
        None => Ok(turns::Turn::default()),
    };
    let turn = match turn {
        Ok(turn) => turn,
        Err(response) => {
            received.answered(response.status().as_u16());
            return response;
        }
    };
    target.mislead(&mut parts, method);
    target.await_place(&parts.headers, method).await;
    let headers = parts.headers.clone();
    let from = parts.extensions.get::<From>().copied();
    let request = Request::from_parts(parts, Body::from(body.clone()));
    let params = asked.as_ref().map_or(&Value::Null, |asked| &asked.params);
    let answer = async {
        let response = soundly(Arc::clone(&target), endpoint, request, received).await;
        target.keep_home(&response, from);
        turn.over(target.spoilt(response, method, params).await).await
    };
    if let Some(idle) = target.idle() {
        return Box::pin(target.cut_when_idle(method, idle, answer)).await;
    }
    if target.has(Flaw::CutsOldStreams) {
        return target.cut_when_old(answer.await);
    }
    if method == "tools/call" {
        return target.in_place(&headers, answer).await;
    }
    answer.await
}

impl Target {
    /// What open sessions cost a handshake, with the defects that are about it; whether no more of
    /// them may be opened.
    pub(super) async fn is_burdened(&self) -> bool {
        let open = self.sessions.count();
        if self.has(Flaw::LeaksSessions) {
            self.workers.pause(FOR_EACH * u32::try_from(open).unwrap_or(u32::MAX)).await;
        }
        self.has(Flaw::FewSessions) && open >= FEW
    }

    /// What is answered before anybody looks at the request.
    async fn instead(&self, parts: &Parts, method: &str, body: &Bytes) -> Option<Response> {
        let path = parts.uri.path();
        if self.is_elsewhere(parts, method) {
            return Some(legacy::unknown_session(self).respond());
        }
        let broken = || Some(plainly(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"));
        match parts.method.as_str() {
            _ if self.has(Flaw::SlashRedirect) && path == "/mcp/" => Some(redirected("/mcp")),
            _ if self.has(Flaw::EndpointRedirect) && path == "/mcp" => Some(redirected("/mcp/")),
            "GET" if self.has(Flaw::Get500) => broken(),
            "DELETE" if self.has(Flaw::Delete500) => broken(),
            "OPTIONS" if self.has(Flaw::CorsCredentials) => Some(allowed(parts)),
            "POST" => self.instead_of_post(parts, method, body).await,
            _ => None,
        }
    }

    async fn instead_of_post(&self, parts: &Parts, method: &str, body: &Bytes) -> Option<Response> {
        let broken = || Some(plainly(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"));
        match method {
            "initialize" if self.has(Flaw::SlowHandshake) => {
                self.workers.pause(SLOW).await;
                None
            }
            "server/discover" if self.has(Flaw::DiscoverHangs) => std::future::pending().await,
            "server/discover" if self.has(Flaw::Discover500) => broken(),
            "tools/call" if self.has(Flaw::LosesSessions) => {
                self.forget_now_and_then(parts);
                None
            }
            "tools/call" if let Some(response) = self.instead_of_id(parts, body) => Some(response),
            "" if self.has(Flaw::BrokenJson500) && is_broken(body) => broken(),
            _ if self.has(Flaw::VersionUnsaid) && is_of_no_era(parts) => {
                let error = json!({ "code": -32600, "message": "no" });
                let message = json!({ "jsonrpc": "2.0", "id": null, "error": error });
                let body = Body::from(message.to_string());
                Some(response::content(StatusCode::BAD_REQUEST, JSON, body))
            }
            _ => None,
        }
    }

    /// One in so many calls comes in a session that is gone.
    fn forget_now_and_then(&self, parts: &Parts) {
        let calls =
            self.flawed.as_ref().map_or(0, |flawed| flawed.calls.fetch_add(1, Ordering::Relaxed));
        let id = parts.headers.get(SESSION_HEADER).and_then(|id| Id::read(id.as_bytes()));
        if let Some(id) = id.filter(|_| calls % FORGOTTEN == FORGOTTEN - 1) {
            self.sessions.close(id);
        }
    }

    /// What a request says is changed before it is looked at.
    fn mislead(&self, parts: &mut Parts, method: &str) {
        if self.has(Flaw::AnyOrigin) {
            parts.headers.remove(header::ORIGIN);
        }
        let name = HeaderName::from_static(METHOD_HEADER);
        if self.has(Flaw::TrustsHeaders)
            && parts.headers.contains_key(&name)
            && let Ok(method) = HeaderValue::from_str(method)
        {
            parts.headers.insert(name, method);
        }
    }

    /// What becomes of a sound answer.
    async fn spoilt(&self, mut response: Response, method: &str, params: &Value) -> Response {
        if self.has(Flaw::BufferedStreams) {
            response.headers_mut().remove("x-accel-buffering");
        }
        if self.has(Flaw::HtmlErrors) && response.status().as_u16() >= 400 {
            let page = "<!doctype html><title>Error</title><h1>Something went wrong</h1>";
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            return response::content(response.status(), kind, Body::from(page));
        }
        let is_asked = match method {
            "initialize" | "ping" | "tools/list" => true,
            "tools/call" => ON_CALLS.into_iter().any(|flaw| self.has(flaw)),
            _ => false,
        };
        if !is_asked && !method.starts_with("squall/") {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let Ok(whole) = body.collect().await else {
            return Response::from_parts(parts, Body::empty());
        };
        let whole = whole.to_bytes();
        let text = String::from_utf8_lossy(&whole);
        // An event's data is one line, or the whole body is.
        let (before, data) = match text.rsplit_once("data: ") {
            Some((before, data)) => (format!("{before}data: "), data.trim_end()),
            None => (String::new(), &*text),
        };
        let Ok(mut message) = serde_json::from_str::<Value>(data) else {
            return Response::from_parts(parts, Body::from(whole));
        };
        if let Some(response) = self.spoil(&mut message, method, params) {
            return response;
        }
        let end = if before.is_empty() { "" } else { "\n\n" };
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(format!("{before}{message}{end}")))
    }

    /// Changes a response; or what comes instead.
    fn spoil(&self, message: &mut Value, method: &str, params: &Value) -> Option<Response> {
        let broken = || Some(plainly(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"));
        let is_refused = message.get("error").is_some();
        match method {
            "initialize" if self.has(Flaw::EchoesVersion) && !is_refused => {
                message["result"]["protocolVersion"] = params["protocolVersion"].clone();
            }
            "tools/list" if !is_refused => {
                let turned = &self.flawed.as_ref()?.turned;
                let turn = || turned.fetch_xor(true, Ordering::Relaxed);
                lists::spoil(&mut message["result"], |flaw| self.has(flaw), turn);
            }
            "tools/call" if is_refused && self.has(Flaw::UnknownTool500) => return broken(),
            "tools/call" if is_refused && self.has(Flaw::BareErrors) => {
                message["error"]["message"] = "Internal Server Error".into();
            }
            "tools/call" if !is_refused && self.has(Flaw::FailingTools) => {
                let error = json!({ "code": -32603, "message": "the index cannot be reached" });
                let id = message["id"].clone();
                *message = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            }
            "tools/call" if !is_refused && self.has(Flaw::LargeResults) => {
                message["result"]["content"][0]["text"] = "x".repeat(LARGE).into();
            }
            _ if method.starts_with("squall/") && self.has(Flaw::UnknownMethod500) => {
                return broken();
            }
            _ if method.starts_with("squall/") && self.has(Flaw::UnknownMethodCode) => {
                message["error"]["code"] = (-32602).into();
            }
            _ => {}
        }
        if self.has(Flaw::RoundsIds)
            && let Some(id) = message["id"].as_i64()
        {
            message["id"] = ((id as f32) as i64).into();
        }
        None
    }
}

fn is_broken(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

/// Whether a request names a revision that there is not.
fn is_of_no_era(parts: &Parts) -> bool {
    let named = parts.headers.get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    named.is_some_and(|named| {
        Revision::named(named).is_none() && modern::Revision::named(named).is_none()
    })
}

fn plainly(status: StatusCode, text: &'static str) -> Response {
    response::content(status, HeaderValue::from_static("text/plain"), Body::from(text))
}

fn redirected(to: &'static str) -> Response {
    let mut response = response::empty(StatusCode::TEMPORARY_REDIRECT);
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

/// Whatever page asks, it is allowed.
fn allowed(parts: &Parts) -> Response {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if let Some(origin) = parts.headers.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    response
}
