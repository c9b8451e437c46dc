//! Arrivals in order: the way back from areas under the curve to offsets.
//!
//! An open plan is a curve of rates. The area under it, up to some offset, is how many arrivals lie
//! before that offset; arrivals are therefore found by going the other way, from areas to offsets:
//!
//! ```text
//!  rate           ________          within one stage of slope s that starts at rate r,
//!   |            /        |         the area behind x is  a = r x + s x^2 / 2,  so
//!   |          /  |       |
//!   |        /    |       |                    2 a
//!   |______/ a    |       |            x = -------------------
//!   |     |<- x ->|       |                r + sqrt(r^2 + 2 s a)
//!   +-----+---------------+---> offset
//! ```
//!
//! Evenly spaced arrivals lie at the areas 0.5, 1.5, 2.5 ...: in the middle of the step they stand
//! for, so that their number is the area rounded. A Poisson process whose count n is known is n
//! uniform draws in order; they are drawn in order, each from the one before (see
//! [`OrderStatistics`]), so that nothing is ever sorted or kept.

use std::time::Duration;

use super::{Arrivals, Herd, Spacing};
use crate::model::chance::{Chance, Key, Purpose};
use crate::model::rate::HIGHEST;

/// The curve as pieces with the area before each.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pieces: Vec<Piece>,
    area: f64,
}

/// A rate that arithmetic survives.
const fn sound(rate: f64) -> f64 {
    if rate > 0.0 { rate.min(HIGHEST) } else { 0.0 }
}

/// One stage: starts at `begin` seconds with `area` behind it.
#[derive(Debug, Clone, Copy)]
struct Piece {
    begin: f64,
    length: f64,
    from: f64,
    to: f64,
    area: f64,
}

impl Curve {
    pub(super) fn of(arrivals: &Arrivals) -> Self {
        let (mut begin, mut from, mut area) = (0.0, sound(arrivals.from), 0.0);
        let mut pieces = Vec::with_capacity(arrivals.stages.len());
        for stage in &arrivals.stages {
            let (length, to) = (stage.over.as_secs_f64(), sound(stage.to));
            pieces.push(Piece { begin, length, from, to, area });
            area += f64::midpoint(from, to) * length;
            (begin, from) = (begin + length, to);
        }
        Self { pieces, area }
    }

    pub(super) fn count(&self) -> u64 {
        self.area.round() as u64
    }

    /// The area before an offset in seconds.
    pub(super) fn area_at(&self, seconds: f64) -> f64 {
        self.pieces.iter().map(|piece| piece.area_until(seconds)).sum()
    }

    /// The offset in seconds at which this much area lies behind.
    fn seconds_at(&self, area: f64) -> f64 {
        let after = self.pieces.partition_point(|piece| piece.area <= area);
        let piece = self.pieces[..after].iter().rev().find(|piece| piece.length > 0.0);
        piece.map_or(0.0, |piece| piece.seconds_at(area))
    }
}

impl Piece {
    /// What of its own area lies before an offset.
    fn area_until(&self, seconds: f64) -> f64 {
        let x = (seconds - self.begin).clamp(0.0, self.length);
        if x <= 0.0 {
            return 0.0;
        }
        let there = self.from + (self.to - self.from) * (x / self.length);
        f64::midpoint(self.from, there) * x
    }

    /// The root x of `from x + slope x^2 / 2 = a`, in the form that loses no digits when the slope
    /// is small or negative.
    fn seconds_at(&self, area: f64) -> f64 {
        let inside = area - self.area;
        let slope = (self.to - self.from) / self.length;
        let root = (self.from * self.from + 2.0 * slope * inside).max(0.0).sqrt();
        let x = if inside > 0.0 { 2.0 * inside / (self.from + root) } else { 0.0 };
        self.begin + x.clamp(0.0, self.length)
    }
}

/// Arrivals of a plan in order.
#[derive(Debug, Clone)]
pub struct Due {
    sources: Vec<Source>,
}

impl Due {
    pub(super) fn of(arrivals: &Arrivals, seed: u64) -> Self {
        let key = Key::of_run(seed, 0);
        let curve = Curve::of(arrivals);
        let count = curve.count();
        let regular = match arrivals.spacing {
            Spacing::Even => Sequence::Even(0..count),
            Spacing::Poisson => {
                let chance = key.draw(Purpose::Arrivals);
                Sequence::Random(OrderStatistics::of(count, curve.area, chance))
            }
        };
        let mut sources = vec![Source::new(regular, Span::Curve(curve))];
        for (number, herd) in (0..).zip(&arrivals.herds) {
            let chance = key.of_subagent(number).draw(Purpose::Herd);
            let sequence = Sequence::Random(OrderStatistics::of(herd.arrivals.into(), 1.0, chance));
            sources.push(Source::new(sequence, Span::Herd(*herd)));
        }
        Self { sources }
    }
}

impl Iterator for Due {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let waiting = self.sources.iter_mut().filter(|source| source.head.is_some());
        let source = waiting.min_by_key(|source| source.head)?;
        let following = source.following();
        std::mem::replace(&mut source.head, following)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }
}

/// The curve or one herd: what comes next from it, and the rest.
#[derive(Debug, Clone)]
struct Source {
    head: Option<Duration>,
    sequence: Sequence,
    span: Span,
}

/// What turns a sequence's areas into offsets; a herd's whole area is 1.
#[derive(Debug, Clone)]
enum Span {
    Curve(Curve),
    Herd(Herd),
}

impl Source {
    fn new(sequence: Sequence, span: Span) -> Self {
        let mut source = Self { head: None, sequence, span };
        source.head = source.following();
        source
    }

    /// The next offset; never before the last one, whatever the last bit of a float says.
    fn following(&mut self) -> Option<Duration> {
        let area = self.sequence.next()?;
        let offset = match &self.span {
            Span::Curve(curve) => Duration::from_secs_f64(curve.seconds_at(area)),
            Span::Herd(herd) => herd.at + herd.within.mul_f64(area),
        };
        Some(self.head.map_or(offset, |last| last.max(offset)))
    }
}

/// Areas in order.
#[derive(Debug, Clone)]
enum Sequence {
    Even(std::ops::Range<u64>),
    Random(OrderStatistics),
}

impl Iterator for Sequence {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        match self {
            Self::Even(left) => left.next().map(|number| number as f64 + 0.5),
            Self::Random(statistics) => statistics.next(),
        }
    }
}

/// `left` more uniform draws from 0 to `total`, smallest first.
///
/// The smallest of m uniform draws leaves a share V^(1/m) of what was above, V uniform; the rest is
/// the same problem with m - 1. Kept as a logarithm, which loses nothing near the end:
/// `ln V^(1/m) = -E / m` with E exponential.
#[derive(Debug, Clone)]
struct OrderStatistics {
    left: u64,
    total: f64,
    log_above: f64,
    chance: Chance,
}

impl OrderStatistics {
    const fn of(count: u64, total: f64, chance: Chance) -> Self {
        Self { left: count, total, log_above: 0.0, chance }
    }
}

impl Iterator for OrderStatistics {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        if self.left == 0 {
            return None;
        }
        self.log_above -= self.chance.exponential() / self.left as f64;
        self.left -= 1;
        Some(-self.log_above.exp_m1() * self.total)
    }
}
