//! Calls in flight that their clients may cancel (MCP 2025-11-25, basic/utilities/cancellation):
//! their work ends, and they are not answered.

use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::answer::Answer;
use super::catalogue::object;
use super::id::Id;
use super::request::Message;
use super::server::Target;
use crate::edge::clock::Clock;
use crate::model::plan::Flaw;

/// The notification.
const METHOD: &str = "notifications/cancelled";
/// A cancellation so soon after the answer meets it.
const RACE: Duration = Duration::from_millis(100);
/// What work that goes on takes.
const OVERTIME: Duration = Duration::from_secs(3);

/// Calls in flight, by session and id.
#[derive(Debug)]
pub(super) struct Cancelling {
    in_flight: Mutex<HashMap<Call, InFlight>>,
    /// The call that ended last, and when: what a defect needs.
    ended: Mutex<Option<(Call, Duration)>>,
    clock: Clock,
}

type Call = (Id, Box<str>);

/// Calls of one session with one id: whoever cancels that cancels all of them.
#[derive(Debug, Default)]
struct InFlight {
    count: usize,
    cancelled: Arc<Notify>,
}

/// A call that is in flight until this is dropped.
struct Flying<'t> {
    target: &'t Target,
    call: Call,
    cancelled: Arc<Notify>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "requestId")]
    id: &'a RawValue,
}

impl Cancelling {
    /// None in flight.
    pub(super) fn new() -> Self {
        Self { in_flight: Mutex::default(), ended: Mutex::default(), clock: Clock::real() }
    }
}

impl Target {
    /// What a call that was cancelled is answered; mostly nothing.
    pub(super) fn of_cancelled(&self) -> Option<Answer> {
        self.has(Flaw::AnswersCancelled).then(|| Answer::Error {
            code: -32_800,
            message: "Request cancelled".to_owned(),
            data: None,
        })
    }

    /// Works for a call; `None` if it was cancelled. Without sessions nobody can tell whose id it is.
    pub(super) async fn unless_cancelled<T>(
        &self,
        session: Option<Id>,
        id: &RawValue,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let Some(session) = session else { return Some(work.await) };
        let flying = Flying::begin(self, (session, id.get().into()));
        let mut cancelled = pin!(flying.cancelled.notified());
        cancelled.as_mut().enable();
        tokio::select! {
            biased;
            () = cancelled => {}
            done = work => return Some(done),
        }
        if self.has(Flaw::CancelledStreamsStay) {
            pending::<()>().await;
        }
        None
    }

    /// Takes note of a notification.
    pub(super) fn noted(self: &Arc<Self>, session: Option<Id>, message: &Message<'_>) {
        let (Some(session), Some(METHOD)) = (session, message.method.as_deref()) else { return };
        let params = message.params.and_then(|params| object::<Params<'_>>(params).ok());
        let Some(Params { id }) = params.filter(|_| !self.has(Flaw::IgnoresCancel)) else { return };
        let call: Call = (session, id.get().into());
        let of = &self.cancelling;
        let cancelled = {
            let in_flight = lock(&of.in_flight);
            in_flight.get(&call).map(|flying| (flying.count, Arc::clone(&flying.cancelled)))
        };
        let Some((count, cancelled)) = cancelled else {
            let races = lock(&of.ended)
                .as_ref()
                .is_some_and(|(ended, at)| *ended == call && of.clock.now() <= *at + RACE);
            if races && self.has(Flaw::DiesOnCancelRace) {
                self.sessions.close(session);
            }
            return;
        };
        cancelled.notify_waiters();
        if self.has(Flaw::CancelKillsSession) {
            self.sessions.close(session);
        }
        if self.has(Flaw::CancelledWorkGoesOn) {
            for _ in 0..count {
                let target = Arc::clone(self);
                let key = target.workers.key();
                tokio::spawn(async move {
                    target.workers.work(key, OVERTIME, &target.metrics).await;
                });
            }
        }
    }
}

impl<'t> Flying<'t> {
    fn begin(target: &'t Target, call: Call) -> Self {
        let mut in_flight = lock(&target.cancelling.in_flight);
        let flying = in_flight.entry(call.clone()).or_default();
        flying.count += 1;
        let cancelled = Arc::clone(&flying.cancelled);
        Self { target, call, cancelled }
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        let of = &self.target.cancelling;
        {
            let mut in_flight = lock(&of.in_flight);
            if let Some(flying) = in_flight.get_mut(&self.call) {
                flying.count -= 1;
                if flying.count == 0 {
                    in_flight.remove(&self.call);
                }
            }
        }
        if self.target.has(Flaw::DiesOnCancelRace) {
            *lock(&of.ended) = Some((self.call.clone(), of.clock.now()));
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::edge::clock::Clock;
    use crate::model::plan::{Answers, Practice};
    use crate::practice::rehearsal::{Running, got, request, start};

    fn slow(id: u64) -> Value {
        request(id, "tools/call", &json!({"name": "slow", "arguments": {"seconds": 30}}))
    }

    fn cancel(id: &Value) -> Value {
        let params = json!({"requestId": id});
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
    }

    async fn busy(target: &Running, count: i64) {
        while target.metric("practice_workers_busy").await != count {
            Clock::real().sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_cancelled_call_ends_without_an_answer_and_others_go_on() {
        for (answers, resumable) in
            [(Answers::Json, false), (Answers::Sse, false), (Answers::Sse, true)]
        {
            let target = start(Practice { answers, resumable, ..Practice::default() }).await;
            let (one, other) = (target.initialized().await, target.initialized().await);
            let call = tokio::spawn(got(target.post(one.as_deref(), &slow(7))));
            let others = tokio::spawn(got(target.post(other.as_deref(), &slow(7))));
            busy(&target, 2).await;
            // Another id, and another type.
            for id in [json!(8), json!("7")] {
                let noted = got(target.post(one.as_deref(), &cancel(&id))).await;
                assert_eq!(noted.status, 202);
            }
            assert!(!call.is_finished());
            let noted = got(target.post(one.as_deref(), &cancel(&json!(7)))).await;
            assert_eq!(noted.status, 202);
            let ended = call.await.unwrap();
            assert!(!ended.text.contains("result"), "{}", ended.text);
            busy(&target, 1).await;
            assert!(!others.is_finished(), "another session's call of the same id");
            // It is over: nothing happens.
            let noted = got(target.post(one.as_deref(), &cancel(&json!(7)))).await;
            assert_eq!(noted.status, 202);
            others.abort();
        }
    }
}
