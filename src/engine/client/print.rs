//! The print of an answer: what tells it from other answers where it says nothing of its question.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    result: Content<'a>,
}

/// What a model reads of a result, as it came; what stands beside it may differ each time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(borrow, default)]
    structured_content: Option<&'a RawValue>,
}

/// The print of a message that has a tool's result.
pub(super) fn of(message: &[u8]) -> Option<u64> {
    let Message { result } = serde_json::from_slice(message).ok()?;
    let mut print = DefaultHasher::new();
    result.content.get().hash(&mut print);
    result.structured_content.map(RawValue::get).hash(&mut print);
    Some(print.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_the_content_alone() {
        let message = |id: u32, content: &str, rest: &str| {
            let text = format!(r#"{{"id":{id},"result":{{"content":{content}{rest}}}}}"#);
            of(text.as_bytes())
        };
        let one = message(1, r#"["a"]"#, "");
        assert!(one.is_some());
        assert_eq!(one, message(2, r#"["a"]"#, r#","_meta":{"took":5}"#));
        assert_ne!(one, message(1, r#"["b"]"#, ""));
        assert_ne!(one, message(1, r#"["a"]"#, r#","structuredContent":{"a":1}"#));
        assert_eq!(of(br#"{"id":1,"error":{"code":1,"message":""}}"#), None);
    }
}
