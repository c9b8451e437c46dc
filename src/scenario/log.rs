//! What reading leaves behind beside the values: mistakes, the key table, the places of secrets.

use std::cell::{Cell, RefCell};

use crate::model::secret::Secret;

use super::mistake::{Mistake, Mistakes, Place, Source};

/// One key that a scenario or a profile may contain. All of them together are the key table: what
/// the reader accepts and what is said about it cannot differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Its dotted path; `[]` stands for each element of a list: `load.stages[].over`.
    pub path: String,
    /// What it may hold, in words.
    pub kind: String,
    /// Its value when it is not given, as TOML; `None`: it must be given, or nothing stands for it.
    pub default: Option<String>,
    /// One sentence: what it means.
    pub doc: &'static str,
}

/// A text that the environment had a part in.
#[derive(Debug)]
struct Filled {
    place: Place,
    /// With `${NAME}` still in it.
    before: String,
    values: Vec<Secret>,
}

/// Collects while sections are read. Shared by all tables of a scenario, hence the cells.
#[derive(Debug, Default)]
pub struct Log {
    sources: RefCell<Vec<Source>>,
    mistakes: RefCell<Vec<Mistake>>,
    keys: RefCell<Vec<KeyLine>>,
    secrets: RefCell<Vec<Place>>,
    filled: RefCell<Vec<Filled>>,
    judged: RefCell<Vec<Place>>,
    muted: Cell<bool>,
    unlisted: Cell<bool>,
}

impl Log {
    /// Adds a text that mistakes may point into.
    pub fn add_source(&self, file: Option<&str>, text: &str) -> usize {
        let mut sources = self.sources.borrow_mut();
        sources.push(Source { file: file.map(str::to_owned), text: text.to_owned() });
        sources.len() - 1
    }

    /// The texts so far.
    pub fn sources(&self) -> Vec<Source> {
        self.sources.borrow().clone()
    }

    /// Notes a mistake.
    pub fn mistake(&self, mistake: Mistake) {
        if !self.muted.get() && !self.judged.borrow().contains(&mistake.place) {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// Notes mistakes.
    pub fn extend(&self, mistakes: Vec<Mistake>) {
        for mistake in mistakes {
            self.mistake(mistake);
        }
    }

    /// Notes a contradiction or refusal at a place.
    pub fn wrong(&self, place: Place, found: impl Into<String>, right: impl Into<String>) {
        self.mistake(Mistake { place, found: found.into(), right: right.into(), help: None });
    }

    /// Notes that a value is known to be wrong: nothing more is said about it.
    pub fn judged(&self, place: Place) {
        self.judged.borrow_mut().push(place);
    }

    /// Notes that the values at these places must never be shown.
    pub fn hide(&self, places: &[Place]) {
        self.secrets.borrow_mut().extend(places);
    }

    /// The places of secrets, in the order of the text.
    pub fn secrets(&self) -> Vec<Place> {
        let mut places = self.secrets.borrow().clone();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Notes how a text read before `${NAME}` was replaced, and by what; by nothing is no matter.
    pub fn filled(&self, place: Place, before: String, values: Vec<Secret>) {
        if !values.is_empty() {
            self.filled.borrow_mut().push(Filled { place, before, values });
        }
    }

    /// A text as it may be shown: with `${NAME}` in it, if that was replaced there.
    pub fn before(&self, place: Place, text: &str) -> String {
        let filled = self.filled.borrow();
        let found = filled.iter().find(|filled| filled.place == place);
        found.map_or(text, |filled| &filled.before).to_owned()
    }

    /// What is right at a place; what was said of it may quote the value there, and is not repeated
    /// of one that the environment gave.
    pub fn discreet(&self, place: Place, said: String, such: &str) -> String {
        if self.filled.borrow().iter().any(|filled| filled.place.touches(place)) {
            return format!("expected {such}, and the environment gives something else");
        }
        said
    }

    /// Everything that the environment gave.
    pub fn environment(&self) -> Vec<Secret> {
        let filled = self.filled.borrow();
        filled.iter().flat_map(|filled| filled.values.iter().cloned()).collect()
    }

    /// Adds a line to the key table.
    pub fn key(&self, line: KeyLine) {
        let mut keys = self.keys.borrow_mut();
        if !self.unlisted.get() && keys.iter().all(|known| known.path != line.path) {
            keys.push(line);
        }
    }

    /// The key table so far.
    pub fn keys(&self) -> Vec<KeyLine> {
        self.keys.borrow().clone()
    }

    /// Reads something that is not there, only to learn its keys.
    pub fn muted<T>(&self, read: impl FnOnce() -> T) -> T {
        let before = self.muted.replace(true);
        let value = read();
        self.muted.set(before);
        value
    }

    /// Reads a text whose keys are not the scenario's.
    pub fn unlisted<T>(&self, read: impl FnOnce() -> T) -> T {
        let before = self.unlisted.replace(true);
        let value = read();
        self.unlisted.set(before);
        value
    }

    /// Whether nothing was wrong so far.
    pub fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// The mistakes so far, with every secret in their texts covered.
    pub fn mistakes(&self) -> Mistakes {
        let mut sources = self.sources();
        for place in self.secrets() {
            if let Some((start, end)) = place.span {
                super::source::cover(&mut sources[place.source].text, start, end);
            }
        }
        Mistakes::new(sources, self.mistakes.borrow().clone())
    }

    /// The place of `length` bytes at byte `at` of a string, if it is written without escapes; else
    /// the whole string's.
    pub fn within(&self, place: Place, text: &str, at: usize, length: usize) -> Place {
        let sources = self.sources.borrow();
        let Some((start, end)) = place.span else { return place };
        let raw = sources[place.source].text.get(start + 1..end.saturating_sub(1));
        if raw != Some(text) {
            return place;
        }
        let from = start + 1 + at.min(text.len());
        Place { span: Some((from, (from + length).min(end))), ..place }
    }

    /// The text at a place as its author wrote it, shortened to a few words.
    pub fn written(&self, place: Place) -> String {
        let Some((start, end)) = place.span else { return String::new() };
        if self.secrets.borrow().iter().any(|secret| secret.touches(place)) {
            return "***".to_owned();
        }
        let sources = self.sources.borrow();
        let text = sources[place.source].text.get(start..end).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        if line.chars().count() <= 40 && line.len() == text.len() {
            return line.to_owned();
        }
        line.chars().take(40).chain("...".chars()).collect()
    }
}
