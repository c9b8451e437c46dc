//! Tokens that end in the middle of a load and of its open streams, and loads that leave from several
//! addresses, against the practice target's own counters.

use std::{fs, thread};

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

/// What the target serves, what becomes of its streams, the profile of its clients, and what their
/// streams are called.
const WAYS: [(&str, &str, &str, &str); 4] = [
    ("legacy", "cut", "plain", "GET stream"),
    ("modern", "cut", "spec", "subscriptions~1listen"),
    ("http+sse", "cut", "plain", "GET stream"),
    ("legacy", "keep", "plain", "GET stream"),
];

#[test]
fn streams_that_end_with_their_tokens_are_opened_again() {
    thread::scope(|scope| {
        for (speaks, ends, profile, stream) in WAYS {
            scope.spawn(move || {
                let auth = format!(r#"{{ access = "3s", streams = "{ends}" }}"#);
                let practice =
                    Practice::with(&["--speaks", speaks, "--auth", &auth, "--catalogue", "full"]);
                let report = run(&practice, &[("clients.profile", &format!("{profile:?}"))], 0);
                // Where answers come on the stream, and the stream is the session, both end with it.
                let ends_with_it = ["answers-cut", "sessions-vanished"];
                for finding in report.at("/findings").as_array().unwrap() {
                    let is_of_it = ends_with_it.iter().any(|id| finding["id"] == *id);
                    assert!(speaks == "http+sse" && is_of_it, "{speaks}: {finding}");
                }
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
                let is_again = ends == "cut";
                assert_eq!(streams > runs, is_again, "{speaks}: {streams} streams in {runs} runs");
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
        let order = order.set("clients.addresses", addresses).set("target.max_rate", "1000");
        let order = order.arg("--i-am-authorised");
        all += &order.go().refused(2, &place);
    }
    insta::assert_snapshot!(all.replace(&practice.address().to_string(), "TARGET"));
}

/// Three users with tokens that are good for so long, whose processes look at a wrong clock from the
/// second second to the sixth.
fn skewed(skew: &str, access: &str) -> (Report, Practice) {
    let practice = Practice::with(&["--auth", &format!("{{ access = {access:?} }}")]);
    let place = Place::new();
    let fault = format!("[[fault]]\nkind = \"clock-skew\"\nat = \"2s\"\nlasts = \"4s\"\n{skew}\n");
    place.file("expiring.toml", &format!("{SCENARIO}{fault}"));
    let order = place.run_file("expiring.toml", "report").target(&practice.url()).patient();
    let order = order.sets([
        ("tools.allow", r#"["echo"]"#),
        ("load.stages", r#"[{ over = "1s", to = 3 }, { over = "7s", to = 3 }]"#),
        ("load.steady", r#"{ calls = 15, think = "100ms" }"#),
        ("expect.thresholds", r#"["dropped == 0"]"#),
    ]);
    let report = order.go().exits(0).report();
    adds_up(&report);
    (report, practice)
}

#[test]
fn a_clock_that_is_ahead_throws_good_tokens_away() {
    let (report, practice) = skewed("ahead = \"2h\"", "1h");
    let grants = |name: &str| report.count(&format!("/summary/grants/{name}"));
    // Each exchange in the window gets a token of its own, and no other does.
    let met = report.count("/faults/0/met");
    assert!(met > 0 && grants("refreshed") >= met, "{met} met, {} renewed", grants("refreshed"));
    assert_eq!(practice.counted("practice_auth_refreshes_total"), grants("refreshed"));
    assert_eq!(report.outcomes(), ["ok"]);
    assert_eq!((grants("lost"), grants("authorised_again"), grants("expired")), (0, 0, 0));
    assert_eq!(report.at("/findings"), &serde_json::json!([]));
}

#[test]
fn a_clock_that_is_behind_presents_tokens_until_they_are_refused() {
    let (report, practice) = skewed("behind = \"2h\"", "3s");
    let grants = |name: &str| report.count(&format!("/summary/grants/{name}"));
    // Each user's token ends in the window: its 401 is what renews it.
    assert!(grants("expired") >= 3, "{}", grants("expired"));
    assert!(grants("refreshed") >= grants("expired"));
    assert_eq!(practice.counted("practice_auth_refreshes_total"), grants("refreshed"));
    assert!(report.count("/faults/0/met") >= grants("expired"));
    assert_eq!(report.outcomes(), ["ok"]);
    assert_eq!((grants("lost"), report.count("/faults/0/unexplained")), (0, 0));
    assert_eq!(report.at("/findings"), &serde_json::json!([]));
}

/// A server that replaces refresh tokens, and takes a second use of an old one for a theft.
#[test]
fn tokens_that_were_brought_are_kept_as_they_became() {
    let practice = Practice::with(&["--auth", r#"{ access = "2s" }"#]);
    let place = Place::new();
    place.file("expiring.toml", SCENARIO);
    let run = |sets: &[(&str, &str)]| {
        let _none = fs::remove_dir_all(place.path().join("report")).is_ok();
        let order = place.run_file("expiring.toml", "report").target(&practice.url()).patient();
        let order =
            order.set("load.stages", r#"[{ over = "1s", to = 2 }, { over = "3s", to = 2 }]"#);
        let order = order.set("load.steady", r#"{ calls = 20, think = "100ms" }"#);
        let order = order.set("tools.allow", r#"["echo"]"#);
        let order = order.set("expect.thresholds", r#"["dropped == 0"]"#);
        order.sets(sets.iter().copied()).go().exits(0).report()
    };
    run(&[("auth.grants", r#""brought.jsonl""#)]);
    let brought = [("auth.kind", r#""tokens""#), ("auth.file", r#""brought.jsonl""#)];
    let kept = [brought[0], brought[1], ("auth.grants", r#""newer.jsonl""#)];
    for again in [false, true] {
        let report = run(&kept);
        assert!(report.count("/summary/grants/refreshed") > 0, "{again}");
        assert_eq!(report.count("/summary/grants/lost"), 0, "{again}");
    }
    let check = place.squall().args(["check", "expiring.toml"]).sets(brought);
    let check = check.set("load.stages", r#"[{ over = "1s", to = 2 }]"#).go();
    let said = "those of brought.jsonl are good for one run alone";
    assert!(check.exits(0).stdout.contains(said), "{}", check.stdout);
}

/// Who lacks a scope is asked for it once, and refused from then on, which is no end of a token.
#[test]
fn a_scope_that_is_withheld_is_asked_for_once_a_user() {
    let auth = r#"{ consent = "form", scopes = ["mcp:read", "mcp:echo"], scope = "mcp:read",
                    users = { alice = ["mcp:read"] }, tools = { echo = "mcp:echo" } }"#;
    let practice = Practice::with(&["--auth", &auth.replace('\n', " ")]);
    let place = Place::new();
    place.file("expiring.toml", SCENARIO);
    let order = place.run_file("expiring.toml", "report").target(&practice.url()).patient();
    let forms = r#"[{ fill = { username = "alice", password = "p" } }, { press = "allow" }]"#;
    let done = order.sets([
        ("auth.consent", r#""form""#),
        ("auth.forms", forms),
        ("tools.allow", r#"["echo"]"#),
        ("load.stages", r#"[{ over = "1s", to = 2 }, { over = "1s", to = 2 }]"#),
        ("load.steady", r#"{ calls = 10, think = "50ms" }"#),
        ("expect.thresholds", r#"["dropped == 0"]"#),
        ("expect.tokens", r#"{ amplification = 2, served_again = "1s" }"#),
    ]);
    let report = done.go().report();
    adds_up(&report);
    let (calls, users) = (report.count("/summary/calls"), report.count("/summary/users"));
    let outcome = |name: &str| report.count(&format!("/summary/operations/tools~1call/{name}"));
    assert_eq!(outcome("outcomes/unauthorised"), calls);
    // The first call of each user asks for more, and is refused once more.
    let grants = |name: &str| report.count(&format!("/summary/grants/{name}"));
    assert_eq!((grants("authorised"), grants("authorised_again")), (2 * users, users));
    assert_eq!(grants("scope_refused"), calls + users);
    assert_eq!(report.count("/summary/statuses/403"), calls + users);
    let findings = report.at("/findings").to_string();
    assert!(!findings.contains("token-amplification"), "{findings}");
    assert!(!findings.contains("not-served-again"), "{findings}");
    // The first call with each token of a user: one before the step-up, one with what came of it.
    let first = |name: &str| report.count(&format!("/summary/first_call/{name}"));
    assert_eq!((first("count"), first("errors")), (users, users));
}
