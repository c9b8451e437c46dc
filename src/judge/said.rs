//! What one thing that is expected came to.

use crate::judge::rule::Rule;
use crate::model::finding::Finding;
use crate::model::report::{Expectations, Judged};

/// What was found of one question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// `None`: too little was seen.
    pub(super) held: Option<bool>,
    pub(super) value: String,
    pub(super) findings: Vec<Finding>,
    /// There is nothing to be said of it, and that decides nothing.
    pub(super) is_moot: bool,
}

impl Said {
    pub(super) fn held(value: impl Into<String>) -> Self {
        Self { held: Some(true), value: value.into(), findings: Vec::new(), is_moot: false }
    }

    pub(super) fn too_little(value: impl Into<String>) -> Self {
        Self { held: None, value: value.into(), findings: Vec::new(), is_moot: false }
    }

    /// It is about something that there is not.
    pub(super) fn moot(value: impl Into<String>) -> Self {
        Self { is_moot: true, ..Self::too_little(value) }
    }

    /// It did not hold, and the finding of that is another's.
    pub(super) fn unheld(value: impl Into<String>) -> Self {
        Self { held: Some(false), ..Self::held(value) }
    }

    /// It did not hold, which was seen so often, as told.
    pub(super) fn broken(rule: &Rule, count: u64, value: impl Into<String>) -> Self {
        let value = value.into();
        let finding = rule.finding(count, std::iter::once(value.clone()));
        Self { held: Some(false), value, findings: vec![finding], is_moot: false }
    }

    /// The same, and this did not hold besides.
    pub(super) fn and_broken(self, rule: &Rule, count: u64, value: impl Into<String>) -> Self {
        self.and(Self::broken(rule, count, value))
    }

    /// Both: the worse of the two decides.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.held = match (self.held, other.held) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        self.value = format!("{}; {}", self.value, other.value);
        self.findings.extend(other.findings);
        self
    }

    /// Adds it as what became of this text.
    pub(super) fn put(self, text: String, expectations: &mut Expectations) {
        let Self { held, mut value, findings, is_moot: unchecked } = self;
        let (passed, unproven) = (held == Some(true), held.is_none() && !unchecked);
        if unproven {
            value = format!("not enough to say: {value}");
        } else if unchecked {
            value = format!("not checked: {value}");
        }
        expectations.findings.extend(findings);
        expectations.judged.push(Judged { text, passed, value, unproven, unchecked });
    }
}
