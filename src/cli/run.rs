//! `squall run`: a scenario, its live line, its report, its exit code.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

use super::args::RunArgs;
use super::report::RUN;
use super::{login, plan, signals, state, stdout, terminal};
use crate::conduct::run::{self, Order};
use crate::edge::clock;
use crate::edge::files::{FilesError, Folder};
use crate::engine::stop::{Phase, Stopper, stop};
use crate::model::pace::Pace;
use crate::model::plan::Plan;
use crate::model::report::{Report, saved};
use crate::render::{drawing, text, visible};

/// A folder's name is cut to so many letters of the scenario's.
const LONGEST_NAME: usize = 80;

/// What still computes when a run is over is given so long to end.
const LONGEST_SHUTDOWN: Duration = Duration::from_secs(1);

/// Runs, writes, prints.
pub fn run(arguments: &RunArgs) -> anyhow::Result<ExitCode> {
    let refused = |error: &dyn Display, code| {
        let said = format!("squall: {error}");
        refuse(arguments.json, &said, &said, code)
    };
    let plan = match plan::read(&arguments.scenario)? {
        Ok(plan) => plan,
        Err(wrong) => {
            return refuse(arguments.json, &wrong.text(terminal::colour()), &wrong.text(false), 2);
        }
    };
    if arguments.dashboard.is_some() && matches!(plan.load.pace, Pace::Open(_)) {
        return refused(&"--dashboard needs load.model = \"closed\": its page steers users", 2);
    }
    let started = humantime::format_rfc3339_seconds(clock::wall()).to_string();
    let folder = match folder(arguments, &plan, &started) {
        Ok(folder) => folder,
        Err(error) => return refused(&error, 2),
    };
    let order = order(arguments, plan, started)?;
    let made = {
        let _hush = stdout::hush().context("cannot take standard output")?;
        let runtime = runtime()?;
        let made = runtime.block_on(run::run(order));
        runtime.shutdown_timeout(LONGEST_SHUTDOWN);
        made
    };
    match made {
        Ok(report) => finish(&report, folder, arguments),
        Err(error) => refused(&error, error.exit_code()),
    }
}

/// Says why there is no result: to a person, and with `--json` to a script.
pub(super) fn refuse(json: bool, shown: &str, plain: &str, code: u8) -> anyhow::Result<ExitCode> {
    terminal::say(shown);
    if json {
        let error = plain.trim_start_matches("squall: ");
        let object = serde_json::json!({ "error": error, "exit_code": code });
        let text = format!("{}\n", serde_json::to_string_pretty(&object)?);
        terminal::result(&text).context("cannot write to standard output")?;
    }
    Ok(ExitCode::from(code))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")
}

fn order(arguments: &RunArgs, plan: Plan, started_at: String) -> anyhow::Result<Order> {
    let (stopper, _) = stop();
    let interrupted = Arc::new(AtomicBool::new(false));
    claim_signals(&stopper, &interrupted)?;
    if let Some(address) = arguments.dashboard {
        terminal::say(&format!("goose's page, to watch and steer the users: http://{address}/"));
    }
    let moment: String = started_at.chars().filter(char::is_ascii_digit).collect();
    Ok(Order {
        plan,
        id: format!("{moment}-{}", std::process::id()),
        state: state::folder(),
        started_at,
        dashboard: arguments.dashboard,
        stopper,
        interrupted,
        show: terminal::live(arguments.quiet),
        ask: login::ask(),
    })
}

/// Ctrl-C once drains and reports, twice reports now.
fn claim_signals(stopper: &Stopper, interrupted: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let (stopper, interrupted) = (stopper.clone(), Arc::clone(interrupted));
    signals::claim_ctrl_c(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            stopper.advance(Phase::Over);
        } else {
            terminal::say("\nsquall: runs may finish; once more to report now");
            stopper.advance(Phase::Draining);
        }
    })?;
    Ok(())
}

/// The report folder: the one that was asked for, or the first free one of this name and second.
fn folder(arguments: &RunArgs, plan: &Plan, started: &str) -> Result<Folder, FilesError> {
    if let Some(out) = &arguments.out {
        return Folder::begin(out);
    }
    let time = started.trim_end_matches('Z').replace(':', "").replace('T', "-");
    let letters = plan.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' });
    let name: String = letters.take(LONGEST_NAME).collect();
    let reports = Path::new("reports");
    let mut folder = Folder::begin(&reports.join(format!("{name}-{time}")));
    for again in 2..=9 {
        if !matches!(folder, Err(FilesError::Exists(_))) {
            break;
        }
        folder = Folder::begin(&reports.join(format!("{name}-{time}-{again}")));
    }
    folder
}

/// Writes the evidence, prints its summary, draws. What fails on the way takes nothing with it that
/// was there before: a full disk leaves the summary, a picture that cannot be drawn `run.json`.
fn finish(report: &Report, folder: Folder, arguments: &RunArgs) -> anyhow::Result<ExitCode> {
    folder.release();
    let text = serde_json::to_string_pretty(report)?;
    let kept = folder.write(RUN, text.as_bytes());
    let result = if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(&report.summary)?)
    } else {
        text::summary(report)
    };
    terminal::result(&result).context("cannot write the summary to standard output")?;
    kept?;
    let drawn = draw(&text, &folder);
    let path = folder.complete()?.display().to_string();
    if !arguments.json {
        let where_to = format!("\nReport: {}\n", visible::line(&path));
        terminal::result(&where_to).context("cannot write to standard output")?;
    }
    drawn.with_context(|| format!("the run is in {path}/{RUN}, and could not be drawn"))?;
    Ok(ExitCode::from(report.exit_code))
}

/// Draws what was written, so that `squall report` draws the same bytes.
fn draw(text: &str, folder: &Folder) -> anyhow::Result<()> {
    let run = saved::parse(text)?;
    let drawn = std::panic::catch_unwind(|| drawing::all(&run));
    let drawn = drawn.map_err(|_| anyhow::anyhow!("a part of squall failed; please report it"))?;
    for (name, content) in drawn? {
        folder.write(name, &content)?;
    }
    Ok(())
}
