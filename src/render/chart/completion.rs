//! When runs complete: the share of all runs that was done after so long, by Kaplan and Meier.

use super::axis::Scale;
use super::content::{Content, Line, RESPONSE, SERVICE, no_runs};
use super::table::Table;
use crate::model::figure;
use crate::model::histogram::Histogram;
use crate::model::report::Report;
use crate::model::summary::runs;

/// Rows of the table at most.
const ROWS: usize = 60;

/// The curve as steps, from 0 to the longest time seen; with runs that were cut or stopped, below
/// it the share that was seen to complete.
pub(super) fn content(report: &Report) -> Content {
    let (curve, longest) = curve(report);
    let line = |name, colour, of: fn(&Step) -> f64| Line {
        name,
        colour,
        width: 2,
        pieces: vec![steps(&curve, longest, of)],
    };
    let mut lines =
        vec![line("share of runs completed, by time since they were due", RESPONSE, |step| {
            step.completed
        })];
    if is_estimate(report) {
        lines.push(line("seen to complete", SERVICE, |step| step.seen));
    }
    // Ticks are whole seconds.
    let end = longest.max(1.0);
    Content { lines, ..Content::on(Scale::whole(), end, no_runs(report)) }
}

/// Whether runs were cut or stopped, so that no more than an estimate of the curve can be had.
fn is_estimate(report: &Report) -> bool {
    report.summary.run.cut + report.summary.run.stopped > 0
}

fn steps(curve: &[Step], longest: f64, of: fn(&Step) -> f64) -> Vec<(f64, f64)> {
    let mut steps = vec![(0.0, 0.0)];
    let mut share = 0.0;
    for step in curve {
        steps.push((step.seconds, share));
        share = of(step);
        steps.push((step.seconds, share));
    }
    steps.push((longest, share));
    steps
}

/// One time at which runs completed.
struct Step {
    seconds: f64,
    /// The share of all runs that is done by then, by estimate where runs were cut.
    completed: f64,
    /// The share of all runs that was seen to be.
    seen: f64,
}

/// The curve, and the longest time seen in seconds.
fn curve(report: &Report) -> (Vec<Step>, f64) {
    let named = |name: &str| {
        let encoded = report.histograms.get(name);
        encoded.and_then(|text| Histogram::decode(text).ok()).unwrap_or_default()
    };
    let (completion, censored) = (named("run.completion"), named("run.censored"));
    let seconds = |us: u64| us as f64 / 1e6;
    let longest = seconds(completion.max().max(censored.max()));
    let all = report.summary.runs;
    let mut ended = 0;
    let steps = runs::curve(&completion, &censored, all).zip(completion.steps());
    let step = |((us, completed), (_, count)): ((u64, f64), (u64, u64))| {
        ended += count;
        Step { seconds: seconds(us), completed, seen: ended as f64 / all.max(1) as f64 }
    };
    (steps.map(step).collect(), longest)
}

/// The same as rows, every so many.
pub(super) fn table(report: &Report) -> Table {
    let (curve, _) = curve(report);
    let apart = curve.len().div_ceil(ROWS).max(1);
    let last = curve.len().saturating_sub(1);
    let shown = curve.iter().enumerate().filter(|(at, _)| at % apart == 0 || *at == last);
    let columns = if is_estimate(report) { 3 } else { 2 };
    let row = |(_, step): (usize, &Step)| {
        let cells =
            [shown_time(step.seconds), figure::share(step.completed), figure::share(step.seen)];
        cells.into_iter().take(columns).collect()
    };
    let head = ["After", "Runs completed", "Seen to complete"].map(str::to_owned);
    Table { head: head.into_iter().take(columns).collect(), rows: shown.map(row).collect() }
}

fn shown_time(seconds: f64) -> String {
    figure::micros((seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Event, Fate};
    use crate::model::report::sample;
    use crate::model::summary::{self, Summary};

    #[test]
    fn the_curve_never_falls_and_agrees_with_the_percentiles() {
        let report = sample::storm();
        let (curve, _) = curve(&report);
        assert!(curve.windows(2).all(|pair| {
            pair[0].seconds < pair[1].seconds && pair[0].completed < pair[1].completed
        }));
        let p50 = report.summary.run.completion["p50"].us as f64 / 1e6;
        let reached = curve.iter().find(|step| step.completed >= 0.5 - 1e-9).unwrap();
        assert!((reached.seconds - p50).abs() < 1e-9);
        assert!(table(&report).rows.len() <= ROWS + 1);
        assert_eq!(table(&sample::nothing()).rows.len(), 0);
    }

    #[test]
    fn runs_that_were_cut_are_never_counted_as_completed() {
        let mut summary = summary::sample::empty();
        let fates = [(1, Fate::Completed), (2, Fate::Cut), (2, Fate::Stopped), (9, Fate::Cut)];
        for (seconds, fate) in fates {
            summary.add(&Event::Run(summary::sample::run(1, 0, seconds * 1000, fate)));
        }
        let shares = |summary: &Summary| {
            let report = sample::of(summary, &[]);
            let (curve, longest) = curve(&report);
            let last = curve.last().map(|step| (step.completed, step.seen));
            (last, longest.round(), content(&report).lines.len(), table(&report).head.len())
        };
        // The curve ends with what was seen longest, where nobody completed, and below 100%.
        assert_eq!(shares(&summary), (Some((0.25, 0.25)), 9.0, 2, 3));
        // One that outlasted all that were cut is an estimate of them, and is told as one.
        summary.add(&Event::Run(summary::sample::run(1, 0, 20_000, Fate::Completed)));
        assert_eq!(shares(&summary), (Some((1.0, 0.4)), 20.0, 2, 3));
        // With one that failed the curve never reaches 100%.
        summary.add(&Event::Run(summary::sample::run(1, 0, 0, Fate::Failed)));
        let (completed, seen) = shares(&summary).0.unwrap();
        assert!(completed < 0.6 && (seen - 1.0 / 3.0).abs() < 1e-9, "{completed} {seen}");
        // Where none was cut, what was seen is all there is to say.
        let whole = sample::of(&summary::sample::hour(), &[]);
        assert_eq!((content(&whole).lines.len(), table(&whole).head.len()), (1, 2));
    }
}
