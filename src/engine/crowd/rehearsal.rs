//! A stage that only counts, for the tests of both crowds.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::Stage;
use crate::edge::clock::Clock;
use crate::engine::stop::{Phase, Stopper};

/// Counts what a crowd does. A turn lasts `turn`.
#[derive(Default)]
pub(crate) struct Rehearsal {
    pub(crate) clock: Option<Clock>,
    pub(crate) turn: Duration,
    /// The last turn of so many panics.
    pub(crate) panic_every: Option<u32>,
    /// Nobody can enter without a panic.
    pub(crate) closed_door: bool,
    /// Ends the load when this many turns have begun.
    pub(crate) call_off: Option<(u32, Stopper)>,
    pub(crate) seen: Seen,
}

/// What happened on a stage.
#[derive(Default)]
pub(crate) struct Seen {
    entered: AtomicU32,
    left: AtomicU32,
    turns: AtomicU32,
    dropped: AtomicU32,
    most: AtomicU32,
    numbers: Mutex<Vec<u32>>,
    dues: Mutex<Vec<Duration>>,
    panics: Mutex<Vec<String>>,
}

impl Rehearsal {
    /// A rehearsal on the runtime's time, begun now, whose turns last `turn`.
    pub(crate) fn of(turn: Duration) -> Self {
        Self { turn, clock: Some(Clock::of_runtime()), ..Self::default() }
    }

    pub(crate) fn entered(&self) -> u32 {
        self.seen.entered.load(Ordering::SeqCst)
    }

    pub(crate) fn left(&self) -> u32 {
        self.seen.left.load(Ordering::SeqCst)
    }

    pub(crate) fn turns(&self) -> u32 {
        self.seen.turns.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> u32 {
        self.seen.dropped.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> u32 {
        self.seen.most.load(Ordering::SeqCst)
    }

    /// Numbers of the users that entered, in order of their size.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut numbers = lock(&self.seen.numbers).clone();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn dues(&self) -> Vec<Duration> {
        lock(&self.seen.dues).clone()
    }

    pub(crate) fn panics(&self) -> Vec<String> {
        lock(&self.seen.panics).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}

impl Stage for Rehearsal {
    type User = u32;

    fn enter(&self, number: u32) -> u32 {
        assert!(!self.closed_door, "closed door");
        let here = self.seen.entered.fetch_add(1, Ordering::SeqCst) + 1 - self.left();
        self.seen.most.fetch_max(here, Ordering::SeqCst);
        lock(&self.seen.numbers).push(number);
        number
    }

    async fn turn(&self, _user: &mut u32, due: Duration) {
        let turn = self.seen.turns.fetch_add(1, Ordering::SeqCst);
        lock(&self.seen.dues).push(due);
        if let Some((_, end)) = self.call_off.as_ref().filter(|(at, _)| *at == turn + 1) {
            end.advance(Phase::Draining);
        }
        if let Some(clock) = &self.clock {
            clock.sleep(self.turn).await;
        }
        let panics = self.panic_every.is_some_and(|every| (turn + 1).is_multiple_of(every));
        assert!(!panics, "turn {turn}");
    }

    async fn leave(&self, _user: u32) {
        self.seen.left.fetch_add(1, Ordering::SeqCst);
    }

    fn dropped(&self, _due: Duration) {
        self.seen.dropped.fetch_add(1, Ordering::SeqCst);
    }

    fn panicked(&self, message: &str) {
        lock(&self.seen.panics).push(message.to_owned());
    }
}
