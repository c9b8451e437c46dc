//! `squall report`: a saved run drawn again, from its `run.json` alone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::ReportArgs;
use super::terminal;
use crate::edge::files;
use crate::model::report::Report;
use crate::model::report::saved::{self, Unusable};
use crate::render::{drawing, visible};
use crate::scenario::declared;

/// The file that holds a whole run.
pub const RUN: &str = "run.json";

/// Reads, draws, replaces. Nothing is written unless everything could be drawn.
pub fn run(arguments: &ReportArgs) -> anyhow::Result<ExitCode> {
    let file = named(&arguments.run);
    let shown = visible::line(&file.display().to_string());
    let refuse = |why: &dyn std::fmt::Display| {
        terminal::say(&format!("squall: {}", visible::line(&why.to_string())));
        Ok(ExitCode::from(2))
    };
    let text = match files::read(&file.to_string_lossy()) {
        Ok(text) => text,
        Err(error) => return refuse(&error),
    };
    let report = match saved::read(&text) {
        Ok(report) => report,
        Err(error) => return refuse(&format!("cannot draw {shown}: {error}")),
    };
    if let Some(error) = undeclared(&report) {
        return refuse(&format!("cannot draw {shown}: {error}"));
    }
    let folder = arguments.out.as_deref().or_else(|| file.parent()).unwrap_or(Path::new(""));
    let drawn = drawing::all(&report)?;
    files::replace_all(folder, &drawn)?;
    for (name, _) in &drawn {
        terminal::result(&format!(
            "{}\n",
            visible::line(&folder.join(name).display().to_string())
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A contradiction, if the thresholds judged are not those that the run's scenario declares.
fn undeclared(report: &Report) -> Option<Unusable> {
    let judged: Vec<_> = report.thresholds.iter().map(|judged| judged.text.as_str()).collect();
    let declared = declared::may_declare(&report.scenario.text, &judged);
    let why = "thresholds are not those that scenario.text declares";
    (!declared).then(|| Unusable::Contradiction(why.to_owned()))
}

/// A folder means the `run.json` in it.
fn named(run: &Path) -> PathBuf {
    if run.is_dir() { run.join(RUN) } else { run.to_owned() }
}
