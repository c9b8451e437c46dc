//! The typed getters: one key in, a value or a mistake out.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::duration;
use crate::model::secret::Secret;

use super::document::{Node, Value};
use super::log::{KeyLine, Log};
use super::mistake::{Mistake, Place};
use super::nearest::nearest;
use super::scalar::{Wrong, number_of, parsed, rate_of, text_of, whole_of};
use super::written::Written;

/// A key about to be read.
#[derive(Debug)]
pub struct Key<'a> {
    pub(super) log: &'a Log,
    pub(super) path: String,
    pub(super) doc: &'static str,
    /// The table it belongs to: where a missing key is reported.
    pub(super) table: Place,
    /// Its value, if it is given.
    pub(super) node: Option<&'a Node>,
}

/// A key that was looked at.
#[derive(Debug)]
pub struct Found<'a, T> {
    key: Key<'a>,
    kind: String,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
    Absent,
    Wrong,
    Right(T),
}

impl<'a> Key<'a> {
    /// Reads the value with `read`; `kind` says in words what it may hold.
    pub fn read<T>(
        self,
        kind: impl Into<String>,
        read: impl FnOnce(&'a Node) -> Result<T, Wrong>,
    ) -> Found<'a, T> {
        let kind = kind.into();
        let state = match self.node.map(|node| (node, read(node))) {
            None => State::Absent,
            Some((_, Ok(value))) => State::Right(value),
            Some((node, Err(right))) => {
                let found = format!("{} cannot be {}", self.path, written(self.log, node));
                let right = self.log.discreet(node.place, right, &kind);
                self.log.wrong(node.place, found, right);
                State::Wrong
            }
        };
        Found { key: self, kind, state }
    }

    /// Any text but the empty one.
    pub fn text(self) -> Found<'a, String> {
        self.read("text", |node| match text_of(node)? {
            "" => Err("expected text, this is empty".to_owned()),
            text => Ok(text.to_owned()),
        })
    }

    /// Text that is never shown: [`super::source::secrets`] knows where it stands.
    pub fn secret(self) -> Found<'a, Secret> {
        self.secret_of(|c| !c.is_control(), "without line breaks or control characters")
    }

    /// As [`Key::secret`], for a value that is sent in a header as it is (RFC 9110 section 5.5).
    pub fn header_secret(self) -> Found<'a, Secret> {
        self.secret_of(|c| matches!(c, ' '..='~'), "of printable ASCII, without line breaks")
    }

    fn secret_of(self, usable: fn(char) -> bool, such: &str) -> Found<'a, Secret> {
        self.read("a secret, usually \"${NAME}\"", |node| match text_of(node)? {
            "" => Err("expected a secret, this is empty".to_owned()),
            text if text.chars().all(usable) => Ok(Secret::new(text)),
            _ => Err(format!("expected a secret {such}")),
        })
    }

    /// A whole number.
    pub fn integer(self, range: RangeInclusive<u64>) -> Found<'a, u64> {
        let kind = match (*range.start(), *range.end()) {
            (0, u64::MAX) => "a whole number from 0".to_owned(),
            (from, to) => format!("a whole number, {from} to {to}"),
        };
        let expected = format!("expected {kind}");
        self.read(kind, move |node| match node.value {
            Value::Integer(Some(number)) => {
                u64::try_from(number).ok().filter(|number| range.contains(number)).ok_or(expected)
            }
            _ => Err(expected),
        })
    }

    /// A whole number that fits 32 bits.
    pub fn count(self, range: RangeInclusive<u32>) -> Found<'a, u32> {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        let Found { key, kind, state } = self.integer(range);
        let state = match state {
            State::Right(number) => State::Right(u32::try_from(number).unwrap_or(u32::MAX)),
            State::Absent => State::Absent,
            State::Wrong => State::Wrong,
        };
        Found { key, kind, state }
    }

    /// A number, whole or not.
    pub fn number(self, range: RangeInclusive<f64>) -> Found<'a, f64> {
        let kind = format!("a number, {} to {}", range.start(), range.end());
        let expected = format!("expected {kind}");
        self.read(kind, move |node| {
            number_of(node).filter(|number| range.contains(number)).ok_or(expected)
        })
    }

    /// A share: 0 to 1.
    pub fn share(self) -> Found<'a, f64> {
        self.number(0.0..=1.0)
    }

    /// `true` or `false`.
    pub fn truth(self) -> Found<'a, bool> {
        self.read("true or false", |node| match node.value {
            Value::Boolean(truth) => Ok(truth),
            _ => Err("expected true or false".to_owned()),
        })
    }

    /// A duration such as `"300ms"`.
    pub fn duration(self, range: RangeInclusive<Duration>) -> Found<'a, Duration> {
        let (from, to) = (range.start().written(), range.end().written());
        let kind = format!("a duration, {from} to {to}");
        let outside = format!("expected a duration, {from} to {to}");
        self.read(kind, move |node| {
            let duration = parsed(node, duration::parse, "a duration such as \"300ms\"")?;
            if range.contains(&duration) { Ok(duration) } else { Err(outside) }
        })
    }

    /// A rate such as `"60/min"`, per second.
    pub fn rate(self) -> Found<'a, f64> {
        self.read("a rate such as \"60/min\"", rate_of)
    }

    /// A distribution of durations such as `"lognormal 40ms 0.6"`.
    pub fn distribution(self) -> Found<'a, Distribution> {
        let such = "a distribution such as \"lognormal 40ms 0.6 clip 1ms 2s\"";
        self.read(such, |node| parsed(node, str::parse::<Distribution>, such))
    }

    /// The value as JSON has it; null if there is none.
    pub fn json(&self) -> serde_json::Value {
        self.node.map_or(serde_json::Value::Null, |node| node.value.json())
    }

    /// One of some words; `later` are words that are not built yet.
    pub fn word<T: Copy>(self, words: &[(&'static str, T)], later: &[&str]) -> Found<'a, T> {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let kind = names.join(" | ");
        let path = self.path.clone();
        self.read(kind.clone(), |node| {
            let text = match &node.value {
                // A revision of MCP is a day, and TOML reads one that is not quoted as a date.
                Value::Date(day) => day,
                _ => text_of(node).map_err(|_| format!("expected one of \"{kind}\""))?,
            };
            if let Some((_, value)) = words.iter().find(|(name, _)| *name == text) {
                return Ok(*value);
            }
            if later.contains(&text) {
                return Err(format!("squall does not know {path} {text} yet, it knows {kind}"));
            }
            Err(match nearest(text, names) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("expected one of {kind}"),
            })
        })
    }

    /// A list, its elements unread.
    pub fn list(self, kind: &str) -> Found<'a, &'a [Node]> {
        self.read(kind, |node| match &node.value {
            Value::List(list) => Ok(list.as_slice()),
            _ => Err(format!("expected {kind}: [...]")),
        })
    }

    /// A list whose elements `read` understands; each wrong one is a mistake of its own.
    pub fn each<T>(
        self,
        kind: &str,
        read: impl Fn(&'a Node) -> Result<T, Wrong>,
    ) -> Found<'a, Vec<T>> {
        let (log, path) = (self.log, self.path.clone());
        let Found { key, kind, state } = self.list(kind);
        let State::Right(nodes) = state else {
            let absent = matches!(state, State::Absent);
            return Found { key, kind, state: if absent { State::Absent } else { State::Wrong } };
        };
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            match read(node) {
                Ok(value) => values.push(value),
                Err(right) => {
                    let found = format!("{path} cannot hold {}", written(log, node));
                    let right = log.discreet(node.place, right, &kind);
                    log.wrong(node.place, found, right);
                }
            }
        }
        let whole = values.len() == nodes.len();
        Found { key, kind, state: if whole { State::Right(values) } else { State::Wrong } }
    }

    /// Two numbers, the second not below the first: `[1, 3]`.
    pub fn bounds(self, range: RangeInclusive<u32>) -> Found<'a, (u32, u32)> {
        let (from, to) = (*range.start(), *range.end());
        let kind = format!("two whole numbers, {from} to {to}, such as [{from}, {to}]");
        let expected = format!("expected {kind}, the smaller one first");
        self.read(kind, move |node| {
            let Value::List(list) = &node.value else { return Err(expected) };
            let numbers: Vec<_> = list.iter().map(|node| whole_of(node, &range)).collect();
            match numbers[..] {
                [Some(low), Some(high)] if low <= high => Ok((low, high)),
                _ => Err(expected),
            }
        })
    }
}

impl<T> Found<'_, T> {
    /// The value, or its default when the key is not given.
    pub fn or(self, default: T) -> T
    where
        T: Written,
    {
        let written = default.written();
        self.or_as(default, &written)
    }

    /// As [`Found::or`], for a default that is written like this.
    pub fn or_as(self, default: T, written: &str) -> T {
        self.record(Some(written));
        match self.state {
            State::Right(value) => value,
            // A wrong value was reported; the default only lets reading go on.
            State::Absent | State::Wrong => default,
        }
    }

    /// As [`Found::or_as`], but nothing when a value is given and wrong.
    pub fn settled(self, default: T, written: &str) -> Option<T> {
        self.record(Some(written));
        match self.state {
            State::Right(value) => Some(value),
            State::Absent => Some(default),
            State::Wrong => None,
        }
    }

    /// The value, if it is given and right.
    pub fn optional(self) -> Option<T> {
        self.record(None);
        match self.state {
            State::Right(value) => Some(value),
            State::Absent | State::Wrong => None,
        }
    }

    /// The value; a mistake when the key is not given.
    pub fn required(self) -> Option<T> {
        if matches!(self.state, State::Absent) {
            self.key.log.mistake(Mistake {
                place: self.key.table,
                found: format!("{} is missing", self.key.path),
                right: format!("expected {}", self.kind),
                help: Some(self.key.doc.to_owned()),
            });
        }
        self.optional()
    }

    fn record(&self, default: Option<&str>) {
        self.key.log.key(KeyLine {
            path: self.key.path.clone(),
            kind: self.kind.clone(),
            default: default.map(str::to_owned),
            doc: self.key.doc,
        });
    }
}
/// A value as its author wrote it; of one that may be a secret, what it is.
fn written(log: &Log, node: &Node) -> String {
    match log.written(node.place) {
        hidden if hidden == "***" => format!("*** ({})", node.value.kind()),
        shown => shown,
    }
}
