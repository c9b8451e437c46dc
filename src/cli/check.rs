//! `squall check`: a scenario's plan, without a single request.

use std::process::ExitCode;

use super::args::CheckArgs;
use super::{plan, terminal};
use crate::conduct::before;
use crate::edge::health;
use crate::model::outlook;
use crate::render;

/// Checks and prints; what `squall run` would refuse unasked is refused here in the same words.
pub fn run(arguments: &CheckArgs) -> anyhow::Result<ExitCode> {
    let plan = match plan::read(&arguments.scenario)? {
        Ok(plan) => plan,
        Err(mistaken) => {
            terminal::say(&mistaken.text(terminal::colour()));
            return Ok(ExitCode::from(2));
        }
    };
    if let Err(error) = before::endpoint(&plan, health::descriptors()) {
        terminal::say(&format!("squall: {error}"));
        return Ok(ExitCode::from(error.exit_code()));
    }
    let outlook = outlook::of(&plan, plan.way(), before::tools(&plan));
    let draw = if arguments.json { render::outlook::json } else { render::outlook::text };
    terminal::result(&draw(&plan, &outlook))?;
    Ok(ExitCode::SUCCESS)
}
