//! The result of `tools/call`, measured while it passes.

use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::content::Content;

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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::results::tests::{result, with};

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
}
