//! What one message from the server means, wherever it came: an answer, a request, a notification.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::post::{Answered, Judge, Lent, quoted};
use super::{Client, print};
use crate::engine::session::Footing;
use crate::engine::wire::Flow;
use crate::model::event::Echo;
use crate::model::nonce::{Nonce, Told};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head};
use crate::protocol::course::{Came, Course, Of};
use crate::protocol::message::{self, Id, Message, Request};
use crate::protocol::modern::errors;
use crate::protocol::serve;

/// So many questions of the server's are answered at once.
pub(super) const HANDS: usize = 64;
/// An answer of ours that would be longer is not given, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// A stream with so many messages that break a rule is read no further.
const MOST_WRONG: u32 = 1_000;

/// Counts what is wrong on one stream, until it is enough.
#[derive(Debug, Default)]
pub(super) struct Wrongs {
    count: u32,
    last: Option<Rule>,
}

impl Wrongs {
    /// Whether a stream is read on after this.
    pub(super) fn flow(&mut self, heard: Result<(), Rule>) -> Flow {
        let Err(rule) = heard else { return Flow::Continue };
        self.count += 1;
        self.last = Some(rule);
        if self.is_enough() { Flow::Enough } else { Flow::Continue }
    }

    /// How a stream ended, if it was given up.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.last.filter(|_| self.is_enough()).map(Outcome::Violation)
    }

    fn is_enough(&self) -> bool {
        self.count >= MOST_WRONG
    }
}

/// Listens for the answer to one question.
pub(super) struct Ear<'q> {
    client: &'q Arc<Client>,
    /// What the question stood on.
    pub(super) footing: &'q Footing,
    operation: Operation,
    /// The question's id; a notification has none.
    pub(super) id: Option<u64>,
    course: Course,
    wrongs: Wrongs,
    /// What the question says of whose it is.
    nonce: Option<Nonce>,
    /// What the answer echoed of that.
    pub(super) echo: Echo,
    /// The answer's print is wanted.
    prints: bool,
    /// The answer's print.
    pub(super) print: Option<u64>,
}

impl<'q> Ear<'q> {
    /// For the question with this `id`, if it has one, that asked for `progress` under this token.
    pub(super) fn new(
        client: &'q Arc<Client>,
        footing: &'q Footing,
        operation: Operation,
        id: Option<u64>,
        progress: Option<u64>,
    ) -> Self {
        let of = if footing.is_modern() { Of::ModernRequest } else { Of::LegacyRequest };
        Self {
            client,
            footing,
            operation,
            id,
            course: Course::new(of, progress),
            wrongs: Wrongs::default(),
            nonce: None,
            echo: Echo::Unasked,
            prints: false,
            print: None,
        }
    }

    /// The same, and the question says so of whose it is.
    pub(super) fn told_by(self, nonce: Option<Nonce>) -> Self {
        Self { nonce, ..self }
    }

    /// The same, which takes the answer's print if that is wanted.
    pub(super) fn printing(self, prints: bool) -> Self {
        Self { prints, ..self }
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
        let came = match self.came(&message, data) {
            Ok(came) => came,
            Err(rule) => return self.wrong(rule, data),
        };
        match (came, message) {
            (Came::Answer, Message::Answer(answer)) => {
                if let Err((rule, said)) = self.is_own(data) {
                    return Some(Answered::broken(Outcome::Violation(rule), said));
                }
                if self.prints {
                    self.print = print::of(data);
                }
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
                let asked = self.client.asked(&request, self.footing);
                asked.err().and_then(|rule| self.wrong(rule, data))
            }
            _ => None,
        }
    }

    /// Whether an answer holds what this call asked, as far as can be told.
    ///
    /// # Errors
    /// It holds what another one asked.
    fn is_own(&mut self, data: &[u8]) -> Result<(), (Rule, String)> {
        let Some(nonce) = self.nonce else { return Ok(()) };
        let user = nonce.user();
        let (rule, whose) = match nonce.heard(data) {
            Told::Nothing => return Ok(()),
            Told::Own => {
                self.echo = Echo::Own;
                return Ok(());
            }
            Told::OtherCall(_) => {
                (Rule::OtherCallsAnswer, "another call of its session".to_owned())
            }
            Told::OtherSession(_) => {
                (Rule::OtherSessionsAnswer, "a call of another session of its user".to_owned())
            }
            Told::OtherUser(other) => {
                (Rule::OtherUsersAnswer, format!("a call of user {}", other.user()))
            }
        };
        let said = format!("user {user} got what was asked in {whose}: {}", quoted(data));
        Err((rule, said))
    }

    /// A message broke a rule, which was told: whether that is enough for the whole.
    fn wrong<T>(&mut self, rule: Rule, data: &[u8]) -> Option<Answered<T>> {
        self.wrongs.flow(Err(rule));
        self.wrongs.outcome().map(|outcome| Answered::broken(outcome, quoted(data)))
    }

    /// What a message is, unless it does not belong here: then that is told.
    fn came<R>(&mut self, message: &Message<'_, R>, data: &[u8]) -> Result<Came, Rule> {
        let came = self.course.hear(message);
        came.inspect_err(|rule| {
            self.client.violated(*rule, self.operation, self.client.shown(data));
        })
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
    pub(super) fn behind_the_answer(&mut self, data: &[u8]) -> Flow {
        let Ok(message) = message::read::<IgnoredAny>(data) else { return Flow::Continue };
        let heard = match (self.came(&message, data), &message) {
            (Ok(Came::Question), Message::Request(request)) => {
                self.client.asked(request, self.footing)
            }
            (came, _) => came.map(drop),
        };
        self.wrongs.flow(heard)
    }

    /// Whether a stream is read on behind its answer.
    pub(super) fn after_the_answer(&self) -> Flow {
        if self.wrongs.is_enough() { Flow::Enough } else { Flow::Answered }
    }
}

impl Client {
    /// A request of the server's, answered as this client answers.
    ///
    /// # Errors
    /// The rule that was broken, and told, where it is too much to be answered.
    pub(super) fn asked(
        self: &Arc<Self>,
        request: &Request<'_>,
        footing: &Footing,
    ) -> Result<(), Rule> {
        let mut response = Vec::new();
        if !serve::answer(&mut response, request, self.common.profile.server_requests) {
            return Ok(());
        }
        let too_much = |rule| {
            self.violated(rule, Operation::Response, self.shown(request.method.as_bytes()));
            Err(rule)
        };
        if response.len() > LONGEST_ANSWER {
            return too_much(Rule::TooLarge);
        }
        let Ok(hand) = Arc::clone(&self.hands).try_acquire_owned() else {
            return too_much(Rule::RequestFlood);
        };
        self.post_beside(Operation::Response, response, footing, hand);
        Ok(())
    }

    /// What was received, as evidence: bounded, and without what the client presents.
    pub(super) fn shown(&self, data: &[u8]) -> String {
        self.holder.hide(quoted(data))
    }
}
