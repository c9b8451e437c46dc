//! Results that are ready later: a task is polled until it has ended. Both kinds of tasks: those of
//! MCP 2025-11-25 (basic/utilities/tasks), whose result is asked for once it is there, and those of
//! the modern extension io.modelcontextprotocol/tasks, which hold it themselves.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Client;
use super::farewell::Awaited;
use super::post::{Answered, Judge, Lent, Nothing};
use super::put::{Later, Put, question};
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::Head;
use crate::protocol::ask::{Ask, Extra};
use crate::protocol::message::RpcError;
use crate::protocol::modern::result::Polled;
use crate::protocol::results::task::{Created, Status, Task};
use crate::protocol::serve;

/// A legacy task.
struct Legacy;
impl Lent for Legacy {
    type Of<'a> = Task<'a>;
}

/// A modern one, in its envelope.
struct Modern;
impl Lent for Modern {
    type Of<'a> = Polled<'a>;
}

/// What a legacy call comes to that was to become a task.
struct Made<R>(PhantomData<R>);
impl<R: Lent> Lent for Made<R> {
    type Of<'a> = Created<'a, R::Of<'a>>;
}

/// What the call itself brought.
enum First<T> {
    Result(T),
    Task(Later),
}

/// How a task stands.
enum State<T> {
    /// It is to be asked about again after this.
    Working(Duration),
    /// It waits for this `inputResponses` object, and is to be asked about again after this.
    Asks(Vec<u8>, Duration),
    /// Its result is to be asked for.
    Ready,
    /// It has ended, with this.
    Done(T),
}

impl Client {
    /// Puts a legacy call that becomes a task, until its result is there, or it has failed.
    pub(super) async fn fetch_as_task<R, T, J>(
        self: &Arc<Self>,
        put: Put<'_>,
        judge: J,
    ) -> Answered<T>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        let Put { session, ask, deadline, cost, is_call, .. } = &put;
        let id = session.next_id();
        let patience = deadline.saturating_sub(self.common.wire.clock.now());
        let progress = (*is_call && self.common.profile.progress).then_some(id);
        let extra = Extra { progress, task: Some(patience), ..Extra::default() };
        let mut question = question(&session.footing, id, (ask, None), &extra, (*deadline, cost));
        question.is_call = *is_call;
        let made = |head: &Head<'_>, created: Created<'_, R::Of<'_>>| match created {
            Created::Task(task) => {
                let pause = task.poll_interval();
                let later = Later { id: task.id.into_owned(), pause };
                (Outcome::Ok, Some(First::Task(later)))
            }
            // A server may answer at once all the same.
            Created::Result(result) => {
                let (outcome, value) = judge(head, result);
                (outcome, value.map(First::Result))
            }
        };
        let mut first = self.ask::<Made<R>, First<T>, _>(question, made).await;
        match first.value.take() {
            Some(First::Task(later)) => self.polled::<R, T, J>(&put, later, &judge).await,
            Some(First::Result(value)) => first.with(Some(value)),
            None => first.with(None),
        }
    }

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
        let awaited = Awaited::task(self, put.session, &id, put.cost);
        let ended = loop {
            if clock.by(put.deadline, clock.sleep(pause)).await.is_none() {
                break Answered::broken(Outcome::Timeout, String::new());
            }
            let mut answered = self.state::<R, T, J>(put, &id, judge).await;
            match answered.value.take() {
                Some(State::Working(next)) => pause = next,
                Some(State::Asks(responses, next)) => {
                    let ask = Ask::TaskUpdate { id: &id, responses: &responses };
                    let taken = |_: &Head<'_>, _: IgnoredAny| (Outcome::Ok, None::<()>);
                    // What became of it shows when the task is asked about.
                    self.about_task::<Nothing, _, _>(put, &ask, taken).await;
                    pause = next;
                }
                Some(State::Ready) => {
                    let ask = Ask::TaskResult { id: &id };
                    let judge = |head: &Head<'_>, result: R::Of<'_>| judge(head, result);
                    break self.about_task::<R, T, _>(put, &ask, judge).await;
                }
                Some(State::Done(value)) => break answered.with(Some(value)),
                None => break answered.with(None),
            }
        };
        awaited.end(ended.outcome);
        ended
    }

    /// Asks how a task stands, in its session's era.
    async fn state<R, T, J>(
        self: &Arc<Self>,
        put: &Put<'_>,
        id: &str,
        judge: &J,
    ) -> Answered<State<T>>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        let ask = Ask::TaskGet { id };
        if put.session.footing.is_modern() {
            let state = |head: &Head<'_>, polled: Polled<'_>| match polled {
                Polled::Task(task) => self.modern_state::<R, T, J>(head, &task, judge),
                Polled::Unknown(_) => (Outcome::Violation(Rule::UnknownResultType), None),
            };
            self.about_task::<Modern, _, _>(put, &ask, state).await
        } else {
            let state = |_: &Head<'_>, task: Task<'_>| legacy_state(&task);
            self.about_task::<Legacy, _, _>(put, &ask, state).await
        }
    }

    fn modern_state<R: Lent, T, J: Judge<R, T>>(
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
                let read = |raw: &RawValue| {
                    let result = serde_json::from_str::<R::Of<'_>>(raw.get()).ok()?;
                    let (outcome, value) = judge(head, result);
                    Some((outcome, value.map(State::Done)))
                };
                task.result.and_then(read).unwrap_or(malformed)
            }
            Status::Failed => {
                let code = |raw: &RawValue| {
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
        let id = put.session.next_id();
        let until = (put.deadline, put.cost);
        let question = question(&put.session.footing, id, (ask, None), &Extra::default(), until);
        self.ask::<R, T, J>(question, judge).await
    }
}

/// A legacy task that asks something asks it on the stream of its result.
fn legacy_state<T>(task: &Task<'_>) -> (Outcome, Option<State<T>>) {
    match task.status {
        Status::Working => (Outcome::Ok, Some(State::Working(task.poll_interval()))),
        Status::InputRequired | Status::Completed | Status::Failed => {
            (Outcome::Ok, Some(State::Ready))
        }
        // Nobody of ours has asked for that.
        Status::Cancelled => (Outcome::ToolError, None),
    }
}
