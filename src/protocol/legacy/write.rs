//! The messages a legacy client sends, written straight into a request's body.
//!
//! Rules: MCP specification 2025-11-25, schema. Every writer appends one whole message; nothing
//! is built in between.

use crate::model::profile::ServerRequests;
use crate::protocol::message::{Id, IdView, Request};

const METHOD_NOT_FOUND: i64 = -32601;

/// Who a client says it is, and what it can do.
#[derive(Debug, Clone, Copy)]
pub struct Introduction<'a> {
    /// The protocol version it asks for.
    pub protocol_version: &'a str,
    /// Its `capabilities` object, as JSON text.
    pub capabilities: &'a str,
    /// `clientInfo.name`.
    pub client_name: &'a str,
    /// `clientInfo.version`.
    pub client_version: &'a str,
}

/// `initialize`: the handshake's question.
pub fn initialize(out: &mut Vec<u8>, id: Id<'_>, client: &Introduction<'_>) {
    request(out, id, "initialize");
    out.extend_from_slice(b",\"params\":{\"protocolVersion\":");
    string(out, client.protocol_version);
    out.extend_from_slice(b",\"capabilities\":");
    out.extend_from_slice(client.capabilities.as_bytes());
    out.extend_from_slice(b",\"clientInfo\":{\"name\":");
    string(out, client.client_name);
    out.extend_from_slice(b",\"version\":");
    string(out, client.client_version);
    out.extend_from_slice(b"}}}");
}

/// `notifications/initialized`: the handshake's end.
pub fn initialized(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
}

/// `tools/list`, one page; the empty string is a cursor, too.
pub fn tools_list(out: &mut Vec<u8>, id: Id<'_>, cursor: Option<&str>) {
    list(out, id, "tools/list", cursor);
}

/// `resources/list`, one page.
pub fn resources_list(out: &mut Vec<u8>, id: Id<'_>, cursor: Option<&str>) {
    list(out, id, "resources/list", cursor);
}

/// `prompts/list`, one page.
pub fn prompts_list(out: &mut Vec<u8>, id: Id<'_>, cursor: Option<&str>) {
    list(out, id, "prompts/list", cursor);
}

/// `tools/call`; `arguments` appends one JSON object.
pub fn tools_call(out: &mut Vec<u8>, id: Id<'_>, tool: &str, arguments: impl FnOnce(&mut Vec<u8>)) {
    request(out, id, "tools/call");
    out.extend_from_slice(b",\"params\":{\"name\":");
    string(out, tool);
    out.extend_from_slice(b",\"arguments\":");
    arguments(out);
    out.extend_from_slice(b"}}");
}

/// The answer to a request of the server's, if a client that treats them so gives one. Requests
/// other than ping and roots/list are refused with -32601.
#[must_use = "says whether there is anything to send"]
pub fn answer(out: &mut Vec<u8>, request: &Request<'_>, policy: ServerRequests) -> bool {
    match (policy, &*request.method) {
        (ServerRequests::Ignore, _) => return false,
        (_, "ping") => result(out, request.id, "{}"),
        (ServerRequests::PingOnly, _) => return false,
        (ServerRequests::Answer, "roots/list") => result(out, request.id, r#"{"roots":[]}"#),
        (ServerRequests::Answer, _) => refusal(out, request.id),
    }
    true
}

/// A string as JSON text, with quotes.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// A request up to its method; `method` needs no escapes.
fn request(out: &mut Vec<u8>, id: Id<'_>, method: &'static str) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    match id {
        Id::Number(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        Id::Text(text) => string(out, text),
    }
    out.extend_from_slice(b",\"method\":\"");
    out.extend_from_slice(method.as_bytes());
    out.push(b'"');
}

fn list(out: &mut Vec<u8>, id: Id<'_>, method: &'static str, cursor: Option<&str>) {
    request(out, id, method);
    if let Some(cursor) = cursor {
        out.extend_from_slice(b",\"params\":{\"cursor\":");
        string(out, cursor);
        out.push(b'}');
    }
    out.push(b'}');
}

/// An answer up to its result or error; the id goes back as it came.
fn reply(out: &mut Vec<u8>, id: IdView<'_>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.raw().as_bytes());
}

fn result(out: &mut Vec<u8>, id: IdView<'_>, result: &str) {
    reply(out, id);
    out.extend_from_slice(b",\"result\":");
    out.extend_from_slice(result.as_bytes());
    out.push(b'}');
}

fn refusal(out: &mut Vec<u8>, id: IdView<'_>) {
    reply(out, id);
    out.extend_from_slice(b",\"error\":{\"code\":");
    out.extend_from_slice(itoa::Buffer::new().format(METHOD_NOT_FOUND).as_bytes());
    out.extend_from_slice(b",\"message\":\"Method not found\"}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{self, Message};
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

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
        let cases: Vec<(String, &str)> = vec![
            (
                written(|out| initialize(out, Id::Number(0), &client)),
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{"listChanged":true}},"clientInfo":{"name":"Anthropic/ClaudeAI","version":"1.0.0"}}}"#,
            ),
            (written(initialized), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            (
                written(|out| tools_list(out, one, None)),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            ),
            (
                written(|out| tools_list(out, one, Some(""))),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}"#,
            ),
            (
                written(|out| resources_list(out, Id::Text("a\"b"), Some("p\\2"))),
                r#"{"jsonrpc":"2.0","id":"a\"b","method":"resources/list","params":{"cursor":"p\\2"}}"#,
            ),
            (
                written(|out| prompts_list(out, Id::Number(u64::MAX), None)),
                r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"prompts/list"}"#,
            ),
            (
                written(|out| {
                    tools_call(out, one, "search \"all\"", |out| {
                        out.extend_from_slice(br#"{"query":"x"}"#);
                    });
                }),
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search \"all\"","arguments":{"query":"x"}}}"#,
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
            serde_json::from_str::<serde_json::Value>(&found).unwrap();
        }
    }

    #[test]
    fn answers_to_the_server() {
        use ServerRequests::{Answer, Ignore, PingOnly};
        let pong = Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{}}"#);
        let roots = Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{"roots":[]}}"#);
        let no = Some(
            r#"{"jsonrpc":"2.0","id":"s-1","error":{"code":-32601,"message":"Method not found"}}"#,
        );
        let cases = [
            ("ping", Answer, pong),
            ("roots/list", Answer, roots),
            ("elicitation/create", Answer, no),
            ("sampling/createMessage", Answer, no),
            ("ping", PingOnly, pong),
            ("roots/list", PingOnly, None),
            ("ping", Ignore, None),
        ];
        for (method, policy, expected) in cases {
            let text = format!(r#"{{"jsonrpc":"2.0","id":"s-1","method":"{method}"}}"#);
            let Ok(Message::Request(request)) = message::read::<IgnoredAny>(text.as_bytes()) else {
                panic!("{text}")
            };
            let mut out = Vec::new();
            let sent = answer(&mut out, &request, policy);
            assert_eq!(sent.then(|| String::from_utf8(out).unwrap()).as_deref(), expected);
        }
    }

    proptest! {
        #[test]
        fn strings_read_back(text in any::<String>()) {
            let json = written(|out| string(out, &text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
