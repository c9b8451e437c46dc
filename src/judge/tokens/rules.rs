//! The rules about users' tokens that a run is held to, with where each comes from.

use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};

pub(super) const LOST: Rule = Rule {
    id: "grants-lost",
    severity: Severity::High,
    title: "Users had to log in again.",
    text: "A user that consented once keeps coming to new tokens, until somebody takes that back.",
    source: "RFC 6749 section 6; RFC 9700 section 4.14.2; anthropics/claude-code#65408: users \
             were logged out by one lost answer",
    provenance: Provenance::Observed,
    what_to_do: "Keep refresh tokens and clients longer than the users' breaks, over a restart \
                 too, and accept the old refresh token for some seconds after its rotation.",
};
pub(super) const SERVED: Rule = Rule {
    id: "not-served-again",
    severity: Severity::High,
    title: "Users waited too long after their tokens ended.",
    text: "A user whose token ended is served again as soon as it has another one.",
    source: "MCP 2025-11-25, basic/authorization; claude.com/docs/connectors, authentication: \
             30 s for a refresh",
    provenance: Provenance::Observed,
    what_to_do: "Look at the times and errors of oauth/refresh and oauth/token: the token \
                 endpoint has to bear all users at once.",
};
pub(super) const AMPLIFIED: Rule = Rule {
    id: "token-amplification",
    severity: Severity::Medium,
    title: "The end of tokens multiplied requests.",
    text: "Each token is asked for about once, and each request sent about once.",
    source: "modelled: retries that double the load keep an overloaded server down",
    provenance: Provenance::Modelled,
    what_to_do: "Answer the token endpoint with 503 or 429 and Retry-After when it cannot, and \
                 MCP requests with a 401 only when a new token would help.",
};
pub(in crate::judge) const EARLY: Rule = Rule {
    id: "refused-early",
    severity: Severity::High,
    title: "Access tokens were refused before their lifetime was over.",
    text: "An access token is good for the `expires_in` that came with it.",
    source: "RFC 6749 section 5.1: expires_in is the lifetime of the access token",
    provenance: Provenance::Spec,
    what_to_do: "Give every replica the same keys and the same time, and keep tokens over a \
                 restart.",
};
pub(super) const GRACE: Rule = Rule {
    id: "refresh-grace",
    severity: Severity::High,
    title: "The old refresh token was not treated as declared.",
    text: "A refresh token that was replaced is good for the declared grace, and not after it.",
    source: "RFC 9700 section 4.14.2; processes of one client refresh at once, up to 10 of them: \
             jlowin/fastmcp#4264, anthropics/claude-code#65408",
    provenance: Provenance::Observed,
    what_to_do: "For some seconds answer the old refresh token with the tokens it became; refuse \
                 it after that.",
};
pub(super) const BROKEN: Rule = Rule {
    id: "refresh-broken-by-race",
    severity: Severity::High,
    title: "The token endpoint failed with 500 when one token was refreshed twice.",
    text: "Two refreshes of one token at once are answered, each with tokens or with invalid_grant.",
    source: "RFC 6749 section 5.2 lists what a refusal is; processes of one client refresh at \
             once, and 13 ms apart ended in 500: HQBase#41",
    provenance: Provenance::Observed,
    what_to_do: "Let the second of two refreshes wait for the first, and answer it with the tokens \
                 that the first one got.",
};
pub(super) const STAYS: Rule = Rule {
    id: "no-rotation",
    severity: Severity::Medium,
    title: "Refresh tokens were not replaced.",
    text: "A refresh gives a public client a new refresh token in place of the one it sent.",
    source: "MCP 2025-11-25, basic/authorization, token theft: authorization servers MUST rotate \
             refresh tokens of public clients; RFC 9700 section 4.14.2",
    provenance: Provenance::Spec,
    what_to_do: "Rotate refresh tokens, or bind them to the client by mutual TLS or DPoP; clients \
                 with a secret may keep theirs.",
};
pub(super) const KILLED: Rule = Rule {
    id: "race-kills-winner",
    severity: Severity::High,
    title: "A race for a refresh token ended the tokens of the one that won it.",
    text: "Who refreshed first keeps the tokens, whoever came second within the grace.",
    source: "RFC 9700 section 4.14.2 revokes a family on replay; processes of one client replay \
             by accident: anthropics/claude-code#65408",
    provenance: Provenance::Observed,
    what_to_do: "Take a second use within some seconds for a race, not for a theft.",
};
