//! From arguments to a plan: the file, the environment, the profile files.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and handed down")]

use anyhow::Context;

use super::args::ScenarioArgs;
use crate::edge::files::{self, FilesError};
use crate::model::plan::Plan;
use crate::scenario::mistake::Mistakes;
use crate::scenario::{self, Input};

/// Why there is no plan.
#[derive(Debug)]
pub enum Mistaken {
    /// The file cannot be read.
    File(FilesError),
    /// The scenario has mistakes.
    Scenario(Mistakes),
}

impl Mistaken {
    /// What a person reads, in colour if `colour`.
    pub fn text(&self, colour: bool) -> String {
        match self {
            Self::File(error) => format!("squall: {error}"),
            Self::Scenario(mistakes) => mistakes.render(colour),
        }
    }
}

/// The plan, or what is wrong with it; that is nobody's fault but the author's.
pub fn read(arguments: &ScenarioArgs) -> anyhow::Result<Result<Plan, Mistaken>> {
    let file = arguments.scenario.to_str().context("the scenario's path is not UTF-8")?;
    let text = match files::read(file) {
        Ok(text) => text,
        Err(error) => return Ok(Err(Mistaken::File(error))),
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
    Ok(read.map_err(Mistaken::Scenario))
}
