//! What a probe found, for a person: steps with their times, the readiness list, findings.

use super::visible;
use crate::model::figure;
use crate::model::finding::{BrokenRule, Finding, Severity};
use crate::model::probe::{Check, CheckResult, Probed, State, Step, Verdict};

/// The text, with a line end at its end. Whatever the target said is made harmless.
pub fn text(probed: &Probed) -> String {
    let mut lines = vec![visible::line(&probed.target), String::new()];
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
    lines.join("\n") + "\n"
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
    let found = visible::line(&step.found);
    let what = format!("  {:<14} {state:<9} {took:>7}  {found}", step.name);
    match &step.what_to_do {
        Some(what_to_do) => {
            format!("{what}\n{INDENT}What helps: {}", visible::line(what_to_do))
        }
        None => what,
    }
}

fn brief(word: &str, check: &Check) -> String {
    format!("  {word:<7} {:<20} {}", check.id, visible::line(&check.why))
}

fn failure(check: &Check) -> String {
    let Check { id, severity, title, why, rule, what_to_do, .. } = check;
    failed((id, *severity, title), why, rule, what_to_do.unwrap_or_default())
}

fn finding(finding: &Finding) -> String {
    let Finding { id, severity, title, rule, evidence, what_to_do, .. } = finding;
    let seen = evidence.first().map_or("", String::as_str);
    failed((id, *severity, title), seen, rule, what_to_do)
}

fn failed(
    (id, severity, title): (&str, Severity, &str),
    found: &str,
    rule: &BrokenRule,
    what_to_do: &str,
) -> String {
    let BrokenRule { text, source, provenance } = rule;
    let (severity, provenance) = (severity.name(), provenance.name());
    let found = visible::line(found);
    format!(
        "  FAILED  {id} ({severity}): {title}\n          Found: {found}\n          Rule: {text} \
         ({source}; {provenance})\n          What helps: {what_to_do}"
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
    let (requests, rules) = (probed.requests, probed.findings.len());
    if probed.verdict == Verdict::Unreachable {
        return format!("{word}: {requests} requests; the step that failed says what helps");
    }
    let many = |count: usize, word: &str| {
        let more = if count == 1 { "" } else { "s" };
        format!("{count} {word}{more}")
    };
    let (passed, rules) = (many(passed, "check"), many(rules, "broken rule"));
    format!(
        "{word}: {requests} requests; {passed} passed, {failed} failed, {apart} do not apply; {rules}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probe::Found;

    #[test]
    fn what_a_server_says_makes_no_line_of_its_own() {
        let step = Step {
            name: "initialize",
            state: State::Failed,
            took: Some(std::time::Duration::from_micros(1_500)),
            found: "a\n  passed  everything\u{1b}[2J".to_owned(),
            what_to_do: Some("look\nthere".to_owned()),
        };
        let found = Found { steps: vec![step], ..Found::default() };
        let text = text(&Probed::of("http://a.test/\u{202e}".to_owned(), 3, false, found));
        assert_eq!(
            text,
            "http://a.test/\\u{202e}\n\n  initialize     FAILED      1.5ms  a   passed  \
             everything\\u{1b}[2J\n                               What helps: look there\n\n\
             there was no session to look at: 3 requests; the step that failed says what helps\n"
        );
    }
}
