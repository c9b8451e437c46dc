//! Checks that are scripts: a sound practice target passes each as it is shipped, and each defect is
//! found by the findings that its row names, no more and no fewer.

use std::collections::BTreeSet;
use std::thread;

use serde_json::Value;

use crate::defects;
use crate::squall::{Place, Report};

type Sets<'a> = &'a [(&'a str, &'a str)];

/// A defect, the check that meets it, what makes that meet it, and the findings that it causes.
type Row<'a> = (&'a str, &'a str, Sets<'a>, &'a [&'a str]);

/// Checks at the same time.
const AT_ONCE: usize = 4;

/// Sessions that end when nobody used them for a second, which has to be seen.
const IDLE: Sets<'_> = &[("practice.idle", r#""1s""#), ("load.sessions.idle", r#""1500ms""#)];
/// Fewer of them, so that it is over sooner.
const CANCELS: Sets<'_> = &[("load.cancel.calls", "3"), ("load.cancel.sweeps", "2")];
/// A tool that says nothing of what it was asked, and always says the same of it.
const SILENT: Sets<'_> = &[
    ("tools.allow", r#"["slow"]"#),
    (
        "tools.arguments.slow",
        "[{ seconds = 0.01 }, { seconds = 0.02 }, { seconds = 0.03 }, { seconds = 0.04 }, \
         { seconds = 0.05 }, { seconds = 0.06 }]",
    ),
];
const IMPATIENT: Sets<'_> = &[("load.isolation.patience", r#""1500ms""#)];

/// The checks that are shipped.
pub(crate) const CHECKS: &[&str] = &[
    "check-sessions",
    "check-abort-liveness",
    "check-cancel",
    "check-idle-streams",
    "check-isolation",
    "check-affinity",
    "check-starvation",
    "check-parallel-scaling",
    "check-slow-consumer",
];

const ROWS: &[Row<'static>] = &[
    ("lost-session-400", "check-sessions", &[], &["lost-session-otherwise"]),
    ("lost-session-200", "check-sessions", &[], &["lost-session-otherwise"]),
    (
        "any-session",
        "check-sessions",
        &[],
        &["ended-session-served", "foreign-session-served", "unknown-session-served"],
    ),
    ("foreign-sessions", "check-sessions", &[], &["foreign-session-served"]),
    ("ignores-delete", "check-sessions", &[], &["ended-session-served"]),
    ("keeps-idle", "check-sessions", IDLE, &["idle-session-served"]),
    ("delete-500", "check-sessions", &[], &["delete-fails"]),
    ("leaks-sessions", "check-sessions", &[], &["session-leak"]),
    ("few-sessions", "check-sessions", &[], &["sessions-exhausted"]),
    ("aborts-keep-places", "check-abort-liveness", &[], &["aborts-kill-the-server"]),
    ("aborts-keep-sessions", "check-abort-liveness", &[], &["aborts-kill-the-session"]),
    (
        "ignores-cancel",
        "check-cancel",
        CANCELS,
        &["answered-after-cancel", "cancelled-work-goes-on"],
    ),
    ("answers-cancelled", "check-cancel", CANCELS, &["cancelled-answered-with-error"]),
    ("cancelled-streams-stay", "check-cancel", CANCELS, &["cancelled-stream-open"]),
    ("cancelled-work-goes-on", "check-cancel", CANCELS, &["cancelled-work-goes-on"]),
    ("cancel-kills-session", "check-cancel", CANCELS, &["cancel-kills-session"]),
    ("dies-on-cancel-race", "check-cancel", CANCELS, &["cancel-race"]),
    ("cuts-idle-streams", "check-idle-streams", &[], &["idle-stream-cut"]),
    ("buffers-streams", "check-idle-streams", &[], &["stream-buffered"]),
    ("crosses-answers", "check-isolation", &[], &["other-calls-answer"]),
    ("crosses-answers", "check-isolation", SILENT, &["other-calls-answer"]),
    ("mixes-sessions", "check-isolation", &[], &["other-sessions-answer", "other-users-answer"]),
    ("mixes-users", "check-isolation", &[], &["other-users-answer"]),
    ("same-id-hangs", "check-isolation", IMPATIENT, &["same-id-unanswered"]),
    ("rounds-ids", "check-isolation", &[], &["ids-changed"]),
    ("zero-id-missing", "check-isolation", &[], &["ids-refused"]),
    ("refuses-used-ids", "check-isolation", &[], &["reused-id-refused"]),
    ("session-per-replica", "check-affinity", &[], &["sessions-in-one-replica"]),
    ("session-per-address", "check-affinity", &[], &["sessions-bound-to-address"]),
    ("initialized-elsewhere-404", "check-affinity", &[], &["initialized-elsewhere-refused"]),
    ("one-global-lock", "check-starvation", &[], &["cheap-requests-starve"]),
    ("four-workers", "check-starvation", &[], &["cheap-requests-starve"]),
    ("serialises-calls", "check-parallel-scaling", &[], &["calls-serialised"]),
    ("serialises-sessions", "check-parallel-scaling", &[], &["calls-serialised"]),
    ("refuses-parallel-calls", "check-parallel-scaling", &[], &["parallel-calls-refused"]),
    ("waits-for-readers", "check-slow-consumer", &[], &["slow-readers-slow-others"]),
];

/// Other forms of them that a sound target passes.
const SOUND: [(&str, Sets<'_>); 1] = [("check-sessions", IDLE)];

/// The rows, as the table of all defects has them.
pub(crate) fn rows() -> impl Iterator<Item = defects::Row> {
    ROWS.iter().map(|(defect, check, _, findings)| (*defect, *check, findings.to_vec()))
}

fn run(scenario: &str, sets: Sets<'_>, code: i32) -> Report {
    Place::new().run(scenario).patient_alone().sets(sets.iter().copied()).go().exits(code).report()
}

fn found(report: &Report) -> BTreeSet<&str> {
    let findings = report.at("/findings").as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn each_defect_is_found_and_nothing_else() {
    // One check after the other: what one of them times, another might make slow.
    for check in CHECKS {
        let rows: Vec<_> = ROWS.iter().filter(|(_, scenario, ..)| scenario == check).collect();
        for rows in rows.chunks(AT_ONCE) {
            thread::scope(|scope| {
                for row in rows {
                    scope.spawn(move || judge(row));
                }
            });
        }
    }
    assert!(ROWS.iter().all(|(_, scenario, ..)| CHECKS.contains(scenario)));
}

fn judge((defect, scenario, sets, findings): &Row<'static>) {
    let named = format!("[{defect:?}]");
    let wrong = [("practice.defects", named.as_str())];
    let report = run(scenario, &[sets, &wrong[..]].concat(), 4);
    let rows = report.at("/expectations");
    assert_eq!(found(&report), findings.iter().copied().collect(), "{defect}: {rows}");
    defects::met(defect, scenario);
}

#[test]
fn a_sound_target_passes_each_check_as_it_is_shipped() {
    for (scenario, sets) in CHECKS.iter().map(|name| (*name, &[][..])).chain(SOUND) {
        let report = run(scenario, sets, 0);
        assert_eq!(found(&report), BTreeSet::new(), "{scenario}");
        assert!(report.count("/trials/good") > 0 && report.count("/summary/calls") == 0);
        let rows = report.at("/expectations").as_array().unwrap();
        let holds = |row: &Value| row["passed"] == true || row["unchecked"] == true;
        assert!(rows.iter().all(holds), "{scenario}: {rows:?}");
    }
}
