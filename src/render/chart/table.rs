//! The figures behind a chart, as rows of text: for who cannot see it, or wants to copy them.

use std::collections::BTreeMap;

use super::axis::{self, Unit};
use super::content::Line;
use super::marked::Marked;
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

/// A table of rows that each begin at some second, with the hooks that ran: each in the last row that
/// begins before it.
pub(super) fn timed(
    report: &Report,
    mut head: Vec<String>,
    rows: impl Iterator<Item = (f64, Vec<String>)>,
) -> Table {
    let (froms, mut rows): (Vec<f64>, Vec<Vec<String>>) = rows.unzip();
    let Marked { hooks, .. } = Marked::of(report);
    if hooks.is_empty() {
        return Table { head, rows };
    }
    head.push("Hooks".to_owned());
    for row in &mut rows {
        row.push(String::new());
    }
    for hook in hooks {
        let begun = froms.partition_point(|from| *from <= hook.seconds.0);
        let row = rows.get_mut(begun.saturating_sub(1)).and_then(|row| row.last_mut());
        let Some(cell) = row else { continue };
        let comma = if cell.is_empty() { "" } else { ", " };
        *cell = format!("{cell}{comma}{}", hook.said());
    }
    Table { head, rows }
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
            let from = point.at_s as f64;
            (from, std::iter::once(axis::clock(from)).chain(cells).collect())
        })
    };
    let names = content.lines.iter().map(|line| line.name);
    let head = std::iter::once("From")
        .chain(names)
        .chain(content.layers.iter().map(|layer| layer.name))
        .map(str::to_owned)
        .collect();
    timed(report, head, report.timeline.iter().enumerate().filter_map(row))
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
    fn hooks_are_listed_where_they_ran() {
        let report = sample::hooked();
        for chart in Chart::OVER_TIME {
            let table = table(&report, chart);
            assert_eq!(table.head.last().unwrap(), "Hooks", "{chart:?}");
            let listed = table.rows.iter().filter(|row| !row.last().unwrap().is_empty());
            let listed: Vec<_> = listed.map(|row| (&*row[0], &**row.last().unwrap())).collect();
            let both = "<restart> at 12s, a hook whose name is to… at 12.1s";
            assert_eq!(listed, [("12s", both), ("40s", "<restart> cleanup at 40s")], "{chart:?}");
            assert!(table.rows.iter().all(|row| row.len() == table.head.len()), "{chart:?}");
        }
        assert!(!table(&report, Chart::Completion).head.contains(&"Hooks".to_owned()));
    }

    #[test]
    fn a_chart_without_anything_has_no_row() {
        assert_eq!(table(&sample::nothing(), Chart::Latency).rows.len(), 0);
    }
}
