//! The heat map: how many calls had which response, when.
//!
//! A field is one step of time and one band of latency, see
//! [`band`](crate::model::histogram::band). Its colour says how many calls lie in it; the steps of
//! colour grow by a constant factor, or one crowded field would leave all others pale.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use plotters::style::RGBColor;

use super::axis::{self, Scale};
use super::content::{Content, Field, calls, limits};
use super::table::{Table, timed};
use crate::model::figure;
use crate::model::histogram::band;
use crate::model::report::Report;
use crate::model::report::timeline::Point;

/// Columns drawn at most: neighbours are added up, or a long run would be finer than its pixels.
const COLUMNS: usize = 120;
/// Columns of the table at most, beside the first.
const WIDEST_TABLE: u16 = 12;

/// From few to many. Pages turn exactly these around in dark mode.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0xd5, 0xdc, 0xf6),
    RGBColor(0xaf, 0xba, 0xee),
    RGBColor(0x88, 0x92, 0xe2),
    RGBColor(0x64, 0x68, 0xcf),
    RGBColor(0x47, 0x40, 0xae),
    RGBColor(0x29, 0x1f, 0x70),
];

/// One step of time: from, to, and its calls by band.
type Column = (f64, f64, BTreeMap<u16, u64>);

/// The fields, and what their colours mean.
pub(super) fn content(report: &Report, end: f64) -> Content {
    let columns = columns(&report.timeline);
    let most = columns.iter().flat_map(|column| column.2.values()).max().copied().unwrap_or(0);
    let steps = steps(most);
    let colour = |count: u64| {
        let step = steps.iter().position(|(range, _)| range.contains(&count));
        step.map_or(COLOURS[0], |step| steps[step].1)
    };
    let label = |range: &RangeInclusive<u64>| match (range.start(), range.end()) {
        (from, to) if from == to => figure::count(*from),
        (from, to) => format!("{}–{}", figure::count(*from), figure::count(*to)),
    };
    let mut key: Vec<_> = steps.iter().map(|(range, colour)| (label(range), *colour)).collect();
    if let Some((last, _)) = key.last_mut() {
        last.push_str(" calls");
    }
    let empty = (most == 0).then_some("No tool call was made");
    let fields = fields(&columns, colour);
    Content { fields, key, limits: limits(report), ..Content::on(Scale::whole(), end, empty) }
}

/// Neighbours in time added up until few enough are left.
fn columns(points: &[Point]) -> Vec<Column> {
    let together = points.len().div_ceil(COLUMNS).max(1);
    let added = |points: &[Point]| {
        let mut bands: BTreeMap<u16, u64> = BTreeMap::new();
        for moment in points.iter().filter_map(calls) {
            for (band, count) in &moment.response_bands {
                *bands.entry(*band).or_default() += u64::from(*count);
            }
        }
        let from = points.first().map_or(0, |point| point.at_s);
        let to = points.last().map_or(0, |point| point.at_s + point.width_s);
        (from as f64, to as f64, bands)
    };
    points.chunks(together).map(added).collect()
}

/// Counts from 1 to the most, in steps that grow by a constant factor, each with its colour; where
/// there are fewer steps than colours, the strongest.
fn steps(most: u64) -> Vec<(RangeInclusive<u64>, RGBColor)> {
    let mut steps = Vec::new();
    let mut from = 1;
    for number in 1..=COLOURS.len() {
        let share = number as f64 / COLOURS.len() as f64;
        let to = if number == COLOURS.len() { most } else { (most as f64).powf(share) as u64 };
        if to >= from {
            steps.push(from..=to);
            from = to + 1;
        }
    }
    let strongest = COLOURS.into_iter().skip(COLOURS.len() - steps.len());
    steps.into_iter().zip(strongest).collect()
}

/// Neighbouring fields of one band and colour are one rectangle.
fn fields(columns: &[Column], colour: impl Fn(u64) -> RGBColor) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut open: BTreeMap<u16, usize> = BTreeMap::new();
    for (from, to, bands) in columns {
        let mut next = BTreeMap::new();
        for (band, count) in bands {
            let colour = colour(*count);
            let before = open.get(band).copied().filter(|at| fields[*at].colour == colour);
            let at = before.unwrap_or(fields.len());
            if before.is_some() {
                fields[at].seconds.1 = *to;
            } else {
                let micros = (band::begin(*band), band::begin(*band + 1));
                fields.push(Field { seconds: (*from, *to), micros, colour });
            }
            next.insert(*band, at);
        }
        open = next;
    }
    fields
}

/// The same as rows of time, in doublings of latency or wider.
pub(super) fn table(report: &Report) -> Table {
    let columns = columns(&report.timeline);
    let bands = columns.iter().flat_map(|column| column.2.keys().copied());
    let (lowest, highest) =
        bands.fold((u16::MAX, 0), |(low, high), band| (low.min(band), high.max(band)));
    if lowest > highest {
        return Table { head: Vec::new(), rows: Vec::new() };
    }
    let octave = band::PER_OCTAVE as u16;
    let span = highest / octave - lowest / octave + 1;
    let wide = octave * span.div_ceil(WIDEST_TABLE);
    let first = lowest / octave * octave;
    let groups: Vec<u16> = (first..=highest).step_by(usize::from(wide)).collect();
    let edge = |band: u16| figure::micros(band::begin(band).round() as u64);
    let head = groups.iter().map(|from| format!("below {}", edge(from + wide)));
    let row = |(from, _, bands): &Column| {
        let cells = groups.iter().map(|group| {
            let count: u64 = bands.range(*group..group + wide).map(|(_, count)| count).sum();
            if count == 0 { "–".to_owned() } else { figure::count(count) }
        });
        (*from, std::iter::once(axis::clock(*from)).chain(cells).collect())
    };
    let shown = columns.iter().filter(|column| !column.2.is_empty());
    timed(report, std::iter::once("From".to_owned()).chain(head).collect(), shown.map(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn colours_cover_every_count_once() {
        for most in [1, 2, 5, 17, 1_000, 123_456] {
            let steps = steps(most);
            let mut next = 1;
            for (range, _) in &steps {
                assert_eq!(*range.start(), next, "{most}");
                next = range.end() + 1;
            }
            assert_eq!(next, most + 1);
            assert_eq!(steps.last().map(|step| step.1), Some(COLOURS[5]), "{most}");
        }
        assert_eq!(steps(0).len(), 0);
    }

    #[test]
    fn every_call_is_in_one_field_of_the_table() {
        let report = sample::storm();
        let table = table(&report);
        let cells = table.rows.iter().flat_map(|row| &row[1..]);
        let calls: u64 = cells.filter_map(|cell| cell.parse::<u64>().ok()).sum();
        assert_eq!(calls, report.summary.calls);
        assert!(table.head.len() <= usize::from(WIDEST_TABLE) + 1, "{:?}", table.head);
        assert!(table.rows.iter().all(|row| row.len() == table.head.len()));
    }

    #[test]
    fn neighbours_of_one_colour_are_one_rectangle() {
        let column = |from: u16, counts: &[(u16, u64)]| {
            (f64::from(from), f64::from(from + 1), counts.iter().copied().collect())
        };
        let columns =
            [column(0, &[(40, 1), (41, 9)]), column(1, &[(40, 1)]), column(2, &[(41, 9)])];
        let colour = |count| COLOURS[usize::from(count > 1)];
        let spans: Vec<_> = fields(&columns, colour).iter().map(|field| field.seconds).collect();
        assert_eq!(spans, [(0.0, 2.0), (0.0, 1.0), (2.0, 3.0)]);
    }

    #[test]
    fn a_long_run_has_no_more_columns_than_can_be_seen() {
        let points: Vec<Point> =
            (0..600).map(|at| Point { at_s: at * 6, width_s: 6, ..Point::default() }).collect();
        let columns = columns(&points);
        assert_eq!(columns.len(), COLUMNS);
        assert!((columns[COLUMNS - 1].1 - 3600.0).abs() < f64::EPSILON);
    }
}
