//! Whose answer it is: nobody ever gets what another one asked for.

use super::{Described, must};
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Rule;

const ONE_EACH: &str = "The answer to a request is made of that request, and goes to nobody else.";

pub(super) const fn isolation(rule: Rule) -> Described {
    match rule {
        Rule::OtherCallsAnswer => crossed(
            "other-calls-answer",
            "Calls were answered with what another call of their session asked",
            ONE_EACH,
            "observed: servers that find the waiting request by its JSON-RPC id alone, which clients \
             use again (python-sdk issues 3060 and 3137, typescript-sdk issue 2433)",
            "Keep what waits for an answer by connection and request, not by the id that the client \
             chose; or refuse an id that is in flight already (409).",
        ),
        Rule::OtherSessionsAnswer => crossed(
            "other-sessions-answer",
            "Calls were answered with what their user asked in another session",
            ONE_EACH,
            "observed: one server object that serves several transports (GHSA-345p-7cg4-v4c7, \
             CVE-2026-25536)",
            "Make a server and a transport for each session, and share no response map or cache \
             between them.",
        ),
        _ => crossed(
            "other-users-answer",
            "Users got what another user had asked",
            "Nobody is shown another user's questions or answers.",
            "observed: one server object, or one cache, that serves several users \
             (GHSA-345p-7cg4-v4c7, CVE-2026-25536; GHSA-w2fm-25vw-vh7f)",
            "Stop the rollout until it is found. Make a server for each session, key every cache by \
             the user too, and answer on the connection that asked. If a tool shows what others \
             asked on purpose, leave it out of tools.allow.",
        ),
    }
}

/// An answer in the wrong hands.
const fn crossed(
    id: &'static str,
    title: &'static str,
    demands: &'static str,
    source: &'static str,
    what_to_do: &'static str,
) -> Described {
    let (severity, provenance) = (Severity::Critical, Provenance::Observed);
    Described { severity, provenance, ..must(id, title, demands, source, what_to_do) }
}
