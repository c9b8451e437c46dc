//! Faults of the network in whole runs: each call knows what it met, each window what it did.

use serde_json::Value;

use crate::practice::Practice;
use crate::squall::{Place, Report};
use crate::storm::adds_up;

/// Shipped scenarios that are run here.
pub(crate) const SCENARIOS: [&str; 1] = ["chaos-network"];

/// Five users for twelve seconds, who have tokens of their own.
const GUARDED: &str = "[target]\nurl = 'practice'\n[auth]\nkind = 'oauth'\n\
    [clients]\nprofile = 'plain'\n[load]\nbehaviour = 'steady'\nmodel = 'closed'\n\
    steady = { calls = 20, think = '100ms' }\n\
    stages = [{ over = '1s', to = 5 }, { over = '11s', to = 5 }]\n\
    drain = '30s'\n[tools]\nallow = ['echo']\n";

/// Ten seconds of calls of five users, without a pause between calls of 20 ms, and these faults.
fn run(faults: &str) -> (Report, Practice) {
    let (practice, place) = (Practice::with(&["--latency", "20ms"]), Place::new());
    let text = format!(
        "name = 'faults'\nseed = 7\n[target]\nurl = 'practice'\n[clients]\nprofile = 'plain'\n\
         [load]\nbehaviour = 'steady'\nmodel = 'closed'\nsteady = {{ calls = 10, think = '0s' }}\n\
         stages = [{{ over = '1s', to = 5 }}, {{ over = '8s', to = 5 }}, {{ over = '1s', to = 0 }}]\n\
         drain = '30s'\n[tools]\nallow = ['echo']\n{faults}"
    );
    place.file("faults.toml", &text);
    let order = place.run_file("faults.toml", "report").target(&practice.url()).patient_alone();
    (order.go().report(), practice)
}

fn window<'r>(report: &'r Report, name: &str) -> &'r Value {
    let windows = report.at("/faults").as_array().unwrap();
    windows.iter().find(|window| window["name"] == name).unwrap_or_else(|| panic!("{windows:?}"))
}

fn count(window: &Value, pointer: &str) -> u64 {
    window.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}: {window}"))
}

/// One fault in force from the third to the sixth second.
fn fault(name: &str, lines: &str) -> String {
    format!("[[fault]]\nname = '{name}'\nat = '3s'\nlasts = '3s'\n{lines}\n")
}

#[test]
fn what_only_delays_costs_no_call_and_is_met_by_all() {
    let (report, practice) = run(&fault("late", "kind = 'latency'\nlatency = '100ms'"));
    adds_up(&report);
    assert_eq!(report.outcomes(), ["ok"]);
    let late = window(&report, "late");
    let (calls, met) = (count(late, "/inside/calls"), count(late, "/met"));
    // A user's last call in the window may be answered when that is over.
    assert!(calls > 5 && met + 5 >= calls, "{late}");
    assert_eq!([count(late, "/explained"), count(late, "/unexplained")], [0, 0]);
    // A hundred milliseconds on top of twenty, at the least.
    assert!(count(late, "/inside/p50_us") >= 118_000, "{late}");
    let seen = practice.counted("practice_requests_total{method=\"tools/call\",");
    assert_eq!(seen, report.count("/summary/exchanges/tools~1call"));
}

#[test]
fn what_breaks_connections_explains_every_error_and_is_over_when_it_is_over() {
    for lines in ["kind = 'down'", "kind = 'reset'\nshare = 0.5", "kind = 'drop'"] {
        let (report, _practice) = run(&fault("broken", lines));
        adds_up(&report);
        let broken = window(&report, "broken");
        let errors = report.count("/summary/errors");
        assert_eq!(count(broken, "/explained"), errors, "{lines}: {broken}");
        assert_eq!(count(broken, "/unexplained"), 0, "{lines}: {broken}");
        // How soon a busy machine is as quick as before is not asked here.
        let state = broken["recovery"]["state"].as_str().unwrap();
        assert!(["recovered", "not_seen"].contains(&state), "{lines}: {broken}");
        assert_eq!(count(broken, "/users_unserved"), 0, "{lines}: {broken}");
        // Keep-alive connections outlive a port that refuses new ones; who comes late has none.
        let is_drop = lines == "kind = 'drop'";
        let is_as_it_says = if is_drop { count(broken, "/users_hit") < 5 } else { errors > 0 };
        assert!(is_as_it_says, "{lines}: {broken}");
        if errors > 0 {
            assert_eq!(report.outcomes(), ["connect_failure", "ok"], "{lines}");
        }
    }
}

/// Tokens of two seconds end while the fault is in force, and in the pause after it.
#[test]
fn what_ends_the_legs_of_oauth_explains_the_calls_that_go_without_tokens() {
    let practice = Practice::with(&["--auth", r#"{ access = "2s" }"#]);
    for (kind, traffic) in [("reset", "oauth"), ("down", "refresh")] {
        let lines = format!("kind = '{kind}'\nmatch = {{ traffic = '{traffic}' }}");
        let place = Place::new();
        place.file("faults.toml", &format!("{GUARDED}{}", fault("no tokens", &lines)));
        let order = place.run_file("faults.toml", "report").target(&practice.url());
        let report = order.patient_alone().go().report();
        adds_up(&report);
        let broken = window(&report, "no tokens");
        let (explained, errors) = (count(broken, "/explained"), report.count("/summary/errors"));
        assert!(explained > 0 && explained == errors, "{lines}: {broken}");
        assert_eq!(count(broken, "/unexplained"), 0, "{lines}: {broken}");
        assert_eq!(report.outcomes(), ["ok", "unauthorised"], "{lines}");
    }
}

#[test]
fn the_shipped_scenario_passes() {
    let faults = "[{ name = 'late answers', at = '2s', lasts = '1s', kind = 'latency', latency = '300ms' }, \
                  { name = 'resets', at = '5s', lasts = '1s', kind = 'reset', share = 0.5 }, \
                  { name = 'nobody listens', at = '8s', lasts = '1s', kind = 'down' }]";
    let place = Place::new();
    let order = place.run("chaos-network").patient_alone().set("fault", faults);
    let stages = "[{ over = '1s', to = 10 }, { over = '10s', to = 10 }, { over = '1s', to = 0 }]";
    let order = order.set("load.stages", stages).set("load.drain", "'60s'");
    let limits = "['errors(window \"late answers\") == 0', 'lost_sessions == 0']";
    let done = order.set("expect.thresholds", limits).go();
    let report = done.exits(0).report();
    adds_up(&report);
    assert!(done.stdout.contains("nobody listens (down, 8s to 9s): "), "{}", done.stdout);
    for name in ["late answers", "resets", "nobody listens"] {
        assert!(count(window(&report, name), "/met") > 0, "{name}");
    }
}

#[test]
fn thresholds_about_windows_decide() {
    let down = fault("gone", "kind = 'down'\nmatch.traffic = 'mcp'");
    let expect = "[expect]\nthresholds = ['errors(window \"gone\") < 1%', 'lost_sessions == 0', \
                  'errors(window \"gone\") > 9%']\n";
    let (report, _practice) = run(&format!("{down}{expect}"));
    let judged = report.at("/thresholds").as_array().unwrap();
    let passed: Vec<_> = judged.iter().map(|judged| judged["passed"] == true).collect();
    assert_eq!(passed, [false, true, true], "{judged:?}");
    assert_eq!(report.at("/exit_code"), 4);
}

#[test]
fn what_can_never_be_measured_is_refused_before_the_load() {
    let place = Place::new();
    let order = place.run("steady").set("expect.thresholds", r#"["recovery < 10s"]"#);
    let done = order.go();
    let said = &done.exits(2).stderr;
    assert!(said.contains("\"recovery < 10s\" is about a fault, which this run never"), "{said}");
    let named = r#"["errors(window \"other\") < 1%"]"#;
    let done = place.run("chaos-network").set("expect.thresholds", named).go();
    let said = &done.exits(2).stderr;
    assert!(said.contains("is about a fault called \"other\""), "{said}");
}
