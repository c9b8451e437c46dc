//! What users felt, and when it was worse.

use std::cmp::Reverse;

use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::timeline::{Brief, Point};
use crate::model::report::{Judged, Report};
use crate::model::threshold::{Metric, Statistic, Threshold};
use crate::render::percentile::{P50, P99, Times};

/// A step of time is worth naming when its p99 is so many times the median step's.
const WORSE: u64 = 3;

/// How long users waited, whether that is within what was asked for, and when it was worse.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let calls = report.summary.operations.get(Operation::ToolsCall.name())?;
    let times = Times::new(calls.response_us, calls.response_at_least.as_ref());
    let (half, most) = (times.shown(P50, "at least ")?, times.shown(P99, "at least ")?);
    let failed = report.summary.throttled + report.summary.errors;
    let users = if failed * 2 > report.summary.calls_sent {
        "All that failed among it, users"
    } else {
        "Users"
    };
    let waited = format!("{users} waited {half} for a tool call at the median and {most} at p99");
    let why = super::tail::tool(report).unwrap_or_default();
    let told = asked(report).unwrap_or_default();
    let when = over(report).or_else(|| worst(&report.timeline)).unwrap_or_default();
    Some(format!("{waited}{why}{told}{when}."))
}

/// The first limit on response that was broken, else the first that is unproven or held.
fn limit(report: &Report) -> Option<(Threshold, &Judged)> {
    let limits = report.thresholds.iter().filter_map(|judged| {
        let threshold: Threshold = judged.text.parse().ok()?;
        threshold.response_limit()?;
        Some((threshold, judged))
    });
    limits.min_by_key(|(_, judged)| (judged.passed, judged.unproven))
}

fn asked(report: &Report) -> Option<String> {
    let (threshold, judged) = limit(report)?;
    Some(format!("; {} {}", threshold.text, judged.said()))
}

/// In how many steps of time a broken limit was passed, and when first.
fn over(report: &Report) -> Option<String> {
    let (threshold, judged) = limit(report)?;
    let limit = u64::try_from(threshold.response_limit()?.as_micros()).ok()?;
    let pick = picked(&threshold).filter(|_| !judged.passed && !judged.unproven)?;
    let measured: Vec<_> =
        report.timeline.iter().filter_map(|point| Some((point, brief(point)?))).collect();
    let beyond: Vec<_> = measured.iter().filter(|(_, brief)| pick(brief) > limit).collect();
    let first = beyond.first()?.0;
    let (number, all, from) = (beyond.len(), measured.len(), at(first));
    let step = if first.width_s == 1 {
        "seconds".to_owned()
    } else {
        format!("steps of {}s", first.width_s)
    };
    Some(format!(", it was exceeded in {number} of {all} {step}, first {from}"))
}

/// How the figure that a limit is about is read from a step of time.
fn picked(threshold: &Threshold) -> Option<fn(&Brief) -> u64> {
    let Metric::Time(statistic, ..) = threshold.metric else { return None };
    let is = |percent: f64, other: f64| (percent - other).abs() < f64::EPSILON;
    match statistic {
        Statistic::Percentile(percent) if is(percent, 50.0) => Some(|brief| brief.p50),
        Statistic::Percentile(percent) if is(percent, 95.0) => Some(|brief| brief.p95),
        Statistic::Percentile(percent) if is(percent, 99.0) => Some(|brief| brief.p99),
        Statistic::Max => Some(|brief| brief.max),
        Statistic::Percentile(_) | Statistic::Mean => None,
    }
}

/// The worst step of time, if it stands out.
fn worst(timeline: &[Point]) -> Option<String> {
    let calls = |point: &&Point| {
        let moment = point.operations.get(Operation::ToolsCall.name());
        moment.is_some_and(|moment| !moment.is_thin())
    };
    let measured = timeline.iter().filter(calls);
    let mut steps: Vec<_> = measured.filter_map(|point| Some((brief(point)?.p99, point))).collect();
    steps.sort_by_key(|(p99, point)| (*p99, Reverse(point.at_s)));
    let (median, (worst, point)) = (steps.get(steps.len() / 2)?.0, *steps.last()?);
    (worst >= median * WORSE && steps.len() > 2)
        .then(|| format!("; it was worst {}, with a p99 of {}", at(point), figure::micros(worst)))
}

fn brief(point: &Point) -> Option<Brief> {
    point.operations.get(Operation::ToolsCall.name())?.response_us
}

/// When a step of time begins, as a sentence says it.
pub(super) fn at(point: &Point) -> String {
    match point.at_s {
        0 => "at the very start".to_owned(),
        seconds => format!("after {}", figure::micros(seconds * 1_000_000)),
    }
}
