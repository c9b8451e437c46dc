//! `${NAME}` in strings: replaced from the environment, `$${` standing for a plain `${`.

use std::cell::RefCell;

use crate::model::secret::Secret;

use super::document::{Node, Table, Value};
use super::log::Log;
use super::mistake::{Mistake, Place, Source};

/// What the environment holds under a name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces every `${NAME}` in every string of a table; a name that is not set is a mistake.
pub fn fill(table: &mut Table, lookup: Lookup<'_>, log: &Log) {
    for entry in &mut table.entries {
        fill_node(&mut entry.node, lookup, log);
    }
}

fn fill_node(node: &mut Node, lookup: Lookup<'_>, log: &Log) {
    match &mut node.value {
        Value::Text(text) if text.contains("${") => {
            let values = RefCell::default();
            match replaced(text, &|name| noted(lookup(name), &values)) {
                Ok(filled) => {
                    let before = std::mem::replace(text, filled);
                    log.filled(node.place, before, values.take());
                }
                Err(wrong) => {
                    log.mistake(wrong.at(node.place, &log.sources()));
                    log.judged(node.place);
                }
            }
        }
        Value::List(list) => list.iter_mut().for_each(|item| fill_node(item, lookup, log)),
        Value::Table(table) => fill(table, lookup, log),
        _ => {}
    }
}

fn noted(value: Option<String>, values: &RefCell<Vec<Secret>>) -> Option<String> {
    value.inspect(|value| values.borrow_mut().push(Secret::new(value.as_str())))
}

/// What is wrong with a `${...}`.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// The environment has no such name.
    Unset(String),
    /// No closing brace, or something that is no name between the braces.
    NoName,
}

fn replaced(text: &str, lookup: Lookup<'_>) -> Result<String, Wrong> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let (name, after) = rest[at + 2..].split_once('}').ok_or(Wrong::NoName)?;
        if !is_name(name) {
            return Err(Wrong::NoName);
        }
        filled.push_str(&lookup(name).ok_or_else(|| Wrong::Unset(name.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Wrong {
    fn at(self, place: Place, sources: &[Source]) -> Mistake {
        let (name, found, right, help) = match self {
            Self::Unset(name) => {
                let help = format!("export {name}=... before starting squall");
                let found = format!("the environment has no {name}");
                (format!("${{{name}}}"), found, "this name is not set".to_owned(), help)
            }
            Self::NoName => {
                let found = "`${` without a name of the environment".to_owned();
                let help = "write $${ for a plain ${".to_owned();
                ("${".to_owned(), found, "expected ${NAME}".to_owned(), help)
            }
        };
        Mistake { place: narrowed(place, &name, sources), found, right, help: Some(help) }
    }
}

/// The place of `part` within a place, if the text there holds it literally.
fn narrowed(place: Place, part: &str, sources: &[Source]) -> Place {
    let Some((start, end)) = place.span else { return place };
    let raw = sources.get(place.source).and_then(|source| source.text.get(start..end));
    match raw.and_then(|raw| raw.find(part)) {
        Some(at) => Place { span: Some((start + at, start + at + part.len())), ..place },
        None => place,
    }
}

#[cfg(test)]
mod tests {
    use super::{Wrong, replaced};

    #[test]
    fn names_are_replaced_and_escapes_are_not() {
        let lookup = |name: &str| (name == "A_1").then(|| "x${A_1}".to_owned());
        let unset = |name: &str| Err(Wrong::Unset(name.to_owned()));
        let table = [
            ("plain $ {A_1} }", Ok("plain $ {A_1} }".to_owned())),
            ("<${A_1}>", Ok("<x${A_1}>".to_owned())),
            ("${A_1}${A_1}", Ok("x${A_1}x${A_1}".to_owned())),
            ("$${A_1}", Ok("${A_1}".to_owned())),
            ("$$${A_1}", Ok("$${A_1}".to_owned())),
            ("${B}", unset("B")),
            ("${A_1", Err(Wrong::NoName)),
            ("${}", Err(Wrong::NoName)),
            ("${1A}", Err(Wrong::NoName)),
            ("${A-1}", Err(Wrong::NoName)),
        ];
        for (text, expected) in table {
            assert_eq!(replaced(text, &lookup), expected, "{text}");
        }
    }
}
