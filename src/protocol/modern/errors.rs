//! The errors that only the modern era has, and what they carry.
//!
//! Rules: MCP specification 2026-07-28, basic ("Error codes") and basic/versioning.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::outcome::Rule;
use crate::protocol::message::Object;

/// A header does not say what the body says, or is missing.
pub const HEADER_MISMATCH: i64 = -32020;
/// The server does not speak the version.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// No such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// What a resource that does not exist was called before this revision.
const RESOURCE_NOT_FOUND: i64 = -32002;

/// `data.supported`, as far as it is a list of strings.
pub fn supported(data: Option<&RawValue>) -> Vec<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow, deserialize_with = "super::discover::versions")]
        supported: Vec<Cow<'a, str>>,
    }
    data.and_then(|raw| serde_json::from_str::<Object<Data<'_>>>(raw.get()).ok())
        .map(|Object(data)| data.supported)
        .unwrap_or_default()
}

/// The rule that the code of an error breaks in this era, if it breaks one.
pub const fn forbidden(code: i64) -> Option<Rule> {
    if code == RESOURCE_NOT_FOUND { Some(Rule::ForbiddenCode) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{self, Answer, Message};
    use serde::de::IgnoredAny;

    #[test]
    fn versions_that_an_error_names() {
        let cases: [(&str, &[&str]); 5] = [
            (
                r#"{"code":-32022,"message":"x","data":{"supported":["2026-07-28","2025-11-25"],"requested":"1900-01-01"}}"#,
                &["2026-07-28", "2025-11-25"],
            ),
            (r#"{"code":-32020,"message":"Header mismatch"}"#, &[]),
            (r#"{"code":-32022,"message":"x"}"#, &[]),
            (r#"{"code":-32022,"message":"x","data":["2026-07-28"]}"#, &[]),
            (r#"{"code":-32022,"message":"x","data":{"supported":"2026-07-28"}}"#, &[]),
        ];
        for (error, expected) in cases {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#);
            let read = message::read::<IgnoredAny>(text.as_bytes()).unwrap();
            let Message::Answer(Answer { error: Some(error), .. }) = read else { panic!("{text}") };
            assert_eq!(supported(error.data), expected, "{text}");
        }
    }

    #[test]
    fn the_old_code_of_a_missing_resource_is_forbidden() {
        assert_eq!(forbidden(-32002), Some(Rule::ForbiddenCode));
        for code in [-32602, -32601, -32000, -32022, 5] {
            assert_eq!(forbidden(code), None, "{code}");
        }
    }
}
