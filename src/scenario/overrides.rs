//! What the command line says in place of the file: `--set KEY=VALUE` and `--target URL`.

use super::document::{self, Entry, Node, Table, Value};
use super::log::Log;
use super::mistake::{Mistake, Place};
use super::source;

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

/// Reads `KEY=VALUE`, where the value is TOML.
pub fn set(log: &Log, argument: &str) -> Option<Override> {
    let text = format!("{SET}{argument}");
    let number = log.add_source(None, &text);
    let whole = Place { source: number, span: Some((SET.len(), text.len())) };
    let Some((key, _)) = argument.split_once('=') else {
        log.wrong(whole, "an override without a value", "expected KEY=VALUE");
        return None;
    };
    match document::parse(argument, number, SET.len()) {
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
    let target = Table { entries: vec![leaf("url", Value::Text(url.to_owned()))] };
    let table = Table { entries: vec![leaf("target", Value::Table(target))] };
    let places = source::secrets(&table, &text);
    log.hide(&places);
    let spans: Vec<_> = places.iter().filter_map(|place| place.span).collect();
    Override { table, shown: source::shown(&text, &spans) }
}

/// Lays one tree over another: tables are joined, everything else is replaced.
pub fn lay_over(base: &mut Table, over: Table, log: &Log) {
    for entry in over.entries {
        let Some(below) = base.entries.iter_mut().find(|below| below.key == entry.key) else {
            base.entries.push(entry);
            continue;
        };
        match (&mut below.node.value, entry.node.value) {
            (Value::Table(base), Value::Table(over)) => lay_over(base, over, log),
            (Value::List(_), Value::Table(_)) => {
                let found = format!("{} is a list in the scenario", entry.key);
                log.wrong(entry.key_place, found, "give the whole list");
            }
            (_, value) => below.node = Node { place: entry.node.place, value },
        }
    }
}
