//! Scripts in scenarios: knobs, and what the rest has to be.

use std::time::Duration;

use super::*;
use crate::model::behaviour::SessionTrials;
use crate::scenario::rehearsal;

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
    rehearsal::plan(SHORTEST, "check.toml", overrides)
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
    let expected =
        SessionTrials { tries: 2, cycles: 7, idle, has_users: true, ..SessionTrials::default() };
    assert_eq!(sessions(&with(&knobs).unwrap()), expected);
}

#[test]
fn a_restart_is_when_a_hook_acts() {
    let hook = "fault=[{ kind = 'latency', at = '1s', lasts = '1s', latency = '1ms' }, \
                { kind = 'hook', at = '3s', lasts = '4s', command = ['true'] }]";
    let knobs = sessions(&with(&[hook, "load.sessions.survivors=3", "load.drain=60s"]).unwrap());
    let s = Duration::from_secs;
    assert_eq!((knobs.survivors, knobs.restart), (3, Some((s(3), s(7)))));
    assert_eq!(sessions(&with(&[hook, "load.drain=60s"]).unwrap()).restart, None);
}

#[test]
fn what_a_script_lacks_is_shown_in_place() {
    let cases: [&[&str]; 6] = [
        &["load.sessions.survivors=3"],
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
