//! The plan against what happened: rows of text, and what explains a difference.

use super::visible;
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::planned::{Expected, Model, Planned};
use crate::model::report::verdict::Verdict;

/// A figure the plan expected, beside the one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it counts.
    pub name: &'static str,
    /// What was planned, with its range if there is one.
    pub planned: String,
    /// What happened.
    pub happened: String,
    /// By how much.
    pub difference: String,
    /// Whether it is within the range, where there is one.
    pub holds: Option<bool>,
}

/// A number as text.
type Written = fn(f64) -> String;

/// The rows; none without a plan.
pub fn rows(report: &Report) -> Vec<Row> {
    let Some(plan) = &report.plan else { return Vec::new() };
    let summary = &report.summary;
    let count: Written = |number| figure::count(number.round() as u64);
    let time: Written = |seconds| figure::micros((seconds * 1e6).round() as u64);
    let runs = match plan.model {
        Model::Open => ("Runs that arrived", (summary.runs + summary.dropped) as f64),
        Model::Closed => ("Runs", summary.runs as f64),
    };
    let users = report.timeline.iter().filter_map(|point| point.users).max();
    let users = users.map(|users| ("Users at once", plan.users, f64::from(users), count));
    let per_call = summary.exchanges_per_call.map(|per_call| {
        let planned = Expected::about(plan.exchanges_per_call);
        let number: Written = figure::number;
        ("HTTP requests for each call", planned, per_call, number)
    });
    [
        Some((runs.0, plan.runs, runs.1, count)),
        Some(("Tool calls", plan.calls, summary.calls as f64, count)),
        Some(("HTTP requests", plan.exchanges, summary.http_exchanges as f64, count)),
        per_call,
        users,
        Some(("Duration", duration(plan), summary.elapsed_s, time)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, planned, happened, written)| row(name, planned, happened, written))
    .collect()
}

/// Runs may end as early as the load does, and as late as the drain allows.
fn duration(plan: &Planned) -> Expected {
    // The last second of a run is only rounding.
    let to = plan.load_s + plan.drain_s + 1.0;
    Expected { expected: plan.load_s + plan.drain_s, from: Some(plan.load_s), to: Some(to) }
}

fn row(name: &'static str, planned: Expected, happened: f64, written: Written) -> Row {
    let range = planned.from.zip(planned.to).filter(|(from, to)| from < to);
    let expected = written(planned.expected);
    let by = happened - planned.expected;
    let sign = if by < 0.0 { '\u{2212}' } else { '+' };
    let difference = if written(happened) == expected {
        "none".to_owned()
    } else if planned.expected > 0.0 {
        let share = figure::share(by.abs() / planned.expected);
        format!("{sign}{} ({sign}{share})", written(by.abs()))
    } else {
        format!("{sign}{}", written(by.abs()))
    };
    Row {
        name,
        planned: range.map_or(expected.clone(), |(from, to)| {
            format!("{expected} ({} to {})", written(from), written(to))
        }),
        happened: written(happened),
        difference,
        holds: planned.holds(happened),
    }
}

/// What explains a difference, a sentence each.
pub fn causes(report: &Report) -> Vec<String> {
    let Some(plan) = &report.plan else { return Vec::new() };
    let summary = &report.summary;
    let (run, runs) = (&summary.run, summary.runs);
    let handshakes = summary.operations.get(Operation::Initialize.name());
    let refused = handshakes.map_or(0, |handshakes| handshakes.errors + handshakes.throttled);
    let unlike = summary.errors + summary.throttled + summary.never_sent;
    let said = [
        (summary.dropped, "arrival", "found the ceiling of users reached and was dropped."),
        (run.failed, "run", "got no usable connection or tool list: its calls never came due."),
        (run.cut, "run", "was cut when the drain was over: what it had left never came due."),
        (run.stopped, "run", "was stopped by its person, as the model says some are."),
        (refused, "handshake", "was refused or failed, and no plan counts what that leads to."),
        (
            unlike,
            "call",
            "ended otherwise than planned (error, throttled, never sent): the model retries, rephrases or gives up.",
        ),
    ];
    let mut causes: Vec<String> = said
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, became)| match count {
            1 => format!("1 {what} {became}"),
            _ => format!("{} {what}s: each {became}", figure::count(count)),
        })
        .collect();
    if report.verdict == Verdict::Stopped {
        causes.insert(0, "The run was stopped before its end.".to_owned());
    }
    let response =
        summary.operations.get(Operation::ToolsCall.name()).and_then(|it| it.response_us);
    if let Some(mean) =
        response.map(|us| us.mean).filter(|_| plan.model == Model::Closed && runs > 0)
    {
        causes.push(format!(
            "The plan takes 0.8s for a call, it took {} in the mean: users came round {}.",
            figure::micros(mean),
            if mean < 800_000 { "sooner" } else { "later" }
        ));
    }
    causes.extend(
        report
            .generator
            .reasons
            .iter()
            .filter(|why| why.starts_with("max_rate"))
            .map(|why| visible::line(why)),
    );
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn each_figure_has_its_difference() {
        let mut report = sample::watched();
        report.summary.dropped = 2;
        let rows = rows(&report);
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names[..3], ["Runs that arrived", "Tool calls", "HTTP requests"]);
        assert_eq!((rows[0].difference.as_str(), rows[0].holds), ("none", Some(true)));
        assert_eq!((rows[2].planned.as_str(), rows[2].holds), ("900", None));
        assert!(rows[1].planned.contains(" to "), "{}", rows[1].planned);
        assert!(causes(&report)[0].starts_with("2 arrivals: each found the ceiling"));
    }

    #[test]
    fn what_is_less_is_less() {
        let plan = Expected { expected: 200.0, from: Some(180.0), to: Some(220.0) };
        let row = row("x", plan, 150.0, |number| format!("{number}"));
        assert_eq!((row.difference.as_str(), row.holds), ("\u{2212}50 (\u{2212}25%)", Some(false)));
        assert_eq!(row.planned, "200 (180 to 220)");
    }

    #[test]
    fn an_older_run_has_no_plan() {
        assert!(rows(&sample::storm()).is_empty() && causes(&sample::storm()).is_empty());
    }
}
