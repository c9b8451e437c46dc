//! What the result of a modern request is: complete, a question back, or a task.
//!
//! Rules: MCP specification 2026-07-28, basic ("Responses"), basic/patterns/mrtr,
//! server/utilities/caching, and the tasks extension.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::{Error as _, IgnoredAny, MapAccess};
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
            "inputRequests" => self.requests = map.next_value()?,
            "requestState" => self.state = map.next_value()?,
            "ttlMs" => {
                let raw: &RawValue = map.next_value()?;
                self.cache.ttl = ttl(raw.get());
                self.task.ttl = Some(raw);
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

/// A result nobody looks at: only what surrounds it counts.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Ack {
    #[serde(default, rename = "_meta")]
    _meta: Option<IgnoredAny>,
}
