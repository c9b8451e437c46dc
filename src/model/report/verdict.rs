//! What a run comes to: one word, an exit code and the reasons.

use serde::{Deserialize, Serialize};

use super::Judged;
use super::generator::Generator;
use crate::model::figure;
use crate::model::finding::{Finding, Severity};

/// The word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was asked for held.
    Passed,
    /// Something did not hold.
    Failed,
    /// The generator was the bottleneck: the numbers say little about the target.
    Untrustworthy,
    /// The user stopped it.
    Stopped,
    /// The target could not be reached, or refused every client.
    Unreachable,
}

impl Verdict {
    /// The word in `run.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Untrustworthy => "untrustworthy",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It ran as planned.
    Finished,
    /// The user stopped it.
    Stopped,
    /// No client was ever let in.
    Unreachable,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// How the run came to its end.
    pub ending: Ending,
    /// What is wrong with the target.
    pub findings: &'a [Finding],
    /// The worst severity that passes, if one is named.
    pub findings_limit: Option<Severity>,
    /// What a call is: "tool call", or what a check does instead.
    pub unit: &'a str,
    /// Calls that came due.
    pub calls: u64,
    /// Of these, answered well.
    pub ok: u64,
    /// Numbers to stay under, and what else must hold.
    pub thresholds: &'a [Judged],
    /// How the generator did.
    pub generator: &'a Generator,
}

/// The verdict by precedence: an unreachable target, a critical or high finding (a leaked answer
/// stays leaked, whoever was slow), stopped, untrustworthy, then a run without calls, thresholds
/// and the limit on findings. The reasons are all that apply, the deciding one first.
pub fn decide(facts: &Facts<'_>) -> (Verdict, Vec<String>) {
    let mut grounds: Vec<(Verdict, String)> = Vec::new();
    if facts.ending == Ending::Unreachable {
        let why = "the target could not be reached, or refused every client";
        grounds.push((Verdict::Unreachable, why.to_owned()));
    }
    grounds.extend(found(facts, |severity| severity >= Severity::High));
    if facts.ending == Ending::Stopped {
        grounds.push((Verdict::Stopped, "stopped by the user before its end".to_owned()));
    }
    if !facts.generator.trustworthy {
        let why = facts.generator.reasons.iter();
        grounds.extend(why.map(|reason| (Verdict::Untrustworthy, reason.clone())));
    }
    if facts.calls == 0 {
        let unit = facts.unit;
        let why = format!("no {unit} was made: nothing was measured, and that is no pass");
        grounds.push((Verdict::Failed, why));
    }
    if facts.calls > 0 && facts.ok == 0 {
        let why = format!("not one {} ended well: nothing was shown to work", facts.unit);
        grounds.push((Verdict::Failed, why));
    }
    grounds.extend(broken(facts.thresholds));
    let past = |severity| facts.findings_limit.is_some_and(|limit| severity > limit);
    grounds.extend(found(facts, |severity| severity < Severity::High && past(severity)));
    let verdict = match grounds.first() {
        Some((verdict, _)) => *verdict,
        None if facts.generator.trustworthy => Verdict::Passed,
        None => Verdict::Untrustworthy,
    };
    if verdict == Verdict::Passed && facts.thresholds.iter().all(|judged| judged.unchecked) {
        let why = "no threshold was set: only findings could have failed this run";
        grounds.push((verdict, why.to_owned()));
    }
    (verdict, grounds.into_iter().map(|(_, reason)| reason).collect())
}

fn found(
    facts: &Facts<'_>,
    matters: impl Fn(Severity) -> bool,
) -> impl Iterator<Item = (Verdict, String)> {
    let findings = facts.findings.iter().filter(move |finding| matters(finding.severity));
    findings.map(|finding| (Verdict::Failed, told(finding)))
}

/// A finding as a reason tells it.
pub fn told(finding: &Finding) -> String {
    let Finding { severity, title, count, .. } = finding;
    format!("{} finding: {title} ({})", severity.name(), figure::times(*count))
}

fn broken(thresholds: &[Judged]) -> impl Iterator<Item = (Verdict, String)> {
    thresholds.iter().filter(|threshold| threshold.is_broken()).map(|threshold| {
        (Verdict::Failed, format!("{} {}: {}", threshold.text, threshold.said(), threshold.value))
    })
}

/// The exit code: 0 passed, 3 unreachable, 4 failed, 5 not trustworthy, 130 stopped.
pub const fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Unreachable => 3,
        Verdict::Failed => 4,
        Verdict::Untrustworthy => 5,
        Verdict::Stopped => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{BrokenRule, Provenance};

    fn finding(severity: Severity) -> Finding {
        let rule =
            BrokenRule { text: String::new(), source: String::new(), provenance: Provenance::Spec };
        Finding {
            id: "x".to_owned(),
            severity,
            title: "x".to_owned(),
            rule,
            count: 1,
            evidence: Vec::new(),
            what_to_do: String::new(),
        }
    }

    #[test]
    fn a_run_without_calls_is_no_pass() {
        let generator = Generator { trustworthy: true, ..Generator::default() };
        let facts = Facts {
            ending: Ending::Finished,
            findings: &[],
            findings_limit: None,
            unit: "tool call",
            calls: 0,
            ok: 0,
            thresholds: &[],
            generator: &generator,
        };
        assert_eq!(decide(&facts).0, Verdict::Failed);
        assert_eq!(decide(&Facts { calls: 1, ..facts }).0, Verdict::Failed);
        let (verdict, reasons) = decide(&Facts { calls: 1, ok: 1, ..facts });
        assert_eq!(
            (verdict, reasons.len()),
            (Verdict::Passed, 1),
            "that nothing was asked is said"
        );
    }

    #[test]
    fn precedence() {
        use Ending::{Finished, Stopped, Unreachable};
        use Severity::{High, Low, Medium};
        let table = [
            (Finished, None, None, true, true, 0),
            (Finished, None, None, false, true, 4),
            (Finished, None, None, false, false, 5),
            (Stopped, None, None, false, false, 130),
            (Stopped, Some(High), None, true, true, 4),
            (Finished, Some(High), None, true, false, 4),
            (Finished, Some(Medium), None, true, true, 0),
            (Finished, Some(Medium), Some(Medium), true, true, 0),
            (Finished, Some(Medium), Some(Low), true, true, 4),
            (Finished, Some(Medium), Some(Low), true, false, 5),
            (Unreachable, Some(High), None, false, false, 3),
        ];
        for (ending, severity, limit, held, trustworthy, code) in table {
            let generator = Generator { trustworthy, ..Generator::default() };
            let findings: Vec<_> = severity.map(finding).into_iter().collect();
            let thresholds = [Judged {
                text: "errors < 1%".to_owned(),
                passed: held,
                value: "3%".to_owned(),
                unproven: false,
                unchecked: false,
            }];
            let generator = Generator { reasons: vec!["slow".to_owned()], ..generator };
            let (verdict, _) = decide(&Facts {
                ending,
                findings: &findings,
                findings_limit: limit,
                unit: "tool call",
                calls: 1,
                ok: 1,
                thresholds: &thresholds,
                generator: &generator,
            });
            assert_eq!(
                exit_code(verdict),
                code,
                "{ending:?} {severity:?} {limit:?} {held} {trustworthy}"
            );
        }
    }
}
