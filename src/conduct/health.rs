//! The target's health page: asked before, during and after the load.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::engine::control::Control;
use crate::engine::stop::{Phase, Stop};
use crate::model::plan::Plan;

/// The health page, asked before, during and after.
pub(super) struct HealthPage {
    control: Control,
    url: String,
    expected: u16,
}

impl HealthPage {
    pub(super) fn of(plan: &Plan, endpoint: &Endpoint) -> Result<Option<Self>, RunError> {
        let Some(health) = &plan.target.health else { return Ok(None) };
        let url = endpoint.page(&health.url);
        Ok(Some(Self { control: Control::new(&endpoint.route)?, url, expected: health.status }))
    }

    pub(super) async fn must_be_well(&self) -> Result<(), RunError> {
        let found = self.control.status(&self.url).await?;
        if found == self.expected {
            return Ok(());
        }
        Err(RunError::Unhealthy { url: self.url.clone(), found, expected: self.expected })
    }

    async fn is_well(&self) -> bool {
        self.control.status(&self.url).await.is_ok_and(|found| found == self.expected)
    }

    /// Asks every five seconds until the run is over; says how often it asked, and was well.
    pub(super) async fn follow(self, clock: Clock, stop: Stop) -> serde_json::Value {
        let (mut asked, mut well) = (0_u32, 0_u32);
        loop {
            tokio::select! {
                () = clock.sleep(Duration::from_secs(5)) => {}
                () = stop.reached(Phase::Over) => break,
            }
            asked += 1;
            well += u32::from(self.is_well().await);
        }
        let during = serde_json::json!({ "asked": asked, "well": well });
        serde_json::json!({ "before": true, "during": during, "after": self.is_well().await })
    }
}
