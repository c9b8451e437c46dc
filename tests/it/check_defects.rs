//! Checks that are scripts: a sound practice target passes each as it is shipped, and each defect is
//! found by the findings that its row names, no more and no fewer.

use std::collections::BTreeSet;
use std::thread;

use crate::squall::{Place, Report};

type Sets<'a> = &'a [(&'a str, &'a str)];

/// A defect, the check that meets it, what makes that meet it, and the findings that it causes.
type Row<'a> = (&'a str, &'a str, Sets<'a>, &'a [&'a str]);

/// The checks that are shipped.
const CHECKS: [&str; 4] =
    ["check-sessions", "check-starvation", "check-parallel-scaling", "check-slow-consumer"];

const ROWS: [Row<'_>; 13] = [
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
    ("one-global-lock", "check-starvation", &[], &["cheap-requests-starve"]),
    ("four-workers", "check-starvation", &[], &["cheap-requests-starve"]),
    ("serialises-calls", "check-parallel-scaling", &[], &["calls-serialised"]),
    ("serialises-sessions", "check-parallel-scaling", &[], &["calls-serialised"]),
    ("refuses-parallel-calls", "check-parallel-scaling", &[], &["parallel-calls-refused"]),
    ("waits-for-readers", "check-slow-consumer", &[], &["slow-readers-slow-others"]),
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
    thread::scope(|scope| {
        for (defect, scenario, sets, findings) in ROWS {
            scope.spawn(move || {
                let defects = format!("[{defect:?}]");
                let wrong = [("practice.defects", defects.as_str())];
                let report = run(scenario, &[sets, &wrong].concat(), 4);
                let rows = report.at("/expectations");
                assert_eq!(found(&report), findings.iter().copied().collect(), "{defect}: {rows}");
            });
        }
    });
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
