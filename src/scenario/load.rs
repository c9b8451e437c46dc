//! `[load]`: who comes when and does what.

use std::time::Duration;

use crate::model::plan::Load;

use super::reader::Table;
use super::{behaviours, stages};

/// Reads `[load]`.
pub fn read(load: &Table<'_>) -> Option<Load> {
    let behaviour = behaviours::read(load);
    let speed = load
        .key("speed", "Divides think times (turn, lead, wave, synthesis), nothing else.")
        .number(0.001..=100_000.0)
        .or(1.0);
    let pace = stages::read(load);
    let drain = load
        .key("drain", "After the last arrival, runs may finish for this long.")
        .duration(Duration::ZERO..=Duration::from_secs(24 * 3600))
        .or(Duration::from_secs(20));
    let ceiling = load
        .key("ceiling", "Users at once beyond which an arrival is dropped and counted; open only.")
        .count(1..=1_000_000)
        .or(1_000);
    Some(Load { behaviour: behaviour?, speed, pace: pace?, drain, ceiling })
}
