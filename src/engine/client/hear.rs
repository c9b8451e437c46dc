//! What one message from the server means, wherever it came: an answer, a request, a notification.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Client;
use super::post::{Answered, Judge, Lent, quoted};
use crate::engine::session::Footing;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head};
use crate::protocol::course::{Came, Course, Of};
use crate::protocol::message::{self, Id, Message, Request};
use crate::protocol::modern::errors;
use crate::protocol::serve;

/// Listens for the answer to one question.
pub(super) struct Ear<'q> {
    client: &'q Arc<Client>,
    /// What the question stood on.
    pub(super) footing: &'q Footing,
    operation: Operation,
    /// The question's id; a notification has none.
    pub(super) id: Option<u64>,
    course: Course,
}

impl<'q> Ear<'q> {
    pub(super) fn new(
        client: &'q Arc<Client>,
        footing: &'q Footing,
        operation: Operation,
        id: Option<u64>,
    ) -> Self {
        let of = if footing.is_modern() { Of::ModernRequest } else { Of::LegacyRequest };
        let token = id.filter(|_| client.common.profile.progress);
        Self { client, footing, operation, id, course: Course::new(of, token) }
    }

    /// One message before the answer, or the answer.
    pub(super) fn message<R: Lent, T, J: Judge<R, T>>(
        &mut self,
        head: &Head<'_>,
        data: &[u8],
        judge: &J,
    ) -> Option<Answered<T>> {
        if self.footing.batches() && data.trim_ascii_start().starts_with(b"[") {
            return self.batch::<R, T, J>(head, data, judge);
        }
        let message = match message::read::<R::Of<'_>>(data) {
            Ok(message) => message,
            Err(malformed) => {
                let said = format!("{malformed}: {}", quoted(data));
                return Some(Answered::broken(Outcome::Violation(malformed.rule), said));
            }
        };
        let came = self.came(&message, data)?;
        match (came, message) {
            (Came::Answer, Message::Answer(answer)) => {
                let expected = Id::Number(self.id.unwrap_or_default());
                match answer::settle(head, answer, expected) {
                    Ok(result) => {
                        let (outcome, value) = judge(head, result);
                        let broken = matches!(outcome, Outcome::Violation(_));
                        let said = if broken { quoted(data) } else { String::new() };
                        let bytes = data.len();
                        Some(Answered { value, bytes, ..Answered::broken(outcome, said) })
                    }
                    Err(outcome) => {
                        let code = match outcome {
                            Outcome::RpcError(code) => Some(code),
                            _ => None,
                        };
                        Some(self.refused(outcome, code, data))
                    }
                }
            }
            (Came::Question, Message::Request(request)) => {
                self.client.asked(&request, self.footing);
                None
            }
            _ => None,
        }
    }

    /// What a message is, unless it does not belong here: then that is told.
    fn came<R>(&mut self, message: &Message<'_, R>, data: &[u8]) -> Option<Came> {
        let came = self.course.hear(message);
        came.map_err(|rule| self.client.violated(rule, self.operation, self.client.shown(data)))
            .ok()
    }

    /// An answer without a result; what refuses a handshake is kept whole.
    pub(super) fn refused<T>(
        &self,
        outcome: Outcome,
        code: Option<i64>,
        data: &[u8],
    ) -> Answered<T> {
        if let Some(rule) = self.forbidden(code) {
            self.client.violated(rule, self.operation, self.client.shown(data));
        }
        let is_handshake = matches!(self.operation, Operation::Discover | Operation::Initialize);
        let refusal = if is_handshake { data.to_vec() } else { Vec::new() };
        Answered { code, refusal, ..Answered::broken(outcome, quoted(data)) }
    }

    /// The rule that an error code breaks; an answer to the first question may be of either era.
    fn forbidden(&self, code: Option<i64>) -> Option<Rule> {
        let is_settled = self.footing.is_modern() && self.operation != Operation::Discover;
        code.filter(|_| is_settled).and_then(errors::forbidden)
    }

    /// Several messages at once, which revision 2025-03-26 has.
    fn batch<R: Lent, T, J: Judge<R, T>>(
        &mut self,
        head: &Head<'_>,
        data: &[u8],
        judge: &J,
    ) -> Option<Answered<T>> {
        let Ok(messages) = serde_json::from_slice::<Vec<&RawValue>>(data) else {
            return Some(Answered::broken(Outcome::Violation(Rule::NotJson), quoted(data)));
        };
        let mut answered = None;
        for message in messages {
            let data = message.get().as_bytes();
            if data.starts_with(b"[") {
                return Some(Answered::broken(Outcome::Violation(Rule::NotJsonRpc), quoted(data)));
            }
            if answered.is_some() {
                self.behind_the_answer(data);
            } else {
                answered = self.message::<R, T, J>(head, data, judge);
            }
        }
        answered
    }

    /// A message after the answer.
    pub(super) fn behind_the_answer(&mut self, data: &[u8]) {
        let Ok(message) = message::read::<IgnoredAny>(data) else { return };
        if let (Some(Came::Question), Message::Request(request)) =
            (self.came(&message, data), &message)
        {
            self.client.asked(request, self.footing);
        }
    }
}

impl Client {
    /// A request of the server's, answered as this client answers.
    pub(super) fn asked(self: &Arc<Self>, request: &Request<'_>, footing: &Footing) {
        let mut response = Vec::new();
        if serve::answer(&mut response, request, self.common.profile.server_requests) {
            self.post_beside(Operation::Response, response, footing);
        }
    }

    /// What was received, as evidence: bounded, and without what the client presents.
    pub(super) fn shown(&self, data: &[u8]) -> String {
        self.common.holder.hide(quoted(data))
    }
}
