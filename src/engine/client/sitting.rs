//! A client that sits down with a server: one session, begun in a way that is chosen, in which
//! requests can be written by hand.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderMap;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::Client;
use super::connect::{For, Refusal};
use super::cost::Cost;
use super::legacy::with;
use super::tool::Tool;
use crate::engine::session::{Footing, Offers, Session, Speech};
use crate::engine::wire::line::Address;
use crate::engine::wire::{Flow, Reply, Request, Trail};
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::era::Wish;
use crate::protocol::legacy::Verb;
use crate::protocol::modern;
use crate::protocol::results::list;
use crate::protocol::sse;

/// The event of HTTP+SSE that says where to post to (MCP 2024-11-05, basic/transports).
const ENDPOINT: &[u8] = b"endpoint";

/// A session of one client, until [`Sitting::leave`].
#[derive(Debug)]
pub struct Sitting {
    client: Arc<Client>,
    session: Arc<Session>,
    /// `serverInfo` as `name version`, bounded, not yet escaped.
    pub server: String,
    /// The protocol version agreed on.
    pub version: &'static str,
}

/// The list of tools as it came.
#[derive(Debug)]
pub struct Listing {
    /// The tools, in the server's order.
    pub tools: Vec<list::Tool>,
    /// Bytes of all pages.
    pub bytes: usize,
    /// How many pages there were.
    pub pages: usize,
}

/// How one call of a tool ended.
#[derive(Debug)]
pub struct Called {
    /// How.
    pub outcome: Outcome,
    /// What was wrong with it, not yet escaped; empty if nothing was.
    pub said: String,
    /// Characters of text in its result.
    pub chars: u32,
}

/// A request that is written by hand: everything of it but the credential.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The HTTP method.
    pub method: Method,
    /// Where it goes, if not to the MCP endpoint.
    pub to: Option<Arc<Address>>,
    /// Every header, `Host` included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// It carries what the client presents.
    pub bears: bool,
    /// How long its answer may take.
    pub within: Duration,
}

/// What came back to a request that was written by hand.
#[derive(Debug)]
pub struct Came {
    /// The HTTP status.
    pub status: u16,
    /// Every header.
    pub headers: HeaderMap,
    /// The body, or the data of the event that was the answer.
    pub body: Vec<u8>,
    /// It came as an event of this name.
    pub event: Option<Vec<u8>>,
}

impl Client {
    /// Begins a session in a way that `wish` allows; with it nothing but what a handshake takes.
    ///
    /// # Errors
    /// What the server said instead.
    pub async fn sit(self: &Arc<Self>, wish: Wish) -> Result<Sitting, Refusal> {
        let cost = Cost::default();
        let (_, session, opening) = self.detected(wish, For::Scouting, &cost).await?;
        let (client, session) = (Arc::clone(self), Arc::new(session));
        Ok(Sitting { client, session, server: opening.server, version: opening.version })
    }

    /// A seat without a handshake, which the modern era has none of: nothing is sent for it.
    pub fn unseated(self: &Arc<Self>, revision: modern::Revision) -> Sitting {
        let session = Arc::new(self.modern_session(revision, Offers::default()));
        let (client, server) = (Arc::clone(self), String::new());
        Sitting { client, session, server, version: revision.name() }
    }

    /// Headers of a POST outside of any session.
    pub fn headers_outside(&self) -> HeaderMap {
        with(&self.common.headers, Verb::Post, None, None)
    }

    /// The text without what the client presents.
    pub fn hide(&self, text: String) -> String {
        self.holder.hide(text)
    }

    /// Sends a request that is written by hand; an answer as a stream ends with its first response,
    /// or with the event that names an endpoint. Nothing is retried, but with another token where
    /// it bears one and that is refused.
    ///
    /// # Errors
    /// How the exchange ended without an answer. A stream that opens and says nothing is
    /// [`Outcome::Timeout`] with the status of its head.
    pub async fn try_out(&self, attempt: Attempt) -> Result<Came, (Outcome, Option<u16>)> {
        self.try_out_as(Operation::Ping, attempt).await
    }

    /// The same, which counts as one of these.
    pub(super) async fn try_out_as(
        &self,
        operation: Operation,
        attempt: Attempt,
    ) -> Result<Came, (Outcome, Option<u16>)> {
        let Attempt { method, to, headers, body, bears, within } = attempt;
        let wire = &self.common.wire;
        let request = Request { to, ..Request::new(operation, method, headers, body.into()) };
        let mut trail = Trail::begin(wire, &self.ending, self.user, operation);
        let (mut whole, mut heard) = (Vec::new(), None);
        let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
            if event.name == ENDPOINT || is_answer(event.data) {
                heard = Some((event.name.to_vec(), event.data.to_vec()));
                return Flow::Answered;
            }
            Flow::Continue
        };
        let deadline = wire.clock.now() + within;
        let came = if bears {
            self.carry(&mut trail, request, deadline, &mut whole, &mut on_event).await
        } else {
            wire.exchange(&self.lines, &mut trail, request, deadline, &mut whole, &mut on_event)
                .await
        };
        let status = trail.status();
        trail.finish(came.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Ok));
        let Reply { status, headers, .. } = came.map_err(|outcome| (outcome, status))?;
        let (event, body) = match heard {
            Some((name, data)) => (Some(name), data),
            None => (None, whole),
        };
        Ok(Came { status, headers, body, event })
    }
}

impl Sitting {
    /// The session id that the server issued.
    pub fn id(&self) -> Option<&str> {
        self.session.id.as_deref()
    }

    /// Whether requests can be written by hand: their answers come to themselves.
    pub fn answers_directly(&self) -> bool {
        self.session.footing.mailbox().is_none()
    }

    /// Whether it is of the era without sessions.
    pub fn is_modern(&self) -> bool {
        self.session.footing.is_modern()
    }

    /// Headers of a POST in the session.
    pub fn headers(&self) -> HeaderMap {
        self.session.footing.headers.clone()
    }

    /// A request as this session's era puts it, with any id and any method. In the modern era its
    /// headers say what it is about, as they must.
    pub fn asking(&self, id: &Value, method: &str, params: Value) -> (HeaderMap, Vec<u8>) {
        asking(&self.session.footing, id, method, params)
    }

    /// The tools, all pages of them.
    ///
    /// # Errors
    /// What the server said instead.
    pub async fn tools(&self) -> Result<Listing, Refusal> {
        let (tools, bytes, pages) =
            self.client.listed_tools(&self.session, &Cost::default()).await?;
        Ok(Listing { tools: self.client.named(tools), bytes, pages })
    }

    /// Calls a tool once, with the arguments that are made first.
    pub async fn call(&self, tool: &Tool) -> Called {
        let cost = Cost::default();
        let wire = &self.client.common.wire;
        let deadline = wire.clock.now() + self.client.common.profile.call_timeout;
        let mut made = Vec::new();
        let (seed, user) = (self.client.common.seed, self.client.user);
        let nonce = Nonce::new(seed, user, self.session.tag, 0);
        tool.maker.make(0, nonce, &mut made);
        let asked = (&*made, nonce);
        let answered = self.client.call_with(&self.session, tool, asked, (deadline, &cost)).await;
        let chars = answered.value.unwrap_or_default();
        Called { outcome: answered.outcome, said: answered.said, chars }
    }

    /// Ends the session as the client's profile does.
    pub async fn leave(self) {
        self.client.close(&self.session, &Cost::default()).await;
        self.client.errands.end(std::future::pending()).await;
    }
}

/// A request as this footing puts it: its headers, and its body.
pub(super) fn asking(
    footing: &Footing,
    id: &Value,
    method: &str,
    params: Value,
) -> (HeaderMap, Vec<u8>) {
    let mut headers = footing.headers.clone();
    let mut params: Map<String, Value> = match params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    if let Speech::Modern(meta) = &footing.speech {
        let named = ["name", "uri"].iter().find_map(|key| params.get(*key)?.as_str());
        let about = [(modern::METHOD_HEADER, Some(method)), (modern::NAME_HEADER, named)];
        for (name, value) in about {
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let meta = [b"{", meta.bytes(), b"}"].concat();
        params.insert("_meta".to_owned(), serde_json::from_slice(&meta).unwrap_or_default());
    }
    let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    (headers, message.to_string().into_bytes())
}

/// Whether an event's data is a response.
fn is_answer(data: &[u8]) -> bool {
    let Ok(Value::Object(message)) = serde_json::from_slice(data) else { return false };
    message.contains_key("id") && (message.contains_key("result") || message.contains_key("error"))
        || message.contains_key("error") && !message.contains_key("method")
}
