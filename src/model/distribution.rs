//! Distributions of durations as scenarios write them: `lognormal 40ms 0.6 clip 1ms 2s`.
//!
//! A clip cuts the distribution's tails off: what falls outside is drawn again, so no lump gathers
//! at the bounds.

use std::time::Duration;

use super::chance::Chance;
use super::duration::{LONGEST, Shown};

mod text;

pub use text::DistributionError;

/// Draws outside the clip before the nearest bound is taken. A clip that keeps a tenth of the
/// distribution fails 64 times once in a thousand draws; one that keeps less is badly chosen, and
/// still ends.
const REDRAWS: u32 = 64;

/// A distribution of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distribution {
    /// Its shape.
    pub shape: Shape,
    /// Draws outside these bounds are drawn again.
    pub clip: Option<(Duration, Duration)>,
}

/// The shape of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Always this.
    Constant(Duration),
    /// Evenly between two bounds.
    Uniform(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
    /// Log-normal with this median and this sigma of the logarithm.
    LogNormal(Duration, f64),
    /// Pareto with this scale (its minimum) and this shape (tail index).
    Pareto(Duration, f64),
    /// Normal with this mean and this standard deviation; what is below zero is zero.
    Normal(Duration, Duration),
}

impl Distribution {
    /// Always this.
    pub const fn constant(value: Duration) -> Self {
        Self { shape: Shape::Constant(value), clip: None }
    }

    /// Evenly between two bounds.
    pub const fn uniform(from: Duration, to: Duration) -> Self {
        Self { shape: Shape::Uniform(from, to), clip: None }
    }

    /// Log-normal with this median and sigma.
    pub const fn lognormal(median: Duration, sigma: f64) -> Self {
        Self { shape: Shape::LogNormal(median, sigma), clip: None }
    }

    /// The same, cut to these bounds.
    #[must_use]
    pub const fn clipped(self, from: Duration, to: Duration) -> Self {
        Self { clip: Some((from, to)), ..self }
    }

    /// Draws one duration, at most [`LONGEST`].
    pub fn draw(&self, chance: &mut Chance) -> Duration {
        let drawn = self.shape.draw(chance);
        let Some((from, to)) = self.clip else { return drawn };
        let mut drawn = drawn;
        for _ in 0..REDRAWS {
            if (from..=to).contains(&drawn) {
                return drawn;
            }
            drawn = self.shape.draw(chance);
        }
        drawn.max(from).min(to)
    }

    /// The mean, where it has a short closed form: `None` for a clip that cuts the tail of an
    /// exponential, log-normal or Pareto distribution, for a Pareto shape of 1 or less, and for a
    /// normal distribution, whose values below zero are zero.
    pub fn mean(&self) -> Option<Duration> {
        match (self.shape, self.clip) {
            (Shape::Uniform(from, to), Some((low, high))) => {
                Some(half(from.max(low)) + half(to.min(high)))
            }
            (Shape::Constant(value), _) => Some(value),
            (Shape::Uniform(from, to), None) => Some(half(from) + half(to)),
            (Shape::Exponential(mean), None) => Some(mean),
            (Shape::LogNormal(median, sigma), None) => {
                Some(seconds(median.as_secs_f64() * (sigma * sigma / 2.0).exp()))
            }
            (Shape::Pareto(scale, shape), None) if shape > 1.0 => {
                Some(seconds(scale.as_secs_f64() * shape / (shape - 1.0)))
            }
            _ => None,
        }
    }

    /// Fails when the parameters make no distribution; parsing does this by itself.
    pub fn validated(self) -> Result<Self, DistributionError> {
        self.shape.validate()?;
        let Some((from, to)) = self.clip else { return Ok(self) };
        ordered("clip", from, to)?;
        let (least, most) = self.shape.support();
        if most < from || least > to {
            return Err(DistributionError::NothingLeft {
                shape: self.shape.to_string(),
                from: Shown(from),
                to: Shown(to),
            });
        }
        Ok(self)
    }
}

impl Shape {
    fn draw(self, chance: &mut Chance) -> Duration {
        match self {
            Self::Constant(value) => value,
            Self::Uniform(from, to) => {
                from + seconds(to.saturating_sub(from).as_secs_f64() * chance.unit())
            }
            Self::Exponential(mean) => seconds(mean.as_secs_f64() * chance.exponential()),
            Self::LogNormal(median, sigma) => {
                seconds(median.as_secs_f64() * (sigma * chance.normal()).exp())
            }
            // The inverse of F(x) = 1 - (scale / x)^shape at 1 - u.
            Self::Pareto(scale, shape) => {
                seconds(scale.as_secs_f64() * (1.0 - chance.unit()).powf(-1.0 / shape))
            }
            Self::Normal(mean, deviation) => {
                let drawn = mean.as_secs_f64() + deviation.as_secs_f64() * chance.normal();
                seconds(drawn.max(0.0))
            }
        }
    }

    /// Least and greatest value it can draw.
    fn support(self) -> (Duration, Duration) {
        match self {
            Self::Constant(value) => (value, value),
            Self::Uniform(from, to) => (from, to),
            Self::Exponential(_) | Self::LogNormal(..) | Self::Normal(..) => {
                (Duration::ZERO, LONGEST)
            }
            Self::Pareto(scale, _) => (scale, LONGEST),
        }
    }

    fn validate(self) -> Result<(), DistributionError> {
        match self {
            Self::Constant(_) | Self::Normal(..) => Ok(()),
            Self::Uniform(from, to) => ordered("uniform", from, to),
            Self::Exponential(mean) => above_zero("exponential", mean),
            Self::LogNormal(median, sigma) => {
                above_zero("lognormal", median)?;
                in_range(sigma, "sigma of a lognormal", 0.0..=10.0, "from 0 to 10")
            }
            Self::Pareto(scale, shape) => {
                above_zero("pareto", scale)?;
                in_range(shape, "shape of a pareto", 0.1..=100.0, "from 0.1 to 100")
            }
        }
    }
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).map_or(LONGEST, |drawn| drawn.min(LONGEST))
}

fn half(value: Duration) -> Duration {
    value / 2
}

fn ordered(word: &'static str, from: Duration, to: Duration) -> Result<(), DistributionError> {
    let reversed = DistributionError::Reversed { word, from: Shown(from), to: Shown(to) };
    if from <= to { Ok(()) } else { Err(reversed) }
}

fn above_zero(word: &'static str, value: Duration) -> Result<(), DistributionError> {
    if value.is_zero() { Err(DistributionError::Zero(word)) } else { Ok(()) }
}

fn in_range(
    value: f64,
    what: &'static str,
    allowed: std::ops::RangeInclusive<f64>,
    range: &'static str,
) -> Result<(), DistributionError> {
    if allowed.contains(&value) {
        Ok(())
    } else {
        Err(DistributionError::Number { found: value.to_string(), what, range })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chance::{Key, Purpose};
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn texts_and_their_shapes() {
        let table = [
            ("40ms", Shape::Constant(ms(40)), "constant 40ms"),
            ("constant 0s", Shape::Constant(ms(0)), "constant 0s"),
            ("uniform 10ms 50ms", Shape::Uniform(ms(10), ms(50)), "uniform 10ms 50ms"),
            ("exponential 1500ms", Shape::Exponential(ms(1500)), "exponential 1.5s"),
            ("lognormal  40ms 0.60", Shape::LogNormal(ms(40), 0.6), "lognormal 40ms 0.6"),
            ("pareto 10ms 1.5", Shape::Pareto(ms(10), 1.5), "pareto 10ms 1.5"),
            ("normal 40ms 9ms", Shape::Normal(ms(40), ms(9)), "normal 40ms 9ms"),
        ];
        for (text, shape, shown) in table {
            let parsed: Distribution = text.parse().unwrap();
            assert_eq!(parsed, Distribution { shape, clip: None });
            assert_eq!(parsed.to_string(), shown);
        }
        let clipped: Distribution = "lognormal 40ms 0.6 clip 1ms 2s".parse().unwrap();
        assert_eq!(clipped.clip, Some((ms(1), ms(2000))));
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let table = [
            ("", "nothing is written"),
            ("clip 1ms 2ms", "nothing is written"),
            ("gauss 1ms 2", "`gauss` is no distribution"),
            ("normal 1ms 2", "`2` has no unit"),
            ("lognormal 40ms", "`lognormal` takes a duration, its median, and a sigma; 1 given"),
            ("uniform 10 20ms", "`10` has no unit"),
            ("uniform 20ms 10ms", "`uniform` from 20ms to 10ms is the wrong way round"),
            ("lognormal 40ms wide", "`wide` is no sigma of a lognormal"),
            ("lognormal 40ms NaN", "from 0 to 10"),
            ("lognormal 40ms -1", "from 0 to 10"),
            ("pareto 40ms 0", "from 0.1 to 100"),
            ("exponential 0s", "`exponential` of 0s"),
            ("40ms clip 1s", "`clip` takes two durations; 1 given"),
            ("40ms clip 2s 1s", "`clip` from 2s to 1s is the wrong way round"),
            ("40ms clip 1s 2s", "leaves nothing of `constant 40ms`"),
            ("pareto 3s 1 clip 1s 2s", "leaves nothing of `pareto 3s 1`"),
        ];
        for (text, part) in table {
            let message = text.parse::<Distribution>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    /// Median of 4001 draws and their mean, in milliseconds.
    fn measured(distribution: &Distribution) -> (f64, f64) {
        let mut chance = Key::of_run(11, 0).draw(Purpose::Think);
        let mut drawn: Vec<f64> =
            (0..4001).map(|_| distribution.draw(&mut chance).as_secs_f64() * 1e3).collect();
        drawn.sort_by(f64::total_cmp);
        (drawn[2000], drawn.iter().sum::<f64>() / 4001.0)
    }

    #[test]
    fn draws_follow_the_shape() {
        let table = [
            ("constant 40ms", 40.0, Some(40.0)),
            ("uniform 10ms 50ms", 30.0, Some(30.0)),
            ("uniform 10ms 50ms clip 0s 30ms", 20.0, Some(20.0)),
            ("exponential 40ms", 27.7, Some(40.0)),
            ("lognormal 40ms 0.6", 40.0, Some(47.9)),
            ("lognormal 40ms 0.6 clip 20ms 80ms", 40.0, None),
            ("pareto 10ms 3", 12.6, Some(15.0)),
            ("pareto 10ms 1", 20.0, None),
            ("normal 40ms 10ms", 40.0, None),
        ];
        for (text, median, mean) in table {
            let distribution: Distribution = text.parse().unwrap();
            let (measured_median, measured_mean) = measured(&distribution);
            assert!((measured_median / median - 1.0).abs() < 0.05, "{text}: {measured_median}");
            let stated = distribution.mean().map(|mean| mean.as_secs_f64() * 1e3);
            assert_eq!(stated.is_some(), mean.is_some(), "{text}");
            for (stated, mean) in stated.into_iter().zip(mean) {
                assert!((stated / mean - 1.0).abs() < 0.01, "{text}: {stated}");
                assert!((measured_mean / mean - 1.0).abs() < 0.05, "{text}: {measured_mean}");
            }
        }
    }

    fn shapes() -> impl Strategy<Value = Shape> {
        let length = || (1..LONGEST.as_nanos() as u64).prop_map(Duration::from_nanos);
        prop_oneof![
            length().prop_map(Shape::Constant),
            (length(), length()).prop_map(|(a, b)| Shape::Uniform(a.min(b), a.max(b))),
            length().prop_map(Shape::Exponential),
            (length(), 0.0..10.0).prop_map(|(median, sigma)| Shape::LogNormal(median, sigma)),
            (length(), 0.1..100.0).prop_map(|(scale, shape)| Shape::Pareto(scale, shape)),
            (length(), length()).prop_map(|(mean, deviation)| Shape::Normal(mean, deviation)),
        ]
    }

    fn clips() -> impl Strategy<Value = Option<(Duration, Duration)>> {
        proptest::option::of(
            (0..10_000_u64, 0..10_000_u64).prop_map(|(from, more)| (ms(from), ms(from + more))),
        )
    }

    proptest! {
        #[test]
        fn prints_and_parses_back(shape in shapes(), clip in clips()) {
            if let Ok(distribution) = (Distribution { shape, clip }).validated() {
                prop_assert_eq!(distribution.to_string().parse(), Ok(distribution));
            }
        }

        #[test]
        fn draws_stay_inside(shape in shapes(), clip in clips(), seed: u64) {
            let mut chance = Key::of_run(seed, 0).draw(Purpose::Think);
            let drawn = Distribution { shape, clip }.draw(&mut chance);
            let (from, to) = clip.unwrap_or((Duration::ZERO, LONGEST));
            prop_assert!((from..=to).contains(&drawn), "{drawn:?}");
        }
    }
}
