//! One simulated client process: does one call as its profile says.
//!
//! ```text
//! due ─ started ─ admitted ───────────── sent ───────── done
//!        lag       held    preparation:        service
//!                 (cap)    connect, handshake
//! ```

mod handshake;
mod post;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use self::handshake::For;
pub use self::handshake::{Refusal, Scouted};
use self::post::{Cost, Lent, Question};
use super::holder::Holder;
use super::recorder::Gauged;
use super::session::{Session, Slot};
use super::stop::{Phase, Stop};
use super::wire::line::Lines;
use super::wire::{Ending, Wire};
use crate::model::arguments::Maker;
use crate::model::behaviour::Ask;
use crate::model::chance::{Key, Purpose};
use crate::model::event::{Call, Event, Instants, SessionChange};
use crate::model::operation::Operation;
use crate::model::outcome::{Class, Outcome};
use crate::model::profile::{Connections, OnSessionLoss, Profile, SessionWeights};
use crate::protocol::answer;
use crate::protocol::legacy::read::CallResult;
use crate::protocol::legacy::write;
use crate::protocol::message::Id;

/// What all clients of a load share.
#[derive(Debug)]
pub struct Common {
    /// The way to the target.
    pub wire: Wire,
    /// How the clients behave.
    pub profile: Profile,
    /// Who they say they are, as headers; `Host` is among them.
    pub headers: HeaderMap,
    /// What they present.
    pub holder: Holder,
    /// What they may call.
    pub tools: Vec<Tool>,
    /// Seed of every chance.
    pub seed: u64,
    /// Everybody's connections, where the profile shares them.
    pub lines: Arc<Lines>,
}

/// A tool that may be called.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Makes its arguments.
    pub maker: Maker,
}

impl Common {
    /// How many tools may be called.
    pub fn tool_count(&self) -> u16 {
        u16::try_from(self.tools.len()).unwrap_or(u16::MAX)
    }
}

/// What a user does about sessions, drawn once from the profile's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Fresh,
    Unechoed,
    Pooled,
    Echo,
}

impl Policy {
    fn draw(weights: SessionWeights, key: Key) -> Self {
        let all = [weights.fresh, weights.unechoed, weights.pooled, weights.echo];
        let policies = [Self::Fresh, Self::Unechoed, Self::Pooled, Self::Echo];
        policies[key.draw(Purpose::SessionPolicy).weighted(all.into_iter())]
    }

    /// Whether a session is made for one call and then forgotten.
    const fn is_per_call(self) -> bool {
        matches!(self, Self::Fresh | Self::Unechoed)
    }
}

/// One simulated client process, with its connections, its sessions and its cap.
#[derive(Debug)]
pub struct Client {
    /// What it shares with the others.
    pub common: Arc<Common>,
    /// Which user it serves.
    pub user: u32,
    /// Index into the plan's user classes.
    pub class: u8,
    /// What exchanges that end before their time count as.
    pub ending: Ending,
    policy: Policy,
    lines: Arc<Lines>,
    slot: Slot,
    cap: Semaphore,
    run: AtomicU32,
    exchanges: AtomicU32,
    sessions: AtomicU32,
    /// Streams and answers under way beside the calls.
    errands: Mutex<Vec<JoinHandle<()>>>,
}

impl Client {
    /// The client of one user; nothing is sent yet.
    pub fn new(common: Arc<Common>, user: u32) -> Arc<Self> {
        let lines = match common.profile.connections {
            Connections::PerUser => Arc::default(),
            Connections::Shared => Arc::clone(&common.lines),
        };
        let policy = Policy::draw(common.profile.sessions, Key::of_run(common.seed, user.into()));
        let cap = (common.profile.cap as usize).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            user,
            class: 0,
            ending: Ending::default(),
            policy,
            lines,
            slot: Slot::default(),
            cap: Semaphore::new(cap),
            run: AtomicU32::new(0),
            exchanges: AtomicU32::new(0),
            sessions: AtomicU32::new(0),
            errands: Mutex::default(),
            common,
        })
    }

    /// A run begins.
    pub fn begin_run(&self, run: u32) {
        self.ending.clear();
        self.run.store(run, Ordering::Relaxed);
        self.exchanges.store(0, Ordering::Relaxed);
    }

    /// HTTP exchanges since the run began.
    pub fn exchanges_of_run(&self) -> u32 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// A run ended: a session that was the conversation's ends with it.
    pub async fn end_run(self: &Arc<Self>, stop: &Stop) {
        if self.policy == Policy::Echo {
            // Rare and large: in a box, so that a user does not keep room for it all its life.
            Box::pin(self.end_session(stop)).await;
        }
    }

    /// The user leaves.
    pub async fn leave(self: &Arc<Self>, stop: &Stop) {
        Box::pin(self.end_session(stop)).await;
    }

    async fn end_session(self: &Arc<Self>, stop: &Stop) {
        self.end_errands().await;
        let Some(session) = self.slot.take() else { return };
        let cost = Cost::default();
        // The end first: a DELETE sent only to be taken away at once is one of which nobody can
        // say whether the target saw it.
        tokio::select! {
            biased;
            () = stop.reached(Phase::Over) => {}
            () = self.close(&session, &cost) => {}
        }
    }

    /// Ends what goes on beside the calls. An aborted errand tells its exchange when its task is
    /// dropped: the user does not leave before that, or a summary made then would lack it.
    async fn end_errands(&self) {
        let errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner).split_off(0);
        for errand in &errands {
            errand.abort();
        }
        for errand in errands {
            let _aborted = errand.await.is_err();
        }
    }

    /// One tool call that was due at `due`; returns how it ended, and when the client was free again.
    pub async fn call(self: &Arc<Self>, due: Duration, ask: Ask) -> (Class, Duration) {
        let cost = Cost::default();
        let mut trail = CallTrail::begin(self, &cost, due, ask.tool);
        let outcome = match self.admit().await {
            Some(_permit) => {
                let admitted = self.common.wire.clock.now();
                trail.call.instants.admitted = Some(admitted);
                self.perform(&mut trail, ask, admitted + self.common.profile.call_timeout).await
            }
            None => Outcome::NeverSent,
        };
        trail.finish(outcome)
    }

    /// Waits for the client's own cap; `None` when it waited longer than it keeps a call queued.
    async fn admit(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.cap.try_acquire() {
            return Some(permit);
        }
        // The semaphore is never closed, so that an error cannot happen; it would admit nobody.
        match self.common.profile.queue_limit {
            Some(limit) => {
                let clock = &self.common.wire.clock;
                clock.by(clock.now() + limit, self.cap.acquire()).await?.ok()
            }
            None => self.cap.acquire().await.ok(),
        }
    }

    /// Does an admitted call, in a new session once if the server lost the old one.
    async fn perform(
        self: &Arc<Self>,
        trail: &mut CallTrail<'_>,
        ask: Ask,
        deadline: Duration,
    ) -> Outcome {
        let cost = trail.cost;
        let first = match self.session(cost).await {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let outcome = self.call_in(&first, trail, ask, deadline).await;
        if self.policy.is_per_call() {
            trail.stamp(outcome);
            self.close(&first, cost).await;
            return outcome;
        }
        let Outcome::SessionLost(status) = outcome else { return outcome };
        self.lose(&first);
        if self.on_loss(status) == OnSessionLoss::GiveUp {
            return outcome;
        }
        trail.stamped = false;
        let second = match self.session(cost).await {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let outcome = self.call_in(&second, trail, ask, deadline).await;
        if matches!(outcome, Outcome::SessionLost(_)) {
            self.lose(&second);
        }
        outcome
    }

    fn lose(&self, session: &Arc<Session>) {
        if self.slot.forget(session) {
            session.life.end(SessionChange::Lost);
        }
    }

    /// Sends the call itself and reads its answer.
    async fn call_in(
        self: &Arc<Self>,
        session: &Session,
        trail: &mut CallTrail<'_>,
        ask: Ask,
        deadline: Duration,
    ) -> Outcome {
        let Some(tool) = self.common.tools.get(usize::from(ask.tool)) else {
            return Outcome::NeverSent;
        };
        let id = session.next_id();
        let mut body = Vec::with_capacity(256);
        let arguments = |out: &mut Vec<u8>| tool.maker.make(ask.variation, out);
        write::tools_call(&mut body, Id::Number(id), &tool.name, arguments);
        let question = Question {
            operation: Operation::ToolsCall,
            headers: &session.headers,
            session: session.named,
            id: Some(id),
            body,
            deadline,
            cost: trail.cost,
        };
        let answered = self
            .ask::<Called, u32, _>(question, |head, result: CallResult<'_>| {
                let chars = u32::try_from(result.content.text_chars).unwrap_or(u32::MAX);
                (answer::call(head, &result), Some(chars))
            })
            .await;
        trail.call.result_chars = answered.value.unwrap_or_default();
        let cap = self.common.profile.result_cap;
        trail.call.over_cap = cap.is_some_and(|cap| trail.call.result_chars > cap);
        if let Some(at) = answered.at {
            trail.stamp_at(at, answered.outcome);
        }
        answered.outcome
    }

    /// Does something beside the calls, until the session ends.
    fn beside(&self, errand: impl Future<Output = ()> + Send + 'static) {
        let errand = tokio::spawn(errand);
        let mut errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner);
        errands.retain(|errand| !errand.is_finished());
        errands.push(errand);
    }

    fn on_loss(&self, status: u16) -> OnSessionLoss {
        let profile = &self.common.profile;
        if status == 404 { profile.on_session_404 } else { profile.on_session_400 }
    }

    /// The session for one call, as the user's policy has it.
    async fn session(self: &Arc<Self>, cost: &Cost) -> Result<Arc<Session>, Outcome> {
        if self.policy.is_per_call() {
            let session = Box::pin(self.handshake(For::OneCall, cost)).await;
            return session.map(Arc::new).map_err(|refusal| refusal.outcome);
        }
        // A handshake is rare and large: in a box, so that calls do not carry its room with them.
        let made = || Box::pin(self.handshake(For::Keeping, cost));
        self.slot.get(made).await.map_err(|refusal| refusal.outcome)
    }
}

struct Called;
impl Lent for Called {
    type Of<'a> = CallResult<'a>;
}

/// The record of one call. Dropped unfinished, it tells what its run's ending says.
struct CallTrail<'a> {
    client: &'a Client,
    cost: &'a Cost,
    call: Call,
    stamped: bool,
    _in_flight: Gauged<'a>,
}

impl<'a> CallTrail<'a> {
    fn begin(client: &'a Client, cost: &'a Cost, due: Duration, tool: u16) -> Self {
        let started = client.common.wire.clock.now();
        let instants = Instants { due, started, admitted: None, sent: None, done: started };
        let call = Call {
            user: client.user,
            run: client.run.load(Ordering::Relaxed),
            class: client.class,
            operation: Operation::ToolsCall,
            tool: Some(tool),
            instants,
            outcome: Outcome::Unfinished,
            exchanges: 0,
            result_chars: 0,
            over_cap: false,
        };
        let in_flight = Gauged::new(&client.common.wire.recorder.gauges.in_flight);
        Self { client, cost, call, stamped: false, _in_flight: in_flight }
    }

    /// The call was done at `done`, whatever is still to be tidied up.
    fn stamp_at(&mut self, done: Duration, outcome: Outcome) {
        if !self.stamped {
            self.call.instants.done = done;
            self.call.outcome = outcome;
            self.stamped = true;
        }
    }

    /// The call is done now.
    fn stamp(&mut self, outcome: Outcome) {
        self.stamp_at(self.client.common.wire.clock.now(), outcome);
    }

    /// Ends the record; says how the call ended, and when the client was free again: after a
    /// stream's end or a DELETE that is nobody's lag.
    fn finish(mut self, outcome: Outcome) -> (Class, Duration) {
        let now = self.client.common.wire.clock.now();
        self.stamp_at(now, outcome);
        (outcome.class(), now)
    }
}

impl Drop for CallTrail<'_> {
    fn drop(&mut self) {
        if !self.stamped {
            self.stamp(self.client.ending.outcome());
        }
        self.call.instants.sent = self.cost.sent();
        self.call.exchanges = self.cost.exchanges();
        self.client.common.wire.recorder.tell(self.client.user, Event::Call(self.call));
    }
}

#[cfg(test)]
mod tests;
