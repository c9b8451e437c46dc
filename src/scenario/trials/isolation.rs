//! `[load.isolation]`: the knobs of `check-isolation`.

use std::time::Duration;

use crate::model::behaviour::IsolationTrials;
use crate::model::plan::Plan;
use crate::scenario::reader::Table;

/// Nobody waits longer for an answer.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn read(table: &Table<'_>) -> IsolationTrials {
    let default = IsolationTrials::default();
    let doc = "Calls at once that have one id.";
    let calls = table.key("calls", doc).count(8..=100).or(default.calls);
    let doc = "How often so many are made in one session, in several, and of several users.";
    let rounds = table.key("rounds", doc).count(1..=100).or(default.rounds);
    let doc = "Users among whom they are, where [auth] tells users apart.";
    let users = table.key("users", doc).count(2..=100).or(default.users);
    let doc = "The first so many of the tools that may be called.";
    let tools = table.key("tools", doc).count(1..=100).or(default.tools);
    let doc = "How long an answer is waited for: a server must not leave a call without one.";
    let range = Duration::from_millis(100)..=LONGEST;
    let patience = table.key("patience", doc).duration(range).or(default.patience);
    IsolationTrials { calls, rounds, users, tools, patience, ..default }
}

pub(super) fn settled(knobs: IsolationTrials, plan: &Plan) -> IsolationTrials {
    IsolationTrials { has_users: super::has_users(plan), ..knobs }
}
