//! `[clients]`: which client is simulated, and under whose name.

use std::net::IpAddr;

use crate::model::plan::{Clients, IdentityMode};
use crate::model::profile::Profile;

use super::document::{Node, Value, parse};
use super::log::Log;
use super::mistake::{Mistake, Mistakes, Place};
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
    let doc = "The client's behaviour on the wire: a name that `squall profiles` lists, name@date, or a \
               path.";
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
    let found = find(clients.log(), &name, clients.place_of("profile"), files, &[]);
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
    named(name, &|_| Err(String::new())).ok()
}

/// The profile of this name or at this path, or every mistake in what it is read from.
///
/// # Errors
/// There is none of this name, or it has mistakes.
pub fn named(name: &str, files: Files<'_>) -> Result<Profile, Mistakes> {
    let log = Log::default();
    let place = Place { source: log.add_source(None, name), span: Some((0, name.len())) };
    match find(&log, name, place, files, &[]) {
        Some(profile) if log.is_clean() => Ok(profile),
        _ => Err(log.mistakes()),
    }
}

fn name_of(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::List(_) => Err("squall does not know several profiles at once yet: name one".into()),
        _ => text_of(node).map(str::to_owned),
    }
}

/// Those that inherit from it, the first one first.
type Heirs<'h> = &'h [String];

fn find(
    log: &Log,
    name: &str,
    place: Place,
    files: Files<'_>,
    heirs: Heirs<'_>,
) -> Option<Profile> {
    let shown = log.before(place, name);
    if profiles::is_path(name) {
        return match files(name) {
            Ok(text) => from_text(log, (name, &shown), &text, (files, heirs), place),
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
    let name = format!("{}@{}", shipped.name, shipped.date);
    from_text(log, (&name, &format!("{name}.toml")), shipped.text, (files, heirs), place)
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
fn from_text(
    log: &Log,
    (name, file): (&str, &str),
    text: &str,
    (files, heirs): (Files<'_>, Heirs<'_>),
    place: Place,
) -> Option<Profile> {
    if heirs.iter().any(|heir| heir == name) {
        let round: Vec<&str> = heirs.iter().map(String::as_str).chain([name]).collect();
        let found = format!("the profile {file} inherits from itself: {}", round.join(" -> "));
        log.wrong(place, found, "name another one, or leave inherits out");
        return None;
    }
    let heirs = [heirs, &[name.to_owned()]].concat();
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
        let inherited = |name: &str, place: Place| find(log, name, place, files, heirs.as_slice());
        let profile = profile::read(&table, &inherited);
        table.close();
        profile
    })
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::model::profile::{Confidence, Ids, Profile};
    use crate::scenario::profiles::SHIPPED;

    /// What the files of this folder come to.
    fn read(name: &str, files: &[(&str, &str)]) -> Result<Profile, String> {
        let found = |path: &str| {
            let file = files.iter().find(|(name, _)| *name == path);
            file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
        };
        named(name, &found).map_err(|mistakes| mistakes.render(false))
    }

    const MINE: &str = "name = 'mine'\ndate = '2026-12'\nabout = 'Ours.'\n\
        inherits = 'claude-ai-legacy@2026-09'\n\
        ids = { is = 'counter 5', source = 'our proxy', confidence = 'observed', date = '2026-11' }\n\
        cap = { is = 3, source = 'our proxy', confidence = 'observed' }\n\
        [identity]\nuser_agent = { is = 'us', source = 'our proxy', confidence = 'observed' }\n";

    #[test]
    fn three_lines_make_a_profile_of_ones_own() {
        let (mine, base) = (
            read("mine.toml", &[("mine.toml", MINE)]).unwrap(),
            read("claude-ai-legacy", &[]).unwrap(),
        );
        assert_eq!((mine.name.as_str(), mine.date.as_str(), mine.cap), ("mine", "2026-12", 3));
        assert_eq!((mine.ids, mine.identity.user_agent.as_str()), (Ids::Counter(5), "us"));
        assert_eq!(mine.sources["ids"].date, "2026-11");
        assert_eq!(mine.sources["cap"].date, "2026-12");
        let unlike = mine.sources.iter().filter(|(key, source)| base.sources[*key] != **source);
        let unlike: Vec<_> = unlike.map(|(key, _)| key.as_str()).collect();
        assert_eq!(unlike, ["cap", "identity.user_agent", "ids"]);
        assert_eq!((mine.stagger, mine.oauth), (base.stagger, base.oauth));
    }

    #[test]
    fn what_cannot_be_inherited_is_said_in_place() {
        let one = MINE.replace("claude-ai-legacy@2026-09", "other.toml");
        let other = MINE.replace("claude-ai-legacy@2026-09", "one.toml");
        let round = read("one.toml", &[("one.toml", &one), ("other.toml", &other)]).unwrap_err();
        assert!(
            round.contains("inherits from itself: one.toml -> other.toml -> one.toml"),
            "{round}"
        );
        let own = MINE.replace("claude-ai-legacy@2026-09", "mine.toml");
        let own = read("mine.toml", &[("mine.toml", &own)]).unwrap_err();
        assert!(own.contains("inherits from itself: mine.toml -> mine.toml"), "{own}");
        // All at once: whom it cannot inherit from, and what is wrong in it.
        let wrong = MINE.replace("claude-ai-legacy@2026-09", "claude-ai-lagacy");
        let wrong = wrong.replace("is = 3", "is = 0").replace("'counter 5'", "'random'");
        let wrong = read("mine.toml", &[("mine.toml", &wrong)]).unwrap_err();
        for part in ["did you mean claude-ai-legacy?", "cap", "constant 1", "3 mistakes"] {
            assert!(wrong.contains(part), "{part}: {wrong}");
        }
        let gone = read("mine.toml", &[("mine.toml", &MINE.replace("@2026-09", ".toml"))]);
        assert!(gone.unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn every_shipped_profile_is_whole_and_says_where_its_values_come_from() {
        for shipped in SHIPPED {
            let profile = read(&shipped.full(), &[]).unwrap();
            assert_eq!(
                (profile.name.as_str(), profile.date.as_str()),
                (shipped.name, shipped.date)
            );
            assert!(!profile.about.is_empty(), "{}", shipped.name);
            let plain = read("plain", &[]).unwrap();
            assert!(profile.sources.keys().eq(plain.sources.keys()), "{}", shipped.name);
            for (key, source) in &profile.sources {
                assert!(!source.value.is_null() && source.reference.len() > 5, "{key}");
                let is_ours = source.confidence == Confidence::Modelled;
                assert!(is_ours || source.reference.len() > 12, "{key} of {}", shipped.name);
            }
        }
    }
}
