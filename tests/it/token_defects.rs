//! What must hold of users' tokens, against the practice authorization server: every shipped token
//! scenario passes on a sound one, and each expectation fails on what breaks it.

use std::thread;

use crate::defects;
use crate::squall::{Place, Report};
use crate::storm::{QUICK, adds_up};
use crate::token_checks::one;

/// Shipped scenarios about tokens; each passes as it is.
pub(crate) const SCENARIOS: [&str; 6] = [
    "auth-outage",
    "client-forgotten",
    "lost-refresh-answer",
    "refresh-race",
    "revoked-mid-burst",
    "token-cliff",
];

/// Runs of a table at the same time.
const AT_ONCE: usize = 6;

type Sets<'a> = &'a [(&'a str, &'a str)];

/// Runs a scenario as patiently as a machine of others needs it.
fn run(scenario: &str, sets: Sets<'_>, code: i32) -> Report {
    let place = Place::new();
    let order = place.run(scenario).patient().set("tools.allow", QUICK);
    let done = order.set("expect.thresholds", r#"["dropped == 0"]"#).sets(sets.iter().copied());
    let report = done.go().exits(code).report();
    adds_up(&report);
    report
}

/// The findings' names.
fn found(report: &Report) -> Vec<&str> {
    let findings = report.at("/findings").as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn every_shipped_token_scenario_passes() {
    thread::scope(|scope| {
        for scenario in SCENARIOS {
            scope.spawn(move || {
                let report = run(scenario, &[], 0);
                let expected = report.at("/expectations").as_array().unwrap();
                assert!(!expected.is_empty(), "{scenario}");
                assert_eq!(found(&report), [""; 0], "{scenario}");
            });
        }
    });
}

/// A scenario, what is expected, what makes the server one that breaks it, what is found.
type Row<'a> = (&'a str, &'a str, Sets<'a>, Sets<'a>, &'a str);

/// Long enough for a user whose token ends to wait too long for another.
const LONG: &str = r#"[{ over = "1s", to = 10 }, { over = "26s", to = 10 }]"#;
const OUTAGE: &str = r#"{ at = "8s", lasts = "5m" }"#;
const SOUND: Sets<'_> = &[("practice.auth.outage", "{}"), ("load.stages", LONG)];

/// Few users that refresh every two seconds, for as long as some races take.
const FEW: (&str, &str) =
    ("load.stages", r#"[{ over = "1s", to = 10 }, { over = "11s", to = 10 }]"#);
const BRIEF: (&str, &str) = ("practice.auth.access", r#""4s""#);
const DEFECTS: &str = "practice.auth.defects";
const GRACE: &str = "practice.auth.grace";
/// Two processes, the second so much later.
const PAIR: (&str, &str) = ("clients.override.oauth.holders", "2");
const GAP: &str = "clients.override.oauth.holder_gap";
/// One process.
const ALONE: (&str, &str) = ("clients.override.oauth.holders", "1");

/// The rows that are about a defect, as the table of all defects has them. A grace that is too short
/// lets a lost answer be one that costs a login.
pub(crate) fn rows() -> impl Iterator<Item = defects::Row> {
    ROWS.iter().filter_map(|row| Some((defect(row)?, row.0, vec![row.4])))
}

fn defect((scenario, _, _, broken, _): &Row<'static>) -> Option<&'static str> {
    let list = broken.iter().find(|(key, _)| *key == DEFECTS).map(|(_, list)| one(list));
    list.or_else(|| (*scenario == "lost-refresh-answer").then_some("loses-answer"))
}

const ROWS: [Row<'static>; 12] = [
    (
        "client-forgotten",
        "{ lost = 0 }",
        &[("practice.auth.defects", "[]")],
        &[("practice.auth.defects", r#"["forgets-clients"]"#)],
        "grants-lost",
    ),
    (
        "lost-refresh-answer",
        "{ lost = 0 }",
        &[("practice.auth.grace", r#""30s""#)],
        &[("practice.auth.grace", r#""0s""#)],
        "grants-lost",
    ),
    (
        "auth-outage",
        "{ amplification = 5 }",
        SOUND,
        &[
            ("practice.auth.outage", OUTAGE),
            ("load.stages", LONG),
            ("practice.auth.access", r#""20s""#),
        ],
        "token-amplification",
    ),
    (
        "auth-outage",
        r#"{ served_again = "10s" }"#,
        SOUND,
        &[("practice.auth.outage", OUTAGE), ("load.stages", LONG)],
        "not-served-again",
    ),
    (
        "auth-outage",
        "{ refused_early = 0 }",
        SOUND,
        &[("practice.auth.outage", "{}"), ("practice.auth.revoke_at", r#""10s""#)],
        "refused-early",
    ),
    (
        "refresh-race",
        "{ rotation = true }",
        &[FEW, BRIEF, ALONE],
        &[FEW, BRIEF, ALONE, (DEFECTS, r#"["no-rotation"]"#)],
        "no-rotation",
    ),
    // Some seconds come within the grace, some after it.
    (
        "refresh-race",
        r#"{ grace = "1s" }"#,
        &[FEW, BRIEF, PAIR, (GAP, r#""uniform 0s 4s""#), (GRACE, r#""1s""#)],
        &[
            FEW,
            BRIEF,
            PAIR,
            (GAP, r#""uniform 0s 4s""#),
            (GRACE, r#""1s""#),
            (DEFECTS, r#"["accepts-old-refresh"]"#),
        ],
        "refresh-grace",
    ),
    (
        "refresh-race",
        r#"{ grace = "10s" }"#,
        &[FEW, BRIEF, PAIR],
        &[FEW, BRIEF, PAIR, (GRACE, r#""0s""#)],
        "refresh-grace",
    ),
    (
        "refresh-race",
        "{ lost = 0 }",
        &[FEW, BRIEF, PAIR],
        &[FEW, BRIEF, PAIR, (GRACE, r#""0s""#)],
        "grants-lost",
    ),
    (
        "refresh-race",
        r#"{ winner = "alive" }"#,
        &[FEW, BRIEF, PAIR, (GAP, r#""constant 300ms""#)],
        &[FEW, BRIEF, PAIR, (GAP, r#""constant 300ms""#), (DEFECTS, r#"["race-kills-grant"]"#)],
        "race-kills-winner",
    ),
    (
        "refresh-race",
        r#"{ grace = "10s" }"#,
        &[FEW, BRIEF, PAIR, (GAP, r#""constant 10ms""#)],
        &[FEW, BRIEF, PAIR, (GAP, r#""constant 10ms""#), (DEFECTS, r#"["parallel-refresh-500"]"#)],
        "refresh-broken-by-race",
    ),
    (
        "refresh-race",
        r#"{ served_again = "5s" }"#,
        &[FEW, ALONE],
        &[FEW, ALONE, (DEFECTS, r#"["slow-token"]"#), ("practice.auth.slow", r#""6s""#)],
        "not-served-again",
    ),
];

#[test]
fn each_expectation_fails_on_what_breaks_it_and_passes_without() {
    let runs: Vec<_> = ROWS.iter().flat_map(|row| [(row, true), (row, false)]).collect();
    // More at once would only wait for each other, and tokens do not wait.
    for some in runs.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for (row, is_sound) in some {
                scope.spawn(move || judge(row, *is_sound));
            }
        });
    }
}

/// Holds one run of a row against what it expects.
fn judge(row: &Row<'static>, is_sound: bool) {
    let (scenario, expected, sound, broken, finding) = row;
    let more = if is_sound { sound } else { broken };
    let sets = [&[("expect.tokens", *expected)], *more].concat();
    let report = run(scenario, &sets, if is_sound { 0 } else { 4 });
    let judged = report.at("/expectations/0");
    assert_eq!(judged["passed"], is_sound, "{scenario}: {judged}");
    let found = found(&report);
    if is_sound {
        assert_eq!(found, [""; 0], "{scenario} {expected}");
    } else {
        assert!(found.contains(finding), "{scenario} {expected}: {found:?}, {judged}");
        if let Some(defect) = defect(row) {
            defects::met(defect, scenario);
        }
    }
}

/// A run in which no token ended says nothing of that.
#[test]
fn what_was_not_seen_is_no_pass() {
    let stages = r#"[{ over = "1s", to = 3 }, { over = "1s", to = 3 }]"#;
    let sets = [
        ("load.stages", stages),
        ("practice.auth.expire_at", r#""1h""#),
        ("practice.auth.access", r#""1h""#),
        ("expect.tokens", r#"{ lost = 0, served_again = "9s", winner = "alive" }"#),
    ];
    let report = run("token-cliff", &sets, 4);
    assert_eq!(found(&report), [""; 0]);
    for number in 0..3 {
        let judged = report.at(&format!("/expectations/{number}")).clone();
        assert_eq!((&judged["passed"], &judged["unproven"]), (&false.into(), &true.into()));
        assert!(judged["value"].as_str().unwrap().starts_with("not enough to say"), "{judged}");
    }
}
