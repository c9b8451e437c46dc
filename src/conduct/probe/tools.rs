//! The list of tools, twice, and one call of one that only reads.

use super::Prober;
use crate::conduct::choice::NothingToCall;
use crate::conduct::failure::RunError;
use crate::conduct::look::{choose, wrong_tools};
use crate::engine::client::{Listing, Scouted, Sitting};
use crate::engine::recorder::Observer;
use crate::model::event::Event;
use crate::model::figure;
use crate::model::outcome::Outcome;
use crate::model::probe::facts::{Called, Listed, Tool};
use crate::protocol::results::list;

const LIST: &str = "tools/list";
const CALL: &str = "tools/call";

impl Prober<'_> {
    /// Lists the tools and calls one.
    ///
    /// # Errors
    /// Where a part of squall panicked.
    pub(super) async fn look_at_tools(&mut self, seat: &Sitting) -> Result<(), RunError> {
        let began = self.now();
        let first = Box::pin(seat.tools()).await;
        let took = self.now().saturating_sub(began);
        let first = match first {
            Ok(listing) => listing,
            Err(refusal) => {
                let (found, what_to_do) = self.declined_with(&refusal);
                self.failed(LIST, Some(took), found, what_to_do);
                self.not_tried(CALL, "no tools were listed");
                return Ok(());
            }
        };
        let again = Box::pin(seat.tools()).await.ok();
        let again = again.map(|listing| listing.tools.into_iter().map(|tool| tool.name).collect());
        self.ok(LIST, Some(took), described(&first));
        let tools = first.tools.iter().map(of_tool).collect();
        self.facts.tools = Some(Listed { tools, bytes: first.bytes, took, again });
        self.call_one(seat, first).await
    }

    async fn call_one(&mut self, seat: &Sitting, listing: Listing) -> Result<(), RunError> {
        let scouted = Scouted {
            server: seat.server.clone(),
            protocol_version: seat.version,
            tools: listing.tools,
            has_sessions: seat.id().is_some(),
            is_modern: seat.is_modern(),
            has_two_ends: !seat.answers_directly(),
        };
        let named = self.plan.tools.allow.iter().flatten().next();
        if let Some(tool) = scouted.tools.iter().find(|tool| Some(&tool.name) == named)
            && is_destructive(tool)
        {
            let why = "is annotated as one that changes or destroys: a probe calls none of those";
            self.not_tried(CALL, format!("{:?} {why}", tool.name));
            return Ok(());
        }
        let chosen = match choose(scouted, self.plan).await {
            Ok((_, chosen)) => chosen,
            // That is a mistake in the arguments.
            Err(missing @ RunError::Choice(NothingToCall::Missing { .. })) => return Err(missing),
            Err(RunError::Choice(nothing)) => {
                self.not_called(&nothing);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let (wrong, _) = wrong_tools(&chosen.dropped, chosen.unchecked, |text| {
            self.client.hide(text).chars().take(300).collect()
        });
        for violation in wrong {
            self.noted.observe(&Event::Violation(Box::new(violation)));
        }
        let Some(tool) = chosen.tools.first() else { return Ok(()) };
        let began = self.now();
        let called = Box::pin(seat.call(tool)).await;
        let took = self.now().saturating_sub(began);
        let (outcome, chars, said) = (called.outcome, called.chars, called.said);
        let name = &tool.name;
        let because = if said.is_empty() { String::new() } else { format!(": {said}") };
        match outcome {
            Outcome::Ok => self.ok(CALL, Some(took), format!("{name:?}: {chars} characters")),
            Outcome::ToolError => self.ok(
                CALL,
                Some(took),
                format!("{name:?} says that it cannot do that with made-up arguments{because}"),
            ),
            other => self.failed(
                CALL,
                Some(took),
                format!("{name:?} ended as {}{because}", other.class().name()),
                "see what the server logged; --tool NAME calls another one, and --scenario FILE \
                 gives it the arguments of [tools.arguments]",
            ),
        }
        self.facts.call = Some(Called { tool: name.clone(), outcome, said, chars, took });
        Ok(())
    }

    fn not_called(&mut self, nothing: &NothingToCall) {
        match nothing {
            NothingToCall::NoTools => self.none(CALL, None, "it offers no tool"),
            NothingToCall::NothingReadOnly { .. } => self.not_tried(
                CALL,
                "no tool is annotated readOnlyHint, and no other is called unless you name it with \
                 --tool NAME",
            ),
            NothingToCall::Missing { missing, .. } => {
                self.not_tried(CALL, format!("there is no tool {missing:?}"));
            }
            NothingToCall::AllDropped { dropped } => self.failed(
                CALL,
                None,
                format!("clients drop every tool that could be called: {}", dropped.trim()),
                "correct their x-mcp-header annotations",
            ),
            NothingToCall::Arguments { tool, reason } => self.not_tried(
                CALL,
                format!(
                    "no arguments can be made for {tool:?} ({reason}): give some in \
                     [tools.arguments] of a scenario, with --scenario FILE"
                ),
            ),
        }
    }
}

fn described(listing: &Listing) -> String {
    let Listing { tools, bytes, pages } = listing;
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let (count, size) = (tools.len(), figure::bytes(*bytes as u64));
    format!("{count} tool{} on {pages} page{}, {size}", s(count), s(*pages))
}

/// Whether a tool says that what it changes may be lost; one that says it changes something means
/// that unless it says otherwise (MCP 2025-11-25, Schema Reference, `destructiveHint`).
fn is_destructive(tool: &list::Tool) -> bool {
    let hints = tool.annotations.unwrap_or_default();
    match (hints.read_only_hint, hints.destructive_hint) {
        (Some(true), _) => false,
        (_, Some(destroys)) => destroys,
        (read_only, None) => read_only == Some(false),
    }
}

fn of_tool(tool: &list::Tool) -> Tool {
    let hints = tool.annotations.unwrap_or_default();
    Tool {
        name: tool.name.clone(),
        has_title: tool.has_title || hints.has_title,
        description: tool.description.as_deref().map(|text| text.trim().chars().count()),
        is_annotated: hints.read_only_hint.is_some() || hints.destructive_hint.is_some(),
    }
}
