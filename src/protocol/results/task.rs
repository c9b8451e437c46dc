//! A task, which a client polls until it has ended: 2025-11-25's own kind and the modern
//! extension's.
//!
//! Rules: MCP specification 2025-11-25, basic/utilities/tasks (`ttl`, `pollInterval`); the
//! extension io.modelcontextprotocol/tasks of 2026 (`ttlMs`, `pollIntervalMs`, and the result,
//! error or questions in the task itself).

use std::borrow::Cow;
use std::time::Duration;

use serde::de::{Error as _, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::protocol::marked::{Marked, Marks};
use crate::protocol::message::{Object, Text};

/// Polling faster than this would only load the server, in milliseconds.
const SHORTEST_POLL_MS: u64 = 50;
/// A server that asks to be polled more rarely than this is asked so often anyway.
const LONGEST_POLL_MS: u64 = 60_000;
/// How often a task is polled whose server names no interval (our choice; no specification does).
const USUAL_POLL_MS: u64 = 1_000;

/// A task as a server describes it.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Its name.
    pub id: Cow<'a, str>,
    /// How far it is.
    pub status: Status,
    /// The poll interval the server asks for, in milliseconds.
    pub poll_interval_ms: Option<u64>,
    /// The result, of a modern task that is completed.
    pub result: Option<&'a RawValue>,
    /// The JSON-RPC error, of a modern task that has failed.
    pub error: Option<&'a RawValue>,
    /// What a modern task waits for.
    pub input_requests: Option<&'a RawValue>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on.
    Working,
    /// It waits for an answer of ours.
    InputRequired,
    /// It has a result.
    Completed,
    /// It has an error.
    Failed,
    /// It was given up.
    Cancelled,
}

impl Status {
    /// Whether it will not change any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl Task<'_> {
    /// How long to wait before it is asked for again: as the server says, within bounds.
    pub fn poll_interval(&self) -> Duration {
        let asked = self.poll_interval_ms.unwrap_or(USUAL_POLL_MS);
        Duration::from_millis(asked.clamp(SHORTEST_POLL_MS, LONGEST_POLL_MS))
    }
}

/// The members of a task as they come.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Members<'a> {
    id: Option<Cow<'a, str>>,
    status: Option<&'a RawValue>,
    poll_interval: Option<&'a RawValue>,
    /// `ttlMs`, which a cacheable result has, too.
    pub(in crate::protocol) ttl: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    input_requests: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    /// The task they make, or what is wrong with them.
    pub(in crate::protocol) fn whole(self) -> Result<Task<'a>, &'static str> {
        let id = self.id.ok_or("a task without taskId")?;
        let status = self.status.ok_or("a task without status")?;
        let status = serde_json::from_str(status.get()).map_err(|_| "a task of unknown status")?;
        let poll_interval_ms = match self.poll_interval.map(RawValue::get) {
            None | Some("null") => None,
            Some(text) => Some(millis(text).ok_or("a poll interval that is no number")?),
        };
        let Self { result, error, input_requests, .. } = self;
        Ok(Task { id, status, poll_interval_ms, result, error, input_requests })
    }
}

/// Milliseconds, rounded up; a negative number is 0.
fn millis(text: &str) -> Option<u64> {
    let number: f64 = serde_json::from_str(text).ok()?;
    Some(number.max(0.0).ceil() as u64)
}

impl<'de> Marks<'de> for Members<'de> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "taskId" => {
                let Text(id) = map.next_value()?;
                self.id = Some(id);
            }
            "status" => self.status = map.next_value()?,
            "pollInterval" | "pollIntervalMs" => self.poll_interval = map.next_value()?,
            "result" => self.result = map.next_value()?,
            "error" => self.error = map.next_value()?,
            "inputRequests" => self.input_requests = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Task<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Rest {}
        let Marked { marks, .. } = Marked::<Members<'de>, Rest>::deserialize(deserializer)?;
        marks.whole().map_err(D::Error::custom)
    }
}

/// The answer of a 2025-11-25 server to a call that was to become a task: the task, or, from a
/// server that did not make one, the result.
#[derive(Debug)]
pub enum Created<'a, R> {
    /// The task.
    Task(Task<'a>),
    /// The result at once.
    Result(R),
}

/// Where the legacy era puts a new task.
#[derive(Default)]
struct Wrapped<'a>(Option<Task<'a>>);

impl<'de> Marks<'de> for Wrapped<'de> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        if name != "task" {
            return Ok(false);
        }
        let Object(task) = map.next_value()?;
        self.0 = Some(task);
        Ok(true)
    }
}

impl<'de: 'a, 'a, R: Deserialize<'de>> Deserialize<'de> for Created<'a, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Marked { marks, result } = Marked::<Wrapped<'de>, R>::deserialize(deserializer)?;
        match marks.0 {
            Some(task) => Ok(Self::Task(task)),
            None => result.map(Self::Result).map_err(D::Error::custom),
        }
    }
}

/// A result that is only passed on.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Anything(#[serde(default)] pub IgnoredAny);
