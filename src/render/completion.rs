//! A percentile of the time to completion as it is shown, marked where it is no plain figure.

use crate::model::figure;
use crate::model::histogram::Histogram;
use crate::model::report::Report;
use crate::model::report::figures::CompletionFigure;
use crate::model::summary::runs::Runs;

/// What stands before a figure that is a lower bound, and before one that is an estimate.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// Too few runs completed to say more.
    pub at_least: &'static str,
    /// Fewer runs were seen to complete by then, for others were cut or stopped before.
    pub about: &'static str,
}

/// Each percentile with its name, marked; none without runs.
pub fn percentiles(report: &Report, marks: Marks) -> Vec<(&str, String)> {
    let encoded = report.histograms.get("run.completion");
    let run = &report.summary.run;
    let runs = Runs {
        completed: run.completed,
        stopped: run.stopped,
        cut: run.cut,
        failed: run.failed,
        completion: encoded.and_then(|text| Histogram::decode(text).ok()).unwrap_or_default(),
        ..Runs::default()
    };
    let shown = |(name, figure): (&'_ String, &CompletionFigure)| {
        let mark = match figure.at_least {
            true => marks.at_least,
            false if share(name).is_some_and(|share| runs.is_estimated(figure.us, share)) => {
                marks.about
            }
            false => "",
        };
        format!("{mark}{}", figure::micros(figure.us))
    };
    run.completion.iter().map(|it| (it.0.as_str(), shown(it))).collect()
}

/// The share (0 to 1) that a name such as `p95` stands for.
fn share(name: &str) -> Option<f64> {
    Some(name.strip_prefix('p')?.parse::<f64>().ok()? / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Event, Fate};
    use crate::model::report::sample;
    use crate::model::summary;

    #[test]
    fn an_estimate_and_a_lower_bound_are_marked() {
        let mut summary = summary::sample::empty();
        let mut add = |seconds: u64, fate| {
            summary.add(&Event::Run(summary::sample::run(1, 0, seconds * 1000, fate)));
        };
        (0..6).for_each(|_| add(1, Fate::Completed));
        (0..2).for_each(|_| add(2, Fate::Cut));
        add(3, Fate::Completed);
        add(4, Fate::Cut);
        let report = sample::of(&summary, &[]);
        let shown = percentiles(&report, Marks { at_least: ">= ", about: "~ " });
        let shown: Vec<_> = shown.iter().map(|(name, text)| format!("{name} {text}")).collect();
        // Half of what was left at 3 s completed then: 80% by estimate, 70% seen.
        assert_eq!(shown, ["p50 1s", "p90 >= 4s", "p95 >= 4s", "p99 >= 4s"]);
        summary.add(&Event::Run(summary::sample::run(1, 0, 9_000, Fate::Completed)));
        let report = sample::of(&summary, &[]);
        let shown = percentiles(&report, Marks { at_least: ">= ", about: "~ " });
        assert!(shown[1..].iter().all(|(_, text)| text.starts_with("~ 9")), "{shown:?}");
        assert!(percentiles(&sample::nothing(), Marks { at_least: "", about: "" }).is_empty());
    }
}
