//! Scripts of checks: several clients of one run do to the target what no storm does. What came of
//! each trial is told; a judge says later what that means.

mod aborts;
mod affinity;
mod cancels;
mod isolation;
mod parallel;
mod seats;
mod sessions;
mod silences;
mod slow_consumer;
mod starvation;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::client::{Client, Tail};
use super::session::Session;
use crate::model::behaviour::{Ask, Trials};
use crate::model::chance::{Key, Purpose};
use crate::model::event::{Event, Refused};
use crate::model::operation::Operation;
use crate::model::trial::{Tried, What};

/// Ids that scripts give begin here: what clients count themselves stays below.
const IDS_FROM: u64 = 1_000_000;

/// Plays a script to its end.
pub(super) async fn play(trials: &Trials, stand: &Stand<'_>) {
    match trials {
        Trials::Sessions(knobs) => sessions::play(knobs, stand).await,
        Trials::Aborts(knobs) => Box::pin(aborts::play(knobs, stand)).await,
        Trials::Cancels(knobs) => cancels::play(knobs, stand).await,
        Trials::Silences(knobs) => silences::play(knobs, stand).await,
        Trials::Isolation(knobs) => isolation::play(knobs, stand).await,
        Trials::Affinity(knobs) => affinity::play(knobs, stand).await,
        Trials::Starvation(knobs) => starvation::play(knobs, stand).await,
        Trials::Parallel(knobs) => parallel::play(knobs, stand).await,
        Trials::SlowConsumer(knobs) => slow_consumer::play(knobs, stand).await,
    }
}

/// Who tries: a run's client, and others that it brings.
pub(super) struct Stand<'a> {
    first: &'a Arc<Client>,
    key: Key,
    asked: AtomicU32,
    tried: AtomicU32,
    served: AtomicU32,
}

impl<'a> Stand<'a> {
    pub(super) fn new(first: &'a Arc<Client>, key: Key) -> Self {
        let zero = || AtomicU32::new(0);
        Self { first, key, asked: zero(), tried: zero(), served: zero() }
    }

    /// How many trials there were, and how many of them were answered well.
    pub(super) fn counted(&self) -> (u32, u32) {
        (self.tried.load(Ordering::Relaxed), self.served.load(Ordering::Relaxed))
    }

    /// A client with connections of its own: of the run's own user, or of another, leaving from
    /// where the user of the number `place` would.
    fn client(&self, user: u32, place: u32) -> Arc<Client> {
        let common = Arc::clone(&self.first.common);
        let number = |by: u32| self.first.user.saturating_add(by);
        Client::from_place(common, number(user), number(place))
    }

    /// A client of the run's own user with connections that nobody else ever has, leaving from where
    /// the user of the number `place` would.
    fn fresh(&self, place: u32) -> Arc<Client> {
        let (common, user) = (Arc::clone(&self.first.common), self.first.user);
        Client::apart(common, user, user.saturating_add(place))
    }

    /// What is called next: each call asks something else.
    fn ask(&self) -> Ask {
        self.ask_of(0)
    }

    /// The same of this tool.
    fn ask_of(&self, tool: u16) -> Ask {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        let variation = self.key.at_turn(turn).draw(Purpose::Variation).bits();
        Ask { tool, variation }
    }

    /// The name of a tool.
    fn tool_name(&self, tool: u16) -> Option<&str> {
        self.first.common.tools.get(usize::from(tool)).map(|tool| tool.name.as_str())
    }

    /// A JSON-RPC id that no other request of the run has, whatever the profile's clients send.
    fn id(&self) -> u64 {
        IDS_FROM + u64::from(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    /// The same of one tool after the other.
    fn ask_any(&self, number: u32) -> Ask {
        let tools = u32::from(self.first.common.tool_count()).max(1);
        Ask { tool: u16::try_from(number % tools).unwrap_or_default(), ..self.ask() }
    }

    /// Tells what came of a trial, and whether it was answered well.
    fn tell(&self, client: &Client, what: What, tail: Tail) -> bool {
        let Tail { outcome, status, sent, done } = tail;
        let tried = Tried { what, user: client.user, sent, done, outcome, status };
        let is_served = tried.is_served();
        self.tried.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(u32::from(is_served), Ordering::Relaxed);
        client.common.wire.recorder.tell(client.user, Event::Tried(Box::new(tried)));
        is_served
    }

    /// Tells that something could not be tried, and why.
    fn untried(&self, operation: Operation, said: String, what_to_do: &'static str) {
        let (user, at) = (self.first.user, self.first.common.wire.clock.now());
        let refused = Refused { user, at, operation, said, what_to_do };
        self.first.common.wire.recorder.tell(user, Event::Untried(Box::new(refused)));
    }
}

/// A session that was opened for a trial, by whom.
struct Opened {
    client: Arc<Client>,
    session: Arc<Session>,
}
