//! How a message must be answered over HTTP.

use super::{Described, must};
use crate::model::finding::Severity;
use crate::model::outcome::Rule;

const SENDING: &str = "MCP 2025-11-25, Transports, Streamable HTTP, Sending Messages to the Server";

pub(super) const fn media(rule: Rule) -> Described {
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
