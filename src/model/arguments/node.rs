//! What an argument object is made from: a tree that writes itself as JSON.

use crate::model::chance::Chance;

use super::number::Decimal;
use super::text::{self, Format};

/// Share of calls that carry an optional property.
const OPTIONAL: f64 = 0.25;

/// What is made at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// One of these JSON texts.
    Choice(Vec<Vec<u8>>),
    Number(Decimal),
    Phrase {
        min: usize,
        max: usize,
    },
    Format(Format),
    Array {
        item: Option<Box<Node>>,
        from: u64,
        to: u64,
    },
    Object(Vec<Property>),
    /// One of several types.
    Either(Vec<Node>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    /// `"name":`
    pub(super) fragment: Vec<u8>,
    pub(super) node: Node,
    pub(super) required: bool,
}

impl Property {
    pub(super) fn largest_bytes(&self) -> u64 {
        self.fragment.len() as u64 + 1 + self.node.largest_bytes()
    }
}

impl Node {
    /// Appends one value.
    pub(super) fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        match self {
            Self::Choice(texts) => out.extend_from_slice(pick(texts, chance).as_slice()),
            Self::Number(decimal) => decimal.make(chance, out),
            Self::Phrase { min, max } => {
                out.push(b'"');
                text::phrase(chance, *min, *max, out);
                out.push(b'"');
            }
            Self::Format(format) => {
                out.push(b'"');
                format.make(chance, out);
                out.push(b'"');
            }
            Self::Array { item, from, to } => make_array(item.as_deref(), *from, *to, chance, out),
            Self::Object(properties) => make_object(properties, chance, out),
            Self::Either(nodes) => pick(nodes, chance).make(chance, out),
        }
    }

    /// Most bytes it can take.
    pub(super) fn largest_bytes(&self) -> u64 {
        match self {
            Self::Choice(texts) => texts.iter().map(Vec::len).max().unwrap_or(0) as u64,
            Self::Number(_) => Decimal::longest(),
            Self::Phrase { max, .. } => *max as u64 + 2,
            Self::Format(format) => format.lengths().1 as u64 + 2,
            Self::Array { item, to, .. } => {
                2 + item.as_ref().map_or(0, |item| to.saturating_mul(item.largest_bytes() + 1))
            }
            Self::Object(properties) => {
                2 + properties.iter().map(Property::largest_bytes).sum::<u64>()
            }
            Self::Either(nodes) => nodes.iter().map(Self::largest_bytes).max().unwrap_or(0),
        }
    }
}

/// One of several; lists are never compiled empty.
fn pick<'a, T>(from: &'a [T], chance: &mut Chance) -> &'a T {
    &from[chance.between(0, from.len() as u64 - 1) as usize]
}

fn make_array(item: Option<&Node>, from: u64, to: u64, chance: &mut Chance, out: &mut Vec<u8>) {
    out.push(b'[');
    let items = chance.between(from, to);
    for (number, item) in (0..items).zip(std::iter::repeat(item).flatten()) {
        if number > 0 {
            out.push(b',');
        }
        item.make(chance, out);
    }
    out.push(b']');
}

fn make_object(properties: &[Property], chance: &mut Chance, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut separator: &[u8] = b"";
    for property in properties {
        if property.required || chance.happens(OPTIONAL) {
            out.extend_from_slice(separator);
            out.extend_from_slice(&property.fragment);
            property.node.make(chance, out);
            separator = b",";
        }
    }
    out.push(b'}');
}
