//! What the revision without handshakes demands beyond those before it.

use super::{Described, must};
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Rule;

const TRANSPORT: &str = "MCP 2026-07-28, Transports, Streamable HTTP";
const ROUNDS: &str = "MCP 2026-07-28, Patterns, Multi Round-Trip Requests";

pub(super) const fn modern(rule: Rule) -> Described {
    match rule {
        Rule::ModernServerRequest => must(
            "modern-server-request",
            "The server sent requests in an era that has none",
            "A server sends no requests on a stream; what it needs to know it asks in an \
             input_required result.",
            TRANSPORT,
            "Answer with input_required and inputRequests instead.",
        ),
        // A MUST as well; clients show the error all the same.
        Rule::ForbiddenCode => Described {
            severity: Severity::Medium,
            ..must(
                "forbidden-code",
                "Errors used a code that this revision forbids",
                "-32002 is not used any more: a resource that does not exist is -32602.",
                "MCP 2026-07-28, Base Protocol, Error Codes; Server Features, Resources, Error \
                 Handling",
                "Answer with -32602, and name the resource in the data.",
            )
        },
        Rule::UnknownResultType => must(
            "unknown-result-type",
            "Results were of a type that was not agreed on",
            "resultType is complete, input_required, or a type of an extension that the client \
             declared.",
            "MCP 2026-07-28, Base Protocol, Messages, Responses",
            "Look at the capabilities in _meta of the request before another type is used.",
        ),
        Rule::UnaskedInput => must(
            "unasked-input",
            "Requests that allow no question back were answered with one",
            "Only tools/call, prompts/get and resources/read may be answered with input_required.",
            ROUNDS,
            "Answer other requests completely, or with an error.",
        ),
        Rule::EmptyInputRequired => must(
            "empty-input-required",
            "Results asked for input without saying which",
            "An input_required result has inputRequests, requestState, or both.",
            ROUNDS,
            "Send at least one of the two members.",
        ),
        Rule::UndeclaredInput => must(
            "undeclared-input",
            "The server asked for what the client cannot do",
            "inputRequests holds only elicitation/create, sampling/createMessage and roots/list, \
             and of these only what the client declared.",
            ROUNDS,
            "Look at the capabilities in _meta; fail with -32021 if you cannot go on without.",
        ),
        Rule::TooManyRounds => Described {
            severity: Severity::Medium,
            provenance: Provenance::Modelled,
            ..must(
                "too-many-rounds",
                "Requests were answered with question after question",
                "A client answers a bounded number of questions for one request.",
                "squall's own bound; the specification lets a server ask repeatedly",
                "Keep what was answered in requestState, and ask for all that is needed at once.",
            )
        },
        // A MUST as well, but clients take 0 for what is missing: they only ask again too often.
        Rule::NoCacheHints => Described {
            severity: Severity::Low,
            ..must(
                "no-cache-hints",
                "Cacheable results said nothing about caching",
                "Discovery, lists and resources/read carry ttlMs and cacheScope.",
                "MCP 2026-07-28, Server Features, Utilities, Caching",
                "Add both; ttlMs 0 and cacheScope private are always safe.",
            )
        },
        _ => must(
            "invalid-param-header",
            "Tools had invalid x-mcp-header annotations",
            "x-mcp-header names an HTTP token, unique in its tool, on a string, integer or boolean \
             that is reached through properties alone; clients drop a tool that breaks this.",
            "MCP 2026-07-28, Transports, Streamable HTTP, Custom Headers from Tool Parameters",
            "Correct the annotation the evidence names: until then no client offers the tool.",
        ),
    }
}
