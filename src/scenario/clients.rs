//! `[clients]`: which client is simulated, and under whose name.

use std::net::IpAddr;

use crate::model::plan::{Clients, IdentityMode};
use crate::model::profile::Profile;

use super::document::{Node, Value, parse};
use super::log::Log;
use super::mistake::{Mistake, Place};
use super::nearest::nearest;
use super::reader::Table;
use super::scalar::{Wrong, text_of};
use super::{profile, profiles};

/// Reads a file that a scenario names, or says why it cannot.
pub type Files<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The profile of a scenario that names none.
const DEFAULT: &str = "claude-ai-legacy";

/// Reads `[clients]`.
pub fn read(clients: &Table<'_>, files: Files<'_>) -> Option<Clients> {
    let doc = "The client's behaviour on the wire: claude-ai-legacy, claude-ai-modern, plain, spec, \
               name@date, or a path.";
    let name = clients
        .key("profile", doc)
        .read("a profile's name or path", name_of)
        .or_as(DEFAULT.to_owned(), "\"claude-ai-legacy\"");
    let identity = clients
        .key("identity", "Whose name is on the requests; genuine on loopback, honest elsewhere.")
        .word(&[("honest", IdentityMode::Honest), ("genuine", IdentityMode::Genuine)], &[])
        .optional();
    let doc = "Addresses of this machine that users' connections leave from, in turn.";
    let addresses =
        clients.key("addresses", doc).each("a list of IP addresses", address).optional();
    let addresses = addresses.unwrap_or_default();
    check_kinds(clients, &addresses);
    clients.later("hop", "addresses that change from connection to connection");
    let found = find(clients.log(), &name, clients.place_of("profile"), files);
    let doc = "Values of the profile to replace, each under its key in the profile file.";
    let profile = clients.table("override", doc, |table| {
        // Without a profile there is nothing to replace, but mistakes are still found.
        let missing = found.is_none();
        let base = found.or_else(|| shipped(DEFAULT))?;
        let profile = profile::override_with(table, base);
        (!missing).then_some(profile)
    });
    Some(Clients { profile: profile?, identity, addresses })
}

fn address(node: &Node) -> Result<IpAddr, Wrong> {
    let such = || "expected an address of this machine such as \"127.0.1.1\"".to_owned();
    let address: IpAddr = text_of(node)?.parse().map_err(|_| such())?;
    let is_one = !address.is_unspecified() && !address.is_multicast();
    if is_one { Ok(address) } else { Err(such()) }
}

/// A connection from an IPv4 address does not come to an IPv6 one, nor the other way round.
fn check_kinds(clients: &Table<'_>, addresses: &[IpAddr]) {
    let four = addresses.iter().filter(|address| address.is_ipv4()).count();
    if four != 0 && four != addresses.len() {
        let found = "clients.addresses has IPv4 addresses beside IPv6 ones";
        let right = "give addresses of one kind: the target's";
        clients.log().wrong(clients.place_of("addresses"), found, right);
    }
}

/// A shipped profile.
pub fn shipped(name: &str) -> Option<Profile> {
    let log = Log::default();
    let shipped = profiles::shipped(name)?;
    from_text(&log, &format!("{}@{}.toml", shipped.name, shipped.date), shipped.text)
}

fn name_of(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::List(_) => Err("squall does not know several profiles at once yet: name one".into()),
        _ => text_of(node).map(str::to_owned),
    }
}

fn find(log: &Log, name: &str, place: Place, files: Files<'_>) -> Option<Profile> {
    let shown = log.before(place, name);
    if profiles::is_path(name) {
        return match files(name) {
            Ok(text) => from_text(log, &shown, &text),
            Err(error) => {
                let error = log.discreet(place, error, "the path of a profile");
                log.wrong(place, format!("the profile {shown} cannot be read"), error);
                None
            }
        };
    }
    let Some(shipped) = profiles::shipped(name) else {
        log.mistake(unknown(name, &shown, place));
        return None;
    };
    from_text(log, &format!("{}@{}.toml", shipped.name, shipped.date), shipped.text)
}

fn unknown(name: &str, shown: &str, place: Place) -> Mistake {
    let right = match nearest(name, profiles::SHIPPED.map(|profile| profile.name)) {
        Some(meant) if meant != name => format!("did you mean {meant}?"),
        _ => "no profile has this name".to_owned(),
    };
    let help = format!("the profiles are {}; a path names one of your own", profiles::known());
    Mistake { place, found: format!("unknown profile {shown}"), right, help: Some(help) }
}

/// Reads the text of a profile file; its mistakes go where the scenario's go.
fn from_text(log: &Log, file: &str, text: &str) -> Option<Profile> {
    let source = log.add_source(Some(file), text);
    let tree = match parse(text, source, 0) {
        Ok(tree) => tree,
        Err(mistakes) => {
            log.extend(mistakes);
            return None;
        }
    };
    log.unlisted(|| {
        let table = Table::new(log, "", Place { source, span: None }, Some(&tree));
        let profile = profile::read(&table);
        table.close();
        profile
    })
}
