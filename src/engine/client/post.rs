//! One question over POST and its answer, in whichever of its shapes and from wherever it comes.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::{HeaderValue, Method};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::Client;
use super::cost::Cost;
use super::hear::Ear;
use super::put::Header;
use crate::engine::session::Footing;
use crate::engine::wire::{BOUNDS, Flow, Reply, Request};
use crate::model::event::{Event, Violation};
use crate::model::fault::Touched;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head, Reading};
use crate::protocol::message::Id;
use crate::protocol::modern::result::CacheHints;
use crate::protocol::sse;

/// Evidence quotes at most this much of what was received, in bytes.
const QUOTE: usize = 300;

/// A question to the server.
pub(super) struct Question<'a> {
    pub(super) operation: Operation,
    /// What every POST of the session has, or of the handshake.
    pub(super) footing: &'a Footing,
    /// Headers that say what it is about.
    pub(super) about: Cow<'a, [Header]>,
    /// Headers that mirror its arguments.
    pub(super) mirrored: &'a [Header],
    /// The JSON-RPC id; a notification has none.
    pub(super) id: Option<u64>,
    pub(super) body: Vec<u8>,
    pub(super) deadline: Duration,
    pub(super) cost: &'a Cost,
    /// The token under which it asks for progress, if it does.
    pub(super) progress: Option<u64>,
    /// What a user waits for: its first byte is noted.
    pub(super) is_call: bool,
    /// The tool that it calls.
    pub(super) tool: Option<&'a str>,
    /// What its arguments say of whose it is.
    pub(super) nonce: Option<Nonce>,
}

impl<'a> Question<'a> {
    /// One without a body yet, and without headers of its own.
    pub(super) fn bare(
        operation: Operation,
        footing: &'a Footing,
        id: Option<u64>,
        (deadline, cost): (Duration, &'a Cost),
    ) -> Self {
        let (about, mirrored, body) = (Cow::default(), &[][..], Vec::new());
        let (progress, is_call, tool, nonce) = (None, false, None, None);
        Self {
            operation,
            footing,
            about,
            mirrored,
            id,
            body,
            deadline,
            cost,
            progress,
            is_call,
            tool,
            nonce,
        }
    }
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
    /// The code of a JSON-RPC error, if one came.
    pub(super) code: Option<i64>,
    /// The message that refused a handshake, whole.
    pub(super) refusal: Vec<u8>,
    /// How long the result may be kept.
    pub(super) cache: CacheHints,
}

impl<T> Answered<T> {
    pub(super) fn broken(outcome: Outcome, said: String) -> Self {
        let (refusal, cache) = (Vec::new(), CacheHints::default());
        let (value, at, reply, code) = (None, None, None, None);
        Self { outcome, value, bytes: 0, at, reply, said, code, refusal, cache }
    }

    /// Of an answer that was not read to its end.
    pub(super) fn unread(outcome: Outcome) -> Self {
        let is_large = outcome == Outcome::Violation(Rule::TooLarge);
        Self::broken(outcome, if is_large { BOUNDS.to_owned() } else { String::new() })
    }

    /// The same with this value.
    pub(super) fn with<U>(self, value: Option<U>) -> Answered<U> {
        let Self { outcome, bytes, at, reply, said, code, refusal, cache, .. } = self;
        Answered { outcome, value, bytes, at, reply, said, code, refusal, cache }
    }
}

/// Makes of a sound result what the asker wants to know of it.
pub(super) trait Judge<R: Lent, T>:
    for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<T>) + Send + Sync
{
}

impl<R: Lent, T, J> Judge<R, T> for J where
    J: for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<T>) + Send + Sync
{
}

impl Client {
    /// Asks one question.
    pub(super) async fn ask<R, T, J>(
        self: &Arc<Self>,
        question: Question<'_>,
        judge: J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        let (operation, cost) = (question.operation, question.cost);
        let mut answered = match question.footing.mailbox() {
            None => self.ask_by_post::<R, T, J>(question, &judge).await,
            Some(mailbox) => Box::pin(self.ask_by_mail::<R, T, J>(question, mailbox, &judge)).await,
        };
        answered.said = self.holder.hide(std::mem::take(&mut answered.said));
        self.tell_violation(operation, &answered, cost.touched());
        answered
    }

    async fn ask_by_post<R, T, J>(
        self: &Arc<Self>,
        question: Question<'_>,
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        let Question { operation, footing, id, body, deadline, cost, .. } = question;
        let Question { about, mirrored, progress, is_call, tool, nonce, .. } = question;
        let mut trail = self.trail_of(operation, tool, cost);
        if is_call {
            trail.note_sent_in(&cost.sent);
            trail.note_first_in(&cost.first_with_token);
        }
        let mut request =
            Request::new(operation, Method::POST, footing.headers.clone(), body.into());
        request.headers.extend(about.iter().chain(mirrored).cloned());
        if let Some(fault) = trail.spell().and_then(|spell| spell.twice) {
            let again = (fault, operation, id);
            self.deliver_again(again, request.clone(), footing, deadline);
            trail.touched(fault.touched());
        }
        if let Some(idle) = trail.spell().and_then(|spell| spell.idle) {
            self.open_idle(idle, footing);
        }
        let (mut whole, mut heard) = (Vec::new(), None);
        let ear = Ear::new(self, footing, operation, id, progress).told_by(nonce);
        let mut ear = ear.printing(cost.wants_print());
        let mut on_event = |reply: &Reply, event: &sse::Event<'_>| {
            if event.name != b"message" {
                return Flow::Continue;
            }
            if id.is_none() {
                // A notification has no answer: whatever this is, reading on would not help.
                return Flow::Answered;
            }
            if heard.is_some() {
                return ear.behind_the_answer(event.data);
            }
            let head = head_of(reply, footing);
            heard = ear.message::<R, T, J>(&head, event.data, judge);
            if heard.is_some() { ear.after_the_answer() } else { Flow::Continue }
        };
        let came = self.carry(&mut trail, request, deadline, &mut whole, &mut on_event).await;
        let resumes = self.common.profile.resumes > 0 && footing.resumes();
        let cursor = trail.cursor().filter(|cursor| resumes && cursor.id.is_some());
        let was_polled = came.is_ok() && cursor.is_some();
        let mut answered = match came {
            Err(outcome) => Answered::unread(outcome),
            Ok(reply) => {
                let head = head_of(&reply, footing);
                let answered = match heard {
                    Some(answer) => answer,
                    None => read_whole::<R, T, J>(&mut ear, &head, &whole, judge),
                };
                Answered { at: trail.answered_at(), reply: Some(reply), ..answered }
            }
        };
        cost.echoes(ear.echo);
        cost.printed(ear.print);
        // A server may end a stream it has given an id, and wait to be asked again.
        trail.finish(if was_polled { Outcome::Ok } else { answered.outcome });
        if let Some(cursor) = cursor.filter(|_| answered.outcome == Outcome::CutStream) {
            answered = Box::pin(self.taken_up(&mut ear, cursor, (deadline, cost), judge)).await;
        }
        answered
    }

    /// Tells a broken rule with its evidence.
    pub(super) fn tell_violation<T>(
        &self,
        operation: Operation,
        answered: &Answered<T>,
        touched: Touched,
    ) {
        let Outcome::Violation(rule) = answered.outcome else { return };
        let said = match &answered.reply {
            None => answered.said.clone(),
            Some(reply) if answered.said.is_empty() => {
                format!("HTTP {}, {}, without a body", reply.status, reply.media.name())
            }
            Some(reply) => {
                format!("HTTP {}, {}: {}", reply.status, reply.media.name(), answered.said)
            }
        };
        self.violated_under(touched, rule, operation, said);
    }

    /// Tells that the target broke a rule.
    pub(super) fn violated(&self, rule: Rule, operation: Operation, evidence: String) {
        self.violated_under(Touched::default(), rule, operation, evidence);
    }

    /// The same of an exchange that met these faults. Whatever evidence holds of what the client
    /// presents is hidden here, where all of it passes.
    fn violated_under(&self, touched: Touched, rule: Rule, operation: Operation, evidence: String) {
        let evidence = self.holder.hide(evidence);
        let at = self.common.wire.clock.now();
        let violation = Violation { rule, at, user: Some(self.user), operation, evidence, touched };
        self.common.wire.recorder.tell(self.user, Event::Violation(Box::new(violation)));
    }

    /// Sends a message that has no answer, beside everything else; `hand` is free after that.
    pub(super) fn post_beside(
        self: &Arc<Self>,
        operation: Operation,
        body: Vec<u8>,
        footing: &Footing,
        hand: OwnedSemaphorePermit,
    ) {
        let (client, footing) = (Arc::clone(self), footing.clone());
        self.errands.begin(async move {
            client.notify(operation, body, &footing).await;
            drop(hand);
        });
    }

    /// Sends a message that has no answer; how it was taken.
    pub(super) async fn notify(
        self: &Arc<Self>,
        operation: Operation,
        body: Vec<u8>,
        footing: &Footing,
    ) -> Outcome {
        let cost = Cost::default();
        let by = self.common.wire.clock.now() + self.common.profile.connect_timeout;
        let question = Question { body, ..Question::bare(operation, footing, None, (by, &cost)) };
        self.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await.outcome
    }
}

/// Reads an answer that is one body, or a stream that ended without one.
fn read_whole<R: Lent, T, J: Judge<R, T>>(
    ear: &mut Ear<'_>,
    head: &Head<'_>,
    body: &[u8],
    judge: &J,
) -> Answered<T> {
    let Some(id) = ear.id else {
        return Answered::broken(answer::notified(head, body), quoted(body));
    };
    match head.reading() {
        Reading::Message => ear.message::<R, T, J>(head, body, judge).unwrap_or_else(|| {
            let rule = Rule::NotOneOfResultAndError;
            Answered::broken(Outcome::Violation(rule), quoted(body))
        }),
        Reading::Events => Answered::broken(Outcome::CutStream, String::new()),
        Reading::Refusal => {
            let refusal = answer::refused(head, body, Some(Id::Number(id)));
            ear.refused(refusal.outcome, refusal.code, body)
        }
        Reading::Broken(Rule::UnaskedCoding) => {
            let coding = head.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
            let said = format!("content-encoding: {}", quoted(coding.unwrap_or_default()));
            Answered::broken(Outcome::Violation(Rule::UnaskedCoding), said)
        }
        Reading::Broken(rule) => ear.refused(Outcome::Violation(rule), None, body),
    }
}

/// The head of an answer within a session.
pub(super) fn head_of<'r>(reply: &'r Reply, footing: &Footing) -> Head<'r> {
    Head { status: reply.status, headers: &reply.headers, session: footing.named }
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
pub(super) fn quoted(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(QUOTE)];
    let more = if bytes.len() > QUOTE { "..." } else { "" };
    format!("{}{more}", String::from_utf8_lossy(cut))
}
