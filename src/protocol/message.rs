//! A JSON-RPC 2.0 message from a server, read in one pass and borrowed from its bytes.
//!
//! Rules: jsonrpc.org specification, sections 4 and 5, and the MCP base protocol (results are
//! objects, ids are strings or numbers). Only a message that cannot be read is looked at again,
//! to say which rule it broke.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::outcome::Rule;

/// Longest explanation kept of what is wrong with a message, in bytes.
const DETAIL_BYTES: usize = 200;

/// The id of a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id<'a> {
    /// A JSON number.
    Number(u64),
    /// A JSON string, given here without quotes and escapes.
    Text(&'a str),
}

/// An id as the server wrote it: a JSON string or number, kept as its text so that it can be
/// echoed unchanged.
#[derive(Debug, Clone, Copy)]
pub struct IdView<'a>(&'a RawValue);

/// Whether a notification with this method says that a list is no longer what it was.
pub fn is_list_changed(method: &str) -> bool {
    let kind = method.strip_prefix("notifications/");
    matches!(
        kind.and_then(|kind| kind.strip_suffix("/list_changed")),
        Some("tools" | "prompts" | "resources")
    )
}

/// A message from a server, whose result is read as `R`.
#[derive(Debug)]
pub enum Message<'a, R> {
    /// The answer to a request of ours.
    Answer(Answer<'a, R>),
    /// A request of the server's, which waits for an answer.
    Request(Request<'a>),
    /// A notification.
    Notification(Notification<'a>),
}

/// The answer to a request of ours; a rightful one has an id and one of `result` and `error`.
#[derive(Debug)]
pub struct Answer<'a, R> {
    /// Absent or null where the server could not read which request it answers.
    pub id: Option<IdView<'a>>,
    /// What was asked for.
    pub result: Option<R>,
    /// Why it was not given.
    pub error: Option<RpcError<'a>>,
}

/// A request of the server's.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Its id, to be echoed.
    pub id: IdView<'a>,
    /// What it asks for.
    pub method: Cow<'a, str>,
    /// Its parameters, unread.
    pub params: Option<&'a RawValue>,
}

/// A notification of the server's.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// What it tells.
    pub method: Cow<'a, str>,
    /// Its parameters, unread.
    pub params: Option<&'a RawValue>,
}

/// A JSON-RPC error object.
#[derive(Debug, Clone, Deserialize)]
pub struct RpcError<'a> {
    /// Its code; only an integer is one.
    pub code: i64,
    /// Its one sentence.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// Whatever the server added, unread.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

/// A message that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    /// The rule it broke.
    pub rule: Rule,
    /// What was found where; it may quote the server and is not yet escaped.
    pub detail: String,
}

/// Reads one message whose result, if it has one, is an object of type `R`.
///
/// # Errors
/// [`Malformed`] with [`Rule::NotJson`], [`Rule::NotJsonRpc`] or, where only the result is not
/// what it must be, [`Rule::MalformedResult`].
pub fn read<'a, R: Deserialize<'a>>(bytes: &'a [u8]) -> Result<Message<'a, R>, Malformed> {
    // Checked here once and for all: what is skipped unread would be taken as it is.
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(Rule::NotJson, &e.to_string()))?;
    let Object(envelope) = serde_json::from_str(text).map_err(|e| second_look(text, &e))?;
    sorted(envelope)
}

/// Says which rule a message broke that could not be read.
fn second_look(text: &str, error: &serde_json::Error) -> Malformed {
    let rule = if serde_json::from_str::<&RawValue>(text).is_err() {
        Rule::NotJson
    } else if serde_json::from_str::<Object<Envelope<'_, IgnoredAny>>>(text).is_ok() {
        Rule::MalformedResult
    } else {
        Rule::NotJsonRpc
    };
    malformed(rule, &error.to_string())
}

fn malformed(rule: Rule, detail: &str) -> Malformed {
    let mut kept = detail.len().min(DETAIL_BYTES);
    while !detail.is_char_boundary(kept) {
        kept -= 1;
    }
    Malformed { rule, detail: detail[..kept].to_owned() }
}

fn sorted<R>(envelope: Envelope<'_, Object<R>>) -> Result<Message<'_, R>, Malformed> {
    let not_rpc = |detail| Err(malformed(Rule::NotJsonRpc, detail));
    let id = match envelope.id.map(|id| (IdView::of(id), id.get())) {
        Some((Some(id), _)) => Some(id),
        None => None,
        Some((None, "null")) if envelope.method.is_none() => None,
        Some(_) => return not_rpc("the id is neither a string nor a number"),
    };
    let Envelope { params, error, .. } = envelope;
    let method = envelope.method.map(|Text(method)| method);
    let result = envelope.result.map(|Object(result)| result);
    let error = error.map(|Object(error)| error);
    match (method, id) {
        (None, id) => Ok(Message::Answer(Answer { id, result, error })),
        (Some(_), _) if result.is_some() || error.is_some() => {
            not_rpc("a message with a method has a result or an error, too")
        }
        (Some(method), Some(id)) => Ok(Message::Request(Request { id, method, params })),
        (Some(method), None) => Ok(Message::Notification(Notification { method, params })),
    }
}

impl Id<'_> {
    /// Whether the server's id is this one, of the same JSON type.
    pub fn matches(&self, view: &IdView<'_>) -> bool {
        let raw = view.raw();
        match *self {
            Self::Number(number) => itoa::Buffer::new().format(number) == raw,
            Self::Text(text) => match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
                Some(plain) if !plain.contains('\\') => plain == text,
                Some(_) => serde_json::from_str::<String>(raw).is_ok_and(|plain| plain == text),
                None => false,
            },
        }
    }
}

impl<'a> IdView<'a> {
    /// The id that a JSON value is, if it is a string or a number.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        matches!(raw.get().as_bytes()[0], b'"' | b'-' | b'0'..=b'9').then_some(Self(raw))
    }

    /// The id as JSON text.
    pub fn raw(&self) -> &str {
        self.0.get()
    }
}

/// All members any message can have; a member that is there is never taken for one that is not.
#[derive(Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
struct Envelope<'a, R> {
    #[serde(rename = "jsonrpc")]
    _version: Version,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    result: Option<R>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<Object<RpcError<'a>>>,
}

/// A member that, if it is there, is a `T`; `null` is not an absent one.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// `"2.0"`.
struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(version) = Text::deserialize(deserializer)?;
        if version == "2.0" { Ok(Self) } else { Err(D::Error::custom("jsonrpc is not \"2.0\"")) }
    }
}

/// A string, borrowed unless it has escapes.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A `T` out of a JSON object only; serde's own structs read arrays, too.
#[derive(Debug, Default)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Sum<'a> {
        sum: u32,
        #[serde(borrow, default)]
        note: Cow<'a, str>,
    }

    /// What kind of message it is, in one word and its members.
    fn said(text: &str) -> String {
        match read::<Sum<'_>>(text.as_bytes()) {
            Ok(Message::Answer(Answer { id, result, error })) => format!(
                "answer {} {:?} {:?}",
                id.as_ref().map_or("-", IdView::raw),
                result.map(|sum| sum.sum),
                error.map(|error| (error.code, error.message.into_owned())),
            ),
            Ok(Message::Request(request)) => format!(
                "request {} {} {}",
                request.id.raw(),
                request.method,
                request.params.map_or("-", RawValue::get)
            ),
            Ok(Message::Notification(notification)) => format!(
                "notification {} {}",
                notification.method,
                notification.params.map_or("-", RawValue::get)
            ),
            Err(malformed) => format!("{:?}", malformed.rule),
        }
    }

    #[test]
    fn messages_and_what_is_none() {
        let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}"#, "[".repeat(100_000));
        let cases: &[(&str, &str)] = &[
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5}}"#, "answer 1 Some(5) None"),
            (
                r#" {"result":{"sum":5,"x":[1]},"id":"a","jsonrpc":"2.0"} "#,
                "answer \"a\" Some(5) None",
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5},"extra":{}}"#, "answer 1 Some(5) None"),
            (r#"{"jsonrpc":"2.0","id":null,"result":{"sum":5}}"#, "answer - Some(5) None"),
            (r#"{"jsonrpc":"2.0","result":{"sum":5}}"#, "answer - Some(5) None"),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
                r#"answer 1 None Some((-32601, "no"))"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"a\nb","data":{}}}"#,
                r#"answer - None Some((-32000, "a\nb"))"#,
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#,
                r#"answer - None Some((1, "x"))"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5},"error":{"code":1,"message":"x"}}"#,
                r#"answer 1 Some(5) Some((1, "x"))"#,
            ),
            (r#"{"jsonrpc":"2.0","id":1}"#, "answer 1 None None"),
            (r#"{"jsonrpc":"2.0","id":-7,"method":"ping"}"#, "request -7 ping -"),
            (
                r#"{"jsonrpc":"2.0","id":"s-1","method":"roots/list","params":{"a":1}}"#,
                r#"request "s-1" roots/list {"a":1}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications\/progress","params":{"progress":1}}"#,
                r#"notification notifications/progress {"progress":1}"#,
            ),
            // The result is not what was asked for.
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":"5"}}"#, "MalformedResult"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "MalformedResult"),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "MalformedResult"),
            (r#"{"jsonrpc":"2.0","id":1,"result":[5,""]}"#, "MalformedResult"),
            // JSON, but not JSON-RPC 2.0.
            (r#"{"id":1,"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"1.0","id":1,"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":2.0,"id":1,"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":true,"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":{},"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"E1","message":"x"}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"x"}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, "NotJsonRpc"),
            (r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{"sum":5}}"#, "NotJsonRpc"),
            (r#"[{"jsonrpc":"2.0","id":1,"result":{"sum":5}}]"#, "NotJsonRpc"),
            (r#"["2.0",1,null,null,{"sum":5}]"#, "NotJsonRpc"),
            (r#"{"error":"rate limited"}"#, "NotJsonRpc"),
            ("null", "NotJsonRpc"),
            ("17", "NotJsonRpc"),
            // Not JSON.
            ("", "NotJson"),
            ("<html></html>", "NotJson"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5}"#, "NotJson"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5}}}"#, "NotJson"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5},}"#, "NotJson"),
            (&deep, "NotJson"),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), *expected, "{}", &text[..text.len().min(200)]);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_not_json() {
        let broken = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"sum\":5,\"note\":\"\xff\"}}";
        assert_eq!(read::<Sum<'_>>(broken).unwrap_err().rule, Rule::NotJson);
    }

    #[test]
    fn the_result_is_borrowed() {
        let text = r#"{"jsonrpc":"2.0","id":1,"result":{"sum":5,"note":"as it came"}}"#;
        let Ok(Message::Answer(answer)) = read::<Sum<'_>>(text.as_bytes()) else { panic!() };
        assert!(matches!(answer.result.unwrap().note, Cow::Borrowed("as it came")));
    }

    #[test]
    fn an_id_has_a_type() {
        let cases = [
            (Id::Number(1), "1", true),
            (Id::Number(1), "\"1\"", false),
            (Id::Number(1), "1.0", false),
            (Id::Number(1), "10", false),
            (Id::Number(u64::MAX), "18446744073709551615", true),
            (Id::Text("1"), "1", false),
            (Id::Text("1"), "\"1\"", true),
            (Id::Text("server-discover-probe-1"), "\"server-discover-probe-1\"", true),
            (Id::Text("a\"b"), r#""a\"b""#, true),
            (Id::Text("ab"), r#""a\u0062""#, true),
            (Id::Text("a"), r#""b""#, false),
        ];
        for (id, raw, same) in cases {
            let raw: Box<RawValue> = serde_json::from_str(raw).unwrap();
            assert_eq!(id.matches(&IdView(&raw)), same, "{id:?} {raw}");
        }
    }

    #[test]
    fn an_explanation_is_short() {
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"sum":"{}"}}}}"#, "é".repeat(1000));
        let malformed = read::<Sum<'_>>(text.as_bytes()).unwrap_err();
        assert!(malformed.detail.starts_with("invalid type: string \"é"), "{malformed}");
        assert!(malformed.detail.len() <= DETAIL_BYTES);
    }
}
