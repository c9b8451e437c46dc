//! Content blocks, measured while they pass: nothing of them is kept or copied.
//!
//! Rules: MCP specification 2025-11-25, schema (`ContentBlock`). Types nobody knows are let through.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::base64::decoded_bytes;
use crate::model::outcome::Rule;
use crate::protocol::message::{Object, Text};

/// What blocks of content come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Content<'a> {
    /// How many blocks there are, of any type.
    pub blocks: usize,
    /// Characters (Unicode scalar values) of all text blocks.
    pub text_chars: u64,
    /// How many there are of each type but text.
    pub kinds: Kinds,
    /// Bytes of images, audio and embedded blobs, decoded.
    pub binary_bytes: u64,
    /// A rule that a block breaks which can be read all the same.
    pub broken: Option<Rule>,
    /// The first text block's text, as JSON.
    first_text: Option<&'a RawValue>,
}

/// How many blocks there are of each type but text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// `image`.
    pub image: u32,
    /// `audio`.
    pub audio: u32,
    /// `resource`: embedded.
    pub resource: u32,
    /// `resource_link`: only named.
    pub link: u32,
    /// Types this client does not know.
    pub unknown: u32,
}

impl<'a> Content<'a> {
    /// The first text block's text, without its escapes.
    pub fn first_text(&self) -> Option<Cow<'a, str>> {
        let Text(text) = serde_json::from_str(self.first_text?.get()).ok()?;
        Some(text)
    }

    /// Takes one block in.
    pub(super) fn take(&mut self, block: &Block<'a>) -> Result<(), &'static str> {
        self.blocks += 1;
        match &*block.kind.0 {
            "text" => {
                let text = string(block.text).ok_or("a text block without a string `text`")?;
                self.text_chars += chars(text.get());
                self.first_text = self.first_text.or(Some(text));
            }
            kind @ ("image" | "audio") => {
                let data = string(block.data).ok_or("an image or audio block without `data`")?;
                string(block.mime_type).ok_or("an image or audio block without `mimeType`")?;
                self.binary(data);
                let kinds = &mut self.kinds;
                *(if kind == "image" { &mut kinds.image } else { &mut kinds.audio }) += 1;
            }
            "resource" => {
                let Some(Object(resource)) = &block.resource else {
                    return Err("a resource block without `resource`");
                };
                self.kinds.resource += 1;
                if let Body::Blob(blob) = resource.body()? {
                    self.binary(blob);
                }
            }
            "resource_link" => {
                string(block.uri)
                    .and(string(block.name))
                    .ok_or("a link without `uri` or `name`")?;
                self.kinds.link += 1;
            }
            _ => self.kinds.unknown += 1,
        }
        Ok(())
    }

    fn binary(&mut self, base64: &RawValue) {
        match decoded_bytes(base64) {
            Some(bytes) => self.binary_bytes += bytes,
            None => self.broken = Some(Rule::InvalidBase64),
        }
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
                    content.take(&block).map_err(A::Error::custom)?;
                }
                Ok(content)
            }
        }
        deserializer.deserialize_seq(Blocks)
    }
}

/// One block, as much of it as is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    mime_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resource: Option<Object<Resource<'a>>>,
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
}

/// What a resource holds.
#[derive(Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) uri: Text<'a>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    blob: Option<&'a RawValue>,
}

/// A resource's content, as a JSON string.
pub(super) enum Body<'a> {
    Text(&'a RawValue),
    Blob(&'a RawValue),
}

impl<'a> Resource<'a> {
    pub(super) fn body(&self) -> Result<Body<'a>, &'static str> {
        let blob = || string(self.blob).map(Body::Blob);
        let body = string(self.text).map(Body::Text).or_else(blob);
        body.ok_or("a resource with neither `text` nor `blob`")
    }
}

/// A value that is a string.
fn string(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get().starts_with('"'))
}

/// Characters of a JSON string, counted without taking its escapes apart: bytes that begin a
/// character, less what its escapes and quotes spend.
pub(super) fn chars(json: &str) -> u64 {
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
    use proptest::prelude::*;

    #[test]
    fn every_type_of_block_is_counted() {
        let json = r#"[
            {"type":"text","text":"abc"},
            {"type":"image","data":"AAAA","mimeType":"image/png"},
            {"type":"image","data":"AA==","mimeType":"image/png","annotations":{}},
            {"type":"audio","data":"","mimeType":"audio/wav"},
            {"type":"resource","resource":{"uri":"a","text":"xyz"}},
            {"type":"resource","resource":{"uri":"a","mimeType":"b","blob":"AAA="}},
            {"type":"resource_link","uri":"a","name":"b","size":5},
            {"type":"hologram","data":7}]"#;
        let content: Content<'_> = serde_json::from_str(json).unwrap();
        let kinds = Kinds { image: 2, audio: 1, resource: 2, link: 1, unknown: 1 };
        assert_eq!((content.blocks, content.text_chars, content.kinds), (8, 3, kinds));
        assert_eq!((content.binary_bytes, content.broken), (3 + 1 + 2, None));
        for bad in [
            r#"{"type":"image","mimeType":"image/png"}"#,
            r#"{"type":"image","data":5,"mimeType":"image/png"}"#,
            r#"{"type":"audio","data":"AAAA"}"#,
            r#"{"type":"resource"}"#,
            r#"{"type":"resource","resource":{"uri":"a"}}"#,
            r#"{"type":"resource","resource":{"text":"a"}}"#,
            r#"{"type":"resource","resource":{"uri":"a","text":null,"blob":5}}"#,
            r#"{"type":"resource_link","uri":"a"}"#,
            r#"{"type":"resource_link","name":"a"}"#,
        ] {
            let json = format!("[{bad}]");
            assert!(serde_json::from_str::<Content<'_>>(&json).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_base64_is_said() {
        for block in [
            r#"{"type":"image","data":"AAA","mimeType":"image/png"}"#,
            r#"{"type":"audio","data":"A-_A","mimeType":"audio/wav"}"#,
            r#"{"type":"resource","resource":{"uri":"a","blob":"?"}}"#,
        ] {
            let json = format!(r#"[{block},{{"type":"text","text":"a"}}]"#);
            let content: Content<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!((content.broken, content.text_chars), (Some(Rule::InvalidBase64), 1));
        }
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
