//! Waiting, exactly: one OS thread keeps every deadline, because a runtime's own timer rounds up
//! to its next millisecond and a service time of 300 us would be tripled by it.
#![expect(clippy::disallowed_methods, reason = "edge touches clock and threads")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Wakes its waiters at their deadlines; its thread ends when the alarm is dropped.
#[derive(Debug)]
pub struct Alarm {
    board: Arc<Board>,
}

#[derive(Debug, Default)]
struct Board {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    deadlines: BinaryHeap<Reverse<Deadline>>,
    over: bool,
}

#[derive(Debug)]
struct Deadline {
    at: Instant,
    wake: oneshot::Sender<()>,
}

impl Alarm {
    /// Starts the thread; an error is the system refusing one.
    pub fn start() -> io::Result<Self> {
        let board = Arc::new(Board::default());
        let kept = Arc::clone(&board);
        thread::Builder::new().name("alarm".into()).spawn(move || kept.keep())?;
        Ok(Self { board })
    }

    /// Completes `time` after it was first polled; at once, without a timer, when `time` is zero.
    pub async fn wait(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let Some(at) = Instant::now().checked_add(time) else {
            return std::future::pending().await;
        };
        // A dropped sender means the alarm is over: then waiting has no point either.
        let _ = self.board.add(at).await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.board.lock().over = true;
        self.board.changed.notify_one();
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, at: Instant) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.lock();
        // The thread sleeps until the earliest deadline, so only an earlier one concerns it.
        let earliest = waiting.deadlines.peek().is_none_or(|Reverse(first)| at < first.at);
        waiting.deadlines.push(Reverse(Deadline { at, wake }));
        drop(waiting);
        if earliest {
            self.changed.notify_one();
        }
        woken
    }

    fn keep(&self) {
        let mut due = Vec::new();
        let mut waiting = self.lock();
        while !waiting.over {
            let now = Instant::now();
            waiting.take_due(now, &mut due);
            if !due.is_empty() {
                drop(waiting);
                for deadline in due.drain(..) {
                    // A waiter that was dropped has no receiver any more.
                    let _ = deadline.wake.send(());
                }
                waiting = self.lock();
                continue;
            }
            waiting = match waiting.deadlines.peek() {
                Some(Reverse(first)) => {
                    let rest = first.at.saturating_duration_since(now);
                    let woken = self.changed.wait_timeout(waiting, rest);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Waiting {
    fn take_due(&mut self, now: Instant, due: &mut Vec<Deadline>) {
        while self.deadlines.peek().is_some_and(|Reverse(first)| first.at <= now) {
            due.extend(self.deadlines.pop().map(|Reverse(first)| first));
        }
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadline {}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_waiter_wakes_whatever_the_order_of_their_deadlines() {
        let alarm = Alarm::start().unwrap();
        let micros = [9_000, 100, 0, 5_000, 5_000, 1];
        let waits = micros.map(|micros| alarm.wait(Duration::from_micros(micros)));
        futures_util::future::join_all(waits).await;
        assert!(alarm.board.lock().deadlines.is_empty());
    }

    #[tokio::test]
    async fn never_early() {
        let alarm = Alarm::start().unwrap();
        for time in [1, 300, 2_500].map(Duration::from_micros) {
            let before = Instant::now();
            alarm.wait(time).await;
            assert!(before.elapsed() >= time);
        }
    }
}
