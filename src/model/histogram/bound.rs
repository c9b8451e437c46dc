//! Percentiles of times that were not all waited out.
//!
//! A call that nobody waited for any longer took *at least* the time seen. So a percentile lies
//! between two values that can both be counted: with every such time as it was seen, and with every
//! such time as endless.
//!
//! ```text
//! seen     1  2  3+ 4  5      3+: given up at 3       p60 of what was seen: 3
//! endless  1  2  4  5  ~      ~: longer than all      p60 at most: 4
//! ```
//!
//! Where the two are the same the percentile is exact whatever became of the unanswered; everywhere
//! else the value seen is a lower bound, and is marked as one. Marks and thresholds both go by
//! `Span`, so they cannot disagree. The mean and the largest value have no upper end as soon as
//! one time was not waited out.

use serde::{Deserialize, Serialize};

use super::Histogram;

/// Between which values a statistic lies, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// With unanswered times as they were seen.
    pub least: f64,
    /// With unanswered times as endless; `None` is no end.
    pub most: Option<f64>,
}

impl Span {
    /// Whether the value is the same whatever became of the unanswered.
    pub fn is_exact(&self) -> bool {
        self.most == Some(self.least)
    }
}

/// Which figures of a histogram are lower bounds, as `run.json` holds it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AtLeast {
    /// How many of the times were not waited out.
    pub unanswered: u64,
    /// Percentiles up to this one (0 to 100) are exact, since no unanswered time lies among them.
    pub exact_to: f64,
    /// The figures that are lower bounds, by their names: `p99`, `max`, `mean`.
    pub figures: Vec<String>,
}

impl AtLeast {
    /// Whether the figure of this name is a lower bound.
    pub fn has(&self, figure: &str) -> bool {
        self.figures.iter().any(|name| name == figure)
    }
}

/// The percentiles that `run.json` names, as shares.
const NAMED: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

impl Histogram {
    /// Between which values the share (0 to 1) of all values lies when these of them, counted in
    /// both, were not waited out.
    pub fn span(&self, share: f64, unanswered: &Self) -> Span {
        let least = self.quantile(share);
        let most = if unanswered.count() == 0 {
            Some(least)
        } else {
            let rank = ((share * self.count() as f64).ceil() as u64).max(1);
            self.answered(unanswered).find(|(_, below)| *below >= rank).map(|(value, _)| value)
        };
        Span { least: least as f64, most: most.map(|most| most.max(least) as f64) }
    }

    /// The same of the mean.
    pub fn span_of_mean(&self, unanswered: &Self) -> Span {
        Span { least: self.mean(), most: (unanswered.count() == 0).then(|| self.mean()) }
    }

    /// The same of the largest value.
    pub fn span_of_max(&self, unanswered: &Self) -> Span {
        let max = self.max() as f64;
        Span { least: max, most: (unanswered.count() == 0).then_some(max) }
    }

    /// Which of its figures are lower bounds; `None` when everything was waited out.
    pub fn at_least(&self, unanswered: &Self) -> Option<AtLeast> {
        let first = unanswered.steps().next()?.0;
        let answered = self.answered(unanswered).take_while(|(value, _)| *value <= first).last();
        let moved =
            NAMED.into_iter().filter(|(_, share)| !self.span(*share, unanswered).is_exact());
        let named = moved.map(|(name, _)| name).chain(["max", "mean"]);
        Some(AtLeast {
            unanswered: unanswered.count(),
            exact_to: rounded(answered.map_or(0, |(_, below)| below), self.count()),
            figures: named.map(str::to_owned).collect(),
        })
    }

    /// Each value with the number of answered times up to it.
    fn answered(&self, unanswered: &Self) -> impl Iterator<Item = (u64, u64)> {
        let mut left = unanswered.steps().peekable();
        let mut below = 0;
        self.steps().map(move |(value, count)| {
            let mut open = 0;
            while let Some((_, count)) = left.next_if(|(other, _)| *other <= value) {
                open += count;
            }
            below += count.saturating_sub(open);
            (value, below)
        })
    }
}

/// A share in percent with two decimals, rounded down: what is exact is not overstated.
fn rounded(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64 * 10_000.0).floor() / 100.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record_number(*value);
        }
        histogram
    }

    #[test]
    fn by_hand() {
        let (all, open) = (histogram(&[1, 2, 3, 4, 5]), histogram(&[3]));
        let span = |share| all.span(share, &open);
        assert_eq!(span(0.4), Span { least: 2.0, most: Some(2.0) });
        assert_eq!(span(0.6), Span { least: 3.0, most: Some(4.0) });
        assert_eq!(span(0.8), Span { least: 4.0, most: Some(5.0) });
        assert_eq!(span(1.0), Span { least: 5.0, most: None });
        assert!(!all.span_of_max(&open).is_exact() && !all.span_of_mean(&open).is_exact());
        let told = all.at_least(&open).unwrap();
        assert_eq!((told.unanswered, told.exact_to), (1, 40.0));
        assert_eq!(told.figures, ["p50", "p90", "p95", "p99", "p999", "max", "mean"]);
        // One early end among many equal times moves nothing but what has no end.
        let many = histogram(&[vec![7; 999], vec![3]].concat());
        let told = many.at_least(&histogram(&[3])).unwrap();
        assert_eq!((told.exact_to, told.has("p99"), told.has("p999")), (0.0, false, false));
        assert_eq!(told.figures, ["max", "mean"]);
        assert_eq!(many.at_least(&histogram(&[])), None);
        assert!(many.span(0.999, &histogram(&[])).is_exact());
        // However little a percentile could move, it is a lower bound.
        let close = histogram(&(1_000..1_100).collect::<Vec<_>>());
        let told = close.at_least(&histogram(&[1_020])).unwrap();
        assert!(!close.span(0.5, &histogram(&[1_020])).is_exact() && told.has("p50"), "{told:?}");
    }

    #[test]
    fn a_mark_and_what_is_said_to_be_exact_never_disagree() {
        let all = histogram(&(1..=1_000).collect::<Vec<_>>());
        for open in [1, 10, 362, 499, 500, 501, 940, 995, 1_000] {
            let open = histogram(&[open]);
            let told = all.at_least(&open).unwrap();
            for (name, share) in NAMED {
                let exact = all.span(share, &open).is_exact();
                assert_eq!(told.has(name), !exact, "{name} {told:?}");
                assert!(exact || share * 100.0 > told.exact_to, "{name} {told:?}");
            }
        }
    }

    proptest! {
        /// Whatever an unanswered call would have taken, the percentile is within the span.
        #[test]
        fn the_truth_is_within_the_span(
            calls in proptest::collection::vec((1u64..2_000, 0u64..3_000, any::<bool>()), 1..60),
            share in 0.01..1.0_f64,
        ) {
            let seen: Vec<u64> = calls.iter().map(|call| call.0).collect();
            let open: Vec<u64> = calls.iter().filter(|call| call.2).map(|call| call.0).collect();
            let true_time = |call: &(u64, u64, bool)| call.0 + if call.2 { call.1 } else { 0 };
            let mut truth: Vec<u64> = calls.iter().map(true_time).collect();
            truth.sort_unstable();
            let rank = ((share * truth.len() as f64).ceil() as usize).max(1);
            let value = histogram(&[truth[rank - 1]]).max() as f64;
            let all = histogram(&seen);
            let span = all.span(share, &histogram(&open));
            prop_assert!(span.least <= value, "{span:?} {value}");
            prop_assert!(span.most.is_none_or(|most| value <= most), "{span:?} {value}");
            if span.is_exact() {
                prop_assert!((span.least - value).abs() < f64::EPSILON);
            }
            if let Some(told) = all.at_least(&histogram(&open)) {
                prop_assert!(share * 100.0 > told.exact_to || span.is_exact());
            }
        }
    }
}
