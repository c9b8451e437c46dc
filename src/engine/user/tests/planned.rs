//! A load rehearsed beside its plan: where every call takes what the plan takes it to take, what
//! happens is what was planned, to the call.

use super::open::{evenly, taking};
use super::*;
use crate::model::behaviour::Chat;
use crate::model::outlook;
use crate::model::plan::{Load, sample};

/// Holds what a load of `seconds` comes to, cut `drain` seconds later, against its outlook.
async fn as_planned(behaviour: Behaviour, seconds: u64, drain: u64) {
    let (profile, arrivals) = (pooled(plain()), evenly(2, seconds));
    let load = Load {
        behaviour: behaviour.clone(),
        speed: 1.0,
        pace: crate::model::pace::Pace::Open(arrivals.clone()),
        drain: Duration::from_secs(drain),
        ceiling: 1_000,
    };
    let plan = sample::plan(load, profile.clone());
    let planned = outlook::of(&plan, plan.way(), 1);
    let stage = Rehearsed::of(taking(|_, _| ms(800)), profile, behaviour);
    stage.over_at(Duration::from_secs(seconds + drain));
    let shown = stage.open(arrivals.due(7)).await;
    let happened =
        [shown.summary.calls.tally.count(), shown.summary.runs.cut, shown.told.sent() as u64];
    let expected = [planned.calls, planned.cut, planned.exchanges].map(|it| it.round() as u64);
    assert_eq!(shown.summary.runs.count(), planned.runs);
    assert_eq!(happened, expected, "calls, runs cut, exchanges");
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_runs_all_end_is_the_one_planned() {
    as_planned(steady(5, ms(500)), 10, 60).await;
    as_planned(Behaviour::Chat(Chat::default()), 20, 600).await;
    as_planned(boxed(Research::standard()), 20, 24 * 3_600).await;
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_runs_are_cut_is_the_one_planned() {
    as_planned(steady(5, ms(500)), 10, 3).await;
    as_planned(Behaviour::Chat(Chat::default()), 20, 7).await;
    for drain in [0, 20, 60, 200] {
        as_planned(boxed(Research::standard()), 20, drain).await;
    }
}
