//! What each chart shows: named lines or a stack, read from a report.

use plotters::style::RGBColor;

use super::axis::{Scale, Unit};
use super::marked::Marked;
use super::{Chart, completion, heat};
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::timeline::{Brief, Moment, Point};
use crate::model::threshold::Threshold;

/// What one chart shows.
pub(super) struct Content {
    pub(super) scale: Scale,
    /// The end of the time axis, in seconds.
    pub(super) end: f64,
    pub(super) lines: Vec<Line>,
    /// Points of the same lines that too few calls made for a line to lead through them; in the
    /// order of the lines, or empty.
    pub(super) lone: Vec<Line>,
    pub(super) layers: Vec<Layer>,
    pub(super) fields: Vec<Field>,
    /// What the colours of fields mean.
    pub(super) key: Vec<(String, RGBColor)>,
    /// What happened beside the load.
    pub(super) marked: Marked,
    /// Values that must not be passed, in the unit of the scale.
    pub(super) limits: Vec<f64>,
    /// What to say instead when there is nothing.
    pub(super) empty: Option<&'static str>,
}

/// One line; where nothing was measured, or too little, it is interrupted.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    /// Its thickness in units of length.
    pub(super) width: u32,
    /// Seconds and values, in pieces without a gap.
    pub(super) pieces: Vec<Vec<(f64, f64)>>,
}

/// One layer of a stack: where each bin begins and ends, in seconds, and its rate.
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    pub(super) rates: Vec<(f64, f64, f64)>,
}

/// A rectangle: seconds and microseconds, each from and to.
pub(super) struct Field {
    pub(super) seconds: (f64, f64),
    pub(super) micros: (f64, f64),
    pub(super) colour: RGBColor,
}

pub(super) const RESPONSE: RGBColor = RGBColor(0x43, 0x38, 0xca);
const RESPONSE_PALE: RGBColor = RGBColor(0xb9, 0xb5, 0xf5);
pub(super) const SERVICE: RGBColor = RGBColor(0x0b, 0x8a, 0x7a);
const SERVICE_PALE: RGBColor = RGBColor(0x9a, 0xe0, 0xd3);
pub(super) const QUIET: RGBColor = RGBColor(0x94, 0xa3, 0xb8);
pub(super) const AMBER: RGBColor = RGBColor(0xd9, 0x8a, 0x0b);

/// Layers of the outcome chart with the classes (by their names in `run.json`) they gather.
const LAYERS: [(&str, RGBColor, &[&str]); 6] = [
    ("ok", RGBColor(0x2f, 0xa8, 0x6f), &["ok"]),
    ("throttled", RGBColor(0xe5, 0xa5, 0x1b), &["throttled"]),
    ("tool or RPC error", RGBColor(0xea, 0x6f, 0x4e), &["tool_error", "rpc_error"]),
    (
        "HTTP or protocol",
        RGBColor(0xb9, 0x2f, 0x3f),
        &["http_status", "unauthorised", "session_lost", "violation"],
    ),
    (
        "timeout or network",
        RGBColor(0x7c, 0x3a, 0xed),
        &["timeout", "cut_stream", "connect_failure"],
    ),
    ("never sent or cut", QUIET, &["never_sent", "cancelled", "unfinished"]),
];

/// What a chart shows of a report.
pub(super) fn of(report: &Report, chart: Chart) -> Content {
    let content = unmarked(report, chart);
    // Its time is that of a run, not the load's.
    let is_timeline = chart != Chart::Completion;
    let marked = if is_timeline { Marked::of(report) } else { Marked::default() };
    Content { marked, ..content }
}

fn unmarked(report: &Report, chart: Chart) -> Content {
    let points = &report.timeline;
    let end = points.last().map_or(1.0, |last| (last.at_s + last.width_s) as f64);
    let no_calls = (report.summary.calls == 0).then_some("No tool call was made");
    match chart {
        Chart::Latency => {
            let content = timed(end, latency(points), no_calls);
            Content { limits: limits(report), ..content }.with_limits()
        }
        Chart::Response => {
            let response = percentiles(points, |moment| moment.response_us);
            let content = timed(end, response, no_calls);
            Content { limits: limits(report), ..content }.with_limits()
        }
        Chart::Service => {
            let service = percentiles(points, |moment| moment.service_us);
            let empty = service.is_empty().then_some("No tool call was sent");
            timed(end, service, no_calls.or(empty))
        }
        Chart::Throughput => lines(Unit::PerSecond, end, throughput(points), no_calls),
        Chart::InFlight => {
            let in_flight = in_flight(points);
            let empty = in_flight.is_empty().then_some("Nothing was sampled");
            lines(Unit::Count, end, in_flight, empty)
        }
        Chart::Outcomes => stack(end, outcomes(points), no_calls),
        Chart::Heat => heat::content(report, end).with_limits(),
        Chart::Sessions => {
            let sessions = sessions(points);
            let empty = sessions.is_empty().then_some("Nothing was sampled");
            lines(Unit::Count, end, sessions, empty)
        }
        Chart::Runs => {
            let at_work =
                line("runs at work", RESPONSE, 2, points, |point| Some(f64::from(point.runs_open)));
            lines(Unit::Count, end, vec![at_work], no_runs(report))
        }
        Chart::Completion => completion::content(report),
    }
}

impl Content {
    /// Widens the scale to the limits that are within reach; the others would only flatten it.
    fn with_limits(mut self) -> Self {
        let drawn = extent(self.lines.iter().chain(&self.lone));
        let (lowest, highest) = self
            .fields
            .iter()
            .fold(drawn, |(low, high), field| (low.min(field.micros.0), high.max(field.micros.1)));
        self.limits.retain(|limit| *limit <= highest * 5.0 && *limit >= lowest);
        let highest = self.limits.iter().copied().fold(highest, f64::max);
        // Fields are bands of a logarithmic scale.
        self.scale = if self.fields.is_empty() {
            Scale::fitting(Unit::Time, lowest, highest)
        } else {
            Scale::decades(lowest, highest)
        };
        self
    }
}

pub(super) fn no_runs(report: &Report) -> Option<&'static str> {
    (report.summary.runs == 0).then_some("No run was made")
}

impl Content {
    /// Nothing drawn yet.
    pub(super) fn on(scale: Scale, end: f64, empty: Option<&'static str>) -> Self {
        Self {
            scale,
            end,
            lines: Vec::new(),
            lone: Vec::new(),
            layers: Vec::new(),
            fields: Vec::new(),
            key: Vec::new(),
            marked: Marked::default(),
            limits: Vec::new(),
            empty,
        }
    }
}

fn lines(unit: Unit, end: f64, lines: Vec<Line>, empty: Option<&'static str>) -> Content {
    let (lowest, highest) = extent(&lines);
    let scale = Scale::fitting(unit, lowest, highest);
    Content { lines, ..Content::on(scale, end, empty) }
}

fn timed(end: f64, lines: Vec<(Line, Line)>, empty: Option<&'static str>) -> Content {
    let (lines, lone): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    let (lowest, highest) = extent(lines.iter().chain(&lone));
    let scale = Scale::fitting(Unit::Time, lowest, highest);
    Content { lines, lone, ..Content::on(scale, end, empty) }
}

fn stack(end: f64, layers: Vec<Layer>, empty: Option<&'static str>) -> Content {
    let bins = layers.first().map_or(0, |layer| layer.rates.len());
    let total = |bin: usize| layers.iter().map(|layer| layer.rates[bin].2).sum::<f64>();
    let highest = (0..bins).map(total).fold(0.0, f64::max);
    let scale = Scale::fitting(Unit::PerSecond, 0.0, highest);
    Content { layers, ..Content::on(scale, end, empty) }
}

fn extent<'a>(lines: impl IntoIterator<Item = &'a Line>) -> (f64, f64) {
    let values =
        lines.into_iter().flat_map(|line| line.pieces.iter().flatten()).map(|point| point.1);
    values.fold((f64::INFINITY, 0.0), |(low, high), value| (low.min(value), high.max(value)))
}

pub(super) fn limits(report: &Report) -> Vec<f64> {
    let parsed =
        report.thresholds.iter().filter_map(|judged| judged.text.parse::<Threshold>().ok());
    let mut limits: Vec<f64> = parsed
        .filter_map(|threshold| threshold.response_limit())
        .map(|limit| limit.as_micros() as f64)
        .collect();
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    limits
}

fn line(
    name: &'static str,
    colour: RGBColor,
    width: u32,
    points: &[Point],
    value: impl Fn(&Point) -> Option<f64>,
) -> Line {
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for point in points {
        let middle = point.at_s as f64 + point.width_s as f64 / 2.0;
        match (value(point), pieces.last_mut()) {
            (Some(value), Some(piece)) => piece.push((middle, value)),
            (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
            _ => {}
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    Line { name, colour, width, pieces }
}

/// A line through the steps whose calls are enough for it, and the values of the others.
fn times(
    name: &'static str,
    colour: RGBColor,
    width: u32,
    points: &[Point],
    value: impl Fn(&Moment) -> Option<u64>,
) -> (Line, Line) {
    let among = |is_thin: bool| {
        let value = &value;
        move |point: &Point| {
            let moment = calls(point).filter(|moment| moment.is_thin() == is_thin)?;
            Some(value(moment)? as f64)
        }
    };
    let line = |is_thin| line(name, colour, width, points, among(is_thin));
    (line(false), line(true))
}

pub(super) fn calls(point: &Point) -> Option<&Moment> {
    point.operations.get(Operation::ToolsCall.name())
}

fn latency(points: &[Point]) -> Vec<(Line, Line)> {
    let response = |pick: fn(Brief) -> u64| move |moment: &Moment| moment.response_us.map(pick);
    let service = |pick: fn(Brief) -> u64| move |moment: &Moment| moment.service_us.map(pick);
    // A colour is a percentile. Where the two times coincide, the thin dark line of service runs
    // inside the wide pale one of response, and both are seen.
    vec![
        times("response p99", RESPONSE_PALE, 7, points, response(|brief| brief.p99)),
        times("response p50", SERVICE_PALE, 7, points, response(|brief| brief.p50)),
        times("service p99", RESPONSE, 2, points, service(|brief| brief.p99)),
        times("service p50", SERVICE, 2, points, service(|brief| brief.p50)),
    ]
}

fn percentiles(points: &[Point], of: fn(&Moment) -> Option<Brief>) -> Vec<(Line, Line)> {
    let pick = |pick: fn(Brief) -> u64| move |moment: &Moment| of(moment).map(pick);
    // With few calls in a second the largest is p99 too: it lies under it, and is wider.
    let lines = [
        times("max", QUIET, 5, points, pick(|brief| brief.max)),
        times("p99", RESPONSE, 2, points, pick(|brief| brief.p99)),
        times("p95", AMBER, 2, points, pick(|brief| brief.p95)),
        times("p50", SERVICE, 2, points, pick(|brief| brief.p50)),
    ];
    let is_drawn = |line: &Line| !line.pieces.is_empty();
    lines.into_iter().filter(|(line, lone)| is_drawn(line) || is_drawn(lone)).collect()
}

fn throughput(points: &[Point]) -> Vec<Line> {
    let rate = |count: fn(&Point) -> u32| {
        move |point: &Point| Some(f64::from(count(point)) / point.width_s as f64)
    };
    vec![
        line("HTTP exchanges", QUIET, 1, points, rate(|point| point.exchanges)),
        line("calls due", AMBER, 1, points, rate(|point| point.due)),
        line("calls ended", RESPONSE, 2, points, rate(|point| point.done)),
    ]
}

fn in_flight(points: &[Point]) -> Vec<Line> {
    let sampled =
        |value: fn(&Point) -> Option<u32>| move |point: &Point| value(point).map(f64::from);
    let lines = [
        line("users", QUIET, 1, points, sampled(|point| point.users)),
        line("calls open", RESPONSE, 2, points, sampled(|point| Some(point.open))),
        line("exchanges in flight", SERVICE, 2, points, sampled(|point| point.in_flight)),
    ];
    lines.into_iter().filter(|line| !line.pieces.is_empty()).collect()
}

fn sessions(points: &[Point]) -> Vec<Line> {
    let sampled =
        |value: fn(&Point) -> Option<u32>| move |point: &Point| value(point).map(f64::from);
    let lines = [
        line("users", QUIET, 3, points, sampled(|point| point.users)),
        line("sessions open", SERVICE, 2, points, sampled(|point| point.sessions)),
    ];
    lines.into_iter().filter(|line| !line.pieces.is_empty()).collect()
}

fn outcomes(points: &[Point]) -> Vec<Layer> {
    let layers = LAYERS.into_iter().map(|(name, colour, classes)| {
        let rate = |point: &Point| {
            let outcomes = calls(point).map(|moment| &moment.outcomes);
            let count = |class: &&str| outcomes.and_then(|counts| counts.get(*class)).copied();
            let count: u32 = classes.iter().filter_map(count).sum();
            let (from, width) = (point.at_s as f64, point.width_s as f64);
            (from, from + width, f64::from(count) / width)
        };
        Layer { name, colour, rates: points.iter().map(rate).collect() }
    });
    layers.filter(|layer| layer.rates.iter().any(|rate| rate.2 > 0.0)).collect()
}
