//! Tables read key by key: each getter carries name, kind, default and meaning, and what no getter
//! asked for is an unknown key.

use std::cell::{Cell, RefCell};

use super::document::{self, Node, Value};
use super::key::Key;
use super::log::{KeyLine, Log};
use super::mistake::{Mistake, Place};
use super::nearest::nearest;

/// The kind of a table that may be several, in a list.
pub(super) const SEVERAL: &str = "a table, or a list of them";

/// A table being read.
#[derive(Debug)]
pub struct Table<'a> {
    log: &'a Log,
    path: String,
    place: Place,
    tree: Option<&'a document::Table>,
    known: RefCell<Vec<&'static str>>,
    /// Keys that are refused by name.
    refused: RefCell<Vec<&'static str>>,
    open: Cell<bool>,
}

impl<'a> Table<'a> {
    /// A table that is read from here on; `close` it to find its unknown keys.
    pub fn new(log: &'a Log, path: &str, place: Place, tree: Option<&'a document::Table>) -> Self {
        let known = RefCell::default();
        let refused = RefCell::default();
        Self { log, path: path.to_owned(), place, tree, known, refused, open: Cell::new(false) }
    }

    /// Where mistakes go.
    pub const fn log(&self) -> &'a Log {
        self.log
    }

    /// Where the table stands: its header, or its braces.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Its dotted path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the table is in the text.
    pub const fn is_given(&self) -> bool {
        self.tree.is_some()
    }

    /// The keys and values themselves.
    pub fn entries(&self) -> &'a [document::Entry] {
        self.tree.map_or(&[], |table| &table.entries)
    }

    /// As [`Table::entries`], for a table whose keys are names of the author's: none is unknown.
    pub fn own_entries(&self) -> &'a [document::Entry] {
        self.open.set(true);
        self.entries()
    }

    /// Where a key's value stands; the table itself if the key is not given.
    pub fn place_of(&self, key: &str) -> Place {
        self.entry(key).map_or(self.place, |entry| entry.node.place)
    }

    /// Where a key is written, if it is.
    pub fn given(&self, key: &str) -> Option<Place> {
        self.entry(key).map(|entry| entry.key_place)
    }

    /// A key of this table, to be read with one of its getters.
    pub fn key(&self, name: &'static str, doc: &'static str) -> Key<'a> {
        self.known.borrow_mut().push(name);
        let node = self.entry(name).map(|entry| &entry.node);
        Key { log: self.log, path: self.below(name), doc, table: self.place, node }
    }

    /// A key that people look for and that will not be there: refused by name, with a way out.
    pub fn never(&self, name: &'static str, why: &str, right: &str) {
        self.refused.borrow_mut().push(name);
        if let Some(place) = self.given(name) {
            self.log.wrong(place, format!("{}: {why}", self.below(name)), right);
        }
    }

    /// A key of a later version: refused by name, never ignored.
    pub fn later(&self, name: &'static str, what: &str) {
        self.refused.borrow_mut().push(name);
        let Some(entry) = self.entry(name) else { return };
        let brackets = match (&entry.node.value, self.path.is_empty()) {
            (Value::List(_), true) => format!("[[{name}]]"),
            (Value::Table(_), true) => format!("[{name}]"),
            _ => self.below(name),
        };
        let found = format!("squall does not know {what} yet: remove {brackets}");
        self.log.wrong(entry.key_place, found, "not built yet");
    }

    /// A table inside this one. It is read even if it is not given: its keys then have their
    /// defaults.
    pub fn table<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl FnOnce(&Table<'a>) -> T,
    ) -> T {
        self.table_as("a table", (name, doc), read)
    }

    fn table_as<T>(
        &self,
        kind: &str,
        (name, doc): (&'static str, &'static str),
        read: impl FnOnce(&Table<'a>) -> T,
    ) -> T {
        let found = self.sub_table(kind, name, doc);
        let place = found.map_or(self.place, |(place, _)| place);
        let table = Table::new(self.log, &self.below(name), place, found.map(|(_, table)| table));
        // A value that is no table was reported; that its keys are missing says nothing more.
        let refused = found.is_none() && self.entry(name).is_some();
        let value = if refused { self.log.muted(|| read(&table)) } else { read(&table) };
        table.close();
        value
    }

    /// A table inside this one that means something by being there; `{}` says that it is not, so
    /// that `--set` can take it back.
    pub fn optional_table<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl Fn(&Table<'a>) -> T,
    ) -> Option<T> {
        let is_given = self.entry(name).is_some_and(|entry| !entry.node.value.is_nothing());
        if is_given {
            return Some(self.table(name, doc, read));
        }
        self.log.muted(|| drop(self.table(name, doc, read)));
        None
    }

    /// A list of tables inside this one.
    pub fn tables<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl Fn(&Table<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let nodes = self.key(name, doc).list("a list of tables").optional();
        let below = format!("{}[]", self.below(name));
        self.log.muted(|| drop(read(&Table::new(self.log, &below, self.place, None))));
        let element = |node: &'a Node| {
            let Value::Table(table) = &node.value else {
                let found = format!("{below} is {}", node.value.kind());
                self.log.wrong(node.place, found, "expected a table: { ... }");
                return None;
            };
            let table = Table::new(self.log, &below, node.place, Some(table));
            let value = read(&table);
            table.close();
            value
        };
        let values: Vec<Option<T>> = nodes?.iter().map(element).collect();
        values.into_iter().collect()
    }

    /// A list of tables inside this one, or a single table; `{}` is none, so that `--set` can take
    /// them back.
    pub fn tables_or_one<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl Fn(&Table<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entry = self.entry(name);
        if entry.is_some_and(|entry| matches!(entry.node.value, Value::List(_))) {
            return self.tables(name, doc, read);
        }
        let one = || self.table_as(SEVERAL, (name, doc), &read);
        if entry.is_some_and(|entry| !entry.node.value.is_nothing()) {
            return one().map(|one| vec![one]);
        }
        self.log.muted(|| drop(one()));
        None
    }

    /// Reports every key that no getter asked for.
    pub fn close(&self) {
        let (known, refused) = (self.known.borrow(), self.refused.borrow());
        for entry in self.entries() {
            if !self.open.get()
                && ![&known, &refused].iter().any(|keys| keys.contains(&entry.key.as_str()))
            {
                self.log.mistake(self.unknown(entry, &known));
            }
        }
    }

    fn unknown(&self, entry: &document::Entry, known: &[&'static str]) -> Mistake {
        let meant = nearest(&entry.key, known.iter().copied());
        let right = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "nothing reads this".to_owned(),
        };
        let all = || format!("{} are {}", self.keys_of(), known.join(", "));
        let help = meant.is_none().then(all);
        let found = format!("unknown key {}", self.below(&entry.key));
        Mistake { place: entry.key_place, found, right, help }
    }

    fn keys_of(&self) -> String {
        match self.path.as_str() {
            "" => "the keys here".to_owned(),
            path => format!("the keys of {path}"),
        }
    }

    fn sub_table(
        &self,
        kind: &str,
        name: &'static str,
        doc: &'static str,
    ) -> Option<(Place, &'a document::Table)> {
        self.known.borrow_mut().push(name);
        let path = self.below(name);
        self.log.key(KeyLine { path: path.clone(), kind: kind.to_owned(), default: None, doc });
        let entry = self.entry(name)?;
        if let Value::Table(table) = &entry.node.value {
            return Some((entry.node.place, table));
        }
        let found = format!("{path} is {}", entry.node.value.kind());
        let right = match entry.node.value {
            Value::List(_) => format!("squall does not know several of them yet: write [{path}]"),
            _ => format!("expected a table: [{path}]"),
        };
        self.log.wrong(entry.node.place, found, right);
        None
    }

    fn entry(&self, name: &str) -> Option<&'a document::Entry> {
        self.tree.and_then(|table| table.get(name))
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}
