//! What a probe of a target found, as one versioned document: steps in their order, the readiness
//! list, findings.

pub mod facts;

use serde::{Serialize, Serializer};

use super::finding::{BrokenRule, Finding, Severity};

/// The version of the document.
pub const SCHEMA: &str = "squall.probe/1";

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Probed {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The target, as it may be shown.
    pub target: String,
    /// What it came to.
    pub verdict: Verdict,
    /// The exit code of that.
    pub exit_code: u8,
    /// HTTP requests that were sent.
    pub requests: u64,
    /// What was done, in its order.
    pub steps: Vec<Step>,
    /// The readiness list.
    pub checks: Vec<Check>,
    /// Rules of the protocol that were seen broken on the way.
    pub findings: Vec<Finding>,
}

/// What a probe came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing failed that is medium or above.
    Passed,
    /// A check or a finding at medium or above.
    Failed,
    /// There was no session to look at.
    Unreachable,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// How it went.
    pub state: State,
    /// What it took, in microseconds; absent where nothing was sent for it.
    #[serde(
        rename = "took_us",
        skip_serializing_if = "Option::is_none",
        serialize_with = "micros"
    )]
    pub took: Option<std::time::Duration>,
    /// What was found, or why it was not tried.
    pub found: String,
    /// What the target's owner can do, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should.
    Ok,
    /// Something is wrong.
    Failed,
    /// There is no such thing at this target, and need not be.
    None,
    /// It was not tried.
    NotTried,
}

/// One entry of the readiness list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name for scripts: `tool-order`.
    pub id: &'static str,
    /// How bad it is if it fails.
    pub severity: Severity,
    /// What is wrong then.
    pub title: &'static str,
    /// What it came to.
    pub result: CheckResult,
    /// What was found, or why it does not apply.
    pub why: String,
    /// What it demands, and where that stands.
    pub rule: BrokenRule,
    /// What the target's owner can do, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<&'static str>,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// The target is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It says nothing about this target.
    NotApplicable,
}

/// From this severity on a probe fails.
const FAILS: Severity = Severity::Medium;

impl Probed {
    /// The document of these; `is_reached` where a session could be looked at.
    pub fn of(target: String, requests: u64, is_reached: bool, of: Found) -> Self {
        let Found { steps, checks, findings } = of;
        let failed = checks.iter().filter(|check| check.result == CheckResult::Failed);
        let worst = failed.map(|check| check.severity);
        let worst = worst.chain(findings.iter().map(|finding| finding.severity)).max();
        let (verdict, exit_code) = match worst {
            _ if !is_reached => (Verdict::Unreachable, 3),
            Some(worst) if worst >= FAILS => (Verdict::Failed, 4),
            _ => (Verdict::Passed, 0),
        };
        let schema = SCHEMA;
        Self { schema, target, verdict, exit_code, requests, steps, checks, findings }
    }
}

/// What a document is made of.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What was done.
    pub steps: Vec<Step>,
    /// The readiness list.
    pub checks: Vec<Check>,
    /// Broken rules of the protocol.
    pub findings: Vec<Finding>,
}

#[expect(clippy::ref_option, reason = "serde hands a field over so")]
fn micros<S: Serializer>(
    took: &Option<std::time::Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let micros = took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    micros.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Provenance;

    fn check(severity: Severity, result: CheckResult) -> Check {
        let (text, source) = (String::new(), String::new());
        let rule = BrokenRule { text, source, provenance: Provenance::Spec };
        Check { id: "a", severity, title: "", result, why: String::new(), rule, what_to_do: None }
    }

    #[test]
    fn only_what_failed_at_medium_or_above_fails_a_probe() {
        use CheckResult::{Failed, NotApplicable, Passed};
        for (severity, result, is_reached, exit_code) in [
            (Severity::High, Passed, true, 0),
            (Severity::High, NotApplicable, true, 0),
            (Severity::Low, Failed, true, 0),
            (Severity::Medium, Failed, true, 4),
            (Severity::Medium, Failed, false, 3),
            (Severity::Low, Passed, false, 3),
        ] {
            let checks = vec![check(severity, result)];
            let found = Found { checks, ..Found::default() };
            let probed = Probed::of("a".to_owned(), 1, is_reached, found);
            assert_eq!(probed.exit_code, exit_code, "{severity:?} {result:?} {is_reached}");
        }
    }
}
