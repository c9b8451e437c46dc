//! Which of the target's tools the load may call, and with what.

use std::collections::HashSet;
use std::fmt::Write;

use crate::engine::client::Tool;
use crate::model::arguments::Maker;
use crate::model::plan::Tools;
use crate::protocol::legacy::read;

/// The list of a target's tools is cut after so many in a message.
const MOST_NAMED: usize = 40;

/// Why nothing can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingToCall {
    /// The target has no tool.
    #[error("the target offers no tool at all: there is nothing to call")]
    NoTools,
    /// No tool is annotated, and none is allowed by name.
    #[error(
        "no tool of the target is annotated readOnlyHint, and squall calls no other tool unless \
         you allow it by name.\n{tools}\nAllow those that may be called hundreds of times, for \
         example:\n  --set tools.allow='[\"{example}\"]'"
    )]
    NothingReadOnly {
        /// The target's tools, a line each.
        tools: String,
        /// One of them.
        example: String,
    },
    /// A tool was named that the target lacks.
    #[error("{key} names {missing:?}, which the target does not have.\n{tools}")]
    Missing {
        /// Where it was named.
        key: &'static str,
        /// The name.
        missing: String,
        /// The target's tools, a line each.
        tools: String,
    },
    /// No arguments can be made for a tool.
    #[error(
        "no arguments can be made for the tool {tool:?}: {reason}.\nGive some in the scenario:\n  \
         [tools.arguments]\n  {tool} = [{{ ... }}]"
    )]
    Arguments {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
}

/// The tools that may be called, with makers of their arguments.
pub fn choose(offered: &[read::Tool], asked: &Tools) -> Result<Vec<Tool>, NothingToCall> {
    if offered.is_empty() {
        return Err(NothingToCall::NoTools);
    }
    let mut chosen: Vec<&read::Tool> = match &asked.allow {
        Some(names) => {
            let named = names.iter().map(|name| by_name(offered, "tools.allow", name));
            named.collect::<Result<_, _>>()?
        }
        None => offered.iter().filter(|tool| tool.is_read_only()).collect(),
    };
    // Figures are by name: a name that is listed twice is one tool, the first.
    let mut names = HashSet::new();
    chosen.retain(|tool| names.insert(tool.name.as_str()));
    if chosen.is_empty() {
        let example = offered[0].name.clone();
        return Err(NothingToCall::NothingReadOnly { tools: listed(offered), example });
    }
    for name in asked.arguments.keys() {
        by_name(offered, "tools.arguments", name)?;
    }
    chosen.into_iter().map(|tool| prepared(tool, asked)).collect()
}

fn by_name<'a>(
    offered: &'a [read::Tool],
    key: &'static str,
    name: &str,
) -> Result<&'a read::Tool, NothingToCall> {
    offered.iter().find(|tool| tool.name == name).ok_or_else(|| NothingToCall::Missing {
        key,
        missing: name.to_owned(),
        tools: listed(offered),
    })
}

fn prepared(tool: &read::Tool, asked: &Tools) -> Result<Tool, NothingToCall> {
    let made = if let Some(fixtures) = asked.arguments.get(&tool.name) {
        Maker::from_fixtures(fixtures).map_err(|error| error.to_string())
    } else {
        let schema = serde_json::Value::Object(tool.input_schema.clone());
        Maker::from_schema(&schema).map_err(|error| error.to_string())
    };
    let name = tool.name.clone();
    match made {
        Ok(maker) => Ok(Tool { name, maker }),
        Err(reason) => Err(NothingToCall::Arguments { tool: name, reason }),
    }
}

/// The target's tools, a line each, with what their annotations say.
fn listed(offered: &[read::Tool]) -> String {
    let mut text = String::from("Its tools:");
    for tool in offered.iter().take(MOST_NAMED) {
        let hints = tool.annotations.unwrap_or_default();
        let said = match (hints.read_only_hint, hints.destructive_hint) {
            (Some(true), _) => "annotated read-only",
            (_, Some(true)) => "annotated destructive",
            (Some(false), _) => "annotated as not read-only",
            (None, _) => "not annotated",
        };
        // Writing to a string cannot fail.
        let _written = write!(text, "\n  {:?} ({said})", tool.name).is_ok();
    }
    if offered.len() > MOST_NAMED {
        let _written = write!(text, "\n  and {} more", offered.len() - MOST_NAMED).is_ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(json: &str) -> Vec<read::Tool> {
        serde_json::from_str(json).unwrap()
    }

    fn names(offered: &[read::Tool], allow: Option<&[&str]>) -> Result<Vec<String>, NothingToCall> {
        let allow = allow.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let asked = Tools { allow, ..Tools::default() };
        choose(offered, &asked).map(|tools| tools.into_iter().map(|tool| tool.name).collect())
    }

    #[test]
    fn only_read_only_tools_unless_named() {
        let offered = tools(
            r#"[{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},
                {"name":"drop","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true}}]"#,
        );
        assert_eq!(names(&offered, None).unwrap(), ["look"]);
        assert_eq!(names(&offered, Some(&["drop"])).unwrap(), ["drop"]);
        assert_eq!(names(&offered, Some(&["drop", "look", "drop"])).unwrap(), ["drop", "look"]);
        let twice = [offered[0].clone(), offered[0].clone()];
        assert_eq!(names(&twice, None).unwrap(), ["look"]);
        assert!(matches!(
            names(&offered, Some(&["gone"])),
            Err(NothingToCall::Missing { missing, .. }) if missing == "gone"
        ));
        assert_eq!(names(&[], None), Err(NothingToCall::NoTools));
        let arguments = [("loook".to_owned(), Vec::new())].into();
        let mistyped = choose(&offered, &Tools { arguments, ..Tools::default() }).unwrap_err();
        let message = mistyped.to_string();
        assert!(message.starts_with("tools.arguments names \"loook\", which the"), "{message}");
    }

    #[test]
    fn what_to_add_is_said_to_the_letter() {
        let offered = tools(r#"[{"name":"echo","inputSchema":{"type":"object"}}]"#);
        let message = names(&offered, None).unwrap_err().to_string();
        assert!(message.contains(r#"--set tools.allow='["echo"]'"#), "{message}");
        assert!(message.contains(r#""echo" (not annotated)"#), "{message}");
    }
}
