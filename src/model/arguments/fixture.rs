//! Argument objects from the scenario, with placeholders in their strings.
//!
//! A placeholder is a lower-case name in braces: `{word}` (a word), `{year}` (1950-2026), `{number}`
//! (1-9999), `{nonce}` (18 letters and digits that say whose call it is). Every other brace is just a brace.

use serde_json::Value;

use crate::model::chance::Chance;
use crate::model::nonce::PLACE;

use super::text;

/// Why fixtures cannot be used; `index` counts from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FixtureError {
    /// No fixture.
    #[error(
        "the list of arguments is empty; write at least one object, {{}} if the tool takes none"
    )]
    Empty,
    /// Arguments that are no object.
    #[error(
        "entry {index} is {found}; arguments are an object, such as {{ query = \"{{word}}\" }}"
    )]
    NotAnObject {
        /// Which entry.
        index: usize,
        /// Its JSON type.
        found: &'static str,
    },
    /// A name in braces that means nothing.
    #[error(
        "entry {index} has the unknown placeholder {{{name}}}; \
         use {{word}}, {{year}}, {{number}} or {{nonce}}"
    )]
    UnknownPlaceholder {
        /// Which entry.
        index: usize,
        /// The name in braces.
        name: String,
    },
}

/// One object as JSON text with gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Json(Vec<u8>),
    Gap(Placeholder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Word,
    Year,
    Number,
    Nonce,
}

pub(super) fn templates(fixtures: &[Value]) -> Result<Vec<Template>, FixtureError> {
    if fixtures.is_empty() {
        return Err(FixtureError::Empty);
    }
    fixtures.iter().enumerate().map(|(index, fixture)| template(index, fixture)).collect()
}

fn template(index: usize, fixture: &Value) -> Result<Template, FixtureError> {
    if !fixture.is_object() {
        return Err(FixtureError::NotAnObject { index, found: kind(fixture) });
    }
    let mut template = Template(Vec::new());
    template.value(fixture).map_err(|name| FixtureError::UnknownPlaceholder { index, name })?;
    Ok(template)
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl Template {
    pub(super) fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Json(json) => out.extend_from_slice(json),
                Piece::Gap(placeholder) => placeholder.fill(chance, out),
            }
        }
    }

    /// Appends a value; fails with the name of an unknown placeholder.
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => self.string(text)?,
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.json(if number == 0 { "[" } else { "," });
                    self.value(item)?;
                }
                self.json(if items.is_empty() { "[]" } else { "]" });
            }
            Value::Object(members) => {
                for (number, (name, member)) in members.iter().enumerate() {
                    self.json(if number == 0 { "{" } else { "," });
                    self.json(&Value::from(name.as_str()).to_string());
                    self.json(":");
                    self.value(member)?;
                }
                self.json(if members.is_empty() { "{}" } else { "}" });
            }
            plain => self.json(&plain.to_string()),
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), String> {
        self.json("\"");
        let mut rest = text;
        while let Some((before, name, after)) = next_placeholder(rest) {
            self.escaped(before);
            self.0.push(Piece::Gap(Placeholder::named(name).ok_or(name)?));
            rest = after;
        }
        self.escaped(rest);
        self.json("\"");
        Ok(())
    }

    fn escaped(&mut self, text: &str) {
        let quoted = Value::from(text).to_string();
        self.json(&quoted[1..quoted.len() - 1]);
    }

    fn json(&mut self, json: &str) {
        if let Some(Piece::Json(last)) = self.0.last_mut() {
            last.extend_from_slice(json.as_bytes());
        } else {
            self.0.push(Piece::Json(json.as_bytes().to_vec()));
        }
    }
}

/// Splits at the first brace that holds a lower-case name.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(open, _)| {
        let inside = &text[open + 1..];
        let close = inside.find('}')?;
        let name = &inside[..close];
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        is_name.then(|| (&text[..open], name, &inside[close + 1..]))
    })
}

impl Placeholder {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "word" => Self::Word,
            "year" => Self::Year,
            "number" => Self::Number,
            "nonce" => Self::Nonce,
            _ => return None,
        })
    }

    fn fill(self, chance: &mut Chance, out: &mut Vec<u8>) {
        match self {
            Self::Word => out.extend_from_slice(text::word(chance).as_bytes()),
            Self::Year => text::integer(chance.between(1950, 2026), out),
            Self::Number => text::integer(chance.between(1, 9999), out),
            Self::Nonce => out.extend_from_slice(PLACE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::super::Maker;
    use super::*;

    fn made(maker: &Maker, variation: u64) -> Value {
        let mut out = Vec::new();
        maker.make(variation, crate::model::nonce::Nonce::new(7, 0, 0, variation), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn gaps_are_filled_and_the_rest_is_kept() {
        let fixture = json!({
            "query": "{word} in {year} #{number}",
            "a \"quoted\" key": ["{nonce}", 1, null, true, 2.5, {}, []],
            "plain": "braces {\"a\": 1} { } {} {Word} and \\ \" \n stay",
        });
        let maker = Maker::from_fixtures(std::slice::from_ref(&fixture)).unwrap();
        let query = regex::Regex::new(r"^[a-z]+ in (19[5-9]\d|20[0-2]\d) #[1-9]\d{0,3}$").unwrap();
        for variation in 0..100 {
            let value = made(&maker, variation);
            assert!(query.is_match(value["query"].as_str().unwrap()), "{value}");
            assert_eq!(value["plain"], fixture["plain"]);
            let list = value["a \"quoted\" key"].as_array().unwrap();
            assert_eq!(list[0].as_str().unwrap().len(), PLACE.len());
            assert_eq!(list[1..], fixture["a \"quoted\" key"].as_array().unwrap()[1..]);
        }
    }

    #[test]
    fn every_fixture_is_used_and_repeats_with_its_variation() {
        let fixtures: Vec<Value> =
            (0..5).map(|number| json!({"n": number, "q": "{nonce}"})).collect();
        let maker = Maker::from_fixtures(&fixtures).unwrap();
        let values: Vec<Value> = (0..200).map(|variation| made(&maker, variation)).collect();
        let used: HashSet<_> = values.iter().map(|value| value["n"].as_u64()).collect();
        assert_eq!(used.len(), 5);
        let unlike: HashSet<_> = values.iter().map(ToString::to_string).collect();
        assert_eq!(unlike.len(), 200);
        assert_eq!(made(&maker, 17), values[17]);
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let table = [
            (vec![], "the list of arguments is empty; write at least one object, {}"),
            (vec![json!({}), json!("x")], "entry 1 is a string; arguments are an object"),
            (vec![json!({"q": ["{wort}"]})], "{wort}; use {word}, {year}, {number} or {nonce}"),
        ];
        for (fixtures, part) in table {
            let message = Maker::from_fixtures(&fixtures).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
