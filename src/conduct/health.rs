//! The target's health page: asked before, during and after the load.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::engine::control::{Control, ControlError};
use crate::engine::stop::{Phase, Stop};
use crate::model::plan::Plan;
use crate::model::report::health::{Answer, Health};

/// How often it is asked during the load.
const EVERY: Duration = Duration::from_secs(3);
/// How often it is asked after the load until it is well, a second apart.
const AFTER: u64 = 3;
/// A page that takes longer is not asked again then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The health page, asked before, during and after.
pub(super) struct HealthPage {
    control: Control,
    url: String,
    shown: String,
    expected: u16,
}

/// A health page that was well before the load.
pub(super) struct Followed {
    page: HealthPage,
    health: Health,
}

impl HealthPage {
    pub(super) fn of(plan: &Plan, endpoint: &Endpoint) -> Result<Option<Self>, RunError> {
        let Some(health) = &plan.target.health else { return Ok(None) };
        let (url, shown) = (endpoint.page(&health.url), health.shown.clone());
        let control = Control::new(&endpoint.route)?;
        Ok(Some(Self { control, url, shown, expected: health.status }))
    }

    /// Asks before the load: there is none unless the target is well.
    pub(super) async fn must_be_well(self) -> Result<Followed, RunError> {
        // The clock of the load does not run yet: this one only says how long the answer took.
        let clock = Clock::of_runtime();
        let (answer, found) = self.ask(&clock).await;
        let found = found.map_err(|error| error.about(&self.shown))?;
        if !answer.well {
            return Err(RunError::Unhealthy { url: self.shown, found, expected: self.expected });
        }
        let before = Answer { at_s: 0.0, ..answer };
        let health = Health::begun(self.shown.clone(), self.expected, before);
        Ok(Followed { page: self, health })
    }

    async fn ask(&self, clock: &Clock) -> (Answer, Result<u16, ControlError>) {
        let at = clock.now();
        let found = self.control.status(&self.url).await;
        let took = clock.now().saturating_sub(at);
        (Answer::of(at, took, found.as_ref().ok().copied(), self.expected), found)
    }
}

impl Followed {
    /// Asks every three seconds until the run is over, and then whether the target is well again.
    pub(super) async fn follow(mut self, clock: Clock, stop: Stop) -> Health {
        loop {
            tokio::select! {
                () = clock.sleep(EVERY) => {}
                () = stop.reached(Phase::Over) => break,
            }
            let (answer, found) = self.page.ask(&clock).await;
            let why = match found {
                _ if answer.well => None,
                Ok(status) => Some(format!("it answers {status}, not {}", self.page.expected)),
                Err(error) => Some(error.reason().to_owned()),
            };
            self.health.add(answer, why.as_deref());
        }
        let until = clock.now() + PATIENCE;
        for number in 1..=AFTER {
            (self.health.after, _) = self.page.ask(&clock).await;
            self.health.asked_after = number;
            if self.health.after.well || number == AFTER || clock.now() > until {
                break;
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
        self.health
    }
}
