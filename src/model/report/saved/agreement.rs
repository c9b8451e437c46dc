//! What the figures of a saved run owe each other; whatever a report shows twice must be the same.

/// That percentiles ascend.
mod order;
/// Users, and the generator.
mod ourselves;
/// What the steps of the timeline owe the whole.
mod timeline;
/// Statuses, sessions, connections, bytes.
mod wire;

use std::collections::BTreeMap;

use super::beside;
use crate::model::finding::Severity;
use crate::model::histogram::bound::AtLeast;
use crate::model::histogram::{Histogram, Percentiles};
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::report::figures::{self, Figures, OperationFigures, RunFigures};
use crate::model::report::verdict::{Verdict, exit_code, told};
use crate::model::report::{Judged, Report};
use crate::model::summary::runs::Runs;

/// Says the first thing that does not hold.
pub(super) type Held = Result<(), String>;

/// Holds a run's figures against each other.
pub(super) fn check(report: &Report) -> Held {
    outcomes(&report.summary)?;
    parts(&report.summary)?;
    timeline::check(report)?;
    order::check(report)?;
    wire::check(report)?;
    ourselves::check(report)?;
    histograms(report)?;
    beside::check(report)?;
    verdict(report)
}

/// That a figure is what others make it.
pub(super) fn same(name: &str, found: u64, other: &str, expected: u64) -> Held {
    if found == expected {
        return Ok(());
    }
    Err(format!("{name} is {found}, {other} {expected}"))
}

fn sum(name: &str, counts: impl Iterator<Item = u64>) -> Result<u64, String> {
    let mut counts = counts;
    let total = counts.try_fold(0, u64::checked_add);
    total.ok_or_else(|| format!("{name} add up to more than can be counted"))
}

/// A figure, and the outcomes it counts.
type Figure = (&'static str, u64, fn(Class) -> bool);

fn outcomes(summary: &Figures) -> Held {
    let outcomes = &summary.outcomes;
    if let Some(unknown) =
        outcomes.keys().find(|name| Class::ALL.iter().all(|class| class.name() != *name))
    {
        return Err(format!("summary.outcomes: {unknown:?} is no outcome"));
    }
    let of = |name: &str, matters: fn(Class) -> bool| {
        let classes = Class::ALL.into_iter().filter(|class| matters(*class));
        sum(name, classes.filter_map(|class| outcomes.get(class.name()).copied()))
    };
    let figures: [Figure; 6] = [
        ("calls", summary.calls, |_| true),
        ("ok", summary.ok, |class| class == Class::Ok),
        ("errors", summary.errors, Class::is_error),
        ("throttled", summary.throttled, |class| class == Class::Throttled),
        ("never_sent", summary.never_sent, |class| class == Class::NeverSent),
        ("unfinished", summary.unfinished, |class| class == Class::Unfinished),
    ];
    for (name, found, matters) in figures {
        let expected = of("summary.outcomes", matters)?;
        same(&format!("summary.{name}"), found, "summary.outcomes make it", expected)?;
    }
    // A call taken away while the client held it was never sent; the others of its kind were.
    let taken_away = |class| matches!(class, Class::Cancelled | Class::Unfinished);
    let most = of("summary.outcomes", Class::was_sent)?;
    let least = most - of("summary.outcomes", taken_away)?;
    if (least..=most).contains(&summary.calls_sent) {
        return Ok(());
    }
    let found = summary.calls_sent;
    Err(format!("summary.calls_sent is {found}, summary.outcomes make it {least} to {most}"))
}

fn parts(summary: &Figures) -> Held {
    let none = OperationFigures::default();
    let calls = summary.operations.get(Operation::ToolsCall.name()).unwrap_or(&none);
    if calls.count != summary.calls {
        return Err(format!("tools/call counts {}, summary.calls {}", calls.count, summary.calls));
    }
    let exchanges = sum("summary.exchanges", summary.exchanges.values().copied())?;
    let name = "summary.http_exchanges";
    same(name, summary.http_exchanges, "summary.exchanges make it", exchanges)?;
    let run = &summary.run;
    let runs = sum("summary.run", [run.completed, run.stopped, run.cut, run.failed].into_iter())?;
    same("summary.runs", summary.runs, "summary.run makes it", runs)?;
    same("summary.runs_cut", summary.runs_cut, "summary.run.cut is", run.cut)?;
    if !summary.elapsed_s.is_finite() || summary.elapsed_s < 0.0 {
        return Err(format!("summary.elapsed_s is {}", summary.elapsed_s));
    }
    let tools = summary.tools.iter().map(|(name, tool)| (name, tool.count, tool.errors));
    shares("summary.tools", tools, summary.calls)?;
    let classes = summary.classes.iter().map(|(name, class)| (name, class.count, class.errors));
    shares("summary.classes", classes, summary.calls)
}

/// That parts make the whole, and that errors are no more than their part.
fn shares<'a>(what: &str, parts: impl Iterator<Item = (&'a String, u64, u64)>, whole: u64) -> Held {
    let mut total = 0u64;
    for (name, count, errors) in parts {
        if errors > count {
            return Err(format!("{what}: {name:?} has {errors} errors in {count} calls"));
        }
        total = total.saturating_add(count);
    }
    same(&format!("the sum of {what}"), total, "summary.calls", whole)
}

fn histograms(report: &Report) -> Held {
    let mut told: BTreeMap<&str, Histogram> = BTreeMap::new();
    for (name, encoded) in &report.histograms {
        let histogram =
            Histogram::decode(encoded).map_err(|error| format!("histograms: {name}: {error}"))?;
        told.insert(name, histogram);
    }
    let behind = Behind(told);
    let summary = &report.summary;
    for (operation, figures) in &summary.operations {
        for (time, shown) in [
            ("response", figures.response_us),
            ("service", figures.service_us),
            ("preparation", figures.preparation_us),
            ("held", figures.held_us),
            ("lag", figures.lag_us),
        ] {
            behind.agrees(&format!("{operation}.{time}"), shown)?;
        }
        behind.bounds(&format!("{operation}.response"), figures.response_at_least.as_ref())?;
        behind.bounds(&format!("{operation}.service"), figures.service_at_least.as_ref())?;
    }
    for (name, part) in &summary.tools {
        let part =
            (part.response_us, &part.response_at_least, part.service_us, &part.service_at_least);
        behind.part(&format!("tool.{name}"), part)?;
    }
    for (name, part) in &summary.classes {
        let part =
            (part.response_us, &part.response_at_least, part.service_us, &part.service_at_least);
        behind.part(&format!("class.{name}"), part)?;
    }
    let calls = summary.operations.get(Operation::ToolsCall.name());
    behind.agrees("tools/call.response_ok", calls.and_then(|calls| calls.response_ok_us))?;
    if report.generator.lag_us != behind.percentiles("tools/call.lag") {
        return Err("generator.lag_us is not what the histogram tools/call.lag says".to_owned());
    }
    behind.completion(&summary.run)?;
    behind.agrees("run.straggler", summary.run.straggler_us)?;
    behind.agrees("run.wave", summary.run.wave_us)
}

/// Response and its bounds, service and its bounds.
type Part<'a> =
    (Option<Percentiles>, &'a Option<AtLeast>, Option<Percentiles>, &'a Option<AtLeast>);

/// The histograms behind the figures, by name.
struct Behind<'a>(BTreeMap<&'a str, Histogram>);

impl Behind<'_> {
    fn part(&self, name: &str, (response, above, service, over): Part<'_>) -> Held {
        let [first, second] = ["response", "service"].map(|time| format!("{name}.{time}"));
        self.agrees(&first, response)?;
        self.bounds(&first, above.as_ref())?;
        self.agrees(&second, service)?;
        self.bounds(&second, over.as_ref())
    }

    fn completion(&self, shown: &RunFigures) -> Held {
        let named = |name: &str| self.0.get(name).cloned().unwrap_or_default();
        let runs = Runs {
            completed: shown.completed,
            stopped: shown.stopped,
            cut: shown.cut,
            failed: shown.failed,
            completion: named("run.completion"),
            censored: named("run.censored"),
            ..Runs::default()
        };
        if shown.completion == figures::completion(&runs) {
            return Ok(());
        }
        Err("summary.run.completion is not what the histograms of runs say".to_owned())
    }

    fn percentiles(&self, name: &str) -> Option<Percentiles> {
        self.0.get(name).and_then(Histogram::percentiles)
    }

    fn agrees(&self, name: &str, shown: Option<Percentiles>) -> Held {
        if shown == self.percentiles(name) {
            return Ok(());
        }
        Err(format!("the percentiles of {name} are not those of its histogram"))
    }

    fn bounds(&self, name: &str, shown: Option<&AtLeast>) -> Held {
        let unanswered = self.0.get(format!("{name}_unanswered").as_str());
        let whole = self.0.get(name);
        let expected = whole.zip(unanswered).and_then(|(whole, open)| whole.at_least(open));
        if shown == expected.as_ref() {
            return Ok(());
        }
        Err(format!("which figures of {name} are lower bounds is not what its histograms say"))
    }
}

fn verdict(report: &Report) -> Held {
    let expected = exit_code(report.verdict);
    let name = format!("the verdict is {}, so", report.verdict.name());
    let code = u64::from(report.exit_code);
    // A practice target that ended by itself is squall's own fault, and its exit code says so.
    let is_ours = report.verdict == Verdict::Untrustworthy && code == 1;
    let expected = if is_ours { 1 } else { expected };
    same("exit_code", code, &format!("{name} it must be"), u64::from(expected))?;
    if let Some(both) =
        report.judged().find(|judged| judged.passed && (judged.unproven || judged.unchecked))
    {
        return Err(format!("thresholds: {} is both held and unproven", both.text));
    }
    let broken: Vec<&Judged> = report.judged().filter(|held| held.is_broken()).collect();
    if report.verdict == Verdict::Passed {
        let against = broken.first().map(|judged| format!("{} {}", judged.text, judged.said()));
        let severe = report.findings.iter().find(|finding| finding.severity >= Severity::High);
        let unsound = (!report.generator.trustworthy).then(|| "it is not trustworthy".to_owned());
        let against = against.or(severe.map(told)).or(unsound);
        return against.map_or(Ok(()), |why| Err(format!("the verdict is passed, and yet {why}")));
    }
    let untold = broken.iter().find(|judged| {
        let whole = format!("{} {}: {}", judged.text, judged.said(), judged.value);
        !report.reasons.contains(&whole)
    });
    untold.map_or(Ok(()), |judged| {
        Err(format!("{} {}, and that is no reason of the run", judged.text, judged.said()))
    })
}
