//! One question over POST and its answer, in whichever of its shapes it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::Client;
use crate::engine::wire::{Flow, Reply, Request, Trail};
use crate::model::event::{Event, Violation};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head, Reading, Session};
use crate::protocol::legacy::write;
use crate::protocol::message::{self, Id, Message};
use crate::protocol::sse;

/// Evidence quotes at most this much of what was received, in bytes.
const QUOTE: usize = 300;

/// What one call cost, and when its own request left; kept where an aborted exchange can say it.
#[derive(Debug, Default)]
pub(super) struct Cost {
    pub(super) exchanges: AtomicU32,
    /// Nanoseconds plus one; 0 is not yet.
    pub(super) sent: AtomicU64,
}

/// A question to the server.
pub(super) struct Question<'a> {
    pub(super) operation: Operation,
    /// Headers of the session, or of the handshake, without the credential.
    pub(super) headers: &'a HeaderMap,
    /// Whether a session id is among them.
    pub(super) session: Session,
    /// The JSON-RPC id; a notification has none.
    pub(super) id: Option<u64>,
    pub(super) body: Vec<u8>,
    pub(super) deadline: Duration,
    pub(super) cost: &'a Cost,
}

/// What came of a question.
#[derive(Debug)]
pub(super) struct Answered<T> {
    /// How the exchange ended, and what its answer came to.
    pub(super) outcome: Outcome,
    /// What the answer held, if it was sound.
    pub(super) value: Option<T>,
    /// Bytes of the message that held it.
    pub(super) bytes: usize,
    /// When the answer was whole, if one came.
    pub(super) at: Option<Duration>,
    /// The response's head, if one came.
    pub(super) reply: Option<Reply>,
    /// What was wrong with it, for a person; empty if nothing was.
    pub(super) said: String,
}

impl<T> Answered<T> {
    fn broken(outcome: Outcome, said: String) -> Self {
        Self { outcome, value: None, bytes: 0, at: None, reply: None, said }
    }
}

/// What a message from the server turned out to be.
pub(super) enum Heard<T> {
    Answer(Answered<T>),
    /// A request of the server's; this is our answer, if the client gives one.
    Request(Option<Vec<u8>>),
    Notification,
}

impl Client {
    /// Asks one question. `judge` makes of a sound result what the asker wants to know of it.
    pub(super) async fn ask<R, T, J>(
        self: &Arc<Self>,
        question: Question<'_>,
        judge: J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<T>) + Send + Sync,
    {
        let Question { operation, headers, session, id, body, deadline, cost } = question;
        let mut trail = Trail::begin(&self.common.wire, &self.ending, self.user, operation);
        if operation == Operation::ToolsCall {
            trail.note_sent_in(&cost.sent);
        }
        trail.count_in(&cost.exchanges, &self.exchanges);
        let request = self.request(operation, Method::POST, headers, Bytes::from(body));
        let (mut whole, mut heard) = (Vec::new(), None);
        let mut on_event = |reply: &Reply, event: &sse::Event<'_>| {
            if event.name != b"message" || heard.is_some() {
                return Flow::Continue;
            }
            let data = event.data;
            if id.is_none() {
                // A notification has no answer: whatever this is, reading on would not help.
                return Flow::Answered;
            }
            let of = Head { status: reply.status, headers: &reply.headers, session };
            match self.hear::<R, T>(&of, data, id, &judge) {
                Heard::Answer(answer) => {
                    heard = Some(answer);
                    return Flow::Answered;
                }
                Heard::Request(Some(response)) => self.respond(response, headers, session),
                Heard::Request(None) | Heard::Notification => {}
            }
            Flow::Continue
        };
        let wire = &self.common.wire;
        let came = wire
            .exchange(&self.lines, &mut trail, request, deadline, &mut whole, &mut on_event)
            .await;
        let mut answered = match came {
            Err(outcome) => Answered::broken(outcome, String::new()),
            Ok(reply) => {
                let of = Head { status: reply.status, headers: &reply.headers, session };
                let answered = match heard {
                    Some(answer) => answer,
                    None => self.read_whole::<R, T>(&of, &whole, id, &judge),
                };
                Answered { at: trail.answered_at(), reply: Some(reply), ..answered }
            }
        };
        trail.finish(answered.outcome);
        answered.said = self.common.holder.hide(std::mem::take(&mut answered.said));
        self.tell_violation(operation, &answered);
        answered
    }

    /// The request, with the credential of this moment.
    pub(super) fn request(
        &self,
        operation: Operation,
        method: Method,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Request {
        let mut headers = headers.clone();
        if let Some((name, value)) = self.common.holder.lend().header() {
            headers.insert(name, value);
        }
        Request { operation, method, headers, body, to: None }
    }

    /// Reads one message of a stream.
    fn hear<R: Lent, T>(
        &self,
        head: &Head<'_>,
        data: &[u8],
        id: Option<u64>,
        judge: &(impl for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<T>) + Send + Sync),
    ) -> Heard<T> {
        let expected = Id::Number(id.unwrap_or_default());
        let ended = |outcome, said| Heard::Answer(Answered::broken(outcome, said));
        match message::read::<R::Of<'_>>(data) {
            Ok(Message::Answer(answer)) => match answer::settle(head, answer, expected) {
                Ok(result) => {
                    let (outcome, value) = judge(head, result);
                    let (bytes, said) = (data.len(), String::new());
                    Heard::Answer(Answered { outcome, value, bytes, at: None, reply: None, said })
                }
                Err(outcome) => ended(outcome, quoted(data)),
            },
            Ok(Message::Request(request)) => Heard::Request(self.response_to(&request)),
            Ok(Message::Notification(_)) => Heard::Notification,
            Err(malformed) => {
                let said = format!("{malformed}: {}", quoted(data));
                ended(Outcome::Violation(malformed.rule), said)
            }
        }
    }

    /// What this client answers to a request of the server's, if it answers.
    fn response_to(&self, request: &message::Request<'_>) -> Option<Vec<u8>> {
        let mut response = Vec::new();
        let policy = self.common.profile.server_requests;
        write::answer(&mut response, request, policy).then_some(response)
    }

    /// What this client answers to a message on the standalone stream.
    pub(super) fn heard_on_stream(&self, data: &[u8]) -> Option<Vec<u8>> {
        match message::read::<serde::de::IgnoredAny>(data) {
            Ok(Message::Request(request)) => self.response_to(&request),
            _ => None,
        }
    }

    /// Reads an answer that is one body, or a stream that ended without one.
    fn read_whole<R: Lent, T>(
        &self,
        head: &Head<'_>,
        body: &[u8],
        id: Option<u64>,
        judge: &(impl for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<T>) + Send + Sync),
    ) -> Answered<T> {
        if id.is_none() {
            return Answered::broken(answer::notified(head, body), quoted(body));
        }
        match head.reading() {
            Reading::Message => match self.hear::<R, T>(head, body, id, judge) {
                Heard::Answer(answer) => answer,
                Heard::Request(_) | Heard::Notification => {
                    let rule = Rule::NotOneOfResultAndError;
                    Answered::broken(Outcome::Violation(rule), quoted(body))
                }
            },
            Reading::Events => Answered::broken(Outcome::CutStream, String::new()),
            Reading::Refusal => {
                let refusal = answer::refused(head, body, id.map(Id::Number));
                Answered::broken(refusal.outcome, quoted(body))
            }
            Reading::Broken(rule) => Answered::broken(Outcome::Violation(rule), quoted(body)),
        }
    }

    /// Tells a broken rule with its evidence.
    fn tell_violation<T>(&self, operation: Operation, answered: &Answered<T>) {
        let Outcome::Violation(rule) = answered.outcome else { return };
        let head = answered.reply.as_ref().map_or_else(String::new, |reply| {
            format!("HTTP {}, {:?}: ", reply.status, reply.media)
        });
        self.violated(rule, operation, format!("{head}{}", answered.said));
    }

    /// Tells that the target broke a rule.
    pub(super) fn violated(&self, rule: Rule, operation: Operation, evidence: String) {
        let at = self.common.wire.clock.now();
        let violation = Violation { rule, at, user: self.user, operation, evidence };
        self.common.wire.recorder.tell(self.user, Event::Violation(Box::new(violation)));
    }

    /// Answers a request of the server's, beside the stream it came on.
    pub(super) fn respond(
        self: &Arc<Self>,
        response: Vec<u8>,
        headers: &HeaderMap,
        session: Session,
    ) {
        let (client, headers) = (Arc::clone(self), headers.clone());
        self.beside(async move {
            let wire = &client.common.wire;
            let question = Question {
                operation: Operation::Response,
                headers: &headers,
                session,
                id: None,
                body: response,
                deadline: wire.clock.now() + client.common.profile.connect_timeout,
                cost: &Cost::default(),
            };
            client.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await;
        });
    }
}

impl Cost {
    /// HTTP exchanges so far.
    pub(super) fn exchanges(&self) -> u16 {
        u16::try_from(self.exchanges.load(Ordering::Relaxed)).unwrap_or(u16::MAX)
    }

    /// When the first byte of the call's own request left.
    pub(super) fn sent(&self) -> Option<Duration> {
        self.sent.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }
}

/// A result type that borrows from the bytes it is read from.
pub(super) trait Lent {
    /// The type, for bytes that live this long.
    type Of<'a>: Deserialize<'a>;
}

/// A result nobody looks at.
pub(super) struct Nothing;

impl Lent for Nothing {
    type Of<'a> = serde::de::IgnoredAny;
}

/// The beginning of what was received, as text.
fn quoted(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(QUOTE)];
    let more = if bytes.len() > QUOTE { "..." } else { "" };
    format!("{}{more}", String::from_utf8_lossy(cut))
}
