//! Arguments of tool calls: made from a tool's `inputSchema`, or from the scenario's fixtures.
//!
//! A maker is compiled once a tool; a call then writes its JSON straight into the request's buffer.
//! A nonce in them says whose call it is (see [`Nonce`]), so that an answer is known by what it
//! echoes. The same variation and nonce give the same bytes, another variation nearly always gives others: Claude
//! never repeats a query word for word, and a cache in front of a tool would otherwise answer.

use serde_json::Value;

use super::chance::{Key, Purpose};
use super::nonce::Nonce;

mod array;
mod bounds;
mod check;
#[cfg(test)]
mod corpus;
mod ecma;
mod fixture;
mod flatten;
mod format;
#[cfg(test)]
mod hostile;
mod hot;
mod merge;
mod node;
mod number;
mod object;
mod pattern;
mod refs;
mod schema;
mod shape;
mod sound;
mod text;

pub use fixture::FixtureError;
pub use schema::Unsupported;
pub use shape::{Conformity, Shape, Unfit};

/// Makes the argument objects of one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Maker(Source);

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Schema(node::Node),
    Fixtures(Vec<fixture::Template>),
}

impl Maker {
    /// A maker from a tool's `inputSchema` (JSON Schema, drafts 4 to 2020-12); `null` stands for an
    /// absent schema and gives `{}`. Fails when a keyword that cannot be honoured stands on every
    /// way to a valid object; an optional property with such a keyword is left out.
    pub fn from_schema(schema: &Value) -> Result<Self, Unsupported> {
        schema::arguments(schema).map(|node| Self(Source::Schema(node.marked())))
    }

    /// A maker from argument objects in whose strings `{word}`, `{year}`, `{number}` and `{nonce}`
    /// are filled in. Fails on an empty list, a value that is no object, an unknown placeholder.
    pub fn from_fixtures(fixtures: &[Value]) -> Result<Self, FixtureError> {
        fixture::templates(fixtures).map(|templates| Self(Source::Fixtures(templates)))
    }

    /// Appends one JSON object, with the nonce wherever it has a place; whether it has one.
    pub fn make(&self, variation: u64, nonce: Nonce, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut chance = Key::of_run(variation, 0).draw(Purpose::Arguments);
        match &self.0 {
            Source::Schema(node) => node.make(&mut chance, out),
            Source::Fixtures(templates) => {
                let last = templates.len().saturating_sub(1) as u64;
                if let Some(template) = templates.get(chance.between(0, last) as usize) {
                    template.make(&mut chance, out);
                }
            }
        }
        nonce.stamp(&mut out[start..])
    }
}
