//! A task, which a client polls until it has ended: 2025-11-25's own kind and the modern
//! extension's.
//!
//! Rules: MCP specification 2025-11-25, basic/utilities/tasks (`ttl`, `pollInterval`); the
//! extension io.modelcontextprotocol/tasks of 2026 (`ttlMs`, `pollIntervalMs`, and the result,
//! error or questions in the task itself).

use std::borrow::Cow;
use std::time::Duration;

use serde::de::{Error as _, MapAccess};
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
    id: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    poll_interval: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    pub(in crate::protocol) input_requests: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    /// The task they make, or what is wrong with them.
    pub(in crate::protocol) fn whole(self) -> Result<Task<'a>, &'static str> {
        let id = self.id.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let Text(id) = id.ok_or("a task without a string taskId")?;
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
            "taskId" => self.id = map.next_value()?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Rule;
    use crate::protocol::results::call::CallResult;
    use crate::protocol::results::tests::{result, with};

    #[test]
    fn tasks_of_both_kinds() {
        let legacy = r#"{"taskId":"t\"1","status":"working","createdAt":"x","ttl":null,"pollInterval":1500.2}"#;
        let task: Task<'_> = serde_json::from_str(legacy).unwrap();
        assert_eq!((&*task.id, task.status), ("t\"1", Status::Working));
        assert_eq!(task.poll_interval(), Duration::from_millis(1501));
        let modern = r#"{"taskId":"t","status":"completed","ttlMs":5,"pollIntervalMs":null,"result":{"content":[]}}"#;
        let task: Task<'_> = serde_json::from_str(modern).unwrap();
        assert_eq!(task.result.unwrap().get(), r#"{"content":[]}"#);
        for bad in [
            "{}",
            r#"{"taskId":"t"}"#,
            r#"{"status":"working"}"#,
            r#"{"taskId":5,"status":"working"}"#,
            r#"{"taskId":"t","status":"done"}"#,
            r#"{"taskId":"t","status":"working","pollInterval":"soon"}"#,
        ] {
            assert!(serde_json::from_str::<Task<'_>>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_task_ends_once() {
        let read = |word: &str| serde_json::from_str::<Status>(&format!("\"{word}\"")).unwrap();
        for (word, is_terminal) in [
            ("working", false),
            ("input_required", false),
            ("completed", true),
            ("failed", true),
            ("cancelled", true),
        ] {
            assert_eq!(read(word).is_terminal(), is_terminal, "{word}");
        }
    }

    #[test]
    fn polls_are_neither_hasty_nor_endless() {
        let wait = |interval: &str| {
            let text = format!(r#"{{"taskId":"t","status":"working"{interval}}}"#);
            serde_json::from_str::<Task<'_>>(&text).unwrap().poll_interval().as_millis()
        };
        assert_eq!(wait(""), 1_000);
        assert_eq!(wait(r#","pollInterval":0"#), 50);
        assert_eq!(wait(r#","pollInterval":-1e300"#), 50);
        assert_eq!(wait(r#","pollInterval":200"#), 200);
        assert_eq!(wait(r#","pollIntervalMs":1e300"#), 60_000);
    }

    #[test]
    fn a_call_that_was_to_become_a_task() {
        let look = |text: &str| {
            result::<Created<'_, CallResult<'_>>>(text).map(|created| match created {
                Created::Task(task) => format!("task {}", task.id),
                Created::Result(result) => format!("{} blocks", result.content.blocks),
            })
        };
        let cases = [
            (r#"{"task":{"taskId":"t","status":"working"},"_meta":{}}"#, Ok("task t")),
            (r#"{"content":[{"type":"text","text":"a"}]}"#, Ok("1 blocks")),
            (r#"{"_meta":{}}"#, Err(Rule::MalformedResult)),
            (r#"{"task":{}}"#, Err(Rule::MalformedResult)),
            (r#"{"task":["t","working"]}"#, Err(Rule::MalformedResult)),
            (
                r#"{"content":5,"task":{"taskId":"t","status":"working"}}"#,
                Err(Rule::MalformedResult),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(with(text, look), expected.map(str::to_owned), "{text}");
        }
    }
}
