//! Tokens that end in the middle of a load and of its open streams, and loads that leave from several
//! addresses, against the practice target's own counters.

use std::thread;

use crate::practice::Practice;
use crate::squall::{Place, Report};
use crate::storm::adds_up;

/// Five users, each in one conversation of six seconds and more, with tokens of three seconds.
const SCENARIO: &str = r#"
[target]
url = "practice"
[auth]
kind = "oauth"
[clients]
profile = "plain"
[load]
behaviour = "steady"
model = "closed"
stages = [{ over = "1s", to = 5 }, { over = "9s", to = 5 }]
drain = "60s"
[load.steady]
calls = 60
think = "100ms"
[expect]
tokens = { lost = 0 }
"#;

fn run(practice: &Practice, sets: &[(&str, &str)], code: i32) -> Report {
    let place = Place::new();
    place.file("expiring.toml", SCENARIO);
    let order = place.run_file("expiring.toml", "report").target(&practice.url()).patient();
    let order = order.set("tools.allow", r#"["echo"]"#);
    let order = order.set("expect.thresholds", r#"["dropped == 0"]"#);
    let report = order.sets(sets.iter().copied()).go().exits(code).report();
    adds_up(&report);
    report
}

/// What the target serves, the profile of its clients, and what their streams are called.
const WAYS: [(&str, &str, &str); 3] = [
    ("legacy", "plain", "GET stream"),
    ("modern", "spec", "subscriptions~1listen"),
    ("http+sse", "plain", "GET stream"),
];

#[test]
fn streams_that_end_with_their_tokens_are_opened_again() {
    thread::scope(|scope| {
        for (speaks, profile, stream) in WAYS {
            scope.spawn(move || {
                let auth = r#"{ access = "3s", streams = "cut" }"#;
                let practice =
                    Practice::with(&["--speaks", speaks, "--auth", auth, "--catalogue", "full"]);
                let report = run(&practice, &[("clients.profile", &format!("{profile:?}"))], 0);
                assert_eq!(report.at("/findings").as_array().map(Vec::len), Some(0), "{speaks}");
                let grants = |name: &str| report.count(&format!("/summary/grants/{name}"));
                assert_eq!((grants("lost"), grants("authorised_again")), (0, 0), "{speaks}");
                assert!(grants("refreshed") > 5, "{speaks}");
                let counted = practice.counted("practice_auth_refreshes_total");
                // The look has tokens of its own, and does not wait until they end.
                assert_eq!(counted, grants("refreshed"), "{speaks}");
                let called = practice.counted("practice_tool_calls_total");
                // Where answers come on the stream, a call may lose its stream before it is heard.
                let (calls, ok) = (report.count("/summary/calls"), report.count("/summary/ok"));
                assert!((ok..=calls).contains(&called), "{speaks}: {called} of {calls}, {ok} ok");
                if speaks != "http+sse" {
                    assert_eq!((called, ok), (calls, calls), "{speaks}");
                }
                let streams = report.count(&format!("/summary/exchanges/{stream}"));
                let runs = report.count("/summary/runs");
                assert!(streams > runs, "{speaks}: {streams} streams in {runs} runs");
            });
        }
    });
}

#[test]
fn two_addresses_are_allowed_twice_as_much_as_one() {
    // Each of ten users registers, and so does the look at the target.
    let sets = |addresses| {
        [
            ("clients.addresses", addresses),
            ("clients.override.oauth.registration", r#""per-connection""#),
            ("load.stages", r#"[{ over = "1s", to = 10 }, { over = "1s", to = 10 }]"#),
            ("load.steady", r#"{ calls = 5, think = "20ms" }"#),
            ("expect.tokens", "{}"),
        ]
    };
    let limited = || Practice::with(&["--auth", "{ register_limit = 6 }"]);
    let practice = limited();
    let report = run(&practice, &sets(r#"["127.0.1.1", "127.0.1.2"]"#), 0);
    assert_eq!(report.count("/summary/grants/authorised"), 10);
    assert_eq!(practice.counted("practice_auth_registrations_total"), 11);
    assert_eq!(practice.counted("practice_auth_throttled_total"), 0);
    let notes = report.at("/scenario/notes").to_string();
    assert!(notes.contains("leave from 127.0.1.1, 127.0.1.2 in turn"), "{notes}");
    let practice = limited();
    let report = run(&practice, &sets(r#"["127.0.1.1"]"#), 4);
    assert_eq!(report.count("/summary/grants/authorised"), 5);
    assert_eq!(practice.counted("practice_auth_registrations_total"), 6);
    assert_eq!(practice.counted("practice_auth_throttled_total"), 5);
    assert_eq!(report.at("/findings/0/id"), "locked-out");
}

#[test]
fn addresses_that_connections_cannot_leave_from() {
    let practice = Practice::with(&[]);
    let mut all = String::new();
    for (addresses, target) in [
        (r#"["192.0.2.7"]"#, practice.url()),
        (r#"["::1"]"#, practice.url()),
        (r#"["127.0.1.1", "::1"]"#, practice.url()),
        (r#"["nine"]"#, practice.url()),
        (r#"["127.0.1.1"]"#, "http://192.0.2.8/mcp".to_owned()),
    ] {
        let place = Place::new();
        place.file("expiring.toml", SCENARIO);
        let order = place.run_file("expiring.toml", "report").target(&target);
        let order = order.set("clients.addresses", addresses).set("target.max_rate", r#""1000/s""#);
        let order = order.arg("--i-am-authorised");
        all += &order.go().refused(2, &place);
    }
    insta::assert_snapshot!(all.replace(&practice.address().to_string(), "TARGET"));
}
