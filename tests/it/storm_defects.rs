//! What must hold in every storm: a sound practice target breaks none of it, and each defect is
//! found by the findings that its row names, no more and no fewer.

use std::collections::BTreeSet;
use std::thread;

use crate::defects;
use crate::squall::{Place, Report};
use crate::storm::adds_up;

type Sets<'a> = &'a [(&'a str, &'a str)];

/// A defect, the scenario that meets it, what makes that meet it, and the findings that it causes.
type Row<'a> = (&'a str, &'a str, Sets<'a>, &'a [&'a str]);

/// Users with one session each: another session is another user's.
const STEADY: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "3s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady.think", r#""50ms""#),
    ("load.steady.calls", "90"),
    ("practice.latency", r#""5ms""#),
];
/// The same users, each in one session to its end.
const FAITHFUL: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "3s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady", r#"{ calls = 100, think = "50ms" }"#),
    ("practice.latency", r#""5ms""#),
];
/// Bursts in sessions that all of a user's calls share, with one id for all.
const POOLED: Sets<'_> = &[
    ("load.stages", r#"[{ over = "2s", to = "240/min" }]"#),
    ("load.speed", "60"),
    ("practice.latency", r#""60ms""#),
    ("clients.override.sessions", "{ fresh = 0, unechoed = 0, pooled = 1, echo = 0 }"),
];
/// A second in which calls are left before their answers, and seven after it.
const LEFT: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "9s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady.think", r#""50ms""#),
    ("load.steady.calls", "400"),
    ("practice.latency", r#""20ms""#),
    ("fault", r#"[{ kind = "abandon", at = "2s", lasts = "1s", after = "5ms" }]"#),
];
/// The same clients, who wait no longer than this.
const IMPATIENT: (&str, &str) = ("clients.override.call_timeout", r#""1s""#);

/// Bursts of cheap and of slow calls, for long enough to be seen again.
const MIXED: Sets<'_> = &[
    ("load.stages", r#"[{ over = "15s", to = "120/min" }]"#),
    ("load.drain", r#""8s""#),
    ("load.speed", "60"),
    ("practice.latency", r#""5ms""#),
    ("tools.allow", r#"["search", "slow"]"#),
    ("tools.arguments.slow", "[{ seconds = 0.3 }]"),
    ("clients.override.sessions", "{ fresh = 0, unechoed = 0, pooled = 1, echo = 0 }"),
    ("clients.override.call_timeout", r#""30s""#),
];
/// Calls that tell how far they are, of clients that end their sessions.
const TALKING: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "3s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady.think", r#""50ms""#),
    ("practice.latency", r#""30ms""#),
    ("practice.answers", r#""sse""#),
    ("practice.catalogue", r#""full""#),
    ("tools.allow", r#"["test_tool_with_progress"]"#),
    ("clients.override.progress", "true"),
    ("clients.override.delete_share", "1"),
];

/// Streams that stay for as long as the load, on which nothing is said.
const LISTENING: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "14s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady", r#"{ calls = 1000, think = "500ms" }"#),
    ("clients.override.stream_share", "1"),
];
/// Handshakes that their clients wait for, however long they take.
const PATIENT: Sets<'_> = &[
    ("load.stages", r#"[{ over = "1s", to = 6 }, { over = "14s", to = 6 }]"#),
    ("load.drain", r#""5s""#),
    ("load.steady.think", r#""500ms""#),
    ("clients.override.connect_timeout", r#""20s""#),
    ("clients.override.call_timeout", r#""30s""#),
];

const ROWS: [Row<'static>; 15] = [
    ("crosses-answers", "research-storm", POOLED, &["other-calls-answer"]),
    ("mixes-sessions", "steady", FAITHFUL, &["other-users-answer"]),
    ("other-ids", "steady", STEADY, &["wrong-id"]),
    ("progress-goes-back", "steady", TALKING, &["progress-goes-back"]),
    ("loses-sessions", "steady", FAITHFUL, &["sessions-vanished"]),
    ("cuts-silent-streams", "steady", LISTENING, &["idle-streams-cut"]),
    ("cuts-old-streams", "steady", LISTENING, &["streams-cut-by-age"]),
    ("slow-handshake", "steady", PATIENT, &["over-budget"]),
    ("loses-answers", "steady", STEADY, &["answers-cut"]),
    ("answers-twice", "steady", STEADY, &["second-answer"]),
    ("never-answers", "steady", STEADY, &["calls-hung"]),
    ("stays-slow", "steady", LEFT, &["not-recovered"]),
    ("serialises-sessions", "research-storm", MIXED, &["cheap-calls-wait"]),
    ("buffers-streams", "steady", TALKING, &["stream-buffered"]),
    ("delete-500", "steady", TALKING, &["deletes-refused"]),
];

/// The rows, as the table of all defects has them.
pub(crate) fn rows() -> impl Iterator<Item = defects::Row> {
    ROWS.into_iter().map(|(defect, scenario, _, findings)| (defect, scenario, findings.to_vec()))
}

fn run(scenario: &str, sets: Sets<'_>, defects: &str) -> Report {
    let place = Place::new();
    let order = place.run(scenario).patient().set("tools.allow", r#"["search", "echo"]"#);
    let order = order.sets([IMPATIENT, ("practice.defects", defects)]).sets(sets.iter().copied());
    // Only findings are looked at.
    let done = order.set("expect.thresholds", r#"["dropped == 0"]"#).go();
    let report = done.report();
    adds_up(&report);
    report
}

fn found(report: &Report) -> BTreeSet<&str> {
    let findings = report.at("/findings").as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn each_defect_of_answers_is_found_and_nothing_else() {
    thread::scope(|scope| {
        for (defect, scenario, sets, findings) in ROWS {
            scope.spawn(move || {
                let report = run(scenario, sets, &format!("[{defect:?}]"));
                assert_eq!(found(&report), findings.iter().copied().collect(), "{defect}");
                defects::met(defect, scenario);
            });
        }
    });
}

#[test]
fn a_sound_target_breaks_nothing() {
    for (scenario, sets) in [("research-storm", MIXED), ("steady", TALKING)] {
        assert_eq!(found(&run(scenario, sets, "[]")), BTreeSet::new(), "{scenario}");
    }
    for (scenario, sets) in [("research-storm", POOLED), ("steady", STEADY), ("steady", LEFT)] {
        let report = run(scenario, sets, "[]");
        assert_eq!(found(&report), BTreeSet::new(), "{scenario}");
        let notes = report.at("/scenario/notes").to_string();
        assert!(
            !notes.contains("not checked"),
            "search and echo say again what was asked: {notes}"
        );
    }
}

#[test]
fn what_no_answer_tells_is_said_to_be_unchecked() {
    let place = Place::new();
    let order = place.run("steady").patient().sets(STEADY.iter().copied());
    let report = order.set("tools.allow", r#"["fetch"]"#).go().exits(0).report();
    let notes = report.at("/scenario/notes").to_string();
    assert!(notes.contains("not checked: whose answers fetch gives"), "{notes}");
}

/// What always holds can be expected of any storm: what becomes of it is told beside the rest.
#[test]
fn invariants_are_judged_in_a_storm() {
    let expected = |defects: &str| {
        let place = Place::new();
        let order = place.run("steady").patient().set("tools.allow", r#"["search", "echo"]"#);
        let order = order.sets(STEADY.iter().copied()).sets([
            IMPATIENT,
            ("practice.defects", defects),
            ("expect.thresholds", r#"["dropped == 0"]"#),
            ("expect.invariants", r#"["isolation", "delivery", "sessions-stay"]"#),
        ]);
        let done = order.go();
        let rows = done.report().at("/expectations").as_array().unwrap().clone();
        let row = |row: &serde_json::Value| {
            let text = row["text"].as_str().unwrap().trim_start_matches("invariants: ").to_owned();
            (text, row["passed"] == true, row["value"].as_str().unwrap().to_owned())
        };
        (done.code, rows.iter().map(row).collect::<Vec<_>>())
    };
    let (code, rows) = expected("[]");
    assert_eq!(code, 0, "{rows:?}");
    let names: Vec<_> = rows.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["isolation", "delivery", "sessions-stay"]);
    assert!(rows.iter().all(|(_, passed, _)| *passed), "{rows:?}");
    assert!(rows[0].2.ends_with("answers told whose they are"), "{rows:?}");
    let (code, rows) = expected(r#"["mixes-sessions"]"#);
    assert_eq!(code, 4, "{rows:?}");
    let failed: Vec<_> = rows.iter().filter(|(_, passed, _)| !passed).collect();
    assert_eq!(failed.len(), 1, "{rows:?}");
    assert!(failed[0].0 == "isolation" && failed[0].2.contains("another call's"), "{rows:?}");
}
