//! How long what a modern client has listed holds: longer than a connect, as the era has no
//! sessions (MCP 2026-07-28, server/utilities/caching).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Lists are asked for so often in a run if they fail; else once: they are read when a turn begins.
const MOST_IF_FAILED: u32 = 2;

/// Until when one client's lists hold.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// In nanoseconds since the start; 0 if they do not hold. Read on every call.
    until: AtomicU64,
    /// The server has said that they changed, since they were last asked for.
    have_changed: AtomicBool,
    asked: Mutex<Asked>,
}

/// How often they were asked for.
#[derive(Debug, Default)]
struct Asked {
    /// The run in which they were last asked for, if they were.
    run: Option<u32>,
    /// How often in it.
    times: u32,
    /// The last time one of them did not come.
    has_failed: bool,
}

impl Kept {
    /// Whether they hold.
    pub(super) fn hold(&self, now: Duration) -> bool {
        nanos(now) < self.until.load(Ordering::Relaxed)
    }

    /// All of them came, or are known from others, and hold until then.
    pub(super) fn keep(&self, until: Duration) {
        self.until.store(nanos(until), Ordering::Relaxed);
        self.asked().has_failed = false;
    }

    /// One of them did not come.
    pub(super) fn fail(&self) {
        self.forget();
        self.asked().has_failed = true;
    }

    /// They are not what they were.
    pub(super) fn forget(&self) {
        self.until.store(0, Ordering::Relaxed);
    }

    /// The server says that they are not what they were: they are worth asking for again, whatever
    /// was asked in this run.
    pub(super) fn change(&self) {
        self.forget();
        self.asked().run = None;
        self.have_changed.store(true, Ordering::Relaxed);
    }

    /// Whether the server has said so since the last time this was asked.
    pub(super) fn take_change(&self) -> bool {
        self.have_changed.load(Ordering::Relaxed)
            && self.have_changed.swap(false, Ordering::Relaxed)
    }

    /// Asks for them in a run; false if they were asked for often enough in it.
    pub(super) fn ask(&self, run: u32) -> bool {
        let mut asked = self.asked();
        if asked.run.replace(run) != Some(run) {
            asked.times = 0;
        }
        let most = if asked.has_failed { MOST_IF_FAILED } else { 1 };
        let is_due = asked.times < most;
        asked.times += u32::from(is_due);
        is_due
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An instant as nanoseconds, for a cell that is read on every call.
pub(super) fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX - 1)
}
