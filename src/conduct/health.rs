//! The target's health page: asked before, during and after the load.

use std::time::Duration;

use super::beside::{self, Meanwhile};
use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::engine::control::{ControlError, Page, TOO_LONG};
use crate::model::plan::Plan;
use crate::model::report::health::{Answer, Health};

/// How often it is asked during the load.
const EVERY: Duration = Duration::from_secs(3);
/// A page that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked after the load until it is well, a second apart.
const AFTER: u64 = 3;
/// It is not asked again when it has taken that long then.
const LONG_AFTER: Duration = Duration::from_secs(5);

/// The health page, asked before, during and after.
pub(super) struct HealthPage {
    page: Page,
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
        let shown = health.shown.clone();
        let page = endpoint.page(&health.url, &shown)?;
        Ok(Some(Self { page, shown, expected: health.status }))
    }

    /// Asks before the load: there is none unless the target is well.
    pub(super) async fn must_be_well(self) -> Result<Followed, RunError> {
        // The clock of the load does not run yet: this one only says how long the answer took.
        let clock = Clock::of_runtime();
        let found = self.page.status(PATIENCE).await;
        let found = found.map_err(|error| error.about(&self.shown))?;
        let before = self.answer(Duration::ZERO, clock.now(), Some(found));
        if !before.well {
            return Err(RunError::Unhealthy { url: self.shown, found, expected: self.expected });
        }
        let health = Health::begun(self.shown.clone(), self.expected, before);
        Ok(Followed { page: self, health })
    }

    fn answer(&self, at: Duration, took: Duration, status: Option<u16>) -> Answer {
        Answer::of(at, took, status, self.expected)
    }
}

impl Followed {
    /// Asks every three seconds until the load is over, and then whether the target is well again,
    /// unless a person waits for the report.
    pub(super) async fn follow(mut self, load: Meanwhile) -> Health {
        while load.goes_on_until(load.clock.now() + EVERY).await {
            let at = load.clock.now();
            let (found, took) = load.ask(self.page.page.status(PATIENCE)).await;
            // One that was given up early has failed at nothing.
            if found.is_some() || took >= beside::AFTER {
                self.during(at, took, found);
            }
        }
        if !load.was_interrupted() {
            self.after(&load.clock).await;
        }
        self.health
    }

    /// Takes an answer during the load; `None` is a page that was given up.
    fn during(&mut self, at: Duration, took: Duration, found: Option<Result<u16, ControlError>>) {
        let expected = self.page.expected;
        let (status, why) = match found {
            Some(Ok(status)) if status == expected => (Some(status), None),
            Some(Ok(status)) => {
                (Some(status), Some(format!("it answers {status}, not {expected}")))
            }
            Some(Err(error)) => (None, Some(error.reason().to_owned())),
            None => (None, Some(TOO_LONG.to_owned())),
        };
        self.health.add(self.page.answer(at, took, status), why.as_deref());
    }

    async fn after(&mut self, clock: &Clock) {
        let until = clock.now() + LONG_AFTER;
        for number in 1..=AFTER {
            let at = clock.now();
            let found = self.page.page.status(beside::AFTER).await.ok();
            let answer = self.page.answer(at, clock.now().saturating_sub(at), found);
            self.health.after = Some(answer);
            self.health.asked_after = number;
            if answer.well || number == AFTER || clock.now() > until {
                break;
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
    }
}
