//! The results a legacy server sends, as much of each as a client under load looks at.
//!
//! Rules: MCP specification 2025-11-25, schema; members the schema requires are required, unknown
//! members and block types are let through.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::protocol::message::{Object, Text};

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

/// What a server offers; a capability counts when it is there, whatever it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// `tools`.
    pub tools: bool,
    /// `resources`.
    pub resources: bool,
    /// `prompts`.
    pub prompts: bool,
}

/// One page of `tools/list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsPage {
    /// The tools, in the server's order.
    #[serde(deserialize_with = "objects")]
    pub tools: Vec<Tool>,
    /// Where the next page begins; the empty string is a cursor, too.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its name, as calls use it.
    pub name: String,
    /// What it says it does.
    #[serde(default)]
    pub description: Option<String>,
    /// The schema of its arguments.
    pub input_schema: Map<String, Value>,
    /// What it says about the danger of calling it; untrusted.
    #[serde(default)]
    pub annotations: Option<Annotations>,
}

/// A tool's hints; absent ones are not guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// It changes nothing.
    #[serde(default)]
    pub read_only_hint: Option<bool>,
    /// What it changes may be lost.
    #[serde(default)]
    pub destructive_hint: Option<bool>,
}

impl Tool {
    /// Whether it says that it changes nothing.
    pub fn is_read_only(&self) -> bool {
        self.annotations.and_then(|hints| hints.read_only_hint) == Some(true)
    }
}

/// One page of `resources/list` or `prompts/list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPage {
    /// How many entries it has.
    #[serde(rename = "resources", alias = "prompts", deserialize_with = "count")]
    pub count: usize,
    /// Where the next page begins; the empty string is a cursor, too.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// The answer to `tools/call`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallResult<'a> {
    /// What the model would read.
    #[serde(borrow)]
    pub content: Content<'a>,
    /// Whether the tool says it failed.
    #[serde(default)]
    pub is_error: bool,
    /// The same for machines, unread.
    #[serde(borrow, default)]
    pub structured_content: Option<&'a RawValue>,
}

/// The blocks of a call's result, measured while they pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Content<'a> {
    /// How many blocks there are, of any type.
    pub blocks: usize,
    /// Characters (Unicode scalar values) of all text blocks.
    pub text_chars: u64,
    /// The first text block's text, as JSON.
    first_text: Option<&'a RawValue>,
}

impl<'a> Content<'a> {
    /// The first text block's text, without its escapes.
    pub fn first_text(&self) -> Option<Cow<'a, str>> {
        let Text(text) = serde_json::from_str(self.first_text?.get()).ok()?;
        Some(text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Blocks;
        impl<'de> Visitor<'de> for Blocks {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of content blocks")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut blocks: A) -> Result<Content<'de>, A::Error> {
                let mut content = Content::default();
                while let Some(Object(block)) = blocks.next_element::<Object<Block<'de>>>()? {
                    content.blocks += 1;
                    let Some(text) = block.text().map_err(A::Error::custom)? else { continue };
                    content.text_chars += chars(text.get());
                    content.first_text = content.first_text.or(Some(text));
                }
                Ok(content)
            }
        }
        deserializer.deserialize_seq(Blocks)
    }
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

impl<'a> Block<'a> {
    /// The text of a text block, as JSON; other blocks have none.
    fn text(&self) -> Result<Option<&'a RawValue>, &'static str> {
        match self.text {
            _ if self.kind.0 != "text" => Ok(None),
            Some(text) if text.get().starts_with('"') => Ok(Some(text)),
            _ => Err("a text block without a string `text`"),
        }
    }
}

/// Characters of a JSON string, counted without taking its escapes apart: bytes that begin a
/// character, less what its escapes and quotes spend.
fn chars(json: &str) -> u64 {
    let inner = &json.as_bytes()[1..json.len() - 1];
    let begun = inner.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let mut spent = 0;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &inner[from..]) {
        let escape = &inner[from + at..];
        let (length, made) = match escape {
            [_, b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => (6, 0),
            [_, b'u', ..] => (6, 1),
            _ => (2, 1),
        };
        spent += length - made;
        from += at + length;
    }
    (begun - spent) as u64
}

impl<'de: 'a, 'a> Deserialize<'de> for InitializeResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawInitialize::deserialize(deserializer)?;
        let (Object(capabilities), Object(server)) = (raw.capabilities, raw.server_info);
        Ok(Self {
            protocol_version: raw.protocol_version,
            capabilities: Capabilities {
                tools: capabilities.tools.is_some(),
                resources: capabilities.resources.is_some(),
                prompts: capabilities.prompts.is_some(),
            },
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
    capabilities: Object<RawCapabilities>,
    #[serde(borrow)]
    server_info: Object<ServerInfo<'a>>,
}

#[derive(Deserialize)]
struct RawCapabilities {
    tools: Option<IgnoredAny>,
    resources: Option<IgnoredAny>,
    prompts: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ServerInfo<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

/// An array of objects.
fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Vec::<Object<T>>::deserialize(d).map(|all| all.into_iter().map(|Object(one)| one).collect())
}

/// How many entries an array of objects has.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    struct Entry {}
    Vec::<Object<Entry>>::deserialize(deserializer).map(|entries| entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::message::{self, Answer, Message};
    use proptest::prelude::*;

    /// Reads `result` where it stands on the wire.
    fn with<T: std::fmt::Debug>(
        result: &str,
        look: impl FnOnce(&str) -> Result<T, Rule>,
    ) -> Result<T, Rule> {
        look(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#))
    }

    fn result<'a, R: Deserialize<'a>>(text: &'a str) -> Result<R, Rule> {
        match message::read::<R>(text.as_bytes()) {
            Ok(Message::Answer(Answer { result: Some(result), .. })) => Ok(result),
            Ok(_) => panic!("no result in {text}"),
            Err(malformed) => Err(malformed.rule),
        }
    }

    #[test]
    fn handshakes() {
        let look = |text: &str| {
            result::<InitializeResult<'_>>(text).map(|result| {
                let Capabilities { tools, resources, prompts } = result.capabilities;
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

    #[test]
    fn tools() {
        let text = r#"{"tools":[
            {"name":"search","description":"finds","inputSchema":{"type":"object","properties":{"q":{"type":"string"}}},"annotations":{"readOnlyHint":true,"title":"S"},"icons":[]},
            {"name":"drop","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true}},
            {"name":"echo","inputSchema":{}}],"nextCursor":"","_meta":{}}"#;
        let page = with(text, |text| result::<ToolsPage>(text)).unwrap();
        assert_eq!(page.next_cursor.as_deref(), Some(""));
        let told: Vec<_> =
            page.tools.iter().map(|tool| (&*tool.name, tool.is_read_only())).collect();
        assert_eq!(told, [("search", true), ("drop", false), ("echo", false)]);
        assert_eq!(page.tools[0].description.as_deref(), Some("finds"));
        assert_eq!(page.tools[0].input_schema["properties"]["q"]["type"], "string");
        assert_eq!(page.tools[1].annotations.unwrap().destructive_hint, Some(true));
        let last =
            with(r#"{"tools":[],"nextCursor":null}"#, |text| result::<ToolsPage>(text)).unwrap();
        assert_eq!((last.tools.len(), last.next_cursor), (0, None));
        let bad = [
            "{}",
            r#"{"tools":{}}"#,
            r#"{"tools":["search"]}"#,
            r#"{"tools":[{"name":"a"}]}"#,
            r#"{"tools":[{"inputSchema":{}}]}"#,
            r#"{"tools":[{"name":"a","inputSchema":null}]}"#,
            r#"{"tools":[{"name":"a","inputSchema":[]}]}"#,
            r#"{"tools":[{"name":1,"inputSchema":{}}]}"#,
            r#"{"tools":[{"name":"a","inputSchema":{},"annotations":{"readOnlyHint":"yes"}}]}"#,
            r#"{"tools":[],"nextCursor":2}"#,
        ];
        for text in bad {
            let found = with(text, |text| result::<ToolsPage>(text));
            assert_eq!(found.unwrap_err(), Rule::MalformedResult, "{text}");
        }
    }

    #[test]
    fn other_lists_are_only_counted() {
        let page = |count, cursor: Option<&str>| {
            Ok(ListPage { count, next_cursor: cursor.map(str::to_owned) })
        };
        let broken = || Err(Rule::MalformedResult);
        let cases = [
            (r#"{"resources":[{"uri":"a","name":"b"},{}],"nextCursor":"p2"}"#, page(2, Some("p2"))),
            (r#"{"prompts":[{"name":"b"}]}"#, page(1, None)),
            (r#"{"prompts":[]}"#, page(0, None)),
            ("{}", broken()),
            (r#"{"resources":5}"#, broken()),
            (r#"{"resources":["a"]}"#, broken()),
        ];
        for (text, expected) in cases {
            assert_eq!(with(text, |text| result::<ListPage>(text)), expected, "{text}");
        }
    }

    #[test]
    fn calls() {
        let look = |text: &str| {
            result::<CallResult<'_>>(text).map(|call| {
                let text = call.content.first_text().map(Cow::into_owned);
                let structured = call.structured_content.map(|raw| raw.get().to_owned());
                (call.content.blocks, call.content.text_chars, call.is_error, text, structured)
            })
        };
        let text = |text: &str| Some(text.to_owned());
        let good = [
            (r#"{"content":[]}"#, (0, 0, false, None, None)),
            (r#"{"content":[{"type":"text","text":"abc"}]}"#, (1, 3, false, text("abc"), None)),
            (
                r#"{"isError":true,"content":[{"text":"a\n\"\u00e9\ud83d\ude00é😀","type":"text","annotations":{}}]}"#,
                (1, 7, true, text("a\n\"é😀é😀"), None),
            ),
            (
                r#"{"content":[{"type":"image","data":"AAAA","mimeType":"image/png"},{"type":"text","text":""},{"type":"text","text":"xy"},{"type":"hologram","text":7}],"structuredContent":{"a":[1]},"_meta":{}}"#,
                (4, 2, false, text(""), text(r#"{"a":[1]}"#)),
            ),
        ];
        for (json, expected) in good {
            assert_eq!(with(json, look), Ok(expected), "{json}");
        }
        let bad = [
            "{}",
            r#"{"task":{"taskId":"1"}}"#,
            r#"{"structuredContent":{}}"#,
            r#"{"content":null}"#,
            r#"{"content":"abc"}"#,
            r#"{"content":{"type":"text","text":"abc"}}"#,
            r#"{"content":["abc"]}"#,
            r#"{"content":[["text","abc"]]}"#,
            r#"{"content":[{"text":"abc"}]}"#,
            r#"{"content":[{"type":"text"}]}"#,
            r#"{"content":[{"type":"text","text":5}]}"#,
            r#"{"content":[],"isError":"true"}"#,
            r#"{"content":[],"isError":null}"#,
        ];
        for json in bad {
            assert_eq!(with(json, look), Err(Rule::MalformedResult), "{json}");
        }
    }

    #[test]
    fn text_is_borrowed_where_it_can_be() {
        let json = r#"{"content":[{"type":"text","text":"plain"}],"isError":true}"#;
        let call: CallResult<'_> = serde_json::from_str(json).unwrap();
        assert!(matches!(call.content.first_text(), Some(Cow::Borrowed("plain"))));
    }

    proptest! {
        #[test]
        fn characters_are_counted_as_they_read(text in any::<String>(), ascii in any::<bool>()) {
            let mut json = serde_json::to_string(&text).unwrap();
            if ascii {
                let escaped = json.encode_utf16().map(|unit| match u8::try_from(unit) {
                    Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                    _ => format!("\\u{unit:04X}"),
                });
                json = escaped.collect::<Vec<_>>().concat();
            }
            prop_assert_eq!(chars(&json), text.chars().count() as u64);
        }
    }
}
