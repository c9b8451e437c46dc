//! What squall says of its own command line: manual page, completions, and the README.

use std::fs;

use regex::Regex;

use crate::squall::{Place, root};

fn says(arguments: &[&str]) -> String {
    let done = Place::new().squall().args(arguments.iter().copied()).go();
    done.exits(0);
    assert_eq!(done.stderr, "");
    done.stdout
}

/// The commands as `squall --help` lists them.
fn commands() -> Vec<String> {
    let help = says(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let name = Regex::new(r"(?m)^  ([a-z]+)").unwrap();
    let names = name.captures_iter(list).map(|found| found[1].to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn the_manual_page_has_every_command() {
    let page = says(&["man"]);
    assert!(page.contains(".TH squall 1"), "{page}");
    for command in commands() {
        assert!(page.contains(&format!(".SS \"squall {command}\"")), "{command}");
    }
    assert!(page.contains("\\-\\-i\\-am\\-authorised") && page.contains("Exit codes"));
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = says(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell} lacks {command}");
        }
    }
    Place::new().squall().args(["completions", "tcsh"]).go().exits(2);
}

#[test]
fn the_readme_names_every_command() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in commands() {
        assert!(readme.contains(&format!("squall {command}")), "README.md lacks squall {command}");
    }
}
