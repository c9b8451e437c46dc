//! What the steps of a saved run's timeline owe the whole.

use super::{Held, same};
use crate::model::histogram::band;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::figures::Counts;
use crate::model::report::timeline::{Moment, Point};

/// Holds the timeline against the figures of the whole run.
pub(super) fn check(report: &Report) -> Held {
    let width = report.timeline.first().map_or(0, |point| point.width_s);
    if width == 0 || width > 1_000_000 {
        return Err("the timeline is empty, or its steps have no width".to_owned());
    }
    for (number, point) in report.timeline.iter().enumerate() {
        if point.width_s != width || point.at_s != width * number as u64 {
            return Err(format!("timeline[{number}] does not follow the step before it"));
        }
    }
    let calls = report.summary.calls;
    let total = |count: fn(&Point) -> u32| {
        report.timeline.iter().map(|point| u64::from(count(point))).sum::<u64>()
    };
    same("the sum of the timeline's due", total(|point| point.due), "summary.calls", calls)?;
    same("the sum of the timeline's done", total(|point| point.done), "summary.calls", calls)?;
    let runs = report.summary.runs;
    same(
        "the sum of the timeline's runs_due",
        total(|point| point.runs_due),
        "summary.runs",
        runs,
    )?;
    same(
        "the sum of the timeline's runs_ended",
        total(|point| point.runs_ended),
        "summary.runs",
        runs,
    )?;
    let (dropped, sent) = (report.summary.dropped, report.summary.http_exchanges);
    let name = "the sum of the timeline's dropped";
    same(name, total(|point| point.dropped), "summary.dropped", dropped)?;
    let name = "the sum of the timeline's exchanges";
    same(name, total(|point| point.exchanges), "summary.http_exchanges", sent)?;
    exchanges(report)?;
    let mut ended = Counts::new();
    for moment in
        report.timeline.iter().filter_map(|point| point.operations.get(Operation::ToolsCall.name()))
    {
        bands(moment)?;
        for (class, count) in &moment.outcomes {
            *ended.entry(class.clone()).or_default() += u64::from(*count);
        }
    }
    for (class, count) in &report.summary.outcomes {
        let found = ended.get(class).copied().unwrap_or(0);
        same(&format!("{class} over the timeline"), found, "summary.outcomes say", *count)?;
    }
    Ok(())
}

/// That every exchange lies in a step. Of tool calls the calls do, and streams are in none.
fn exchanges(report: &Report) -> Held {
    let absent = [Operation::ToolsCall, Operation::Stream].map(Operation::name);
    let operations = report.summary.operations.iter();
    for (name, figures) in operations.filter(|(name, _)| !absent.contains(&name.as_str())) {
        let moments = report.timeline.iter().filter_map(|point| point.operations.get(name));
        let counted = moments.map(|moment| u64::from(moment.count)).sum();
        let other = format!("summary.operations count of {name}");
        same("the sum of the timeline's operations", counted, &other, figures.count)?;
    }
    Ok(())
}

/// That a step's bands hold all its calls, and its percentiles the bands of their ranks.
fn bands(moment: &Moment) -> Held {
    let total: u64 = moment.response_bands.values().map(|count| u64::from(*count)).sum();
    same("the sum of response_bands", total, "the count of that step", u64::from(moment.count))?;
    let Some(brief) = moment.response_us else { return Ok(()) };
    for (name, us, share) in [
        ("p50", brief.p50, 0.5),
        ("p95", brief.p95, 0.95),
        ("p99", brief.p99, 0.99),
        ("max", brief.max, 1.0),
    ] {
        let rank = ((share * total as f64).ceil() as u64).max(1);
        let mut below = 0;
        let reached = moment.response_bands.iter().find(|(_, count)| {
            below += u64::from(**count);
            below >= rank
        });
        let (found, expected) = (band::of(us), reached.map_or(0, |(band, _)| *band));
        let name = format!("the band of a step's {name}");
        same(&name, u64::from(found), "response_bands say", u64::from(expected))?;
    }
    Ok(())
}
