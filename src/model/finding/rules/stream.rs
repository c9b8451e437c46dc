//! What may come on a stream, and when.

use super::{Described, must};
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Rule;

const STREAMS: &str =
    "MCP 2025-11-25, Transports, Streamable HTTP, Listening for Messages from the Server";
const LISTEN: &str = "MCP 2026-07-28, Patterns, Subscriptions";
const PROGRESS: &str = "MCP 2025-11-25, Utilities, Progress (2026-07-28: Patterns, Progress)";
const HTTP_SSE: &str = "MCP 2024-11-05, Transports, HTTP with SSE";

pub(super) const fn stream(rule: Rule) -> Described {
    match rule {
        Rule::SecondAnswer => must(
            "second-answer",
            "Requests were answered more than once",
            "A request gets one response, and its id is not used again while it is under way.",
            "MCP 2025-11-25, Base Protocol, Messages (Requests and Responses)",
            "Send one response; look for a handler that is run twice, or a retry inside the \
             server.",
        ),
        // Clients ignore such messages; the work behind them was in vain.
        Rule::AnswerAfterCancel => Described {
            severity: Severity::Low,
            ..must(
                "answer-after-cancel",
                "Messages came for requests that had been cancelled",
                "Nothing more is sent for a request once it has been cancelled.",
                "MCP 2026-07-28, Transports, Streamable HTTP, Cancellation (2025-11-25: Utilities, \
                 Cancellation, a SHOULD)",
                "Stop the work when the cancellation comes, and drop its answer.",
            )
        },
        Rule::BadEventId => must(
            "bad-event-id",
            "Streams could not be taken up again behind their event ids",
            "An event id comes back in the header Last-Event-ID, so that a header can carry it: \
             short, and without control characters.",
            "MCP 2025-11-25, Transports, Streamable HTTP, Resumability and Redelivery",
            "Use short visible ASCII text as event ids.",
        ),
        Rule::WrongStream => must(
            "wrong-stream",
            "Messages came on a stream where they do not belong",
            "A response comes on the stream of its request; what comes on a request's stream is \
             about that request; progress and log messages never come on a listen stream.",
            STREAMS,
            "Send each message on one stream only: look for a broadcast to all streams.",
        ),
        Rule::ForeignSubscription => Described {
            severity: Severity::Medium,
            ..must(
                "foreign-subscription",
                "Messages of a listen stream named another subscription, or none",
                "Every message of the stream carries the id of the subscriptions/listen request in \
                 _meta.",
                LISTEN,
                "Put the request's id, with its JSON type, under \
                 io.modelcontextprotocol/subscriptionId.",
            )
        },
        Rule::NotAcknowledged => must(
            "not-acknowledged",
            "Listen streams did not begin with their acknowledgement",
            "The first message is notifications/subscriptions/acknowledged, with what the server \
             agreed to.",
            LISTEN,
            "Send the acknowledgement before anything else.",
        ),
        // A MUST as well; a client shows a bar that jumps.
        Rule::ProgressGoesBack => Described {
            severity: Severity::Medium,
            ..must(
                "progress-goes-back",
                "Progress did not increase",
                "The progress value increases with each notification, even where the total is \
                 unknown.",
                PROGRESS,
                "Count one way; let parallel parts of the work share one counter.",
            )
        },
        // A MUST as well; a client drops such a notification.
        Rule::ForeignProgress => Described {
            severity: Severity::Medium,
            ..must(
                "foreign-progress",
                "Progress came for a token that no request under way has",
                "Progress notifications refer only to tokens of requests that are under way.",
                PROGRESS,
                "Copy the token of the request, with its JSON type; stop when the request has \
                 ended.",
            )
        },
        // The specification says nothing of origins; every SDK refuses another one, and so do we.
        Rule::ForeignEndpoint => Described {
            provenance: Provenance::Observed,
            ..must(
                "foreign-endpoint",
                "The endpoint event led to another origin",
                "The endpoint that clients post to has the origin of the stream.",
                HTTP_SSE,
                "Send a path instead of a whole URL, or the URL that users see, not the one behind \
                 the proxy.",
            )
        },
        _ => must(
            "bad-endpoint",
            "Streams did not begin with a readable endpoint event",
            "When a client connects, the server sends an endpoint event with the URI to post to.",
            HTTP_SSE,
            "Send \"event: endpoint\" with a URI reference as the first event.",
        ),
    }
}
