//! The signs of life of an answer under way: each piece that came of it, whatever it holds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Pieces of one answer, as somebody outside sees them.
#[derive(Debug, Default)]
pub struct Pulse {
    beats: AtomicU32,
    /// Nanoseconds plus one since the start of the run; 0 before the head came.
    head: AtomicU64,
    last: AtomicU64,
}

impl Pulse {
    /// The head of the answer came.
    pub(super) fn opens(&self, now: Duration) {
        self.head.store(plus_one(now), Ordering::Relaxed);
        self.last.store(plus_one(now), Ordering::Relaxed);
    }

    /// A piece came.
    pub(super) fn beat(&self, now: Duration) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.last.store(plus_one(now), Ordering::Relaxed);
    }

    /// When the head came.
    pub fn opened(&self) -> Option<Duration> {
        read(&self.head)
    }

    /// When the last piece came, or the head.
    pub fn last(&self) -> Option<Duration> {
        read(&self.last)
    }

    /// Pieces that came.
    pub fn beats(&self) -> u32 {
        self.beats.load(Ordering::Relaxed)
    }
}

fn plus_one(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).map_or(u64::MAX, |nanos| nanos.saturating_add(1))
}

fn read(cell: &AtomicU64) -> Option<Duration> {
    cell.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
}
