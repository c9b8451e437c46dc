//! The result of `tools/call`, measured while it passes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::protocol::message::{Object, Text};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::results::tests::{result, with};
    use proptest::prelude::*;

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
