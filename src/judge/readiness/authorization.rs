//! What is said to those who have no token, and how they come to one.

use super::{Entry, Judged, of_answer, said, seconds};
use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::probe::facts::{Attempted, Facts, Tried};
use Judged::{Failed, NotApplicable, Passed};

const OPEN: &str = "no token is asked for";

pub(super) const LIST: &[Entry] = &[
    Entry {
        rule: Rule {
            id: "unauthorised",
            severity: Severity::High,
            title: "Who has no good token is not told so",
            text: "A request without a token, or with one that is not good, is answered 401.",
            source: "MCP 2025-11-25, basic/authorization, \"Token Handling\"; RFC 6750, section 3.1",
            provenance: Provenance::Spec,
            what_to_do: "Answer 401 before anything else looks at the request: clients log in, and \
                         renew tokens, for no other status.",
        },
        judge: unauthorised,
    },
    Entry {
        rule: Rule {
            id: "challenge",
            severity: Severity::Medium,
            title: "The 401 does not say where tokens come from",
            text: "A 401 has a WWW-Authenticate that names the resource's metadata.",
            source: "RFC 9728, section 5.1; MCP 2025-06-18, basic/authorization (MUST)",
            provenance: Provenance::Spec,
            what_to_do: "Send `WWW-Authenticate: Bearer resource_metadata=\"https://HOST/.well-known/\
                         oauth-protected-resource/PATH\"` with every 401.",
        },
        judge: challenge,
    },
    Entry {
        rule: leg_rule("oauth-discovery", "A client cannot find out where tokens come from"),
        judge: |facts| of_leg(facts, Operation::OauthDiscovery),
    },
    Entry {
        rule: leg_rule("oauth-registration", "A client cannot be registered"),
        judge: |facts| of_leg(facts, Operation::OauthRegistration),
    },
    Entry {
        rule: leg_rule("oauth-authorization", "A user's consent leads to no code"),
        judge: |facts| of_leg(facts, Operation::OauthAuthorize),
    },
    Entry {
        rule: leg_rule("oauth-token", "A code leads to no token that the server takes"),
        judge: |facts| of_leg(facts, Operation::OauthToken),
    },
    Entry {
        rule: Rule {
            id: "oauth-budget",
            severity: Severity::High,
            title: "A leg of OAuth takes longer than hosted clients wait",
            text: "Discovery, registration and token are answered within 10 seconds each.",
            source: "claude.com/docs/connectors/building/authentication",
            provenance: Provenance::Spec,
            what_to_do: "Find out what the authorization server waits for: hosted clients give up a \
                         connection after 10 seconds.",
        },
        judge: budget,
    },
];

const fn leg_rule(id: &'static str, title: &'static str) -> Rule {
    Rule {
        id,
        severity: Severity::High,
        title,
        text: "A client comes from a 401 to a token by what the server publishes.",
        source: "MCP 2025-11-25, basic/authorization; RFC 9728, RFC 8414, RFC 7591, RFC 6749",
        provenance: Provenance::Spec,
        what_to_do: "See the step above: it says what was expected, what was found, and what helps.",
    }
}

fn unauthorised(facts: &Facts) -> Judged {
    if !facts.is_guarded {
        return NotApplicable(OPEN.to_owned());
    }
    for attempted in [Attempted::Anonymous, Attempted::BadToken] {
        let tried = facts.of(attempted);
        let token = if attempted == Attempted::Anonymous { "no" } else { "a bad" };
        match tried {
            Tried::Not(_) => {}
            Tried::Answer(answer) if answer.status == 401 => {}
            tried => return Failed(format!("with {token} token: {}", said(tried))),
        }
    }
    Passed("HTTP 401".to_owned())
}

fn challenge(facts: &Facts) -> Judged {
    if !facts.is_guarded {
        return NotApplicable(OPEN.to_owned());
    }
    of_answer(facts.of(Attempted::Anonymous), |answer| match (answer.status, &answer.challenge) {
        (401, Some(Some(url))) => Passed(format!("it names {url}")),
        (401, Some(None)) => Failed("it has no resource_metadata".to_owned()),
        (401, None) => Failed("there is no WWW-Authenticate: Bearer".to_owned()),
        _ => NotApplicable("it was not answered 401".to_owned()),
    })
}

fn of_leg(facts: &Facts, leg: Operation) -> Judged {
    if !facts.is_guarded && facts.legs.is_empty() {
        return NotApplicable(OPEN.to_owned());
    }
    match &facts.no_tokens {
        Some(wrong) if wrong.leg == leg => Failed(wrong.said.clone()),
        _ => match facts.legs.iter().find(|(gone, _)| *gone == leg) {
            Some(_) => Passed("a client came through".to_owned()),
            None => NotApplicable(
                "it was not tried: one before it failed, or did without it".to_owned(),
            ),
        },
    }
}

fn budget(facts: &Facts) -> Judged {
    // A person takes as long as a person takes.
    let timed = facts.legs.iter().filter(|(leg, _)| *leg != Operation::OauthAuthorize);
    match timed.max_by_key(|(_, took)| *took) {
        None => NotApplicable("no leg of OAuth was tried".to_owned()),
        Some((leg, took)) if *took > super::BUDGET => {
            Failed(format!("{} took {}", leg.name(), seconds(*took)))
        }
        Some(_) => Passed(format!("none took longer than {}", seconds(super::BUDGET))),
    }
}
