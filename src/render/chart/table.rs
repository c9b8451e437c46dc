//! The figures behind a chart, as rows of text: for who cannot see it, or wants to copy them.

use std::collections::BTreeMap;

use super::axis::{self, Unit};
use super::content::Line;
use super::{Chart, completion, content, heat};
use crate::model::report::Report;

/// A chart as a table; its first column is when a step of time begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What each column holds.
    pub head: Vec<String>,
    /// A row each step in which the chart shows anything.
    pub rows: Vec<Vec<String>>,
}

/// The table behind a chart; without rows where the chart is empty.
pub fn table(report: &Report, chart: Chart) -> Table {
    match chart {
        Chart::Heat => heat::table(report),
        Chart::Completion => completion::table(report),
        _ => over_time(report, chart),
    }
}

fn over_time(report: &Report, chart: Chart) -> Table {
    let content = content::of(report, chart);
    if content.empty.is_some() {
        return Table { head: Vec::new(), rows: Vec::new() };
    }
    // Twice the seconds of a step's middle are whole.
    let key = |seconds: f64| (seconds * 2.0).round() as u64;
    let points = |line: &Line| line.pieces.concat();
    let of = |number: usize| {
        let lone = content.lone.get(number).map(points).unwrap_or_default();
        let all = points(&content.lines[number]).into_iter().chain(lone);
        all.map(|(at, value)| (key(at), value)).collect()
    };
    let lines: Vec<BTreeMap<u64, f64>> = (0..content.lines.len()).map(of).collect();
    let unit = content.scale.unit;
    let row = |(number, point): (usize, &crate::model::report::timeline::Point)| {
        let middle = 2 * point.at_s + point.width_s;
        let drawn = lines.iter().map(|line| line.get(&middle).copied());
        let stacked = content.layers.iter().map(|layer| layer.rates.get(number).map(|rate| rate.2));
        let values: Vec<Option<f64>> = drawn.chain(stacked).collect();
        values.iter().any(|value| value.is_some_and(|value| value > 0.0)).then(|| {
            let cells = values.into_iter().map(|value| value.map_or("–".to_owned(), shown(unit)));
            std::iter::once(axis::clock(point.at_s as f64)).chain(cells).collect()
        })
    };
    let names = content.lines.iter().map(|line| line.name);
    Table {
        head: std::iter::once("From")
            .chain(names)
            .chain(content.layers.iter().map(|layer| layer.name))
            .map(str::to_owned)
            .collect(),
        rows: report.timeline.iter().enumerate().filter_map(row).collect(),
    }
}

fn shown(unit: Unit) -> impl Fn(f64) -> String {
    let unit = if unit == Unit::LogTime { Unit::Time } else { unit };
    move |value| unit.written(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn each_step_that_shows_anything_is_a_row() {
        let report = sample::storm();
        for chart in Chart::ALL.into_iter().chain([Chart::Response, Chart::Service]) {
            let table = table(&report, chart);
            // In the first second nobody is in flight yet; in the last one runs end, and no call.
            let empty = 1 + usize::from(chart == Chart::InFlight);
            assert_eq!(table.rows.len(), report.timeline.len() - empty, "{chart:?}");
            assert!(table.rows.iter().all(|row| row.len() == table.head.len()), "{chart:?}");
        }
        let latency = table(&report, Chart::Latency);
        assert_eq!(latency.head[..2], ["From", "response p99"]);
        assert_eq!(latency.rows[1][..2], ["1s", "148ms"]);
    }

    #[test]
    fn a_chart_without_anything_has_no_row() {
        assert_eq!(table(&sample::nothing(), Chart::Latency).rows.len(), 0);
    }
}
