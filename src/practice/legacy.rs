//! The legacy era over Streamable HTTP: sessions, and what a POST is answered with.
//! (MCP 2025-11-25, basic/transports.)

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::value::RawValue;

use super::answer::{Answer, Dress};
use super::catalogue::{Offer, not_offered};
use super::client::{Capabilities, Client};
use super::era::Named;
use super::exhibits::Caller;
use super::id::Id;
use super::metrics::{Method, Received, Working};
use super::request::{self, Message, Refusal};
use super::response;
use super::server::Target;
use super::sessions::NoStream;
use super::stream::{Ear, from_place, full};
use super::voice::{Held, Said, Talk};
use crate::model::plan::{Answers, Flaw, Sessions};
use crate::protocol::legacy::{Revision, SESSION_HEADER};

mod batch;

/// A POST's session and revision.
#[derive(Clone, Copy)]
struct Context {
    session: Option<Id>,
    named: Revision,
}

/// Answers a POST.
pub(super) async fn post(
    target: &Arc<Target>,
    headers: &HeaderMap,
    body: Body,
    named: Named<'_>,
    received: &mut Received,
) -> Result<Response, Refusal> {
    request::check_post(headers)?;
    let body = request::read(body).await?;
    if request::is_batch(&body) {
        let context = Context { session: session(target, headers)?, named: named.revision()? };
        return Box::pin(batch::answer(target, &body, &context, received)).await;
    }
    let message = request::parse(&body)?;
    received.method = message.method.as_deref().map_or(Method::RESPONSE, Method::rpc);
    if message.method.as_deref() == Some("initialize") {
        return Ok(initialize(target, &message, headers).await);
    }
    let context = Context { session: session(target, headers)?, named: named.revision()? };
    let (Some(method), Some(id)) = (message.method.as_deref(), message.id) else {
        if message.method.is_none() {
            target.asks.answered(context.session, &message);
        }
        target.noted(context.session, &message);
        return Ok(response::empty(StatusCode::ACCEPTED));
    };
    if method == "tools/call" {
        return call(target, &message, id, &context, &body).await;
    }
    if is_kept(target, &context) && target.knobs.answers == Answers::Sse {
        let (target, id) = (Arc::clone(target), id.to_owned());
        let answer =
            target.other(context.session, method, message.params).message(&id, Dress::Plain);
        return kept(&target, &context, Talk::of(|_| async move { answer }));
    }
    let answer = target.other(context.session, method, message.params);
    Ok(answer.respond(id.get(), target.knobs.answers))
}

async fn call(
    target: &Arc<Target>,
    message: &Message<'_>,
    id: &RawValue,
    context: &Context,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let form = target.knobs.answers;
    let chosen = match target.choose(message.params) {
        Ok(chosen) => chosen,
        Err(wrong) => return Ok(wrong.respond(id.get(), form)),
    };
    if context.session.is_some_and(|id| target.sessions.has_called(id, body)) {
        target.metrics.duplicate_calls.fetch_add(1, Ordering::Relaxed);
    }
    let is_kept = is_kept(target, context);
    let needs_stream = chosen.talks() || (is_kept && form == Answers::Sse);
    if !needs_stream && target.mixes_up() {
        let crossed = target.crossed(context.session, id);
        let answer = target.call(chosen, || caller(target, *context, message.params)).await;
        return Ok(Box::pin(target.respond_mixed_up(crossed, id, answer)).await);
    }
    if !needs_stream {
        let call = target.call(chosen, || caller(target, *context, message.params));
        let answer = target.unless_cancelled(context.session, id, call).await;
        let answer = answer.or_else(|| target.of_cancelled());
        return Ok(answer.map_or_else(unanswered, |answer| answer.respond(id.get(), form)));
    }
    let talk = talk(target, body, context);
    if is_kept {
        return kept(target, context, talk);
    }
    Ok(response::event_stream(talk.into_body(target.metrics.working())))
}

/// A call that speaks: it owns what it needs, because it outlives the request that began it.
fn talk(target: &Arc<Target>, body: &Bytes, context: &Context) -> Talk {
    let (target, body) = (Arc::clone(target), body.clone());
    let context = *context;
    Talk::of(|voice| async move {
        let Ok(message) = request::parse(&body) else { return String::new() };
        let Some(id) = message.id else { return String::new() };
        let answer = match target.choose(message.params) {
            Ok(chosen) => {
                let caller = || caller(&target, context, message.params);
                let call = target.call(chosen, || Caller { voice: Some(voice), ..caller() });
                let answer = target.unless_cancelled(context.session, id, call).await;
                answer.or_else(|| target.of_cancelled())
            }
            Err(wrong) => Some(wrong),
        };
        answer.map_or_else(String::new, |answer| answer.message(id, Dress::Plain))
    })
}

/// The response to a call that was cancelled: a stream that ends.
fn unanswered() -> Response {
    response::event_stream(Body::empty())
}

impl Held for Working {
    fn ended(self) {}
}

/// Whether what streams say is kept for this session.
fn is_kept(target: &Target, context: &Context) -> bool {
    target.knobs.resumable && context.session.is_some()
}

/// A stream that can be resumed: its work goes on when its listener leaves.
fn kept(target: &Arc<Target>, context: &Context, mut talk: Talk) -> Result<Response, Refusal> {
    let session = context.session.and_then(|id| target.sessions.replay(id));
    // What begins is ended by its work alone, so nothing may fail after it.
    let ear = Ear::open(target)?;
    let place =
        session.ok_or_else(|| unknown_session(target))?.begin().ok_or_else(|| full("streams"))?;
    let (listener, working) = (place.again(), target.metrics.working());
    tokio::spawn(async move {
        while let Some(said) = talk.next().await {
            match said {
                Said::Message(message) => place.say(&message),
                Said::HangUp => place.hang_up(),
            }
        }
        place.end();
        drop(working);
    });
    let revision = client(target, *context).revision;
    let retry = target.knobs.retry.as_millis();
    // Clients before 2025-11-25 may read an event without data as a message.
    let priming = (revision >= Revision::V2025_11_25).then(|| listener.priming(retry));
    Ok(response::event_stream(from_place(listener, ear, priming)))
}

impl Target {
    /// What is offered to clients of the era.
    pub(super) fn offer(&self) -> Offer {
        Offer { catalogue: self.knobs.catalogue, modern: false }
    }

    /// Answers any method but `initialize` and `tools/call`.
    fn other(&self, session: Option<Id>, method: &str, params: Option<&RawValue>) -> Answer {
        let offer = self.offer();
        let about_client = method.starts_with("resources/") || method.starts_with("logging/");
        if about_client && offer.is_full() {
            let told = |client: &mut Client| client.told(method, params);
            let answer = match session {
                Some(id) => self.sessions.client(id, told).flatten(),
                // Nothing of it is remembered; whether it is right is said all the same.
                None => told(&mut Client::new(Revision::V2025_11_25, Capabilities::UNKNOWN)),
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
        if method == "initialize" { not_offered(method) } else { offer.answer(method, params) }
    }

    /// Whose request it is, where users are told apart.
    fn user(&self, headers: &HeaderMap) -> Option<String> {
        self.authority.as_ref()?.subject(headers)
    }

    /// Whether sessions are issued and demanded.
    pub(super) fn stateful(&self) -> bool {
        self.knobs.sessions == Sessions::Stateful
    }
}

async fn initialize(target: &Target, message: &Message<'_>, headers: &HeaderMap) -> Response {
    let Some(id) = message.id else { return response::empty(StatusCode::ACCEPTED) };
    let form = target.knobs.answers;
    let (answer, client) = match target.offer().initialize(message.params) {
        Ok(introduced) => introduced,
        Err(wrong) => return wrong.respond(id.get(), form),
    };
    let mut response = answer.respond(id.get(), form);
    if target.stateful() {
        if target.flawed.is_some() && target.is_burdened().await {
            return full("sessions").respond();
        }
        let (resumable, owner) = (target.knobs.resumable, target.user(headers));
        let Some(session) = target.sessions.open(client, resumable, owner) else {
            return full("sessions").respond();
        };
        target.metrics.sessions_opened.fetch_add(1, Ordering::Relaxed);
        if let Ok(value) = HeaderValue::try_from(session.text()) {
            response.headers_mut().insert(SESSION_HEADER, value);
        }
    }
    response
}

/// A session for a stream without one.
pub(super) fn nameless(target: &Target) -> Option<Id> {
    target.sessions.open(Client::new(Revision::V2025_11_25, Capabilities::default()), false, None)
}

/// The client of a request. Without sessions its header tells the revision, and nothing the rest.
fn client(target: &Target, context: Context) -> Client {
    let known = context.session.and_then(|id| target.sessions.client(id, |client| client.clone()));
    known.unwrap_or_else(|| Client::new(context.named, Capabilities::UNKNOWN))
}

fn caller(target: &Target, context: Context, params: Option<&RawValue>) -> Caller {
    let progress = super::calls::progress_token(params);
    Caller { client: client(target, context), session: context.session, progress, voice: None }
}

/// Ends a session.
pub(super) fn delete(target: &Target, headers: &HeaderMap) -> Result<Response, Refusal> {
    if !target.stateful() {
        return Ok(response::not_allowed(super::server::LEGACY_METHODS));
    }
    let known = session(target, headers)?.is_some_and(|id| {
        if target.has(Flaw::IgnoresDelete) {
            target.sessions.knows(id)
        } else {
            target.sessions.close(id)
        }
    });
    if !known {
        return Err(unknown_session(target));
    }
    target.metrics.sessions_closed.fetch_add(1, Ordering::Relaxed);
    Ok(response::empty(StatusCode::NO_CONTENT))
}

/// The open session of a request; `None` when none are kept.
pub(super) fn session(target: &Target, headers: &HeaderMap) -> Result<Option<Id>, Refusal> {
    if !target.stateful() {
        return Ok(None);
    }
    let Some(found) = headers.get(SESSION_HEADER) else {
        let expected = "Mcp-Session-Id is missing: initialize first and send the id you get";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, expected));
    };
    let id = Id::read(found.as_bytes());
    let open = id.filter(|id| {
        let is_own = || target.sessions.belongs(*id, target.user(headers).as_deref());
        (target.has(Flaw::ForeignSessions) && target.sessions.knows(*id))
            || target.has(Flaw::AnySession)
            || is_own()
    });
    open.map(Some).ok_or_else(|| unknown_session(target))
}

/// Why a session got no stream.
pub(super) fn no_stream(target: &Target, why: NoStream) -> Refusal {
    match why {
        NoStream::Unknown => unknown_session(target),
        NoStream::Second => {
            Refusal::new(StatusCode::CONFLICT, "this session has an event stream already")
        }
    }
}

pub(super) fn unknown_session(target: &Target) -> Refusal {
    let status = if target.has(Flaw::LostSession400) {
        StatusCode::BAD_REQUEST
    } else if target.has(Flaw::LostSession200) {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    Refusal::new(status, "session not found: initialize again")
}

#[cfg(test)]
mod tests {
    use crate::model::plan::{Answers, Flaw, Practice};
    use crate::practice::rehearsal::{Events, Running, full, got, request, start};
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_lost_session_is_refused_as_the_defects_have_it() {
        for (flaw, status) in
            [(None, 404), (Some(Flaw::LostSession400), 400), (Some(Flaw::LostSession200), 200)]
        {
            let defects = flaw.into_iter().collect();
            let target = start(Practice { defects, ..Practice::default() }).await;
            let unknown = "0".repeat(32);
            let answer = got(target.post(Some(&unknown), &request(1, "ping", &json!({})))).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(-32600)));
        }
    }

    fn exhibit(name: &str, arguments: &Value) -> Value {
        request(5, "tools/call", &json!({"name": name, "arguments": arguments}))
    }

    #[tokio::test]
    async fn a_call_asks_its_client_and_nobody_else_can_answer() {
        let target = start(full()).await;
        let can = json!({"elicitation": {}});
        let session = target.introduced("2025-11-25", &can).await;
        let other = target.introduced("2025-11-25", &can).await;
        let (session, other) = (session.as_deref(), other.as_deref());
        let call = exhibit("test_elicitation", &json!({"message": "Who \"are\" you?"}));
        let mut events = Events::of(target.post(session, &call)).await;
        let asked = events.message().await;
        assert_eq!(asked["method"], "elicitation/create");
        assert_eq!(asked["params"]["message"], "Who \"are\" you?");
        assert_eq!(target.metric("practice_asking").await, 1);
        let answer = |name: &str| {
            let result = json!({"action": "accept", "content": {"username": name}});
            json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})
        };
        assert_eq!(got(target.post(other, &answer("eve"))).await.status, 202);
        assert_eq!(target.metric("practice_asking").await, 1);
        assert_eq!(got(target.post(session, &answer("ada"))).await.status, 202);
        let result = events.message().await;
        assert_eq!(result["id"], 5);
        let text = result["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("User response:") && text.contains("ada"), "{text}");
        assert_eq!(events.next().await, None);
        // A second answer finds nobody.
        assert_eq!(got(target.post(session, &answer("eve"))).await.status, 202);
        let mut refused = Events::of(target.post(session, &call)).await;
        let id = refused.message().await["id"].clone();
        let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": "no"}});
        assert_eq!(got(target.post(session, &error)).await.status, 202);
        assert_eq!(refused.message().await["result"]["isError"], true);
        let sampling = exhibit("test_sampling", &json!({"prompt": "x"}));
        let mut unable = Events::of(target.post(session, &sampling)).await;
        assert_eq!(unable.message().await["result"]["isError"], true);
        assert_eq!(target.metric("practice_asking").await, 0);
    }

    async fn broken(target: &Running, session: Option<&str>) -> Option<String> {
        let call = exhibit("test_reconnection", &json!({}));
        let mut events = Events::of(target.post(session, &call)).await;
        let priming = events.next().await?;
        assert_eq!(events.next().await, None);
        let id = priming.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        assert_eq!(priming, format!("id: {id}\nretry: 500\ndata:"));
        Some(id.to_owned())
    }

    #[tokio::test]
    async fn a_broken_stream_is_resumed_by_its_session() {
        let target = start(Practice { resumable: true, ..full() }).await;
        let session = target.introduced("2025-11-25", &json!({})).await;
        let session = session.as_deref();
        let last = broken(&target, session).await.unwrap();
        let resume = |session| target.stream(session).header("last-event-id", &last);
        for _ in 0..2 {
            let mut events = Events::of(resume(session)).await;
            let event = events.next().await.unwrap();
            assert!(event.contains("\nid: 1-1\n") && event.contains("\"id\":5"), "{event}");
            assert_eq!(events.next().await, None);
        }
        let other = target.introduced("2025-11-25", &json!({})).await;
        assert_eq!(got(resume(other.as_deref())).await.status, 400);
        // Before 2025-11-25 there was no event without data.
        let older = target.introduced("2025-06-18", &json!({})).await;
        assert_eq!(broken(&target, older.as_deref()).await, None);
        while target.metric("practice_in_flight").await > 0 {}
        assert_eq!(target.metric("practice_streams_open").await, 0);
        let calls = r#"practice_tool_calls_total{tool="test_reconnection",outcome="ok"}"#;
        assert_eq!(target.metric(calls).await, 2);
    }

    #[tokio::test]
    async fn a_kept_call_goes_on_when_its_client_leaves() {
        let target = start(Practice { resumable: true, answers: Answers::Sse, ..full() }).await;
        let session = target.introduced("2025-11-25", &json!({})).await;
        let session = session.as_deref();
        let params = json!({"name": "slow", "arguments": {"seconds": 0.2}});
        let mut events = Events::of(target.post(session, &request(9, "tools/call", &params))).await;
        assert!(events.next().await.unwrap().starts_with("id: 1-0\n"));
        drop(events);
        let resume = target.stream(session).header("last-event-id", "1-0");
        assert_eq!(Events::of(resume).await.message().await["id"], 9);
        let mut list =
            Events::of(target.post(session, &request(2, "tools/list", &json!({})))).await;
        assert!(list.next().await.unwrap().starts_with("id: 2-0\n"));
        assert_eq!(list.message().await["id"], 2);
    }

    #[tokio::test]
    async fn a_session_hears_what_changed() {
        let target = start(full()).await;
        let session = target.introduced("2025-11-25", &json!({})).await;
        let session = session.as_deref();
        let mut events = Events::of(target.stream(session)).await;
        let touch = |uri: &str| exhibit("test_touch_resource", &json!({ "uri": uri }));
        got(target.post(session, &touch("test://a"))).await;
        let watch = request(1, "resources/subscribe", &json!({"uri": "test://a"}));
        assert_eq!(got(target.post(session, &watch)).await.json()["result"], json!({}));
        got(target.post(session, &touch("test://b"))).await;
        got(target.post(session, &touch("test://a"))).await;
        got(target.post(session, &exhibit("test_trigger_tool_change", &json!({})))).await;
        let touched = events.message().await;
        assert_eq!(touched["params"], json!({"uri": "test://a"}));
        assert_eq!(events.message().await["method"], "notifications/tools/list_changed");
        let level = request(1, "logging/setLevel", &json!({"level": "alert"}));
        assert_eq!(got(target.post(session, &level)).await.json()["result"], json!({}));
        let log = exhibit("test_tool_with_logging", &json!({}));
        let mut quiet = Events::of(target.post(session, &log)).await;
        assert_eq!(quiet.message().await["id"], 5);
    }
}
