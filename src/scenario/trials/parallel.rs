//! `[load.parallel_scaling]`: the knobs of `check-parallel-scaling`.

use crate::model::behaviour::ParallelTrials;
use crate::scenario::reader::Table;
use crate::scenario::scalar::whole_of;

/// The largest batch.
const MOST: u32 = 256;

pub(super) fn read(table: &Table<'_>) -> ParallelTrials {
    let default = ParallelTrials::default();
    let doc = "So many calls at once, one batch after another; 1 is always the first.";
    let (kind, expected) =
        ("a list of whole numbers, 1 to 256", "expected whole numbers, 1 to 256");
    let mut batches = table
        .key("batches", doc)
        .each(kind, |node| whole_of(node, &(1..=MOST)).ok_or_else(|| expected.to_owned()))
        .or_as(default.batches, "[1, 2, 4, 8, 16, 32]");
    batches.push(1);
    batches.sort_unstable();
    batches.dedup();
    let doc = "How often all of it is done: what is not seen each time is nothing.";
    let rounds = table.key("rounds", doc).count(2..=100).or(default.rounds);
    let doc = "Which tool is called. Default: the slowest of those that may be.";
    let tool = table.key("tool", doc).text().optional();
    ParallelTrials { batches, rounds, tool }
}
