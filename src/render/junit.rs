//! `junit.xml`: the run as test cases, for a CI system: one each threshold and each finding.
//!
//! The first case is the run itself, so that a run that is not trustworthy or was stopped is never
//! all green.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use super::visible;
use crate::model::finding::Finding;
use crate::model::report::verdict::{Verdict, told};
use crate::model::report::{Judged, Report};

/// A file that could not be written: a fault of ours, never of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to write junit.xml: {0}")]
pub struct JunitError(String);

/// The suites `run`, `thresholds` and `findings` as `JUnit` XML, UTF-8.
pub fn suites(report: &Report) -> Result<String, JunitError> {
    let mut suites = Suites::new(format!("squall: {}", visible::line(&report.scenario.name)));
    suites.add_test_suite(suite("run", [whole(report)]));
    suites.add_test_suite(suite("thresholds", report.thresholds.iter().map(threshold)));
    if !report.expectations.is_empty() {
        let expectations = report.expectations.iter().map(threshold);
        suites.add_test_suite(suite("expectations", expectations));
    }
    let findings = report.findings.iter().map(|finding| self::finding(finding, &report.reasons));
    suites.add_test_suite(suite("findings", findings));
    suites.to_string().map_err(|error| JunitError(error.to_string()))
}

fn suite(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn case(suite: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(visible::line(name), status);
    case.set_classname(format!("squall.{suite}"));
    case
}

fn failed(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(visible::line(message));
    status
}

fn whole(report: &Report) -> TestCase {
    let kind = match report.verdict {
        Verdict::Passed => None,
        Verdict::Failed | Verdict::Unreachable => Some(NonSuccessKind::Failure),
        Verdict::Untrustworthy | Verdict::Stopped => Some(NonSuccessKind::Error),
    };
    let status = kind.map_or_else(TestCaseStatus::success, |kind| {
        let why = report.reasons.first().map_or("", String::as_str);
        let mut status = failed(kind, &format!("{}: {why}", report.verdict.name()));
        let reasons: Vec<_> = report.reasons.iter().map(|reason| visible::line(reason)).collect();
        status.set_description(reasons.join("\n"));
        status
    });
    let mut case = case("run", "verdict", status);
    // The time of the whole run; thresholds and findings take none of their own.
    case.set_time(Duration::try_from_secs_f64(report.summary.elapsed_s).unwrap_or_default());
    case
}

fn threshold(judged: &Judged) -> TestCase {
    let status = if judged.passed {
        TestCaseStatus::success()
    } else if judged.unchecked {
        TestCaseStatus::skipped()
    } else {
        failed(NonSuccessKind::Failure, &format!("it {}: {}", judged.said(), judged.value))
    };
    let mut case = case("thresholds", &judged.text, status);
    case.set_system_out(format!("measured {}", visible::line(&judged.value)));
    case
}

/// A finding fails its case when it is a reason for the verdict; the others are told and pass.
fn finding(finding: &Finding, reasons: &[String]) -> TestCase {
    let reason = told(finding);
    let mut lines = vec![reason.clone(), format!("rule: {}", finding.rule.text)];
    lines.push(format!("source: {} ({})", finding.rule.source, finding.rule.provenance.name()));
    lines.push(format!("what to do: {}", finding.what_to_do));
    lines.extend(finding.evidence.iter().map(|evidence| format!("seen {evidence}")));
    let lines: Vec<_> = lines.iter().map(|line| visible::line(line)).collect();
    let status = if reasons.contains(&reason) {
        let mut status = failed(NonSuccessKind::Failure, &reason);
        status.set_description(lines.join("\n"));
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = case("findings", &finding.id, status);
    case.set_system_out(lines.join("\n"));
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn each_threshold_and_each_finding_is_a_case() {
        let report = sample::storm();
        let xml = suites(&report).unwrap();
        let cases = xml.matches("<testcase ").count();
        assert_eq!(cases, 1 + report.thresholds.len() + report.findings.len(), "{xml}");
        let broken = report.thresholds.iter().filter(|judged| !judged.passed).count();
        assert!(broken > 0);
        let failures = xml.matches("<failure ").count();
        assert_eq!(failures, 1 + broken + report.findings.len(), "{xml}");
        assert!(xml.contains("name=\"wrong-id\""), "{xml}");
        let time = format!("classname=\"squall.run\" time=\"{:.3}\"", report.summary.elapsed_s);
        assert!(xml.contains(&time), "{xml}");
    }

    #[test]
    fn a_run_that_proves_nothing_is_never_green() {
        let mut report = sample::nothing();
        for verdict in [Verdict::Untrustworthy, Verdict::Stopped] {
            report.verdict = verdict;
            let xml = suites(&report).unwrap();
            assert!(xml.contains("errors=\"1\"") && xml.contains("<error "), "{xml}");
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut report = sample::storm();
        report.findings[0].evidence = vec!["]]></system-out><x a=\"&\u{1b}\u{0}".to_owned()];
        let xml = suites(&report).unwrap();
        assert!(!xml.contains("<x a") && !xml.contains('\u{1b}') && !xml.contains('\0'), "{xml}");
        assert!(xml.contains("\\u{1b}\\u{0}"), "{xml}");
    }
}
