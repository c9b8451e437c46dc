//! `squall check` shows the plan of a scenario, and asks nobody.

use crate::squall::{Place, filtered, root};
use crate::stranger::Stranger;

#[test]
fn the_plan_of_every_shipped_scenario() {
    for name in ["chat-morning", "modern-storm", "research-storm", "steady"] {
        let place = Place::new();
        let file = root().join(format!("scenarios/{name}.toml"));
        let done = place.squall().args(["check", file.to_str().unwrap()]).go();
        done.exits(0);
        assert_eq!(done.stderr, "");
        insta::assert_snapshot!(name, filtered(&done.stdout));
        assert_eq!(place.names(), [""; 0], "check leaves nothing behind");
    }
}

#[test]
fn no_request_is_made() {
    let stranger = Stranger::that(drop);
    let place = Place::new();
    let file = root().join("scenarios/research-storm.toml");
    let file = file.to_str().unwrap();
    place.squall().args(["check", file]).target(&stranger.url()).go().exits(0);
    assert_eq!(stranger.connections(), 0, "check connected to the target");
    place.squall().args(["run", file]).target(&stranger.url()).go().exits(3);
    assert!(stranger.connections() > 0, "the listener does not notice");
}

/// What both commands say of a scenario that cannot be run as it is.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let file = root().join("scenarios/research-storm.toml");
    let command = |name| place.squall().args([name, file.to_str().unwrap()]);
    let said = ["check", "run"].map(|name| {
        let done = command(name).args(arguments.iter().copied()).go();
        done.refused(2, place)
    });
    assert_eq!(said[0], said[1], "check and run differ");
    said.into_iter().next().unwrap()
}

#[test]
fn what_run_refuses_unasked_check_refuses_in_the_same_words() {
    let place = Place::new();
    place.file("text.pem", "hello");
    let stranger = Stranger::that(drop);
    let far = format!("http://0.0.0.0:{}/mcp", stranger.port());
    let near = format!("https://127.0.0.1:{}/mcp", stranger.port());
    let cases: [(&[&str], &str); 7] = [
        (&["--target", &far, "--i-am-authorised"], "max_rate under [target] allows 20"),
        (&["--set", "target.max_rate=1"], "max_rate under [target] allows 1"),
        (
            &["--target", &near, "--set", "target.tls.ca_file='none.pem'"],
            "ca_file under [target.tls]: cannot read none.pem",
        ),
        (
            &["--target", &near, "--set", "target.tls.crl_file='text.pem'"],
            "crl_file under [target.tls]: text.pem holds none",
        ),
        (
            &["--set", "expect.thresholds=['p99(response, resources/list) < 2s']"],
            "which this run never measures",
        ),
        (
            &["--set", "target.protocol=2026-07-28", "--set", "target.transport=http+sse"],
            "the protocol under [target] has none: leave out protocol or transport",
        ),
        (
            &["--set", "clients.override.era=modern", "--set", "target.transport=http+sse"],
            "the profile makes none: leave out transport",
        ),
    ];
    for (arguments, words) in cases {
        let text = refused(&place, arguments);
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    assert_eq!(stranger.connections(), 0, "something was sent");
}

/// Four runs within two seconds, of a call each half a minute and twenty in all, cut four seconds
/// later: only their first calls begin, which no machine is too slow for.
const CUT_SHORT: [(&str, &str); 9] = [
    ("load.from", r#""2/s""#),
    ("load.stages", r#"[{ over = "2s", to = "2/s" }]"#),
    ("load.behaviour", r#""steady""#),
    ("load.steady", r#"{ calls = 20, think = "30s" }"#),
    ("load.drain", r#""4s""#),
    ("load.speed", "1"),
    ("practice.latency", r#""800ms""#),
    ("clients.profile", r#""plain""#),
    ("tools.allow", r#"["search"]"#),
];

#[test]
fn a_short_load_is_planned_as_it_happens() {
    let place = Place::new();
    let storm = root().join("scenarios/research-storm.toml");
    let check = || place.squall().args(["check", storm.to_str().unwrap()]).sets(CUT_SHORT);
    let done = check().arg("--json").go();
    done.exits(0);
    let checked: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let planned = |pointer: &str| checked.pointer(pointer).unwrap().as_f64().unwrap();
    assert!((planned("/plan/calls/expected") - 4.0).abs() < 1e-6);
    assert!((planned("/plan/runs_cut/expected") - 4.0).abs() < 1e-6);
    assert!((planned("/run/calls") - 20.0).abs() < 1e-6);
    assert!(checked["warnings"][0].as_str().unwrap().starts_with("100% of the runs are cut"));
    let text = check().go();
    text.exits(0);
    assert!(text.stdout.contains("\ncut        about 4 of 4 runs are cut"), "{}", text.stdout);
    assert!(text.stdout.contains("\nwarning    100% of the runs are cut"), "{}", text.stdout);

    let done = place.run("research-storm").patient().sets(CUT_SHORT).go();
    // Runs are cut, and `patient` expects none to be.
    let report = done.exits(4).report();
    assert_eq!(*report.at("/plan"), checked["plan"], "the report's plan is the checked one");
    assert_eq!((report.count("/summary/runs"), report.count("/summary/runs_cut")), (4, 4));
    // That more calls are made as they are planned, to the call, is held on a clock that waits for
    // the work: engine/user/tests/planned.rs.
    assert_eq!(report.count("/summary/calls"), 4);
}
