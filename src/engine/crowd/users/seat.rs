//! Where one of goose's users keeps ours: enters, takes its turns, leaves.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use goose::goose::{GooseUser, TransactionError, TransactionResult};

use crate::edge::clock::Clock;
use crate::engine::crowd::{Stage, guarded};
use crate::engine::stop::{Phase, Stop};

/// How long a user that may not run waits before goose is asked again whether it may go.
const PAUSE: Duration = Duration::from_millis(20);

/// What goose's users share.
pub(super) struct Crowd<S> {
    stage: Arc<S>,
    clock: Clock,
    stop: Stop,
    entered: AtomicU32,
    /// Runs are counted on the dashboard, which costs.
    shown: bool,
    ended: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

/// What goose keeps for each of its users.
type Seat<U> = Arc<Mutex<Sitter<U>>>;

struct Sitter<U> {
    user: Option<U>,
    /// When its last run ended, which is when the next one is due.
    free_since: Option<Duration>,
}

// Not derived: nobody needs a default user for there to be none.
impl<U> Default for Sitter<U> {
    fn default() -> Self {
        Self { user: None, free_since: None }
    }
}

impl<S: Stage> Crowd<S> {
    pub(super) fn new(stage: Arc<S>, clock: Clock, stop: Stop, shown: bool) -> Self {
        let (entered, ended) = (AtomicU32::new(0), OnceLock::new());
        Self { stage, clock, stop, entered, shown, ended }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether no run may start any more.
    pub(super) fn draining(&self) -> bool {
        self.stop.phase() >= Phase::Draining
    }

    /// One run of this goose user's user, who enters where there is none.
    pub(super) async fn turn(&self, goose: &mut GooseUser) -> TransactionResult {
        // A run that never waits would otherwise keep this thread to itself.
        tokio::task::consume_budget().await;
        if self.draining() {
            self.leave(goose).await;
            self.clock.sleep(PAUSE).await;
            return Ok(());
        }
        let (due, ended_well) = self.run(goose).await;
        if ended_well {
            return self.show(goose, due, None).await;
        }
        self.leave(goose).await;
        self.clock.sleep(PAUSE).await;
        self.show(goose, due, Some("panicked")).await
    }

    /// One run; when it was due, and whether it ended without a panic.
    async fn run(&self, goose: &mut GooseUser) -> (Duration, bool) {
        let seat = self.seat(goose);
        let Sitter { user, free_since } = std::mem::take(&mut *lock(&seat));
        let due = free_since.unwrap_or_else(|| self.clock.now());
        let user = match user {
            Some(user) => Some(user),
            None => guarded(&*self.stage, async { self.enter() }).await,
        };
        let Some(mut user) = user else { return (due, false) };
        let ran = guarded(&*self.stage, self.stage.turn(&mut user, due)).await;
        *lock(&seat) = Sitter { user: Some(user), free_since: Some(self.clock.now()) };
        (due, ran.is_some())
    }

    fn enter(&self) -> S::User {
        self.stage.enter(self.entered.fetch_add(1, Ordering::Relaxed))
    }

    /// This goose user's user leaves, if it has one.
    pub(super) async fn leave(&self, goose: &mut GooseUser) {
        let sitter = std::mem::take(&mut *lock(&self.seat(goose)));
        if let Some(user) = sitter.user {
            guarded(&*self.stage, self.stage.leave(user)).await;
        }
    }

    fn seat(&self, goose: &mut GooseUser) -> Seat<S::User> {
        if let Some(seat) = goose.get_session_data::<Seat<S::User>>() {
            return Arc::clone(seat);
        }
        if let Some(throttle) = goose.throttle.clone() {
            self.ended.get_or_init(|| Box::new(move || throttle.is_disconnected()));
        }
        let seat = Seat::<S::User>::default();
        goose.set_session_data(Arc::clone(&seat));
        seat
    }

    /// Whether goose has told every user to go. It then waits for their runs without a word, but
    /// closes its throttle first, which each user holds an end of.
    pub(super) fn load_ended(&self) -> bool {
        self.ended.get().is_some_and(|ended| ended())
    }

    /// Counts a run that began at `due` on the dashboard.
    async fn show(
        &self,
        goose: &mut GooseUser,
        due: Duration,
        error: Option<&str>,
    ) -> TransactionResult {
        if self.shown {
            let took = self.clock.now().saturating_sub(due);
            let counted = goose.record_custom_request_duration(
                "RUN",
                "runs",
                took,
                error.is_none(),
                None,
                error,
            );
            counted.await?;
        }
        error.map_or(Ok(()), |error| Err(Box::new(TransactionError::from(error))))
    }
}

/// A panic elsewhere leaves nothing half done behind this lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
