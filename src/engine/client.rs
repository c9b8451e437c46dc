//! One simulated client process: does one call as its profile says.
//!
//! ```text
//! due ─ started ─ admitted ───────────── sent ───────── done
//!        lag       held    preparation:        service
//!                 (cap)    connect, handshake
//! ```

mod belief;
mod carry;
mod checks;
mod connect;
mod cost;
mod errands;
mod farewell;
mod felt;
mod hear;
mod holding;
mod kept;
mod legacy;
mod lists;
mod mail;
mod mischief;
mod modern;
mod post;
mod print;
mod put;
mod resume;
mod sitting;
mod standing;
mod tasks;
mod tool;
mod trail;
mod trials;
mod two_ends;
mod watched;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use self::belief::Belief;
use self::connect::For;
pub use self::connect::{Refusal, Scouted};
use self::cost::Cost;
use self::errands::Errands;
pub use self::felt::{Cheap, Reads};
pub use self::holding::Stood;
use self::kept::Kept;
use self::mischief::Begun;
pub use self::sitting::{Attempt, Called, Came, Listing, Sitting};
use self::tool::Learnt;
pub use self::tool::Tool;
use self::trail::CallTrail;
pub use self::trials::{Answer, Tail};
pub use self::watched::{Ended, Signs, Watched};
use super::holder::{Holder, Wallet};
use super::session::{Session, Slot};
use super::stop::{Phase, Stop};
use super::weather::Weather;
use super::wire::line::Lines;
use super::wire::{Ending, Wire};
use crate::model::behaviour::Ask as Turn;
use crate::model::chance::{Key, Purpose};
use crate::model::event::SessionChange;
use crate::model::outcome::{Class, Outcome};
use crate::model::profile::{Connections, OnSessionLoss, Profile, SessionWeights};
use crate::protocol::era::Wish;
use crate::protocol::serve::Declared;

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
    pub wallet: Wallet,
    /// What they may call.
    pub tools: Vec<Tool>,
    /// Seed of every chance.
    pub seed: u64,
    /// Everybody's connections, where the profile shares them.
    pub lines: Vec<Arc<Lines>>,
    /// What the profile's capabilities say that it answers.
    pub declared: Declared,
    /// Whether they say that it polls tasks.
    pub polls_tasks: bool,
    /// Which eras and transports may be tried.
    pub wish: Wish,
    /// What is known of the target's era, where the profile shares that.
    pub belief: Belief,
    /// Until when lists hold that everybody may keep, in nanoseconds since the start.
    pub listed_until: AtomicU64,
    /// What befalls their exchanges and calls, where a fault of the scenario acts at their end.
    pub weather: Option<Arc<dyn Weather>>,
}

impl Common {
    /// How many tools may be called.
    pub fn tool_count(&self) -> u16 {
        u16::try_from(self.tools.len()).unwrap_or(u16::MAX)
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// How it ended.
    pub outcome: Outcome,
    /// When its first byte left, if one did.
    pub sent: Option<Duration>,
    /// When the client was free again.
    pub done: Duration,
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
    holder: Holder,
    policy: Policy,
    lines: Arc<Lines>,
    slot: Slot,
    own_belief: Belief,
    kept: Kept,
    learnt: Learnt,
    cap: Semaphore,
    /// For answers to what the server asks.
    hands: Arc<Semaphore>,
    run: AtomicU32,
    exchanges: AtomicU32,
    sessions: AtomicU32,
    errands: Errands,
    begun: Begun,
    /// How it reads, where a check has it read slowly.
    reads: OnceLock<Box<Reads>>,
}

impl Client {
    /// The client of one user; nothing is sent yet.
    pub fn new(common: Arc<Common>, user: u32) -> Arc<Self> {
        Self::from_place(common, user, user)
    }

    /// The same, leaving from where the user of the number `place` would.
    pub fn from_place(common: Arc<Common>, user: u32, place: u32) -> Arc<Self> {
        let lines = match common.profile.connections {
            Connections::PerUser => Arc::new(Lines::leaving(common.wire.sources.of(place, 0))),
            Connections::Shared => Arc::clone(&common.lines[common.wire.sources.turn(place, 0)]),
        };
        Self::on(common, user, lines)
    }

    /// The same on these connections.
    fn on(common: Arc<Common>, user: u32, lines: Arc<Lines>) -> Arc<Self> {
        let policy = Policy::draw(common.profile.sessions, Key::of_run(common.seed, user.into()));
        let cap = (common.profile.cap as usize).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            user,
            class: 0,
            ending: Ending::default(),
            holder: common.wallet.holder(user),
            policy,
            lines,
            slot: Slot::default(),
            own_belief: Belief::default(),
            kept: Kept::default(),
            learnt: Learnt::default(),
            cap: Semaphore::new(cap),
            hands: Arc::new(Semaphore::new(hear::HANDS)),
            run: AtomicU32::new(0),
            exchanges: AtomicU32::new(0),
            sessions: AtomicU32::new(0),
            errands: Errands::default(),
            begun: Begun::default(),
            reads: OnceLock::new(),
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
        self.errands.end(stop.reached(Phase::Over)).await;
        self.holder.leave().await;
        Box::pin(self.end_session(stop)).await;
    }

    async fn end_session(self: &Arc<Self>, stop: &Stop) {
        self.errands.end(stop.reached(Phase::Over)).await;
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

    /// One tool call that was due at `due`; returns how it ended, and when the client was free again.
    pub async fn call(self: &Arc<Self>, due: Duration, ask: Turn) -> (Class, Duration) {
        let made = self.make(due, ask).await;
        (made.outcome.class(), made.done)
    }

    /// The same, with all that came of it.
    pub(super) async fn make(self: &Arc<Self>, due: Duration, ask: Turn) -> Made {
        let cost = Cost::default();
        let mut trail = CallTrail::begin(self, &cost, due, ask.tool);
        let outcome = match self.admit().await {
            Some(_permit) => {
                let admitted = self.common.wire.clock.now();
                trail.call.instants.admitted = Some(admitted);
                let deadline = admitted + self.common.profile.call_timeout;
                match &self.common.weather {
                    None => self.perform(&mut trail, ask, deadline).await,
                    Some(weather) => {
                        let weather = &**weather;
                        Box::pin(self.perform_under(weather, &mut trail, ask, deadline)).await
                    }
                }
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
        ask: Turn,
        deadline: Duration,
    ) -> Outcome {
        let cost = trail.cost;
        let first = match self.session(cost).await {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let (outcome, is_doubted) = self.call_in(&first, trail, ask, deadline).await;
        if self.policy.is_per_call() && !first.footing.is_modern() {
            trail.stamp(outcome);
            self.close(&first, cost).await;
            return outcome;
        }
        if !self.is_worth_another(&first, outcome, is_doubted) {
            return outcome;
        }
        trail.stamped = false;
        let second = match self.session(cost).await {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let (outcome, _) = self.call_in(&second, trail, ask, deadline).await;
        if matches!(outcome, Outcome::SessionLost(_)) {
            self.lose(&second);
        }
        outcome
    }

    /// Forgets what turned out to be gone; whether the call is made once more after that.
    fn is_worth_another(&self, session: &Arc<Session>, outcome: Outcome, is_doubted: bool) -> bool {
        if is_doubted {
            self.belief().drop_it();
            self.forget_lists();
            self.lose(session);
            return true;
        }
        let Outcome::SessionLost(status) = outcome else { return false };
        self.lose(session);
        self.on_loss(status) == OnSessionLoss::Reinitialise
    }

    fn lose(&self, session: &Arc<Session>) {
        if self.slot.forget(session) {
            // Its stream, too: the session after it opens one of its own.
            if let Some(stream) = session.stream.get() {
                stream.abort();
            }
            session.end(SessionChange::Lost);
        }
    }

    fn on_loss(&self, status: u16) -> OnSessionLoss {
        let profile = &self.common.profile;
        if status == 404 { profile.on_session_404 } else { profile.on_session_400 }
    }

    /// The session for one call, as the user's policy has it. The modern era has nothing to
    /// throw away: what a connect brought is kept.
    async fn session(self: &Arc<Self>, cost: &Cost) -> Result<Arc<Session>, Outcome> {
        if let Some(session) = self.slot.peek() {
            if !session.is_gone() && !self.is_outdated(&session) {
                if session.footing.is_modern() {
                    self.refresh_lists(&session, cost).await;
                } else {
                    self.relist(&session, cost).await;
                }
                return Ok(session);
            }
            self.lose(&session);
        }
        // A handshake is rare and large: in a box, so that calls do not carry its room with them.
        if self.policy.is_per_call() && !self.believes_modern() {
            let session = Box::pin(self.handshake(For::OneCall, cost)).await;
            let session = session.map(Arc::new).map_err(|refusal| refusal.outcome)?;
            if session.footing.is_modern() {
                self.slot.put(&session);
            }
            return Ok(session);
        }
        let made = || Box::pin(self.handshake(For::Keeping, cost));
        self.slot.get(made).await.map_err(|refusal| refusal.outcome)
    }

    /// Whether a session is known to have no handshake to throw away.
    fn believes_modern(&self) -> bool {
        self.belief().is_modern(self.common.wire.clock.now())
    }

    /// Whether what a modern session stands on has to be found out anew.
    fn is_outdated(&self, session: &Session) -> bool {
        session.footing.is_modern() && !self.believes_modern()
    }
}

#[cfg(test)]
mod tests;
