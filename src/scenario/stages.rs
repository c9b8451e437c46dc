//! Stages, arrivals and herds: the keys of `[load]` that say when.

use std::time::Duration;

use crate::model::pace::{Arrivals, Herd, Pace, RateStage, Spacing, UserStage, Users};

use super::document::{Node, Value};
use super::key::{Wrong, rate_of};
use super::mistake::Place;
use super::reader::Table;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Open,
    Closed,
}

/// One stage as it is written, before its model is asked.
struct Stage {
    over: Duration,
    to: To,
    place: Place,
}

#[derive(Clone, Copy)]
enum To {
    Rate(f64),
    Users(u32),
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Keys that only arrivals have.
const OPEN_ONLY: [&str; 4] = ["from", "arrivals", "herds", "ceiling"];

/// Reads the pace of `[load]`.
pub fn read(load: &Table<'_>) -> Option<Pace> {
    let doc = "open: runs arrive whether or not the target keeps up; closed: so many users.";
    let model = load
        .key("model", doc)
        .word(&[("open", Model::Open), ("closed", Model::Closed)], &[])
        .or_as(Model::Open, "\"open\"");
    let stages = load.tables("stages", "Linear ramps, one after another.", stage);
    let from =
        load.key("from", "Rate at the start of the first stage.").rate().or_as(0.0, "\"0/s\"");
    let spacing = load
        .key("arrivals", "How arrivals lie under the curve.")
        .word(&[("even", Spacing::Even), ("poisson", Spacing::Poisson)], &[])
        .or_as(Spacing::Even, "\"even\"");
    let herds = load.tables("herds", "Crowds that come at once, on top of the curve.", herd);

    let Some(stages) = stages else {
        if load.given("stages").is_none() {
            let right = "expected stages = [{ over = \"30s\", to = \"60/min\" }]";
            load.log().wrong(load.place(), "load.stages is missing", right);
        }
        return None;
    };
    if model == Model::Closed {
        refuse_open_keys(load);
        return closed(load, &stages).map(|stages| Pace::Closed(Users { stages }));
    }
    let stages = open(load, &stages)?;
    let herds = herds.unwrap_or_default();
    let total: Duration = stages.iter().map(|stage| stage.over).sum();
    check_herds(load, &herds, total);
    let quiet = from == 0.0 && stages.iter().all(|stage| stage.to == 0.0) && herds.is_empty();
    refuse_silence(load, quiet);
    let herds = herds.into_iter().map(|(herd, _)| herd).collect();
    Some(Pace::Open(Arrivals { from, stages, spacing, herds }))
}

fn stage(stage: &Table<'_>) -> Option<Stage> {
    let over = stage
        .key("over", "How long the ramp takes.")
        .duration(Duration::from_millis(1)..=WEEK)
        .required();
    let to = stage
        .key("to", "At its end: runs per time (open), or users at once (closed).")
        .read("a rate such as \"60/min\", or users such as 50", to_of)
        .required();
    Some(Stage { over: over?, to: to?, place: stage.place_of("to") })
}

fn to_of(node: &Node) -> Result<To, Wrong> {
    match node.value {
        Value::Text(_) => rate_of(node).map(To::Rate),
        Value::Integer(number) => number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|users| *users <= 1_000_000)
            .map(To::Users)
            .ok_or_else(|| "expected users, 0 to 1000000".to_owned()),
        _ => Err("expected a rate such as \"60/min\", or users such as 50".to_owned()),
    }
}

fn open(load: &Table<'_>, stages: &[Stage]) -> Option<Vec<RateStage>> {
    let rate = |stage: &Stage| match stage.to {
        To::Rate(to) => Some(RateStage { over: stage.over, to }),
        To::Users(users) => {
            let found = format!("{users} users in an open model: there, runs arrive at a rate");
            let right = format!("write \"{users}/min\", or model = \"closed\"");
            load.log().wrong(stage.place, found, right);
            None
        }
    };
    complete(load, stages, rate)
}

fn closed(load: &Table<'_>, stages: &[Stage]) -> Option<Vec<UserStage>> {
    let users = |stage: &Stage| match stage.to {
        To::Users(to) => Some(UserStage { over: stage.over, to }),
        To::Rate(_) => {
            let found = "a rate in a closed model: there, so many users come back as they finish";
            load.log().wrong(stage.place, found, "write users such as 50, or model = \"open\"");
            None
        }
    };
    let users = complete(load, stages, users)?;
    for (stage, written) in users.iter().zip(stages) {
        if stage.over < Duration::from_secs(1) {
            let found = "a closed stage of less than a second: users come and go by the second";
            load.log().wrong(written.place, found, "give this stage over = \"1s\" or more");
        }
    }
    refuse_silence(load, users.iter().all(|stage| stage.to == 0));
    Some(users)
}

/// Every stage translated, or nothing; each one that cannot be is a mistake of its own.
fn complete<T>(
    load: &Table<'_>,
    stages: &[Stage],
    translate: impl Fn(&Stage) -> Option<T>,
) -> Option<Vec<T>> {
    if stages.is_empty() && load.log().is_clean() {
        load.log().wrong(load.place_of("stages"), "load.stages is empty", "give it a stage");
    }
    let translated: Vec<T> = stages.iter().filter_map(translate).collect();
    (translated.len() == stages.len() && !stages.is_empty()).then_some(translated)
}

fn herd(herd: &Table<'_>) -> Option<(Herd, Place)> {
    let at = herd.key("at", "When it begins.").duration(Duration::ZERO..=WEEK).required();
    let users = herd.key("users", "How many come.").count(1..=1_000_000).required();
    let within = herd
        .key("within", "They spread evenly over this long; 0s is all at once.")
        .duration(Duration::ZERO..=WEEK)
        .or(Duration::ZERO);
    Some((Herd { at: at?, arrivals: users?, within }, herd.place()))
}

fn check_herds(load: &Table<'_>, herds: &[(Herd, Place)], total: Duration) {
    for (herd, place) in herds {
        if herd.at + herd.within > total {
            let found = format!("a herd that is not over when the stages end, after {total:?}");
            let right = "begin earlier, or add a stage that lasts longer";
            load.log().wrong(*place, found, right);
        }
    }
}

fn refuse_open_keys(load: &Table<'_>) {
    for key in OPEN_ONLY {
        if let Some(place) = load.given(key) {
            let found = format!("load.{key} belongs to the open model");
            load.log().wrong(place, found, "remove it, or write model = \"open\"");
        }
    }
}

fn refuse_silence(load: &Table<'_>, quiet: bool) {
    if quiet {
        let found = "nobody ever comes: every stage is at zero";
        load.log().wrong(load.place_of("stages"), found, "give at least one stage a load");
    }
}
