//! Where ticks stand on an axis, and what is written at them.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::model::figure;

/// What an axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds, from 0.
    Time,
    /// Microseconds as their logarithm to base 10.
    LogTime,
    /// So many a second.
    PerSecond,
    /// A plain count.
    Count,
    /// A share, 0 to 1.
    Share,
    /// Any number, also below 0.
    Number,
    /// Any number, a second.
    Rate,
    /// Bytes.
    Bytes,
    /// Bytes, a second.
    ByteRate,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// A value as it is written.
    pub(super) fn written(self, value: f64) -> String {
        match self {
            Self::Time => figure::micros(value.round() as u64),
            Self::LogTime => figure::micros(10f64.powf(value).round() as u64),
            Self::PerSecond => format!("{}/s", figure::number(value)),
            Self::Count => figure::count(value.round() as u64),
            Self::Share => figure::share(value),
            Self::Rate => format!("{}/s", figure::short(value)),
            Self::Bytes if value >= 0.0 => figure::bytes(value.round() as u64),
            Self::ByteRate if value >= 0.0 => format!("{}/s", figure::bytes(value.round() as u64)),
            Self::Seconds if value >= 0.0 => figure::micros((value * 1e6).round() as u64),
            // A unit of what cannot be below 0, and is, is only a name.
            Self::Number | Self::Bytes | Self::ByteRate | Self::Seconds => figure::short(value),
        }
    }
}

/// Below this spread an axis has no ticks that arithmetic could tell apart.
const LEAST: f64 = 1e-290;

/// The range and the ticks of a vertical axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub(super) unit: Unit,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) ticks: Vec<f64>,
}

impl Scale {
    /// A scale that shows all values between these; times that span a factor of fifty or more are
    /// shown as logarithms, or the calm part would be a flat line.
    pub(super) fn fitting(unit: Unit, lowest: f64, highest: f64) -> Self {
        match unit {
            Unit::Time if lowest > 0.0 && highest / lowest >= 50.0 => {
                Self::decades(lowest, highest)
            }
            _ => Self::linear(unit, lowest.min(0.0), highest, 5.0),
        }
    }

    /// A scale from 0, or from below it where a value is, with about so many ticks.
    pub(super) fn linear(unit: Unit, lowest: f64, highest: f64, ticks: f64) -> Self {
        let above = highest.max(0.0) * 1.05;
        // A target's own figures may be anything: 5e-324 is one, and so is a sum without end.
        let is_drawable = (LEAST..f64::INFINITY).contains(&(above - lowest));
        let (lowest, highest) = if is_drawable { (lowest, above) } else { (0.0, 1.0) };
        let step = nice((highest - lowest) / ticks);
        let step = if unit == Unit::Count { step.max(1.0) } else { step };
        let (below, above) = ((lowest / step).floor(), (highest / step).ceil());
        let ticks = (below as i32..=above as i32).map(|number| f64::from(number) * step).collect();
        Self { unit, from: below * step, to: above * step, ticks }
    }

    /// From nothing to everything.
    pub(super) fn whole() -> Self {
        let ticks = (0..=5).map(|fifth| f64::from(fifth) / 5.0).collect();
        Self { unit: Unit::Share, from: 0.0, to: 1.0, ticks }
    }

    /// Times between these as logarithms, however close they are.
    pub(super) fn decades(lowest: f64, highest: f64) -> Self {
        let (from, to) = (lowest.log10().floor(), (highest * 1.05).log10());
        let between: &[f64] = if to - from <= 3.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let decades = (from as i32)..=(to.ceil() as i32);
        let ticks = decades
            .flat_map(|decade| between.iter().map(move |part| f64::from(decade) + part.log10()))
            .collect::<Vec<_>>();
        // The axis begins and ends at a tick, so that the last curve stays under the last line.
        let from = ticks.iter().copied().rfind(|tick| *tick <= lowest.log10()).unwrap_or(from);
        let to = ticks.iter().copied().find(|tick| *tick >= to).unwrap_or(to);
        let ticks = ticks.into_iter().filter(|tick| (from..=to).contains(tick)).collect();
        Self { unit: Unit::LogTime, from, to, ticks }
    }

    /// Where a value stands on this axis.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.unit == Unit::LogTime { value.max(1.0).log10() } else { value };
        place.clamp(self.from, self.to)
    }

    /// What is written at a place on this axis.
    pub(super) fn label(&self, place: f64) -> String {
        let is_zero = place <= 0.0 && matches!(self.unit, Unit::Time | Unit::PerSecond);
        if is_zero { "0".to_owned() } else { self.unit.written(place) }
    }
}

/// An axis with its ticks exactly where they are wanted.
pub(super) struct Ticked {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ticked {
    pub(super) fn new(range: Range<f64>, ticks: Vec<f64>) -> Self {
        Self { range, ticks }
    }
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= step);
    factor.unwrap_or(10.0) * power
}

/// Ticks of the time axis, in seconds: at most so many whole steps.
pub(super) fn seconds(end: f64, most: f64) -> Vec<f64> {
    const STEPS: [f64; 14] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0,
    ];
    let step = STEPS.into_iter().find(|step| end / step <= most).unwrap_or(86400.0);
    (0..=(end / step) as u32).map(|number| f64::from(number) * step).collect()
}

/// What is written at a tick of the time axis.
pub(super) fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_all() {
        let rate = Scale::fitting(Unit::PerSecond, 0.0, 23.0);
        assert_eq!((rate.ticks, rate.to), (vec![0.0, 5.0, 10.0, 15.0, 20.0, 25.0], 25.0));
        let time = Scale::fitting(Unit::Time, 9_000.0, 2_000_000.0);
        let labels: Vec<_> = time.ticks.iter().map(|tick| time.label(*tick)).collect();
        assert_eq!(labels.first().map(String::as_str), Some("5ms"));
        assert!(labels.contains(&"100ms".to_owned()) && time.to >= 2_000_000f64.log10());
        assert_eq!(Scale::fitting(Unit::Count, 0.0, 0.0).ticks, [0.0, 1.0]);
        assert_eq!((seconds(60.0, 10.0).len(), seconds(60.0, 5.0).len()), (7, 5));
        let below = Scale::linear(Unit::Number, -3.0, 7.0, 5.0);
        assert_eq!((below.from, below.to, below.ticks.len()), (-5.0, 7.5, 6));
        assert_eq!(Scale::linear(Unit::Bytes, 0.0, 4.2e7, 3.0).label(2e7), "20 MB");
        for highest in [5e-324, 1e-300, 1e-289, 1e-9, 1e300, f64::INFINITY, f64::NAN] {
            for lowest in [0.0, -5e-324, -highest] {
                let scale = Scale::linear(Unit::Number, lowest, highest, 3.0);
                assert!((2..20).contains(&scale.ticks.len()), "{lowest} {highest}: {scale:?}");
                assert!(scale.from < scale.to && scale.to.is_finite(), "{scale:?}");
                assert!(scale.place(highest.min(1e308)).is_finite(), "{scale:?}");
            }
        }
        assert_eq!(
            [0.0, 60.0, 90.0, 3600.0, 5400.0].map(clock),
            ["0s", "1m", "1m 30s", "1h", "1h 30m"]
        );
    }
}
