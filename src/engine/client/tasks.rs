//! Results that are ready later: a task is polled until it has ended (MCP 2026-07-28, extension
//! io.modelcontextprotocol/tasks).

use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::Client;
use super::post::{Answered, Judge, Lent, Nothing, Question};
use super::put::{Later, Put, about, operation_of};
use crate::engine::session::Speech;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::Head;
use crate::protocol::ask::{Ask, Extra};
use crate::protocol::message::{Id, RpcError};
use crate::protocol::modern::write;
use crate::protocol::results::task::{Status, Task};
use crate::protocol::serve;

struct Polled;
impl Lent for Polled {
    type Of<'a> = Task<'a>;
}

/// How a task stands.
enum State<T> {
    /// It is to be asked about again after this.
    Working(Duration),
    /// It waits for this `inputResponses` object, and is to be asked about again after this.
    Asks(Vec<u8>, Duration),
    /// It has ended, with this.
    Done(T),
}

impl Client {
    /// Polls a task as often as its server asks for, until it has ended or patience has.
    pub(super) async fn polled<R, T, J>(
        self: &Arc<Self>,
        put: &Put<'_>,
        later: Later,
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        let clock = &self.common.wire.clock;
        let Later { id, mut pause } = later;
        loop {
            if clock.by(put.deadline, clock.sleep(pause)).await.is_none() {
                return Answered::broken(Outcome::Timeout, String::new());
            }
            let ask = Ask::TaskGet { id: &id };
            let state = |head: &Head<'_>, task: Task<'_>| self.state::<R, T, J>(head, &task, judge);
            let mut answered = self.about_task::<Polled, _, _>(put, &ask, state).await;
            match answered.value.take() {
                Some(State::Working(next)) => pause = next,
                Some(State::Asks(responses, next)) => {
                    let ask = Ask::TaskUpdate { id: &id, responses: &responses };
                    let taken = |_: &Head<'_>, _: IgnoredAny| (Outcome::Ok, None::<()>);
                    // What became of it shows when the task is asked about.
                    self.about_task::<Nothing, _, _>(put, &ask, taken).await;
                    pause = next;
                }
                Some(State::Done(value)) => return answered.with(Some(value)),
                None => return answered.with(None),
            }
        }
    }

    fn state<R: Lent, T, J: Judge<R, T>>(
        &self,
        head: &Head<'_>,
        task: &Task<'_>,
        judge: &J,
    ) -> (Outcome, Option<State<T>>) {
        let malformed = (Outcome::Violation(Rule::MalformedResult), None);
        match task.status {
            Status::Working => (Outcome::Ok, Some(State::Working(task.poll_interval()))),
            Status::InputRequired => {
                let Some(requests) = task.input_requests else { return malformed };
                let policy = self.common.profile.server_requests;
                match serve::input_responses(requests, policy, self.common.declared) {
                    Ok(responses) => {
                        (Outcome::Ok, Some(State::Asks(responses, task.poll_interval())))
                    }
                    Err(rule) => (Outcome::Violation(rule), None),
                }
            }
            Status::Completed => {
                let read = |raw: &'_ serde_json::value::RawValue| {
                    let result = serde_json::from_str::<R::Of<'_>>(raw.get()).ok()?;
                    let (outcome, value) = judge(head, result);
                    Some((outcome, value.map(State::Done)))
                };
                task.result.and_then(read).unwrap_or(malformed)
            }
            Status::Failed => {
                let code = |raw: &'_ serde_json::value::RawValue| {
                    serde_json::from_str::<RpcError<'_>>(raw.get()).ok().map(|error| error.code)
                };
                let code = task.error.and_then(code);
                code.map_or(malformed, |code| (Outcome::RpcError(code), None))
            }
            // Nobody of ours has asked for that.
            Status::Cancelled => (Outcome::ToolError, None),
        }
    }

    /// One request about a task.
    async fn about_task<R, T, J>(
        self: &Arc<Self>,
        put: &Put<'_>,
        ask: &Ask<'_>,
        judge: J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        let footing = &put.session.footing;
        let Speech::Modern(meta) = &footing.speech else {
            return Answered::broken(Outcome::Violation(Rule::UnknownResultType), String::new());
        };
        let id = put.session.next_id();
        let mut body = Vec::with_capacity(256);
        write::request(&mut body, Id::Number(id), ask, meta.bytes(), &Extra::default());
        let question = Question {
            operation: operation_of(ask),
            footing,
            also: about(ask, &[]),
            id: Some(id),
            body,
            deadline: put.deadline,
            cost: put.cost,
            is_call: false,
        };
        self.ask::<R, T, J>(question, judge).await
    }
}
