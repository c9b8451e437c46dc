//! Toxics: faults as Toxiproxy names them, with its defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::proxy::{Does, Force};
use crate::model::distribution::Distribution;
use crate::model::fault::{Direction, Effect, Ending};

/// One toxic of a proxy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Toxic {
    /// What it does, and with which numbers.
    #[serde(flatten)]
    pub kind: Kind,
    /// Its name, unique on its proxy.
    pub name: String,
    /// The direction it is in.
    pub stream: Stream,
    /// The share of connections that it befalls; 0 to 1.
    pub toxicity: f64,
}

/// A direction, as Toxiproxy calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

/// What a toxic does. Numbers that are not given are 0; times are in milliseconds, but for a
/// slicer's delay, which is in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "attributes", rename_all = "snake_case")]
pub enum Kind {
    /// Each chunk comes later.
    Latency {
        /// By so much,
        #[serde(default)]
        latency: i64,
        /// and by so much more or less.
        #[serde(default)]
        jitter: i64,
    },
    /// So many kilobytes a second.
    Bandwidth {
        /// Of 1,000 bytes; 0 is no limit.
        #[serde(default)]
        rate: i64,
    },
    /// The other side hears later that this one closed.
    SlowClose {
        /// By so much.
        #[serde(default)]
        delay: i64,
    },
    /// Nothing passes, and the connection is closed.
    Timeout {
        /// After so long; 0 is never.
        #[serde(default)]
        timeout: i64,
    },
    /// The connection is reset.
    ResetPeer {
        /// So long after the first bytes.
        #[serde(default)]
        timeout: i64,
    },
    /// Chunks come in slices.
    Slicer {
        /// Mean bytes of a slice.
        #[serde(default)]
        average_size: i64,
        /// So many more or fewer.
        #[serde(default)]
        size_variation: i64,
        /// Between two slices, in microseconds.
        #[serde(default)]
        delay: i64,
    },
    /// The connection is closed after so many bytes.
    LimitData {
        /// Bytes.
        #[serde(default)]
        bytes: i64,
    },
    /// Nothing.
    Noop {},
}

/// Toxiproxy's words for what a toxic may be.
const TYPES: [&str; 8] =
    ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop"];

/// Why a toxic is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// What was sent is no toxic.
    Body(String),
    /// No such direction.
    Stream,
    /// No such type.
    Type,
}

/// A toxic as it is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    stream: String,
    toxicity: Option<f64>,
    #[serde(default)]
    attributes: Value,
}

/// What changes of a toxic.
#[derive(Debug, Deserialize)]
struct Change {
    toxicity: Option<f64>,
    #[serde(default)]
    attributes: serde_json::Map<String, Value>,
}

impl Toxic {
    /// Reads one that is asked for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, Wrong> {
        let asked: Asked = serde_json::from_slice(json).map_err(|error| body(&error))?;
        let stream = match asked.stream.as_str() {
            "" | "downstream" => Stream::Downstream,
            "upstream" => Stream::Upstream,
            _ => return Err(Wrong::Stream),
        };
        if !TYPES.contains(&asked.kind.as_str()) {
            return Err(Wrong::Type);
        }
        let attributes = match asked.attributes {
            Value::Null => Value::Object(serde_json::Map::new()),
            given => given,
        };
        let kind = serde_json::json!({ "type": asked.kind, "attributes": attributes });
        let kind = serde_json::from_value(kind).map_err(|error| body(&error))?;
        let name = if asked.name.is_empty() {
            format!("{}_{}", asked.kind, stream.word())
        } else {
            asked.name
        };
        Ok(Self { kind, name, stream, toxicity: asked.toxicity.unwrap_or(1.0) })
    }

    /// The same with what of it is to change.
    ///
    /// # Errors
    /// What is wrong with the change.
    pub fn changed(&self, json: &[u8]) -> Result<Self, Wrong> {
        let change: Change = serde_json::from_slice(json).map_err(|error| body(&error))?;
        let mut kind = serde_json::to_value(self.kind).map_err(|error| body(&error))?;
        if let Some(Value::Object(attributes)) = kind.get_mut("attributes") {
            attributes.extend(change.attributes);
        }
        let kind = serde_json::from_value(kind).map_err(|error| body(&error))?;
        let toxicity = change.toxicity.unwrap_or(self.toxicity);
        Ok(Self { kind, toxicity, name: self.name.clone(), stream: self.stream })
    }

    /// What it puts in force on connections, by its number.
    pub fn forces(&self, id: u8) -> impl Iterator<Item = Force> {
        let (direction, share) = (self.stream.direction(), self.toxicity);
        let force = move |effect| Force { id, share, does: Does::Lane(direction, effect) };
        self.kind.effects().into_iter().map(force)
    }
}

fn body(error: &serde_json::Error) -> Wrong {
    Wrong::Body(error.to_string())
}

impl Stream {
    const fn word(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }

    const fn direction(self) -> Direction {
        match self {
            Self::Upstream => Direction::Upstream,
            Self::Downstream => Direction::Downstream,
        }
    }
}

impl Kind {
    fn effects(self) -> Vec<Effect> {
        match self {
            Self::Latency { latency, jitter } => {
                let (from, to) = (
                    millis(latency.saturating_sub(jitter)),
                    millis(latency.saturating_add(jitter)),
                );
                vec![Effect::Latency(Distribution::uniform(from, to))]
            }
            Self::Bandwidth { rate } => match count(rate).saturating_mul(1_000) {
                0 => Vec::new(),
                rate => vec![Effect::Bandwidth(rate)],
            },
            Self::SlowClose { delay } => vec![Effect::SlowClose(millis(delay))],
            Self::Timeout { timeout: ..=0 } => vec![Effect::Discard(0)],
            Self::Timeout { timeout } => {
                vec![Effect::EndAfter(millis(timeout), Ending::Closed), Effect::Discard(0)]
            }
            Self::ResetPeer { timeout } => vec![
                Effect::Latency(Distribution::constant(millis(timeout))),
                Effect::Limit { bytes: 0, then: Ending::Reset },
            ],
            Self::Slicer { average_size, size_variation, delay } => vec![Effect::Slicer {
                size: count(average_size).max(1),
                variation: count(size_variation),
                delay: Duration::from_micros(count(delay)),
            }],
            Self::LimitData { bytes } => {
                vec![Effect::Limit { bytes: count(bytes), then: Ending::Closed }]
            }
            Self::Noop {} => Vec::new(),
        }
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(count(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(toxic: &Value) -> Result<Toxic, Wrong> {
        Toxic::read(toxic.to_string().as_bytes())
    }

    #[test]
    fn defaults_are_toxiproxys() {
        for word in TYPES {
            let toxic = read(&json!({ "type": word })).unwrap();
            assert_eq!(toxic.name, format!("{word}_downstream"));
            assert_eq!((toxic.stream, toxic.toxicity), (Stream::Downstream, 1.0));
            let written = serde_json::to_value(&toxic).unwrap();
            let mut members: Vec<_> = written.as_object().unwrap().keys().collect();
            members.sort();
            assert_eq!(members, ["attributes", "name", "stream", "toxicity", "type"], "{word}");
        }
        let latency = read(&json!({ "type": "latency", "attributes": { "latency": 100 } }));
        let latency = serde_json::to_value(latency.unwrap()).unwrap();
        assert_eq!(latency["attributes"], json!({ "latency": 100, "jitter": 0 }));
    }

    #[test]
    fn mistakes_have_their_kind() {
        assert_eq!(read(&json!({ "type": "nothing" })), Err(Wrong::Type));
        assert_eq!(read(&json!({ "type": "latency", "stream": "sideways" })), Err(Wrong::Stream));
        assert!(matches!(Toxic::read(b"{"), Err(Wrong::Body(_))));
        let bad = read(&json!({ "type": "latency", "attributes": { "latency": "much" } }));
        assert!(matches!(bad, Err(Wrong::Body(_))), "{bad:?}");
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let toxic =
            read(&json!({ "type": "slicer", "name": "cut", "stream": "upstream", "toxicity": 0.5,
            "attributes": { "average_size": 100, "delay": 7 } }));
        let changed = toxic.unwrap().changed(br#"{ "attributes": { "delay": 9 } }"#).unwrap();
        let kind = Kind::Slicer { average_size: 100, size_variation: 0, delay: 9 };
        let expected =
            Toxic { kind, name: "cut".to_owned(), stream: Stream::Upstream, toxicity: 0.5 };
        assert_eq!(changed, expected);
        let whole = changed.changed(br#"{ "toxicity": 1 }"#).unwrap();
        assert_eq!(whole, Toxic { toxicity: 1.0, ..changed });
    }

    #[test]
    fn each_is_an_effect_or_several() {
        let effects = |kind: Kind| kind.effects();
        let around = Distribution::uniform(Duration::from_millis(80), Duration::from_millis(120));
        assert_eq!(effects(Kind::Latency { latency: 100, jitter: 20 }), [Effect::Latency(around)]);
        assert_eq!(effects(Kind::Bandwidth { rate: 5 }), [Effect::Bandwidth(5_000)]);
        assert_eq!(effects(Kind::Bandwidth { rate: 0 }), []);
        assert_eq!(effects(Kind::Timeout { timeout: 0 }), [Effect::Discard(0)]);
        assert_eq!(effects(Kind::Noop {}), []);
        assert_eq!(
            effects(Kind::LimitData { bytes: 10 }),
            [Effect::Limit { bytes: 10, then: Ending::Closed }]
        );
    }
}
