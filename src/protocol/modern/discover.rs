//! The answer to `server/discover`: which versions a server speaks and what it offers.
//!
//! Rules: MCP specification 2026-07-28, server/discover.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Revision;
use crate::protocol::message::{Object, Text};
use crate::protocol::results::capabilities::Capabilities;

/// The request's method, as `Mcp-Method` carries it.
pub const METHOD: &str = "server/discover";

/// Versions of one server that are kept in mind; there are five.
const MOST_VERSIONS: usize = 100;

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

/// Reads a list of versions; what comes after the first [`MOST_VERSIONS`] is not kept.
pub(super) fn versions<'de: 'a, 'a, D>(deserializer: D) -> Result<Vec<Cow<'a, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    struct First<'a>(PhantomData<&'a ()>);
    impl<'de: 'a, 'a> Visitor<'de> for First<'a> {
        type Value = Vec<Cow<'a, str>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of versions")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while kept.len() < MOST_VERSIONS {
                let Some(Text(version)) = list.next_element()? else { return Ok(kept) };
                kept.push(version);
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(kept)
        }
    }
    deserializer.deserialize_seq(First(PhantomData))
}

impl<'de: 'a, 'a> Deserialize<'de> for DiscoverResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw<'a> {
            #[serde(borrow, deserialize_with = "versions")]
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
    fn a_million_versions_are_not_kept() {
        let list = |last: &str| {
            let many = "\"x\",".repeat(1_000_000);
            format!(r#"{{"supportedVersions":["2026-07-28",{many}{last}],"capabilities":{{}}}}"#)
        };
        let text = list("\"y\"");
        let found: DiscoverResult<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(found.supported_versions.len(), MOST_VERSIONS);
        assert_eq!(found.common(&Revision::ALL), Some(Revision::V2026_07_28));
        assert!(serde_json::from_str::<DiscoverResult<'_>>(&list("}")).is_err());
    }

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
