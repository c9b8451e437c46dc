//! Whether some values are larger than others: the test of Wilcoxon, Mann and Whitney with midranks
//! and the correction for ties; and whether one share is larger than another: Fisher's exact test.
//!
//! (H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is stochastically
//! larger than the other", Annals of Mathematical Statistics 18, 1947; R. A. Fisher, "The Design of
//! Experiments", 1935.)

use super::trend::upper_tail;

/// Fewer values than these on either side show nothing: below, the normal approximation fails.
pub(super) const LEAST: usize = 10;

/// How likely `high` is as much above `low` by chance, if both are of one kind; one-sided. What
/// never came may be infinite.
pub(super) fn above(low: &[f64], high: &[f64]) -> f64 {
    if low.len() < LEAST || high.len() < LEAST {
        return 1.0;
    }
    let (n, m) = (low.len() as f64, high.len() as f64);
    let mut all: Vec<(f64, bool)> = low.iter().map(|value| (*value, false)).collect();
    all.extend(high.iter().map(|value| (*value, true)));
    all.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut before, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    for tied in all.chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq()) {
        let count = tied.len() as f64;
        // Those that are equal share the middle of their ranks.
        let rank = before + f64::midpoint(count, 1.0);
        ranks += rank * tied.iter().filter(|(_, is_high)| *is_high).count() as f64;
        ties += count * (count * count - 1.0);
        before += count;
    }
    let u = ranks - m * (m + 1.0) / 2.0;
    let all = n + m;
    let variance = n * m / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    let over = u - n * m / 2.0 - 0.5;
    if variance <= 0.0 || over <= 0.0 {
        return 1.0;
    }
    upper_tail(over / variance.sqrt())
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) of: u64,
    pub(super) count: u64,
}

impl Share {
    pub(super) fn add(&mut self, counts: bool) {
        self.of += 1;
        self.count += u64::from(counts);
    }
}

/// How likely chance gives `high` as many of all that count, or more; one-sided.
pub(super) fn more(low: Share, high: Share) -> f64 {
    let (all, counting) = (low.of + high.of, low.count + high.count);
    let most = counting.min(high.of);
    // ln n! for every n there is.
    let mut ln: Vec<f64> = vec![0.0];
    for n in 1..=all {
        ln.push(ln[ln.len() - 1] + (n as f64).ln());
    }
    let ln = |n: u64| ln[n as usize];
    let choose = |n: u64, k: u64| ln(n) - ln(k) - ln(n - k);
    let chance = |count: u64| match counting.checked_sub(count) {
        Some(rest) if rest <= low.of => {
            (choose(high.of, count) + choose(low.of, rest) - choose(all, counting)).exp()
        }
        _ => 0.0,
    };
    (high.count..=most).map(chance).sum::<f64>().min(1.0)
}

/// What a share of values is no more than: the nearest one of them.
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::trend::P;
    use crate::model::chance::{Key, Purpose};

    fn noise(seed: u64, count: usize, base: f64) -> Vec<f64> {
        let mut chance = Key::of_run(seed, 0).draw(Purpose::Service);
        (0..count).map(|_| base + chance.unit()).collect()
    }

    /// By hand: ranks of the high ones 2.5, 4 and so on, U = 92, of 10 against 10.
    #[test]
    fn ranks_with_ties_are_as_by_hand() {
        let low = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let high = [2.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, f64::INFINITY];
        // U: 1.5 for the 2, and 10 for each other one; one tie of two.
        let (u, n): (f64, f64) = (91.5, 10.0);
        let variance = n * n / 12.0 * (21.0 - 6.0 / (20.0 * 19.0));
        let expected = upper_tail((u - 50.0 - 0.5) / variance.sqrt());
        assert!((above(&low, &high) - expected).abs() < 1e-12);
        assert!((above(&high, &low) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_larger_is_told_from_what_is_not() {
        let is_chance = |seed| above(&noise(seed, 20, 0.0), &noise(seed + 9_000, 20, 0.0)) >= P;
        let by_chance = (0..4_000).filter(|seed| !is_chance(*seed)).count();
        assert!((1..10).contains(&by_chance), "{by_chance} of 4,000 are one in a thousand");
        assert!(above(&noise(1, 10, 0.0), &noise(2, 10, 2.0)) < P);
        assert!(above(&noise(1, 20, 0.0), &noise(2, 20, 0.7)) < P);
        assert!((above(&noise(1, 9, 0.0), &noise(2, 9, 9.0)) - 1.0).abs() < 1e-12, "too few");
        assert!((above(&[1.0; 20], &[1.0; 20]) - 1.0).abs() < 1e-12);
        assert!(above(&noise(1, 10, 0.0), &[f64::INFINITY; 10]) < P);
    }

    /// Fisher's lady: 4 of 4 cups by chance once in 70.
    #[test]
    fn shares_are_compared_exactly() {
        let share = |count, of| Share { of, count };
        assert!((more(share(0, 4), share(4, 4)) - 1.0 / 70.0).abs() < 1e-9);
        assert!((more(share(1, 4), share(3, 4)) - 17.0 / 70.0).abs() < 1e-9);
        assert!((more(share(0, 10), share(0, 600)) - 1.0).abs() < 1e-9);
        assert!(more(share(0, 10), share(30, 620)) > 0.5);
        assert!(more(share(0, 50), share(300, 620)) < P);
    }

    #[test]
    fn the_nearest_value_is_the_percentile() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        for (share, value) in [(0.5, 10.0), (0.95, 19.0), (0.99, 20.0), (1.0, 20.0)] {
            assert!((percentile(&values, share) - value).abs() < 1e-12, "{share}");
        }
    }
}
