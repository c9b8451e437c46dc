//! The target's own metrics page: asked from before the load until after it, once a second or less,
//! for what is drawn and for how many calls were carried out twice.
//!
//! Whatever the page does, nothing else of the run changes: it is asked one request at a time, by
//! the control plane's client, and what it fails at is only noted.

use std::time::Duration;

use super::beside::{AFTER, Meanwhile};
use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::engine::control::{Page, TOO_LONG};
use crate::model::fault::windows;
use crate::model::metrics::Collected;
use crate::model::metrics::growth::Growth;
use crate::model::plan::{Plan, Sessions, TargetUrl, Way};
use crate::model::report::Report;
use crate::model::report::failures;
use crate::model::report::metrics::TargetMetrics;
use crate::practice::metrics::DUPLICATES;
use crate::protocol::exposition;

/// How often the page is asked at most.
const EVERY: Duration = Duration::from_secs(1);
/// A page that takes longer cannot be read.
const PATIENCE: Duration = Duration::from_secs(5);
/// The format we read, and one that is nearly the same.
const ACCEPT: &str = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5";

/// Where the practice target's page is.
const PRACTICE: &str = "/metrics";

/// The metrics page, and what it has said so far.
pub(super) struct MetricsPage {
    page: Page,
    seen: Seen,
    /// The scenario asks for it, and not only squall.
    is_shown: bool,
}

/// What the page has said so far.
#[derive(Default)]
struct Seen {
    collected: Collected,
    told: TargetMetrics,
    duplicates: Option<Growth>,
}

/// What a page said over a whole run.
#[derive(Default)]
pub(super) struct Heard {
    /// What is drawn, if the scenario asks for that.
    pub(super) metrics: Option<TargetMetrics>,
    /// Calls that were carried out twice in each window of a fault, as far as that is known.
    pub(super) duplicates: Vec<Option<u64>>,
    /// What a reader of the report has to know besides.
    pub(super) note: Option<String>,
}

impl MetricsPage {
    /// The page of a target that is spoken to in this way, if anything is to be read there.
    pub(super) fn of(plan: &Plan, endpoint: &Endpoint, way: Way) -> Result<Option<Self>, RunError> {
        let asked = plan.target.metrics.as_ref();
        let counter = counter(plan, way);
        let (url, shown) = match (asked, &counter) {
            (Some(asked), _) => (asked.url.as_str(), asked.shown.as_str()),
            (None, Some(_)) => (PRACTICE, PRACTICE),
            (None, None) => return Ok(None),
        };
        let told = TargetMetrics {
            url: shown.to_owned(),
            asked_for: asked.map(|asked| asked.series.clone()).unwrap_or_default(),
            ..TargetMetrics::default()
        };
        let windows = windows(&plan.faults, plan.load.pace.length() + plan.load.drain);
        let duplicates = counter.map(|counter| Growth::of(counter, &windows));
        let seen = Seen { told, duplicates, ..Seen::default() };
        Ok(Some(Self { page: endpoint.page(url, shown)?, seen, is_shown: asked.is_some() }))
    }

    /// Asks before the load, whose clock does not run yet: what is found stands at 0.
    pub(super) async fn before(&mut self) -> Result<(), RunError> {
        let clock = Clock::of_runtime();
        let body = self.ask(PATIENCE).await;
        self.take(Duration::ZERO, clock.now(), body).await
    }

    /// Asks once a second until the load is over, and once more then, unless a person waits for the
    /// report. A slow page is left alone for as long as it took.
    pub(super) async fn follow(mut self, load: Meanwhile) -> Result<Heard, RunError> {
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
        let mut is_last_after_load = false;
        if !load.was_interrupted() {
            let began = clock.now();
            let body = self.ask(AFTER).await;
            let (took, before) = (clock.now().saturating_sub(began), self.seen.told.answered);
            self.take(began + took / 2, took, body).await?;
            is_last_after_load = self.seen.told.answered > before;
        }
        Ok(self.heard(is_last_after_load))
    }

    fn heard(self, is_last_after_load: bool) -> Heard {
        let Seen { collected, mut told, duplicates } = self.seen;
        told.fill(&collected);
        let unseen = duplicates.as_ref().filter(|counter| !counter.was_seen());
        let note = unseen.map(|counter| {
            format!(
                "no page of metrics had {}: calls carried out twice are unknown",
                counter.name()
            )
        });
        let duplicates = duplicates.map(|counter| counter.end(is_last_after_load));
        let metrics = self.is_shown.then_some(told);
        Heard { metrics, duplicates: duplicates.unwrap_or_default(), note }
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

/// Tells in a report how many calls were carried out twice in each window of it.
pub(super) fn tell_duplicates(duplicates: Vec<Option<u64>>, report: &mut Report) {
    for (damage, duplicates) in report.faults.iter_mut().zip(duplicates) {
        damage.duplicates = duplicates;
    }
}

/// The counter of calls that were carried out twice, where it is known and any fault is. The practice
/// target knows a call again by its session.
fn counter(plan: &Plan, way: Way) -> Option<String> {
    let named = plan.target.metrics.as_ref().and_then(|metrics| metrics.duplicates.clone());
    let has_sessions = way == Way::Legacy && plan.practice.sessions == Sessions::Stateful;
    let is_practice = matches!(plan.target.url, TargetUrl::Practice) && has_sessions;
    let counter = named.or_else(|| is_practice.then(|| DUPLICATES.to_owned()));
    counter.filter(|_| !plan.faults.is_empty())
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
                if let Some(counter) = &mut self.duplicates {
                    counter.page(at, &page.samples);
                }
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
