//! The service time of a tool call, and the workers it needs: past them calls queue, and there is
//! the knee.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::metrics::{Held, Metrics};
use crate::edge::clock::Clock;
use crate::model::chance::{Key, Purpose};
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
    clock: Clock,
}

/// A worker that is busy; the gauge falls before the next call may take the worker.
struct Busy<'a> {
    _counted: Held<'a>,
    _hand: Option<SemaphorePermit<'a>>,
}

impl Workers {
    /// As many, and as fast, as the knobs say.
    pub fn start(knobs: &Practice) -> Self {
        let instant = matches!(knobs.latency.shape, Shape::Constant(time) if time.is_zero());
        Self {
            hands: (knobs.workers > 0).then(|| Semaphore::new(knobs.workers as usize)),
            latency: (!instant).then_some(knobs.latency),
            seed: knobs.seed,
            calls: AtomicU64::new(0),
            clock: Clock::real(),
        }
    }

    /// What the chances of the next call are keyed by: the calls are counted from 0.
    pub fn key(&self) -> Key {
        Key::of_run(self.seed, self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// Works on a call for its service time and `extra`, once a worker is free.
    pub async fn work(&self, call: Key, extra: Duration, metrics: &Metrics) {
        let _busy = self.take(metrics).await;
        let service = self.latency.map(|latency| latency.draw(&mut call.draw(Purpose::Service)));
        let time = service.unwrap_or_default().saturating_add(extra);
        // A timer, even one that is due, would cost more than the call.
        if !time.is_zero() {
            self.clock.sleep(time).await;
        }
    }

    /// Waits without a worker.
    pub async fn pause(&self, time: Duration) {
        self.clock.sleep(time).await;
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
