//! What scripts of checks do with clients: sessions that are opened and ended by hand, and calls in
//! whichever session is given. None of it counts as a call of a user.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::connect::{For, Refusal};
use super::cost::Cost;
use super::post::{Answered, Nothing, Question};
use super::sitting::{Attempt, Came, asking};
use super::{Client, Common};
use crate::engine::session::Session;
use crate::engine::wire::line::Lines;
use crate::model::behaviour::Ask as Turn;
use crate::model::event::Echo;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head};
use crate::protocol::legacy::write;
use crate::protocol::message::{self, Id, Message};

/// Characters of an id that are kept.
const LONGEST_ID: usize = 80;

/// How something that was tried ended.
#[derive(Debug, Clone, Copy)]
pub struct Tail {
    /// How.
    pub outcome: Outcome,
    /// The HTTP status, if a head came.
    pub status: Option<u16>,
    /// When its request left; when it was begun, if none did.
    pub sent: Duration,
    /// When its answer was there.
    pub done: Duration,
}

/// What an answer tells of whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// How its call ended.
    pub tail: Tail,
    /// It has the nonce of its call.
    pub is_own: bool,
    /// What tells it from others, if it was a good one.
    pub print: Option<u64>,
    /// How many bytes it has.
    pub bytes: usize,
}

impl Client {
    /// A client with connections that nobody else ever has, leaving from where the user of the number
    /// `place` would.
    pub fn apart(common: Arc<Common>, user: u32, place: u32) -> Arc<Self> {
        let lines = Arc::new(Lines::leaving(common.wire.sources.of(place, 0)));
        Self::on(common, user, lines)
    }

    /// A handshake, and the session that it began, which nobody else uses.
    pub async fn open_apart(self: &Arc<Self>) -> (Tail, Option<Arc<Session>>) {
        self.open_for(For::OneCall).await
    }

    /// The first half of one: somebody has still to tell the server that the session is there.
    pub async fn open_half(self: &Arc<Self>) -> (Tail, Option<Arc<Session>>) {
        self.open_for(For::Half).await
    }

    async fn open_for(self: &Arc<Self>, purpose: For) -> (Tail, Option<Arc<Session>>) {
        let began = self.common.wire.clock.now();
        let opened = self.handshake(purpose, &Cost::default()).await;
        let done = self.common.wire.clock.now();
        let (outcome, status, session) = match opened {
            Ok(session) => (Outcome::Ok, Some(200), Some(Arc::new(session))),
            Err(Refusal { outcome, status, .. }) => (outcome, status, None),
        };
        (Tail { outcome, status, sent: began, done }, session)
    }

    /// A call in this session, whoever's it is, and once only.
    pub async fn call_apart(self: &Arc<Self>, session: &Session, ask: Turn) -> Tail {
        let nonce = self.nonce_in(session, ask);
        self.answer_apart(session, (ask, nonce), self.common.profile.call_timeout).await.tail
    }

    /// What a call's arguments say of whose it is.
    pub fn nonce_in(&self, session: &Session, ask: Turn) -> Nonce {
        Nonce::new(self.common.seed, self.user, session.tag, ask.variation)
    }

    /// The same call with this nonce, whose answer is waited for so long, and what that tells.
    pub async fn answer_apart(
        self: &Arc<Self>,
        session: &Session,
        (ask, nonce): (Turn, Nonce),
        patience: Duration,
    ) -> Answer {
        let cost = Cost::printing();
        let began = self.common.wire.clock.now();
        let tool = &self.common.tools[usize::from(ask.tool)];
        let made = self.arguments_of(ask, nonce);
        let until = (began + patience, &cost);
        let answered = self.call_with(session, tool, (&made, nonce), until).await;
        let Answered { outcome, at, reply, bytes, .. } = answered;
        let done = at.unwrap_or_else(|| self.common.wire.clock.now());
        let status = reply.map(|reply| reply.status);
        let tail = Tail { outcome, status, sent: cost.sent().unwrap_or(began), done };
        let print = cost.print().filter(|_| outcome == Outcome::Ok);
        Answer { tail, is_own: cost.echo() == Echo::Own, print, bytes }
    }

    /// The arguments of a call, as JSON.
    pub fn arguments_of(&self, ask: Turn, nonce: Nonce) -> Vec<u8> {
        let mut made = Vec::new();
        self.common.tools[usize::from(ask.tool)].maker.make(ask.variation, nonce, &mut made);
        made
    }

    /// Tells that a call got what another one asked for.
    pub fn tell_crossed(&self, rule: Rule, evidence: String) {
        self.violated(rule, Operation::ToolsCall, evidence);
    }

    /// A call with any id; with the id of its answer, as that came.
    pub async fn call_numbered(
        self: &Arc<Self>,
        session: &Session,
        (ask, id): (Turn, &Value),
        within: Duration,
    ) -> (Tail, Option<String>) {
        let began = self.common.wire.clock.now();
        let made = self.arguments_of(ask, self.nonce_in(session, ask));
        let arguments: Value = serde_json::from_slice(&made).unwrap_or_default();
        let name = &self.common.tools[usize::from(ask.tool)].name;
        let params = json!({ "name": name, "arguments": arguments });
        let (headers, body) = asking(&session.footing, id, "tools/call", params);
        let (method, to, bears) = (Method::POST, None, true);
        let attempt = Attempt { method, to, headers, body, bears, within };
        let came = self.try_out_as(Operation::ToolsCall, attempt).await;
        let done = self.common.wire.clock.now();
        let (outcome, status, answer) = match came {
            Err((outcome, status)) => (outcome, status, None),
            Ok(came) => {
                let (outcome, answer) = read(session, &came);
                (outcome, Some(came.status), answer)
            }
        };
        // A hostile server may put anything there.
        let answer = answer.map(|id| self.hide(id.chars().take(LONGEST_ID).collect()));
        (Tail { outcome, status, sent: began, done }, answer)
    }

    /// `notifications/initialized` in a session that is perhaps another client's.
    pub async fn confirm_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = self.confirmed(session, &Cost::default()).await;
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }

    /// `notifications/cancelled` of a request in this session.
    pub async fn cancel_apart(self: &Arc<Self>, session: &Session, id: u64) -> Tail {
        let (cost, clock) = (Cost::default(), &self.common.wire.clock);
        let began = clock.now();
        let mut body = Vec::with_capacity(128);
        write::cancelled(&mut body, Id::Number(id), Some("the check cancels it"));
        let until = (began + self.common.profile.connect_timeout, &cost);
        let bare = Question::bare(Operation::Cancelled, &session.footing, None, until);
        let question = Question { body, ..bare };
        let answered = self.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await;
        let status = answered.reply.map(|reply| reply.status);
        Tail { outcome: answered.outcome, status, sent: began, done: clock.now() }
    }

    /// Something that is tried, given up after so long.
    pub async fn within(&self, patience: Duration, tried: impl Future<Output = Tail>) -> Tail {
        let clock = &self.common.wire.clock;
        let sent = clock.now();
        let tail = clock.by(sent.saturating_add(patience), tried).await;
        tail.unwrap_or_else(|| Tail {
            outcome: Outcome::Timeout,
            status: None,
            sent,
            done: clock.now(),
        })
    }

    /// `tools/list` in this session, all pages of it.
    pub async fn list_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = match self.tools(session, &Cost::default()).await {
            Ok(_) => (Outcome::Ok, Some(200)),
            Err(Refusal { outcome, status, .. }) => (outcome, status),
        };
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }

    /// DELETE, whatever the profile does about the ends of sessions.
    pub async fn end_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = self.delete(session, &Cost::default()).await;
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }
}

/// What came to a request with an id, and the id that it came with.
fn read(session: &Session, came: &Came) -> (Outcome, Option<String>) {
    let Came { status, headers, body, .. } = came;
    let message = message::read::<IgnoredAny>(body);
    let (id, error) = match &message {
        Ok(Message::Answer(answer)) => {
            let id = answer.id.as_ref().map(|id| id.raw().to_owned());
            (id, answer.error.as_ref().map(|error| error.code))
        }
        _ => (None, None),
    };
    let outcome = match (*status, error, &message) {
        (200, Some(code), _) => Outcome::RpcError(code),
        (200, None, Ok(Message::Answer(_))) => Outcome::Ok,
        (200..=299, ..) => Outcome::Violation(Rule::AcceptedRequest),
        _ => {
            let headers: &HeaderMap = headers;
            let head = Head { status: *status, headers, session: session.footing.named };
            answer::refused(&head, body, None).outcome
        }
    };
    (outcome, id)
}
