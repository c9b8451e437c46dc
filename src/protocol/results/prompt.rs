//! The result of `prompts/get`: messages, measured like a call's content.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::content::{Block, Content};
use crate::protocol::message::Object;

/// The answer to `prompts/get`.
#[derive(Debug)]
pub struct PromptResult<'a> {
    /// How many messages it has.
    pub messages: usize,
    /// What is in them.
    pub content: Content<'a>,
}

/// Who speaks.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

impl<'de: 'a, 'a> Deserialize<'de> for PromptResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            messages: Vec<Object<Message<'a>>>,
        }
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(rename = "role")]
            _role: Role,
            #[serde(borrow)]
            content: Object<Block<'a>>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let mut content = Content::default();
        for Object(message) in &raw.messages {
            content.take(&message.content.0).map_err(D::Error::custom)?;
        }
        Ok(Self { messages: raw.messages.len(), content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        let text = r#"{"description":"d","messages":[
            {"role":"user","content":{"type":"text","text":"hello"}},
            {"role":"assistant","content":{"type":"image","data":"AAAA","mimeType":"image/png"}}]}"#;
        let prompt: PromptResult<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((prompt.messages, prompt.content.text_chars), (2, 5));
        assert_eq!(prompt.content.kinds.image, 1);
        assert_eq!(
            serde_json::from_str::<PromptResult<'_>>(r#"{"messages":[]}"#).unwrap().messages,
            0
        );
        for bad in [
            "{}",
            r#"{"messages":{}}"#,
            r#"{"messages":[{"role":"user"}]}"#,
            r#"{"messages":[{"content":{"type":"text","text":"a"}}]}"#,
            r#"{"messages":[{"role":"system","content":{"type":"text","text":"a"}}]}"#,
            r#"{"messages":[{"role":"user","content":"a"}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#,
            r#"{"messages":[{"role":"user","content":{"type":"text"}}]}"#,
        ] {
            assert!(serde_json::from_str::<PromptResult<'_>>(bad).is_err(), "{bad}");
        }
    }
}
