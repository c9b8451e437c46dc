//! `squall chaos restore`: puts back what a squall that was killed left changed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::{state, terminal};
use crate::chaos::hook::Means;
use crate::chaos::restore::{self, Found, Restored};
use crate::edge::clock::Clock;
use crate::edge::held;
use crate::edge::tls::Tls;
use crate::engine::control;
use crate::model::plan::{self, Http};
use crate::render::visible;

/// What is put back.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The state file of one run [default: all in `$XDG_STATE_HOME/squall`, or
    /// in `~/.local/state/squall`]
    pub file: Option<PathBuf>,
}

/// Puts back, and says what was done: exit code 0 when nothing is left to do, 1 when something could
/// not be put back, 2 for a file that is none or whose run goes on.
pub fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let files = if let Some(file) = &args.file {
        vec![file.clone()]
    } else if let Some(folder) = state::folder() {
        held::all(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    } else {
        let said = "no folder with state files: set XDG_STATE_HOME or HOME, or name a file";
        terminal::say(&format!("squall: {said}"));
        return Ok(ExitCode::from(2));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(all(files, args.file.is_some()))
}

async fn all(files: Vec<PathBuf>, is_named: bool) -> anyhow::Result<ExitCode> {
    if files.is_empty() {
        terminal::result("nothing to put back\n")?;
    }
    // Only a server that is asked over TLS needs roots; without them it says so itself.
    let tls = Tls::new(&plan::Tls::default(), "localhost", Http::One).ok();
    let client = control::client(tls.as_ref())?;
    let means = Means { clock: Clock::of_runtime(), client, hide: Arc::new(|text| text) };
    let mut code = 0;
    for file in files {
        let (said, its_code) = match restore::file(file.clone(), &means).await {
            Ok(found) => told(&file, &found, is_named),
            Err(error) => {
                terminal::say(&format!("squall: {}", visible::line(&error)));
                (String::new(), 2)
            }
        };
        terminal::result(&said)?;
        code = code.max(its_code);
    }
    Ok(ExitCode::from(code))
}

/// What became of one file, for a person, and the exit code for it.
fn told(file: &Path, found: &Found, is_named: bool) -> (String, u8) {
    let mut text = format!("{}\n", visible::line(&file.display().to_string()));
    let mut line = |said: &str| {
        text.push_str("  ");
        text.push_str(&visible::line(said));
        text.push('\n');
    };
    let code = match found {
        Found::Gone if is_named => {
            line("there is no such file: nothing to put back");
            0
        }
        Found::Gone => 0,
        Found::Busy => {
            line("its run goes on, and puts everything back itself");
            if is_named { 2 } else { 0 }
        }
        Found::Ours(Restored { done, failed }) => {
            for said in done.iter().chain(failed) {
                line(said);
            }
            if failed.is_empty() {
                line("everything is as it was; the file is removed");
                0
            } else {
                line("the file stays: call this once more when that is mended");
                1
            }
        }
    };
    (text, code)
}
