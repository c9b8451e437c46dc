//! `[load.sessions]`: the knobs of `check-sessions`.

use std::time::Duration;

use crate::model::behaviour::SessionTrials;
use crate::model::fault::{Fault, What};
use crate::model::plan::Plan;
use crate::scenario::checks::place;
use crate::scenario::reader::Table;

/// The longest that is waited for a session's end.
const LONGEST: Duration = Duration::from_secs(86_400);
/// A restart is over by then, unless its window lasts longer or its hook is ended sooner.
const UNSAID: Duration = Duration::from_secs(5);

pub(super) fn read(table: &Table<'_>) -> SessionTrials {
    let default = SessionTrials::default();
    let doc = "Calls of each kind in sessions that are not open: never issued, ended, another's.";
    let tries = table.key("tries", doc).count(1..=1_000).or(default.tries);
    let doc = "Handshakes whose sessions are left open, in two series; and half as many with a DELETE each.";
    let cycles = table.key("cycles", doc).count(0..=100_000).or(default.cycles);
    let doc = "So long an unused session is kept: past it, it has to be gone. Default: not tried.";
    let idle = table.key("idle", doc).duration(Duration::from_millis(1)..=LONGEST).optional();
    let doc = "Sessions that are open while a hook of the scenario restarts the target.";
    let survivors = table.key("survivors", doc).count(0..=1_000).or(default.survivors);
    let doc = "How long the target may take to serve everybody again after that.";
    let span = Duration::from_millis(1)..=LONGEST;
    let patience = table.key("patience", doc).duration(span).or(default.patience);
    SessionTrials { tries, cycles, idle, survivors, patience, ..default }
}

pub(super) fn settled(knobs: SessionTrials, plan: &Plan) -> SessionTrials {
    SessionTrials { has_users: super::has_users(plan), ..knobs }
}

/// When the target is restarted, if that is to be looked at.
pub(super) fn restarted(root: &Table<'_>, knobs: &mut SessionTrials, plan: &Plan) {
    if knobs.survivors == 0 {
        return;
    }
    let hook = plan.faults.iter().find(|fault| matches!(fault.what, What::Hook(_)));
    if let Some(Fault { when, what, .. }) = hook {
        let lasts = when.lasts.unwrap_or_default().max(match what {
            What::Hook(hook) => hook.timeout.min(UNSAID),
            _ => UNSAID,
        });
        let over = when.at.saturating_add(lasts);
        knobs.restart = Some((when.at, over));
    } else {
        let found = "load.sessions.survivors is about a restart, and nothing restarts the target";
        let right = "add a [[fault]] with kind = \"hook\" whose command does, or remove survivors";
        root.log().wrong(place(root, &["load", "sessions", "survivors"]), found, right);
    }
}
