//! The result of `resources/read`: texts and blobs, measured while they pass.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::base64::decoded_bytes;
use super::content::{Body, Resource, chars};
use crate::model::outcome::Rule;
use crate::protocol::message::Object;

/// The answer to `resources/read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadResult {
    /// How many contents it has: one, or more for a folder.
    pub contents: usize,
    /// Characters (Unicode scalar values) of all texts.
    pub text_chars: u64,
    /// Bytes of all blobs, decoded.
    pub blob_bytes: u64,
    /// How many are interfaces of an app: `ui://`.
    pub interfaces: usize,
    /// A rule that a content breaks which can be read all the same.
    pub broken: Option<Rule>,
}

impl ReadResult {
    fn take(&mut self, resource: &Resource<'_>) -> Result<(), &'static str> {
        self.contents += 1;
        self.interfaces += usize::from(resource.uri.0.starts_with("ui://"));
        match resource.body()? {
            Body::Text(text) => self.text_chars += chars(text.get()),
            Body::Blob(blob) => match decoded_bytes(blob) {
                Some(bytes) => self.blob_bytes += bytes,
                None => self.broken = Some(Rule::InvalidBase64),
            },
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ReadResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            contents: Vec<Object<Resource<'a>>>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let mut result = Self::default();
        for Object(resource) in &raw.contents {
            result.take(resource).map_err(D::Error::custom)?;
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let text = r#"{"contents":[
            {"uri":"file:///a","mimeType":"text/plain","text":"h\u00e9"},
            {"uri":"ui://app/main.html","text":""},
            {"uri":"file:///b","blob":"AAAA"}]}"#;
        let found: ReadResult = serde_json::from_str(text).unwrap();
        let expected =
            ReadResult { contents: 3, text_chars: 2, blob_bytes: 3, interfaces: 1, broken: None };
        assert_eq!(found, expected);
        let broken: ReadResult =
            serde_json::from_str(r#"{"contents":[{"uri":"a","blob":"no base64"}]}"#).unwrap();
        assert_eq!(broken.broken, Some(Rule::InvalidBase64));
        for bad in [
            "{}",
            r#"{"contents":{}}"#,
            r#"{"contents":[{"uri":"a"}]}"#,
            r#"{"contents":[{"text":"a"}]}"#,
            r#"{"contents":[{"uri":"a","text":5}]}"#,
            r#"{"contents":["a"]}"#,
        ] {
            assert!(serde_json::from_str::<ReadResult>(bad).is_err(), "{bad}");
        }
    }
}
