//! `[load.starvation]`: the knobs of `check-starvation`.

use std::time::Duration;

use super::tool;
use crate::model::behaviour::StarvationTrials;
use crate::model::plan::Plan;
use crate::scenario::checks::place;
use crate::scenario::reader::Table;

/// Fewer cheap requests of one step show nothing.
pub(crate) const FEWEST: u32 = 10;
const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn read(table: &Table<'_>) -> StarvationTrials {
    let default = StarvationTrials::default();
    let doc = "From one cheap request (ping and tools/list by turns) to the next.";
    let every =
        table.key("every", doc).duration(MILLISECOND * 10..=MILLISECOND * 60_000).or(default.every);
    let doc = "The most slow calls in flight: 1, 2, 4, ... up to it.";
    let most = table.key("most", doc).count(1..=1_024).or(default.most);
    let doc = "So long each number of slow calls is held.";
    let hold =
        table.key("hold", doc).duration(MILLISECOND * 100..=MILLISECOND * 600_000).or(default.hold);
    let doc = "How often all of it is done: what is not seen each time is nothing.";
    let rounds = table.key("rounds", doc).count(2..=20).or(default.rounds);
    let doc = "The slow tool. Default: the slowest of those that may be called.";
    let slow = table.key("slow", doc).text().optional();
    StarvationTrials { every, most, hold, rounds, slow }
}

pub(super) fn settle(root: &Table<'_>, plan: &Plan, knobs: &StarvationTrials) {
    tool::refuse_unknown(root, plan, ("starvation", "slow"), knobs.slow.as_deref());
    if knobs.cheap() < FEWEST {
        let found = format!("{} cheap requests with each number of slow calls", knobs.cheap());
        let right = format!("raise hold or lower every: {FEWEST} are needed at least");
        root.log().wrong(place(root, &["load", "starvation"]), found, right);
    }
}
