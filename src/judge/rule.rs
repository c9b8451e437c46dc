//! A rule that a target is held to, and the finding that it was broken.

use crate::model::finding::{BrokenRule, Finding, Provenance, Severity};

/// What a finding says besides its evidence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) source: &'static str,
    pub(super) provenance: Provenance,
    pub(super) what_to_do: &'static str,
}

impl Rule {
    /// The finding that it was broken so often.
    pub(super) fn finding(&self, count: u64, evidence: impl Iterator<Item = String>) -> Finding {
        Finding {
            id: self.id.to_owned(),
            severity: self.severity,
            title: self.title.to_owned(),
            rule: BrokenRule {
                text: self.text.to_owned(),
                source: self.source.to_owned(),
                provenance: self.provenance,
            },
            count,
            evidence: evidence.collect(),
            what_to_do: self.what_to_do.to_owned(),
        }
    }
}
