//! `subscriptions/listen`: what is asked for, and what comes on its stream.
//!
//! Rules: MCP specification 2026-07-28, basic/patterns/subscriptions and cancellation.
//!
//! ```text
//! acknowledged ─ change ─ change ─ ... ─┬─ the response      graceful
//! (first, with what is honoured)        ├─ cancelled         graceful, too
//!                                       └─ the stream breaks abrupt
//! ```

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::write;
use crate::model::outcome::Rule;
use crate::protocol::ask::Extra;
use crate::protocol::json::{self, Members};
use crate::protocol::message::{Id, IdView, Message, Notification, Object};

/// The request's method, as `Mcp-Method` carries it.
pub const METHOD: &str = "subscriptions/listen";

/// What a client wants to be told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interest<'a> {
    /// The list of tools changed.
    pub tools: bool,
    /// The list of prompts changed.
    pub prompts: bool,
    /// The list of resources changed.
    pub resources: bool,
    /// These resources changed.
    pub uris: &'a [String],
    /// These tasks changed; for clients of the tasks extension.
    pub tasks: &'a [String],
}

/// Writes the request.
pub fn listen(out: &mut Vec<u8>, id: Id<'_>, interest: &Interest<'_>, meta: &[u8]) {
    write::with_params(out, id, METHOD, meta, &Extra::default(), |params| {
        let mut wanted = Members::begin(params.member("notifications"));
        let flags = [
            ("toolsListChanged", interest.tools),
            ("promptsListChanged", interest.prompts),
            ("resourcesListChanged", interest.resources),
        ];
        for (name, _) in flags.iter().filter(|(_, wants)| *wants) {
            wanted.member(name).extend_from_slice(b"true");
        }
        for (name, all) in [("resourceSubscriptions", interest.uris), ("taskIds", interest.tasks)] {
            if !all.is_empty() {
                strings(wanted.member(name), all);
            }
        }
        wanted.end();
    });
}

fn strings(out: &mut Vec<u8>, all: &[String]) {
    out.push(b'[');
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::string(out, one);
    }
    out.push(b']');
}

/// What a message on the stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    /// The first message.
    Acknowledged,
    /// A list changed; the method says which.
    ListChanged(Cow<'a, str>),
    /// This resource changed.
    ResourceUpdated(Cow<'a, str>),
    /// Something about a task.
    Task,
    /// A notification of another kind, let through.
    Other(Cow<'a, str>),
    /// The server ends the subscription.
    Ended,
    /// The server refused the subscription with this JSON-RPC code.
    Refused(i64),
}

/// One listen stream as it is read.
#[derive(Debug, Clone)]
pub struct Stream<'a> {
    id: Id<'a>,
    is_acknowledged: bool,
}

impl<'a> Stream<'a> {
    /// The stream of the request with this id.
    pub const fn new(id: Id<'a>) -> Self {
        Self { id, is_acknowledged: false }
    }

    /// What a message tells.
    ///
    /// # Errors
    /// [`Rule::NotAcknowledged`] for a first message that is another one (told once),
    /// [`Rule::ForeignSubscription`], [`Rule::WrongStream`] for what must not travel here,
    /// [`Rule::ModernServerRequest`], [`Rule::WrongId`] and [`Rule::NotOneOfResultAndError`] as
    /// everywhere.
    pub fn hear<'m, R>(&mut self, message: Message<'m, R>) -> Result<Told<'m>, Rule> {
        let was_acknowledged = std::mem::replace(&mut self.is_acknowledged, true);
        match message {
            Message::Request(_) => Err(Rule::ModernServerRequest),
            Message::Answer(answer) => {
                let is_ours = answer.id.map(|id| self.id.matches(&id));
                match (is_ours, answer.result.is_some(), answer.error) {
                    (_, false, None) | (_, true, Some(_)) => Err(Rule::NotOneOfResultAndError),
                    (Some(false), ..) | (None, true, _) => Err(Rule::WrongId),
                    (_, false, Some(error)) => Ok(Told::Refused(error.code)),
                    (_, true, None) if !was_acknowledged => Err(Rule::NotAcknowledged),
                    (_, true, None) => Ok(Told::Ended),
                }
            }
            Message::Notification(notification) => self.notified(notification, was_acknowledged),
        }
    }

    fn notified<'m>(
        &self,
        notification: Notification<'m>,
        was_acknowledged: bool,
    ) -> Result<Told<'m>, Rule> {
        let params = notification.params.map_or_else(Params::default, read);
        let Notification { method, .. } = notification;
        match &*method {
            "notifications/progress" | "notifications/message" => return Err(Rule::WrongStream),
            "notifications/cancelled" => {
                let is_ours = params.request.is_some_and(|id| self.is(id));
                return if is_ours { Ok(Told::Ended) } else { Err(Rule::ForeignSubscription) };
            }
            "notifications/subscriptions/acknowledged" => {}
            _ if !was_acknowledged => return Err(Rule::NotAcknowledged),
            _ => {}
        }
        if !params.subscription().is_some_and(|id| self.is(id)) {
            return Err(Rule::ForeignSubscription);
        }
        Ok(match &*method {
            "notifications/subscriptions/acknowledged" => Told::Acknowledged,
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => Told::ListChanged(method),
            "notifications/resources/updated" => {
                Told::ResourceUpdated(params.uri.ok_or(Rule::MalformedResult)?)
            }
            "notifications/tasks" => Told::Task,
            _ => Told::Other(method),
        })
    }

    fn is(&self, id: &RawValue) -> bool {
        IdView::of(id).is_some_and(|id| self.id.matches(&id))
    }
}

/// As much of any notification's parameters as is looked at.
#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<Object<Meta<'a>>>,
    #[serde(borrow, default, rename = "requestId")]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<&'a RawValue>,
}

fn read(raw: &RawValue) -> Params<'_> {
    serde_json::from_str::<Object<Params<'_>>>(raw.get()).unwrap_or_default().0
}

impl<'a> Params<'a> {
    fn subscription(&self) -> Option<&'a RawValue> {
        self.meta.as_ref()?.0.subscription
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message;
    use serde::de::IgnoredAny;

    #[test]
    fn the_request_names_what_is_wanted() {
        let written = |interest: &Interest<'_>| {
            let mut out = Vec::new();
            listen(&mut out, Id::Number(7), interest, br#""m":1"#);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            written(&Interest::default()),
            r#"{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{},"_meta":{"m":1}}}"#
        );
        let uris = ["file:///a".to_owned(), "b\"".to_owned()];
        let all =
            Interest { tools: true, prompts: true, resources: true, uris: &uris, tasks: &uris };
        assert_eq!(
            written(&all),
            r#"{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["file:///a","b\""],"taskIds":["file:///a","b\""]},"_meta":{"m":1}}}"#
        );
    }

    /// A notification with `params`, in the subscription of the request 1.
    fn note(method: &str, rest: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":1}}{rest}}}}}"#
        )
    }

    fn heard(stream: &mut Stream<'_>, text: &str) -> Result<String, Rule> {
        let message = message::read::<IgnoredAny>(text.as_bytes()).unwrap();
        stream.hear(message).map(|told| format!("{told:?}"))
    }

    #[test]
    fn a_stream_from_acknowledgement_to_end() {
        let mut stream = Stream::new(Id::Number(1));
        let ack = note(
            "subscriptions/acknowledged",
            r#","notifications":{"toolsListChanged":true,"resourceSubscriptions":["a","b"]}"#,
        );
        assert_eq!(heard(&mut stream, &ack).as_deref(), Ok("Acknowledged"));
        let cases = [
            (
                note("tools/list_changed", ""),
                Ok("ListChanged(\"notifications/tools/list_changed\")"),
            ),
            (
                note("resources/updated", r#","uri":"file:///a""#),
                Ok("ResourceUpdated(\"file:///a\")"),
            ),
            (note("resources/updated", ""), Err(Rule::MalformedResult)),
            (note("tasks", ""), Ok("Task")),
            (note("new/kind", ""), Ok("Other(\"notifications/new/kind\")")),
            (note("progress", ""), Err(Rule::WrongStream)),
            (note("message", ""), Err(Rule::WrongStream)),
            (note("cancelled", r#","requestId":1"#), Ok("Ended")),
            (note("cancelled", r#","requestId":"1""#), Err(Rule::ForeignSubscription)),
            (note("cancelled", ""), Err(Rule::ForeignSubscription)),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#.to_owned(),
                Err(Rule::ForeignSubscription),
            ),
            (note("tools/list_changed", "").replace(":1}", ":2}"), Err(Rule::ForeignSubscription)),
            (
                note("tools/list_changed", "").replace(":1}", ":\"1\"}"),
                Err(Rule::ForeignSubscription),
            ),
            (
                r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#.to_owned(),
                Err(Rule::ModernServerRequest),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}"#.to_owned(),
                Ok("Ended"),
            ),
            (r#"{"jsonrpc":"2.0","id":2,"result":{}}"#.to_owned(), Err(Rule::WrongId)),
            (r#"{"jsonrpc":"2.0","result":{}}"#.to_owned(), Err(Rule::WrongId)),
            (r#"{"jsonrpc":"2.0","id":1}"#.to_owned(), Err(Rule::NotOneOfResultAndError)),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"x"}}"#.to_owned(),
                Ok("Refused(-32602)"),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(heard(&mut stream, &text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_stream_that_does_not_begin_rightly_is_told_once() {
        let mut stream = Stream::new(Id::Number(1));
        let change = note("tools/list_changed", "");
        assert_eq!(heard(&mut stream, &change), Err(Rule::NotAcknowledged));
        assert!(heard(&mut stream, &change).is_ok());
        let mut stream = Stream::new(Id::Number(1));
        let end = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        assert_eq!(heard(&mut stream, end), Err(Rule::NotAcknowledged));
        let mut stream = Stream::new(Id::Number(1));
        let refusal = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}"#;
        assert!(heard(&mut stream, refusal).is_ok());
    }
}
