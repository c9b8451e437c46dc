//! What every message must be.

use super::{Described, must};
use crate::model::outcome::Rule;

const SENDING: &str = "MCP 2025-11-25, Transports, Streamable HTTP, Sending Messages to the Server";
const RESPONSE: &str = "JSON-RPC 2.0, section 5 (Response object)";

pub(super) const fn message(rule: Rule) -> Described {
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
