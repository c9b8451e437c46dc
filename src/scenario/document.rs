//! A TOML text as a tree in which every key and value knows its place.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Place};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer; `None` when it does not fit 64 bits.
    Integer(Option<i64>),
    /// A float.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time, as it is written.
    Date(String),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A table, however it is written.
    Table(Table),
}

impl Value {
    /// What kind of value it is, with its article.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A table's entries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Its keys are unique.
    pub entries: Vec<Entry>,
    /// It stands in braces, whole.
    pub in_braces: bool,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, one segment of a dotted one.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

impl Value {
    /// As JSON has it; numbers that are whole are integers.
    pub fn json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Text(text) | Self::Date(text) => Json::from(text.as_str()),
            Self::Integer(number) => Json::from(*number),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Json::from(*number as i64)
            }
            Self::Float(number) => Json::from(*number),
            Self::Boolean(is) => Json::from(*is),
            Self::List(list) => list.iter().map(|node| node.value.json()).collect(),
            Self::Table(table) => {
                let entries = table.entries.iter();
                entries.map(|entry| (entry.key.clone(), entry.node.value.json())).collect()
            }
        }
    }

    /// Whether it is `{}`.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Table(table) if table.in_braces && table.entries.is_empty())
    }
}

impl Table {
    /// The entry of that key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Takes the entry of that key out; whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.key != key);
        self.entries.len() < before
    }
}

/// Parses a text that stands at `offset` of source number `source`; every syntax error at once.
pub fn parse(text: &str, source: usize, offset: usize) -> Result<Table, Vec<Mistake>> {
    let origin = Origin { text, source, offset };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(origin.table(table.get_ref(), false));
    }
    Err(errors.iter().map(|error| origin.syntax(error, text.len())).collect())
}

struct Origin<'t> {
    text: &'t str,
    source: usize,
    offset: usize,
}

impl Origin<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let span = (span.start + self.offset, span.end + self.offset);
        Place { source: self.source, span: Some(span) }
    }

    fn table(&self, table: &DeTable<'_>, in_braces: bool) -> Table {
        let entry = |(key, node): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| Entry {
            key: key.get_ref().to_string(),
            key_place: self.place(key.span()),
            node: self.node(node),
        };
        let mut entries: Vec<_> = table.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.key_place);
        Table { entries, in_braces }
    }

    fn node(&self, node: &Spanned<DeValue<'_>>) -> Node {
        let value = match node.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(list) => Value::List(list.iter().map(|node| self.node(node)).collect()),
            DeValue::Table(table) => {
                let in_braces =
                    self.text.get(node.span()).is_some_and(|text| text.starts_with('{'));
                Value::Table(self.table(table, in_braces))
            }
        };
        Node { place: self.place(node.span()), value }
    }

    fn syntax(&self, error: &toml::de::Error, length: usize) -> Mistake {
        let (found, right) = match error.message().split_once(", expected ") {
            Some((found, expected)) => (found, format!("expected {expected}")),
            None => (error.message(), "this is not TOML".to_owned()),
        };
        Mistake {
            place: self.place(error.span().unwrap_or(length..length)),
            found: found.to_owned(),
            right,
            help: None,
        }
    }
}
