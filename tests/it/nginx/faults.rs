//! Faults of the network on the way to a target behind nginx, over TLS and both versions of HTTP.

use std::thread;

use serde_json::Value;

use super::{Nginx, before_practice};
use crate::practice::Practice;
use crate::squall::Place;
use crate::storm::adds_up;

/// Five users with call after call, who meet four faults for a second each; first the one whose
/// end they notice late.
const SCENARIO: &str = "name = 'faults'\nseed = 7\n[target]\nurl = 'practice'\n\
    [clients]\nprofile = 'plain'\noverride = { call_timeout = '4s', connect_timeout = '4s' }\n\
    [load]\nbehaviour = 'steady'\nmodel = 'closed'\nsteady = { calls = 10, think = '20ms' }\n\
    stages = [{ over = '1s', to = 5 }, { over = '14s', to = 5 }, { over = '1s', to = 0 }]\n\
    drain = '60s'\n[tools]\nallow = ['echo']\n\
    [[fault]]\nkind = 'blackhole'\nat = '2s'\nlasts = '1s'\n\
    [[fault]]\nkind = 'latency'\nat = '8s'\nlasts = '1s'\nlatency = '100ms'\n\
    [[fault]]\nkind = 'reset'\nat = '10s'\nlasts = '1s'\n\
    [[fault]]\nkind = 'down'\nat = '12s'\nlasts = '1s'\n";

/// Runs it: every error is known for what it met, and everybody is served in the end.
fn explained(nginx: &Nginx<Practice>, http: &str) {
    let place = Place::new();
    place.file("faults.toml", SCENARIO);
    let order = place.run_file("faults.toml", "report").patient_alone();
    let order = nginx.reached(&place, order).set("target.http", &format!("{http:?}"));
    let report = order.go().exits(0).report();
    adds_up(&report);
    assert_eq!(report.outcomes(), ["connect_failure", "ok", "timeout"], "{http}");
    let count = |window: &Value, key: &str| window[key].as_u64().unwrap();
    let windows = report.at("/faults").as_array().unwrap();
    for window in windows {
        assert!(count(window, "met") > 0, "{http}: {window}");
        let left = [count(window, "unexplained"), count(window, "users_unserved")];
        assert_eq!(left, [0, 0], "{http}: {window}");
    }
    let explained: u64 = windows.iter().map(|window| count(window, "explained")).sum();
    assert!(explained >= report.count("/summary/errors"), "{http}: {windows:#?}");
    // Nobody answered what was sent into the hole.
    let hole = windows.iter().find(|window| window["kind"] == "blackhole").unwrap();
    assert!(count(hole, "explained") >= report.count("/summary/outcomes/timeout"), "{hole}");
    let opened = report.count("/summary/connections/opened");
    assert_eq!(report.count("/summary/connections/tls"), opened, "{http}");
    let http2 = if http == "2" { opened } else { 0 };
    assert_eq!(report.count("/summary/connections/http2"), http2, "{http}");
    let version = if http == "2" { "HTTP/2.0" } else { "HTTP/1.1" };
    for logged in nginx.logged() {
        assert_eq!((logged.asked_for.as_str(), logged.http.as_str()), ("tools.test", version));
    }
}

#[test]
fn calls_know_what_they_met_on_the_network() {
    thread::scope(|scope| {
        for http in ["1.1", "2"] {
            scope.spawn(move || explained(&before_practice(&["--latency", "20ms"]), http));
        }
    });
}
