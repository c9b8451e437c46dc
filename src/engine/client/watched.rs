//! A call that a script watches while it goes on: its client may leave it in the middle, and every
//! sign of life on its stream is noted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde::Deserialize;

use super::Client;
use super::cost::Cost;
use super::hear::Ear;
use super::kept::nanos;
use super::post::{Lent, head_of};
use super::put::question;
use super::tool::headers;
use crate::engine::session::Session;
use crate::engine::weather::{By, Leave, Spell};
use crate::engine::wire::{Flow, Pulse, Reply, Request};
use crate::model::behaviour::Ask as Turn;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::answer::{self, Head, Reading};
use crate::protocol::ask::{Ask, Extra};
use crate::protocol::message::Id;
use crate::protocol::sse;

/// The number of no fault: what a script does itself is none of the scenario's.
const NOBODYS: u8 = u8::MAX;

/// A result of either era, as far as it says whether the tool failed.
struct Bare;

#[derive(Deserialize)]
struct BareResult {
    #[serde(default, rename = "isError")]
    is_error: bool,
}

impl Lent for Bare {
    type Of<'a> = BareResult;
}

/// A call that is watched.
#[derive(Debug)]
pub struct Watched<'a> {
    /// The session that it is made in.
    pub session: &'a Session,
    /// Its JSON-RPC id, taken from the session's.
    pub id: u64,
    /// Which tool, and the seed of its arguments.
    pub ask: Turn,
    /// Its arguments, if they are not to be made.
    pub arguments: Option<&'a [u8]>,
    /// It asks for progress.
    pub progress: bool,
    /// Nobody waits longer.
    pub until: Duration,
    /// Its client leaves it so.
    pub leave: Option<Leave>,
}

/// What was seen of it so far: kept outside of the call, which may be dropped.
#[derive(Debug, Default)]
pub struct Signs {
    /// Pieces of its answer, whatever they hold.
    pub pulse: Pulse,
    /// Messages before its answer.
    told: AtomicU32,
    first_told: AtomicU64,
    last_told: AtomicU64,
}

/// How a watched call ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// The HTTP status, if a head came.
    pub status: Option<u16>,
    /// When its request left; when it was begun, if none did.
    pub sent: Duration,
    /// When its answer was there, if one came.
    pub answered: Option<Duration>,
    /// When nothing more could come.
    pub done: Duration,
}

impl Signs {
    fn tell(&self, now: Duration) {
        if self.told.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first_told.store(nanos(now), Ordering::Relaxed);
        }
        self.last_told.store(nanos(now), Ordering::Relaxed);
    }

    /// How many messages came before the answer, and when the first and the last of them did.
    pub fn told(&self) -> Option<(u32, Duration, Duration)> {
        let at = |cell: &AtomicU64| Duration::from_nanos(cell.load(Ordering::Relaxed));
        let told = self.told.load(Ordering::Relaxed);
        (told > 0).then(|| (told, at(&self.first_told), at(&self.last_told)))
    }
}

impl Client {
    /// Makes the arguments of a call.
    pub fn make_arguments(&self, session: &Session, ask: Turn, out: &mut Vec<u8>) {
        let nonce = Nonce::new(self.common.seed, self.user, session.tag, ask.variation);
        self.common.tools[usize::from(ask.tool)].maker.make(ask.variation, nonce, out);
    }

    /// Makes a call and watches it until its answer is there, its stream ends or its client leaves.
    /// It is not retried, nor taken up again where its stream broke.
    pub async fn watch(self: &Arc<Self>, call: Watched<'_>, signs: &Signs) -> Ended {
        let Watched { session, id, ask, arguments, progress, until, leave } = call;
        let (cost, clock) = (Cost::default(), &self.common.wire.clock);
        let began = clock.now();
        let footing = &session.footing;
        let tool = &self.common.tools[usize::from(ask.tool)];
        let mut made = arguments.unwrap_or_default().to_vec();
        if arguments.is_none() {
            self.make_arguments(session, ask, &mut made);
        }
        let arguments = |out: &mut Vec<u8>| out.extend_from_slice(&made);
        let asked = Ask::ToolsCall { name: &tool.name, arguments: &arguments };
        let extra = Extra { progress: progress.then_some(id), ..Extra::default() };
        let question = question(footing, id, (&asked, None), &extra, (until, &cost));
        let mut trail = self.trail_of(Operation::ToolsCall, Some(&tool.name), &cost);
        trail.note_sent_in(&cost.sent);
        // Whoever drops it leaves it.
        trail.presume(Outcome::Cancelled);
        trail.feel(&signs.pulse);
        if let Some(what) = leave {
            let leave = Some(By { fault: NOBODYS, what });
            trail.suffers(Some(Spell { leave, ..Spell::default() }));
        }
        let mut request = Request::new(
            Operation::ToolsCall,
            Method::POST,
            footing.headers.clone(),
            question.body.into(),
        );
        request.headers.extend(question.about.iter().cloned());
        if footing.is_modern() {
            request.headers.extend(headers(&tool.mirrored, &made));
        }
        let judge = |_: &Head<'_>, result: BareResult| {
            (if result.is_error { Outcome::ToolError } else { Outcome::Ok }, Some(()))
        };
        let mut ear = Ear::new(self, footing, Operation::ToolsCall, Some(id), extra.progress);
        let (mut heard, mut whole) = (None, Vec::new());
        let mut on_event = |reply: &Reply, event: &sse::Event<'_>| {
            if event.name != b"message" {
                return Flow::Continue;
            }
            if heard.is_some() {
                return ear.behind_the_answer(event.data);
            }
            heard = ear.message::<Bare, (), _>(&head_of(reply, footing), event.data, &judge);
            if heard.is_some() {
                return ear.after_the_answer();
            }
            signs.tell(clock.now());
            Flow::Continue
        };
        let came = self.carry(&mut trail, request, until, &mut whole, &mut on_event).await;
        let (answered, status) = (trail.answered_at(), trail.status());
        let outcome = match (came, heard) {
            (Err(outcome), _) => outcome,
            (Ok(_), Some(heard)) => heard.outcome,
            (Ok(reply), None) => {
                let head = head_of(&reply, footing);
                match head.reading() {
                    Reading::Message => ear
                        .message::<Bare, (), _>(&head, &whole, &judge)
                        .map_or(Outcome::CutStream, |heard| heard.outcome),
                    Reading::Events => Outcome::CutStream,
                    Reading::Refusal => {
                        answer::refused(&head, &whole, Some(Id::Number(id))).outcome
                    }
                    Reading::Broken(rule) => Outcome::Violation(rule),
                }
            }
        };
        let answered = answered
            .filter(|_| matches!(outcome, Outcome::Ok | Outcome::ToolError | Outcome::RpcError(_)));
        trail.finish(outcome);
        let sent = cost.sent().unwrap_or(began);
        Ended { outcome, status, sent, answered, done: clock.now() }
    }
}
