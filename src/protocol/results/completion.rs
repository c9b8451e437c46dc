//! The result of `completion/complete`: how many values it proposes.

use serde::{Deserialize, Deserializer};

use crate::model::outcome::Rule;
use crate::protocol::message::{Object, Text};

/// A completion has at most so many values (MCP 2025-11-25, server/utilities/completion).
const MOST_VALUES: usize = 100;

/// The answer to `completion/complete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompleteResult {
    /// How many values it has.
    pub values: usize,
    /// The server knows more than it sent.
    pub has_more: bool,
}

impl CompleteResult {
    /// The rule it breaks, if it breaks one.
    pub const fn broken(&self) -> Option<Rule> {
        if self.values > MOST_VALUES { Some(Rule::TooManyCompletions) } else { None }
    }
}

impl<'de> Deserialize<'de> for CompleteResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            completion: Object<Completion<'a>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Completion<'a> {
            #[serde(borrow)]
            values: Vec<Text<'a>>,
            #[serde(default)]
            has_more: Option<bool>,
        }
        let Raw { completion: Object(completion) } = Raw::deserialize(deserializer)?;
        let has_more = completion.has_more.unwrap_or_default();
        Ok(Self { values: completion.values.len(), has_more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions() {
        let with = |values: usize| {
            let values = vec!["\"a\""; values].join(",");
            let text =
                format!(r#"{{"completion":{{"values":[{values}],"total":7,"hasMore":true}}}}"#);
            serde_json::from_str::<CompleteResult>(&text).unwrap()
        };
        assert_eq!(with(100), CompleteResult { values: 100, has_more: true });
        assert_eq!((with(0).broken(), with(100).broken()), (None, None));
        assert_eq!(with(101).broken(), Some(Rule::TooManyCompletions));
        for bad in [
            "{}",
            r#"{"completion":[]}"#,
            r#"{"completion":{}}"#,
            r#"{"completion":{"values":[5]}}"#,
            r#"{"completion":{"values":"a"}}"#,
            r#"{"completion":{"values":[],"hasMore":"no"}}"#,
        ] {
            assert!(serde_json::from_str::<CompleteResult>(bad).is_err(), "{bad}");
        }
    }
}
