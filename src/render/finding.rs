//! What findings say besides their title: the rule and where it stands; and what is said of none.

use crate::model::finding::Finding;
use crate::model::report::Report;

/// The rule that was broken and its source, as one line.
pub fn rule(finding: &Finding) -> String {
    let rule = &finding.rule;
    let provenance = rule.provenance.name();
    match rule.source.strip_prefix(provenance) {
        // The source begins with the same word, for it names more than one.
        Some(_) => format!("{} [{}]", rule.text, rule.source),
        None => format!("{} [{provenance}: {}]", rule.text, rule.source),
    }
}

/// What is said where nothing was found.
pub fn none(report: &Report) -> &'static str {
    let mut asked = report.expectations.iter().filter(|asked| !asked.unchecked);
    if report.trials.is_none() {
        return match report.summary.calls_sent {
            0 => "None; no call was made in which something could be found.",
            _ => "None: no rule of the protocol was seen broken, nor anything else that must hold.",
        };
    }
    if report.expectations.iter().all(|asked| asked.unchecked) {
        "None; nothing that was asked could be checked here."
    } else if asked.all(|asked| asked.passed) {
        "None: what was checked held."
    } else {
        "None, but not all that was asked could be told: see what was expected."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{Judged, Trials, sample};

    #[test]
    fn nothing_found_is_no_more_than_what_was_looked_at() {
        let mut report = sample::nothing();
        assert!(none(&report).starts_with("None; no call was made"));
        assert!(none(&sample::storm()).starts_with("None: no rule of the protocol"));
        report.trials = Some(Trials::default());
        let judged = |passed, unproven, unchecked| Judged {
            text: String::new(),
            value: String::new(),
            passed,
            unproven,
            unchecked,
        };
        let mut said = |expectations: &[Judged]| {
            report.expectations = expectations.to_vec();
            none(&report)
        };
        let (held, untold, unchecked) =
            (judged(true, false, false), judged(false, true, false), judged(false, false, true));
        assert_eq!(said(&[held.clone(), unchecked.clone()]), "None: what was checked held.");
        assert!(said(&[unchecked]).contains("nothing that was asked could be checked"));
        assert!(said(&[held, untold]).contains("not all that was asked could be told"));
    }

    #[test]
    fn a_rule_says_where_it_stands() {
        let report = sample::storm();
        let said = rule(&report.findings[0]);
        assert!(said.ends_with(']') && said.contains("[spec: "), "{said}");
    }
}
