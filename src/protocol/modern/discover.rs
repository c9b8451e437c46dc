//! The answer to `server/discover`: which versions a server speaks and what it offers.
//!
//! Rules: MCP specification 2026-07-28, server/discover.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::Revision;
use crate::protocol::message::Object;
use crate::protocol::results::capabilities::Capabilities;

/// The request's method, as `Mcp-Method` carries it.
pub const METHOD: &str = "server/discover";

/// A server as it describes itself.
#[derive(Debug)]
pub struct DiscoverResult<'a> {
    /// The versions it speaks, of whatever era, in its order.
    pub supported_versions: Vec<Cow<'a, str>>,
    /// What it offers.
    pub capabilities: Capabilities,
    /// Its name and version, where it says them.
    pub server: Option<ServerInfo<'a>>,
}

/// Who a server says it is.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerInfo<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Its version.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
}

impl DiscoverResult<'_> {
    /// The newest revision of this era that both sides speak.
    pub fn common(&self, spoken: &[Revision]) -> Option<Revision> {
        common(&self.supported_versions, spoken)
    }
}

/// The newest of our revisions among the versions a server names.
pub fn common(supported: &[Cow<'_, str>], spoken: &[Revision]) -> Option<Revision> {
    let named = supported.iter().filter_map(|name| Revision::named(name));
    named.filter(|revision| spoken.contains(revision)).max()
}

impl<'de: 'a, 'a> Deserialize<'de> for DiscoverResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw<'a> {
            #[serde(borrow)]
            supported_versions: Vec<Cow<'a, str>>,
            capabilities: Capabilities,
            #[serde(borrow, default, rename = "_meta")]
            meta: Option<Object<Meta<'a>>>,
        }
        #[derive(Deserialize)]
        struct Meta<'a> {
            #[serde(borrow, default, rename = "io.modelcontextprotocol/serverInfo")]
            server: Option<Object<ServerInfo<'a>>>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let server = raw.meta.and_then(|Object(meta)| meta.server).map(|Object(server)| server);
        let Raw { supported_versions, capabilities, .. } = raw;
        Ok(Self { supported_versions, capabilities, server })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_describe_themselves() {
        let text = r#"{"supportedVersions":["2026-07-28","2025-11-25","2099-01-01"],
            "capabilities":{"tools":{}},"instructions":"x",
            "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"a\"b","version":"1","title":"t"}}}"#;
        let found: DiscoverResult<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(found.common(&Revision::ALL), Some(Revision::V2026_07_28));
        assert_eq!(found.common(&[]), None);
        assert!(found.capabilities.tools && !found.capabilities.prompts);
        let server = found.server.unwrap();
        assert_eq!((&*server.name, &*server.version), ("a\"b", "1"));
        let text = r#"{"supportedVersions":["2025-11-25"],"capabilities":{},"serverInfo":{}}"#;
        let found: DiscoverResult<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(found.common(&Revision::ALL), None);
        assert!(found.server.is_none());
        for bad in [
            "{}",
            r#"{"supportedVersions":[],"capabilities":[]}"#,
            r#"{"supportedVersions":"2026-07-28","capabilities":{}}"#,
            r#"{"supportedVersions":[1],"capabilities":{}}"#,
            r#"{"capabilities":{}}"#,
        ] {
            assert!(serde_json::from_str::<DiscoverResult<'_>>(bad).is_err(), "{bad}");
        }
    }
}
