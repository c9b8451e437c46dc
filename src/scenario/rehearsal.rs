//! Scenarios read in tests: with overrides, and with nothing around them.

use super::{Input, read};
use crate::model::plan::Plan;

/// The plan of a scenario with these overrides, or what its author would read.
pub(super) fn plan(text: &str, file: &str, overrides: &[&str]) -> Result<Plan, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let input = Input {
        text,
        file,
        overrides: &overrides,
        target: None,
        authorised: true,
        environment: &|_| None,
        files: &|path| Err(format!("no file {path}")),
    };
    read(&input).map_err(|mistakes| mistakes.render(false))
}
