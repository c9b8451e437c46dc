//! squall's command line: parse, do, return the exit code.

use std::process::ExitCode;

use clap::Parser;
use squall::cli::args::{Arguments, Command};
use squall::cli::{
    chaos, check, conformance, manual, probe, profiles, report, run, schema, serve, terminal,
};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Profiles(arguments) => profiles::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man => manual::page(),
        Command::Chaos(arguments) => chaos::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
    };
    done.unwrap_or_else(|fault| terminal::fault(&fault))
}
