//! A small histogram for one second of a series: only the values that occurred, within 1%.
//!
//! Up to 127 us every value has its own step; above, each doubling has 64 steps, and a value is
//! read back as the middle of its step, at most 1/128 away.

use std::collections::BTreeMap;
use std::time::Duration;

use super::band;

/// Steps in each doubling.
const STEPS: u64 = 64;
/// Values below this are exact.
const EXACT: u64 = 2 * STEPS;
/// Longest value told apart, in microseconds: one hour.
const LONGEST_US: u64 = 3_600_000_000;

/// Counts of the steps that occurred, in the order of their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse(Vec<(u16, u32)>);

impl Sparse {
    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.add(step(us.min(LONGEST_US)), 1);
    }

    /// Adds everything another counted.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(step, count)| self.add(*step, *count));
    }

    fn add(&mut self, step: u16, count: u32) {
        match self.0.binary_search_by_key(&step, |entry| entry.0) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
            Err(at) => self.0.insert(at, (step, count)),
        }
    }

    /// How many values lie in each [`band`]; bands without any are absent.
    pub fn bands(&self) -> BTreeMap<u16, u32> {
        let mut bands = BTreeMap::new();
        for (step, count) in &self.0 {
            let counted: &mut u32 = bands.entry(band::of(value(*step))).or_default();
            *counted = counted.saturating_add(*count);
        }
        bands
    }

    /// The value at or below which this share of values lies (0 to 1), in microseconds; `None`
    /// when nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let total: u64 = self.0.iter().map(|entry| u64::from(entry.1)).sum();
        let wanted = ((share * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.0.iter().find(|entry| {
            seen += u64::from(entry.1);
            seen >= wanted
        });
        reached.map(|entry| value(entry.0))
    }
}

fn step(us: u64) -> u16 {
    if us < EXACT {
        return us as u16;
    }
    let shift = u64::from(us.ilog2() - STEPS.ilog2());
    (EXACT + (shift - 1) * STEPS + (us >> shift) - STEPS) as u16
}

fn value(step: u16) -> u64 {
    let step = u64::from(step);
    if step < EXACT {
        return step;
    }
    let shift = (step - EXACT) / STEPS + 1;
    let low = ((step - EXACT) % STEPS + STEPS) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_reads_back_within_a_hundredth(us in 0..=LONGEST_US) {
            prop_assert!(value(step(us)).abs_diff(us) * 128 <= us);
        }
    }

    #[test]
    fn quantiles_pick_the_ranked_value() {
        let mut seconds = Sparse::default();
        (1..=100).for_each(|us| seconds.record(Duration::from_micros(us)));
        assert_eq!(seconds.quantile(0.5), Some(50));
        assert_eq!(seconds.quantile(0.99), Some(99));
        assert_eq!(seconds.quantile(1.0), Some(100));
        assert_eq!(Sparse::default().quantile(0.5), None);
    }
}
