//! A figure of a histogram as it is shown, marked where it is a lower bound.

use crate::model::figure;
use crate::model::histogram::Percentiles;
use crate::model::histogram::bound::AtLeast;

/// One of the figures a histogram has.
#[derive(Debug, Clone, Copy)]
pub struct Percentile {
    /// Its name for readers.
    pub title: &'static str,
    /// Its name in `run.json`.
    pub member: &'static str,
    /// How it is read.
    pub of: fn(&Percentiles) -> u64,
}

/// Median.
pub const P50: Percentile = Percentile { title: "p50", member: "p50", of: |us| us.p50 };
/// 90th percentile.
pub const P90: Percentile = Percentile { title: "p90", member: "p90", of: |us| us.p90 };
/// 95th percentile.
pub const P95: Percentile = Percentile { title: "p95", member: "p95", of: |us| us.p95 };
/// 99th percentile.
pub const P99: Percentile = Percentile { title: "p99", member: "p99", of: |us| us.p99 };
/// 99.9th percentile.
pub const P999: Percentile = Percentile { title: "p99.9", member: "p999", of: |us| us.p999 };
/// Largest.
pub const MAX: Percentile = Percentile { title: "max", member: "max", of: |us| us.max };
/// Arithmetic mean.
pub const MEAN: Percentile = Percentile { title: "mean", member: "mean", of: |us| us.mean };

/// All of them, in the order of a table.
pub const ALL: [Percentile; 7] = [P50, P90, P95, P99, P999, MAX, MEAN];

/// Times and which of their figures are lower bounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times<'a> {
    us: Option<Percentiles>,
    at_least: Option<&'a AtLeast>,
}

impl<'a> Times<'a> {
    /// Times of which nothing may be a lower bound.
    pub fn exact(us: Option<Percentiles>) -> Self {
        Self { us, at_least: None }
    }

    /// Times with what is known of their bounds.
    pub fn new(us: Option<Percentiles>, at_least: Option<&'a AtLeast>) -> Self {
        Self { us, at_least }
    }

    /// A figure with this mark before it where it is a lower bound: `≥ 1.2s`; `None` when nothing
    /// was measured.
    pub fn shown(self, percentile: Percentile, mark: &str) -> Option<String> {
        let time = figure::micros((percentile.of)(&self.us?));
        Some(if self.is_bound(percentile) { format!("{mark}{time}") } else { time })
    }

    /// The same for a cell of a table: a dash when nothing was measured.
    pub fn cell(self, percentile: Percentile) -> String {
        self.shown(percentile, "≥ ").unwrap_or_else(|| "–".to_owned())
    }

    /// Whether the figure is a lower bound.
    pub fn is_bound(self, percentile: Percentile) -> bool {
        self.at_least.is_some_and(|at_least| at_least.has(percentile.member))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_bound_is_marked_and_nothing_else() {
        let us = Some(Percentiles { p50: 40_000, p999: 2_000_000, ..Percentiles::default() });
        let at_least = AtLeast { unanswered: 1, exact_to: 99.0, figures: vec!["p999".to_owned()] };
        let times = Times::new(us, Some(&at_least));
        assert_eq!(times.cell(P50), "40ms");
        assert_eq!(times.cell(P999), "≥ 2s");
        assert_eq!(times.shown(P999, "at least ").as_deref(), Some("at least 2s"));
        assert_eq!(Times::exact(us).cell(P999), "2s");
        assert_eq!(Times::default().cell(P50), "–");
    }
}
