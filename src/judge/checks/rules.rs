//! The rules that active checks hold a target to, with where each comes from.

use crate::judge::rule::Rule;
use crate::judge::tokens::rules::EARLY;
use crate::model::finding::{Provenance, Severity};

pub(super) const EXPIRED_ACCEPTED: Rule = Rule {
    id: "expired-token-accepted",
    severity: Severity::High,
    title: "Expired access tokens were accepted.",
    text: "Invalid or expired tokens MUST receive a HTTP 401 response.",
    source: "MCP 2025-11-25, basic/authorization, \"Token Handling\"; RFC 6750 section 3.1; RFC \
             7519 section 4.1.4",
    provenance: Provenance::Spec,
    what_to_do: "Check `exp` (or introspect) with every request, in an open session too, and keep \
                 no token's validity in a cache for longer than it lasts.",
};
pub(super) const FOREIGN_ACCEPTED: Rule = Rule {
    id: "foreign-token-accepted",
    severity: Severity::Critical,
    title: "Access tokens for another resource were accepted.",
    text: "MCP servers MUST validate that access tokens were issued specifically for them as the \
           intended audience.",
    source: "MCP 2025-11-25, basic/authorization, \"Token Audience Binding and Validation\"; RFC \
             8707 section 2",
    provenance: Provenance::Spec,
    what_to_do: "Refuse tokens whose `aud` is not this server's own URL. If the authorization \
                 server puts none in, have it honour `resource`: until then whoever gets a token \
                 for any service of yours can use this one.",
};
pub(super) const WRONG_STATUS: Rule = Rule {
    id: "token-refused-wrongly",
    severity: Severity::High,
    title: "A token was refused with something else than 401.",
    text: "The status for a token that is expired, revoked or otherwise invalid is 401.",
    source: "RFC 6750 section 3.1; MCP 2025-11-25, basic/authorization, \"Error Handling\"",
    provenance: Provenance::Spec,
    what_to_do: "Answer 401 with WWW-Authenticate. Clients renew their tokens upon nothing else: \
                 after a 403, a 500, a redirect or an error in a 200 their users stay shut out.",
};
pub(super) const NO_CHALLENGE: Rule = Rule {
    id: "no-bearer-challenge",
    severity: Severity::Medium,
    title: "A 401 came without a Bearer challenge.",
    text: "A resource that refuses a token includes WWW-Authenticate with the Bearer scheme.",
    source: "RFC 6750 section 3; RFC 9110 section 11.6.1",
    provenance: Provenance::Spec,
    what_to_do: "Send WWW-Authenticate: Bearer error=\"invalid_token\", resource_metadata=\"...\".",
};
pub(super) const NO_METADATA: Rule = Rule {
    id: "no-resource-metadata",
    severity: Severity::Medium,
    title: "A 401 did not say where the metadata of the resource is.",
    text: "The 401 names the URL of the resource's metadata in WWW-Authenticate, as \
           resource_metadata.",
    source: "RFC 9728 section 5.1; MCP 2025-06-18 (MUST), and 2025-11-25, which allows the \
             well-known URI instead",
    provenance: Provenance::Spec,
    what_to_do: "Add resource_metadata=\"https://.../.well-known/oauth-protected-resource/...\" to \
                 every 401: without it clients guess, and some do not.",
};
pub(super) const OTHER_LIFETIME: Rule = Rule {
    id: "other-lifetime",
    severity: Severity::Medium,
    title: "Access tokens were said to last another time than declared.",
    text: "`expires_in` is the declared lifetime, give or take a second.",
    source: "modelled: the scenario declares it; RFC 6749 section 5.1 says what it means",
    provenance: Provenance::Modelled,
    what_to_do: "Find out which of both is meant, and set the other to it.",
};
pub(super) const NO_LIFETIME: Rule = Rule {
    id: "no-expires-in",
    severity: Severity::Low,
    title: "Access tokens were issued without expires_in.",
    text: "`expires_in` is RECOMMENDED.",
    source: "RFC 6749 section 5.1",
    provenance: Provenance::Spec,
    what_to_do: "Send it: without it clients renew a token only once it has been refused.",
};
/// The same rule by a finer measure: what is within the skew of the end is not counted.
pub(super) const ENDS_EARLY: Rule =
    Rule { id: "ends-early", title: "Access tokens were refused well before their end.", ..EARLY };
pub(super) const UNLIMITED: Rule = Rule {
    id: "registrations-unlimited",
    severity: Severity::Medium,
    title: "One address registered more clients than declared.",
    text: "One address registers so many clients and no more.",
    source: "modelled: the scenario declares it; RFC 7591 section 3: open registration may be \
             rate-limited to prevent a denial of service",
    provenance: Provenance::Modelled,
    what_to_do: "Limit /register by address, answer 429 with Retry-After beyond it, and let clients \
                 that nobody used go.",
};
pub(super) const BREAKS: Rule = Rule {
    id: "registration-breaks",
    severity: Severity::High,
    title: "The registration endpoint failed under many registrations.",
    text: "Who asks too often is told to wait; the server itself stays up.",
    source: "modelled: every new connector registers; RFC 7591 section 3; RFC 6585 section 4",
    provenance: Provenance::Modelled,
    what_to_do: "Refuse with 429 before anything is stored, and bound what is stored.",
};
pub(super) const NO_RETRY_AFTER: Rule = Rule {
    id: "registration-without-retry-after",
    severity: Severity::Low,
    title: "Registrations were refused for now, and nobody was told for how long.",
    text: "A 429 may say with Retry-After when to come again.",
    source: "RFC 6585 section 4; RFC 9110 section 10.2.3",
    provenance: Provenance::Spec,
    what_to_do: "Send Retry-After with every 429: else clients guess, or try again at once.",
};
pub(super) const OPEN: Rule = Rule {
    id: "no-token-asked",
    severity: Severity::High,
    title: "The target answered without asking anybody for a token.",
    text: "A protected server answers 401 to a request without a token.",
    source: "MCP 2025-11-25, basic/authorization; RFC 6750 section 3; the scenario's [auth] says that \
             users get tokens",
    provenance: Provenance::Spec,
    what_to_do: "See whether its authorization is switched on. If it is meant to be open, remove \
                 [auth] from the scenario.",
};
