//! When runs complete: the share of all runs that was done after so long, by Kaplan and Meier.

use super::axis::Scale;
use super::content::{Content, Line, RESPONSE, no_runs};
use super::table::Table;
use crate::model::figure;
use crate::model::histogram::Histogram;
use crate::model::report::Report;
use crate::model::summary::runs;

/// Rows of the table at most.
const ROWS: usize = 60;

/// The curve as steps, from 0 to the longest time seen.
pub(super) fn content(report: &Report) -> Content {
    let (curve, longest) = curve(report);
    let mut steps = vec![(0.0, 0.0)];
    let mut share = 0.0;
    for (seconds, completed) in curve {
        steps.push((seconds, share));
        steps.push((seconds, completed));
        share = completed;
    }
    steps.push((longest, share));
    let line = Line {
        name: "share of runs completed, by time since they were due",
        colour: RESPONSE,
        width: 2,
        pieces: vec![steps],
    };
    // Ticks are whole seconds.
    let end = longest.max(1.0);
    Content { lines: vec![line], ..Content::on(Scale::whole(), end, no_runs(report)) }
}

/// Seconds and shares, and the longest time seen in seconds.
fn curve(report: &Report) -> (Vec<(f64, f64)>, f64) {
    let named = |name: &str| {
        let encoded = report.histograms.get(name);
        encoded.and_then(|text| Histogram::decode(text).ok()).unwrap_or_default()
    };
    let (completion, censored) = (named("run.completion"), named("run.censored"));
    let seconds = |us: u64| us as f64 / 1e6;
    let longest = seconds(completion.max().max(censored.max()));
    let curve = runs::curve(&completion, &censored, report.summary.runs);
    (curve.map(|(us, share)| (seconds(us), share)).collect(), longest)
}

/// The same as rows, every so many.
pub(super) fn table(report: &Report) -> Table {
    let (curve, _) = curve(report);
    let apart = curve.len().div_ceil(ROWS).max(1);
    let last = curve.len().saturating_sub(1);
    let shown = curve.iter().enumerate().filter(|(at, _)| at % apart == 0 || *at == last);
    let row = |(_, (seconds, share)): (usize, &(f64, f64))| {
        vec![shown_time(*seconds), figure::share(*share)]
    };
    Table {
        head: vec!["After".to_owned(), "Runs completed".to_owned()],
        rows: shown.map(row).collect(),
    }
}

fn shown_time(seconds: f64) -> String {
    figure::micros((seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn the_curve_never_falls_and_agrees_with_the_percentiles() {
        let report = sample::storm();
        let (curve, _) = curve(&report);
        assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        let p50 = report.summary.run.completion["p50"].us as f64 / 1e6;
        let reached = curve.iter().find(|(_, share)| *share >= 0.5 - 1e-9).unwrap();
        assert!((reached.0 - p50).abs() < 1e-9);
        assert!(table(&report).rows.len() <= ROWS + 1);
        assert_eq!(table(&sample::nothing()).rows.len(), 0);
    }
}
