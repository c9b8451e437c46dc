//! What the result of a modern request is: complete, a question back, or a task.
//!
//! Rules: MCP specification 2026-07-28, basic ("Responses"), basic/patterns/mrtr,
//! server/utilities/caching, and the tasks extension.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::{Error as _, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::outcome::Rule;
use crate::protocol::ask::Ask;
use crate::protocol::marked::{Marked, Marks};
use crate::protocol::message::Text;
use crate::protocol::results::task::{Members as TaskMembers, Task};

/// The extension of tasks, as `clientCapabilities.extensions` names it.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

/// A result, whatever its `resultType` says.
#[derive(Debug)]
pub enum Reply<'a, R> {
    /// `complete`, or no `resultType` at all, as servers before this revision answer.
    Complete(Complete<R>),
    /// `input_required`: the server asks back.
    InputRequired(InputRequired<'a>),
    /// `task`: the result will be ready later.
    Task(Task<'a>),
    /// Another type.
    Unknown(Cow<'a, str>),
}

/// A complete result, and how long it holds.
#[derive(Debug)]
pub struct Complete<R> {
    /// The result.
    pub result: R,
    /// `resultType` was there.
    pub is_typed: bool,
    /// `ttlMs` and `cacheScope`, as far as they are there and sound.
    pub cache: CacheHints,
}

/// How long a result may be kept, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheHints {
    /// `ttlMs`; a negative one counts as 0, one that is no whole number as absent.
    pub ttl: Option<Duration>,
    /// `cacheScope`; another word counts as absent.
    pub scope: Option<CacheScope>,
}

/// For whom a result may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheScope {
    /// For everybody.
    Public,
    /// For whoever has the same credential.
    Private,
}

/// What a server asks before it goes on.
#[derive(Debug, Clone, Copy)]
pub struct InputRequired<'a> {
    /// `inputRequests`, unread.
    pub requests: Option<&'a RawValue>,
    /// `requestState`: a JSON string, to be echoed as it is.
    pub state: Option<&'a RawValue>,
}

/// What a sound result leaves to do.
#[derive(Debug)]
pub enum Turn<'a, R> {
    /// Nothing.
    Complete(Complete<R>),
    /// Answer, then ask again with a new id.
    Answer(InputRequired<'a>),
    /// Poll.
    Poll(Task<'a>),
}

impl CacheHints {
    /// Whether both hints are there, as lists, discovery and reads must have them.
    pub const fn are_complete(&self) -> bool {
        self.ttl.is_some() && self.scope.is_some()
    }
}

impl<'a, R> Reply<'a, R> {
    /// What there is left to do, for a client that declared the tasks extension, or did not.
    ///
    /// # Errors
    /// [`Rule::UnknownResultType`] for a type that was not negotiated, [`Rule::UnaskedInput`] for
    /// a question to a request that allows none, [`Rule::EmptyInputRequired`] for a question with
    /// neither requests nor state.
    pub fn turn(self, ask: &Ask<'_>, tasks: Tasks) -> Result<Turn<'a, R>, Rule> {
        match self {
            Self::Complete(complete) => Ok(Turn::Complete(complete)),
            Self::InputRequired(_) if !ask.may_ask_back() => Err(Rule::UnaskedInput),
            Self::InputRequired(InputRequired { requests: None, state: None }) => {
                Err(Rule::EmptyInputRequired)
            }
            Self::InputRequired(input) => Ok(Turn::Answer(input)),
            Self::Task(task) if tasks == Tasks::Declared && is_call(ask) => Ok(Turn::Poll(task)),
            Self::Task(_) | Self::Unknown(_) => Err(Rule::UnknownResultType),
        }
    }
}

/// Whether a client declared the tasks extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tasks {
    /// It did.
    Declared,
    /// It did not.
    NotDeclared,
}

const fn is_call(ask: &Ask<'_>) -> bool {
    matches!(ask, Ask::ToolsCall { .. })
}

impl InputRequired<'_> {
    /// The members of the next round: `"inputResponses":{..},"requestState":".."`, where
    /// `responses` is what [`crate::protocol::serve::input_responses`] made of the requests.
    pub fn continued(&self, responses: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(responses) = responses {
            out.extend_from_slice(b"\"inputResponses\":");
            out.extend_from_slice(responses);
        }
        if let Some(state) = self.state {
            if !out.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(b"\"requestState\":");
            out.extend_from_slice(state.get().as_bytes());
        }
        out
    }
}

/// What a modern server puts beside a result.
#[derive(Default)]
struct Envelope<'a> {
    kind: Option<Cow<'a, str>>,
    requests: Option<&'a RawValue>,
    state: Option<&'a RawValue>,
    cache: CacheHints,
    task: TaskMembers<'a>,
}

impl<'de> Marks<'de> for Envelope<'de> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "resultType" => {
                let Text(kind) = map.next_value()?;
                if self.kind.replace(kind).is_some() {
                    return Err(A::Error::duplicate_field("resultType"));
                }
            }
            "inputRequests" => {
                self.requests = map.next_value()?;
                self.task.input_requests = self.requests;
            }
            "requestState" => self.state = map.next_value()?,
            "ttlMs" => {
                let raw: &RawValue = map.next_value()?;
                self.cache.ttl = ttl(raw.get());
            }
            "cacheScope" => {
                let raw: &RawValue = map.next_value()?;
                self.cache.scope = scope(raw.get());
            }
            _ => return self.task.take(name, map),
        }
        Ok(true)
    }
}

/// Milliseconds; a negative number is 0, a fraction or anything else none.
fn ttl(raw: &str) -> Option<Duration> {
    let millis: i128 = raw.parse().ok()?;
    Some(Duration::from_millis(u64::try_from(millis.max(0)).unwrap_or(u64::MAX)))
}

fn scope(raw: &str) -> Option<CacheScope> {
    match raw {
        "\"public\"" => Some(CacheScope::Public),
        "\"private\"" => Some(CacheScope::Private),
        _ => None,
    }
}

impl<'de: 'a, 'a, R: Deserialize<'de>> Deserialize<'de> for Reply<'a, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Marked { marks, result } = Marked::<Envelope<'de>, R>::deserialize(deserializer)?;
        let is_typed = marks.kind.is_some();
        match marks.kind.as_deref() {
            None | Some("complete") => {
                let result = result.map_err(D::Error::custom)?;
                Ok(Self::Complete(Complete { result, is_typed, cache: marks.cache }))
            }
            Some("input_required") => {
                let (requests, state) = (marks.requests, marks.state);
                if requests.is_some_and(|raw| !raw.get().starts_with('{')) {
                    return Err(D::Error::custom("inputRequests is not an object"));
                }
                if state.is_some_and(|raw| !raw.get().starts_with('"')) {
                    return Err(D::Error::custom("requestState is not a string"));
                }
                Ok(Self::InputRequired(InputRequired { requests, state }))
            }
            Some("task") => marks.task.whole().map(Self::Task).map_err(D::Error::custom),
            Some(_) => Ok(Self::Unknown(marks.kind.unwrap_or_default())),
        }
    }
}

/// The answer to `tasks/get`: the task's own members are those of the result.
#[derive(Debug)]
pub enum Polled<'a> {
    /// How the task is.
    Task(Task<'a>),
    /// A result of another type.
    Unknown(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Polled<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Marked { marks, .. } = Marked::<Envelope<'de>, Empty>::deserialize(deserializer)?;
        match marks.kind {
            Some(kind) if !matches!(&*kind, "complete" | "task") => Ok(Self::Unknown(kind)),
            _ => marks.task.whole().map(Self::Task).map_err(D::Error::custom),
        }
    }
}

/// A result of which nothing but its envelope is looked at, such as an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Empty {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{self, Answer, Message};
    use crate::protocol::results::call::CallResult;
    use crate::protocol::results::tests::{result, with};
    use proptest::prelude::*;

    const CALL: Ask<'static> = Ask::ToolsCall { name: "a", arguments: &|_| {} };

    /// What is left to do after a result, in a word or two.
    fn turned(text: &str, ask: &Ask<'_>, tasks: Tasks) -> Result<String, Rule> {
        with(text, |text| {
            let turn = result::<Reply<'_, CallResult<'_>>>(text)?.turn(ask, tasks)?;
            Ok(match turn {
                Turn::Complete(complete) => {
                    let Complete { result, is_typed, cache } = complete;
                    let ttl = cache.ttl.map(|ttl| ttl.as_millis());
                    format!("{} {is_typed} {ttl:?} {:?}", result.content.blocks, cache.scope)
                }
                Turn::Answer(input) => {
                    let get = |raw: Option<&RawValue>| raw.map_or("-", RawValue::get).to_owned();
                    format!("answer {} {}", get(input.requests), get(input.state))
                }
                Turn::Poll(task) => format!("poll {}", task.id),
            })
        })
    }

    #[test]
    fn results_of_every_type() {
        use Tasks::{Declared, NotDeclared};
        let list = Ask::ToolsList { cursor: None };
        let read = Ask::ResourcesRead { uri: "a" };
        let (unknown, malformed) = (Err(Rule::UnknownResultType), Err(Rule::MalformedResult));
        let asks =
            r#"{"resultType":"input_required","inputRequests":{"a":{}},"requestState":"s\"1"}"#;
        let task = r#"{"resultType":"task","taskId":"t","status":"working","ttlMs":null}"#;
        let cases = [
            (
                r#"{"content":[],"resultType":"complete"}"#,
                CALL,
                NotDeclared,
                Ok("0 true None None"),
            ),
            (r#"{"content":[]}"#, CALL, NotDeclared, Ok("0 false None None")),
            (
                r#"{"ttlMs":300000,"content":[{"type":"text","text":"a"}],"cacheScope":"public","resultType":"complete","_meta":{}}"#,
                list,
                NotDeclared,
                Ok("1 true Some(300000) Some(Public)"),
            ),
            (
                r#"{"ttlMs":-5,"content":[],"cacheScope":"private"}"#,
                list,
                NotDeclared,
                Ok("0 false Some(0) Some(Private)"),
            ),
            (
                r#"{"ttlMs":1.5,"content":[],"cacheScope":"mine"}"#,
                list,
                NotDeclared,
                Ok("0 false None None"),
            ),
            (asks, CALL, NotDeclared, Ok(r#"answer {"a":{}} "s\"1""#)),
            (asks, read, NotDeclared, Ok(r#"answer {"a":{}} "s\"1""#)),
            (asks, list, NotDeclared, Err(Rule::UnaskedInput)),
            (
                r#"{"requestState":"","resultType":"input_required"}"#,
                CALL,
                Declared,
                Ok("answer - \"\""),
            ),
            (r#"{"resultType":"input_required"}"#, CALL, Declared, Err(Rule::EmptyInputRequired)),
            (
                r#"{"resultType":"input_required","inputRequests":null}"#,
                CALL,
                Declared,
                Err(Rule::EmptyInputRequired),
            ),
            (r#"{"resultType":"input_required","inputRequests":[]}"#, CALL, Declared, malformed),
            (r#"{"resultType":"input_required","requestState":5}"#, CALL, Declared, malformed),
            (task, CALL, Declared, Ok("poll t")),
            (task, CALL, NotDeclared, unknown),
            (task, read, Declared, unknown),
            (r#"{"resultType":"task","taskId":"t"}"#, CALL, Declared, malformed),
            (r#"{"resultType":"partial","content":[]}"#, CALL, Declared, unknown),
            (r#"{"resultType":"","content":[]}"#, CALL, Declared, unknown),
            (r#"{"resultType":"complete"}"#, CALL, Declared, malformed),
            (r#"{"resultType":5,"content":[]}"#, CALL, Declared, malformed),
            (
                r#"{"resultType":"complete","resultType":"task","content":[]}"#,
                CALL,
                Declared,
                malformed,
            ),
            (r#"{"resultType":"complete","content":{}}"#, CALL, Declared, malformed),
        ];
        for (text, ask, tasks, expected) in cases {
            assert_eq!(turned(text, &ask, tasks), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_result_is_borrowed_through_its_envelope() {
        let text = r#"{"resultType":"complete","structuredContent":{"a":1},"content":[{"type":"text","text":"plain"}]}"#;
        let reply: Reply<'_, CallResult<'_>> = serde_json::from_str(text).unwrap();
        let Reply::Complete(complete) = reply else { panic!() };
        assert!(matches!(complete.result.content.first_text(), Some(Cow::Borrowed("plain"))));
        assert_eq!(complete.result.structured_content.unwrap().get(), r#"{"a":1}"#);
    }

    #[test]
    fn the_next_round_says_what_was_asked() {
        let state: Box<RawValue> = serde_json::from_str(r#""a\u0062""#).unwrap();
        let (none, some) = (None, Some(&*state));
        let said = |state, responses: Option<&[u8]>| {
            let input = InputRequired { requests: None, state };
            String::from_utf8(input.continued(responses)).unwrap()
        };
        assert_eq!(said(none, Some(b"{}")), r#""inputResponses":{}"#);
        assert_eq!(said(some, None), r#""requestState":"a\u0062""#);
        assert_eq!(said(some, Some(b"{}")), r#""inputResponses":{},"requestState":"a\u0062""#);
    }

    #[test]
    fn polled_tasks() {
        let look = |text: &str| {
            result::<Polled<'_>>(text).map(|polled| match polled {
                Polled::Task(task) => {
                    format!("{:?} {}", task.status, task.input_requests.is_some())
                }
                Polled::Unknown(kind) => kind.into_owned(),
            })
        };
        let cases = [
            (r#"{"resultType":"complete","taskId":"t","status":"working"}"#, Ok("Working false")),
            (r#"{"taskId":"t","status":"failed","error":{}}"#, Ok("Failed false")),
            (
                r#"{"taskId":"t","status":"input_required","inputRequests":{}}"#,
                Ok("InputRequired true"),
            ),
            (r#"{"resultType":"odd","taskId":"t","status":"working"}"#, Ok("odd")),
            (r#"{"resultType":"complete"}"#, Err(Rule::MalformedResult)),
        ];
        for (text, expected) in cases {
            assert_eq!(with(text, look), expected.map(str::to_owned), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(text in r#"[{}\[\]":,a-z0-9 ]{0,80}"#, kind in 0..4_usize) {
            let kind = ["complete", "input_required", "task", "x"][kind];
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"{kind}",{text}}}}}"#);
            let read = message::read::<Reply<'_, CallResult<'_>>>(text.as_bytes());
            if let Ok(Message::Answer(Answer { result: Some(reply), .. })) = read {
                let _ = reply.turn(&CALL, Tasks::Declared);
            }
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in any::<Vec<u8>>()) {
            let _ = message::read::<Reply<'_, CallResult<'_>>>(&bytes);
            let _ = message::read::<Polled<'_>>(&bytes);
        }
    }
}
