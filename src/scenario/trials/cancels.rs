//! `[load.cancel]`: the knobs of `check-cancel`.

use std::time::Duration;

use crate::model::behaviour::CancelTrials;
use crate::scenario::reader::Table;

/// The longest of each time.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn read(table: &Table<'_>) -> CancelTrials {
    let default = CancelTrials::default();
    let (short, from) = (Duration::from_millis(50)..=LONGEST, Duration::from_millis(1)..=LONGEST);
    let doc = "The tool whose calls are cancelled. Default: the slowest that may be called.";
    let tool = table.key("tool", doc).text().optional();
    let doc = "Calls of it that are cancelled in the middle.";
    let calls = table.key("calls", doc).count(3..=1_000).or(default.calls);
    let doc = "So long after they were sent; after a third of what they take, if that is less.";
    let after = table.key("after", doc).duration(from.clone()).or(default.after);
    let doc = "An answer that comes so long after the cancellation was taken has not crossed it.";
    let grace = table.key("grace", doc).duration(from).or(default.grace);
    let doc = "A request right after a cancellation that takes longer is late.";
    let budget = table.key("budget", doc).duration(short).or(default.budget);
    let doc = "So many calls the target works on at once; 0: nobody knows, and it is not tried.";
    let workers = table.key("workers", doc).count(0..=1_000).or(default.workers);
    let doc = "Sweeps of 11 calls that are cancelled from 5 ms before to 5 ms after their answer.";
    let sweeps = table.key("sweeps", doc).count(1..=1_000).or(default.sweeps);
    CancelTrials { tool, calls, after, grace, budget, workers, sweeps }
}
