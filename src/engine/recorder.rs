//! Where events go: sharded buffers on the hot path, one fold behind them.
//!
//! A user's task pushes an event into its shard under a lock that is held for a copy. One thread
//! empties the shards ten times a second and hands every event to the observers in turn: the
//! summary, the live line, later the judge. So a call pays for a copy, never for histograms, and
//! observers need no locks. Events of one shard keep their order.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::event::Event;

/// Shards: more than cores, so that two users rarely meet.
const SHARDS: usize = 16;

/// Told every event, in turn, on one thread.
pub trait Observer: Send {
    /// One event.
    fn observe(&mut self, event: &Event);
}

/// The engine's side: takes events.
#[derive(Debug, Default)]
pub struct Recorder {
    shards: [Shard; SHARDS],
    /// What is going on now, for samples and the live line.
    pub gauges: Gauges,
}

/// Counts of what is going on now.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Calls due and not ended.
    pub in_flight: AtomicU32,
    /// HTTP exchanges begun and not ended.
    pub exchanging: AtomicU32,
    /// Users present.
    pub users: AtomicU32,
    /// Sessions opened and neither closed nor forgotten.
    pub sessions: AtomicU32,
    /// HTTP exchanges sent so far.
    pub exchanges: AtomicU64,
    /// Bytes that large answers under way hold in memory.
    pub held: AtomicU64,
}

/// On cache lines of its own, or neighbours would slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<Event>>);

impl Recorder {
    /// Takes one event; `user` chooses the shard.
    pub fn tell(&self, user: u32, event: Event) {
        let shard = &self.shards[user as usize % SHARDS];
        shard.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Hands everything told so far to the observers, shard by shard.
    pub fn drain(&self, spare: &mut Vec<Event>, observers: &mut [&mut dyn Observer]) {
        for shard in &self.shards {
            std::mem::swap(&mut *shard.0.lock().unwrap_or_else(PoisonError::into_inner), spare);
            for event in &*spare {
                for observer in &mut *observers {
                    observer.observe(event);
                }
            }
            spare.clear();
        }
    }
}

/// Counts one up for as long as it lives.
#[derive(Debug)]
pub struct Gauged<'a>(&'a AtomicU32);

impl<'a> Gauged<'a> {
    /// One more.
    pub fn new(gauge: &'a AtomicU32) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Gauged<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Counter(Vec<u64>);
    impl Observer for Counter {
        fn observe(&mut self, event: &Event) {
            let Event::Dropped { due } = event else { panic!("never told: {event:?}") };
            self.0.push(due.as_secs());
        }
    }

    #[test]
    fn nothing_is_lost_or_told_twice_between_threads() {
        let recorder = Recorder::default();
        let (mut first, mut spare) = (Counter(Vec::new()), Vec::new());
        std::thread::scope(|scope| {
            for user in 0..4_u32 {
                let recorder = &recorder;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let due = Duration::from_secs(u64::from(user) * 1_000 + number);
                        recorder.tell(user, Event::Dropped { due });
                    }
                });
            }
            for _ in 0..50 {
                recorder.drain(&mut spare, &mut [&mut first]);
            }
        });
        recorder.drain(&mut spare, &mut [&mut first]);
        first.0.sort_unstable();
        assert_eq!(first.0, (0..4_000).collect::<Vec<_>>());
    }
}
