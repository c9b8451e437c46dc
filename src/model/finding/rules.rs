//! The protocol's rules as findings: how bad, what the rule demands, where it stands, what to do.

use super::{Provenance, Severity};
use crate::model::outcome::Rule;

/// One rule, described.
pub(super) struct Described {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) title: &'static str,
    pub(super) demands: &'static str,
    pub(super) source: &'static str,
    pub(super) provenance: Provenance,
    pub(super) what_to_do: &'static str,
}

const SENDING: &str = "MCP 2025-11-25, Transports, Streamable HTTP, Sending Messages to the Server";
const SESSIONS: &str = "MCP 2025-11-25, Transports, Streamable HTTP, Session Management";
const RESPONSE: &str = "JSON-RPC 2.0, section 5 (Response object)";

/// What is said of a broken rule.
pub(super) const fn described(rule: Rule) -> Described {
    match rule {
        Rule::WrongId
        | Rule::NotOneOfResultAndError
        | Rule::NotJson
        | Rule::NotJsonRpc
        | Rule::MalformedResult => message(rule),
        Rule::WrongMediaType | Rule::AcceptedRequest | Rule::NotificationNotAccepted => media(rule),
        Rule::UnknownVersion | Rule::BadSessionId => session(rule),
        Rule::TooLarge | Rule::Redirect | Rule::EndlessPages => bounds(rule),
    }
}

const fn message(rule: Rule) -> Described {
    match rule {
        Rule::WrongId => must(
            "wrong-id",
            "Answers carried an id that was not the question's",
            "A response has the same id as the request it answers, with the same JSON type.",
            RESPONSE,
            "Copy the id member of the request into the answer untouched; a number stays a number.",
        ),
        Rule::NotOneOfResultAndError => must(
            "result-or-error",
            "Answers had neither a result nor an error, or both",
            "Either the result member or the error member is included, but never both.",
            RESPONSE,
            "Send exactly one of the two members.",
        ),
        Rule::NotJson => must(
            "not-json",
            "Answers that promised JSON were not JSON",
            "A body of application/json, and the data of an SSE event, is one JSON-RPC message.",
            SENDING,
            "Look at the evidence: often a proxy's error page, or an answer cut short under load.",
        ),
        Rule::NotJsonRpc => must(
            "not-json-rpc",
            "Answers were JSON but no JSON-RPC 2.0 message",
            "Every message has the member jsonrpc with the value \"2.0\".",
            "JSON-RPC 2.0, sections 4 and 5 (Request and Response object)",
            "Wrap the answer in a JSON-RPC envelope; errors too.",
        ),
        _ => must(
            "malformed-result",
            "Results lacked a required member or had one of the wrong type",
            "A result has the members its method's schema requires.",
            "MCP 2025-11-25, Schema Reference",
            "Compare the result named in the evidence with the schema of its method.",
        ),
    }
}

const fn media(rule: Rule) -> Described {
    match rule {
        Rule::WrongMediaType => must(
            "wrong-media-type",
            "Answers were neither application/json nor text/event-stream",
            "A request is answered with Content-Type application/json or text/event-stream.",
            SENDING,
            "Set Content-Type; if a proxy in front of the server made the page, look there.",
        ),
        Rule::AcceptedRequest => must(
            "accepted-request",
            "Requests were answered with 202 and no answer",
            "202 Accepted is for notifications and responses; a request gets its answer.",
            SENDING,
            "Answer a message that has an id in the body or in an event stream.",
        ),
        // A MUST as well, but every client seen so far takes any status below 400.
        _ => Described {
            severity: Severity::Low,
            ..must(
                "notification-not-accepted",
                "Notifications were answered with another status than 202",
                "A notification that is accepted is answered with 202 and no body.",
                SENDING,
                "Answer notifications with 202 and an empty body.",
            )
        },
    }
}

const fn session(rule: Rule) -> Described {
    match rule {
        Rule::UnknownVersion => must(
            "unknown-version",
            "The server chose a protocol version that its client does not speak",
            "A server that does not support the version asked for answers with one it supports; the \
             client ends the connection if it does not speak that one.",
            "MCP 2025-11-25, Lifecycle, Version Negotiation",
            "Support the versions that Claude's clients ask for.",
        ),
        _ => must(
            "bad-session-id",
            "Session ids contained characters that a header must not carry",
            "A session id has only visible ASCII characters (0x21 to 0x7E).",
            SESSIONS,
            "Use a random UUID or hexadecimal text as session id.",
        ),
    }
}

const fn bounds(rule: Rule) -> Described {
    match rule {
        Rule::TooLarge => Described {
            severity: Severity::Medium,
            provenance: Provenance::Modelled,
            ..must(
                "too-large",
                "Answers were larger than a client accepts",
                "A body, an event and a head stay within what clients read.",
                "squall's own bounds; no specification names any",
                "Page large results, or return a link to them.",
            )
        },
        Rule::Redirect => Described {
            severity: Severity::Medium,
            provenance: Provenance::Observed,
            ..must(
                "redirect",
                "The endpoint answered with redirects",
                "The MCP endpoint answers POST itself: a client that follows may send GET instead.",
                "RFC 9110, sections 15.4.2 and 15.4.3 (301 and 302 may change POST to GET)",
                "Give users the final URL, with or without the trailing slash as the server wants.",
            )
        },
        _ => Described {
            provenance: Provenance::Observed,
            ..must(
                "endless-pages",
                "Lists repeated a cursor or did not end",
                "A client reads pages until nextCursor is missing, so each cursor has to lead on.",
                "MCP 2025-11-25, Server Utilities, Pagination",
                "Leave nextCursor out on the last page.",
            )
        },
    }
}

/// A rule that a specification demands: breaking it is high.
const fn must(
    id: &'static str,
    title: &'static str,
    demands: &'static str,
    source: &'static str,
    what_to_do: &'static str,
) -> Described {
    let (severity, provenance) = (Severity::High, Provenance::Spec);
    Described { id, severity, title, demands, source, provenance, what_to_do }
}
