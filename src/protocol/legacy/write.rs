//! The messages a legacy client sends, written straight into a request's body.
//!
//! Rules: MCP specification 2025-11-25, schema. Every writer appends one whole message; nothing
//! is built in between.

use crate::protocol::ask::{self, Ask, Extra};
pub use crate::protocol::introduction::Introduction;
use crate::protocol::json::{self, Members};
use crate::protocol::message::Id;
pub use crate::protocol::serve::answer;

/// `initialize`: the handshake's question.
pub fn initialize(out: &mut Vec<u8>, id: Id<'_>, client: &Introduction<'_>) {
    ask::begin(out, id, "initialize");
    out.extend_from_slice(b",\"params\":");
    let mut params = Members::begin(out);
    json::string(params.member("protocolVersion"), client.protocol_version);
    params.member("capabilities").extend_from_slice(client.capabilities.as_bytes());
    client.client_info(params.member("clientInfo"));
    params.end();
    out.push(b'}');
}

/// `notifications/initialized`: the handshake's end.
pub fn initialized(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
}

/// `notifications/cancelled`: the answer to the request `id` is no longer waited for. Not for
/// `initialize`, nor for a task.
pub fn cancelled(out: &mut Vec<u8>, id: Id<'_>, reason: Option<&str>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":"#);
    let mut params = Members::begin(out);
    ask::id(params.member("requestId"), id);
    if let Some(reason) = reason {
        json::string(params.member("reason"), reason);
    }
    params.end();
    out.push(b'}');
}

/// A request, with `params` only if it has any. [`Extra::continued`] is not of this era.
pub fn request(out: &mut Vec<u8>, id: Id<'_>, ask: &Ask<'_>, extra: &Extra<'_>) {
    ask::begin(out, id, ask.method());
    let without = out.len();
    out.extend_from_slice(b",\"params\":");
    let mut params = Members::begin(out);
    ask.params(&mut params);
    if let Some(ttl) = extra.task {
        let mut task = Members::begin(params.member("task"));
        json::number(task.member("ttl"), ttl.as_millis());
        task.end();
    }
    if extra.progress.is_some() || extra.trace.is_some() {
        let mut meta = Members::begin(params.member("_meta"));
        extra.meta(&mut meta);
        meta.end();
    }
    let is_empty = params.is_empty();
    params.end();
    if is_empty {
        out.truncate(without);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn requests_as_the_specification_writes_them() {
        let client = Introduction {
            protocol_version: "2025-11-25",
            capabilities: r#"{"roots":{"listChanged":true}}"#,
            client_name: "Anthropic/ClaudeAI",
            client_version: "1.0.0",
        };
        let one = Id::Number(1);
        let asked =
            |id: Id<'_>, ask: &Ask<'_>| written(|out| request(out, id, ask, &Extra::default()));
        let query = |out: &mut Vec<u8>| out.extend_from_slice(br#"{"query":"x"}"#);
        let cases: Vec<(String, &str)> = vec![
            (
                written(|out| initialize(out, Id::Number(0), &client)),
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{"listChanged":true}},"clientInfo":{"name":"Anthropic/ClaudeAI","version":"1.0.0"}}}"#,
            ),
            (written(initialized), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            (
                asked(one, &Ask::ToolsList { cursor: None }),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            ),
            (
                asked(one, &Ask::ToolsList { cursor: Some("") }),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}"#,
            ),
            (
                asked(Id::Text("a\"b"), &Ask::ResourcesList { cursor: Some("p\\2") }),
                r#"{"jsonrpc":"2.0","id":"a\"b","method":"resources/list","params":{"cursor":"p\\2"}}"#,
            ),
            (
                asked(Id::Number(u64::MAX), &Ask::PromptsList { cursor: None }),
                r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"prompts/list"}"#,
            ),
            (
                asked(one, &Ask::ToolsCall { name: "search \"all\"", arguments: &query }),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search \"all\"","arguments":{"query":"x"}}}"#,
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
            serde_json::from_str::<serde_json::Value>(&found).unwrap();
        }
    }

    #[test]
    fn what_stands_beside_the_parameters() {
        let written = |ask: &Ask<'_>, extra: &Extra<'_>| {
            written(|out| request(out, Id::Number(1), ask, extra))
        };
        let call = Ask::ToolsCall { name: "a", arguments: &|out| out.extend_from_slice(b"{}") };
        let progress = Extra { progress: Some(7), trace: Some("00-a-b-01"), ..Extra::default() };
        assert_eq!(
            written(&call, &progress),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{},"_meta":{"progressToken":7,"traceparent":"00-a-b-01"}}}"#
        );
        assert_eq!(
            written(&Ask::PromptsList { cursor: None }, &progress),
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{"progressToken":7,"traceparent":"00-a-b-01"}}}"#
        );
        let task = Extra { task: Some(Duration::from_secs(60)), ..Extra::default() };
        assert_eq!(
            written(&call, &task),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{},"task":{"ttl":60000}}}"#
        );
        // Another era's: it never leaks into this one.
        let continued = Extra { continued: Some(br#""requestState":"s""#), ..Extra::default() };
        assert_eq!(written(&call, &continued), written(&call, &Extra::default()));
        assert_eq!(
            written(&Ask::Ping, &Extra::default()),
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        );
        assert_eq!(
            written(&Ask::TaskResult { id: "t" }, &Extra::default()),
            r#"{"jsonrpc":"2.0","id":1,"method":"tasks/result","params":{"taskId":"t"}}"#
        );
    }

    #[test]
    fn cancellations_name_their_request() {
        assert_eq!(
            written(|out| cancelled(out, Id::Number(7), None)),
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#
        );
        assert_eq!(
            written(|out| cancelled(out, Id::Text("a\""), Some("timed out"))),
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a\"","reason":"timed out"}}"#
        );
    }
}
