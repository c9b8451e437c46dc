//! Time: the run's clock and its precise sleeps.
//!
//! The runtime's own timer is a millisecond late by design. A run's sleeps are woken by one thread
//! that sleeps on a condition variable until the next deadline, which is tens of microseconds late.
//! Under tokio's paused time the same calls go through tokio's timer, so that tests own the clock.
#![expect(clippy::disallowed_methods, reason = "this file is where time comes from")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use futures_util::task::AtomicWaker;

/// The clock of one run. Every instant is an offset from its start. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real { start: Instant, timer: Arc<Timer> },
    Runtime { start: tokio::time::Instant },
}

impl Clock {
    /// A clock that starts now, with a timer thread of its own. The thread ends with the last clone.
    pub fn real() -> Self {
        Self(Source::Real { start: Instant::now(), timer: Timer::start() })
    }

    /// A clock on the runtime's time, which tests can pause. It starts now.
    pub fn of_runtime() -> Self {
        Self(Source::Runtime { start: tokio::time::Instant::now() })
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::Real { start, .. } => start.elapsed(),
            Source::Runtime { start } => start.elapsed(),
        }
    }

    /// Completes at `due`, at once if that has passed.
    pub fn sleep_until(&self, due: Duration) -> Sleep {
        match &self.0 {
            Source::Real { start, timer } => {
                Sleep::Precise(Precise { due: *start + due, timer: Arc::clone(timer), alarm: None })
            }
            Source::Runtime { start } => {
                Sleep::Runtime(Box::pin(tokio::time::sleep_until(*start + due)))
            }
        }
    }

    /// Completes after `pause`.
    pub fn sleep(&self, pause: Duration) -> Sleep {
        self.sleep_until(self.now() + pause)
    }

    /// Completes with the future, or with `None` at `due`. Not precise: late by up to 2 ms.
    pub async fn by<F: Future>(&self, due: Duration, future: F) -> Option<F::Output> {
        let left = due.saturating_sub(self.now());
        tokio::time::timeout(left, future).await.ok()
    }
}

/// The wall clock, for headers and file names; never for measuring.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Calls `beat` every `period` on a thread of its own, until it returns `false`.
pub fn every(
    period: Duration,
    mut beat: impl FnMut() -> bool + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut next = Instant::now();
        while beat() {
            next += period;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    })
}

/// A sleep on the run's clock.
#[derive(Debug)]
#[must_use = "a sleep does nothing unless awaited"]
pub enum Sleep {
    #[doc(hidden)]
    Precise(Precise),
    #[doc(hidden)]
    Runtime(Pin<Box<tokio::time::Sleep>>),
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::Precise(precise) => precise.poll(context),
            Self::Runtime(sleep) => sleep.as_mut().poll(context),
        }
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Precise {
    due: Instant,
    timer: Arc<Timer>,
    alarm: Option<Arc<Alarm>>,
}

impl Precise {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(alarm) = &self.alarm {
            alarm.waker.register(context.waker());
            return if alarm.rung.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            };
        }
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        let alarm = Arc::new(Alarm { waker: AtomicWaker::new(), rung: AtomicBool::new(false) });
        alarm.waker.register(context.waker());
        self.timer.set(self.due, Arc::downgrade(&alarm));
        self.alarm = Some(alarm);
        Poll::Pending
    }
}

#[derive(Debug)]
struct Alarm {
    waker: AtomicWaker,
    rung: AtomicBool,
}

impl Alarm {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// Lets the kernel wake this thread on time; by default it may be 50 us late to save power.
fn precise_wakeups() {
    // Refused on some systems; then wake-ups are merely 50 us later, which lag shows.
    let _refused = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).is_err();
}

/// The thread that wakes sleepers, and what it is to wake.
#[derive(Debug)]
struct Timer {
    alarms: Mutex<Alarms>,
    earlier: Condvar,
}

#[derive(Debug, Default)]
struct Alarms {
    /// A dropped sleep leaves its entry here until it is due: 32 bytes, no waker.
    heap: BinaryHeap<Reverse<Entry>>,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    alarm: Weak<Alarm>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl Timer {
    fn start() -> Arc<Self> {
        let inner = Arc::new(Self { alarms: Mutex::default(), earlier: Condvar::new() });
        let thread = Arc::downgrade(&inner);
        std::thread::spawn(move || {
            precise_wakeups();
            let mut due = Vec::new();
            while let Some(timer) = thread.upgrade() {
                timer.await_next(&mut due);
                for alarm in due.drain(..) {
                    alarm.ring();
                }
            }
        });
        inner
    }

    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, due: Instant, alarm: Weak<Alarm>) {
        let mut alarms = self.alarms();
        let is_next = alarms.heap.peek().is_none_or(|Reverse(next)| due < next.due);
        alarms.heap.push(Reverse(Entry { due, alarm }));
        drop(alarms);
        if is_next {
            self.earlier.notify_one();
        }
    }

    /// Waits for the next deadline, or a second, and takes out what is due. It is rung without the
    /// lock: to wake a task is a system call now and then, and nobody who goes to sleep, perhaps
    /// while this thread is kept from the processor, is to wait for that.
    fn await_next(&self, due: &mut Vec<Arc<Alarm>>) {
        let mut alarms = self.alarms();
        let now = Instant::now();
        let wait = alarms
            .heap
            .peek()
            .map_or(Duration::from_secs(1), |Reverse(next)| next.due.saturating_duration_since(now))
            .min(Duration::from_secs(1));
        if !wait.is_zero() {
            let waited = self.earlier.wait_timeout(alarms, wait);
            alarms = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let now = Instant::now();
        while alarms.heap.peek().is_some_and(|Reverse(next)| next.due <= now) {
            let Some(Reverse(entry)) = alarms.heap.pop() else { break };
            due.extend(entry.alarm.upgrade());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeps_end_in_the_order_of_their_deadlines() {
        let clock = Clock::real();
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleepers = [30_u64, 10, 20].map(|millis| {
            let (clock, order) = (clock.clone(), Arc::clone(&order));
            tokio::spawn(async move {
                clock.sleep_until(Duration::from_millis(millis)).await;
                assert!(clock.now() >= Duration::from_millis(millis), "woken early");
                order.lock().unwrap().push(millis);
            })
        });
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [10, 20, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_clock_obeys_paused_time() {
        let clock = Clock::of_runtime();
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), Duration::from_secs(3600));
        assert_eq!(clock.by(clock.now(), std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn a_sleep_in_the_past_is_over() {
        Clock::real().sleep_until(Duration::ZERO).await;
    }
}
