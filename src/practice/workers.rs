//! The service time of a tool call, and the workers it needs: past them calls queue, and there is
//! the knee.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::metrics::{Held, Metrics};
use crate::edge::alarm::Alarm;
use crate::model::chance::Chance;
use crate::model::distribution::{Distribution, Shape};
use crate::model::plan::Practice;

/// Those who work on tool calls.
#[derive(Debug)]
pub struct Workers {
    /// `None`: as many as there are calls.
    hands: Option<Semaphore>,
    latency: Option<Distribution>,
    seed: u64,
    calls: AtomicU64,
    alarm: Alarm,
}

/// A worker that is busy; the gauge falls before the next call may take the worker.
struct Busy<'a> {
    _counted: Held<'a>,
    _hand: Option<SemaphorePermit<'a>>,
}

impl Workers {
    /// As many, and as fast, as the knobs say; an error is the system refusing a thread.
    pub fn start(knobs: &Practice) -> io::Result<Self> {
        let instant = matches!(knobs.latency.shape, Shape::Constant(time) if time.is_zero());
        Ok(Self {
            hands: (knobs.workers > 0).then(|| Semaphore::new(knobs.workers as usize)),
            latency: (!instant).then_some(knobs.latency),
            seed: knobs.seed,
            calls: AtomicU64::new(0),
            alarm: Alarm::start()?,
        })
    }

    /// The number of the next call, from 0: what its chances are keyed by.
    pub fn number(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Works on call `number` for its service time and `extra`, once a worker is free.
    pub async fn work(&self, number: u64, extra: Duration, metrics: &Metrics) {
        let _busy = self.take(metrics).await;
        let drawn = self.latency.map_or(Duration::ZERO, |latency| {
            latency.draw(&mut Chance::seeded(key(self.seed, number)))
        });
        self.alarm.wait(drawn.saturating_add(extra)).await;
    }

    /// Waits without a worker.
    pub async fn pause(&self, time: Duration) {
        self.alarm.wait(time).await;
    }

    async fn take<'a>(&'a self, metrics: &'a Metrics) -> Busy<'a> {
        let hand = match &self.hands {
            Some(hands) => queue(hands, metrics).await,
            None => None,
        };
        Busy { _counted: metrics.workers_busy.hold(), _hand: hand }
    }
}

/// Takes a worker in turn. The workers are never dismissed; were they, calls would not queue.
async fn queue<'a>(hands: &'a Semaphore, metrics: &Metrics) -> Option<SemaphorePermit<'a>> {
    if let Ok(hand) = hands.try_acquire() {
        return Some(hand);
    }
    let _queued = metrics.queue.hold();
    hands.acquire().await.ok()
}

/// One seed a call: neighbouring calls must not draw alike, so the number is spread over all bits
/// (by the golden ratio, as in `SplitMix64`).
pub fn key(seed: u64, number: u64) -> u64 {
    seed ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
