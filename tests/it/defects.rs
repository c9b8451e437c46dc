//! Every defect that the practice target can be given, what finds it, and all that it is found as: the
//! tables of the tests that hold them, as one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ::squall::model::plan::{Defect, Flaw};

use crate::squall::root;
use crate::{check_defects, probe, rate_limit, storm_defects, token_checks, token_defects};

/// What `squall probe` is called in it.
pub(crate) const PROBE: &str = "squall probe";

/// A defect, what finds it, and the names of what is found.
pub(crate) type Row = (&'static str, &'static str, Vec<&'static str>);

fn rows() -> Vec<Row> {
    let all = check_defects::rows().chain(rate_limit::rows()).chain(storm_defects::rows());
    let all = all.chain(probe::rows()).chain(token_checks::rows()).chain(token_defects::rows());
    let mut rows: Vec<Row> = all.collect();
    let order: Vec<_> = Flaw::WORDS.iter().map(|(word, _)| *word).collect();
    let order: Vec<_> =
        order.into_iter().chain(Defect::WORDS.iter().map(|(word, _)| *word)).collect();
    rows.sort_by_key(|(defect, by, _)| (order.iter().position(|word| word == defect), *by));
    // One may be met in two ways.
    rows.dedup();
    rows
}

/// Notes that a test has met a row, for the table at the end of `tests/run`.
pub(crate) fn met(defect: &str, by: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("defects");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{defect} by {by}")), "").unwrap();
}

#[test]
fn every_defect_is_found_by_something() {
    let rows = rows();
    let found: BTreeSet<_> = rows.iter().map(|(defect, ..)| *defect).collect();
    let own = Flaw::WORDS.iter().map(|(word, _)| *word);
    let all: BTreeSet<_> = own.chain(Defect::WORDS.iter().map(|(word, _)| *word)).collect();
    let never: Vec<_> = all.difference(&found).collect();
    assert_eq!(never, [&""; 0]);
    assert!(rows.iter().all(|(defect, _, findings)| all.contains(defect) && !findings.is_empty()));
    let twice: BTreeSet<_> = rows.iter().map(|(defect, by, _)| (defect, by)).collect();
    assert_eq!(twice.len(), rows.len());
}

/// What no defect of the practice target causes, and what is found with it instead.
const OTHERWISE: [(&str, &str); 13] = [
    ("certificate", "a handshake of TLS: unit tests of its days"),
    ("https", "a target that is not on this machine: unit tests"),
    ("restart-not-survived", "a restart by a hook: unit tests"),
    ("restart-strands-clients", "a restart by a hook: unit tests"),
    ("no-bearer-challenge", "unit tests of what is expected of tokens"),
    ("no-expires-in", "the same"),
    ("no-token-asked", "a target without authorization: token_checks"),
    ("other-lifetime", "a declaration that is not the server's: token_checks"),
    ("refused-early", "unit tests of what is expected of tokens"),
    ("registration-breaks", "unit tests of floods"),
    ("registration-without-retry-after", "the same"),
    ("registrations-unlimited", "a declared limit that is not there: token_checks"),
    ("token-amplification", "a threshold that is too low: token_defects"),
];

/// Every `id: "..."` of the judges.
fn judged(folder: &Path, ids: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            judged(&path, ids);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let all = text.lines().filter_map(|line| line.trim().strip_prefix("id: \""));
            ids.extend(all.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
}

#[test]
fn whatever_is_judged_has_a_defect_or_another_control() {
    let rows = rows();
    let caused: BTreeSet<_> = rows.iter().flat_map(|(.., findings)| findings).copied().collect();
    let mut ids = BTreeSet::new();
    judged(&root().join("src/judge"), &mut ids);
    assert!(ids.len() > 100, "{ids:?}");
    let uncaused: BTreeSet<_> =
        ids.iter().map(String::as_str).filter(|id| !caused.contains(id)).collect();
    assert_eq!(uncaused, OTHERWISE.iter().map(|(id, _)| *id).collect());
}

#[test]
fn the_readme_has_the_table() {
    let mut table = String::from("| defect | found by | as |\n| --- | --- | --- |\n");
    for (defect, by, findings) in rows() {
        let findings: Vec<_> = findings.iter().map(|id| format!("`{id}`")).collect();
        writeln!(table, "| `{defect}` | `{by}` | {} |", findings.join(", ")).unwrap();
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let is_there = readme.contains(&table);
    assert!(is_there, "this belongs into README.md, under \"Defects\":\n{table}");
}
