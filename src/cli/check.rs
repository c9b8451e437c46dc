//! `squall check`: a scenario's plan, without a single request.

use std::process::ExitCode;

use super::args::ScenarioArgs;
use super::{plan, terminal};
use crate::model::outlook;
use crate::render;

/// Tools assumed where the target has not been asked and the scenario names none.
const ASSUMED_TOOLS: u16 = 2;

/// Checks and prints.
pub fn run(arguments: &ScenarioArgs) -> anyhow::Result<ExitCode> {
    let Some(plan) = plan::read(arguments)? else { return Ok(ExitCode::from(2)) };
    let named = plan.tools.allow.as_ref().map(Vec::len);
    let tools = named.map_or(ASSUMED_TOOLS, |count| u16::try_from(count).unwrap_or(u16::MAX));
    terminal::result(&render::outlook::text(&plan, &outlook::of(&plan, tools)))?;
    Ok(ExitCode::SUCCESS)
}
