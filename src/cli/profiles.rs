//! `squall profiles`: which there are, what one holds, what tells two apart.

use std::process::ExitCode;

use super::args::{Profiles, ProfilesArgs};
use super::terminal;
use crate::edge::files;
use crate::model::profile::Profile;
use crate::render::profiles;
use crate::scenario::{clients, profiles as shipped};

/// Prints it.
pub fn run(arguments: &ProfilesArgs) -> anyhow::Result<ExitCode> {
    let said = match &arguments.what {
        None => {
            let all: Vec<Profile> =
                shipped::SHIPPED.iter().filter_map(|one| clients::shipped(&one.full())).collect();
            Ok(profiles::list(&all))
        }
        Some(Profiles::Show { name, json: false }) => found(name).map(|one| profiles::show(&one)),
        Some(Profiles::Show { name, json: true }) => found(name).map(|one| profiles::json(&one)),
        Some(Profiles::Diff { one, other }) => {
            let both = found(one).and_then(|one| found(other).map(|other| (one, other)));
            both.map(|(one, other)| profiles::diff(&one, &other))
        }
    };
    match said {
        Ok(text) => terminal::result(&text)?,
        Err(mistakes) => {
            terminal::say(&mistakes);
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A profile, or what a person reads of its mistakes.
fn found(name: &str) -> Result<Profile, String> {
    let read = |path: &str| files::read(path).map_err(|error| error.to_string());
    clients::named(name, &read).map_err(|mistakes| mistakes.render(terminal::colour()))
}
