//! Faults on the path, to whole connections.

use std::time::Duration;

use crate::model::distribution::{Distribution, Shape};
use crate::model::fault::{Direction, Effect, Ending, Network, What};
use crate::scenario::document::{Node, Value};
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, number_of};

use super::Kind;

/// A day: no delay is longer.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
/// Bytes a second, at most, and bytes after which something happens.
pub(super) const MOST_BYTES: u64 = 1 << 40;

/// Its kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "latency", keys: &["latency", "jitter", "direction"], read: latency },
    Kind { name: "bandwidth", keys: &["rate", "direction"], read: bandwidth },
    Kind { name: "drop", keys: &[], read: |_| Some(What::Network(Network::Refuse)) },
    Kind { name: "reset", keys: &["after", "after_bytes", "direction"], read: reset },
    Kind { name: "blackhole", keys: &["after_bytes", "direction"], read: blackhole },
    Kind { name: "half-close", keys: &["after", "after_bytes", "direction"], read: half_close },
    Kind { name: "slow-close", keys: &["delay", "direction"], read: slow_close },
    Kind { name: "slicer", keys: &["size", "variation", "delay", "direction"], read: slicer },
    Kind { name: "limit-data", keys: &["after_bytes", "direction"], read: limit_data },
    Kind { name: "corrupt", keys: &["bytes", "direction"], read: corrupt },
    Kind { name: "down", keys: &[], read: |_| Some(What::Network(Network::Down)) },
];

const UP: &[Direction] = &[Direction::Upstream];
const DOWN: &[Direction] = &[Direction::Downstream];
const BOTH: &[Direction] = &[Direction::Upstream, Direction::Downstream];

fn lane(table: &Table<'_>, default: &'static [Direction], effect: Option<Effect>) -> Option<What> {
    let words = [("upstream", UP), ("downstream", DOWN), ("both", BOTH)];
    let written = if default.len() == 2 { "\"both\"" } else { "\"downstream\"" };
    let doc = "To the server (upstream), from it (downstream), or both.";
    let directions = table.key("direction", doc).word(&words, &[]).or_as(default, written);
    let effect = effect?;
    let lane = directions.iter().map(|direction| (*direction, effect.clone())).collect();
    Some(What::Network(Network::Lane(lane)))
}

fn latency(table: &Table<'_>) -> Option<What> {
    let doc = "How much later each chunk comes, from when it arrived.";
    let latency = table.key("latency", doc).distribution().required();
    let doc = "So much more or less, evenly; for others write latency = \"normal 800ms 100ms\".";
    let jitter = table.key("jitter", doc).duration(Duration::ZERO..=DAY).optional();
    let effect = match (latency, jitter) {
        (Some(latency), None) => Some(latency),
        (Some(Distribution { shape: Shape::Constant(latency), .. }), Some(jitter)) => {
            let from = latency.saturating_sub(jitter);
            Some(Distribution::uniform(from, latency.saturating_add(jitter)))
        }
        (Some(_), Some(_)) => {
            let found = "jitter beside a latency that varies by itself";
            let right = "remove jitter, or write latency as one duration";
            table.log().wrong(table.place_of("jitter"), found, right);
            None
        }
        (None, _) => None,
    };
    lane(table, DOWN, effect.map(Effect::Latency))
}

fn bandwidth(table: &Table<'_>) -> Option<What> {
    let doc = "What passes, as bytes a second.";
    let rate = table.key("rate", doc).read("a rate such as \"64kB/s\"", bytes_a_second);
    let rate = rate.required();
    lane(table, DOWN, rate.map(Effect::Bandwidth))
}

fn reset(table: &Table<'_>) -> Option<What> {
    let ending = ending(table, Ending::Reset);
    lane(table, DOWN, Some(ending))
}

fn half_close(table: &Table<'_>) -> Option<What> {
    let ending = ending(table, Ending::HalfClosed);
    lane(table, DOWN, Some(ending))
}

/// The end of a connection: after bytes, or after a time, or at once.
fn ending(table: &Table<'_>, ending: Ending) -> Effect {
    let doc =
        "So long after it began on a connection; without it, and without after_bytes, at once.";
    let after = table.key("after", doc).duration(Duration::ZERO..=DAY).optional();
    let bytes = after_bytes(table);
    if let (Some(_), Some(place)) = (after, table.given("after_bytes")) {
        let found = "after and after_bytes are two ends of one connection";
        table.log().wrong(place, found, "remove one of them, or write two faults");
    }
    match bytes {
        Some(bytes) => Effect::Limit { bytes, then: ending },
        None => Effect::EndAfter(after.unwrap_or_default(), ending),
    }
}

fn after_bytes(table: &Table<'_>) -> Option<u64> {
    let doc = "After so many bytes of a connection, from when it began there.";
    table.key("after_bytes", doc).integer(0..=MOST_BYTES).optional()
}

fn blackhole(table: &Table<'_>) -> Option<What> {
    let after = after_bytes(table).unwrap_or_default();
    lane(table, BOTH, Some(Effect::Discard(after)))
}

fn slow_close(table: &Table<'_>) -> Option<What> {
    let doc = "How much later the other side hears that a connection was closed.";
    let delay = table.key("delay", doc).duration(Duration::ZERO..=DAY).required();
    lane(table, DOWN, delay.map(Effect::SlowClose))
}

fn slicer(table: &Table<'_>) -> Option<What> {
    let doc = "Mean size of a slice, in bytes.";
    let size = table.key("size", doc).integer(1..=MOST_BYTES).required();
    let doc = "A slice is at most so many bytes smaller or larger.";
    let variation = table.key("variation", doc).integer(0..=MOST_BYTES).or(0);
    let doc = "Between two slices.";
    let delay = table.key("delay", doc).duration(Duration::ZERO..=DAY).required();
    let slicer = |(size, delay)| Effect::Slicer { size, variation, delay };
    lane(table, DOWN, size.zip(delay).map(slicer))
}

fn limit_data(table: &Table<'_>) -> Option<What> {
    let bytes = after_bytes(table);
    if bytes.is_none() && table.given("after_bytes").is_none() {
        let right = "add after_bytes: how much passes before the connection is closed";
        table.log().wrong(table.place(), "limit-data without a limit", right);
    }
    let limit = |bytes| Effect::Limit { bytes, then: Ending::Closed };
    lane(table, DOWN, bytes.map(limit))
}

fn corrupt(table: &Table<'_>) -> Option<What> {
    let doc = "The share of bytes that are changed.";
    let share = table.key("bytes", doc).number(0.0..=1.0).required();
    lane(table, DOWN, share.map(Effect::Corruption))
}

/// Bytes a second, at least one.
pub(super) fn bytes_a_second(node: &Node) -> Result<u64, Wrong> {
    const UNITS: [(&str, f64); 4] = [("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)];
    let expected = "expected bytes a second, 1 B/s to 1000 GB/s, such as \"64kB/s\"".to_owned();
    let rate = match &node.value {
        Value::Text(text) => {
            let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let (number, unit) = text.split_at(digits);
            let unit = UNITS.iter().find(|(known, _)| *known == unit.trim_start());
            number.parse::<f64>().ok().zip(unit).map(|(number, (_, bytes))| number * bytes)
        }
        _ => number_of(node),
    };
    let rate = rate.filter(|rate| (1.0..=1e12).contains(rate)).ok_or(expected)?;
    Ok(rate as u64)
}
