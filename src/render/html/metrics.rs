//! The target's own metrics beside ours, as a section of the page.
//!
//! Names and labels are the target's words: they stand beside the pictures, where the template
//! escapes them, and never in one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::metrics::Kind;
use crate::model::metrics::choice::{Chart, Shows};
use crate::model::report::Report;
use crate::model::report::metrics::{Pieces, Series, TargetMetrics};
use crate::model::report::timeline::Point;
use crate::render::chart::DrawError;
use crate::render::chart::lines::{Lines, Unit, clock, written};
use crate::render::chart::marked::Marked;
use crate::render::health;
use crate::render::visible;

/// Rows of the table of all series; the others are in `run.json`.
const MOST_ROWS: usize = 200;
/// Rows of the table behind one chart.
const MOST_STEPS: usize = 100;
/// Characters of a name or of labels.
const LONGEST: usize = 120;

/// The section.
#[derive(Serialize)]
pub(super) struct Section {
    sentences: Vec<String>,
    charts: Vec<Small>,
    rows: Vec<Vec<String>>,
    more: usize,
}

/// One small chart.
#[derive(Serialize)]
struct Small {
    title: String,
    note: String,
    svg: String,
    /// What each line is.
    keys: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The section of a report whose scenario names a metrics page.
pub(super) fn section(report: &Report) -> Result<Option<Section>, DrawError> {
    let Some(metrics) = &report.target_metrics else { return Ok(None) };
    let end = report.timeline.last().map_or(1.0, |last| (last.at_s + last.width_s) as f64);
    let theirs =
        metrics.charts.iter().map(|chart| small(metrics, chart, (end, Marked::of(report))));
    let shown = !metrics.charts.is_empty();
    let charts: Result<Vec<Small>, DrawError> =
        OURS.iter().filter(|_| shown).map(|ours| own(report, ours, end)).chain(theirs).collect();
    let mut series: Vec<&Series> = metrics.series.iter().collect();
    series.sort_by_key(|series| series.lowest >= series.highest);
    let seconds = metrics.seconds();
    Ok(Some(Section {
        sentences: health::metrics(metrics),
        charts: charts?,
        rows: series.iter().take(MOST_ROWS).map(|series| row(series, seconds)).collect(),
        more: series.len().saturating_sub(MOST_ROWS),
    }))
}

/// What squall saw of the same, to lay the target's own figures beside.
struct Ours {
    title: &'static str,
    note: &'static str,
    unit: Unit,
    value: fn(&Point) -> Option<f64>,
}

const OURS: [Ours; 2] = [
    Ours {
        title: "squall: HTTP requests",
        note: "a second, by when they ended",
        unit: Unit::Rate,
        value: |point| Some(f64::from(point.exchanges) / point.width_s as f64),
    },
    Ours {
        title: "squall: HTTP requests in flight",
        note: "most in each step of time",
        unit: Unit::Number,
        value: |point| point.in_flight.map(f64::from),
    },
];

fn own(report: &Report, ours: &Ours, end: f64) -> Result<Small, DrawError> {
    let middle = |point: &Point| point.at_s as f64 + point.width_s as f64 / 2.0;
    let value = |point: &Point| Some((middle(point), (ours.value)(point)?));
    let lines: Vec<Pieces> = vec![vec![report.timeline.iter().filter_map(value).collect()]];
    Ok(Small {
        title: ours.title.to_owned(),
        note: ours.note.to_owned(),
        keys: vec![ours.note.to_owned()],
        rows: rows(&lines, ours.unit),
        svg: Lines { unit: ours.unit, end, lines, marked: Marked::of(report), small: true }
            .svg()?,
    })
}

fn small(
    metrics: &TargetMetrics,
    chart: &Chart,
    (end, marked): (f64, Marked),
) -> Result<Small, DrawError> {
    let unit = unit(&chart.name, chart.shows);
    let lines: Vec<Pieces> =
        chart.lines.iter().map(|line| metrics.points(chart.shows, *line)).collect();
    let what = match chart.shows {
        Shows::Rate => "growth a second",
        Shows::Value => "value",
        Shows::Mean => "mean of what came meanwhile",
    };
    let more = match chart.more {
        0 => String::new(),
        more => format!("; {more} more label sets moved less"),
    };
    let keys = chart.lines.iter().map(|line| {
        let labels = metrics.series.get(line.series).map_or("", |series| series.labels.as_str());
        if labels.is_empty() { what.to_owned() } else { shown(labels) }
    });
    Ok(Small {
        title: shown(&chart.name),
        note: format!("{what}{more}"),
        keys: keys.collect(),
        rows: rows(&lines, unit),
        svg: Lines { unit, end, lines, marked, small: true }.svg()?,
    })
}

/// The figures behind a chart: evenly chosen instants where there are too many.
fn rows(lines: &[Pieces], unit: Unit) -> Vec<Vec<String>> {
    // Instants are whole milliseconds, their middles half ones.
    let key = |at: f64| (at * 2_000.0).round() as u64;
    let mut at: BTreeMap<u64, Vec<Option<f64>>> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate() {
        for (instant, value) in line.iter().flatten() {
            at.entry(key(*instant)).or_insert_with(|| vec![None; lines.len()])[number] =
                Some(*value);
        }
    }
    let stride = at.len().div_ceil(MOST_STEPS).max(1);
    let cell = |value: &Option<f64>| value.map_or("–".to_owned(), |value| written(unit, value));
    at.iter()
        .step_by(stride)
        .map(|(key, values)| {
            std::iter::once(clock(*key as f64 / 2_000.0)).chain(values.iter().map(cell)).collect()
        })
        .collect()
}

fn row(series: &Series, seconds: f64) -> Vec<String> {
    let unit = unit(&series.name, Shows::Value);
    let name = match series.labels.as_str() {
        "" => shown(&series.name),
        labels => format!("{}{{{}}}", shown(&series.name), shown(labels)),
    };
    let rate = (series.kind != Kind::Gauge && seconds > 0.0)
        .then(|| written(self::unit(&series.name, Shows::Rate), series.rise / seconds));
    let cells = [series.first, series.last, series.lowest, series.highest];
    std::iter::once(name)
        .chain(cells.map(|value| written(unit, value)))
        .chain([rate.unwrap_or("–".to_owned())])
        .collect()
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    visible::line(&shown)
}

/// The unit that a name says it has, as Prometheus advises names.
fn unit(name: &str, shows: Shows) -> Unit {
    let bytes = name.contains("_bytes");
    let instant = name.contains("_time_seconds") || name.contains("timestamp");
    // The seconds that a counter counts are no times of anything.
    let seconds = name.contains("_seconds") && !instant && !name.ends_with("_total");
    match shows {
        Shows::Rate if bytes => Unit::ByteRate,
        Shows::Rate => Unit::Rate,
        Shows::Value | Shows::Mean if bytes => Unit::Bytes,
        Shows::Mean if seconds => Unit::Seconds,
        Shows::Value if seconds && !name.ends_with("_count") => Unit::Seconds,
        Shows::Value | Shows::Mean => Unit::Number,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::metrics::{Collected, Sample};
    use crate::model::report::sample;

    #[test]
    fn each_series_is_drawn_or_told() {
        let section = section(&sample::watched()).unwrap().unwrap();
        assert!(section.charts[..2].iter().all(|chart| chart.title.starts_with("squall: ")));
        let theirs = &section.charts[2..];
        let charts: Vec<_> =
            theirs.iter().map(|chart| (chart.title.as_str(), chart.keys.len())).collect();
        let expected = [
            ("process_cpu_seconds_total", 1),
            ("process_resident_memory_bytes", 1),
            ("requests_total", 2),
            ("took_seconds", 1),
            ("took_seconds_count", 1),
        ];
        assert_eq!(charts, expected);
        let requests = &theirs[2];
        assert_eq!(requests.keys[0], "path=\"/mcp\"");
        assert_eq!(requests.rows[0], ["1s", "90/s", "7/s"]);
        // Of 59 steps six touch a page that failed.
        assert_eq!(requests.rows.len(), 53);
        assert_eq!(theirs[3].rows[0], ["1s", "3.09ms"]);
        assert_eq!(section.rows.len(), 7);
        let memory = ["process_resident_memory_bytes", "40 MB", "45.9 MB", "40 MB", "45.9 MB", "–"];
        assert_eq!(section.rows[1], memory);
        assert_eq!(section.rows[6][0], "never_moves", "what stood still comes last");
    }

    #[test]
    fn a_target_with_too_much_to_say_is_cut() {
        let mut report = sample::watched();
        let metrics = report.target_metrics.as_mut().unwrap();
        let long =
            Series { name: "x".repeat(400), values: Vec::new(), ..metrics.series[0].clone() };
        metrics.series.extend(vec![long; 500]);
        let section = section(&report).unwrap().unwrap();
        assert_eq!((section.rows.len(), section.more), (MOST_ROWS, 307));
        assert!(section.rows.iter().all(|row| row[0].chars().count() <= LONGEST + 60));
    }

    #[test]
    fn an_hour_of_everything_is_small() {
        let names: Vec<String> = (0..30).map(|number| format!("metric_{number}_total")).collect();
        let mut collected = Collected::default();
        for second in 0..3_600_u32 {
            let moved = f64::from(second * second % 977);
            let labels: Vec<String> = (0..40).map(|label| format!("path=\"/{label}\"")).collect();
            let sample = |(name, labels)| Sample { name, labels, kind: Kind::Gauge, value: moved };
            let all = names
                .iter()
                .flat_map(|name| labels.iter().map(move |it| (name.as_str(), it.as_str())));
            let samples: Vec<_> = all.map(sample).collect();
            collected.page(Duration::from_secs(u64::from(second)), &samples, 0, &[]);
        }
        let mut report = sample::watched();
        report.target_metrics.as_mut().unwrap().fill(&collected);
        let metrics = report.target_metrics.as_ref().unwrap();
        assert_eq!(
            (metrics.at_s.len(), metrics.charts.len(), metrics.series.len()),
            (450, 12, 1_200)
        );
        let page = crate::render::html::page(&report).unwrap();
        assert!(page.len() < 1_000_000, "{}", page.len());
        assert!(serde_json::to_string(&report).unwrap().len() < 1_500_000);
    }
}
