//! From arguments to a plan: the file, the environment, the profile files.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and handed down")]

use anyhow::Context;

use super::args::ScenarioArgs;
use super::terminal;
use crate::edge::files;
use crate::model::plan::Plan;
use crate::scenario::{self, Input};

/// The plan, or `None` when its mistakes have been shown.
pub fn read(arguments: &ScenarioArgs) -> anyhow::Result<Option<Plan>> {
    let file = arguments.scenario.to_str().context("the scenario's path is not UTF-8")?;
    let text = match files::read(file) {
        Ok(text) => text,
        Err(error) => {
            terminal::say(&format!("squall: {error}"));
            return Ok(None);
        }
    };
    let seed = arguments.seed.map(|seed| format!("seed={seed}"));
    let overrides: Vec<String> = arguments.overrides.iter().cloned().chain(seed).collect();
    let read = scenario::read(&Input {
        text: &text,
        file,
        overrides: &overrides,
        target: arguments.target.as_deref(),
        authorised: arguments.i_am_authorised,
        environment: &|name| std::env::var(name).ok(),
        files: &|path| files::read(path).map_err(|error| error.to_string()),
    });
    Ok(read.map_err(|mistakes| terminal::say(&mistakes.render(terminal::colour()))).ok())
}
