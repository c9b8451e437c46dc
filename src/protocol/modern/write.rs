//! The requests of a modern client, written straight into a request's body.
//!
//! Rules: MCP specification 2026-07-28, basic ("_meta") and schema.

use crate::protocol::ask::{self, Ask, Extra};
use crate::protocol::introduction::Introduction;
use crate::protocol::json::{self, Members};
use crate::protocol::message::Id;

/// The members of `_meta` that every request of a client has, written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta(Vec<u8>);

impl Meta {
    /// Of a client; its introduction names the revision it speaks.
    pub fn new(client: &Introduction<'_>) -> Self {
        Self::with_log_level(client, None)
    }

    /// Of a client that wants log messages from this level on, `debug` to `emergency`.
    pub fn with_log_level(client: &Introduction<'_>, level: Option<&str>) -> Self {
        let mut out = Vec::with_capacity(256);
        let mut meta = Members::begin(&mut out);
        let revision = meta.member("io.modelcontextprotocol/protocolVersion");
        json::string(revision, client.protocol_version);
        let capabilities = meta.member("io.modelcontextprotocol/clientCapabilities");
        capabilities.extend_from_slice(client.capabilities.as_bytes());
        client.client_info(meta.member("io.modelcontextprotocol/clientInfo"));
        if let Some(level) = level {
            json::string(meta.member("io.modelcontextprotocol/logLevel"), level);
        }
        out.remove(0);
        Self(out)
    }

    /// The members, as JSON text without braces.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A request; `meta` is what [`Meta::bytes`] gives. [`Extra::task`] is not of this era.
pub fn request(out: &mut Vec<u8>, id: Id<'_>, ask: &Ask<'_>, meta: &[u8], extra: &Extra<'_>) {
    with_params(out, id, ask.method(), meta, extra, |params| ask.params(params));
}

/// `server/discover`: what a server offers.
pub fn discover(out: &mut Vec<u8>, id: Id<'_>, meta: &[u8]) {
    with_params(out, id, super::discover::METHOD, meta, &Extra::default(), |_| {});
}

/// A request with these parameters and the envelope.
pub(super) fn with_params(
    out: &mut Vec<u8>,
    id: Id<'_>,
    method: &'static str,
    meta: &[u8],
    extra: &Extra<'_>,
    write: impl FnOnce(&mut Members<'_>),
) {
    ask::begin(out, id, method);
    out.extend_from_slice(b",\"params\":");
    let mut params = Members::begin(out);
    write(&mut params);
    params.members(extra.continued.unwrap_or_default());
    let mut envelope = Members::begin(params.member("_meta"));
    envelope.members(meta);
    extra.meta(&mut envelope);
    envelope.end();
    params.end();
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ask::Reference;
    use serde_json::{Map, Value, json};

    const CLIENT: Introduction<'static> = Introduction {
        protocol_version: "2026-07-28",
        capabilities: r#"{"elicitation":{}}"#,
        client_name: "a\"b",
        client_version: "1",
    };

    fn params(ask: &Ask<'_>, extra: &Extra<'_>) -> Value {
        let mut out = Vec::new();
        request(&mut out, Id::Text("p-1"), ask, Meta::new(&CLIENT).bytes(), extra);
        let mut message: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&message["jsonrpc"], &message["id"]), (&json!("2.0"), &json!("p-1")));
        assert_eq!(message["method"], ask.method());
        let meta = message["params"].as_object_mut().unwrap().remove("_meta").unwrap();
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"elicitation": {}}));
        let info = json!({"name": "a\"b", "version": "1"});
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"], info);
        assert_eq!(meta.get("progressToken"), extra.progress.map(Value::from).as_ref());
        assert_eq!(meta.get("traceparent"), extra.trace.map(Value::from).as_ref());
        message["params"].take()
    }

    #[test]
    fn a_call_as_the_specification_writes_it() {
        let mut out = Vec::new();
        let arguments = |out: &mut Vec<u8>| out.extend_from_slice(br#"{"region":"us-west1"}"#);
        let ask = Ask::ToolsCall { name: "get_weather", arguments: &arguments };
        let meta = Meta::with_log_level(&CLIENT, Some("debug"));
        request(&mut out, Id::Number(1), &ask, meta.bytes(), &Extra::default());
        let expected = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"region":"us-west1"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"a\"b","version":"1"},"io.modelcontextprotocol/logLevel":"debug"}}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn every_request_has_its_parameters_and_the_envelope() {
        let map: Map<String, Value> = [("a".to_owned(), json!("b"))].into_iter().collect();
        let none = Map::new();
        let cases = [
            (Ask::ToolsList { cursor: None }, json!({})),
            (Ask::ToolsList { cursor: Some("") }, json!({"cursor": ""})),
            (Ask::ResourcesList { cursor: Some("a\"") }, json!({"cursor": "a\""})),
            (Ask::TemplatesList { cursor: None }, json!({})),
            (Ask::PromptsList { cursor: None }, json!({})),
            (Ask::ResourcesRead { uri: "file:///a b" }, json!({"uri": "file:///a b"})),
            (
                Ask::PromptsGet { name: "p", arguments: &map },
                json!({"name": "p", "arguments": {"a": "b"}}),
            ),
            (Ask::PromptsGet { name: "p", arguments: &none }, json!({"name": "p"})),
            (
                Ask::Complete { reference: Reference::Prompt("p"), argument: "a", value: "v" },
                json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "v"}}),
            ),
            (
                Ask::Complete { reference: Reference::Resource("a/{b}"), argument: "b", value: "" },
                json!({"ref": {"type": "ref/resource", "uri": "a/{b}"}, "argument": {"name": "b", "value": ""}}),
            ),
            (Ask::TaskGet { id: "t" }, json!({"taskId": "t"})),
            (Ask::TaskCancel { id: "t" }, json!({"taskId": "t"})),
            (
                Ask::TaskUpdate { id: "t", responses: b"{\"k\":{}}" },
                json!({"taskId": "t", "inputResponses": {"k": {}}}),
            ),
        ];
        for (ask, expected) in cases {
            assert_eq!(params(&ask, &Extra::default()), expected, "{ask:?}");
        }
    }

    #[test]
    fn a_round_goes_on_with_what_was_asked() {
        let continued = br#""inputResponses":{"k":{"action":"decline"}},"requestState":"s""#;
        let extra = Extra {
            progress: Some(7),
            trace: Some("00-a-b-01"),
            continued: Some(continued),
            ..Extra::default()
        };
        let found = params(&Ask::ResourcesRead { uri: "a" }, &extra);
        let responses = json!({"k": {"action": "decline"}});
        assert_eq!(found, json!({"uri": "a", "inputResponses": responses, "requestState": "s"}));
    }

    #[test]
    fn discovery_has_the_envelope_alone() {
        let mut out = Vec::new();
        discover(&mut out, Id::Text("server-discover-probe-1"), br#""m":1"#);
        let expected = r#"{"jsonrpc":"2.0","id":"server-discover-probe-1","method":"server/discover","params":{"_meta":{"m":1}}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
