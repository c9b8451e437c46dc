//! What a reviewer reads in the list of tools, and what one call of one says.

use std::collections::HashSet;

use super::{Entry, Judged, few, of_answer, of_sound_answer, said, seconds};
use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Outcome;
use crate::model::probe::facts::{Attempted, Facts, Listed, Tool, Tried};
use Judged::{Failed, NotApplicable, Passed};

/// The policy's longest name, in characters.
const LONGEST_NAME: usize = 64;
/// What Claude Code reads of a description, in characters.
const LONGEST_DESCRIPTION: usize = 2_048;
/// Beyond so many tools access on demand is suggested.
const MANY_TOOLS: usize = 30;
/// A list beyond this fills a conversation before it begins, in bytes.
const LARGEST_LIST: usize = 150_000;
/// What web and desktop read of a result, in characters.
const LONGEST_RESULT: u32 = 150_000;

const POLICY: &str = "Anthropic Help Center 13145358, Software Directory Policy";

pub(super) const LIST: &[Entry] = &[
    Entry {
        rule: Rule {
            id: "tool-annotations",
            severity: Severity::Medium,
            title: "Tools do not say whether they change anything",
            text: "Every tool has readOnlyHint or destructiveHint.",
            source: POLICY,
            provenance: Provenance::Spec,
            what_to_do: "Annotate every tool: the directory refuses a server without, Claude asks its \
                         user before each call, and Claude Code makes such calls one at a time.",
        },
        judge: |facts| of_tools(facts, "annotated", |tool| tool.is_annotated),
    },
    Entry {
        rule: Rule {
            id: "tool-titles",
            severity: Severity::Low,
            title: "Tools have no title",
            text: "Every tool has a title for people.",
            source: POLICY,
            provenance: Provenance::Spec,
            what_to_do: "Give every tool a `title`, or one among its annotations.",
        },
        judge: |facts| of_tools(facts, "titled", |tool| tool.has_title),
    },
    Entry {
        rule: Rule {
            id: "tool-names",
            severity: Severity::Medium,
            title: "Names of tools are too long, or hold what a name must not",
            text: "A tool's name has at most 64 characters: letters, digits, `_`, `-` and `.`.",
            source: "Anthropic Help Center 13145358 (64 characters); MCP 2025-11-25, server/tools, \
                     \"Tool Names\"",
            provenance: Provenance::Spec,
            what_to_do: "Shorten them: a name that is too long cannot be called by Claude at all.",
        },
        judge: |facts| of_tools(facts, "well named", |tool| is_name(&tool.name)),
    },
    Entry {
        rule: Rule {
            id: "duplicate-tools",
            severity: Severity::Medium,
            title: "Two tools have one name",
            text: "A tool's name is its own.",
            source: "MCP 2025-11-25, server/tools, \"Tool Names\"",
            provenance: Provenance::Spec,
            what_to_do: "Rename one of them: only one can be called.",
        },
        judge: duplicates,
    },
    Entry {
        rule: Rule {
            id: "tool-descriptions",
            severity: Severity::Low,
            title: "Tools are not described, or at too great length",
            text: "Every tool has a description, of at most 2,048 characters.",
            source: "Claude Code docs, mcp.md (descriptions are cut at 2,048 characters)",
            provenance: Provenance::Observed,
            what_to_do: "Describe each tool in a few sentences: a model chooses by them.",
        },
        judge: |facts| {
            let is_fit = |length| (1..=LONGEST_DESCRIPTION).contains(&length);
            of_tools(facts, "well described", |tool| tool.description.is_some_and(is_fit))
        },
    },
    Entry {
        rule: Rule {
            id: "tool-count",
            severity: Severity::Info,
            title: "There are many tools",
            text: "Beyond about 30 tools, access on demand is suggested.",
            source: "Anthropic, connector documentation",
            provenance: Provenance::Observed,
            what_to_do: "Offer fewer tools, or tell users to have Claude load tools when it needs them.",
        },
        judge: |facts| {
            of_list(facts, |listed| match listed.tools.len() {
                count if count > MANY_TOOLS => Failed(format!("there are {count}")),
                count => Passed(format!("{count}, of at most about {MANY_TOOLS}")),
            })
        },
    },
    Entry {
        rule: Rule {
            id: "list-size",
            severity: Severity::Medium,
            title: "The list of tools is large",
            text: "The list of tools has at most 150 kB.",
            source: "every conversation begins with the whole list",
            provenance: Provenance::Modelled,
            what_to_do: "Shorten schemas and descriptions, or offer fewer tools.",
        },
        judge: |facts| {
            of_list(facts, |listed| match listed.bytes {
                bytes if bytes > LARGEST_LIST => Failed(format!("{bytes} bytes")),
                _ => Passed(format!("no more than {LARGEST_LIST} bytes")),
            })
        },
    },
    Entry {
        rule: Rule {
            id: "tool-order",
            severity: Severity::Low,
            title: "The list of tools changes its order",
            text: "The same list is in the same order whenever it is asked for.",
            source: "a list that changes its order defeats the prompt's cache",
            provenance: Provenance::Modelled,
            what_to_do: "Sort the tools, for example by name, rather than by a hash.",
        },
        judge: order,
    },
    Entry {
        rule: Rule {
            id: "read-only-call",
            severity: Severity::Medium,
            title: "A call of a read-only tool failed",
            text: "A tool that says it changes nothing can be called, with arguments of its schema.",
            source: "Anthropic Help Center 13145358 (working examples); MCP 2025-11-25, server/tools",
            provenance: Provenance::Spec,
            what_to_do: "See what the server logged; if only some arguments do, say so in the schema, \
                         or name another tool with --tool.",
        },
        judge: call,
    },
    Entry {
        rule: Rule {
            id: "result-size",
            severity: Severity::Medium,
            title: "A result is longer than clients read",
            text: "A result has at most 150,000 characters; Claude Code reads 25,000 tokens.",
            source: "Anthropic, connector documentation (limits told to developers)",
            provenance: Provenance::Observed,
            what_to_do: "Page large results, or return the part that matters with a way to ask for more.",
        },
        judge: |facts| match &facts.call {
            None => NotApplicable("no tool was called".to_owned()),
            Some(call) if call.chars > LONGEST_RESULT => {
                Failed(format!("{:?} returned {} characters", call.tool, call.chars))
            }
            Some(call) => {
                Passed(format!("{:?} returned no more than {LONGEST_RESULT} characters", call.tool))
            }
        },
    },
    Entry {
        rule: Rule {
            id: "unknown-tool",
            severity: Severity::Medium,
            title: "A tool that does not exist breaks the server",
            text: "A call of an unknown tool is answered with an error, and not with a 5xx.",
            source: "MCP 2025-11-25, server/tools, \"Error Handling\"",
            provenance: Provenance::Spec,
            what_to_do: "Answer -32602, or a result with isError, that names the tool.",
        },
        judge: unknown_tool,
    },
    Entry {
        rule: Rule {
            id: "bare-errors",
            severity: Severity::Medium,
            title: "Errors say nothing",
            text: "An error says what was wrong; no bare \"Internal Server Error\".",
            source: "Anthropic Help Center 13145358, Software Directory Policy, \"graceful errors\"",
            provenance: Provenance::Spec,
            what_to_do: "Say in the message what was found and what was expected: a model reads it and \
                         tries again.",
        },
        judge: bare,
    },
];

fn of_list(facts: &Facts, judge: impl FnOnce(&Listed) -> Judged) -> Judged {
    match &facts.tools {
        None => NotApplicable("no tools were listed".to_owned()),
        Some(listed) => judge(listed),
    }
}

fn of_tools(facts: &Facts, how: &str, is_fit: impl Fn(&Tool) -> bool) -> Judged {
    of_list(facts, |listed| {
        let all = listed.tools.len();
        let unfit: Vec<_> = listed.tools.iter().filter(|tool| !is_fit(tool)).collect();
        if all == 0 {
            return NotApplicable("there is no tool".to_owned());
        }
        if unfit.is_empty() {
            return Passed(match all {
                1 => format!("the one tool is {how}"),
                _ => format!("all {all} tools are {how}"),
            });
        }
        let names = few(unfit.iter().map(|tool| tool.name.as_str()));
        let are = if unfit.len() == 1 { "is" } else { "are" };
        Failed(format!("{} of {all} {are} not {how}: {names}", unfit.len()))
    })
}

fn is_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=LONGEST_NAME).contains(&name.chars().count()) && name.chars().all(is_fit)
}

fn duplicates(facts: &Facts) -> Judged {
    of_list(facts, |listed| {
        let mut seen = HashSet::new();
        let names = listed.tools.iter().map(|tool| tool.name.as_str());
        let twice: Vec<_> = names.filter(|name| !seen.insert(*name)).collect();
        if twice.is_empty() {
            return Passed("every name is there once".to_owned());
        }
        Failed(format!("more than once: {}", few(twice)))
    })
}

fn order(facts: &Facts) -> Judged {
    of_list(facts, |listed| {
        let Some(again) = &listed.again else {
            return NotApplicable("there was no second list".to_owned());
        };
        let first: Vec<_> = listed.tools.iter().map(|tool| tool.name.as_str()).collect();
        if first == *again {
            return Passed("two lists were alike".to_owned());
        }
        let (mut one, mut other) = (first.clone(), again.iter().map(String::as_str).collect());
        let sort = |names: &mut Vec<&str>| names.sort_unstable();
        sort(&mut one);
        sort(&mut other);
        let what = if one == other { "another order" } else { "other tools" };
        Failed(format!("the second list has {what}"))
    })
}

fn call(facts: &Facts) -> Judged {
    let Some(call) = &facts.call else {
        return NotApplicable("no tool was called".to_owned());
    };
    let said = if call.said.is_empty() { String::new() } else { format!(": {}", call.said) };
    match call.outcome {
        Outcome::Ok => Passed(format!("{:?} was answered", call.tool)),
        // The arguments were made up.
        Outcome::ToolError => {
            Passed(format!("{:?} was answered that it cannot do that{said}", call.tool))
        }
        Outcome::Timeout => {
            Failed(format!("{:?} was not answered within {}", call.tool, seconds(call.took)))
        }
        other => Failed(format!("{:?} ended as {}{said}", call.tool, other.class().name())),
    }
}

fn unknown_tool(facts: &Facts) -> Judged {
    let tried = facts.of(Attempted::UnknownTool);
    of_sound_answer(tried, |answer| match (answer.error(), answer.result()) {
        (Some(_), _) => Passed(said(tried)),
        (None, Some(result)) if result["isError"] == true => {
            Passed(format!("isError: {}", words(tried)))
        }
        _ => Failed(said(tried)),
    })
}

/// The text of an error: its message, or the first text of a result.
fn words(tried: &Tried) -> String {
    let Some(answer) = tried.answer() else { return String::new() };
    if let Some((_, message)) = answer.error() {
        return message.to_owned();
    }
    let text = answer.result().and_then(|result| result["content"][0]["text"].as_str());
    text.unwrap_or_default().to_owned()
}

fn bare(facts: &Facts) -> Judged {
    let tried = facts.of(Attempted::UnknownTool);
    of_answer(tried, |answer| {
        let words = words(tried);
        let bare = words.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
        match bare.as_str() {
            "" if answer.rpc.is_none() => NotApplicable("no message came".to_owned()),
            "" => Failed("a call of an unknown tool is refused without a word".to_owned()),
            "internal server error" | "internal error" | "error" | "unknown error" => {
                Failed(format!("a call of an unknown tool is refused with {words:?} and no more"))
            }
            _ => Passed(format!("it says {words:?}")),
        }
    })
}
