//! `check-isolation` against servers that we did not write: those that keep what waits for an answer by
//! its id alone are found, and those that do not are sound.

use std::collections::BTreeSet;

use super::{ECHO, Kind, together};
use crate::peer::Peer;
use crate::squall::{Place, Report};

fn checked(kind: Kind, patience: &str, code: i32) -> Report {
    let peer = Peer::start(kind);
    let place = Place::new();
    let order = place.run("check-isolation").patient_alone().target(&peer.url()).sets([
        ("tools.allow", ECHO),
        ("auth", "{}"),
        ("load.isolation.patience", patience),
    ]);
    order.go().exits(code).report()
}

fn found(report: &Report) -> BTreeSet<String> {
    let findings = report.at("/findings").as_array().unwrap().iter();
    findings.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

/// How often each of the two happens depends on which call is looked at first.
#[test]
fn an_id_twice_in_one_session_gives_anothers_answer_or_none() {
    let kinds = [Kind::PythonV1("stateful"), Kind::PythonV2("stateful"), Kind::Rmcp("stateful")];
    together(&kinds, |kind| {
        let report = checked(kind, r#""1s""#, 4);
        let known = ["other-calls-answer", "same-id-unanswered"].map(str::to_owned);
        let found = found(&report);
        assert!(!found.is_empty() && found.is_subset(&known.into()), "{kind:?}: {found:?}");
        let rows = report.at("/expectations").as_array().unwrap();
        let ids = rows.iter().find(|row| row["text"] == "invariants: id-fidelity").unwrap();
        assert_eq!(ids["passed"], true, "{kind:?}: {ids}");
    });
}

#[test]
fn requests_that_stand_alone_are_isolated() {
    let kinds = [
        Kind::PythonV1("stateless-json"),
        Kind::PythonV2("stateless"),
        Kind::TypescriptV2("handler"),
        Kind::Rmcp("stateless"),
    ];
    together(&kinds, |kind| {
        let report = checked(kind, r#""30s""#, 0);
        assert!(found(&report).is_empty(), "{kind:?}");
    });
}
