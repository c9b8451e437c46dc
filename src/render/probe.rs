//! What a probe found, for a person: steps with their times, the readiness list, findings.

use super::visible;
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::probe::{Check, CheckResult, Probed, State, Step, Verdict};

/// The text, with a line end at its end. Whatever the target said is made harmless.
pub fn text(probed: &Probed) -> String {
    let mut lines = vec![format!("{}", probed.target), String::new()];
    lines.extend(probed.steps.iter().map(step));
    let of = |result| probed.checks.iter().filter(move |check| check.result == result);
    let failed: Vec<_> = of(CheckResult::Failed).collect();
    if probed.verdict != Verdict::Unreachable || !failed.is_empty() {
        lines.extend([String::new(), "Readiness".to_owned()]);
        lines.extend(failed.iter().map(|check| failure(check)));
        lines.extend(of(CheckResult::Passed).map(|check| brief("passed", check)));
        lines.extend(of(CheckResult::NotApplicable).map(|check| brief("-", check)));
    }
    if !probed.findings.is_empty() {
        lines.extend([String::new(), "Broken rules of the protocol".to_owned()]);
        lines.extend(probed.findings.iter().map(finding));
    }
    lines.extend([String::new(), verdict(probed)]);
    let lines = lines.iter().map(|line| visible::block(line) + "\n");
    lines.collect()
}

/// Where what was found begins.
const INDENT: &str = "                               ";

fn step(step: &Step) -> String {
    let state = match step.state {
        State::Ok => "ok",
        State::Failed => "FAILED",
        State::None => "-",
        State::NotTried => "not tried",
    };
    let took = step.took.map_or_else(String::new, figure::duration);
    let what = format!("  {:<14} {state:<9} {took:>7}  {}", step.name, step.found);
    match &step.what_to_do {
        Some(what_to_do) => format!("{what}\n{INDENT}What helps: {what_to_do}"),
        None => what,
    }
}

fn brief(word: &str, check: &Check) -> String {
    format!("  {word:<7} {:<20} {}", check.id, check.why)
}

fn failure(check: &Check) -> String {
    let Check { id, severity, title, why, rule, what_to_do, .. } = check;
    let (text, source, provenance) = (&rule.text, &rule.source, rule.provenance.name());
    let what_to_do = what_to_do.unwrap_or_default();
    format!(
        "  FAILED  {id} ({}): {title}\n          Found: {why}\n          Rule: {text} ({source}; \
         {provenance})\n          What helps: {what_to_do}",
        severity.name(),
    )
}

fn finding(finding: &Finding) -> String {
    let Finding { id, severity, title, rule, evidence, what_to_do, .. } = finding;
    let seen = evidence.first().map_or("", String::as_str);
    format!(
        "  FAILED  {id} ({}): {title}\n          Found: {seen}\n          Rule: {} ({}; {})\n          \
         What helps: {what_to_do}",
        severity.name(),
        rule.text,
        rule.source,
        rule.provenance.name(),
    )
}

fn verdict(probed: &Probed) -> String {
    let of = |result| probed.checks.iter().filter(|check| check.result == result).count();
    let (passed, failed) = (of(CheckResult::Passed), of(CheckResult::Failed));
    let apart = of(CheckResult::NotApplicable);
    let word = match probed.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Unreachable => "there was no session to look at",
    };
    format!(
        "{word}: {} requests; {passed} checks passed, {failed} failed, {apart} do not apply; {} broken \
         rules",
        probed.requests,
        probed.findings.len(),
    )
}
