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
            "Response is what users felt; service is what the target took for the request alone. By \
             the second in which a call ended. Dashed: a limit."
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
        Chart::Response => "What users felt, failures with the time until they failed.",
        Chart::Service => "From the request's first byte until the answer was whole.",
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
