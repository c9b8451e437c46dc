//! A saved run read back: whole, of this version, and in agreement with itself.
//!
//! Whoever draws a saved run trusts its figures. A file that was cut short, edited or written by
//! another version is refused with the first thing that does not hold, never drawn with holes.

/// What its figures owe each other.
mod agreement;
/// What those of plan, health and metrics owe each other.
mod beside;

use serde::Deserialize;

use super::{Report, SCHEMA};
use crate::model::operation::Operation;
use crate::model::plan::checks::FLOOD;

/// Why a saved run cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The text holds nothing.
    #[error("it is empty: whatever wrote it was stopped, or its disk was full; take a whole copy")]
    Empty,
    /// The text ends too early.
    #[error(
        "it ends in the middle, at line {line}, column {column}: the file was cut short; take a \
         whole copy of it"
    )]
    CutShort {
        /// Line of its end, from 1.
        line: usize,
        /// Column of its end.
        column: usize,
    },
    /// The text is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// JSON, but nothing squall wrote.
    #[error("it has no member \"schema\" and so is no run of squall's")]
    NotARun,
    /// A run of another version.
    #[error(
        "its schema is {found:?} and this squall reads {SCHEMA:?}; draw it with the squall that \
         wrote it"
    )]
    OtherVersion {
        /// Its schema.
        found: String,
    },
    /// A member is missing or has the wrong type.
    #[error("it is not a whole run: {0}")]
    Malformed(String),
    /// Its figures contradict each other.
    #[error("it contradicts itself, so it was edited or damaged: {0}")]
    Contradiction(String),
    /// Nothing was measured.
    #[error("it holds no tool call: nothing was measured, so there is nothing to draw")]
    NoCalls,
}

/// Reads a run that `squall run` saved, and holds its figures against each other.
pub fn read(text: &str) -> Result<Report, Unusable> {
    let report = parse(text)?;
    let has_calls =
        report.summary.calls > 0 || report.summary.outcomes.values().any(|count| *count > 0);
    let has_trials = report.trials.as_ref().is_some_and(|trials| trials.count > 0);
    if !has_calls && !has_trials && !is_flood(&report) {
        return Err(Unusable::NoCalls);
    }
    agreement::check(&report).map_err(Unusable::Contradiction)?;
    Ok(report)
}

/// A flood registers, and calls nothing.
fn is_flood(report: &Report) -> bool {
    let registrations = report.summary.operations.get(Operation::OauthRegistration.name());
    report.scenario.behaviour == FLOOD && registrations.is_some()
}

/// Reads a run as it was just written, without a doubt about its figures.
pub fn parse(text: &str) -> Result<Report, Unusable> {
    /// The one member that every version has.
    #[derive(Deserialize)]
    struct Marked {
        schema: Option<String>,
    }
    if text.trim().is_empty() {
        return Err(Unusable::Empty);
    }
    let marked: Marked = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => {
            Unusable::CutShort { line: error.line(), column: error.column() }
        }
        serde_json::error::Category::Data => Unusable::NotARun,
        _ => Unusable::NotJson(error.to_string()),
    })?;
    match marked.schema {
        None => Err(Unusable::NotARun),
        Some(found) if found != SCHEMA => Err(Unusable::OtherVersion { found }),
        Some(_) => {
            serde_json::from_str(text).map_err(|error| Unusable::Malformed(error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample;
    use super::*;

    fn value() -> Value {
        serde_json::to_value(sample::storm()).unwrap()
    }

    /// What is said of a run in which the value at this pointer was replaced.
    fn edited(pointer: &str, new: Value) -> String {
        let mut run = value();
        *run.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = new;
        read(&run.to_string()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_run_as_it_was_written_reads_back() {
        let report = sample::storm();
        assert_eq!(read(&serde_json::to_string_pretty(&report).unwrap()), Ok(report));
    }

    #[test]
    fn a_run_cut_short_anywhere_is_refused() {
        let text = value().to_string();
        for end in [1, 20, text.len() / 2, text.len() - 1] {
            let cut = read(&text[..end]).unwrap_err();
            assert!(matches!(cut, Unusable::CutShort { .. }), "{end}: {cut}");
        }
    }

    #[test]
    fn what_is_no_run_of_this_version() {
        let table = [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("<html>", "it is not JSON"),
            ("[]", "no member \"schema\""),
            ("{}", "no member \"schema\""),
            (r#"{"schema": 7}"#, "no member \"schema\""),
            (r#"{"schema": "squall.run/2"}"#, "its schema is \"squall.run/2\""),
            (r#"{"schema": "squall.run/1"}"#, "it is not a whole run: missing field `verdict`"),
        ];
        for (text, part) in table {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
        assert_eq!(
            read(&serde_json::to_string(&sample::nothing()).unwrap()),
            Err(Unusable::NoCalls)
        );
    }

    #[test]
    fn whatever_is_edited_shows() {
        let call = "/summary/operations/tools~1call";
        let moment = "/timeline/5/operations/tools~1call";
        let table = [
            ("/summary/calls", json!(1), "summary.calls is 1"),
            ("/summary/ok", json!(1), "summary.ok is 1"),
            ("/summary/errors", json!(0), "summary.errors is 0"),
            ("/summary/throttled", json!(0), "summary.throttled is 0"),
            ("/summary/calls_sent", json!(0), "summary.calls_sent is 0"),
            ("/summary/outcomes", json!({ "fine": 3 }), "\"fine\" is no outcome"),
            ("/summary/outcomes/ok", json!(u64::MAX), "summary.outcomes add up to more"),
            ("/summary/http_exchanges", json!(0), "summary.http_exchanges is 0"),
            ("/summary/runs", json!(0), "summary.runs is 0"),
            ("/summary/runs_cut", json!(77), "summary.runs_cut is 77"),
            ("/summary/elapsed_s", json!(-1.0), "summary.elapsed_s is -1"),
            ("/summary/tools/search/count", json!(99_999), "summary.tools"),
            ("/summary/tools/search/errors", json!(99_999), "\"search\""),
            ("/summary/operations", json!({}), "tools/call"),
            (&format!("{call}/count"), json!(3), "tools/call counts 3"),
            (&format!("{call}/response_us/p99"), json!(3), "tools/call.response"),
            (&format!("{call}/service_us"), json!(null), "tools/call.service"),
            ("/summary/tools/search/response_us/p50", json!(3), "tool.search.response"),
            ("/histograms/tools~1call.response", json!("AAAA"), "tools/call.response"),
            ("/histograms", json!({}), "initialize.response are not those of its histogram"),
            ("/summary/classes/free/service_us/p50", json!(3), "class.free.service"),
            (&format!("{call}/response_at_least"), json!(null), "lower bounds"),
            (&format!("{call}/response_at_least/exact_to"), json!(100), "lower bounds"),
            ("/summary/tools/search/service_at_least/figures", json!([]), "lower bounds"),
            ("/summary/run/completion/p50/us", json!(3), "summary.run.completion"),
            ("/summary/run/completion/p99/at_least", json!(false), "summary.run.completion"),
            ("/summary/run/wave_us/p50", json!(3), "run.wave"),
            ("/timeline/0/runs_due", json!(4000), "runs_due"),
            ("/timeline/0/runs_ended", json!(4000), "runs_ended"),
            (&format!("{moment}/response_bands"), json!({}), "response_bands is 0"),
            (&format!("{moment}/response_us/p99"), json!(7), "band of a step's p99"),
            ("/timeline/0/done", json!(4000), "timeline"),
            ("/timeline/0/width_s", json!(0), "timeline"),
            ("/timeline/1/at_s", json!(0), "timeline"),
            ("/timeline", json!([]), "timeline"),
            ("/exit_code", json!(0), "exit_code is 0"),
            ("/verdict", json!("passed"), "exit_code is 4"),
            ("/thresholds/1/text", json!("errors < 9%"), "is no reason"),
        ];
        for (pointer, new, part) in table {
            let said = edited(pointer, new);
            assert!(said.contains(part), "{pointer}: {said}");
        }
    }

    #[test]
    fn a_verdict_agrees_with_what_it_rests_on() {
        let mut run = value();
        run["verdict"] = json!("passed");
        run["exit_code"] = json!(0);
        let said = read(&run.to_string()).map(drop).unwrap_err().to_string();
        assert!(said.contains("passed, and yet"), "{said}");
        // What was squall's own fault is drawn again, too.
        run["verdict"] = json!("untrustworthy");
        run["exit_code"] = json!(1);
        assert!(read(&run.to_string()).is_ok());
    }
}
