//! One thing that is wrong, with its evidence and where the rule comes from.

/// What befell the users' grants.
mod grants;
/// What acted outside.
mod outside;
/// The protocol's rules as findings.
mod rules;

pub use outside::of_outside;

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::figure;
use super::outcome::Rule;
use super::summary::Summary;
use super::summary::evidence::{FirstFew, Seen};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Untidy.
    Low,
    /// Hurts some users.
    Medium,
    /// Hurts many users, or breaks a MUST of the protocol.
    High,
    /// Leaks data or stops the service.
    Critical,
}

impl Severity {
    /// The word in scenarios and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One thing that is wrong with the target. A panic of our own users never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name for scripts: `wrong-id`.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub title: String,
    /// The rule that was broken.
    pub rule: BrokenRule,
    /// How often it was seen.
    pub count: u64,
    /// The first few times it was seen, without secrets.
    pub evidence: Vec<String>,
    /// What the target's owner can do.
    pub what_to_do: String,
}

/// A rule that a target is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenRule {
    /// What it demands.
    pub text: String,
    /// Where it stands: a specification and its section, or what was observed where.
    pub source: String,
    /// What kind of source that is.
    pub provenance: Provenance,
}

/// What a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// A specification demands it.
    Spec,
    /// Clients or servers were seen to need it.
    Observed,
    /// We inferred it.
    Modelled,
}

impl Provenance {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Observed => "observed",
            Self::Modelled => "modelled",
        }
    }
}

/// What a summary shows to be wrong with the target, worst first.
///
/// Those of expectations that did not hold are among them.
pub fn findings(summary: &Summary, of_expectations: Vec<Finding>) -> Vec<Finding> {
    let mut findings = of_expectations;
    findings.extend(summary.violations.iter().map(|(rule, seen)| of_rule(*rule, seen)));
    findings.extend(grants::findings(&summary.grants));
    findings.sort_by_key(|finding| Reverse((finding.severity, finding.count)));
    findings
}

fn of_rule(rule: Rule, seen: &FirstFew<Seen>) -> Finding {
    let described = rules::described(rule);
    Finding {
        id: described.id.to_owned(),
        severity: described.severity,
        title: described.title.to_owned(),
        rule: BrokenRule {
            text: described.demands.to_owned(),
            source: described.source.to_owned(),
            provenance: described.provenance,
        },
        count: seen.count,
        evidence: seen.first.iter().map(told).collect(),
        what_to_do: described.what_to_do.to_owned(),
    }
}

/// With what evidence of the look at the target begins.
pub const BEFORE: &str = "before the load, ";

fn told(seen: &Seen) -> String {
    let what = seen.operation.name();
    let Some(user) = seen.user else {
        return format!("{BEFORE}{what}: {}", seen.evidence);
    };
    format!("at {}, user {user}, {what}: {}", figure::duration(seen.at), seen.evidence)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::event::{Event, Violation};
    use crate::model::operation::Operation;
    use crate::model::summary::sample;

    #[test]
    fn violations_are_findings_with_their_evidence() {
        let findings = findings(&sample::storm(), Vec::new());
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].id.as_str(), findings[0].count), ("wrong-id", 3));
        assert_eq!(
            findings[0].evidence[0],
            "at 31.2s, user 12, tools/call: expected id 1, found \"2\""
        );
    }

    #[test]
    fn what_was_seen_before_the_load_is_no_users() {
        let mut summary = sample::empty();
        let violation = Violation {
            rule: Rule::InvalidParamHeader,
            at: Duration::ZERO,
            user: None,
            operation: Operation::ToolsList,
            evidence: "the tool \"a\"".into(),
            touched: crate::model::fault::Touched::default(),
        };
        summary.add(&Event::Violation(Box::new(violation)));
        let findings = findings(&summary, Vec::new());
        assert_eq!(findings[0].id, "invalid-param-header");
        assert_eq!(findings[0].evidence, ["before the load, tools/list: the tool \"a\""]);
        assert_eq!(summary.users, sample::empty().users);
    }

    #[test]
    fn no_violation_no_finding() {
        assert_eq!(super::findings(&sample::empty(), Vec::new()), []);
    }
}
