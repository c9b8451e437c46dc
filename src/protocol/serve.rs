//! Our answers to what a server asks: as messages of their own in the legacy era, inside the next
//! round of a request in the modern one.
//!
//! Rules: MCP specification 2025-11-25, basic/utilities/ping, client/roots, client/sampling and
//! client/elicitation; 2026-07-28, basic/patterns/mrtr.

pub mod form;

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json::{self, Members};
use super::message::{IdView, Object, Request, Text};
use crate::model::outcome::Rule;
use crate::model::profile::{Elicitation, ServerRequests};

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
/// A server that asks more than this at once asks too much.
const MOST_QUESTIONS: usize = 64;

/// Which questions of a server a client declared that it answers: what its `capabilities` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct Declared {
    /// `roots`.
    pub roots: bool,
    /// `sampling`.
    pub sampling: bool,
    /// `elicitation` with `form`, which is also meant by an empty object.
    pub form: bool,
    /// `elicitation` with `url`.
    pub url: bool,
}

impl Declared {
    /// Of a `capabilities` object, as JSON text; of anything else, nothing.
    pub fn of(capabilities: &str) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Names<'a> {
            #[serde(borrow)]
            roots: Option<&'a RawValue>,
            #[serde(borrow)]
            sampling: Option<&'a RawValue>,
            #[serde(borrow)]
            elicitation: Option<Object<Modes<'a>>>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Modes<'a> {
            #[serde(borrow)]
            form: Option<&'a RawValue>,
            #[serde(borrow)]
            url: Option<&'a RawValue>,
        }
        let Object(names) =
            serde_json::from_str::<Object<Names<'_>>>(capabilities).unwrap_or_default();
        let modes = names.elicitation.map(|Object(modes)| modes);
        Self {
            roots: names.roots.is_some(),
            sampling: names.sampling.is_some(),
            form: modes.as_ref().is_some_and(|modes| modes.form.is_some() || modes.url.is_none()),
            url: modes.is_some_and(|modes| modes.url.is_some()),
        }
    }

    /// Whether a question is one of those the client declared; ping needs no declaration.
    pub fn covers(self, method: &str, params: Option<&RawValue>) -> bool {
        match method {
            "ping" => true,
            "roots/list" => self.roots,
            "sampling/createMessage" => self.sampling,
            "elicitation/create" if form::is_url(params) => self.url,
            "elicitation/create" => self.form,
            _ => false,
        }
    }
}

/// Our result for one question.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// This object, as JSON text.
    Result(Vec<u8>),
    /// A JSON-RPC error.
    Error(i64, &'static str),
}

/// Appends our answer to a request of the server's, if a client that treats them so gives one.
#[must_use = "says whether there is anything to send"]
pub fn answer(out: &mut Vec<u8>, request: &Request<'_>, policy: ServerRequests) -> bool {
    let answer = match (policy, &*request.method) {
        (ServerRequests::Ignore, _) => return false,
        (_, "ping") => Answer::Result(b"{}".to_vec()),
        (ServerRequests::PingOnly, _) => return false,
        (ServerRequests::Answer(elicitation), method) => {
            answered(method, request.params, elicitation)
        }
    };
    reply(out, request.id, &answer);
    true
}

/// What is answered to a question, wherever it was asked.
fn answered(method: &str, params: Option<&RawValue>, elicitation: Elicitation) -> Answer {
    match (method, elicitation) {
        ("roots/list", _) => Answer::Result(br#"{"roots":[]}"#.to_vec()),
        ("elicitation/create", Elicitation::Refuse) => refused(),
        ("elicitation/create", _) => form::answered(params, elicitation)
            .map_or(Answer::Error(INVALID_PARAMS, "Invalid params"), Answer::Result),
        ("sampling/createMessage", elicitation) if elicitation != Elicitation::Refuse => {
            Answer::Result(EMPTY_MESSAGE.as_bytes().to_vec())
        }
        _ => refused(),
    }
}

const fn refused() -> Answer {
    Answer::Error(METHOD_NOT_FOUND, "Method not found")
}

fn reply(out: &mut Vec<u8>, id: IdView<'_>, answer: &Answer) {
    let mut message = Members::begin(out);
    json::string(message.member("jsonrpc"), "2.0");
    message.member("id").extend_from_slice(id.raw().as_bytes());
    match answer {
        Answer::Result(result) => message.member("result").extend_from_slice(result),
        Answer::Error(code, text) => {
            let mut error = Members::begin(message.member("error"));
            json::number(error.member("code"), *code);
            json::string(error.member("message"), text);
            error.end();
        }
    }
    message.end();
}

/// The `inputResponses` object for the questions of an `input_required` result, as JSON text.
///
/// # Errors
/// [`Rule::UndeclaredInput`] for a question that the client did not declare that it answers,
/// [`Rule::MalformedResult`] for what is no question, [`Rule::TooLarge`] for too many.
pub fn input_responses(
    requests: &RawValue,
    policy: ServerRequests,
    declared: Declared,
) -> Result<Vec<u8>, Rule> {
    let Questions(questions) =
        serde_json::from_str(requests.get()).map_err(|_| Rule::MalformedResult)?;
    if questions.len() > MOST_QUESTIONS {
        return Err(Rule::TooLarge);
    }
    let mut out = Vec::new();
    let mut responses = Members::begin(&mut out);
    for (key, Object(question)) in &questions {
        let Text(method) = &question.method;
        // A round knows no ping.
        let is_declared = method != "ping" && declared.covers(method, question.params);
        if !is_declared {
            return Err(Rule::UndeclaredInput);
        }
        let response = response(method, question.params, policy)?;
        let Text(key) = key;
        responses.text_member(key).extend_from_slice(&response);
    }
    responses.end();
    Ok(out)
}

/// The result for one question of a round, which knows no errors: what is not answered is
/// declined, and a message to be written is an empty one.
fn response(
    method: &str,
    params: Option<&RawValue>,
    policy: ServerRequests,
) -> Result<Vec<u8>, Rule> {
    let elicitation = match policy {
        ServerRequests::Answer(Elicitation::Refuse)
        | ServerRequests::PingOnly
        | ServerRequests::Ignore => Elicitation::Decline,
        ServerRequests::Answer(elicitation) => elicitation,
    };
    if method == "sampling/createMessage" {
        return Ok(EMPTY_MESSAGE.as_bytes().to_vec());
    }
    match answered(method, params, elicitation) {
        Answer::Result(result) => Ok(result),
        Answer::Error(..) => Err(Rule::MalformedResult),
    }
}

/// What a model says that this client does not have.
const EMPTY_MESSAGE: &str = r#"{"role":"assistant","content":{"type":"text","text":""},"model":"none","stopReason":"endTurn"}"#;

/// The questions of a round, in the server's order.
struct Questions<'a>(Vec<(Text<'a>, Object<Question<'a>>)>);

#[derive(Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Questions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Questions<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of requests")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Questions<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                    if all.len() > MOST_QUESTIONS {
                        while map
                            .next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?
                            .is_some()
                        {}
                    }
                }
                Ok(Questions(all))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{self, Message};
    use serde::de::IgnoredAny;
    use serde_json::Value;

    const ALL: Declared = Declared { roots: true, sampling: true, form: true, url: true };
    const DEFAULTS: ServerRequests = ServerRequests::Answer(Elicitation::AcceptDefaults);

    #[test]
    fn answers_to_the_server() {
        use ServerRequests::{Ignore, PingOnly};
        const NO: ServerRequests = ServerRequests::Answer(Elicitation::Refuse);
        let pong = Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{}}"#);
        let roots = Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{"roots":[]}}"#);
        let no = Some(
            r#"{"jsonrpc":"2.0","id":"s-1","error":{"code":-32601,"message":"Method not found"}}"#,
        );
        let bad = Some(
            r#"{"jsonrpc":"2.0","id":"s-1","error":{"code":-32602,"message":"Invalid params"}}"#,
        );
        let form = r#""params":{"requestedSchema":{"properties":{"a":{"default":1}}}}"#;
        let filled =
            Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{"action":"accept","content":{"a":1}}}"#);
        let declined = Some(r#"{"jsonrpc":"2.0","id":"s-1","result":{"action":"decline"}}"#);
        let message = Some(
            r#"{"jsonrpc":"2.0","id":"s-1","result":{"role":"assistant","content":{"type":"text","text":""},"model":"none","stopReason":"endTurn"}}"#,
        );
        let none = r#""x":1"#;
        let cases = [
            ("ping", none, NO, pong),
            ("roots/list", none, NO, roots),
            ("elicitation/create", form, NO, no),
            ("elicitation/create", form, DEFAULTS, filled),
            ("elicitation/create", none, DEFAULTS, bad),
            ("elicitation/create", form, ServerRequests::Answer(Elicitation::Decline), declined),
            ("sampling/createMessage", none, DEFAULTS, message),
            ("sampling/createMessage", none, NO, no),
            ("tools/call", none, DEFAULTS, no),
            ("ping", none, PingOnly, pong),
            ("roots/list", none, PingOnly, None),
            ("elicitation/create", form, PingOnly, None),
            ("ping", none, Ignore, None),
        ];
        for (method, params, policy, expected) in cases {
            let text = format!(r#"{{"jsonrpc":"2.0","id":"s-1","method":"{method}",{params}}}"#);
            let Ok(Message::Request(request)) = message::read::<IgnoredAny>(text.as_bytes()) else {
                panic!("{text}")
            };
            let mut out = Vec::new();
            let sent = answer(&mut out, &request, policy);
            assert_eq!(sent.then(|| String::from_utf8(out).unwrap()).as_deref(), expected);
        }
    }

    fn responses(
        requests: &str,
        policy: ServerRequests,
        declared: Declared,
    ) -> Result<String, Rule> {
        let raw: Box<RawValue> = serde_json::from_str(requests).unwrap();
        input_responses(&raw, policy, declared).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn rounds_are_answered_key_by_key() {
        let form = r#"{"method":"elicitation/create","params":{"message":"m","requestedSchema":{"properties":{"a":{"default":"x"}}}}}"#;
        let sampling =
            r#"{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#;
        let all = format!(r#"{{"b\"":{form},"a":{{"method":"roots/list"}},"c":{sampling}}}"#);
        let expected = format!(
            r#"{{"b\"":{{"action":"accept","content":{{"a":"x"}}}},"a":{{"roots":[]}},"c":{EMPTY_MESSAGE}}}"#
        );
        assert_eq!(responses(&all, DEFAULTS, ALL), Ok(expected));
        serde_json::from_str::<Value>(EMPTY_MESSAGE).unwrap();
        let one = format!(r#"{{"a":{form}}}"#);
        let no = Ok(r#"{"a":{"action":"decline"}}"#.to_owned());
        for policy in [ServerRequests::PingOnly, ServerRequests::Answer(Elicitation::Refuse)] {
            assert_eq!(responses(&one, policy, ALL), no);
        }
        assert_eq!(responses("{}", DEFAULTS, ALL), Ok("{}".to_owned()));
    }

    #[test]
    fn what_was_not_declared_is_not_answered() {
        let asked = |method: &str| format!(r#"{{"a":{{"method":"{method}"}}}}"#);
        let none = Declared::default();
        for method in ["roots/list", "sampling/createMessage", "elicitation/create"] {
            assert_eq!(responses(&asked(method), DEFAULTS, none), Err(Rule::UndeclaredInput));
        }
        for method in ["ping", "tools/call", ""] {
            assert_eq!(responses(&asked(method), DEFAULTS, ALL), Err(Rule::UndeclaredInput));
        }
        for broken in
            ["[]", r#"{"a":5}"#, r#"{"a":{}}"#, r#"{"a":{"method":"elicitation/create"}}"#]
        {
            assert_eq!(responses(broken, DEFAULTS, ALL), Err(Rule::MalformedResult), "{broken}");
        }
        let many: Vec<_> =
            (0..1_000).map(|n| format!(r#""{n}":{{"method":"roots/list"}}"#)).collect();
        let many = format!("{{{}}}", many.join(","));
        assert_eq!(responses(&many, DEFAULTS, ALL), Err(Rule::TooLarge));
    }

    #[test]
    fn what_capabilities_declare() {
        let of = Declared::of;
        assert_eq!(
            of(
                r#"{"roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{},"url":{}}}"#
            ),
            ALL
        );
        assert_eq!(of("{}"), Declared::default());
        assert_eq!(of("no JSON"), Declared::default());
        let modes = |text: &str| (of(text).form, of(text).url);
        assert_eq!(modes(r#"{"elicitation":{}}"#), (true, false));
        assert_eq!(modes(r#"{"elicitation":{"url":{}}}"#), (false, true));
        assert_eq!(modes(r#"{"elicitation":{"form":{}}}"#), (true, false));
    }

    #[test]
    fn a_question_has_to_be_covered() {
        let url: Box<RawValue> = serde_json::from_str(r#"{"mode":"url"}"#).unwrap();
        let form: Box<RawValue> = serde_json::from_str(r#"{"mode":"form"}"#).unwrap();
        let forms = Declared { form: true, ..Declared::default() };
        let cases = [
            ("ping", None, true),
            ("roots/list", None, false),
            ("elicitation/create", None, true),
            ("elicitation/create", Some(&*form), true),
            ("elicitation/create", Some(&*url), false),
            ("tasks/get", None, false),
        ];
        for (method, params, expected) in cases {
            assert_eq!(forms.covers(method, params), expected, "{method} {params:?}");
        }
        let question = r#"{"a":{"method":"elicitation/create","params":{"mode":"url"}}}"#;
        assert_eq!(responses(question, DEFAULTS, forms), Err(Rule::UndeclaredInput));
        assert_eq!(
            responses(question, DEFAULTS, ALL),
            Ok(r#"{"a":{"action":"accept"}}"#.to_owned())
        );
    }
}
