//! `squall check`: a scenario's plan, without a single request.

use std::process::ExitCode;

use super::args::CheckArgs;
use super::{plan, terminal};
use crate::model::outlook;
use crate::render;

/// Tools assumed where the target has not been asked and the scenario names none.
const ASSUMED_TOOLS: u16 = 2;

/// Checks and prints.
pub fn run(arguments: &CheckArgs) -> anyhow::Result<ExitCode> {
    let Some(plan) = plan::read(&arguments.scenario)? else { return Ok(ExitCode::from(2)) };
    let named = plan.tools.allow.as_ref().map(Vec::len);
    let tools = named.map_or(ASSUMED_TOOLS, |count| u16::try_from(count).unwrap_or(u16::MAX));
    let outlook = outlook::of(&plan, tools);
    let draw = if arguments.json { render::outlook::json } else { render::outlook::text };
    terminal::result(&draw(&plan, &outlook))?;
    Ok(ExitCode::SUCCESS)
}
