//! `[load.affinity]`: the knobs of `check-affinity`.

use crate::model::behaviour::AffinityTrials;
use crate::model::plan::Plan;
use crate::scenario::reader::Table;

/// So many addresses are enough to see that they make a difference.
const MOST: usize = 16;

pub(super) fn read(table: &Table<'_>) -> AffinityTrials {
    let default = AffinityTrials::default();
    let doc = "Sessions, one after another.";
    let sessions = table.key("sessions", doc).count(2..=1_000).or(default.sessions);
    let doc = "Calls in each, each on a new connection, from each address.";
    let tries = table.key("tries", doc).count(5..=10_000).or(default.tries);
    AffinityTrials { sessions, tries, ..default }
}

pub(super) fn settled(knobs: AffinityTrials, plan: &Plan) -> AffinityTrials {
    let addresses = plan.clients.addresses.len().clamp(1, MOST);
    AffinityTrials { addresses: u32::try_from(addresses).unwrap_or(1), ..knobs }
}
