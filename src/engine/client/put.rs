//! One request within a session, put in the session's era, with every round that it takes.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Client;
use super::cost::Cost;
use super::farewell::Awaited;
use super::post::{Answered, Judge, Lent, Question};
use crate::engine::session::{Footing, Session, Speech};
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::Head;
use crate::protocol::ask::{Ask, Extra};
use crate::protocol::legacy;
use crate::protocol::message::Id;
use crate::protocol::modern;
use crate::protocol::modern::result::{CacheHints, Reply, Tasks, Turn};
use crate::protocol::serve;

/// A header of one request.
pub(super) type Header = (HeaderName, HeaderValue);

/// A request, before its era has written it.
pub(super) struct Put<'a> {
    pub(super) session: &'a Session,
    pub(super) ask: Ask<'a>,
    /// The headers that say what it is about, where they were prepared; modern only.
    pub(super) about: Option<&'a [Header]>,
    /// Headers that mirror its arguments; modern only.
    pub(super) mirrored: &'a [Header],
    pub(super) deadline: Duration,
    pub(super) cost: &'a Cost,
    /// What a user waits for.
    pub(super) is_call: bool,
    /// What its arguments say of whose it is.
    pub(super) nonce: Option<Nonce>,
}

/// What one round brought.
enum Came<T> {
    /// The result.
    Done(T, CacheHints),
    /// Questions; these members answer them.
    Again(Vec<u8>),
    /// A task to be polled.
    Later(Later),
}

/// A task under way.
pub(super) struct Later {
    pub(super) id: String,
    pub(super) pause: Duration,
}

/// A result as modern servers send it.
struct Typed<R>(PhantomData<R>);

impl<R: Lent> Lent for Typed<R> {
    type Of<'a> = Reply<'a, R::Of<'a>>;
}

impl Client {
    /// Puts a request until its result is there, or it has failed.
    pub(super) async fn fetch<R, T, J>(self: &Arc<Self>, put: Put<'_>, judge: J) -> Answered<T>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        let mut first = self.put::<R, T, J>(&put, None, &judge).await;
        match first.value.take() {
            Some(Came::Done(value, cache)) => Answered { cache, ..first.with(Some(value)) },
            None => first.with(None),
            Some(came) => {
                let first = Answered { value: Some(came), ..first };
                Box::pin(self.rounds::<R, T, J>(put, first, &judge)).await
            }
        }
    }

    /// Answers what the server asks back, and asks again, as often as the client does that.
    async fn rounds<R, T, J>(
        self: &Arc<Self>,
        mut put: Put<'_>,
        mut last: Answered<Came<T>>,
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        // The first request was the call's own; what follows is part of its service.
        put.is_call = false;
        let mut rounds = 0;
        loop {
            match last.value.take() {
                Some(Came::Done(value, cache)) => {
                    return Answered { cache, ..last.with(Some(value)) };
                }
                None => return last.with(None),
                Some(Came::Later(later)) => {
                    return self.polled::<R, T, J>(&put, later, judge).await;
                }
                Some(Came::Again(_)) if rounds == self.common.profile.input_rounds => {
                    let (rule, operation) = (Rule::TooManyRounds, operation_of(&put.ask));
                    let said = format!("after {rounds} rounds");
                    self.violated(rule, operation, said.clone());
                    let outcome = Outcome::Violation(rule);
                    return Answered { outcome, said, ..last.with(None) };
                }
                Some(Came::Again(continued)) => {
                    rounds += 1;
                    last = self.put::<R, T, J>(&put, Some(&continued), judge).await;
                }
            }
        }
    }

    async fn put<R, T, J>(
        self: &Arc<Self>,
        put: &Put<'_>,
        continued: Option<&[u8]>,
        judge: &J,
    ) -> Answered<Came<T>>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: Judge<R, T>,
    {
        let Put { session, ask, about, mirrored, deadline, cost, is_call, nonce } = put;
        let footing = &session.footing;
        let id = session.next_id();
        let progress = (*is_call && self.common.profile.progress).then_some(id);
        let extra = Extra { progress, continued, ..Extra::default() };
        let mut question = question(footing, id, (ask, *about), &extra, (*deadline, cost));
        question.mirrored = mirrored;
        question.is_call = *is_call;
        question.nonce = *nonce;
        if footing.is_modern() {
            let judge = |head: &Head<'_>, reply: Reply<'_, R::Of<'_>>| {
                self.turn::<R, T, J>(head, reply, ask, judge)
            };
            return self.ask::<Typed<R>, Came<T>, _>(question, judge).await;
        }
        let judge = |head: &Head<'_>, result: R::Of<'_>| {
            let (outcome, value) = judge(head, result);
            (outcome, value.map(|value| Came::Done(value, CacheHints::default())))
        };
        let awaited = is_call.then(|| Awaited::begin(self, session, id, cost));
        let asked = self.ask::<R, Came<T>, _>(question, judge).await;
        if let Some(awaited) = awaited {
            awaited.end(asked.outcome);
        }
        asked
    }

    /// What a modern result leaves to do.
    fn turn<R: Lent, T, J: Judge<R, T>>(
        &self,
        head: &Head<'_>,
        reply: Reply<'_, R::Of<'_>>,
        ask: &Ask<'_>,
        judge: &J,
    ) -> (Outcome, Option<Came<T>>) {
        let profile = &self.common.profile;
        let turn = match reply.turn(ask, self.tasks()) {
            Ok(turn) => turn,
            Err(rule) => return (Outcome::Violation(rule), None),
        };
        match turn {
            Turn::Complete(complete) => {
                let (outcome, value) = judge(head, complete.result);
                (outcome, value.map(|value| Came::Done(value, complete.cache)))
            }
            Turn::Answer(input) => {
                let responses = input.requests.map(|requests| {
                    serve::input_responses(requests, profile.server_requests, self.common.declared)
                });
                match responses.transpose() {
                    Ok(responses) => {
                        let continued = input.continued(responses.as_deref());
                        (Outcome::Ok, Some(Came::Again(continued)))
                    }
                    Err(rule) => (Outcome::Violation(rule), None),
                }
            }
            Turn::Poll(task) => {
                let pause = task.poll_interval();
                (Outcome::Ok, Some(Came::Later(Later { id: task.id.into_owned(), pause })))
            }
        }
    }

    /// Whether this client said that it can poll tasks.
    fn tasks(&self) -> Tasks {
        if self.common.polls_tasks { Tasks::Declared } else { Tasks::NotDeclared }
    }
}

/// A request in its session's era, as part of the service of a call.
pub(super) fn question<'a>(
    footing: &'a Footing,
    id: u64,
    (ask, prepared): (&Ask<'a>, Option<&'a [Header]>),
    extra: &Extra<'_>,
    (deadline, cost): (Duration, &'a Cost),
) -> Question<'a> {
    let mut body = Vec::with_capacity(256);
    let about = match &footing.speech {
        Speech::Modern(meta) => {
            modern::write::request(&mut body, Id::Number(id), ask, meta.bytes(), extra);
            prepared.map_or_else(|| Cow::Owned(about(ask)), Cow::Borrowed)
        }
        Speech::Legacy(_) | Speech::TwoEnds(_) => {
            legacy::write::request(&mut body, Id::Number(id), ask, extra);
            Cow::default()
        }
    };
    let tool = match ask {
        Ask::ToolsCall { name, .. } => Some(*name),
        _ => None,
    };
    let operation = operation_of(ask);
    let bare = Question::bare(operation, footing, Some(id), (deadline, cost));
    Question { about, body, progress: extra.progress, tool, ..bare }
}

/// The headers that say what a modern request is about.
pub(super) fn about(ask: &Ask<'_>) -> Vec<Header> {
    let said = modern::headers(ask).filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    said.collect()
}

/// The operation that a request is.
pub(super) const fn operation_of(ask: &Ask<'_>) -> Operation {
    match ask {
        Ask::ToolsList { .. } => Operation::ToolsList,
        Ask::ToolsCall { .. } => Operation::ToolsCall,
        Ask::ResourcesList { .. } => Operation::ResourcesList,
        Ask::TemplatesList { .. } => Operation::TemplatesList,
        Ask::ResourcesRead { .. } => Operation::ResourcesRead,
        Ask::PromptsList { .. } => Operation::PromptsList,
        Ask::PromptsGet { .. } => Operation::PromptsGet,
        Ask::Complete { .. } => Operation::Complete,
        Ask::TaskGet { .. } => Operation::TaskGet,
        Ask::TaskResult { .. } => Operation::TaskResult,
        Ask::TaskCancel { .. } => Operation::TaskCancel,
        Ask::TaskUpdate { .. } => Operation::TaskUpdate,
        Ask::Ping => Operation::Ping,
    }
}
