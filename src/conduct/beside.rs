//! How what is asked beside the load ends with it: soon, and at once when a person has stopped it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::edge::clock::Clock;
use crate::engine::stop::{Phase, Stop};

/// How long a page may take once the load is over.
pub(super) const AFTER: Duration = Duration::from_secs(2);

/// The load that goes on meanwhile.
#[derive(Clone)]
pub(super) struct Meanwhile {
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    /// Set when it is a person who ends it.
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Meanwhile {
    /// Waits until `due`; false when the load is over by then.
    pub(super) async fn goes_on_until(&self, due: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.reached(Phase::Over) => false,
            () = self.clock.sleep_until(due) => true,
        }
    }

    /// What a page answers, and how long that took. `None` is no answer: the load was over, and
    /// the page was given up two seconds later, or at once if a person waits for the report.
    pub(super) async fn ask<F: Future>(&self, page: F) -> (Option<F::Output>, Duration) {
        let began = self.clock.now();
        let given_up = async {
            self.stop.reached(Phase::Over).await;
            if !self.was_interrupted() {
                self.clock.sleep(AFTER).await;
            }
        };
        let answer = tokio::select! {
            biased;
            answer = page => Some(answer),
            () = given_up => None,
        };
        (answer, self.clock.now().saturating_sub(began))
    }

    /// Whether a person ended the load: then nothing more is asked.
    pub(super) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::engine::stop::stop;

    #[tokio::test(start_paused = true)]
    async fn a_page_without_end_ends_with_the_load() {
        for (interrupted, took) in [(false, 7), (true, 5)] {
            let (stopper, stop) = stop();
            let clock = Clock::of_runtime();
            let interrupted = Arc::new(AtomicBool::new(interrupted));
            let meanwhile = Meanwhile { clock: clock.clone(), stop, interrupted };
            assert!(meanwhile.goes_on_until(Duration::ZERO).await);
            let ending = async {
                clock.sleep_until(Duration::from_secs(5)).await;
                stopper.advance(Phase::Over);
            };
            let (asked, ()) = tokio::join!(meanwhile.ask(pending::<()>()), ending);
            assert_eq!(asked, (None, Duration::from_secs(took)));
            assert!(!meanwhile.goes_on_until(Duration::from_secs(60)).await);
            assert_eq!(clock.now(), Duration::from_secs(took));
        }
    }
}
