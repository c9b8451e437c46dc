//! The target's own metrics, as `run.json` holds them, and the lines drawn of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::failures::{Failure, seconds};
use crate::model::metrics::choice::{self, Chart, Line, Shows};
use crate::model::metrics::{Collected, History, Kind};

/// A rate is drawn of no shorter time: the last page may follow closely on the one before it, and
/// one request in a thousandth of a second would look like a thousand a second.
const SHORTEST_S: f64 = 0.2;

/// What the target's metrics page said from before the load until after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetMetrics {
    /// The page as the scenario names it, without query.
    pub url: String,
    /// Names of series the scenario asks for; none: squall chose.
    pub asked_for: Vec<String>,
    /// How often it was asked.
    pub asked: u64,
    /// How often it answered with metrics.
    pub answered: u64,
    /// The longest it took to answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_us: Option<u64>,
    /// How it failed.
    pub failures: Vec<Failure>,
    /// Series of one page that found no room, at most.
    pub left_out: u64,
    /// When it was asked, in seconds from the start of the load; the last of each step of time.
    pub at_s: Vec<f64>,
    /// Its series.
    pub series: Vec<Series>,
    /// What is drawn of them.
    pub charts: Vec<Chart>,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// Its labels as the target wrote them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub labels: String,
    /// What its value is.
    pub kind: Kind,
    /// Its first value; 0 for a counter that came later.
    pub first: f64,
    /// Its last value.
    pub last: f64,
    /// Its lowest value.
    pub lowest: f64,
    /// Its highest value.
    pub highest: f64,
    /// How much it grew, falls of what only grows taken as restarts.
    pub rise: f64,
    /// How often a value that only grows fell.
    #[serde(default)]
    pub restarts: u32,
    /// Its value at each of `at_s`, if it is drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Option<f64>>,
}

/// Seconds and values, in pieces without a gap.
pub type Pieces = Vec<Vec<(f64, f64)>>;

impl TargetMetrics {
    /// Takes what was collected over, and chooses what is drawn.
    pub fn fill(&mut self, collected: &Collected) {
        self.left_out = collected.left_out();
        self.at_s = collected.instants().into_iter().map(seconds).collect();
        self.charts = choice::charts(collected.series(), &self.asked_for);
        let lines = self.charts.iter().flat_map(|chart| &chart.lines);
        let drawn: BTreeSet<usize> =
            lines.flat_map(|line| [Some(line.series), line.over]).flatten().collect();
        let series = collected.series().iter().enumerate();
        self.series = series
            .map(|(number, history)| {
                let values = drawn.contains(&number).then(|| collected.values(history));
                told(history, values.unwrap_or_default())
            })
            .collect();
    }

    /// The points of a line of a chart; a rate stands in the middle of the time it is of.
    pub fn points(&self, shows: Shows, line: Line) -> Pieces {
        let values = |number: usize| {
            self.series.get(number).map_or(&[][..], |series| series.values.as_slice())
        };
        let series = values(line.series);
        let count = line.over.map(values);
        let mut pieces = vec![Vec::new()];
        for number in 0..self.at_s.len() {
            let point = match shows {
                Shows::Value => {
                    series.get(number).copied().flatten().map(|it| (self.at_s[number], it))
                }
                Shows::Rate => self
                    .step(number)
                    .and_then(|(middle, seconds)| Some((middle, grown(series, number)? / seconds))),
                Shows::Mean => self.step(number).and_then(|(middle, _)| {
                    let count = grown(count?, number).filter(|count| *count > 0.0)?;
                    Some((middle, grown(series, number)? / count))
                }),
            };
            // A sum over next to nothing may have no end.
            let point = point.filter(|(_, value)| value.is_finite());
            match (point, pieces.last_mut()) {
                (Some(point), Some(piece)) => piece.push(point),
                (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
                _ => {}
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// The middle and the length of the time before a page.
    fn step(&self, number: usize) -> Option<(f64, f64)> {
        let (before, at) = (self.at_s[number.checked_sub(1)?], self.at_s[number]);
        (at - before >= SHORTEST_S).then(|| (f64::midpoint(before, at), at - before))
    }

    /// Seconds between its first and its last page.
    pub fn seconds(&self) -> f64 {
        let ends = self.at_s.first().zip(self.at_s.last());
        ends.map_or(0.0, |(first, last)| last - first)
    }
}

/// How much a value that only grows grew since the page before; a fall is a restart from 0.
fn grown(values: &[Option<f64>], number: usize) -> Option<f64> {
    let now = values.get(number).copied().flatten()?;
    let before = values.get(number.checked_sub(1)?).copied().flatten()?;
    Some(if now < before { now } else { now - before })
}

fn told(history: &History, values: Vec<Option<f64>>) -> Series {
    Series {
        name: history.name.clone(),
        labels: history.labels.clone(),
        kind: history.kind,
        first: history.first,
        last: history.last,
        lowest: history.lowest,
        highest: history.highest,
        rise: history.rise,
        restarts: history.restarts,
        values,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::metrics::Sample;

    fn pages(pages: &[Option<[f64; 3]>]) -> TargetMetrics {
        let mut collected = Collected::default();
        for (number, page) in (0..).zip(pages) {
            let at = Duration::from_secs(2 * number);
            let Some(values) = page else {
                collected.missing(at);
                continue;
            };
            let named =
                [("a_total", Kind::Counter), ("t_sum", Kind::Sum), ("t_count", Kind::Count)];
            let samples: Vec<_> = named
                .iter()
                .zip(values)
                .map(|((name, kind), value)| Sample {
                    name,
                    labels: "",
                    kind: *kind,
                    value: *value,
                })
                .collect();
            collected.page(at, &samples, 0, &[]);
        }
        let mut metrics = TargetMetrics::default();
        metrics.fill(&collected);
        metrics
    }

    #[test]
    fn a_rate_stands_in_the_middle_of_its_time_and_a_gap_is_a_gap() {
        let page = |count: f64| Some([count, 10.0 * count, 2.0 * count]);
        let metrics =
            pages(&[page(0.0), page(4.0), page(4.0), None, page(9.0), page(1.0), page(2.0)]);
        let line = |series, over| Line { series, over };
        let rate = metrics.points(Shows::Rate, line(0, None));
        assert_eq!(rate, [vec![(1.0, 2.0), (3.0, 0.0)], vec![(9.0, 0.5), (11.0, 0.5)]]);
        let mean = metrics.points(Shows::Mean, line(1, Some(2)));
        assert_eq!(mean, [vec![(1.0, 5.0)], vec![(9.0, 5.0), (11.0, 5.0)]]);
        let value = metrics.points(Shows::Value, line(0, None));
        assert_eq!(value[0], [(0.0, 0.0), (2.0, 4.0), (4.0, 4.0)]);
        assert_eq!((value[1].len(), metrics.seconds()), (3, 12.0));
        assert_eq!((metrics.series[0].rise, metrics.series[0].restarts), (11.0, 1));
    }

    #[test]
    fn no_rate_is_drawn_of_a_moment() {
        let mut metrics = pages(&[Some([0.0; 3]), Some([4.0; 3]), Some([5.0; 3])]);
        metrics.at_s[2] = metrics.at_s[1] + 0.001;
        let rate = metrics.points(Shows::Rate, Line { series: 0, over: None });
        assert_eq!(rate, [vec![(1.0, 2.0)]]);
    }

    #[test]
    fn a_mean_without_end_is_no_point() {
        let metrics = pages(&[Some([0.0; 3]), Some([1.0, 5e299, 1e-300]), Some([2.0, 1e300, 1.0])]);
        let mean = metrics.points(Shows::Mean, Line { series: 1, over: Some(2) });
        assert_eq!(mean, [vec![(3.0, 5e299)]]);
    }

    #[test]
    fn only_what_is_drawn_keeps_its_values() {
        let metrics = pages(&[Some([1.0, 1.0, 1.0]), Some([2.0, 1.0, 1.0])]);
        let kept: Vec<usize> = metrics.series.iter().map(|series| series.values.len()).collect();
        assert_eq!(kept, [2, 0, 0]);
    }
}
