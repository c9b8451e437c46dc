//! Scripts in scenarios: knobs, and what the rest has to be.

use std::time::Duration;

use super::*;
use crate::model::behaviour::{
    ParallelTrials, SessionTrials, SlowConsumerTrials, StarvationTrials,
};
use crate::scenario::{Input, read};

const SHORTEST: &str = r#"
[target]
url = "practice"
[clients]
profile = "plain"
[load]
behaviour = "check-sessions"
stages = [{ over = "1s", to = "120/min" }]
"#;

fn with(overrides: &[&str]) -> Result<Plan, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let input = Input {
        text: SHORTEST,
        file: "check.toml",
        overrides: &overrides,
        target: None,
        authorised: true,
        environment: &|_| None,
        files: &|path| Err(format!("no file {path}")),
    };
    read(&input).map_err(|mistakes| mistakes.render(false))
}

fn sessions(plan: &Plan) -> SessionTrials {
    match plan.load.behaviour.check() {
        Some(Check::Script(Trials::Sessions(knobs))) => *knobs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_has_its_knobs_and_whoever_there_is() {
    assert_eq!(sessions(&with(&[]).unwrap()), SessionTrials::default());
    let knobs = ["load.sessions={ tries = 2, cycles = 7, idle = '3s' }", "auth.kind=oauth"];
    let idle = Some(Duration::from_secs(3));
    let expected = SessionTrials { tries: 2, cycles: 7, idle, has_users: true };
    assert_eq!(sessions(&with(&knobs).unwrap()), expected);
}

#[test]
fn what_a_script_lacks_is_shown_in_place() {
    let cases: [&[&str]; 5] = [
        &["load.stages=[{ over = '9s', to = '120/min' }]"],
        &["expect.invariants=['isolation']"],
        &["expect.invariants=['isolation', 'stale-session']"],
        &["load.behaviour=steady", "expect.invariants=['session-leak']"],
        &["load.behaviour=steady", "load.sessions.tries=2"],
    ];
    let said = cases.map(|sets| with(sets).unwrap_err()).join("\n");
    insta::assert_snapshot!(said);
    // One that can be seen is enough.
    let some = ["load.behaviour=steady", "expect.invariants=['session-leak', 'isolation']"];
    assert_eq!(with(&some).unwrap().expect.invariants.len(), 2);
}

fn script(plan: &Plan) -> Trials {
    match plan.load.behaviour.check() {
        Some(Check::Script(trials)) => trials.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn scripts_about_others_who_wait_have_their_knobs() {
    let of = |sets: &[&str]| script(&with(sets).unwrap());
    let slow = ["load.behaviour=check-starvation", "load.starvation={ most = 4, slow = 'a' }"];
    let (most, name) = (4, Some("a".to_owned()));
    let expected = StarvationTrials { most, slow: name.clone(), ..StarvationTrials::default() };
    assert_eq!(of(&slow), Trials::Starvation(expected));
    let knobs = "load.parallel_scaling={ batches = [8, 4, 8], tool = 'a' }";
    let parallel = ["load.behaviour=check-parallel-scaling", knobs];
    let batches = vec![1, 4, 8];
    let expected = ParallelTrials { batches, tool: name.clone(), ..ParallelTrials::default() };
    assert_eq!(of(&parallel), Trials::Parallel(expected));
    let consumer = ["load.behaviour=check-slow-consumer", "load.slow_consumer={ large = 'a' }"];
    let expected = SlowConsumerTrials { large: name, ..SlowConsumerTrials::default() };
    assert_eq!(of(&consumer), Trials::SlowConsumer(expected));
}

#[test]
fn what_scripts_about_others_who_wait_lack_is_shown_in_place() {
    let cases: [&[&str]; 5] = [
        &["load.behaviour=check-starvation", "load.starvation={ hold = '1s', every = '200ms' }"],
        &["load.behaviour=check-starvation", "load.starvation.slow='a'", "tools.allow=['b']"],
        &["load.behaviour=check-parallel-scaling", "load.parallel_scaling.batches=[0, 4]"],
        &["load.behaviour=check-slow-consumer", "load.slow_consumer={ hold = '500ms' }"],
        &[
            "load.behaviour=check-slow-consumer",
            "load.slow_consumer.large='a'",
            "tools.allow=['b']",
        ],
    ];
    let said = cases.map(|sets| with(sets).unwrap_err()).join("\n");
    insta::assert_snapshot!(said);
}
