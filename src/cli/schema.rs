//! `squall schema`: the JSON Schema of a scenario, or of `run.json`.

use std::process::ExitCode;

use super::args::SchemaArgs;
use super::terminal;
use crate::model::report;
use crate::scenario;

/// Prints it.
pub fn run(arguments: &SchemaArgs) -> anyhow::Result<ExitCode> {
    if arguments.run {
        terminal::result(report::schema::TEXT)?;
    } else {
        let text = serde_json::to_string_pretty(&scenario::schema::schema())?;
        terminal::result(&format!("{text}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
