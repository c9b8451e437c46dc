//! Which series are worth a chart: those asked for, else what a person looks at first.
//!
//! First come processor time, memory, open files, requests in flight and requests in all, whether
//! they moved or not; then whatever else moved, in the order of the page.

use serde::{Deserialize, Serialize};

use super::{History, Kind};

/// Charts at most.
pub const MOST_CHARTS: usize = 12;
/// Lines of one chart at most.
const MOST_LINES: usize = 4;

/// A chart: one metric, a line for each of its label sets that moved most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// The metric's name.
    pub name: String,
    /// What is drawn of it.
    pub shows: Shows,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Label sets for which there was no room.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is drawn of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shows {
    /// How much it grew, a second.
    Rate,
    /// Its value.
    Value,
    /// The mean of what a histogram or summary saw meanwhile.
    Mean,
}

/// A line, by the numbers of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The series that is drawn; the sum, of a mean.
    pub series: usize,
    /// The series that counts what the sum is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<usize>,
}

/// Words in names of what a person looks at first, the most wanted first.
const FIRST: [&[&str]; 5] = [
    &["cpu"],
    &["resident_memory", "working_set", "_rss"],
    &["open_fds", "file_descriptors", "open_files"],
    &["in_flight", "inflight", "in_progress", "active_requests"],
    &["requests_total", "request_count"],
];

/// Whether a series of this name is asked for: by its own name, or its histogram's.
pub fn is_named(name: &str, asked: &[String]) -> bool {
    asked.iter().any(|asked| asked == name || *asked == base(name))
}

fn base(name: &str) -> &str {
    name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count")).unwrap_or(name)
}

/// The charts of these series: of those `asked` for in that order, or chosen here when none is.
pub fn charts(series: &[History], asked: &[String]) -> Vec<Chart> {
    let mut charts = all(series);
    if asked.is_empty() {
        charts.retain(|(chart, moved)| rank(&chart.name) < FIRST.len() || *moved);
        charts.sort_by_key(|(chart, moved)| (rank(&chart.name), !*moved));
    } else {
        let place = |chart: &Chart| {
            asked.iter().position(|name| *name == chart.name || *name == base(&chart.name))
        };
        charts.retain(|(chart, _)| place(chart).is_some());
        charts.sort_by_key(|(chart, _)| place(chart));
    }
    charts.truncate(MOST_CHARTS);
    charts.into_iter().map(|(chart, _)| chart).collect()
}

fn rank(name: &str) -> usize {
    let is = |words: &&[&str]| words.iter().any(|word| name.contains(word));
    FIRST.iter().position(is).unwrap_or(FIRST.len())
}

/// Every chart there could be, and whether anything in it moved, in the order of the page.
fn all(series: &[History]) -> Vec<(Chart, bool)> {
    let mut charts: Vec<(Chart, bool)> = Vec::new();
    let mut add = |name: &str, shows: Shows, line: Line, moved: bool| {
        let same = |chart: &&mut (Chart, bool)| chart.0.name == name && chart.0.shows == shows;
        if let Some((chart, any)) = charts.iter_mut().find(same) {
            chart.lines.push(line);
            *any |= moved;
        } else {
            let chart = Chart { name: name.to_owned(), shows, lines: vec![line], more: 0 };
            charts.push((chart, moved));
        }
    };
    for (number, history) in series.iter().enumerate() {
        let alone = Line { series: number, over: None };
        match history.kind {
            Kind::Gauge => add(&history.name, Shows::Value, alone, history.moved()),
            Kind::Counter | Kind::Count => add(&history.name, Shows::Rate, alone, history.moved()),
            Kind::Sum => {
                let Some(count) = count_of(series, history) else { continue };
                let line = Line { series: number, over: Some(count) };
                add(base(&history.name), Shows::Mean, line, series[count].moved());
            }
        }
    }
    for (chart, _) in &mut charts {
        shorten(chart, series);
    }
    charts
}

fn count_of(series: &[History], sum: &History) -> Option<usize> {
    let is_it = |other: &History| {
        other.kind == Kind::Count
            && base(&other.name) == base(&sum.name)
            && other.labels == sum.labels
    };
    series.iter().position(is_it)
}

/// Keeps the lines that moved most.
fn shorten(chart: &mut Chart, series: &[History]) {
    let weight = |line: &Line| {
        let history = &series[line.over.unwrap_or(line.series)];
        let moved =
            if history.kind.grows() { history.rise } else { history.highest - history.lowest };
        (moved, history.highest)
    };
    chart.lines.sort_by(|one, other| {
        let (one, other) = (weight(one), weight(other));
        other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1))
    });
    chart.more = chart.lines.len().saturating_sub(MOST_LINES) as u64;
    chart.lines.truncate(MOST_LINES);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Collected, Sample};
    use super::*;

    /// Series with a first and a last value each.
    fn collected(series: &[(&str, &str, Kind, f64, f64)]) -> Collected {
        let mut collected = Collected::default();
        for second in 0..2 {
            let samples: Vec<_> = series
                .iter()
                .map(|(name, labels, kind, first, last)| {
                    let value = if second == 0 { *first } else { *last };
                    Sample { name, labels, kind: *kind, value }
                })
                .collect();
            collected.page(Duration::from_secs(second), &samples, 0, &[]);
        }
        collected
    }

    fn names(charts: &[Chart]) -> Vec<(&str, Shows)> {
        charts.iter().map(|chart| (chart.name.as_str(), chart.shows)).collect()
    }

    #[test]
    fn what_a_person_looks_at_first_comes_first_and_what_stood_still_not_at_all() {
        let collected = collected(&[
            ("still", "", Kind::Gauge, 1.0, 1.0),
            ("queue", "", Kind::Gauge, 0.0, 3.0),
            ("http_requests_total", "", Kind::Counter, 5.0, 9.0),
            ("took_seconds_sum", "", Kind::Sum, 1.0, 2.0),
            ("took_seconds_count", "", Kind::Count, 4.0, 8.0),
            ("process_open_fds", "", Kind::Gauge, 9.0, 9.0),
            ("process_cpu_seconds_total", "", Kind::Counter, 0.5, 0.7),
        ]);
        let charts = charts(collected.series(), &[]);
        let expected = [
            ("process_cpu_seconds_total", Shows::Rate),
            ("process_open_fds", Shows::Value),
            ("http_requests_total", Shows::Rate),
            ("queue", Shows::Value),
            ("took_seconds", Shows::Mean),
            ("took_seconds_count", Shows::Rate),
        ];
        assert_eq!(names(&charts), expected);
        assert_eq!(charts[4].lines, [Line { series: 3, over: Some(4) }]);
    }

    #[test]
    fn those_asked_for_come_in_that_order_and_no_other() {
        let collected = collected(&[
            ("a", "", Kind::Gauge, 1.0, 1.0),
            ("took_sum", "", Kind::Sum, 1.0, 2.0),
            ("took_count", "", Kind::Count, 4.0, 8.0),
            ("cpu", "", Kind::Gauge, 9.0, 10.0),
        ]);
        let asked = ["took", "a", "gone"].map(str::to_owned);
        let charts = charts(collected.series(), &asked);
        let expected = [("took", Shows::Mean), ("took_count", Shows::Rate), ("a", Shows::Value)];
        assert_eq!(names(&charts), expected);
    }

    #[test]
    fn there_are_twelve_charts_of_four_lines_at_most() {
        let labels: Vec<String> = (0..30).map(|number| format!("a=\"{number}\"")).collect();
        let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
        let series: Vec<_> = names
            .iter()
            .flat_map(|name| {
                labels.iter().zip(0_u8..).map(move |(labels, moved)| {
                    (name.as_str(), labels.as_str(), Kind::Counter, 0.0, f64::from(moved))
                })
            })
            .collect();
        let collected = collected(&series);
        let charts = charts(collected.series(), &[]);
        assert_eq!(charts.len(), MOST_CHARTS);
        let lines: Vec<usize> = charts[0].lines.iter().map(|line| line.series).collect();
        assert_eq!((lines, charts[0].more), (vec![29, 28, 27, 26], 26));
    }
}
