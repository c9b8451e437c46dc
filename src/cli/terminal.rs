//! What goes to the terminal: messages, faults, the live line.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::conduct::watch::{Pulse, Show};
use crate::engine::stop::Phase;
use crate::render::live::{self, Glimpse};

/// Without a terminal, a line is written once in so many seconds.
const PLAIN_EVERY: u64 = 5;

/// Tells a person something beside the result.
pub fn say(text: &str) {
    // A closed standard error must not end a run.
    let _written = writeln!(std::io::stderr(), "{text}").is_ok();
}

/// Writes the result. A reader that has read enough (`| head`) is no error.
pub fn result(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Says what went wrong with squall itself, or with its arguments.
pub fn fault(fault: &anyhow::Error) -> ExitCode {
    say(&format!("squall: {fault:#}"));
    ExitCode::from(1)
}

/// Whether standard error takes colours.
pub fn colour() -> bool {
    std::io::stderr().is_terminal()
}

/// The live line: one that changes on a terminal, a plain one now and then elsewhere.
pub fn live(quiet: bool) -> Show {
    if quiet {
        return Box::new(|_| {});
    }
    if !std::io::stderr().is_terminal() {
        return Box::new(|pulse| {
            if pulse.elapsed.as_secs().is_multiple_of(PLAIN_EVERY) {
                say(&line(pulse));
            }
        });
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    Box::new(move |pulse| {
        bar.set_message(line(pulse));
        bar.tick();
    })
}

fn line(pulse: &Pulse) -> String {
    let phase = match pulse.phase {
        Phase::Running => "load",
        Phase::Draining => "drain",
        Phase::Over => "over",
    };
    live::line(&Glimpse {
        elapsed: pulse.elapsed,
        phase,
        left: pulse.left,
        users: pulse.users,
        due: pulse.ended + u64::from(pulse.in_flight),
        in_flight: pulse.in_flight,
        p50_us: pulse.p50_us,
        p99_us: pulse.p99_us,
        ok: pulse.ok,
        errors: pulse.errors,
        throttled: pulse.throttled,
    })
}
