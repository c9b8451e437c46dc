//! Charts of the page, each with a sentence on how to read it and the figures behind it.

use serde::Serialize;

use crate::model::report::Report;
use crate::render::chart::table::Table;
use crate::render::chart::{self, Chart, DrawError};

/// A chart, ready for the template.
#[derive(Serialize)]
pub(super) struct Figure {
    title: &'static str,
    note: &'static str,
    svg: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// These charts of a report.
pub(super) fn drawn(report: &Report, charts: &[Chart]) -> Result<Vec<Figure>, DrawError> {
    charts.iter().map(|chart| figure(report, *chart)).collect()
}

fn figure(report: &Report, chart: Chart) -> Result<Figure, DrawError> {
    let Table { head, rows } = chart::table::table(report, chart);
    let svg = chart::svg(report, chart)?;
    Ok(Figure { title: chart.title(), note: note(chart), svg, head, rows })
}

const fn note(chart: Chart) -> &'static str {
    match chart {
        Chart::Latency => {
            "The wide lines are response, what users felt; the thin ones are service, what the \
             target took for the request alone. By the step of time in which a call ended; an open point \
             is a step of fewer than ten calls, which says more of those calls than of the target. \
             Dashed: a limit."
        }
        Chart::Heat => {
            "Each field is a step of time and a band of response; the stronger its colour, the more \
             calls ended there. Two bands at once are two kinds of call, a rising one is a queue. \
             Calls that the end of the run cut are in its last step."
        }
        Chart::Throughput => "When due and ended part, the target does not keep up.",
        Chart::InFlight => "Calls open are due and not ended, wherever they wait.",
        Chart::Sessions => {
            "Sessions opened and neither closed nor forgotten by their client, and users at work; \
             the most of each step."
        }
        Chart::Outcomes => {
            "Tool calls a second, by the second in which they ended. Cut: taken away by their person, \
             or unfinished when the run ended."
        }
        Chart::Response => {
            "What users felt, failures with the time until they failed. Open points are steps of \
             fewer than ten calls; of fewer than a hundred, p99 is about the slowest."
        }
        Chart::Service => {
            "From the request's first byte until the answer was whole. Open points are steps of \
             fewer than ten calls; of fewer than a hundred, p99 is about the slowest."
        }
        Chart::Completion => {
            "The share of all runs that was done so long after it was due. A run that was cut by the \
             end of the load or stopped by its person was never seen to complete: it counts as still \
             at work until then, and from then on as no slower and no faster than the runs that were \
             seen for longer (Kaplan-Meier). That is an estimate; what was seen is drawn below it. \
             When the run that was seen longest was cut, or when runs failed, the curve ends below \
             100%."
        }
        Chart::Runs => "Runs due and not ended, at the end of each step.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;
    use crate::model::report::timeline::FEW;

    #[test]
    fn a_step_of_few_calls_is_drawn_as_its_caption_says_and_listed_as_any() {
        let of_first = |count| {
            let mut report = sample::storm();
            let steps = report.timeline.iter_mut();
            let mut calls = steps.filter_map(|step| step.operations.get_mut("tools/call"));
            calls.next().unwrap().count = count;
            calls.for_each(|others| others.count = FEW);
            let figure = figure(&report, Chart::Latency).unwrap();
            (figure.svg.matches("<circle").count(), figure.rows)
        };
        let (enough, few) = (of_first(FEW), of_first(FEW - 1));
        // Two percentiles of response, two of service.
        assert_eq!((enough.0, few.0), (0, 4));
        assert_eq!(enough.1, few.1);
        assert!(FEW == 10 && note(Chart::Latency).contains("fewer than ten calls"));
    }
}
