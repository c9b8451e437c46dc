//! Durations counted with three significant digits, from one microsecond to one hour.

/// Bands of latency for a heat map.
pub mod band;
/// Percentiles of times that were not all waited out.
pub mod bound;
/// The small form for one second of a series.
pub mod sparse;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Longest value told apart, in microseconds; longer ones count as this.
const LONGEST_US: u64 = 3_600_000_000;

/// A histogram of durations in microseconds. It starts at 8 KB and grows with the largest value,
/// to 94 KB for one hour.
#[derive(Debug, Clone)]
pub struct Histogram(hdrhistogram::Histogram<u32>);

impl Default for Histogram {
    #[expect(clippy::expect_used, reason = "three digits is a precision the crate supports")]
    fn default() -> Self {
        Self(hdrhistogram::Histogram::new(3).expect("three significant digits are allowed"))
    }
}

impl PartialEq for Histogram {
    /// Equal counts; how much room each has grown is no difference.
    fn eq(&self, other: &Self) -> bool {
        self.count() == other.count() && self.steps().eq(other.steps())
    }
}

impl Histogram {
    /// Counts a duration, whole microseconds, at most one hour.
    pub fn record(&mut self, duration: Duration) {
        self.record_number(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts a plain number, for figures that are no duration.
    pub fn record_number(&mut self, number: u64) {
        // Fails only when the histogram may not grow, and ours may.
        let counted = self.0.record(number.min(LONGEST_US));
        debug_assert!(counted.is_ok());
    }

    /// Adds everything another counted; nothing is lost.
    pub fn merge(&mut self, other: &Self) {
        // Fails only when this one may not grow, and all of ours may.
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok());
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value at or below which this share of values lies (0 to 1), in microseconds.
    pub fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }

    /// The largest value, in microseconds.
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The mean, in microseconds; 0 when nothing was counted.
    pub fn mean(&self) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.mean() }
    }

    /// Each value that was counted, ascending, with its count.
    pub fn steps(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
    }

    /// The figures of `run.json`, or nothing when nothing was counted.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (self.count() > 0).then(|| Percentiles {
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            max: self.max(),
            mean: self.mean().round() as u64,
        })
    }

    /// The histogram as `HdrHistogram` V2, deflated, in base64.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to memory fails only for histograms beyond 2^32 counts, which hours cannot have.
        let written = V2DeflateSerializer::new().serialize(&self.0, &mut bytes);
        debug_assert!(written.is_ok());
        STANDARD.encode(bytes)
    }

    /// Reads what [`Histogram::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, NotAHistogram> {
        let bytes = STANDARD.decode(text).map_err(|error| NotAHistogram(error.to_string()))?;
        let mut read = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| NotAHistogram(error.to_string()))?;
        read.auto(true);
        Ok(Self(read))
    }
}

/// A text that is no V2 histogram in base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no HdrHistogram V2 in base64: {0}")]
pub struct NotAHistogram(String);

/// The figures of one histogram, in microseconds: `response_us` and its like in `run.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: u64,
}

impl Percentiles {
    /// From the median to the largest.
    const fn ascending(&self) -> [u64; 6] {
        [self.p50, self.p90, self.p95, self.p99, self.p999, self.max]
    }

    /// Whether none is below the one before it, nor the mean above the largest.
    pub fn ascend(&self) -> bool {
        self.ascending().is_sorted() && self.mean <= self.max
    }

    /// How many different values they name: there were at least so many.
    pub fn distinct(&self) -> u64 {
        let apart = self.ascending().windows(2).filter(|pair| pair[0] != pair[1]).count();
        apart as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_beyond_an_hour_count_as_an_hour() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::from_secs(90_000));
        assert_eq!(histogram.count(), 2);
        assert!(histogram.max().abs_diff(LONGEST_US) <= LONGEST_US / 1000);
    }

    #[test]
    fn nothing_counted_has_no_percentiles() {
        assert_eq!(Histogram::default().percentiles(), None);
    }

    proptest! {
        #[test]
        fn encoding_reads_back(values in proptest::collection::vec(0u64..4_000_000_000, 0..60)) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            prop_assert_eq!(Histogram::decode(&histogram.encode()), Ok(histogram));
        }

        #[test]
        fn quantiles_are_within_a_thousandth(mut values in proptest::collection::vec(1u64..3_000_000_000, 1..60)) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            values.sort_unstable();
            let median = values[(values.len() - 1) / 2];
            prop_assert!(histogram.quantile(0.5).abs_diff(median) <= 1 + median / 1000);
        }
    }
}
