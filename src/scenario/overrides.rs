//! What the command line says in place of the file: `--set KEY=VALUE` and `--target URL`.

use super::document::{self, Entry, Node, Table, Value};
use super::log::Log;
use super::mistake::{Mistake, Place};
use super::source;
use crate::model::plan::same_origin;

const SET: &str = "--set ";
const TARGET: &str = "--target ";

/// One argument as a tree to lay over the file's, and as a line for the report's copy of it.
#[derive(Debug)]
pub struct Override {
    /// The keys it sets.
    pub table: Table,
    /// The argument, its secrets covered.
    pub shown: String,
}

/// Reads `KEY=VALUE`, where the value is TOML, or text that needs no quotes.
pub fn set(log: &Log, argument: &str) -> Option<Override> {
    let text = format!("{SET}{argument}");
    let number = log.add_source(None, &text);
    let whole = Place { source: number, span: Some((SET.len(), text.len())) };
    let Some((key, value)) = argument.split_once('=').filter(|(_, value)| !value.trim().is_empty())
    else {
        log.wrong(whole, "an override without a value", "expected KEY=VALUE");
        return None;
    };
    let parsed = document::parse(argument, number, SET.len());
    match parsed.or_else(|mistakes| unquoted(key, value, number).ok_or(mistakes)).map(undated) {
        Ok(table) => {
            let places = source::secrets(&table, &text);
            log.hide(&places);
            let spans: Vec<_> = places.iter().filter_map(|place| place.span).collect();
            Some(Override { shown: source::shown(&text, &spans), table })
        }
        Err(mistakes) => {
            let value = SET.len() + key.len() + 1;
            let closed = key.trim_start().starts_with("auth") || text.contains('@');
            let query = text[value..].find('?').map(|at| value + at + 1);
            if let Some(from) = closed.then_some(value).or(query) {
                log.hide(&[Place { source: number, span: Some((from, text.len())) }]);
            }
            let help = format!(
                "a value is TOML: quote text and keep the quotes from the shell, as in \
                 --set {key}='\"text\"'"
            );
            for mistake in mistakes {
                let right = "this is no TOML value".to_owned();
                log.mistake(Mistake { right, help: Some(help.clone()), ..mistake });
            }
            None
        }
    }
}

/// The value as text, where it is no TOML and does not begin like a string, list or table: a person
/// who writes `load.drain=20s` means it.
fn unquoted(key: &str, value: &str, source: usize) -> Option<Table> {
    let text = value.trim();
    if text.starts_with(['"', '\'', '[', '{', '#']) || text.contains(char::is_control) {
        return None;
    }
    let start = SET.len() + key.len() + 1 + (value.len() - value.trim_start().len());
    let place = Place { source, span: Some((start, start + text.len())) };
    let mut table = document::parse(&format!("{key}=''"), source, SET.len()).ok()?;
    *leaf(&mut table)? = Node { place, value: Value::Text(text.to_owned()) };
    Some(table)
}

/// A date as text: no key has dates, and a revision of the protocol looks like one.
fn undated(mut table: Table) -> Table {
    if let Some(Node { value, .. }) = leaf(&mut table)
        && let Value::Date(date) = value
    {
        *value = Value::Text(std::mem::take(date));
    }
    table
}

/// The one value of a tree of one dotted key.
fn leaf(table: &mut Table) -> Option<&mut Node> {
    let [entry] = &mut table.entries[..] else { return None };
    match entry.node.value {
        Value::Table(ref mut below) => leaf(below),
        _ => Some(&mut entry.node),
    }
}

/// Reads the URL of `--target`.
pub fn target(log: &Log, url: &str) -> Override {
    let text = format!("{TARGET}{url}");
    let number = log.add_source(None, &text);
    let place = Place { source: number, span: Some((TARGET.len(), text.len())) };
    let leaf = |key: &str, value| Entry {
        key: key.to_owned(),
        key_place: place,
        node: Node { place, value },
    };
    let table = |entry| Table { entries: vec![entry], in_braces: false };
    let target = table(leaf("url", Value::Text(url.to_owned())));
    let table = table(leaf("target", Value::Table(target)));
    let places = source::secrets(&table, &text);
    log.hide(&places);
    let spans: Vec<_> = places.iter().filter_map(|place| place.span).collect();
    Override { table, shown: source::shown(&text, &spans) }
}

/// Takes out of the file's tree what is about its own target only, as another is loaded instead:
/// the address to dial, the names to ask for, and TLS where there is none. Says what that was.
pub fn forget(base: &mut Table, url: &str) -> Option<String> {
    let target = base.entries.iter_mut().find(|entry| entry.key == "target")?;
    let Value::Table(target) = &mut target.node.value else { return None };
    let its = target.get("url").map(|entry| &entry.node.value);
    if matches!(its, Some(Value::Text(its)) if its == url || same_origin(its, url)) {
        return None;
    }
    let keys: &[&str] = match url.split_once("://") {
        Some(("https", _)) => &["host", "resolve"],
        Some(_) => &["host", "resolve", "tls"],
        None => &["http", "host", "resolve", "tls"],
    };
    let mut forgotten = Vec::new();
    for key in keys {
        forgotten.extend(target.remove(key).then(|| format!("target.{key}")));
    }
    if let Some(tls) = target.entries.iter_mut().find(|entry| entry.key == "tls")
        && let Value::Table(tls) = &mut tls.node.value
        && tls.remove("server_name")
    {
        forgotten.push("target.tls.server_name".to_owned());
    }
    (!forgotten.is_empty()).then(|| forgotten.join(", "))
}

/// Lays one tree over another: a table in braces, and everything that is no table, replaces what
/// was there; the tables of a dotted key are joined.
pub fn lay_over(base: &mut Table, over: Table, log: &Log) {
    for entry in over.entries {
        let Some(below) = base.entries.iter_mut().find(|below| below.key == entry.key) else {
            base.entries.push(entry);
            continue;
        };
        match (&mut below.node.value, entry.node.value) {
            (Value::Table(base), Value::Table(over)) if !over.in_braces => {
                lay_over(base, over, log);
            }
            (Value::List(_), Value::Table(_)) => {
                let found = format!("{} is a list in the scenario", entry.key);
                log.wrong(entry.key_place, found, "give the whole list");
            }
            (_, value) => below.node = Node { place: entry.node.place, value },
        }
    }
}
