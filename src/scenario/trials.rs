//! Checks that are one script: their knobs, a table each, and what they need of the rest of a
//! scenario; and `[expect] invariants`.

mod aborts;
mod affinity;
mod cancels;
mod isolation;
mod parallel;
mod sessions;
mod silences;
mod slow_consumer;
mod starvation;
mod tool;

use crate::model::behaviour::{Behaviour, Check, Trials};
use crate::model::pace::Pace;
use crate::model::plan::Plan;
use crate::model::plan::checks::{
    ABORTS, AFFINITY, CANCELS, ISOLATION, PARALLEL, SESSIONS, SILENCES, SLOW_CONSUMER, STARVATION,
};
use crate::model::plan::invariant::{Invariant, Seen};

use super::checks::place;
use super::document::Node;
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// Tables of knobs, and the check that each is of.
pub const TABLES: [(&str, &str); 9] = [
    ("sessions", SESSIONS),
    ("abort_liveness", ABORTS),
    ("cancel", CANCELS),
    ("idle_streams", SILENCES),
    ("isolation", ISOLATION),
    ("affinity", AFFINITY),
    ("starvation", STARVATION),
    ("parallel_scaling", PARALLEL),
    ("slow_consumer", SLOW_CONSUMER),
];

/// Every script with its knobs, as `[load]` has them, by the names of the checks.
pub fn read(load: &Table<'_>) -> Vec<Trials> {
    let sessions = "Knobs of behaviour check-sessions.";
    let aborts = "Knobs of behaviour check-abort-liveness.";
    let cancels = "Knobs of behaviour check-cancel.";
    let silences = "Knobs of behaviour check-idle-streams.";
    let isolation = "Knobs of behaviour check-isolation.";
    let affinity = "Knobs of behaviour check-affinity.";
    let starvation = "Knobs of behaviour check-starvation.";
    let parallel = "Knobs of behaviour check-parallel-scaling.";
    let slow_consumer = "Knobs of behaviour check-slow-consumer.";
    vec![
        Trials::Sessions(load.table("sessions", sessions, sessions::read)),
        Trials::Aborts(load.table("abort_liveness", aborts, aborts::read)),
        Trials::Cancels(load.table("cancel", cancels, cancels::read)),
        Trials::Silences(load.table("idle_streams", silences, silences::read)),
        Trials::Isolation(load.table("isolation", isolation, isolation::read)),
        Trials::Affinity(load.table("affinity", affinity, affinity::read)),
        Trials::Starvation(load.table("starvation", starvation, starvation::read)),
        Trials::Parallel(load.table("parallel_scaling", parallel, parallel::read)),
        Trials::SlowConsumer(load.table("slow_consumer", slow_consumer, slow_consumer::read)),
    ]
}

/// Reads `invariants` of `[expect]`.
pub fn invariants(expect: &Table<'_>) -> Vec<Invariant> {
    let doc =
        "What must hold whatever the load, such as \"isolation\"; some need a check-... behaviour.";
    expect.key("invariants", doc).each("a list of invariants", invariant).or_as(Vec::new(), "[]")
}

fn invariant(node: &Node) -> Result<Invariant, Wrong> {
    let text = text_of(node)?;
    let found = Invariant::WORDS.into_iter().find(|(word, _)| *word == text);
    let names = || Invariant::WORDS.map(|(word, _)| word).join(", ");
    found.map(|(_, invariant)| invariant).ok_or_else(|| format!("expected one of {}", names()))
}

/// One run brings all the users and sessions that are tried.
pub(super) fn refuse_runs(root: &Table<'_>, plan: &Plan, name: &str) {
    let is_one = match &plan.load.pace {
        Pace::Open(arrivals) => arrivals.due(plan.seed).take(2).count() == 1,
        Pace::Closed(_) => false,
    };
    if !is_one {
        let found = format!("{name} is one run, which brings all that it needs");
        let right = "write stages of one arrival: [{ over = \"1s\", to = \"120/min\" }]";
        root.log().wrong(place(root, &["load", "stages"]), found, right);
    }
}

/// Whether each user has something of its own to present.
pub(super) fn has_users(plan: &Plan) -> bool {
    plan.auth.tells_apart()
}

/// Holds the rest of the scenario against a script, and takes from it what that has to know.
pub fn settle(root: &Table<'_>, plan: &mut Plan, trials: &Trials) {
    refuse_runs(root, plan, trials.name());
    let settled = match trials {
        Trials::Sessions(knobs) => Trials::Sessions(sessions::settled(*knobs, plan)),
        Trials::Aborts(_) | Trials::Cancels(_) | Trials::Silences(_) => trials.clone(),
        Trials::Isolation(knobs) => Trials::Isolation(isolation::settled(*knobs, plan)),
        Trials::Affinity(knobs) => Trials::Affinity(affinity::settled(*knobs, plan)),
        Trials::Starvation(knobs) => {
            starvation::settle(root, plan, knobs);
            trials.clone()
        }
        Trials::Parallel(knobs) => {
            tool::refuse_unknown(root, plan, ("parallel_scaling", "tool"), knobs.tool.as_deref());
            trials.clone()
        }
        Trials::SlowConsumer(knobs) => {
            slow_consumer::settle(root, plan, knobs);
            trials.clone()
        }
    };
    plan.load.behaviour = Behaviour::Check(Check::Script(settled));
}

/// Takes from the faults what a script has to know of them.
pub fn settle_faults(root: &Table<'_>, plan: &mut Plan) {
    let mut behaviour = plan.load.behaviour.clone();
    if let Behaviour::Check(Check::Script(Trials::Sessions(knobs))) = &mut behaviour {
        sessions::restarted(root, knobs, plan);
        plan.load.behaviour = behaviour;
    }
}

/// A load in which none of the invariants could be seen is not made.
pub fn refuse_unseen(root: &Table<'_>, plan: &Plan) {
    let behaviour = &plan.load.behaviour;
    let all = &plan.expect.invariants;
    if all.iter().any(|invariant| invariant.is_seen_in(behaviour)) {
        return;
    }
    let Some(first) = all.first() else { return };
    let found = format!("{} cannot be seen in this load", first.written());
    let right = match first.seen() {
        Seen::With(needs) => format!("write load.behaviour = \"{needs}\", which checks it"),
        Seen::Always | Seen::AlwaysAnd(_) => {
            "choose a behaviour that is no check: any other load shows it".to_owned()
        }
    };
    root.log().wrong(place(root, &["expect", "invariants"]), found, right);
}

#[cfg(test)]
mod tests;
