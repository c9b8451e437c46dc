//! The answer to `initialize`, which only the legacy era has, beside the results both eras share.
//!
//! Rules: MCP specification 2025-11-25, schema.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use crate::protocol::message::Object;
pub use crate::protocol::results::call::{CallResult, Content};
pub use crate::protocol::results::capabilities::Capabilities;
pub use crate::protocol::results::list::{Annotations, Tool, ToolsPage};

/// The answer to `initialize`.
#[derive(Debug)]
pub struct InitializeResult<'a> {
    /// The version the server wants to go on with.
    pub protocol_version: Cow<'a, str>,
    /// What it offers.
    pub capabilities: Capabilities,
    /// `serverInfo.name`.
    pub server_name: Cow<'a, str>,
    /// `serverInfo.version`.
    pub server_version: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for InitializeResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawInitialize::deserialize(deserializer)?;
        let Object(server) = raw.server_info;
        Ok(Self {
            protocol_version: raw.protocol_version,
            capabilities: raw.capabilities,
            server_name: server.name,
            server_version: server.version,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawInitialize<'a> {
    #[serde(borrow)]
    protocol_version: Cow<'a, str>,
    capabilities: Capabilities,
    #[serde(borrow)]
    server_info: Object<ServerInfo<'a>>,
}

#[derive(Deserialize)]
struct ServerInfo<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::results::tests::{result, with};

    #[test]
    fn handshakes() {
        let look = |text: &str| {
            result::<InitializeResult<'_>>(text).map(|result| {
                let Capabilities { tools, resources, prompts, .. } = result.capabilities;
                let who = format!("{} {}", result.server_name, result.server_version);
                (result.protocol_version.into_owned(), who, [tools, resources, prompts])
            })
        };
        let good = [
            (
                r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"logging":{}},"serverInfo":{"name":"rmcp","version":"3.9.0","title":"x"},"instructions":"y"}"#,
                ("2025-11-25", "rmcp 3.9.0", [true, false, false]),
            ),
            // Empty objects of PHP servers are arrays; null is no capability.
            (
                r#"{"protocolVersion":"2025-03-26","capabilities":{"tools":[],"prompts":null,"resources":{}},"serverInfo":{"name":"a\"b","version":""}}"#,
                ("2025-03-26", "a\"b ", [true, true, false]),
            ),
        ];
        for (text, (version, who, capabilities)) in good {
            assert_eq!(with(text, look), Ok((version.into(), who.into(), capabilities)));
        }
        let bad = [
            "{}",
            r#"{"capabilities":{},"serverInfo":{"name":"a","version":"1"}}"#,
            r#"{"protocolVersion":1,"capabilities":{},"serverInfo":{"name":"a","version":"1"}}"#,
            r#"{"protocolVersion":"2025-11-25","serverInfo":{"name":"a","version":"1"}}"#,
            r#"{"protocolVersion":"2025-11-25","capabilities":[],"serverInfo":{"name":"a","version":"1"}}"#,
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"a"}}"#,
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        ];
        for text in bad {
            assert_eq!(with(text, look), Err(Rule::MalformedResult), "{text}");
        }
    }
}
