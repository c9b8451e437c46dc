//! What a server says it offers, in either era.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::protocol::message::{Object, Text};

/// Where 2025-11-25 says, within `tasks`, that tool calls can become some.
const TOOL_CALLS: &str = "/requests/tools/call";

/// What a server offers; a capability counts when it is there, whatever it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct Capabilities {
    /// `tools`.
    pub tools: bool,
    /// `resources`.
    pub resources: bool,
    /// `prompts`.
    pub prompts: bool,
    /// `completions`.
    pub completions: bool,
    /// `logging`.
    pub logging: bool,
    /// Tasks for tool calls: 2025-11-25's own, or the modern extension's.
    pub tasks: bool,
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(raw) = Object::<RawCapabilities>::deserialize(deserializer)?;
        Ok(Self {
            tools: raw.tools.is_some(),
            resources: raw.resources.is_some(),
            prompts: raw.prompts.is_some(),
            completions: raw.completions.is_some(),
            logging: raw.logging.is_some(),
            tasks: raw.tasks.is_some_and(|tasks| tasks.pointer(TOOL_CALLS).is_some())
                || raw.extensions.is_some_and(|known| known.tasks.is_some()),
        })
    }
}

#[derive(Deserialize)]
struct RawCapabilities {
    tools: Option<IgnoredAny>,
    resources: Option<IgnoredAny>,
    prompts: Option<IgnoredAny>,
    completions: Option<IgnoredAny>,
    logging: Option<IgnoredAny>,
    tasks: Option<Value>,
    #[serde(default, deserialize_with = "extensions")]
    extensions: Option<Extensions>,
}

/// The extensions this client knows.
#[derive(Default)]
struct Extensions {
    tasks: Option<IgnoredAny>,
}

/// A map by extension name; what is no map names no extension.
fn extensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Extensions>, D::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Option<Extensions>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of extensions")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = Extensions::default();
            while let Some(Text(name)) = map.next_key()? {
                let setting: Option<IgnoredAny> = map.next_value()?;
                if name == "io.modelcontextprotocol/tasks" {
                    found.tasks = setting;
                }
            }
            Ok(Some(found))
        }
    }
    deserializer.deserialize_any(Names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_offered() {
        let read = |text: &str| serde_json::from_str::<Capabilities>(text).unwrap();
        assert_eq!(read("{}"), Capabilities::default());
        assert_eq!(read(r#"{"extensions":[]}"#), Capabilities::default());
        assert_eq!(read(r#"{"extensions":null,"prompts":null}"#), Capabilities::default());
        assert!(read(r#"{"completions":{}}"#).completions);
        assert!(read(r#"{"logging":[]}"#).logging);
        assert!(read(r#"{"tasks":{"requests":{"tools":{"call":{}}}}}"#).tasks);
        for others in [r#"{"list":{}}"#, r#"{"requests":{}}"#, r#"{"requests":{"tools":5}}"#] {
            assert!(!read(&format!(r#"{{"tasks":{others}}}"#)).tasks, "{others}");
        }
        assert!(read(r#"{"extensions":{"a/b":{},"io.modelcontextprotocol/tasks":{}}}"#).tasks);
        assert!(!read(r#"{"extensions":{"a/b":{}}}"#).tasks);
        for bad in ["[]", "null", "5", r#"{"extensions":5}"#] {
            assert!(serde_json::from_str::<Capabilities>(bad).is_err(), "{bad}");
        }
    }
}
