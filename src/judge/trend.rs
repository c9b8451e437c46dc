//! Whether a series rises: the test of Mann and Kendall with the correction for ties, the slope of
//! Theil and Sen, and whether it is repeated within the series.
//!
//! (H. B. Mann, "Nonparametric tests against trend", Econometrica 13, 1945; M. G. Kendall, "Rank
//! Correlation Methods", 1975; P. K. Sen, JASA 63, 1968.)

/// What is taken for chance happens less often than this.
pub(super) const P: f64 = 0.001;
/// Fewer values than these in each half show nothing.
pub(super) const LEAST: usize = 30;
/// Of a longer series, medians of so many stretches are looked at.
const MOST: usize = 600;

/// How a series goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trend {
    /// How likely a series without a trend rises like this.
    pub(super) p: f64,
    /// The same of its first and its second half, each for itself.
    pub(super) halves: (f64, f64),
    /// What the last quarter's median is of the first one's.
    pub(super) growth: f64,
    /// How much the last quarter's median is more than the first one's.
    pub(super) rise: f64,
}

impl Trend {
    /// Of these values in their order; nothing if they are too few.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let values = thinned(values);
        if values.len() < LEAST * 2 {
            return None;
        }
        let (first, second) = values.split_at(values.len() / 2);
        let quarter = values.len() / 4;
        let (begins, ends) =
            (median(&values[..quarter]), median(&values[values.len() - quarter..]));
        Some(Self {
            p: rises(&values),
            halves: (rises(first), rises(second)),
            growth: if begins > 0.0 { ends / begins } else { f64::INFINITY },
            rise: ends - begins,
        })
    }

    /// Whether it rises by no chance, in either half again, and to so many times what it was.
    pub(super) fn rises_to(&self, growth: f64) -> bool {
        let by_no_chance = [self.p, self.halves.0, self.halves.1].into_iter().all(|p| p < P);
        by_no_chance && self.growth >= growth
    }
}

/// One-sided p of a rise, by the normal approximation with the correction for continuity.
fn rises(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mut s = 0.0;
    for (at, value) in values.iter().enumerate() {
        for later in &values[at + 1..] {
            s += match later.total_cmp(value) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
            };
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|tied| tied.len() as f64)
        .map(|tied| tied * (tied - 1.0) * (2.0 * tied + 5.0))
        .sum();
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    if variance <= 0.0 || s <= 1.0 {
        return 1.0;
    }
    upper_tail((s - 1.0) / variance.sqrt())
}

/// The chance of a standard normal value above `z`, which is not below zero (Abramowitz and Stegun,
/// 26.2.17: the error is below 7.5e-8).
pub(super) fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let polynomial = series.into_iter().fold(0.0, |sum, term| (sum + term) * t);
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial
}

fn thinned(values: &[f64]) -> Vec<f64> {
    let each = values.len().div_ceil(MOST).max(1);
    values.chunks(each).map(median).collect()
}

/// The middle one; of an even number the lower one of the two.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chance::{Key, Purpose};

    /// Noise between 0 and 1, and a rise by so much a step.
    fn series(seed: u64, count: usize, slope: f64) -> Vec<f64> {
        let mut chance = Key::of_run(seed, 0).draw(Purpose::Service);
        (0..count).map(|at| 10.0 + chance.unit() + at as f64 * slope).collect()
    }

    #[test]
    fn the_tail_of_the_normal_distribution() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.158_655_3), (1.96, 0.024_997_9), (3.090_232, 0.001)] {
            assert!((upper_tail(z) - p).abs() < 1e-6, "{z}: {}", upper_tail(z));
        }
    }

    /// The statistic of a short series with ties, by hand: S = 8, variance 15.333.
    #[test]
    fn ties_are_corrected_for() {
        let s: [f64; 5] = [1.0, 2.0, 2.0, 3.0, 4.0];
        let variance: f64 = (5.0 * 4.0 * 15.0 - 2.0 * 9.0) / 18.0;
        let z = (9.0 - 1.0) / variance.sqrt();
        assert!((rises(&s) - upper_tail(z)).abs() < 1e-12);
    }

    #[test]
    fn what_rises_is_told_from_what_does_not() {
        let steep = Trend::of(&series(1, 300, 0.05)).unwrap();
        assert!(steep.rises_to(1.8) && !steep.rises_to(2.0), "{steep:?}");
        assert!((steep.rise - 11.25).abs() < 0.5, "{steep:?}");
        for seed in 0..200 {
            let flat = Trend::of(&series(seed, 200, 0.0)).unwrap();
            assert!(!flat.rises_to(1.0), "{flat:?}");
        }
        assert_eq!(Trend::of(&series(1, 59, 1.0)), None);
        assert!(!Trend::of(&[3.0; 100]).unwrap().rises_to(1.0));
        let falls: Vec<_> = series(1, 300, 0.05).into_iter().rev().collect();
        assert!(!Trend::of(&falls).unwrap().rises_to(0.0));
    }

    /// A step is a change, and no rise that goes on.
    #[test]
    fn a_step_is_no_trend_of_both_halves() {
        let mut stepped = series(3, 300, 0.0);
        stepped[150..].iter_mut().for_each(|value| *value += 50.0);
        assert!(!Trend::of(&stepped).unwrap().rises_to(1.5));
    }

    #[test]
    fn a_long_series_is_looked_at_in_stretches() {
        let long = Trend::of(&series(5, 50_000, 0.001)).unwrap();
        assert!(long.rises_to(3.0), "{long:?}");
    }
}
