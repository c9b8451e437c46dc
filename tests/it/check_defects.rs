//! Checks that are scripts: a sound practice target passes each as it is shipped, and each defect is
//! found by the findings that its row names, no more and no fewer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::squall::{Place, Report};

type Sets<'a> = &'a [(&'a str, &'a str)];

/// A defect, the check that meets it, what makes that meet it, and the findings that it causes.
type Row<'a> = (&'a str, &'a str, Sets<'a>, &'a [&'a str]);

/// So many rows are tried at once.
const AT_ONCE: usize = 3;

/// The checks that are shipped.
const CHECKS: [&str; 3] = ["check-sessions", "check-isolation", "check-affinity"];

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

const ROWS: [Row<'_>; 18] = [
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
    ("leaks-sessions", "check-sessions", &[], &["session-leak"]),
    ("few-sessions", "check-sessions", &[], &["sessions-exhausted"]),
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
];

/// Whether a defect of this name is found by a check.
pub(crate) fn is_of_checks(defect: &str) -> bool {
    ROWS.iter().any(|(name, ..)| *name == defect)
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
    // All at once would be slower than what some defects do to time.
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    is_found(row);
                }
            });
        }
    });
}

fn is_found((defect, scenario, sets, findings): &Row<'_>) {
    let defects = format!("[{defect:?}]");
    let wrong = [("practice.defects", defects.as_str())];
    let report = run(scenario, &[sets, &wrong[..]].concat(), 4);
    let rows = report.at("/expectations");
    assert_eq!(found(&report), findings.iter().copied().collect(), "{defect}: {rows}");
}

#[test]
fn a_sound_target_passes_each_check_as_it_is_shipped() {
    for scenario in CHECKS {
        let report = run(scenario, &[], 0);
        assert_eq!(found(&report), BTreeSet::new(), "{scenario}");
        let rows = report.at("/expectations").as_array().unwrap();
        assert!(rows.iter().all(|row| row["passed"] == true), "{scenario}: {rows:?}");
    }
}
