//! HTTP+SSE, the transport of 2024-11-05: a stream that is the session, and an endpoint for what
//! the client says; every answer comes on the stream.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream::unfold;
use tokio::sync::{Semaphore, mpsc};

use super::answer::{Answer, Dress};
use super::calls::progress_token;
use super::client::{Capabilities, Client};
use super::exhibits::Caller;
use super::id::{Id, Ids};
use super::metrics::{Method, Received};
use super::request::{self, Message, Refusal};
use super::response;
use super::server::Target;
use super::stream::{ALIVE, Change, Ear, Heard, full};
use super::voice::{Said, Voice, event};
use crate::protocol::legacy::Revision;

/// Where a client opens its stream.
pub(super) const STREAM_PATH: &str = "/sse";
/// Where it posts.
pub(super) const POST_PATH: &str = "/messages";

/// Messages that may wait for a slow reader of a stream.
const WAITING: usize = 256;
/// Requests of one client that are worked on at once.
const MOST_PENDING: usize = 1024;

/// The open streams, by session.
#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Mutex<HashMap<Id, Channel>>,
    ids: Ids,
}

#[derive(Debug)]
struct Channel {
    voice: Voice,
    client: Client,
    places: Arc<Semaphore>,
}

impl Channels {
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Channel>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client<T>(&self, id: Id, look: impl FnOnce(&mut Client) -> T) -> Option<T> {
        self.lock().get_mut(&id).map(|channel| look(&mut channel.client))
    }
}

/// Opens a stream.
pub(super) fn open(target: &Arc<Target>, headers: &HeaderMap) -> Result<Response, Refusal> {
    if !request::accepts(headers, "text/event-stream") {
        let expected = "Accept must list text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, expected));
    }
    let ear = Ear::open(target)?;
    let (voice, said) = Voice::new(WAITING);
    let client = Client::new(Revision::V2024_11_05, Capabilities::default());
    let (id, places) = (target.channels.ids.issue(), Arc::new(Semaphore::new(MOST_PENDING)));
    target.channels.lock().insert(id, Channel { voice, client, places });
    target.metrics.sessions_opened.fetch_add(1, Ordering::Relaxed);
    let stream = Stream { target: Arc::clone(target), id, said, ear, began: false };
    Ok(response::event_stream(Body::from_stream(unfold(stream, Stream::next))))
}

/// A session's stream; the session ends with it.
struct Stream {
    target: Arc<Target>,
    id: Id,
    said: mpsc::Receiver<Said>,
    ear: Ear,
    began: bool,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if !self.began {
            self.began = true;
            let endpoint = format!("{POST_PATH}?sessionId={}", self.id.text());
            let event = format!("event: endpoint\ndata: {endpoint}\n\n");
            return Some((Ok(event.into()), self));
        }
        loop {
            let bytes = tokio::select! {
                biased;
                said = self.said.recv() => match said? {
                    Said::Message(message) => event(&message),
                    // Such a stream cannot be resumed.
                    Said::HangUp => continue,
                },
                heard = self.ear.next() => match heard {
                    Heard::Silence => ALIVE,
                    Heard::Over => return None,
                    Heard::Changed(change) if self.is_for_it(&change) => {
                        event(&change.notification(""))
                    }
                    Heard::Changed(_) => continue,
                },
            };
            return Some((Ok(bytes), self));
        }
    }

    fn is_for_it(&self, change: &Change) -> bool {
        let Change::Resource(uri) = change else { return true };
        self.target.channels.client(self.id, |client| client.watches(uri)).unwrap_or(false)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.target.channels.lock().remove(&self.id);
        self.target.metrics.sessions_closed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes what a client says: 202, and the answer comes on its stream.
pub(super) async fn post(
    target: &Arc<Target>,
    request: Request,
    received: &mut Received,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    request::check_content(&parts.headers)?;
    let body = request::read(body).await?;
    let query = parts.uri.query().unwrap_or_default();
    let session = url::form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "sessionId").then_some(value));
    let Some(session) = session else {
        let expected = "`sessionId` is missing: post to the endpoint that the stream names";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, expected));
    };
    let message = request::parse(&body)?;
    received.method = message.method.as_deref().map_or(Method::RESPONSE, Method::rpc);
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "session not found: open a stream");
    let id = Id::read(session.as_bytes()).ok_or_else(unknown)?;
    let (voice, places) = {
        let open = target.channels.lock();
        let channel = open.get(&id).ok_or_else(unknown)?;
        (channel.voice.clone(), Arc::clone(&channel.places))
    };
    if message.method.is_none() {
        target.asks.answered(Some(id), &message);
    } else if message.id.is_some() {
        let place = places.try_acquire_owned().map_err(|_| full("requests"))?;
        let (target, body) = (Arc::clone(target), body.clone());
        let working = target.metrics.working();
        tokio::spawn(async move {
            // Once the stream is gone nobody waits for the answer.
            tokio::select! {
                () = answer(&target, id, &body, &voice) => {}
                () = voice.unheard() => {}
            }
            drop((place, working));
        });
    } else {
        target.noted(Some(id), &message);
    }
    let mut response = response::page("text/plain", "Accepted");
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

async fn answer(target: &Arc<Target>, session: Id, body: &Bytes, voice: &Voice) {
    let Ok(message) = request::parse(body) else { return };
    let Some(id) = message.id else { return };
    let answer = match message.method.as_deref() {
        Some("initialize") => initialize(target, session, &message),
        Some("tools/call") => match target.choose(message.params) {
            Ok(chosen) => {
                let client = target.channels.client(session, |client| client.clone());
                let Some(client) = client else { return };
                let progress = progress_token(message.params);
                let voice = Some(voice.clone());
                let caller = || Caller { client, session: Some(session), progress, voice };
                let call = target.call(chosen, caller);
                let answer = target.unless_cancelled(Some(session), id, call).await;
                let Some(answer) = answer else { return };
                answer
            }
            Err(wrong) => wrong,
        },
        Some(method) => other(target, session, method, &message),
        None => return,
    };
    voice.say(answer.message(id, Dress::Plain)).await;
}

fn initialize(target: &Target, session: Id, message: &Message<'_>) -> Answer {
    match target.offer().initialize(message.params) {
        Ok((answer, introduced)) => {
            target.channels.client(session, |client| *client = introduced);
            answer
        }
        Err(wrong) => wrong,
    }
}

fn other(target: &Target, session: Id, method: &str, message: &Message<'_>) -> Answer {
    let told = |client: &mut Client| client.told(method, message.params);
    let is_full = target.offer().is_full();
    let answer = is_full.then(|| target.channels.client(session, told)).flatten().flatten();
    answer.unwrap_or_else(|| target.offer().answer(method, message.params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::rehearsal::{Events, Got, Running, full, got, request, start};
    use serde_json::{Value, json};

    /// A stream, and where it says to post.
    async fn opened(target: &Running) -> (Events, String) {
        let stream = target.client.get(format!("{}{STREAM_PATH}", target.base));
        let mut events = Events::of(stream.header("accept", "text/event-stream")).await;
        let endpoint = events.next().await.unwrap();
        let endpoint = endpoint.strip_prefix("event: endpoint\ndata: ").unwrap();
        assert!(endpoint.starts_with("/messages?sessionId="), "{endpoint}");
        let url = format!("{}{endpoint}", target.base);
        (events, url)
    }

    async fn post(target: &Running, url: &str, body: &Value) -> Got {
        let post = target.client.post(url).body(body.to_string());
        got(post.header("content-type", "application/json")).await
    }

    #[tokio::test]
    async fn answers_come_on_the_stream_which_is_the_session() {
        let target = start(full()).await;
        let (mut events, url) = opened(&target).await;
        let params = json!({"protocolVersion": "2024-11-05", "capabilities": {"sampling": {}}});
        let taken = post(&target, &url, &request("a", "initialize", &params)).await;
        assert_eq!((taken.status, taken.text.as_str()), (202, "Accepted"));
        let answer = events.message().await;
        assert_eq!(
            (&answer["id"], answer["result"]["protocolVersion"].as_str()),
            (&json!("a"), Some("2024-11-05"))
        );
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(post(&target, &url, &note).await.status, 202);
        let echo = json!({"name": "echo", "arguments": {"message": "hi"}});
        assert_eq!(post(&target, &url, &request(1, "tools/call", &echo)).await.status, 202);
        assert_eq!(events.message().await["result"]["content"][0]["text"], "hi");
        let ask = json!({"name": "test_sampling", "arguments": {"prompt": "x"}});
        post(&target, &url, &request(2, "tools/call", &ask)).await;
        let asked = events.message().await;
        assert_eq!(asked["method"], "sampling/createMessage");
        let content = json!({"type": "text", "text": "yes"});
        let result = json!({"role": "assistant", "content": content, "model": "m"});
        post(&target, &url, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})).await;
        let answer = events.message().await;
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(2), &json!(false)));
        let calls = r#"practice_requests_total{method="tools/call",status="202"}"#;
        assert_eq!(target.metric(calls).await, 2);
        assert_eq!(target.metric("practice_sessions_open").await, 1);
        drop(events);
        while target.metric("practice_sessions_open").await > 0 {}
        assert_eq!(post(&target, &url, &request(3, "ping", &json!({}))).await.status, 404);
    }

    #[tokio::test]
    async fn what_the_transport_refuses() {
        let target = start(full()).await;
        let (_events, url) = opened(&target).await;
        let base = format!("{}{POST_PATH}", target.base);
        let ping = request(1, "ping", &json!({}));
        for (what, url, body, status) in [
            ("no session", base.clone(), &ping, 400),
            ("unknown session", format!("{base}?sessionId={}", "0".repeat(32)), &ping, 404),
            ("foreign session", format!("{base}?sessionId=../x"), &ping, 404),
            ("batch", url.clone(), &json!([ping]), 400),
        ] {
            assert_eq!(post(&target, &url, body).await.status, status, "{what}");
        }
        let form = target.client.post(&url).header("content-type", "text/plain").body("{}");
        assert_eq!(got(form).await.status, 415);
        assert_eq!(got(target.client.get(&url)).await.status, 405);
        let stream = format!("{}{STREAM_PATH}", target.base);
        assert_eq!(got(target.client.post(&stream)).await.status, 405);
        let json = target.client.get(&stream).header("accept", "application/json");
        assert_eq!(got(json).await.status, 406);
        let page = target.client.get(&stream).header("origin", "http://evil.example");
        assert_eq!(got(page).await.status, 403);
    }

    #[tokio::test]
    async fn a_call_ends_with_the_stream_that_waits_for_it() {
        let mut target = start(full()).await;
        let (events, url) = opened(&target).await;
        let slow = json!({"name": "slow", "arguments": {"seconds": 60}});
        post(&target, &url, &request(1, "tools/call", &slow)).await;
        while target.metric("practice_workers_busy").await == 0 {}
        drop(events);
        while target.metric("practice_in_flight").await > 0 {}
        let abandoned = r#"practice_tool_calls_total{tool="slow",outcome="abandoned"}"#;
        assert_eq!(target.metric(abandoned).await, 1);
        let (mut events, _) = opened(&target).await;
        drop(target.stop.take());
        assert_eq!(events.next().await, None);
        target.serving.await.unwrap();
    }
}
