//! squall's command line: parse, do, return the exit code.

use std::process::ExitCode;

use clap::Parser;
use squall::cli::args::{Arguments, Command};
use squall::cli::{check, run, serve, terminal};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    };
    done.unwrap_or_else(|fault| terminal::fault(&fault))
}
