//! Rate limits, of the practice target: the shipped check passes on sound ones of every kind, and
//! finds each defect, and that alone.

use std::thread;

use crate::defects;
use crate::squall::{Place, Report, root};
use crate::storm::QUICK;

/// The shipped scenario; it passes as it is.
pub(crate) const SCENARIO: &str = "check-rate-limit";

type Sets<'a> = &'a [(&'a str, &'a str)];

/// One whose refusals last: of a bucket of ten a second something is left again after 100 ms, which a
/// busy machine may need for two requests.
const SLIDING: (&str, &str) =
    ("practice.limit", r#"{ allow = "20/2s", per = "user", kind = "sliding" }"#);

/// A defect, what is set besides, and every finding that it causes.
type Row<'a> = (&'a str, Sets<'a>, &'a [&'a str]);

/// The rows, as the table of all defects has them.
pub(crate) fn rows() -> impl Iterator<Item = defects::Row> {
    ROWS.into_iter().map(|(defect, _, findings)| (defect, SCENARIO, findings.to_vec()))
}

const ROWS: [Row<'static>; 14] = [
    ("limit-too-lax", &[], &["burst-exceeded", "limit-exceeded"]),
    ("limit-too-strict", &[], &["burst-refused", "refused-below-limit"]),
    ("limit-per-address", &[SLIDING], &["limit-counted-otherwise", "quiet-users-throttled"]),
    ("limit-per-replica", &[], &["limit-per-replica"]),
    ("limit-fixed-window", &[], &["double-burst"]),
    ("retry-after-short", &[SLIDING], &["retry-after-too-short"]),
    ("retry-after-long", &[SLIDING], &["retry-after-too-long"]),
    ("retry-after-missing", &[], &["retry-after-missing"]),
    ("limit-is-error", &[], &["limit-signal-otherwise"]),
    ("limit-rpc-error", &[], &["limit-signal-otherwise"]),
    ("limit-503", &[], &["limit-signal-otherwise"]),
    ("limit-500", &[], &["overload-instead-of-limit"]),
    ("limit-hits-quiet", &[], &["quiet-users-throttled"]),
    ("limit-shares-token", &[SLIDING], &["token-endpoint-throttled"]),
];

fn run(place: &Place, sets: Sets<'_>, code: i32) -> Report {
    let order = place.run(SCENARIO).patient_alone().set("tools.allow", QUICK);
    order.sets(sets.iter().copied()).go().exits(code).report()
}

/// The findings' names.
fn found(report: &Report) -> Vec<String> {
    let findings = report.at("/findings").as_array().unwrap();
    let mut names: Vec<_> =
        findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Each expectation held, and nothing is wrong.
#[track_caller]
fn holds(report: &Report) {
    let expected = report.at("/expectations").as_array().unwrap();
    assert!(
        !expected.is_empty() && expected.iter().all(|row| row["passed"] == true),
        "{expected:?}"
    );
    assert_eq!(found(report), [""; 0]);
}

#[test]
fn a_sound_limit_holds_however_it_counts() {
    let bare = r#"{ allow = "20/2s", per = "user", retry_after = true, signal = "429" }"#;
    let fixed = r#"{ allow = "20/2s", per = "user", kind = "fixed" }"#;
    let session = r#"{ allow = "20/2s", per = "session", counts = ["tools/call", "tools/list"] }"#;
    let by_session = r#"{ allow = "20/2s", burst = 20, per = "session" }"#;
    let table: [(&str, Sets<'_>); 4] = [
        ("token bucket", &[]),
        ("window", &[SLIDING]),
        ("window", &[("practice.limit", fixed), ("expect.rate_limit", bare)]),
        ("token bucket", &[("practice.limit", session), ("expect.rate_limit", by_session)]),
    ];
    thread::scope(|scope| {
        for (shape, sets) in table {
            scope.spawn(move || {
                let place = Place::new();
                let report = run(&place, sets, 0);
                place.squall().args(["report", "report"]).go().exits(0);
                holds(&report);
                let seen = report.at("/rate_limits/shape").as_str().unwrap();
                // Which kind of window it is depends on milliseconds about its edge.
                assert!(seen.ends_with(shape), "{seen}");
                assert_eq!(report.at("/rate_limits/burst/high"), 20.0);
            });
        }
    });
}

#[test]
fn each_defect_is_found_and_nothing_else() {
    thread::scope(|scope| {
        for (defect, sets, expected) in ROWS {
            scope.spawn(move || {
                let named = format!("[{defect:?}]");
                let wrong = [("practice.defects", named.as_str())];
                let report = run(&Place::new(), &[sets, &wrong].concat(), 4);
                let rows = report.at("/expectations");
                assert_eq!(found(&report), *expected, "{defect}: {rows}");
                defects::met(defect, SCENARIO);
            });
        }
    });
}

/// Nothing is declared: what there is, is found and told, and held to nothing.
#[test]
fn without_a_declaration_the_limit_is_told() {
    let report = run(&Place::new(), &[("expect.rate_limit", "{}")], 0);
    assert_eq!(found(&report), [""; 0]);
    assert!(report.0.get("expectations").is_none());
    assert_eq!(report.at("/rate_limits/per"), "user");
    assert_eq!(report.at("/rate_limits/shape"), "token bucket");
    let told = report.at("/rate_limits/description").as_str().unwrap();
    // On a machine with other work an interval is told, which holds it.
    assert!(told.starts_with("A token bucket allows ") && told.contains("20 at once"), "{told}");
    assert!(report.count("/rate_limits/probes") <= 4_000);
}

/// A server without any limit is asked no more than the scenario allows, and found out.
#[test]
fn a_server_without_a_limit_is_found() {
    let none = [("practice.limit", "{}")];
    let report = run(&Place::new(), &none, 4);
    assert_eq!(found(&report), ["limit-exceeded"]);
    assert!(report.count("/rate_limits/probes") < 200);
}

/// In a load of anything else the passive parts are judged, and the others listed as not checked.
#[test]
fn a_storm_judges_what_it_sees() {
    let storm = |limit: &str, declared: &str, code: i32| {
        let order = r#"per = "all", retry_after = true, signal = "429""#;
        let place = Place::new();
        let steady = place.run("steady").short_closed().sets([
            ("tools.allow", QUICK),
            ("practice.limit", format!("{{ {limit}, per = \"all\" }}").as_str()),
            ("expect.thresholds", r#"["dropped == 0"]"#),
            ("expect.rate_limit", format!("{{ {declared}, {order} }}").as_str()),
        ]);
        steady.go().exits(code).report()
    };
    let small = r#"allow = "5/s", burst = 5"#;
    let report = storm(small, small, 0);
    let rows = report.at("/expectations").as_array().unwrap();
    let state = |row: &serde_json::Value| (row["passed"] == true, row.get("unchecked").is_some());
    let states: Vec<_> = rows.iter().map(state).collect();
    let (held, unseen) = ((true, false), (false, true));
    assert_eq!(states, [held, unseen, unseen, held, held], "{rows:?}");
    let below = storm(small, r#"allow = "5000/s", burst = 5000"#, 4);
    assert_eq!(found(&below), ["refused-below-limit"]);
}

#[test]
fn the_plan_says_what_is_looked_for() {
    let place = Place::new();
    let file = root().join(format!("scenarios/{SCENARIO}.toml"));
    let done = place.squall().args(["check", file.to_str().unwrap()]).go();
    done.exits(0);
    let words = "looks for a rate limit with at most 4 000 requests; 20/2s is declared, 20 at once";
    assert!(done.stdout.replace('\u{a0}', " ").contains(words), "{}", done.stdout);
}
