//! `squall man` and `squall completions`: the command line described, for `man` and for shells.

use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Arguments, CompletionsArgs};
use super::terminal;

/// Commands as they are typed, with what they are for.
const EXAMPLES: [(&str, &str); 9] = [
    ("squall serve --listen 127.0.0.1:8000", "Serve the practice target, at /mcp."),
    (
        "squall chaos --listen 127.0.0.1:8001 --upstream 127.0.0.1:8000",
        "Put a fault proxy before it, driven through Toxiproxy's API on port 8474.",
    ),
    (
        "squall probe http://127.0.0.1:8000/mcp",
        "Look at it with one careful client, and hold it to what reviewers of connectors ask.",
    ),
    ("squall check storm.toml", "What a scenario amounts to, without a single request."),
    (
        "squall run storm.toml --target http://127.0.0.1:8000/mcp --out report",
        "Run it on that server, and open report/report.html.",
    ),
    (
        "squall run storm.toml --set load.speed=10 --seed 3 --quiet",
        "The same, think times divided by 10, other chances, only the summary printed.",
    ),
    ("squall report report", "Draw that run again, from report/run.json."),
    ("squall schema > scenario.schema.json", "What an editor needs to complete a scenario."),
    ("squall completions bash > squall.bash", "What bash needs to complete a command."),
];

/// Prints the manual page of squall and all its commands, as roff.
pub fn page() -> anyhow::Result<ExitCode> {
    terminal::result(&manual()?)?;
    Ok(ExitCode::SUCCESS)
}

/// One page: every command is a part of it, for there are no others that could be named.
fn manual() -> anyhow::Result<String> {
    let mut squall = Arguments::command();
    squall.build();
    let man = Man::new(squall.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    let mut page = String::from_utf8(page)?;
    page += &Roff::new().control("SH", ["COMMANDS"]).to_roff();
    for command in
        squall.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help")
    {
        page += &part(command)?;
    }
    page += &examples();
    let mut rest = Vec::new();
    man.render_options_section(&mut rest)?;
    man.render_extra_section(&mut rest)?;
    man.render_version_section(&mut rest)?;
    page += &String::from_utf8(rest)?.replace(".SH EXTRA\n", ".SH \"EXIT STATUS\"\n");
    Ok(page)
}

/// A command: its name, how it is typed, what it does, and its options.
fn part(command: &Command) -> anyhow::Result<String> {
    let man = Man::new(command.clone());
    let (mut synopsis, mut description, mut options) = (Vec::new(), Vec::new(), Vec::new());
    man.render_synopsis_section(&mut synopsis)?;
    man.render_description_section(&mut description)?;
    man.render_options_section(&mut options)?;
    let name = format!("squall {}", command.get_name());
    let mut part = Roff::new().control("SS", [name.as_str()]).to_roff();
    part += &body(synopsis)?;
    part += ".PP\n";
    part += &body(description)?;
    part += &body(options)?;
    Ok(part)
}

/// What a section says, without its heading.
fn body(section: Vec<u8>) -> anyhow::Result<String> {
    let section = String::from_utf8(section)?;
    let headed = section.split_once(".SH ").and_then(|(_, headed)| headed.split_once('\n'));
    Ok(headed.map_or(String::new(), |(_, body)| body.to_owned()))
}

fn examples() -> String {
    let mut examples = Roff::new();
    examples.control("SH", ["EXAMPLES"]);
    for (typed, what) in EXAMPLES {
        examples.control("TP", []).text([bold(typed)]).text([roman(what)]);
    }
    examples.to_roff()
}

/// Prints the completions of a shell.
pub fn completions(arguments: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "squall", &mut script);
    terminal::result(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_example_can_be_typed() {
        for (typed, _) in EXAMPLES {
            let words = typed.split(" > ").next().unwrap().split(' ');
            let read = Arguments::try_parse_from(words);
            assert!(read.is_ok(), "{typed}: {}", read.unwrap_err());
        }
    }

    #[test]
    fn no_page_is_named_that_does_not_exist() {
        let page = manual().unwrap();
        assert_eq!(page.matches("(1)").count(), 0, "{page}");
        assert_eq!(page.matches(".TH ").count(), 1);
        for once in
            [".SH NAME", ".SH COMMANDS", ".SH EXAMPLES", ".SH OPTIONS", ".SH \"EXIT STATUS\""]
        {
            assert_eq!(page.matches(once).count(), 1, "{once}");
        }
    }
}
