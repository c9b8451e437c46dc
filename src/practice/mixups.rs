//! What the defects about answers do to the answers of tool calls in the era of sessions. A target
//! without them never comes here.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::answer::{Answer, Dress};
use super::id::Id;
use super::response::{EVENT_STREAM, content, event_stream};
use super::server::Target;
use super::voice::event;
use crate::model::plan::Flaw;

/// What befalls one call in so many.
const ONE_IN: u64 = 10;

/// The defects of answers.
const ALL: [Flaw; 8] = [
    Flaw::OtherIds,
    Flaw::CrossesAnswers,
    Flaw::MixesSessions,
    Flaw::MixesUsers,
    Flaw::SameIdHangs,
    Flaw::LosesAnswers,
    Flaw::AnswersTwice,
    Flaw::NeverAnswers,
];

/// What such a target remembers.
#[derive(Debug, Default)]
pub(super) struct Mixups {
    calls: AtomicU64,
    /// The answer before, and whose it was.
    last: Mutex<Option<(Whose, Answer)>>,
    /// Calls in flight, by session and id.
    crossing: Mutex<HashMap<Crossing, InFlight>>,
}

/// Whose an answer is.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    Session(Option<Id>),
    User(Option<String>),
}

type Crossing = (Option<Id>, String);

/// Calls of one session with one id.
#[derive(Debug, Default)]
struct InFlight {
    count: usize,
    /// One whose answer is there, and waits for that of another.
    waiting: Option<(Answer, oneshot::Sender<Answer>)>,
}

/// A call that is in flight until this is dropped.
pub(super) struct Crossed<'t> {
    mixups: &'t Mixups,
    at: Crossing,
    /// Another one was in flight when it came.
    is_second: bool,
}

impl Target {
    /// Whether any defect is about the answers of tool calls.
    pub(super) fn mixes_up(&self) -> bool {
        ALL.into_iter().any(|flaw| self.has(flaw))
    }

    /// A call of this session with this id is in flight.
    pub(super) fn crossed(&self, session: Option<Id>, id: &RawValue) -> Crossed<'_> {
        let at = (session, id.get().to_owned());
        let mut crossing = lock(&self.mixups.crossing);
        let in_flight = crossing.entry(at.clone()).or_default();
        in_flight.count += 1;
        let is_second = in_flight.count > 1;
        Crossed { mixups: &self.mixups, at, is_second }
    }

    /// The response to a call that has this answer.
    pub(super) async fn respond_mixed_up(
        &self,
        crossed: Crossed<'_>,
        id: &RawValue,
        answer: Answer,
    ) -> Response {
        let form = self.knobs.answers;
        let is_one = self.mixups.calls.fetch_add(1, Ordering::Relaxed) % ONE_IN == ONE_IN - 1;
        let mut answer = answer;
        if self.has(Flaw::CrossesAnswers) {
            answer = crossed.exchanged(answer).await;
        }
        let session = crossed.at.0;
        if self.has(Flaw::MixesSessions) {
            answer = self.mixups.mixed(Whose::Session(session), answer, is_one);
        }
        if self.has(Flaw::MixesUsers) {
            let owner = session.and_then(|session| self.sessions.owner(session));
            answer = self.mixups.mixed(Whose::User(owner), answer, is_one);
        }
        if crossed.is_second && self.has(Flaw::SameIdHangs) {
            return pending().await;
        }
        if is_one && self.has(Flaw::NeverAnswers) {
            return pending().await;
        }
        if is_one && self.has(Flaw::OtherIds) {
            return answer.respond("987654321", form);
        }
        if is_one && self.has(Flaw::LosesAnswers) {
            return content(StatusCode::OK, EVENT_STREAM, Body::empty());
        }
        if is_one && self.has(Flaw::AnswersTwice) {
            let message = event(&answer.message(id, Dress::Plain));
            let twice = stream::iter([message.clone(), message].map(Ok::<_, std::io::Error>));
            return event_stream(Body::from_stream(twice));
        }
        answer.respond(id.get(), form)
    }
}

impl Mixups {
    /// The answer before, where that was another one's and it is one in so many.
    fn mixed(&self, whose: Whose, answer: Answer, is_one: bool) -> Answer {
        let mut last = lock(&self.last);
        if let Some((_, other)) = last.take_if(|(its, _)| is_one && *its != whose) {
            return other;
        }
        *last = Some((whose, answer.clone()));
        answer
    }
}

impl Crossed<'_> {
    /// The answer of another call with the same session and id, where one is in flight.
    async fn exchanged(&self, answer: Answer) -> Answer {
        let waits = {
            let mut crossing = lock(&self.mixups.crossing);
            let Some(in_flight) = crossing.get_mut(&self.at) else { return answer };
            match in_flight.waiting.take() {
                Some((other, its)) => {
                    // Whoever has left needs no answer.
                    let _left = its.send(answer).is_err();
                    return other;
                }
                None if in_flight.count == 1 => return answer,
                None => {
                    let (mine, waits) = oneshot::channel();
                    in_flight.waiting = Some((answer.clone(), mine));
                    waits
                }
            }
        };
        waits.await.unwrap_or(answer)
    }
}

impl Drop for Crossed<'_> {
    fn drop(&mut self) {
        let mut crossing = lock(&self.mixups.crossing);
        let Some(in_flight) = crossing.get_mut(&self.at) else { return };
        in_flight.count -= 1;
        // The last one that is left waits for nobody.
        if in_flight.count == 1 {
            in_flight.waiting = None;
        }
        if in_flight.count == 0 {
            crossing.remove(&self.at);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::plan::Practice;
    use crate::practice::rehearsal::{Running, got, request, start};

    async fn flawed(flaw: Flaw) -> Running {
        let latency = "30ms".parse().unwrap();
        start(Practice { latency, defects: [flaw].into_iter().collect(), ..Practice::default() })
            .await
    }

    fn echo(id: u64, message: &str) -> Value {
        request(id, "tools/call", &json!({"name": "echo", "arguments": {"message": message}}))
    }

    fn text(answer: &Value) -> &str {
        answer["result"]["content"][0]["text"].as_str().unwrap()
    }

    #[tokio::test]
    async fn answers_with_one_id_are_exchanged_and_others_are_not() {
        let target = flawed(Flaw::CrossesAnswers).await;
        let session = target.initialized().await;
        let session = session.as_deref();
        let call = async |id, message: &str| {
            let answer = got(target.post(session, &echo(id, message))).await.json();
            text(&answer).to_owned()
        };
        let all = join_all([call(1, "a"), call(1, "b"), call(2, "c")]).await;
        assert_eq!(all, ["b", "a", "c"]);
        let three = join_all([call(1, "a"), call(1, "b"), call(1, "c")]).await;
        assert_eq!(three.iter().zip(["a", "b", "c"]).filter(|(is, own)| *is == own).count(), 1);
        assert_eq!(call(1, "alone").await, "alone");
    }

    #[tokio::test]
    async fn one_call_in_ten_gets_what_another_session_got() {
        let target = flawed(Flaw::MixesSessions).await;
        let sessions = [target.initialized().await, target.initialized().await];
        let mut wrong = 0;
        for turn in 0..20 {
            let message = turn.to_string();
            let session = sessions[turn % 2].as_deref();
            let answer = got(target.post(session, &echo(1, &message))).await.json();
            wrong += usize::from(text(&answer) != message);
        }
        assert_eq!(wrong, 2);
    }

    #[tokio::test]
    async fn one_call_in_ten_has_no_answer_or_two_or_waits_for_ever() {
        for (flaw, events) in [
            (Flaw::LosesAnswers, Some(0)),
            (Flaw::AnswersTwice, Some(2)),
            (Flaw::NeverAnswers, None),
        ] {
            let target = flawed(flaw).await;
            let session = target.initialized().await;
            for _ in 0..9 {
                let good = got(target.post(session.as_deref(), &echo(1, "x"))).await.json();
                assert_eq!(text(&good), "x");
            }
            let tenth = got(target.post(session.as_deref(), &echo(1, "x")));
            let tenth = tokio::time::timeout(Duration::from_millis(500), tenth).await.ok();
            let counted = tenth.map(|answer| answer.text.matches("event: message").count());
            assert_eq!(counted, events, "{flaw:?}");
        }
    }
}
