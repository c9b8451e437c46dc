//! What a client does under the weather of its load: which spell its exchanges are under, calls
//! that are cancelled together or made again, requests delivered twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Client;
use super::cost::Cost;
use super::legacy::FOR_EVER;
use super::post::head_of;
use super::resume::{Get, Got};
use super::trail::CallTrail;
use crate::engine::session::Footing;
use crate::engine::weather::{Again, By, Spell, Tag, Weather};
use crate::engine::wire::{Flow, Reply, Request, Trail};
use crate::model::behaviour::Ask as Turn;
use crate::model::operation::Operation;
use crate::model::outcome::{Class, Outcome};
use crate::protocol::answer::{self, Reading};
use crate::protocol::message::Id;
use crate::protocol::sse;

/// What a client has begun so far: by these numbers chance decides whom a fault befalls.
#[derive(Debug, Default)]
pub(super) struct Begun {
    exchanges: AtomicU32,
    calls: AtomicU32,
}

impl Client {
    /// The record of an exchange that begins now, under whatever befalls it.
    pub(super) fn trail(&self, operation: Operation, tool: Option<&str>) -> Trail<'_> {
        let mut trail = Trail::begin(&self.common.wire, &self.ending, self.user, operation);
        if let Some(weather) = &self.common.weather {
            let number = self.begun.exchanges.fetch_add(1, Ordering::Relaxed);
            let tag = Tag { user: self.user, number, operation, tool };
            trail.suffers(weather.over_exchange(&tag));
        }
        if let Some(reads) = self.reads.get() {
            reads.befall(&mut trail);
        }
        trail
    }

    /// The same of one that counts as part of what `cost` is of.
    pub(super) fn trail_of<'a>(
        &'a self,
        operation: Operation,
        tool: Option<&str>,
        cost: &'a Cost,
    ) -> Trail<'a> {
        let mut trail = self.trail(operation, tool);
        trail.count_in(&cost.exchanges, &self.exchanges);
        trail.note_faults_in(&cost.touched);
        trail.touched(cost.made_by());
        trail
    }

    /// Does an admitted call under the weather: it may be cancelled, or made again.
    pub(super) async fn perform_under(
        self: &Arc<Self>,
        weather: &dyn Weather,
        trail: &mut CallTrail<'_>,
        ask: Turn,
        mut deadline: Duration,
    ) -> Outcome {
        let patience = self.common.profile.call_timeout;
        let clock = &self.common.wire.clock;
        let number = self.begun.calls.fetch_add(1, Ordering::Relaxed);
        let tool = self.common.tools.get(usize::from(ask.tool)).map(|tool| tool.name.as_str());
        let tag = Tag { user: self.user, number, operation: Operation::ToolsCall, tool };
        let mut made = 0;
        loop {
            let cancels = weather.cancels(&tag);
            let outcome = self.perform_unless(cancels, trail, ask, deadline).await;
            let class = outcome.class();
            if !class.is_error() && class != Class::Throttled {
                return outcome;
            }
            let Some(By { fault, what }) = weather.retries(&tag) else { return outcome };
            let Again { times, pause } = what;
            if made == times {
                return outcome;
            }
            made += 1;
            clock.sleep(pause).await;
            trail.cost.makes_more(fault);
            trail.stamped = false;
            deadline = clock.now() + patience;
        }
    }

    /// Does an admitted call, unless it is cancelled first.
    async fn perform_unless(
        self: &Arc<Self>,
        cancels: Option<By<Duration>>,
        trail: &mut CallTrail<'_>,
        ask: Turn,
        deadline: Duration,
    ) -> Outcome {
        let Some(By { fault, what: at }) = cancels else {
            return self.perform(trail, ask, deadline).await;
        };
        let mut performing = Box::pin(self.perform(trail, ask, deadline));
        tokio::select! {
            biased;
            outcome = &mut performing => return outcome,
            () = self.common.wire.clock.sleep_until(at) => {}
        }
        // What is dropped now was cancelled: its exchange, and the answer that is not awaited.
        self.ending.cancelled(fault);
        drop(performing);
        self.ending.clear();
        trail.cost.meets(fault);
        Outcome::Cancelled
    }

    /// Opens a stream beside everything else, hears nothing of it, and closes it again.
    pub(super) fn open_idle(self: &Arc<Self>, idle: By<Duration>, footing: &Footing) {
        let (client, footing) = (Arc::clone(self), footing.clone());
        self.errands.begin(async move {
            let (clock, cost) = (&client.common.wire.clock, Cost::default());
            cost.makes_more(idle.fault);
            let deadline = clock.now() + FOR_EVER;
            // A stream that the client ends was a good one.
            let (behind, opened, presumed) = (None, None, Some(Outcome::Ok));
            let footing = &footing;
            let get = Get { footing, behind, deadline, cost: &cost, opened, presumed };
            let mut on_event = |_: &Reply, _: &sse::Event<'_>| Flow::Continue;
            let by = clock.now() + idle.what;
            let Some(Got { came, trail }) = clock.by(by, client.get(get, &mut on_event)).await
            else {
                return;
            };
            trail.finish(match came {
                // A server need not offer it, nor more than one.
                Ok(_) | Err(Outcome::Status(405 | 409)) => Outcome::Ok,
                Err(outcome) => outcome,
            });
        });
    }

    /// Delivers a POST once more, beside everything else, on a connection of its own. Whatever it is
    /// answered with is read, and nobody's.
    pub(super) fn deliver_again(
        self: &Arc<Self>,
        (fault, operation, id): (By<()>, Operation, Option<u64>),
        request: Request,
        footing: &Footing,
        deadline: Duration,
    ) {
        let (client, footing) = (Arc::clone(self), footing.clone());
        self.errands.say(async move {
            let cost = Cost::default();
            let mut trail =
                Trail::begin(&client.common.wire, &client.ending, client.user, operation);
            trail.touched(fault.touched());
            let alone = Some(By { fault: fault.fault, what: None });
            trail.suffers(Some(Spell { alone, ..Spell::default() }));
            trail.count_in(&cost.exchanges, &client.exchanges);
            let mut body = Vec::new();
            let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
                if event.name == b"message" && answer::is_answer(event.data) {
                    Flow::Answered
                } else {
                    Flow::Continue
                }
            };
            let came = client.carry(&mut trail, request, deadline, &mut body, &mut on_event).await;
            trail.finish(came.map_or_else(
                |outcome| outcome,
                |reply| {
                    let head = head_of(&reply, &footing);
                    match head.reading() {
                        Reading::Refusal => {
                            answer::refused(&head, &body, id.map(Id::Number)).outcome
                        }
                        Reading::Events if !reply.answered && id.is_some() => Outcome::CutStream,
                        // What is wrong with an answer that nobody asked for is not judged.
                        _ => Outcome::Ok,
                    }
                },
            ));
        });
    }
}
