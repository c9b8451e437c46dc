//! The plan against what happened: rows of text, and what explains a difference.

use super::{grants, visible};
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::plan::Way;
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
    let dropped = ("Arrivals dropped", plan.dropped, summary.dropped as f64, count);
    let any_dropped = plan.dropped.expected >= 0.5 || summary.dropped > 0;
    [
        Some((runs.0, plan.runs, runs.1, count)),
        any_dropped.then_some(dropped),
        Some(("Runs cut", plan.runs_cut, summary.runs_cut as f64, count)),
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
    let run = &summary.run;
    let beyond =
        |count: u64, planned: Expected| count.saturating_sub(planned.expected.round() as u64);
    let (dropped, cut) = (beyond(summary.dropped, plan.dropped), beyond(run.cut, plan.runs_cut));
    let handshakes = summary.operations.get(Operation::Initialize.name());
    let refused = handshakes.map_or(0, |handshakes| handshakes.errors + handshakes.throttled);
    let begun = grants::begun(summary);
    let refused = refused.saturating_sub(begun);
    let unlike = summary.errors + summary.throttled + summary.never_sent;
    let said = [
        (
            dropped,
            "arrival",
            "found the ceiling of users reached and was dropped, beyond what was planned.",
        ),
        (
            run.failed,
            "run",
            "had not one call answered well: what else it would have asked may not have come due.",
        ),
        (
            cut,
            "run",
            "was cut when the drain was over, beyond what was planned: what it had left never came due.",
        ),
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
    causes.extend((begun > 0).then(|| {
        format!(
            "{} begins a login, as OAuth has it: the plan counts it.",
            match begun {
                1 => "1 handshake that was answered 401".to_owned(),
                _ => format!("Each of {} handshakes that were answered 401", figure::count(begun)),
            }
        )
    }));
    causes.extend(way(plan, report));
    if report.verdict == Verdict::Stopped {
        causes.insert(0, "The run was stopped before its end.".to_owned());
    }
    causes.extend(pace(plan, report));
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

/// What another way of speaking than the planned one did to the requests.
fn way(plan: &Planned, report: &Report) -> Option<String> {
    let spoken = report.target.spoken()?;
    let way = report.target.way().filter(|way| plan.way.as_deref() != Some(way.word()))?;
    let planned = Way::ALL.into_iter().find(|way| plan.way.as_deref() == Some(way.word()))?;
    let planned = match planned {
        Way::Modern => "one without a handshake",
        Way::Legacy => "one with a handshake over Streamable HTTP",
        Way::HttpSse => "one of HTTP+SSE",
    };
    let costs = match way {
        Way::Modern => "which needs no handshakes",
        Way::Legacy => "which needs handshakes",
        Way::HttpSse => "which needs a stream and a handshake for each session",
    };
    let spoken = visible::line(&spoken);
    Some(format!("The plan takes the target to be {planned}; it speaks {spoken}, {costs}."))
}

/// What calls that took another time than planned did to a plan that depends on it: a closed one,
/// and one with runs that end with the drain.
fn pace(plan: &Planned, report: &Report) -> Option<String> {
    let summary = &report.summary;
    let mean = summary.operations.get(Operation::ToolsCall.name())?.response_us?.mean;
    let (sooner, later) = match plan.model {
        Model::Closed => ("users came round sooner", "users came round later"),
        Model::Open if plan.runs_cut.expected >= 0.5 || summary.runs_cut > 0 => (
            "runs got further before the end of the drain",
            "runs got less far before the end of the drain",
        ),
        Model::Open => return None,
    };
    let became = if mean < 800_000 { sooner } else { later };
    let took = figure::micros(mean);
    (summary.runs > 0)
        .then(|| format!("The plan takes 0.8s for a call, it took {took} in the mean: {became}."))
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
        let first = ["Runs that arrived", "Arrivals dropped", "Runs cut", "Tool calls"];
        assert_eq!((&names[..4], names[4]), (&first[..], "HTTP requests"));
        assert_eq!((rows[0].difference.as_str(), rows[0].holds), ("none", Some(true)));
        assert_eq!((rows[1].planned.as_str(), rows[1].difference.as_str()), ("0", "+2"));
        assert!(rows[3].planned.contains(" to "), "{}", rows[3].planned);
        assert_eq!((rows[4].planned.as_str(), rows[4].holds), ("900", None));
        assert!(causes(&report)[0].starts_with("2 arrivals: each found the ceiling"));
    }

    #[test]
    fn the_401_with_which_a_login_begins_is_no_refused_handshake() {
        let mut report = sample::watched();
        report.summary.grants = sample::granted().summary.grants;
        let handshakes = report.summary.operations.get_mut("initialize").unwrap();
        (handshakes.errors, handshakes.unauthorised, handshakes.throttled) = (5, 4, 0);
        let said = causes(&report);
        assert!(
            said.iter().any(|said| said.starts_with("2 handshakes: each was refused")),
            "{said:?}"
        );
        let begun = "Each of 3 handshakes that were answered 401 begins a login, as OAuth has it: the \
                     plan counts it.";
        assert!(said.iter().any(|said| said == begun), "{said:?}");
    }

    #[test]
    fn what_was_planned_explains_nothing() {
        let mut report = sample::watched();
        let (dropped, cut) = (5, report.summary.run.cut + 3);
        (report.summary.dropped, report.summary.run.cut) = (dropped, cut);
        let said = |report: &Report, word: &str| {
            causes(report).into_iter().filter(|cause| cause.contains(word)).collect::<Vec<_>>()
        };
        let planned = |report: &mut Report, dropped: u64, cut: u64| {
            let plan = report.plan.as_mut().unwrap();
            plan.dropped = Expected::about(dropped as f64);
            plan.runs_cut = Expected::about(cut as f64);
        };
        planned(&mut report, dropped, cut);
        assert_eq!(said(&report, "beyond what was planned"), [""; 0]);
        assert_eq!(rows(&report)[1].name, "Arrivals dropped");
        planned(&mut report, dropped - 2, cut - 1);
        let beyond = said(&report, "beyond what was planned");
        assert!(beyond[0].starts_with("2 arrivals: each found"), "{beyond:?}");
        assert!(beyond[1].starts_with("1 run was cut"), "{beyond:?}");
        // How long a call took matters where runs are cut, and to users who come round again.
        assert_eq!(said(&report, "got further before the end of the drain").len(), 1);
        planned(&mut report, 0, 0);
        report.summary.runs_cut = 0;
        assert_eq!(said(&report, "The plan takes 0.8s"), [""; 0]);
        report.plan.as_mut().unwrap().model = Model::Closed;
        assert_eq!(said(&report, "users came round").len(), 1);
    }

    #[test]
    fn another_way_of_speaking_than_planned_is_said() {
        let mut report = sample::watched();
        let said = |report: &Report| {
            let causes = causes(report);
            causes.into_iter().find(|cause| cause.starts_with("The plan takes the target"))
        };
        assert_eq!(said(&report), None);
        report.plan.as_mut().unwrap().way = Some("modern".to_owned());
        let expected = "The plan takes the target to be one without a handshake; it speaks MCP \
                        2025-11-25 over Streamable HTTP, which needs handshakes.";
        assert_eq!(said(&report).as_deref(), Some(expected));
        report.target.transport = Some("http+sse".to_owned());
        assert!(said(&report).unwrap().ends_with("a stream and a handshake for each session."));
        report.target.protocol = Some("2026-07-28".to_owned());
        report.target.transport = Some("streamable-http".to_owned());
        assert_eq!(said(&report), None);
        report.plan.as_mut().unwrap().way = None;
        assert_eq!(said(&report), None, "a run of before");
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
