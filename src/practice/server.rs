//! The practice target: its endpoints, and which request goes to which era.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, oneshot, watch};

use super::asks::Asks;
use super::authorization::{Authority, Ends, Page, Reply};
use super::cancelling::Cancelling;
use super::connections;
use super::era::{self, Era};
use super::flawed::{self, Flawed};
use super::http_sse::{self, Channels};
use super::legacy;
use super::limiter::Limiter;
use super::metrics::{Method, Metrics, Received};
use super::mixups::Mixups;
use super::modern;
use super::request::{self, Refusal};
use super::response;
use super::seal::Seal;
use super::sessions::Sessions;
use super::stream::{self, Change};
use super::workers::Workers;
use crate::edge::clock::Clock;
use crate::model::plan::{Flaw, Practice, Way};

/// After the stop, answers under way may take this long.
const GRACE: Duration = Duration::from_secs(2);

/// Changes that a slow stream may be behind.
const CHANGES: usize = 64;

/// What the endpoint allows, by era.
pub(super) const LEGACY_METHODS: &str = "GET, POST, DELETE";
const MODERN_METHODS: &str = "POST";

/// One running target, shared by its connections.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) knobs: Practice,
    pub(super) sessions: Sessions,
    pub(super) channels: Channels,
    pub(super) workers: Workers,
    pub(super) metrics: Arc<Metrics>,
    pub(super) asks: Asks,
    pub(super) mixups: Mixups,
    pub(super) cancelling: Cancelling,
    pub(super) seal: Seal,
    pub(super) authority: Option<Box<Authority>>,
    pub(super) limiter: Option<Box<Limiter>>,
    pub(super) changes: broadcast::Sender<Change>,
    pub(super) stopping: watch::Sender<bool>,
    /// What it remembers of its own defects; none if it has none.
    pub(super) flawed: Option<Flawed>,
    /// It is reached by names of this machine only: whatever else asks for it was led here.
    is_local: bool,
}

/// One of the paths that MCP is spoken at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Streamable HTTP, either era.
    Mcp,
    /// HTTP+SSE: the stream.
    Stream,
    /// HTTP+SSE: what clients say.
    Messages,
}

/// Serves the practice target at `/mcp`, `/sse`, `/messages`, `/health` and `/metrics`, and the
/// pages of its authorization server if it has one, until `stop` completes; then ends its streams and waits a moment for answers under way.
pub async fn serve(
    listener: TcpListener,
    knobs: Practice,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    // Without random bytes nothing could be sealed, nor TLS be spoken anywhere on this machine.
    let Some(target) = Target::new(knobs, is_local) else { return };
    let stopping = Arc::clone(&target);
    let (stopped, after_stop) = oneshot::channel();
    let serving = connections::serve(listener, &target, async move {
        stop.await;
        stopping.stopping.send_replace(true);
        let _ = stopped.send(());
    });
    let too_long = async {
        let _ = after_stop.await;
        target.workers.pause(GRACE).await;
    };
    tokio::select! {
        () = serving => {}
        () = too_long => {}
    }
}

/// Everything but the MCP endpoints.
pub(super) fn pages(target: &Arc<Target>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(target))
}

async fn health(State(target): State<Arc<Target>>) -> Response {
    let mut response = response::page("text/plain", "ok");
    if target.has(Flaw::Unhealthy) {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

async fn metrics(State(target): State<Arc<Target>>) -> Response {
    let mut page = target.metrics.page();
    if let Some(authority) = &target.authority {
        page += &authority.metrics();
    }
    response::page("text/plain; version=0.0.4", page)
}

/// What a request at an MCP endpoint is called until its body is read.
pub(super) fn method(request: &axum::http::Method) -> Method {
    match *request {
        axum::http::Method::POST => Method::UNREAD,
        axum::http::Method::GET => Method::GET,
        axum::http::Method::DELETE => Method::DELETE,
        _ => Method::OTHER_HTTP,
    }
}

/// Answers a request at an MCP endpoint.
pub(super) async fn mcp(
    target: Arc<Target>,
    endpoint: Endpoint,
    request: Request,
    received: Received,
) -> Response {
    if target.flawed.is_some() {
        // Apart, so that a sound target does not carry the room it needs.
        return Box::pin(flawed::mcp(target, endpoint, request, received)).await;
    }
    soundly(target, endpoint, request, received).await
}

/// Answers it as a sound target does, but for what stands where it is decided.
pub(super) async fn soundly(
    target: Arc<Target>,
    endpoint: Endpoint,
    request: Request,
    mut received: Received,
) -> Response {
    let request = match let_in(&target, endpoint, request).await {
        Ok(request) => request,
        Err(response) => {
            received.answered(response.status().as_u16());
            return response;
        }
    };
    let ends = request.extensions().get::<Ends>().cloned();
    let answered = answer(&target, endpoint, request, &mut received).await;
    let mut response = answered.unwrap_or_else(|refusal| refusal.respond());
    if let Some(ends) = ends.filter(|_| received.method.lasts()) {
        response = ends.cut(response);
    }
    received.answered(response.status().as_u16());
    response
}

/// Refuses whoever was led here, who has no token where one is needed, and who asks too much.
async fn let_in(
    target: &Target,
    endpoint: Endpoint,
    request: Request,
) -> Result<Request, Response> {
    target.admitted(&request).map_err(|refusal| refusal.respond())?;
    let request = match &target.authority {
        None => request,
        // Apart, so that a target without it does not carry the room it needs.
        Some(authority) => Box::pin(authority.admit(endpoint, request)).await?,
    };
    match &target.limiter {
        Some(limiter) if request.method() == axum::http::Method::POST => {
            let authority = target.authority.as_ref();
            let user = authority.and_then(|authority| authority.subject(request.headers()));
            Box::pin(limiter.admit(request, user)).await
        }
        _ => Ok(request),
    }
}

/// Answers a request at a page of the authorization server.
pub(super) async fn authorization(
    target: Arc<Target>,
    at: Page,
    request: Request,
    from: IpAddr,
) -> Reply {
    if target.is_local
        && let Err(refusal) = request::check_host(request.headers())
    {
        return Reply::Whole(refusal.respond());
    }
    let limited = target.limiter.as_ref().filter(|_| at == Page::Token);
    if let Some(response) = limited.and_then(|limiter| limiter.at_token(from)) {
        return Reply::Whole(response);
    }
    match &target.authority {
        Some(authority) => authority.answer(at, request, from).await,
        None => Reply::Whole(response::empty(StatusCode::NOT_FOUND)),
    }
}

async fn answer(
    target: &Arc<Target>,
    endpoint: Endpoint,
    request: Request,
    received: &mut Received,
) -> Result<Response, Refusal> {
    match (endpoint, received.method) {
        (Endpoint::Mcp, Method::UNREAD) => {
            let (parts, body) = request.into_parts();
            match era::of(&parts.headers, target.knobs.speaks) {
                Era::Legacy(named) => {
                    legacy::post(target, &parts.headers, body, named, received).await
                }
                Era::Modern(version) => {
                    Box::pin(modern::post(target, &parts.headers, body, version, received)).await
                }
            }
        }
        (Endpoint::Mcp, method) => {
            match (era::of(request.headers(), target.knobs.speaks), method) {
                (Era::Modern(_), _) => Ok(response::not_allowed(MODERN_METHODS)),
                (Era::Legacy(named), Method::GET) => stream::open(target, request.headers(), named),
                (Era::Legacy(_), Method::DELETE) => legacy::delete(target, request.headers()),
                (Era::Legacy(_), _) => Ok(response::not_allowed(LEGACY_METHODS)),
            }
        }
        (Endpoint::Stream, Method::GET) => http_sse::open(target, request.headers()),
        (Endpoint::Stream, _) => Ok(response::not_allowed("GET")),
        (Endpoint::Messages, Method::UNREAD) => {
            Box::pin(http_sse::post(target, request, received)).await
        }
        (Endpoint::Messages, _) => Ok(response::not_allowed("POST")),
    }
}

impl Target {
    /// A target without connections; `None`: the system gave no random bytes.
    pub(super) fn new(knobs: Practice, is_local: bool) -> Option<Arc<Self>> {
        let authority = match &knobs.auth {
            Some(auth) => Some(Authority::new(auth.clone(), &knobs, Clock::real())?),
            None => None,
        };
        let limit = knobs.limit.clone();
        let limiter = limit.map(|limit| Limiter::new(limit, knobs.defects, Clock::real()));
        let is_flawed = knobs.defects.list().next().is_some();
        let flawed = is_flawed.then(Flawed::default);
        let idle = knobs.idle.filter(|_| !knobs.defects.has(Flaw::KeepsIdle));
        Some(Arc::new(Self {
            workers: Workers::start(&knobs),
            authority: authority.map(Box::new),
            limiter: limiter.map(Box::new),
            flawed,
            knobs,
            sessions: Sessions::kept(idle, Clock::real()),
            channels: Channels::default(),
            metrics: Arc::new(Metrics::default()),
            asks: Asks::default(),
            mixups: Mixups::default(),
            cancelling: Cancelling::new(),
            seal: Seal::new()?,
            changes: broadcast::Sender::new(CHANGES),
            stopping: watch::Sender::new(false),
            is_local,
        }))
    }

    /// Whether this is wrong with it.
    pub(super) const fn has(&self, flaw: Flaw) -> bool {
        self.knobs.defects.has(flaw)
    }

    /// The MCP endpoint of a path.
    pub(super) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let speaks = self.knobs.speaks;
        match path {
            "/mcp" if speaks.has(Way::Legacy) || speaks.has(Way::Modern) => Some(Endpoint::Mcp),
            "/mcp/" if self.has(Flaw::SlashRedirect) || self.has(Flaw::EndpointRedirect) => {
                Some(Endpoint::Mcp)
            }
            http_sse::STREAM_PATH if speaks.has(Way::HttpSse) => Some(Endpoint::Stream),
            http_sse::POST_PATH if speaks.has(Way::HttpSse) => Some(Endpoint::Messages),
            _ => None,
        }
    }

    /// The guard against DNS rebinding: pages of other machines, and names that lead here.
    fn admitted(&self, request: &Request) -> Result<(), Refusal> {
        request::check_origin(request.headers())?;
        if self.is_local { request::check_host(request.headers()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Answers;
    use crate::practice::rehearsal::{got, request, start, stateless};
    use bytes::Bytes;
    use reqwest::RequestBuilder;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_handshake_gives_a_session_in_which_calls_are_answered() {
        let target = start(Practice::default()).await;
        let session = target.initialized().await.unwrap();
        assert!(session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        let session = Some(session.as_str());
        let answer = target.call(session, 7, "echo", json!({"message": "é\n\"x\""})).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/json"));
        let block = json!({"type": "text", "text": "é\n\"x\""});
        let result = json!({"content": [block], "isError": false});
        assert_eq!(answer.json(), json!({"jsonrpc": "2.0", "id": 7, "result": result}));
        let wrong = target.call(session, 8, "echo", json!({})).await.json();
        assert_eq!(wrong["result"]["isError"], true);
        let unknown = target.call(session, 9, "no_such", json!({})).await;
        assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (200, &json!(-32602)));
        let ping = got(target.post(session, &request("p", "ping", &json!({})))).await.json();
        assert_eq!(ping, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
        let other = got(target.post(session, &request(1, "no/such", &json!({})))).await;
        assert_eq!((other.status, &other.json()["error"]["code"]), (200, &json!(-32601)));
        let reply = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
        assert_eq!(got(target.post(session, &reply)).await.status, 202);
        assert_eq!(got(target.client.get(format!("{}/health", target.base))).await.text, "ok");
    }

    #[tokio::test]
    async fn an_event_stream_answer_is_one_event_and_ends() {
        let target = start(Practice { answers: Answers::Sse, ..Practice::default() }).await;
        let session = target.initialized().await;
        let answer = target.call(session.as_deref(), 3, "echo", json!({"message": "hi"})).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "text/event-stream"));
        let data = answer.text.strip_prefix("event: message\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
        assert_eq!((&data["id"], &data["result"]["content"][0]["text"]), (&json!(3), &json!("hi")));
        let error = got(target.post(session.as_deref(), &request(1, "no", &json!({})))).await;
        assert_eq!((error.status, error.kind.as_str()), (200, "text/event-stream"));
        let refusal = got(target.post(None, &request(1, "ping", &json!({})))).await;
        assert_eq!((refusal.status, refusal.kind.as_str()), (400, "application/json"));
    }

    #[tokio::test]
    async fn what_the_transport_refuses() {
        let target = start(Practice::default()).await;
        let session = target.initialized().await;
        let session = session.as_deref();
        let ping = request(1, "ping", &json!({}));
        let header = |name: &str, value: &str| {
            let mut post = target.post(session, &ping).build().unwrap();
            let name: axum::http::HeaderName = name.parse().unwrap();
            post.headers_mut().insert(name, value.parse().unwrap());
            RequestBuilder::from_parts(target.client.clone(), post)
        };
        let huge = "x".repeat(request::MAX_BODY_BYTES as usize + 1);
        let half = Bytes::from(huge.clone().into_bytes()).slice(..=huge.len() / 2);
        let halves = [half.clone(), half].map(Ok::<_, std::io::Error>);
        let chunked = reqwest::Body::wrap(http_body_util::StreamBody::new(
            futures_util::stream::iter(halves.map(|half| half.map(hyper::body::Frame::data))),
        ));
        let unknown = "0".repeat(32);
        let get_json = target.client.get(target.url()).header("accept", "application/json");
        for (what, request, status, code) in [
            ("no session", target.post(None, &ping), 400, -32600),
            ("unknown session", target.post(Some(&unknown), &ping), 404, -32600),
            ("foreign session", target.post(Some("../../etc"), &ping), 404, -32600),
            ("one type", header("accept", "application/json"), 406, -32600),
            ("form", header("content-type", "text/plain"), 415, -32600),
            ("page elsewhere", header("origin", "http://evil.example"), 403, -32600),
            ("name that leads here", header("host", "evil.example"), 403, -32600),
            ("bad JSON", target.post(session, &"{\"jsonrpc\""), 400, -32700),
            ("batch", target.post(session, &json!([ping])), 400, -32600),
            ("long", target.post(session, &huge), 413, -32600),
            ("long, chunked", target.post(session, &"").body(chunked), 413, -32600),
            ("GET as JSON", get_json, 406, -32600),
            ("stream without session", target.stream(None), 400, -32600),
            ("stream of no session", target.stream(Some(&unknown)), 404, -32600),
            ("DELETE without session", target.delete(None), 400, -32600),
            ("DELETE of no session", target.delete(Some(&unknown)), 404, -32600),
        ] {
            let answer = got(request).await;
            assert_eq!(answer.status, status, "{what}");
            let body = answer.json();
            assert_eq!(
                (&body["error"]["code"], &body["id"]),
                (&json!(code), &Value::Null),
                "{what}"
            );
        }
        assert_eq!(got(header("mcp-protocol-version", "2024-11-05")).await.status, 200);
        assert_eq!(got(header("origin", "http://localhost:1234")).await.status, 200);
        let put = target.client.put(target.url());
        assert_eq!(got(put).await.status, 405);
    }

    #[tokio::test]
    async fn without_sessions_none_is_issued_or_demanded() {
        let target = start(stateless()).await;
        assert_eq!(target.initialized().await, None);
        assert_eq!(target.call(None, 1, "echo", json!({"message": ""})).await.status, 200);
        assert_eq!(target.call(Some("x"), 1, "echo", json!({"message": ""})).await.status, 200);
        assert_eq!(got(target.delete(None)).await.status, 405);
        let streams = [target.stream(None), target.stream(None)];
        for stream in futures_util::future::join_all(streams.map(RequestBuilder::send)).await {
            assert_eq!(stream.unwrap().status(), 200);
        }
    }

    #[tokio::test]
    async fn a_session_has_one_stream_which_delete_ends() {
        let target = start(Practice::default()).await;
        let session = target.initialized().await;
        let session = session.as_deref();
        let stream = target.stream(session).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(target.metric("practice_streams_open").await, 1);
        assert_eq!(got(target.stream(session)).await.status, 409);
        assert_eq!(got(target.delete(session)).await.status, 204);
        assert_eq!(stream.text().await.unwrap(), "");
        assert_eq!(got(target.delete(session)).await.status, 404);
        assert_eq!(target.call(session, 1, "echo", json!({"message": ""})).await.status, 404);
        assert_eq!(target.metric("practice_sessions_open").await, 0);
    }

    #[tokio::test]
    async fn a_stop_ends_streams_and_lets_answers_finish() {
        let mut target = start(Practice::default()).await;
        let session = target.initialized().await;
        let stream = target.stream(session.as_deref()).send().await.unwrap();
        let stop = target.stop.take().unwrap();
        let slow = target.call(session.as_deref(), 1, "slow", json!({"seconds": 0.2}));
        let stopping = async {
            while target.metric("practice_workers_busy").await == 0 {}
            drop(stop);
        };
        let (slow, ()) = tokio::join!(slow, stopping);
        assert_eq!(slow.status, 200);
        assert_eq!(stream.text().await.unwrap(), "");
        target.serving.await.unwrap();
    }

    #[tokio::test]
    async fn calls_with_the_same_id_at_once_each_get_their_own_answer() {
        let latency = "uniform 0ms 3ms".parse().unwrap();
        let target = start(Practice { latency, ..Practice::default() }).await;
        let session = target.initialized().await;
        let calls = (0..64).map(|number| {
            let message = json!({"message": format!("mine-{number}")});
            target.call(session.as_deref(), 1, "echo", message)
        });
        let answers = futures_util::future::join_all(calls).await;
        for (number, answer) in answers.iter().enumerate() {
            let body = answer.json();
            assert_eq!(body["result"]["content"][0]["text"], format!("mine-{number}"));
            assert_eq!(body["id"], 1);
        }
    }

    #[tokio::test]
    async fn every_request_is_counted_and_nothing_else() {
        let target = start(stateless()).await;
        let calls = (0..50).map(|id| target.call(None, id, "echo", json!({"message": "m"})));
        futures_util::future::join_all(calls).await;
        target.call(None, 1, "search", json!({})).await;
        target.call(None, 1, "no_such", json!({})).await;
        target.initialized().await;
        got(target.post(None, &"[")).await;
        for (series, count) in [
            (r#"requests_total{method="tools/call",status="200"}"#, 52),
            (r#"requests_total{method="initialize",status="200"}"#, 1),
            (r#"requests_total{method="notifications/initialized",status="202"}"#, 1),
            (r#"requests_total{method="unread",status="400"}"#, 1),
            (r#"tool_calls_total{tool="echo",outcome="ok"}"#, 50),
            (r#"tool_calls_total{tool="search",outcome="error"}"#, 1),
            (r#"tool_calls_total{tool="fetch",outcome="ok"}"#, 0),
            ("sessions_opened_total", 0),
            ("in_flight", 0),
            ("workers_busy", 0),
        ] {
            assert_eq!(target.metric(&format!("practice_{series}")).await, count, "{series}");
        }
    }

    #[tokio::test]
    async fn one_worker_serves_one_call_at_a_time() {
        let latency = "1ms".parse().unwrap();
        let target = start(Practice { latency, workers: 1, ..stateless() }).await;
        let calls = (0..40).map(|id| target.call(None, id, "echo", json!({"message": ""})));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.status, 200);
        }
        assert_eq!(target.metric("practice_workers_busy_peak").await, 1);
        assert_eq!(target.metric("practice_queue").await, 0);
    }

    #[tokio::test]
    async fn past_the_workers_calls_queue() {
        let target = start(Practice { workers: 3, ..stateless() }).await;
        let calls = (0..5).map(|id| target.call(None, id, "slow", json!({"seconds": 60})));
        let full = async {
            while target.metric("practice_workers_busy").await < 3
                || target.metric("practice_queue").await < 2
            {}
        };
        tokio::select! {
            _ = futures_util::future::join_all(calls) => unreachable!("a minute has not passed"),
            () = full => {}
        }
        assert_eq!(target.metric("practice_workers_busy_peak").await, 3);
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_counted_as_abandoned_and_frees_its_worker() {
        let target = start(Practice { workers: 1, ..stateless() }).await;
        let call = target.call(None, 1, "slow", json!({"seconds": 60}));
        let busy = async { while target.metric("practice_workers_busy").await == 0 {} };
        tokio::select! { _ = call => unreachable!("a minute has not passed"), () = busy => {} }
        while target.metric("practice_workers_busy").await == 1 {}
        let abandoned = r#"practice_tool_calls_total{tool="slow",outcome="abandoned"}"#;
        assert_eq!(target.metric(abandoned).await, 1);
        assert_eq!(target.call(None, 1, "echo", json!({"message": ""})).await.status, 200);
    }

    #[tokio::test]
    async fn what_is_not_spoken_is_not_there() {
        let only = |way| Practice { speaks: [way].into_iter().collect(), ..Practice::default() };
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let initialize = request(1, "initialize", &json!({"protocolVersion": "2025-11-25"}));
        let modern = start(only(Way::Modern)).await;
        let told = got(modern.post(None, &initialize)).await;
        assert_eq!((told.status, &told.json()["error"]["code"]), (400, &json!(-32022)));
        let data = json!({"supported": ["2026-07-28"], "requested": "2025-11-25"});
        assert_eq!(told.json()["error"]["data"], data);
        let lacking = got(modern.post(None, &ping)).await;
        assert_eq!((lacking.status, &lacking.json()["error"]["code"]), (400, &json!(-32020)));
        let older = modern.post(None, &ping).header("mcp-protocol-version", "2025-11-25");
        assert_eq!(got(older).await.status, 400);
        assert_eq!(got(modern.stream(None)).await.status, 405);
        assert_eq!(got(modern.delete(None)).await.status, 405);
        let legacy = start(only(Way::Legacy)).await;
        let discover = got(legacy.modern("server/discover", &json!({}))).await;
        assert_eq!((discover.status, &discover.json()["error"]["code"]), (400, &json!(-32600)));
        assert!(legacy.initialized().await.is_some());
        for target in [&modern, &legacy] {
            assert_eq!(got(target.client.get(format!("{}/sse", target.base))).await.status, 404);
            let messages = target.client.post(format!("{}/messages", target.base));
            assert_eq!(got(messages).await.status, 404);
        }
        let old = start(only(Way::HttpSse)).await;
        assert_eq!(got(old.post(None, &initialize)).await.status, 404);
        assert_eq!(old.metric("practice_sessions_open").await, 0);
    }
}
