//! What an argument object is made from: a tree that writes itself as JSON.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::Value;

use crate::model::chance::{Chance, Key, Purpose};
use crate::model::nonce::PLACE;

use super::check::{self, Checker, equal};
use super::format::Format;
use super::hot;
use super::number::Decimal;
use super::pattern::Pattern;
use super::text;

/// Share of calls that carry an optional property.
const OPTIONAL: f64 = 0.25;

/// Attempts at a value that must be checked, or at an item or name that is not there yet.
const ATTEMPTS: u32 = 64;

/// Values made in search of one, when what is searched holds searches itself: they multiply.
const MOST_ATTEMPTS: u32 = ATTEMPTS * ATTEMPTS;

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
    /// A phrase that holds the place of a nonce, and is long enough for one.
    Marked {
        min: usize,
        max: usize,
    },
    Identifier {
        min: usize,
        max: usize,
    },
    Format(Format),
    Pattern(Pattern),
    Array(Box<Array>),
    Object(Box<Object>),
    /// One of several types.
    Either(Vec<Node>),
    /// One of a hot set of objects, told from other sets by the salt.
    Hot {
        node: Box<Node>,
        salt: u64,
    },
    Checked(Box<Checked>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    /// The first items.
    pub(super) prefix: Vec<Node>,
    /// Every later item.
    pub(super) item: Option<Node>,
    pub(super) from: u64,
    pub(super) to: u64,
    /// At an item that is not there yet.
    pub(super) attempts: u32,
    /// Of an array whose items differ: one that does, for when chance finds none.
    pub(super) unique: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) properties: Vec<Property>,
    pub(super) extra: Option<Extra>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    /// `"name":`
    pub(super) fragment: Vec<u8>,
    pub(super) node: Node,
    pub(super) required: bool,
}

/// Members whose names are made too.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extra {
    pub(super) name: Node,
    pub(super) value: Node,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// A node whose values are made until one satisfies schemas that its form cannot promise.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) schemas: Vec<Value>,
    pub(super) checker: Arc<Checker>,
    pub(super) attempts: u32,
    /// A value that does, for when chance finds none.
    pub(super) witness: Vec<u8>,
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
                quoted(out, |out| text::phrase(chance, *min, *max, out));
            }
            Self::Marked { min, max } => {
                quoted(out, |out| text::marked(chance, *min, *max, out));
            }
            Self::Identifier { min, max } => {
                quoted(out, |out| text::identifier(chance, *min, *max, out));
            }
            Self::Format(format) => quoted(out, |out| format.make(chance, out)),
            Self::Pattern(pattern) => quoted(out, |out| pattern.make(chance, out)),
            Self::Array(array) => array.make(chance, out),
            Self::Object(object) => object.make(chance, out),
            Self::Either(nodes) => pick(nodes, chance).make(chance, out),
            Self::Hot { node, salt } => {
                let object = Key::of_run(*salt, hot::rank(chance));
                node.make(&mut object.draw(Purpose::Arguments), out);
            }
            Self::Checked(checked) => checked.make(chance, out),
        }
    }

    /// The same with a nonce in every phrase that is free to hold one: not in what is drawn from a
    /// hot set, has to satisfy more than its form says, or must differ from its neighbours.
    pub(super) fn marked(self) -> Self {
        match self {
            Self::Phrase { min, max } if max >= PLACE.len() => Self::Marked { min, max },
            Self::Either(nodes) => Self::Either(nodes.into_iter().map(Self::marked).collect()),
            Self::Array(mut array) if array.unique.is_none() => {
                array.prefix = array.prefix.into_iter().map(Self::marked).collect();
                array.item = array.item.map(Self::marked);
                Self::Array(array)
            }
            Self::Object(mut object) => {
                let marked =
                    |property: Property| Property { node: property.node.marked(), ..property };
                object.properties = object.properties.into_iter().map(marked).collect();
                Self::Object(object)
            }
            other => other,
        }
    }

    /// Most values made at one place within it for one value of it.
    fn attempts(&self) -> u32 {
        let most = |nodes: &[Self]| nodes.iter().map(Self::attempts).max().unwrap_or(1);
        match self {
            Self::Array(array) => array.attempts(),
            Self::Object(object) => object.attempts(),
            Self::Either(nodes) => most(nodes),
            Self::Hot { node, .. } => node.attempts(),
            Self::Checked(checked) => checked.attempts.saturating_mul(checked.node.attempts()),
            _ => 1,
        }
    }

    /// How often this may be made in search of one value.
    pub(super) fn affordable_attempts(&self) -> u32 {
        (MOST_ATTEMPTS / self.attempts()).clamp(1, ATTEMPTS)
    }

    /// Most bytes it can take.
    pub(super) fn largest_bytes(&self) -> u64 {
        match self {
            Self::Choice(texts) => texts.iter().map(Vec::len).max().unwrap_or(0) as u64,
            Self::Number(_) => Decimal::longest(),
            Self::Phrase { max, .. } | Self::Marked { max, .. } | Self::Identifier { max, .. } => {
                *max as u64 + 2
            }
            Self::Format(format) => format.lengths().1 as u64 + 2,
            Self::Pattern(pattern) => pattern.largest_bytes() + 2,
            Self::Array(array) => array.largest_bytes(),
            Self::Object(object) => object.largest_bytes(),
            Self::Either(nodes) => nodes.iter().map(Self::largest_bytes).max().unwrap_or(0),
            Self::Hot { node, .. } => node.largest_bytes(),
            Self::Checked(checked) => checked.node.largest_bytes(),
        }
    }
}

fn quoted(out: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    make(out);
    out.push(b'"');
}

/// One of several; lists are never compiled empty.
fn pick<'a, T>(from: &'a [T], chance: &mut Chance) -> &'a T {
    &from[chance.between(0, from.len() as u64 - 1) as usize]
}

impl Array {
    fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'[');
        let items = chance.between(self.from, self.to);
        if let Some(other) = &self.unique {
            if self.distinct(items, chance, out) < self.from {
                out.truncate(start);
                out.extend_from_slice(other);
                return;
            }
        } else {
            for (number, item) in (0..items).zip(self.items()) {
                if number > 0 {
                    out.push(b',');
                }
                item.make(chance, out);
            }
        }
        out.push(b']');
    }

    /// As [`Node::attempts`].
    pub(super) fn attempts(&self) -> u32 {
        let nodes = self.prefix.iter().chain(&self.item);
        let each = nodes.map(Node::attempts).max().unwrap_or(1);
        if self.unique.is_some() { each.saturating_mul(self.attempts) } else { each }
    }

    fn items(&self) -> impl Iterator<Item = &Node> {
        self.prefix.iter().chain(std::iter::repeat(self.item.as_ref()).flatten())
    }

    /// Appends items that differ, up to so many; how many there were.
    pub(super) fn distinct(&self, items: u64, chance: &mut Chance, out: &mut Vec<u8>) -> u64 {
        let mut known: Vec<std::ops::Range<usize>> = Vec::new();
        for (_, item) in (0..items).zip(self.items()) {
            let before = out.len();
            if !known.is_empty() {
                out.push(b',');
            }
            let start = out.len();
            let fresh = (0..self.attempts).any(|_| {
                out.truncate(start);
                item.make(chance, out);
                known.iter().all(|range| !same(&out[range.clone()], &out[start..]))
            });
            if !fresh {
                out.truncate(before);
                break;
            }
            known.push(start..out.len());
        }
        known.len() as u64
    }

    fn largest_bytes(&self) -> u64 {
        let prefix: u64 = self.prefix.iter().map(|item| item.largest_bytes() + 1).sum();
        let rest = self.to.saturating_sub(self.prefix.len() as u64);
        let each = self.item.as_ref().map_or(0, |item| item.largest_bytes() + 1);
        prefix.saturating_add(rest.saturating_mul(each)).saturating_add(2)
    }
}

/// Whether two JSON texts say the same; strings are written in one way only.
fn same(one: &[u8], other: &[u8]) -> bool {
    let parsed = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    one == other
        || one.first() != Some(&b'"')
            && parsed(one).zip(parsed(other)).is_some_and(|(one, other)| equal(&one, &other))
}

impl Object {
    fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'{');
        let mut separator: &[u8] = b"";
        for property in &self.properties {
            if property.required || chance.happens(OPTIONAL) {
                out.extend_from_slice(separator);
                out.extend_from_slice(&property.fragment);
                property.node.make(chance, out);
                separator = b",";
            }
        }
        if let Some(extra) = &self.extra {
            self.make_extra(extra, out.len() == start + 1, chance, out);
        }
        out.push(b'}');
    }

    fn make_extra(&self, extra: &Extra, mut first: bool, chance: &mut Chance, out: &mut Vec<u8>) {
        let mut known: Vec<std::ops::Range<usize>> = Vec::new();
        for _ in 0..chance.between(extra.from, extra.to) {
            let before = out.len();
            if !first {
                out.push(b',');
            }
            let start = out.len();
            let fresh = (0..ATTEMPTS).any(|_| {
                out.truncate(start);
                extra.name.make(chance, out);
                out.push(b':');
                let name = &out[start..];
                self.properties.iter().all(|property| property.fragment != name)
                    && known.iter().all(|range| out[range.clone()] != *name)
            });
            if !fresh {
                out.truncate(before);
                return;
            }
            known.push(start..out.len());
            extra.value.make(chance, out);
            first = false;
        }
    }

    fn attempts(&self) -> u32 {
        let known = self.properties.iter().map(|property| property.node.attempts());
        let extra = self.extra.iter().map(|extra| {
            extra.value.attempts().max(extra.name.attempts().saturating_mul(ATTEMPTS))
        });
        known.chain(extra).max().unwrap_or(1)
    }

    fn largest_bytes(&self) -> u64 {
        let extra = self.extra.as_ref().map_or(0, |extra| {
            let each = extra.name.largest_bytes() + extra.value.largest_bytes() + 2;
            each.saturating_mul(extra.to)
        });
        let known: u64 = self.properties.iter().map(Property::largest_bytes).sum();
        known.saturating_add(extra).saturating_add(2)
    }
}

impl Checked {
    fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        let (start, steps) = (out.len(), Cell::new(check::MOST_STEPS));
        for _ in 0..self.attempts {
            out.truncate(start);
            self.node.make(chance, out);
            match self.accepts(&out[start..], &steps) {
                Some(true) => return,
                Some(false) => {}
                None => break,
            }
        }
        out.truncate(start);
        out.extend_from_slice(&self.witness);
    }

    /// As [`Checker::decide`].
    pub(super) fn accepts(&self, made: &[u8], steps: &Cell<u32>) -> Option<bool> {
        let Ok(value) = serde_json::from_slice(made) else { return Some(false) };
        for schema in &self.schemas {
            if !self.checker.decide(schema, &value, steps)? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// What a probe costs besides what is checked: making it, and reading it again.
    pub(super) fn effort(&self, made: &[u8]) -> u32 {
        self.node.attempts().saturating_add(made.len() as u32 / 16)
    }
}
