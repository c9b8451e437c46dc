//! `[load.sessions]`: the knobs of `check-sessions`.

use std::time::Duration;

use crate::model::behaviour::SessionTrials;
use crate::model::plan::Plan;
use crate::scenario::reader::Table;

/// The longest that is waited for a session's end.
const LONGEST: Duration = Duration::from_secs(86_400);

pub(super) fn read(table: &Table<'_>) -> SessionTrials {
    let default = SessionTrials::default();
    let doc = "Calls of each kind in sessions that are not open: never issued, ended, another's.";
    let tries = table.key("tries", doc).count(1..=1_000).or(default.tries);
    let doc = "Handshakes one after another without an end, and as many with a DELETE each.";
    let cycles = table.key("cycles", doc).count(0..=100_000).or(default.cycles);
    let doc = "So long an unused session is kept: past it, it has to be gone. Default: not tried.";
    let idle = table.key("idle", doc).duration(Duration::from_millis(1)..=LONGEST).optional();
    SessionTrials { tries, cycles, idle, ..default }
}

pub(super) fn settled(knobs: SessionTrials, plan: &Plan) -> SessionTrials {
    SessionTrials { has_users: super::has_users(plan), ..knobs }
}
