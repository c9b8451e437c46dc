//! `[generator]`: past these limits the generator was the bottleneck, and a run is not trustworthy.

use std::time::Duration;

use crate::model::plan::GeneratorLimits;

use super::reader::Table;

/// Reads `[generator]`.
pub fn read(generator: &Table<'_>) -> GeneratorLimits {
    let range = Duration::from_millis(1)..=Duration::from_secs(60);
    GeneratorLimits {
        lag: generator
            .key("lag", "p99 of how late calls started.")
            .duration(range.clone())
            .or(Duration::from_millis(50)),
        cpu: generator
            .key("cpu", "Share of the machine's cores that the generator used.")
            .share()
            .or(0.9),
        loop_delay: generator
            .key("loop_delay", "p99 of how late the event loop woke.")
            .duration(range)
            .or(Duration::from_millis(50)),
    }
}
