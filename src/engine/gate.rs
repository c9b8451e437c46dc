//! The ceiling of HTTP exchanges a second that a target off loopback is never asked beyond.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::edge::clock::Clock;

/// Lets exchanges through one interval apart, in the order they come.
#[derive(Debug)]
pub struct Gate {
    interval_nanos: u64,
    /// When the next exchange may go, in nanoseconds since the run's start.
    next: AtomicU64,
    held: AtomicU64,
}

impl Gate {
    /// A gate of so many exchanges a second; a rate of zero or less lets one through in an hour.
    pub fn new(per_second: f64) -> Self {
        let interval = 1.0 / per_second.max(1.0 / 3600.0);
        let interval_nanos = (interval * 1e9) as u64;
        Self { interval_nanos, next: AtomicU64::new(0), held: AtomicU64::new(0) }
    }

    /// Waits for a place of one's own.
    pub async fn pass(&self, clock: &Clock) {
        let now = clock.now().as_nanos() as u64;
        let mut place = self.next.load(Ordering::Relaxed);
        loop {
            let mine = place.max(now);
            let after = mine + self.interval_nanos;
            let taken =
                self.next.compare_exchange_weak(place, after, Ordering::Relaxed, Ordering::Relaxed);
            match taken {
                Ok(_) => return self.wait(mine, now, clock).await,
                Err(moved) => place = moved,
            }
        }
    }

    /// Exchanges that had to wait: then the load was not the one asked for.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    async fn wait(&self, place: u64, now: u64, clock: &Clock) {
        if place > now {
            self.held.fetch_add(1, Ordering::Relaxed);
            clock.sleep_until(Duration::from_nanos(place)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_ceiling() {
        let clock = Clock::of_runtime();
        let gate = Gate::new(10.0);
        let mut passed = Vec::new();
        for _ in 0..5 {
            gate.pass(&clock).await;
            passed.push(clock.now().as_millis());
        }
        assert_eq!(passed, [0, 100, 200, 300, 400]);
        assert_eq!(gate.held(), 4);
        clock.sleep(Duration::from_secs(5)).await;
        gate.pass(&clock).await;
        assert_eq!((clock.now().as_millis(), gate.held()), (5_400, 4), "rest is not saved up");
    }
}
