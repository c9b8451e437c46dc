//! What the figures beside the load owe each other: plan, health, the target's own metrics.

use super::agreement::{Held, same};
use crate::model::metrics::MOST_SERIES;
use crate::model::metrics::choice::{MOST_CHARTS, Shows};
use crate::model::report::Report;
use crate::model::report::failures::Failure;
use crate::model::report::health::{Answer, Health};
use crate::model::report::metrics::TargetMetrics;
use crate::model::report::planned::{Model, Planned};

/// Steps of time at most.
const MOST_STEPS: usize = 601;

/// Holds what is there of them against the rest.
pub(super) fn check(report: &Report) -> Held {
    if let Some(planned) = &report.plan {
        plan(planned, report)?;
    }
    report.health.as_ref().map_or(Ok(()), health)?;
    report.target_metrics.as_ref().map_or(Ok(()), metrics)
}

fn holds(truth: bool, what: impl FnOnce() -> String) -> Held {
    if truth { Ok(()) } else { Err(what()) }
}

fn plan(plan: &Planned, report: &Report) -> Held {
    let figures = [plan.runs, plan.runs_cut, plan.dropped, plan.calls, plan.exchanges, plan.users];
    let bounds = figures.iter().flat_map(|it| [Some(it.expected), it.from, it.to]).flatten();
    let others = [plan.load_s, plan.drain_s, plan.exchanges_per_call, plan.peak_rate];
    let numbers = bounds.chain(others).chain(plan.over_time.iter().copied());
    holds(numbers.into_iter().all(|number| number.is_finite() && number >= 0.0), || {
        "a figure of the plan is no number from 0".to_owned()
    })?;
    // Runs stand for several in a large plan: the sum is as exact as a sum of such shares is.
    let ended = plan.runs_cut.expected + plan.dropped.expected;
    holds(ended <= plan.runs.expected + 0.5, || {
        "plan.runs_cut and plan.dropped are more than plan.runs".to_owned()
    })?;
    let width = report.timeline.first().map_or(0, |point| point.width_s);
    same("plan.width_s", plan.width_s, "the timeline's steps are", width)?;
    if plan.model == Model::Open {
        let arrivals = plan.over_time.iter().sum::<f64>().round() as u64;
        let expected = plan.runs.expected.round() as u64;
        same("the sum of plan.over_time", arrivals, "plan.runs expects", expected)?;
    }
    Ok(())
}

fn failed(name: &str, failures: &[Failure]) -> Result<u64, String> {
    let sound = |failure: &Failure| {
        let (first, last) = (failure.first_s, failure.last_s);
        failure.count > 0 && first.is_finite() && last.is_finite() && (0.0..=last).contains(&first)
    };
    if let Some(failure) = failures.iter().find(|failure| !sound(failure)) {
        return Err(format!("{name}.failures: {:?} contradicts itself", failure.why));
    }
    let total = failures.iter().try_fold(0_u64, |total, failure| total.checked_add(failure.count));
    total.ok_or_else(|| format!("{name}.failures are more than can be counted"))
}

fn health(health: &Health) -> Held {
    let bad = failed("health", &health.failures)?;
    same("health.asked", health.asked, "its answers are", health.well.saturating_add(bad))?;
    let each = health.each.max(1);
    let kept = health.asked.div_ceil(each);
    same("health.during", health.during.len() as u64, "health.asked makes it", kept)?;
    let badly = health.during.iter().any(|answer| !answer.well);
    holds(badly == (bad > 0), || "health.during and health.failures disagree".to_owned())?;
    holds(health.after.is_some() == (health.asked_after > 0), || {
        "health.after and health.asked_after disagree".to_owned()
    })?;
    let sound = |answer: &Answer| answer.at_s.is_finite() && answer.at_s >= 0.0;
    let all = health.during.iter().chain([&health.before]).chain(&health.after);
    holds(all.into_iter().all(sound), || "an answer of health has no time".to_owned())
}

fn metrics(metrics: &TargetMetrics) -> Held {
    let bad = failed("target_metrics", &metrics.failures)?;
    let asked = metrics.answered.saturating_add(bad);
    same("target_metrics.asked", metrics.asked, "its answers are", asked)?;
    let steps = metrics.at_s.len();
    let forward = metrics.at_s.windows(2).all(|pair| pair[0] <= pair[1]);
    let sound = metrics.at_s.iter().all(|at| at.is_finite() && *at >= 0.0);
    holds(forward && sound && steps <= MOST_STEPS && steps as u64 <= metrics.asked, || {
        "target_metrics.at_s does not go forward from 0".to_owned()
    })?;
    holds(metrics.series.len() <= MOST_SERIES && metrics.charts.len() <= MOST_CHARTS, || {
        "target_metrics holds more than squall keeps".to_owned()
    })?;
    for series in &metrics.series {
        let values = series.values.len();
        let (from, to) = (series.lowest, series.highest);
        let within = series.values.iter().flatten().all(|value| (from..=to).contains(value));
        holds((values == 0 || values == steps) && within, || {
            format!("target_metrics: the values of {:?} are not its own", series.name)
        })?;
    }
    for chart in &metrics.charts {
        let drawn =
            |number: usize| metrics.series.get(number).is_some_and(|it| !it.values.is_empty());
        let mean = chart.shows == Shows::Mean;
        let whole = |line: &crate::model::metrics::choice::Line| {
            drawn(line.series) && line.over.map_or(!mean, |over| mean && drawn(over))
        };
        holds(chart.lines.iter().all(whole), || {
            format!("target_metrics: the chart of {:?} lacks a series", chart.name)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::model::report::{sample, saved};

    #[test]
    fn whatever_is_edited_shows() {
        let run = serde_json::to_value(sample::watched()).unwrap();
        assert!(saved::read(&run.to_string()).is_ok());
        let table = [
            ("/plan/runs/expected", json!(-1.0), "a figure of the plan"),
            ("/plan/runs_cut/expected", json!(1e6), "plan.runs_cut and plan.dropped"),
            ("/plan/dropped/expected", json!(1e6), "plan.runs_cut and plan.dropped"),
            ("/plan/width_s", json!(2), "plan.width_s is 2"),
            ("/plan/over_time/0", json!(500.0), "the sum of plan.over_time is"),
            ("/health/asked", json!(1), "health.asked is 1"),
            ("/health/well", json!(999), "health.asked is"),
            ("/health/during", json!([]), "health.during is 0"),
            ("/health/during/0/at_s", json!(-1), "has no time"),
            ("/health/asked_after", json!(0), "health.after and"),
            ("/health/failures/0/count", json!(0), "health.failures"),
            ("/health/failures/0/first_s", json!(1e9), "health.failures"),
            ("/target_metrics/answered", json!(1), "target_metrics.asked is"),
            ("/target_metrics/at_s/0", json!(99.0), "target_metrics.at_s"),
            ("/target_metrics/at_s", json!([0, 1]), "are not its own"),
            ("/target_metrics/series/0/highest", json!(0.0), "are not its own"),
            ("/target_metrics/charts/0/lines/0/series", json!(99), "lacks a series"),
            ("/target_metrics/charts/0/lines/0/over", json!(0), "lacks a series"),
        ];
        for (pointer, new, part) in table {
            let mut edited = run.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match edited.pointer_mut(parent).unwrap() {
                Value::Object(map) => drop(map.insert(name.to_owned(), new)),
                Value::Array(list) => list[name.parse::<usize>().unwrap()] = new,
                other => panic!("{other}"),
            }
            let said = saved::read(&edited.to_string()).unwrap_err().to_string();
            assert!(said.contains(part), "{pointer}: {said}");
        }
    }
}
