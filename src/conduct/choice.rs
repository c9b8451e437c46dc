//! Which of the target's tools the load may call, and with what.

use std::collections::HashSet;
use std::fmt::{self, Write};

use crate::engine::client::{Scouted, Tool};
use crate::model::arguments::{Maker, Unfit};
use crate::model::plan::Tools;
use crate::protocol::modern::params;
use crate::protocol::results::list as read;

/// The list of a target's tools is cut after so many in a message.
const MOST_NAMED: usize = 40;

/// What may be called.
#[derive(Debug)]
pub struct Chosen {
    /// The tools, with makers of their arguments.
    pub tools: Vec<Tool>,
    /// What the target offers, and no client may call.
    pub dropped: Vec<Dropped>,
    /// Which of the tools have an output schema that no result is held against, and why.
    pub unchecked: Vec<Unchecked>,
}

/// A tool that a client has to drop: its `x-mcp-header` annotations are invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// What is wrong with it, for a person.
    pub reason: String,
}

/// A tool with an output schema that no result is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: Unfit,
}

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
    /// Every tool that could be called has to be dropped.
    #[error(
        "nothing is left to call: a client drops tools whose x-mcp-header annotations are \
         invalid.\n{dropped}\nCorrect them on the server, or allow other tools by name."
    )]
    AllDropped {
        /// The tools and what is wrong with them, a line each.
        dropped: String,
    },
    /// A tool was named that the target lacks.
    #[error(
        "{key} names {missing:?}, which the target does not have.\n{tools}\nName others: \
         --set 'tools.allow=[\"...\"]'"
    )]
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

/// The tools that may be called.
pub fn choose(scouted: &Scouted, asked: &Tools) -> Result<Chosen, NothingToCall> {
    let offered = &scouted.tools;
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
    for name in asked.arguments.keys() {
        by_name(offered, "tools.arguments", name)?;
    }
    let dropped: Vec<_> = offered.iter().filter_map(|tool| unfit(scouted, tool)).collect();
    let wanted = chosen.len();
    chosen.retain(|tool| dropped.iter().all(|dropped| dropped.name != tool.name));
    if chosen.is_empty() && wanted > 0 {
        return Err(NothingToCall::AllDropped { dropped: told(&dropped) });
    }
    if chosen.is_empty() {
        let example = offered[0].name.clone();
        return Err(NothingToCall::NothingReadOnly { tools: listed(offered), example });
    }
    let (mut tools, mut unchecked) = (Vec::new(), Vec::new());
    for tool in chosen {
        let (tool, unfit) = prepared(tool, asked)?;
        unchecked.extend(unfit.map(|why| Unchecked { name: tool.name.clone(), why }));
        tools.push(tool);
    }
    Ok(Chosen { tools, dropped, unchecked })
}

/// Whether a client has to drop a tool; in the era before 2026-07-28 the annotation means nothing.
pub(super) fn unfit(scouted: &Scouted, tool: &read::Tool) -> Option<Dropped> {
    let reason = params::header_params(&tool.input_schema).err().filter(|_| scouted.is_modern)?;
    Some(Dropped { name: tool.name.clone(), reason })
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tool {:?}: {}", self.name, self.reason)
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, why } = self;
        match why {
            Unfit::Broken(how) => write!(f, "the tool {name:?}, outputSchema: {how}"),
            Unfit::Unjudged(why) => write!(
                f,
                "structuredContent of the tool {name:?} is not checked: its outputSchema {why}"
            ),
        }
    }
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

/// A tool, and why nothing is held against its output schema.
type Prepared = (Tool, Option<Unfit>);

fn prepared(tool: &read::Tool, asked: &Tools) -> Result<Prepared, NothingToCall> {
    let Some(fixtures) = asked.arguments.get(&tool.name) else { return unasked(tool) };
    let made = Maker::from_fixtures(fixtures).map_err(|error| error.to_string());
    with(tool, made)
}

/// A tool with arguments made from its schema.
pub(super) fn unasked(tool: &read::Tool) -> Result<Prepared, NothingToCall> {
    let schema = serde_json::Value::Object(tool.input_schema.clone());
    with(tool, Maker::from_schema(&schema).map_err(|error| error.to_string()))
}

fn with(tool: &read::Tool, made: Result<Maker, String>) -> Result<Prepared, NothingToCall> {
    let made = made.map(|maker| Tool::offered(tool, maker));
    made.map_err(|reason| NothingToCall::Arguments { tool: tool.name.clone(), reason })
}

/// Dropped tools, a line each.
fn told(dropped: &[Dropped]) -> String {
    let mut lines: Vec<_> =
        dropped.iter().take(MOST_NAMED).map(|dropped| format!("  {dropped}")).collect();
    if dropped.len() > MOST_NAMED {
        lines.push(format!("  and {} more", dropped.len() - MOST_NAMED));
    }
    lines.join("\n")
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

    fn scouted(offered: &[read::Tool]) -> Scouted {
        Scouted {
            server: "a 1".into(),
            protocol_version: "2025-11-25",
            tools: offered.to_vec(),
            has_sessions: true,
            is_modern: false,
            has_two_ends: false,
        }
    }

    fn allowed(allow: Option<&[&str]>) -> Tools {
        let allow = allow.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        Tools { allow, ..Tools::default() }
    }

    fn called(chosen: Chosen) -> Vec<String> {
        chosen.tools.into_iter().map(|tool| tool.name).collect()
    }

    fn names(offered: &[read::Tool], allow: Option<&[&str]>) -> Result<Vec<String>, NothingToCall> {
        choose(&scouted(offered), &allowed(allow)).map(called)
    }

    #[test]
    fn tools_with_invalid_headers_are_dropped_where_headers_mean_something() {
        let offered = tools(
            r#"[{"name":"bad","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object",
                 "properties":{"a":{"type":"string","x-mcp-header":"no token"}}}},
                {"name":"good","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"}}]"#,
        );
        assert_eq!(names(&offered, None).unwrap(), ["bad", "good"]);
        let modern = Scouted { is_modern: true, ..scouted(&offered) };
        let chosen = choose(&modern, &allowed(Some(&["bad", "good"]))).unwrap();
        let dropped: Vec<_> = chosen.dropped.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(dropped, ["bad"]);
        assert_eq!(called(chosen), ["good"]);
        let none = choose(&modern, &allowed(Some(&["bad"]))).unwrap_err().to_string();
        assert!(none.starts_with("nothing is left to call"), "{none}");
        assert!(none.contains("\n  the tool \"bad\": "), "{none}");
        assert!(none.contains("is not the name of a header"), "{none}");
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
        let mistyped =
            choose(&scouted(&offered), &Tools { arguments, ..Tools::default() }).unwrap_err();
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
