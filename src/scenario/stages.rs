//! Stages, arrivals and herds: the keys of `[load]` that say when.

use std::time::Duration;

use crate::model::pace::{Arrivals, Herd, Pace, RateStage, Spacing, UserStage, Users};

use super::document::{Node, Value};
use super::mistake::Place;
use super::reader::Table;
use super::scalar::{Wrong, rate_of, whole_of};

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

impl To {
    const fn rate(self) -> Option<f64> {
        match self {
            Self::Rate(rate) => Some(rate),
            Self::Users(_) => None,
        }
    }

    const fn users(self) -> Option<u32> {
        match self {
            Self::Users(users) => Some(users),
            Self::Rate(_) => None,
        }
    }
}

/// Why nobody ever comes, and what would be right.
const AT_ZERO: (&str, &str) = ("every stage is at zero", "give at least one stage a load");
/// Less than half an arrival lies under the curve.
const TOO_SHORT: (&str, &str) =
    ("the stages end before the first arrival", "let one last longer, or raise its rate");
const MOST_USERS: u32 = 1_000_000;
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Keys that only arrivals have.
const OPEN_ONLY: [&str; 4] = ["from", "arrivals", "herds", "ceiling"];

/// Reads the pace of `[load]`.
pub fn read(load: &Table<'_>) -> Option<Pace> {
    let doc = "open: runs arrive whether or not the target keeps up; closed: so many users.";
    let model = load
        .key("model", doc)
        .word(&[("open", Model::Open), ("closed", Model::Closed)], &[])
        .settled(Model::Open, "\"open\"");
    let stages =
        load.tables("stages", "Linear ramps, one after another.", |table| stage(table, model));
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
    if stages.is_empty() {
        load.log().wrong(load.place_of("stages"), "load.stages is empty", "give it a stage");
        return None;
    }
    match model? {
        Model::Closed => Some(Pace::Closed(closed(load, &stages))),
        Model::Open => {
            let herds = herds.unwrap_or_default();
            Some(Pace::Open(open(load, from, &stages, spacing, &herds)))
        }
    }
}

fn open(
    load: &Table<'_>,
    from: f64,
    stages: &[Stage],
    spacing: Spacing,
    herds: &[(Herd, Place)],
) -> Arrivals {
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| RateStage { over: stage.over, to: stage.to.rate().unwrap_or(0.0) })
        .collect();
    let total: Duration = stages.iter().map(|stage| stage.over).sum();
    check_herds(load, herds, total);
    let herds = herds.iter().map(|(herd, _)| *herd).collect();
    let arrivals = Arrivals { from, stages, spacing, herds };
    if arrivals.expected() == 0 {
        let at_zero = arrivals.from == 0.0 && arrivals.stages.iter().all(|stage| stage.to == 0.0);
        refuse_silence(load, if at_zero { AT_ZERO } else { TOO_SHORT });
    }
    arrivals
}

fn closed(load: &Table<'_>, stages: &[Stage]) -> Users {
    for key in OPEN_ONLY {
        if let Some(place) = load.given(key) {
            let found = format!("load.{key} belongs to the open model");
            load.log().wrong(place, found, "remove it, or write model = \"open\"");
        }
    }
    for stage in stages.iter().filter(|stage| stage.over < Duration::from_secs(1)) {
        let found = "a closed stage of less than a second: users come and go by the second";
        load.log().wrong(stage.place, found, "give this stage over = \"1s\" or more");
    }
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| UserStage { over: stage.over, to: stage.to.users().unwrap_or(0) })
        .collect();
    if stages.iter().all(|stage| stage.to == 0) {
        refuse_silence(load, AT_ZERO);
    }
    Users { stages }
}

fn stage(stage: &Table<'_>, model: Option<Model>) -> Option<Stage> {
    let over = stage
        .key("over", "How long the ramp takes.")
        .duration(Duration::from_millis(1)..=WEEK)
        .required();
    let to = stage
        .key("to", "At its end: runs per time (open), or users at once (closed).")
        .read("a rate such as \"60/min\", or users such as 50", |node| to_of(node, model))
        .required();
    Some(Stage { over: over?, to: to?, place: stage.place() })
}

fn to_of(node: &Node, model: Option<Model>) -> Result<To, Wrong> {
    let users = whole_of(node, &(0..=MOST_USERS));
    match (model, &node.value) {
        (Some(Model::Closed), Value::Text(text)) => Err(match text.trim().parse::<u32>() {
            Ok(users) => {
                format!("a closed model keeps so many users: write {users} without the quotes")
            }
            Err(_) => "a closed model keeps so many users: write a number such as 50, or \
                       model = \"open\""
                .to_owned(),
        }),
        (Some(Model::Closed), _) => {
            users.map(To::Users).ok_or(format!("expected a number of users, 0 to {MOST_USERS}"))
        }
        (_, Value::Text(_)) => rate_of(node).map(To::Rate),
        (Some(Model::Open), Value::Integer(Some(runs @ 1..))) => Err(format!(
            "in an open model runs arrive at a rate: write \"{runs}/min\", or model = \"closed\""
        )),
        _ => users
            .map(To::Users)
            .ok_or_else(|| "expected a rate such as \"60/min\", or users such as 50".to_owned()),
    }
}

fn herd(herd: &Table<'_>) -> Option<(Herd, Place)> {
    let at = herd.key("at", "When it begins.").duration(Duration::ZERO..=WEEK).required();
    let users = herd.key("users", "How many come.").count(1..=1_000_000).required();
    let within = herd
        .key("within", "They spread uniformly over this long; 0s is all at once.")
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

fn refuse_silence(load: &Table<'_>, (why, right): (&str, &str)) {
    load.log().wrong(load.place_of("stages"), format!("nobody ever comes: {why}"), right);
}
