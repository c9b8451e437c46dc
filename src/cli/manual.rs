//! `squall man` and `squall completions`: the command line described, for `man` and for shells.

use std::process::ExitCode;

use clap::CommandFactory;

use super::args::{Arguments, CompletionsArgs};
use super::terminal;

/// Prints the manual page of squall and all its commands, as roff.
pub fn page() -> anyhow::Result<ExitCode> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let one = clap_mangen::Man::new(command.clone());
        one.render_name_section(&mut page)?;
        one.render_synopsis_section(&mut page)?;
        one.render_description_section(&mut page)?;
        one.render_options_section(&mut page)?;
    }
    terminal::result(&String::from_utf8(page)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the completions of a shell.
pub fn completions(arguments: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "squall", &mut script);
    terminal::result(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
