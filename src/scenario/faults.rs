//! `[[fault]]`: what misbehaves, when, and whom it befalls. Each family of kinds has a file.

mod hook;
mod mischief;
mod network;
mod stream;
mod toxiproxy;

pub use toxiproxy::server;

use std::time::Duration;

use crate::model::fault::{self, Fault, Mischief, Network, Scope, Traffic, What, When};
use crate::model::leg::Leg;
use crate::model::operation::Operation;
use crate::model::plan::Plan;

use super::document::Node;
use super::mistake::Place;
use super::nearest::nearest;
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// The longest a window may be, or be away.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// One kind of fault.
struct Kind {
    /// Its word.
    name: &'static str,
    /// The keys that it reads besides those of every fault.
    keys: &'static [&'static str],
    /// Reads them.
    read: fn(&Table<'_>) -> Option<What>,
}

/// All kinds, family by family.
const FAMILIES: [&[Kind]; 5] =
    [network::KINDS, stream::KINDS, mischief::KINDS, toxiproxy::KINDS, hook::KINDS];
/// Tells what is wrong with whom a fault befalls, and what would be right.
type Wrongly<'a> = &'a dyn Fn(String, &str);
/// The keys of every fault.
const COMMON: [&str; 8] = ["name", "kind", "at", "lasts", "every", "repeat", "share", "match"];

/// One fault as it is written.
#[derive(Debug)]
pub struct Written {
    fault: Fault,
    /// The table.
    place: Place,
    at: Place,
    scope: Place,
}

fn kinds() -> impl Iterator<Item = &'static Kind> {
    FAMILIES.into_iter().flatten()
}

/// Reads one.
pub fn read(table: &Table<'_>) -> Option<Written> {
    let names: Vec<_> = kinds().map(|kind| kind.name).collect();
    let doc = "What it does.";
    let kind = table.key("kind", doc).read(names.join(" | "), |node| kind(node, &names));
    let kind = kind.required();
    let doc = "Its name in the report and in thresholds; else its kind.";
    let name = table.key("name", doc).text().optional();
    let when = when(table);
    let doc = "The share of connections or calls that it befalls, by the seed.";
    let share = table.key("share", doc).share().or(1.0);
    let doc = "Whom it may befall.";
    let scope = table.table("match", doc, scope);
    let what = what(table, kind);
    let kind = kind?;
    let fault = Fault {
        name: name.unwrap_or_else(|| kind.name.to_owned()),
        kind: kind.name,
        when: when?,
        share,
        scope,
        what: what?,
    };
    let (at, scope) = (table.place_of("at"), table.place_of("match"));
    Some(Written { fault, place: table.place(), at, scope })
}

fn kind(node: &Node, names: &[&str]) -> Result<&'static Kind, Wrong> {
    let text = text_of(node)?;
    let found = kinds().find(|kind| kind.name == text);
    found.ok_or_else(|| match nearest(text, names.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("expected one of {}", names.join(", ")),
    })
}

fn when(table: &Table<'_>) -> Option<When> {
    let shortest = Duration::from_millis(1);
    let doc = "When it begins, since the start of the load.";
    let at = table.key("at", doc).duration(Duration::ZERO..=WEEK).required();
    let doc = "How long it lasts; without it to the end of the run.";
    let lasts = table.key("lasts", doc).duration(shortest..=WEEK).optional();
    let doc = "It comes again, so long after it began.";
    let every = table.key("every", doc).duration(shortest..=WEEK).optional();
    let doc = "How often it comes in all; without it as often as there is time for.";
    let repeat = table.key("repeat", doc).count(1..=1_000).optional();
    let wrong = |key: &str, found: &str, right: &str| {
        table.log().wrong(table.place_of(key), found, right);
    };
    match (every, lasts) {
        (None, _) if repeat.is_some() => {
            wrong("repeat", "repeat without every", "add every, from one beginning to the next");
        }
        (Some(_), None) => {
            wrong(
                "every",
                "every without lasts",
                "add lasts: a fault without an end cannot come again",
            );
        }
        (Some(every), Some(lasts)) if lasts >= every => {
            wrong("every", "it comes again before it is over", "let every be longer than lasts");
        }
        _ => {}
    }
    Some(When { at: at?, lasts, every, repeat })
}

fn scope(table: &Table<'_>) -> Scope {
    let doc = "mcp, oauth, or one leg of it; without it all of it.";
    let words: Vec<_> = [("all", Traffic::All), ("mcp", Traffic::Mcp), ("oauth", Traffic::Oauth)]
        .into_iter()
        .chain(Leg::ALL.map(|leg| (leg.name(), Traffic::Leg(leg))))
        .collect();
    let traffic = table.key("traffic", doc).word(&words, &[]).or_as(Traffic::All, "\"all\"");
    let operations: Vec<_> = Operation::ALL.map(|operation| (operation.name(), operation)).to_vec();
    let doc = "One operation; only what acts at the client's end can tell.";
    let operation = table.key("operation", doc).word(&operations, &[]).optional();
    let doc = "One tool; only what acts at the client's end can tell.";
    let tool = table.key("tool", doc).text().optional();
    let doc = "The users of one profile.";
    let profile = table.key("profile", doc).text().optional();
    Scope { traffic, operation, tool, profile }
}

/// Reads what a fault of this kind does; the keys of other kinds are refused.
fn what(table: &Table<'_>, chosen: Option<&Kind>) -> Option<What> {
    let mut what = None;
    for kind in kinds() {
        if chosen.is_some_and(|chosen| chosen.name == kind.name) {
            what = (kind.read)(table);
        } else {
            table.log().muted(|| drop((kind.read)(table)));
        }
    }
    let chosen = chosen?;
    for entry in table.entries() {
        let key = entry.key.as_str();
        let owners: Vec<_> = kinds().filter(|kind| kind.keys.contains(&key)).collect();
        let is_foreign = !owners.is_empty() && !owners.iter().any(|own| own.name == chosen.name);
        if is_foreign && !COMMON.contains(&key) {
            let owners: Vec<_> = owners.iter().map(|kind| kind.name).collect();
            let found = format!("fault[].{key} does nothing with kind = \"{}\"", chosen.name);
            let right = format!("remove it; it belongs to {}", owners.join(", "));
            table.log().wrong(entry.key_place, found, right);
        }
    }
    what
}

/// Holds the faults against the rest of the scenario.
pub fn settle(root: &Table<'_>, plan: &mut Plan, written: Vec<Written>) {
    if let Some(extra) = written.get(fault::MOST) {
        let found = format!("more than {} faults", fault::MOST);
        root.log().wrong(extra.place, found, "leave some out, or let one come again with every");
        return;
    }
    toxiproxy::permit(root, plan);
    let end = plan.load.pace.length() + plan.load.drain;
    let mut names: Vec<String> = Vec::new();
    let mut windows = 0;
    for Written { fault, place, at, scope } in written {
        let wrong = |place, found: String, right: &str| root.log().wrong(place, found, right);
        if names.contains(&fault.name) {
            let found = format!("two faults are called {}", fault.name);
            wrong(place, found, "give each a name of its own");
        }
        let is_a_windows = fault
            .name
            .rsplit_once(" #")
            .is_some_and(|(_, turn)| turn.bytes().all(|digit| digit.is_ascii_digit()));
        if fault.name.contains('"') || is_a_windows {
            let found = format!("a fault called {}", fault.name);
            let right =
                "thresholds could not tell it: no quotation marks, and no # and number at its end";
            wrong(place, found, right);
        }
        let (before, own) = (windows, fault.when.windows(end).count());
        windows += own;
        if own == 0 {
            let found = "a fault that begins after the end of the run".to_owned();
            wrong(at, found, "let it begin before the stages and the drain are over");
        } else if let (Some(_), Some(repeat)) = (fault.when.every, fault.when.repeat)
            && own < repeat as usize
        {
            let found =
                format!("{repeat} windows, and only {own} of them before the end of the run");
            wrong(at, found, "lower repeat or every, or leave repeat out");
        }
        if windows > fault::MOST_WINDOWS && before <= fault::MOST_WINDOWS {
            let found = format!("more than {} windows in all", fault::MOST_WINDOWS);
            wrong(place, found, "give repeat, or let faults come again less often");
        }
        if fault.what == What::Network(Network::Down) && fault.share < 1.0 {
            wrong(place, "a share of down".to_owned(), "remove share, or take drop or reset");
        }
        refuse_scope(plan, &fault, &|found, right| wrong(scope, found, right));
        match &fault.what {
            What::Network(_) | What::Stream(_) | What::Mischief(_) => {}
            What::Toxic(toxic) => {
                toxiproxy::refuse(plan, &fault, toxic, &|found, right| wrong(place, found, right));
            }
            What::Hook(hook) => hook::refuse(root, plan, (&fault, place), hook),
        }
        names.push(fault.name.clone());
        plan.faults.push(fault);
    }
}

/// What a fault cannot match in this scenario, or where it acts.
fn refuse_scope(plan: &Plan, fault: &Fault, wrong: Wrongly<'_>) {
    let Scope { traffic, operation, tool, profile } = &fault.scope;
    let kind = fault.kind;
    if matches!(traffic, Traffic::Oauth | Traffic::Leg(_)) && plan.auth.granted().is_none() {
        let found = "a fault on OAuth, and nobody gets tokens in this scenario".to_owned();
        wrong(found, "write traffic = \"mcp\", or give [auth] a kind that gets tokens");
    }
    let has = &plan.clients.profile;
    let is_his = |name: &String| *name == has.name || *name == format!("{}@{}", has.name, has.date);
    if let Some(other) = profile.as_ref().filter(|name| !is_his(name)) {
        let found = format!("no user has the profile {other}");
        wrong(found, "name the profile under [clients], or leave profile out");
    }
    match &fault.what {
        What::Network(_) if operation.is_some() || tool.is_some() => {
            let found = format!("{kind} acts on whole connections, and cannot see what they carry");
            wrong(found, "match traffic, or take a kind that acts at the client's end");
        }
        What::Toxic(_) if fault.scope != Scope::default() => {
            let found = format!("{kind} befalls whatever passes the proxy");
            wrong(found, "remove match; share says how many connections it befalls");
        }
        What::Network(_) | What::Toxic(_) | What::Hook(_) => {}
        What::Stream(_) => {
            refuse_at_client(plan, fault, wrong);
            stream::refuse(&fault.scope, kind, wrong);
        }
        What::Mischief(mischief) => {
            if !matches!(mischief, Mischief::ClockSkew(_)) {
                refuse_at_client(plan, fault, wrong);
            }
            mischief::refuse(plan, fault, mischief, wrong);
        }
    }
}

/// What nothing at the client's end can match: it acts on MCP alone.
fn refuse_at_client(plan: &Plan, fault: &Fault, wrong: Wrongly<'_>) {
    let Scope { traffic, operation, tool, .. } = &fault.scope;
    let kind = fault.kind;
    let is_leg = operation.is_some_and(|operation| operation.name().starts_with("oauth/"));
    if is_leg || matches!(traffic, Traffic::Oauth | Traffic::Leg(_)) {
        let found = format!("{kind} acts on MCP, and never on OAuth");
        wrong(found, "write traffic = \"mcp\", or take a kind that acts on the network");
    }
    let Some(tool) = tool else { return };
    if operation.is_some_and(|operation| operation != Operation::ToolsCall) {
        let found = format!("no call of {tool} is this operation");
        wrong(found, "leave tool out, or write operation = \"tools/call\"");
    }
    if plan.tools.allow.as_ref().is_some_and(|allowed| !allowed.contains(tool)) {
        let found = format!("nobody calls {tool}: it is not allowed");
        wrong(found, "name a tool of allow under [tools], or leave tool out");
    }
}

#[cfg(test)]
mod tests;
