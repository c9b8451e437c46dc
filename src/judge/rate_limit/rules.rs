//! What rate limits are held to, and where that stands.

use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};

const DOCUMENTED: &str = "modelled: who builds on a documented limit is refused, or harmed, by \
                          another one";

pub(super) const BELOW: Rule = Rule {
    id: "refused-below-limit",
    severity: Severity::High,
    title: "Requests were refused below the declared rate limit.",
    text: "Nobody is refused who asks for less than is allowed.",
    source: DOCUMENTED,
    provenance: Provenance::Modelled,
    what_to_do: "Look for what else refuses - another limit, a gateway, a counter that other users \
                 or other methods share - or declare what is really allowed.",
};
pub(super) const EXCEEDED: Rule = Rule {
    id: "limit-exceeded",
    severity: Severity::Medium,
    title: "More was served than the rate limit allows.",
    text: "In the long run no more is served than is declared.",
    source: DOCUMENTED,
    provenance: Provenance::Modelled,
    what_to_do: "See that the limit is on for every method and every way in, and that its counter \
                 is the right one.",
};
pub(super) const BURST_REFUSED: Rule = Rule {
    id: "burst-refused",
    severity: Severity::Medium,
    title: "Fewer requests at once were served than declared.",
    text: "After a rest as many requests at once are served as are declared.",
    source: "claude-ai calls tools in bursts: atlassian/atlassian-mcp-server#171 refused about 20 \
             at once",
    provenance: Provenance::Observed,
    what_to_do: "Make the bucket as large as declared: Claude's users call several tools at once.",
};
pub(super) const BURST_EXCEEDED: Rule = Rule {
    id: "burst-exceeded",
    severity: Severity::Low,
    title: "More requests at once were served than declared.",
    text: "After a rest no more requests at once are served than are declared.",
    source: DOCUMENTED,
    provenance: Provenance::Modelled,
    what_to_do: "Make the bucket as small as declared, or declare what it holds.",
};
pub(super) const EDGE: Rule = Rule {
    id: "double-burst",
    severity: Severity::Medium,
    title: "About the edge of two windows nearly twice as much was served at once as declared.",
    text: "No more requests at once are served than are declared, whenever they come.",
    source: "modelled: a counter of fixed windows is empty at the beginning of each",
    provenance: Provenance::Modelled,
    what_to_do: "Count by a bucket or a sliding window instead of fixed windows, or size what is \
                 behind the limit for twice the burst.",
};
pub(super) const REPLICAS: Rule = Rule {
    id: "limit-per-replica",
    severity: Severity::Medium,
    title: "The rate limit is counted by each replica for itself.",
    text: "One limit is counted in one place.",
    source: "modelled: counters in each replica's memory allow as many times the limit as there \
             are replicas",
    provenance: Provenance::Modelled,
    what_to_do: "Keep the counter where all replicas reach it, such as Redis, or at the gateway.",
};
pub(super) const OTHERWISE: Rule = Rule {
    id: "limit-counted-otherwise",
    severity: Severity::High,
    title: "The rate limit is not counted by what is declared.",
    text: "What is counted together is what is declared.",
    source: "hosted Claude's users share a few addresses: MicrosoftDocs/mcp#135, #152",
    provenance: Provenance::Observed,
    what_to_do: "Count by the user of the access token: many of Claude's users come from one \
                 address, and one user has many sessions.",
};
pub(super) const SIGNAL: Rule = Rule {
    id: "limit-signal-otherwise",
    severity: Severity::Medium,
    title: "A refusal does not look as declared.",
    text: "A request past the limit is refused in the declared way.",
    source: "RFC 6585 section 4: 429 says that too many requests were sent; clients read nothing \
             else the same way",
    provenance: Provenance::Spec,
    what_to_do: "Answer 429 with Retry-After: an error in a 200, or a 503, is taken for something \
                 else.",
};
pub(super) const MISSING: Rule = Rule {
    id: "retry-after-missing",
    severity: Severity::Medium,
    title: "A refusal does not say when to come again, or not so that clients can read it.",
    text: "A refusal says in Retry-After, in seconds or as a date, when to come again.",
    source: "RFC 6585 section 4, RFC 9110 section 10.2.3; github/github-mcp-server#933",
    provenance: Provenance::Observed,
    what_to_do: "Send Retry-After with every refusal: without it clients guess, and guess too \
                 early.",
};
pub(super) const TOO_SHORT: Rule = Rule {
    id: "retry-after-too-short",
    severity: Severity::Medium,
    title: "Who came again when told to was refused again.",
    text: "Who waits as long as Retry-After says is served.",
    source: "RFC 9110 section 10.2.3: how long the user agent ought to wait",
    provenance: Provenance::Spec,
    what_to_do: "Compute Retry-After from the same clock and counter as the refusal, and round it \
                 up.",
};
pub(super) const TOO_LONG: Rule = Rule {
    id: "retry-after-too-long",
    severity: Severity::Low,
    title: "Retry-After asks to wait for much longer than is needed.",
    text: "Who comes more than a second before the time that Retry-After says is still refused.",
    source: "RFC 9110 section 10.2.3: how long the user agent ought to wait",
    provenance: Provenance::Modelled,
    what_to_do: "Say what is really left: users wait for it.",
};
pub(super) const UNFAIR: Rule = Rule {
    id: "quiet-users-throttled",
    severity: Severity::High,
    title: "Users who asked little were refused because another one asked too much.",
    text: "Who stays below a limit of its own is served, whatever others do.",
    source: "hosted Claude's users share a few addresses: MicrosoftDocs/mcp#135, #152",
    provenance: Provenance::Observed,
    what_to_do: "Count by user, and let no limit behind it - of an address, of a pool - be reached \
                 by one user alone.",
};
pub(super) const TOKEN: Rule = Rule {
    id: "token-endpoint-throttled",
    severity: Severity::Medium,
    title: "Who was refused a call was refused new tokens, too.",
    text: "The token endpoint does not share a limit with calls of tools.",
    source: "modelled: a user whose refresh is refused loses its login over a burst of calls",
    provenance: Provenance::Modelled,
    what_to_do: "Give the OAuth endpoints a limit of their own.",
};
pub(super) const OVERLOAD: Rule = Rule {
    id: "overload-instead-of-limit",
    severity: Severity::High,
    title: "Too many requests ended in failures of the server, not in a refusal that clients know.",
    text: "Where a rate limit is declared, what is too much is refused as a limit does.",
    source: "RFC 6585 section 4; clients take a 500 for a broken tool, and retry",
    provenance: Provenance::Observed,
    what_to_do: "Refuse with 429 before the server is overloaded.",
};
