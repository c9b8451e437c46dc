//! Pages of the list of tools, whole; the entries of other lists are in [`super::entry`].

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::protocol::message::Object;

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
    /// It has a title for people.
    #[serde(default, rename = "title", deserialize_with = "is_there")]
    pub has_title: bool,
    /// What it says it does.
    #[serde(default)]
    pub description: Option<String>,
    /// The schema of its arguments.
    pub input_schema: Map<String, Value>,
    /// The schema of its structured content, if it has one, whatever it is: only calls suffer from
    /// a broken one.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// What it says about the danger of calling it; untrusted.
    #[serde(default)]
    pub annotations: Option<Annotations>,
    /// How a call of it is carried out.
    #[serde(default)]
    pub execution: Option<Execution>,
}

/// How calls of a tool are carried out (2025-11-25).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Whether they become tasks: `forbidden`, `optional` or `required`.
    #[serde(default)]
    pub task_support: Option<String>,
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
    /// A title for people is among them, as revisions before 2025-06-18 have it.
    #[serde(default, rename = "title", deserialize_with = "is_there")]
    pub has_title: bool,
}

impl Tool {
    /// Whether every call of it has to become a task. `optional` leaves that to the client (MCP
    /// 2025-11-25, basic/utilities/tasks, "Tool-Level Negotiation"), and one under load calls such a
    /// tool plainly: one request instead of a creation, polls and a result.
    pub fn needs_task(&self) -> bool {
        let support = self.execution.as_ref().and_then(|how| how.task_support.as_deref());
        support == Some("required")
    }

    /// Whether it says that it changes nothing.
    pub fn is_read_only(&self) -> bool {
        self.annotations.and_then(|hints| hints.read_only_hint) == Some(true)
    }
}

/// Whether a member is there, whatever it is.
fn is_there<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(d).map(|found| found.is_some())
}

/// An array of objects.
pub(super) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    d: D,
) -> Result<Vec<T>, D::Error> {
    Vec::<Object<T>>::deserialize(d).map(|all| all.into_iter().map(|Object(one)| one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::results::tests::{result, with};

    #[test]
    fn tools() {
        let text = r#"{"tools":[
            {"name":"search","description":"finds","inputSchema":{"type":"object","properties":{"q":{"type":"string"}}},"annotations":{"readOnlyHint":true,"title":"S"},"icons":[]},
            {"name":"drop","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true}},
            {"name":"echo","inputSchema":{},"outputSchema":[]}],"nextCursor":"","_meta":{}}"#;
        let page = with(text, |text| result::<ToolsPage>(text)).unwrap();
        assert_eq!(page.next_cursor.as_deref(), Some(""));
        let told: Vec<_> =
            page.tools.iter().map(|tool| (&*tool.name, tool.is_read_only())).collect();
        assert_eq!(told, [("search", true), ("drop", false), ("echo", false)]);
        assert_eq!(page.tools[0].description.as_deref(), Some("finds"));
        assert!(!page.tools[0].has_title && page.tools[0].annotations.unwrap().has_title);
        assert!(!page.tools[1].annotations.unwrap().has_title);
        assert_eq!(page.tools[0].input_schema["properties"]["q"]["type"], "string");
        assert_eq!(page.tools[1].annotations.unwrap().destructive_hint, Some(true));
        let needs_task = |how: &str| {
            let execution = Some(Execution { task_support: Some(how.to_owned()) });
            Tool { execution, ..page.tools[0].clone() }.needs_task()
        };
        assert!(needs_task("required") && !page.tools[0].needs_task());
        assert!(!needs_task("optional") && !needs_task("forbidden"));
        assert_eq!(page.tools[2].output_schema, Some(Value::Array(Vec::new())));
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
}
