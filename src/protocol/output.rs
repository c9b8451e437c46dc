//! Structured content held against its tool's output schema, prepared once a tool.
//!
//! Rules: MCP specification 2025-06-18 and later, server/tools, "Output Schema".

use serde_json::Value;
use serde_json::value::RawValue;

use super::results::call::CallResult;
use crate::model::arguments::{Conformity, Shape, Unfit};
use crate::model::outcome::Rule;

/// Structured content larger than this is not held against anything, in bytes.
const LARGEST: usize = 1 << 20;

/// The output schema of one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Output(Shape);

impl Output {
    /// Prepares an `outputSchema`.
    ///
    /// # Errors
    /// Why nothing can be held against it; nothing is ever fetched for it.
    pub fn new(schema: &Value) -> Result<Self, Unfit> {
        match schema {
            Value::Object(schema) => Shape::new(schema).map(Self),
            _ => Err(Unfit::Broken("it is no object".to_owned())),
        }
    }

    /// Whether structured content conforms; what cannot be told within bounds does.
    ///
    /// # Errors
    /// What breaks the schema and where, for a person; not yet escaped.
    pub fn check(&self, content: &RawValue) -> Result<(), String> {
        if content.get().len() > LARGEST {
            return Ok(());
        }
        let value: Value =
            serde_json::from_str(content.get()).map_err(|error| error.to_string())?;
        match self.0.check(&value) {
            Conformity::Breaks(what) => Err(what),
            Conformity::Conforms | Conformity::Untold => Ok(()),
        }
    }

    /// Whether a result is what the schema promises: an error need not be.
    ///
    /// # Errors
    /// [`Rule::OutputMissing`] or [`Rule::OutputMismatch`], and what is wrong, for a person.
    pub fn judge(&self, result: &CallResult<'_>) -> Result<(), (Rule, String)> {
        match result.structured_content {
            _ if result.is_error => Ok(()),
            None => Err((Rule::OutputMissing, "no structuredContent".to_owned())),
            Some(content) => self.check(content).map_err(|what| (Rule::OutputMismatch, what)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output(schema: &Value) -> Output {
        Output::new(schema).unwrap()
    }

    #[test]
    fn results_are_held_against_their_promise() {
        let output = output(&json!({"type": "object", "required": ["a"]}));
        let judged = |result: &str| output.judge(&serde_json::from_str(result).unwrap());
        assert_eq!(judged(r#"{"content":[],"structuredContent":{"a":1}}"#), Ok(()));
        assert_eq!(judged(r#"{"content":[],"isError":true}"#), Ok(()));
        assert_eq!(judged(r#"{"content":[],"isError":true,"structuredContent":{}}"#), Ok(()));
        let missing = (Rule::OutputMissing, "no structuredContent".to_owned());
        assert_eq!(judged(r#"{"content":[]}"#), Err(missing));
        let wrong = (Rule::OutputMismatch, "the whole breaks required".to_owned());
        assert_eq!(judged(r#"{"content":[],"structuredContent":{"b":1}}"#), Err(wrong));
    }

    #[test]
    fn what_is_too_large_is_let_through() {
        let output = output(&json!({"type": "string", "maxLength": 3}));
        let check = |text: String| output.check(&serde_json::value::to_raw_value(&text).unwrap());
        assert!(check("abcd".to_owned()).is_err());
        assert_eq!(check("a".repeat(LARGEST)), Ok(()));
    }
}
