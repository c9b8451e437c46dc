//! Scripts in scenarios: knobs, and what the rest has to be.

use std::time::Duration;

use super::*;
use crate::model::behaviour::{AffinityTrials, IsolationTrials, SessionTrials};
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
fn each_script_has_knobs_of_its_own() {
    let trials = |sets: &[&str]| match with(sets).unwrap().load.behaviour.check() {
        Some(Check::Script(trials)) => trials.clone(),
        other => panic!("{other:?}"),
    };
    let sets = ["load.behaviour=check-isolation", "load.isolation={ calls = 9, patience = '1s' }"];
    let patience = Duration::from_secs(1);
    let knobs = IsolationTrials { calls: 9, patience, ..IsolationTrials::default() };
    assert_eq!(trials(&sets), Trials::Isolation(knobs));
    let addresses = "clients.addresses=['127.0.1.1', '127.0.1.2']";
    let sets = ["load.behaviour=check-affinity", "load.affinity.tries=7", addresses];
    let knobs = AffinityTrials { tries: 7, addresses: 2, ..AffinityTrials::default() };
    assert_eq!(trials(&sets), Trials::Affinity(knobs));
    for trials in [trials(&sets), Trials::Isolation(IsolationTrials::default())] {
        assert!(!trials.told().is_empty() && !trials.told().contains("  "), "{}", trials.told());
    }
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
