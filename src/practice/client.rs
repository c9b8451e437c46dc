//! What a client said of itself and asked to be told, as far as answers depend on it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::catalogue::object;
use crate::protocol::legacy::Revision;

/// The levels of log messages, the least first (MCP 2025-11-25, server/utilities/logging).
const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// The most resources a client may watch.
const MOST_WATCHED: usize = 64;

/// A level of log messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(usize);

impl Level {
    /// The level that exhibits log at.
    pub const INFO: Self = Self(1);

    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        LEVELS.iter().position(|level| *level == name).map(Self)
    }
}

/// What a server may ask of a client that declared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// `elicitation/create`.
    Elicitation,
    /// `sampling/createMessage`.
    Sampling,
    /// `roots/list`.
    Roots,
}

impl Capability {
    /// Its name among a client's capabilities.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    /// The method that it allows.
    pub fn method(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation/create",
            Self::Sampling => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }
}

/// What a client declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    elicitation: Declared,
    sampling: Declared,
    roots: Declared,
}

/// Whether a member is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "IgnoredAny")]
struct Declared(bool);

impl From<IgnoredAny> for Declared {
    fn from(_: IgnoredAny) -> Self {
        Self(true)
    }
}

impl Capabilities {
    /// Of whom nothing is known: without sessions a legacy server cannot remember what it was told.
    pub const UNKNOWN: Self =
        Self { elicitation: Declared(true), sampling: Declared(true), roots: Declared(true) };

    /// Whether this one was declared.
    pub fn has(self, capability: Capability) -> bool {
        match capability {
            Capability::Elicitation => self.elicitation.0,
            Capability::Sampling => self.sampling.0,
            Capability::Roots => self.roots.0,
        }
    }
}

/// A client as it introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The revision agreed on.
    pub revision: Revision,
    /// What it may be asked.
    pub capabilities: Capabilities,
    /// Log messages below this are not for it; `None`: none are.
    pub level: Option<Level>,
    /// The resources it watches; empty until it asks.
    watched: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    level: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
}

impl Client {
    /// A client of a session.
    pub fn new(revision: Revision, capabilities: Capabilities) -> Self {
        Self { revision, capabilities, level: Some(Level::INFO), watched: Vec::new() }
    }

    /// A client of the modern era: its revision is known by other means, and what it wants to hear
    /// it says with each request.
    pub fn of_one_request(capabilities: Capabilities, level: Option<Level>) -> Self {
        Self { level, ..Self::new(Revision::V2025_11_25, capabilities) }
    }

    /// Whether a message of this level is for it.
    pub fn hears(&self, level: Level) -> bool {
        self.level.is_some_and(|least| least <= level)
    }

    /// Whether it watches a resource.
    pub fn watches(&self, uri: &str) -> bool {
        self.watched.iter().any(|watched| **watched == *uri)
    }

    /// Answers the requests that are about the client itself; `None` is any other method.
    pub fn told(&mut self, method: &str, params: Option<&RawValue>) -> Option<Answer> {
        if !matches!(method, "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe") {
            return None;
        }
        let read = params.map_or_else(|| Err("`params` is missing".to_owned()), object);
        let params: Params<'_> = match read {
            Ok(params) => params,
            Err(wrong) => return Some(Answer::invalid_params(wrong)),
        };
        Some(match method {
            "logging/setLevel" => self.set_level(params.level.as_deref()),
            "resources/subscribe" => self.watch(params.uri.as_deref()),
            _ => self.unwatch(params.uri.as_deref()),
        })
    }

    fn set_level(&mut self, level: Option<&str>) -> Answer {
        let Some(level) = level.and_then(Level::named) else {
            return Answer::invalid_params(format!("`params.level` must be one of {LEVELS:?}"));
        };
        self.level = Some(level);
        Answer::Fixed("{}")
    }

    fn watch(&mut self, uri: Option<&str>) -> Answer {
        let Some(uri) = uri else { return Answer::invalid_params("`params.uri` is missing") };
        if !self.watches(uri) {
            if self.watched.len() >= MOST_WATCHED {
                return Answer::invalid_params("no more than 64 resources can be watched");
            }
            self.watched.push(uri.into());
        }
        Answer::Fixed("{}")
    }

    fn unwatch(&mut self, uri: Option<&str>) -> Answer {
        let Some(uri) = uri else { return Answer::invalid_params("`params.uri` is missing") };
        self.watched.retain(|watched| **watched != *uri);
        Answer::Fixed("{}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(client: &mut Client, method: &str, params: &str) -> Answer {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        client.told(method, Some(&params)).unwrap()
    }

    #[test]
    fn a_client_is_told_what_it_asked_for() {
        let mut client = Client::new(Revision::V2025_11_25, Capabilities::default());
        assert!(client.hears(Level::INFO));
        told(&mut client, "logging/setLevel", r#"{"level":"error"}"#);
        assert!(!client.hears(Level::INFO));
        let wrong = told(&mut client, "logging/setLevel", r#"{"level":"loud"}"#);
        assert!(matches!(wrong, Answer::Error { code: -32602, .. }));
        told(&mut client, "resources/subscribe", r#"{"uri":"a"}"#);
        assert!(client.watches("a") && !client.watches("b"));
        told(&mut client, "resources/unsubscribe", r#"{"uri":"a"}"#);
        assert!(!client.watches("a"));
        for number in 0..70 {
            told(&mut client, "resources/subscribe", &format!(r#"{{"uri":"{number}"}}"#));
        }
        assert!(client.watches("63") && !client.watches("64"));
        assert!(client.told("tools/list", None).is_none());
    }

    #[test]
    fn a_capability_is_declared_by_being_there() {
        let read = |text| serde_json::from_str::<Capabilities>(text).unwrap();
        let some = read(r#"{"sampling":{},"roots":{"listChanged":true},"experimental":{"x":{}}}"#);
        let all = [Capability::Elicitation, Capability::Sampling, Capability::Roots];
        assert_eq!(all.map(|capability| some.has(capability)), [false, true, true]);
        assert_eq!(all.map(|capability| read("{}").has(capability)), [false; 3]);
    }
}
