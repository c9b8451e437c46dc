//! How a run ends: first no new runs, then no more waiting.

use tokio::sync::watch;

/// Where a run is on its way to the end. Phases only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Runs may start.
    Running,
    /// No run starts; those that run may finish.
    Draining,
    /// What still runs is cut.
    Over,
}

/// The side that ends a run. Clones end the same run.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<Phase>);

/// The side that is told. Clones are told the same.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Phase>);

/// A new pair in phase `Running`.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Phase::Running);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Goes to `phase`, unless the run is already further.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let forward = phase > *now;
            if forward {
                *now = phase;
            }
            forward
        });
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// The side that is told what this side decides.
    pub fn told(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Completes once `phase` is reached, or the stopper is gone.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.0.clone();
        let _reached_or_gone = receiver.wait_for(|now| *now >= phase).await.is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phases_only_go_forward() {
        let (stopper, stop) = stop();
        stopper.advance(Phase::Over);
        stopper.advance(Phase::Draining);
        assert_eq!(stop.phase(), Phase::Over);
        stop.reached(Phase::Draining).await;
    }
}
