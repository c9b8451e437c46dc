//! What is believed of how a target speaks: by one client, or by all behind one broker.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::kept::nanos;
use crate::engine::session::Offers;
use crate::protocol::era::Way;

/// What was found out about how a target speaks, and until when that is believed.
///
/// A load begins without one, although the look before it has found out the same: a fresh client
/// process knows nothing either, so that each user with connections of its own probes; and a
/// broker's one probe is part of what its users wait for, in the report's figures like any other.
/// To carry the look's over would move the cost of the probe out of what is measured, and let the
/// belief expire by a clock that is not the run's.
#[derive(Debug)]
pub struct Belief {
    known: Mutex<Option<Known>>,
    /// Until when the era without sessions is believed in, in nanoseconds since the start; 0 if it
    /// is not. Read on every call, without the lock.
    modern_until: AtomicU64,
    /// For one who finds out at a time, so that a crowd does not ask what one has asked.
    finding_out: Semaphore,
    /// How often nothing was found out.
    failures: AtomicU32,
}

/// What is believed.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) way: Way,
    pub(super) offers: Offers,
    pub(super) server: String,
    pub(super) until: Duration,
}

impl Default for Belief {
    fn default() -> Self {
        let (known, modern_until, failures) =
            (Mutex::default(), AtomicU64::new(0), AtomicU32::new(0));
        Self { known, modern_until, finding_out: Semaphore::new(1), failures }
    }
}

impl Belief {
    /// Whether the era without sessions is believed in.
    pub(super) fn is_modern(&self, now: Duration) -> bool {
        nanos(now) < self.modern_until.load(Ordering::Relaxed)
    }

    /// The way that is believed in.
    pub(super) fn way(&self, now: Duration) -> Option<Way> {
        self.lock().as_ref().filter(|known| now < known.until).map(|known| known.way)
    }

    /// All that is believed.
    pub(super) fn known(&self, now: Duration) -> Option<Known> {
        self.lock().clone().filter(|known| now < known.until)
    }

    /// This was found out.
    pub(super) fn hold(&self, known: Known) {
        let until = if matches!(known.way, Way::Modern(_)) { nanos(known.until) } else { 0 };
        self.put(Some(known), until);
    }

    /// It turned out to be wrong.
    pub(super) fn drop_it(&self) {
        self.put(None, 0);
    }

    /// How often nothing was found out.
    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Nothing was found out.
    pub(super) fn fail(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The turn to find out: one at a time has it.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.finding_out.acquire().await.ok()
    }

    fn put(&self, known: Option<Known>, modern_until: u64) {
        let mut held = self.lock();
        *held = known;
        self.modern_until.store(modern_until, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
