//! `[load.slow_consumer]`: the knobs of `check-slow-consumer`.

use std::time::Duration;

use super::starvation::FEWEST;
use super::tool;
use crate::model::behaviour::SlowConsumerTrials;
use crate::model::plan::Plan;
use crate::scenario::checks::place;
use crate::scenario::reader::Table;

const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn read(table: &Table<'_>) -> SlowConsumerTrials {
    let default = SlowConsumerTrials::default();
    let doc = "Clients that ask for large results and read them slowly.";
    let readers = table.key("readers", doc).count(1..=1_000).or(default.readers);
    let doc = "So many bytes a second each of them reads; at 0 none.";
    let rate = table.key("rate", doc).count(0..=100_000_000).or(default.rate);
    let doc = "From one ordinary call of another client to the next.";
    let every =
        table.key("every", doc).duration(MILLISECOND * 10..=MILLISECOND * 60_000).or(default.every);
    let doc = "So long ordinary calls are made before, beside and after the slow readers.";
    let hold =
        table.key("hold", doc).duration(MILLISECOND * 100..=MILLISECOND * 600_000).or(default.hold);
    let doc =
        "So long the answers to slow readers may take to begin: large results take time to make.";
    let settle = table
        .key("settle", doc)
        .duration(MILLISECOND * 1_000..=MILLISECOND * 600_000)
        .or(default.settle);
    let doc = "How often all of it is done: what is not seen each time is nothing.";
    let rounds = table.key("rounds", doc).count(2..=20).or(default.rounds);
    let doc = "A large result has so many bytes: fewer may be on their way before they are read.";
    let least_bytes = table.key("least_bytes", doc).count(1..=16_000_000).or(default.least_bytes);
    let doc = "The tool with large results. Default: the one whose result was the largest.";
    let large = table.key("large", doc).text().optional();
    let doc = "The tool of ordinary calls. Default: the one whose result was the smallest.";
    let ordinary = table.key("ordinary", doc).text().optional();
    SlowConsumerTrials { readers, rate, every, hold, settle, rounds, least_bytes, large, ordinary }
}

pub(super) fn settle(root: &Table<'_>, plan: &Plan, knobs: &SlowConsumerTrials) {
    for (key, name) in [("large", &knobs.large), ("ordinary", &knobs.ordinary)] {
        tool::refuse_unknown(root, plan, ("slow_consumer", key), name.as_deref());
    }
    if knobs.calls() < FEWEST {
        let found = format!("{} ordinary calls of one kind", knobs.calls());
        let right = format!("raise hold or lower every: {FEWEST} are needed at least");
        root.log().wrong(place(root, &["load", "slow_consumer"]), found, right);
    }
}
