//! `[load.abort_liveness]`: the knobs of `check-abort-liveness`.

use std::time::Duration;

use crate::model::behaviour::AbortTrials;
use crate::scenario::reader::Table;

/// The longest that a step may take.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn read(table: &Table<'_>) -> AbortTrials {
    let default = AbortTrials::default();
    let doc = "Calls that their clients leave: half with RST, half with FIN.";
    let aborts = table.key("aborts", doc).count(4..=10_000).or(default.aborts);
    let doc = "Clients before them, and clients after them: handshake, tools/list and a call each.";
    let fresh = table.key("fresh", doc).count(3..=100).or(default.fresh);
    let doc = "So long a step after them may take; five times the slowest before, if that is more.";
    let range = Duration::from_millis(100)..=LONGEST;
    let budget = table.key("budget", doc).duration(range).or(default.budget);
    AbortTrials { aborts, fresh, budget }
}
