//! What befell the users' grants, as findings.

use super::{BrokenRule, Finding, Provenance, Severity, told};
use crate::model::summary::grants::Grants;

/// What a run shows to be wrong with how users come to tokens.
pub(super) fn findings(grants: &Grants) -> Vec<Finding> {
    let refusals = &grants.refusals;
    if refusals.count == 0 {
        return Vec::new();
    }
    vec![Finding {
        id: "locked-out".to_owned(),
        severity: Severity::High,
        title: "Users were left without an access token.".to_owned(),
        rule: BrokenRule {
            text:
                "A user that consents comes to an access token, and keeps getting new ones. While \
                   it has none, its calls end as unauthorised, and nothing is sent."
                    .to_owned(),
            source: "MCP 2025-11-25, basic/authorization; claude.com/docs/connectors, \
                     authentication: the connector asks its user to connect again"
                .to_owned(),
            provenance: Provenance::Observed,
        },
        count: refusals.count,
        evidence: refusals.first.iter().map(told).collect(),
        what_to_do: "Look at the leg that is named: its answer is quoted. If it was throttled, \
                     count limits by client or by user, not by address: hosted clients share few."
            .to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::model::event::{Event, Refused};
    use crate::model::finding::findings;
    use crate::model::operation::Operation;
    use crate::model::summary::sample;

    #[test]
    fn a_user_without_tokens_is_a_finding_with_its_leg() {
        let mut summary = sample::empty();
        assert_eq!(findings(&summary, Vec::new()), []);
        summary.add(&Event::Refused(Box::new(Refused {
            user: 4,
            at: Duration::from_millis(2500),
            operation: Operation::OauthToken,
            said: "invalid_grant".to_owned(),
            what_to_do: "",
        })));
        let findings = findings(&summary, Vec::new());
        assert_eq!((findings[0].id.as_str(), findings[0].count), ("locked-out", 1));
        assert_eq!(findings[0].evidence, ["at 2.5s, user 4, oauth/token: invalid_grant"]);
    }
}
