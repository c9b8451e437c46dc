//! The target's own metrics page: asked from before the load until after it, once a second or less.
//!
//! Whatever the page does, nothing else of the run changes: it is asked one request at a time, by
//! the control plane's client, and what it fails at is only noted.

use std::time::Duration;

use super::beside::{AFTER, Meanwhile};
use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::engine::control::{Page, TOO_LONG};
use crate::model::metrics::Collected;
use crate::model::plan::Plan;
use crate::model::report::failures;
use crate::model::report::metrics::TargetMetrics;
use crate::protocol::exposition;

/// How often the page is asked at most.
const EVERY: Duration = Duration::from_secs(1);
/// A page that takes longer cannot be read.
const PATIENCE: Duration = Duration::from_secs(5);
/// The format we read, and one that is nearly the same.
const ACCEPT: &str = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5";

/// The metrics page, and what it has said so far.
pub(super) struct MetricsPage {
    page: Page,
    seen: Seen,
}

/// What the page has said so far.
#[derive(Default)]
struct Seen {
    collected: Collected,
    told: TargetMetrics,
}

impl MetricsPage {
    pub(super) fn of(plan: &Plan, endpoint: &Endpoint) -> Result<Option<Self>, RunError> {
        let Some(metrics) = &plan.target.metrics else { return Ok(None) };
        let told = TargetMetrics {
            url: metrics.shown.clone(),
            asked_for: metrics.series.clone(),
            ..TargetMetrics::default()
        };
        let seen = Seen { told, ..Seen::default() };
        Ok(Some(Self { page: endpoint.page(&metrics.url, &metrics.shown)?, seen }))
    }

    /// Asks before the load, whose clock does not run yet: what is found stands at 0.
    pub(super) async fn before(&mut self) -> Result<(), RunError> {
        let clock = Clock::of_runtime();
        let body = self.ask(PATIENCE).await;
        self.take(Duration::ZERO, clock.now(), body).await
    }

    /// Asks once a second until the load is over, and once more then, unless a person waits for the
    /// report. A slow page is left alone for as long as it took.
    pub(super) async fn follow(mut self, load: Meanwhile) -> Result<TargetMetrics, RunError> {
        let clock = &load.clock;
        let mut due = EVERY;
        while load.goes_on_until(due).await {
            let began = clock.now();
            let (body, took) = load.ask(self.ask(PATIENCE)).await;
            // One that was given up early has failed at nothing.
            if body.is_some() || took >= AFTER {
                let body = body.unwrap_or_else(|| Err(TOO_LONG.to_owned()));
                self.take(began + took / 2, took, body).await?;
            }
            due = (due + EVERY).max(clock.now() + took.min(10 * EVERY));
        }
        if !load.was_interrupted() {
            let began = clock.now();
            let body = self.ask(AFTER).await;
            let took = clock.now().saturating_sub(began);
            self.take(began + took / 2, took, body).await?;
        }
        let Seen { collected, mut told } = self.seen;
        told.fill(&collected);
        Ok(told)
    }

    async fn ask(&self, patience: Duration) -> Result<Vec<u8>, String> {
        let body = self.page.read(ACCEPT, patience).await;
        body.map_err(|error| error.reason().to_owned())
    }

    /// Takes a page of instant `at`, which may be megabytes, where no call waits for it.
    async fn take(
        &mut self,
        at: Duration,
        took: Duration,
        body: Result<Vec<u8>, String>,
    ) -> Result<(), RunError> {
        let mut seen = std::mem::take(&mut self.seen);
        let read = tokio::task::spawn_blocking(move || {
            seen.take(at, took, &body);
            seen
        });
        self.seen = read.await.map_err(|error| RunError::Ourselves(error.to_string()))?;
        Ok(())
    }
}

impl Seen {
    fn take(&mut self, at: Duration, took: Duration, body: &Result<Vec<u8>, String>) {
        let told = &mut self.told;
        told.asked += 1;
        let page = match body {
            Ok(body) => exposition::read(body).map_err(|error| error.to_string()),
            Err(reason) => Err(reason.clone()),
        };
        match page {
            Ok(page) => {
                told.answered += 1;
                let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                told.slowest_us = told.slowest_us.max(Some(took));
                self.collected.page(at, &page.samples, page.more, &told.asked_for);
            }
            Err(why) => {
                failures::add(&mut told.failures, at, &why);
                self.collected.missing(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_counts_once_whatever_it_is() {
        let mut seen = Seen::default();
        let s = Duration::from_secs;
        let ms = Duration::from_millis;
        seen.take(s(0), ms(3), &Ok(b"a_total 1\n".to_vec()));
        seen.take(s(1), ms(9), &Ok(b"<html>".to_vec()));
        seen.take(s(2), ms(1), &Err("it answers 500, not 200".to_owned()));
        seen.take(s(3), ms(4), &Ok(b"a_total 5\n".to_vec()));
        seen.told.fill(&seen.collected);
        let told = &seen.told;
        assert_eq!((told.asked, told.answered, told.slowest_us), (4, 2, Some(4_000)));
        let failed: Vec<_> = told.failures.iter().map(|failure| failure.count).collect();
        assert_eq!(failed, [1, 1]);
        assert_eq!(told.at_s, [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(told.series[0].values, [Some(1.0), None, None, Some(5.0)]);
    }
}
