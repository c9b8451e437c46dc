//! Scripts in scenarios: knobs, and what the rest has to be.

use std::time::Duration;

use super::*;
use crate::model::behaviour::{
    AbortTrials, AffinityTrials, CancelTrials, IsolationTrials, ParallelTrials, SessionTrials,
    SilenceTrials, SlowConsumerTrials, StarvationTrials,
};
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
fn each_script_has_its_defaults_and_its_knobs() {
    let script = |sets: &[&str]| match with(sets).unwrap().load.behaviour.check() {
        Some(Check::Script(trials)) => trials.clone(),
        other => panic!("{other:?}"),
    };
    let ms = Duration::from_millis;
    let behaviours = ["abort-liveness", "cancel", "idle-streams"]
        .map(|name| format!("load.behaviour=check-{name}"));
    let [aborts, cancels, silences] = behaviours.each_ref().map(String::as_str);
    assert_eq!(script(&[aborts]), Trials::Aborts(AbortTrials::default()));
    assert_eq!(script(&[cancels]), Trials::Cancels(CancelTrials::default()));
    assert_eq!(script(&[silences]), Trials::Silences(SilenceTrials::default()));
    let knobs = "load.abort_liveness={ aborts = 8, fresh = 3, budget = '1s' }";
    let expected = AbortTrials { aborts: 8, fresh: 3, budget: ms(1_000) };
    assert_eq!(script(&[aborts, knobs]), Trials::Aborts(expected));
    let knobs = "load.cancel={ tool = 'a', calls = 3, after = '20ms', grace = '2s', budget = '3s', \
                 workers = 4, sweeps = 6 }";
    let tool = Some("a".to_owned());
    let (calls, after, grace, budget) = (3, ms(20), ms(2_000), ms(3_000));
    let expected = CancelTrials { tool, calls, after, grace, budget, workers: 4, sweeps: 6 };
    assert_eq!(script(&[cancels, knobs]), Trials::Cancels(expected));
    let knobs = "load.idle_streams={ silences = ['1s', '2s'], each = 3, call = 'a', seconds = 's', \
                 progress = 'b', calls = 4 }";
    let expected = SilenceTrials {
        silences: vec![ms(1_000), ms(2_000)],
        each: 3,
        call: Some("a".to_owned()),
        seconds: "s".to_owned(),
        progress: Some("b".to_owned()),
        calls: 4,
    };
    assert_eq!(script(&[silences, knobs]), Trials::Silences(expected));
    for wrong in ["[]", "['1ms']", "['2h']", "'1s'"] {
        let wrong = format!("load.idle_streams.silences={wrong}");
        assert!(with(&[silences, &wrong]).is_err(), "{wrong}");
    }
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
fn a_restart_is_when_a_hook_acts() {
    let hook = "fault=[{ kind = 'latency', at = '1s', lasts = '1s', latency = '1ms' }, \
                { kind = 'hook', at = '3s', lasts = '4s', command = ['true'] }]";
    let knobs = sessions(&with(&[hook, "load.sessions.survivors=3", "load.drain=60s"]).unwrap());
    let s = Duration::from_secs;
    assert_eq!((knobs.survivors, knobs.restart), (3, Some((s(3), s(8)))));
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
