//! Answers as bytes: one JSON-RPC object, as `application/json` or as the one event of a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use serde::Serialize;
use serde_json::value::RawValue;

use super::request::Refusal;
use super::response::{EVENT_STREAM, JSON, content, unbuffered};
use crate::model::plan::Answers;

/// What a request is answered with, as JSON text.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A `result` known beforehand.
    Fixed(&'static str),
    /// A `result` made for this request.
    Result(String),
    /// A `result` that asks the client for input first (2026-07-28).
    InputRequired(String),
    /// A `CallToolResult` with one text block, given as parts of an already escaped JSON string.
    Text {
        /// The parts of the text, joined with nothing between.
        parts: Vec<TextPart>,
        /// The tool failed or was called wrongly.
        is_error: bool,
    },
    /// A JSON-RPC `error`.
    Error {
        /// Its code.
        code: i32,
        /// What was found and what was expected.
        message: String,
        /// Its `data`, a JSON object.
        data: Option<String>,
    },
}

/// A part of a text block: the inside of a JSON string, escaped.
#[derive(Debug, Clone)]
pub enum TextPart {
    /// Known beforehand.
    Fixed(&'static str),
    /// Made for this request.
    Made(String),
}

/// What an era adds to each result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    /// Nothing: until 2025-11-25.
    Plain,
    /// `resultType` and who answers (2026-07-28).
    Modern,
    /// The same, and how long the result may be kept.
    ModernCached,
}

/// Who answers, as the modern era's results say it.
const SERVER_INFO: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"squall-practice","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}"#,
);

/// The lists never change by themselves; who is told that one did asks anew.
const CACHING: &str = r#""ttlMs":60000,"cacheScope":"public","#;

impl TextPart {
    /// Any text, escaped.
    pub fn escaped(text: &str) -> Self {
        let quoted = quoted(text);
        Self::Made(quoted[1..quoted.len() - 1].to_owned())
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl Answer {
    /// An error with the code -32602.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::error(-32602, message)
    }

    /// An error without data.
    pub fn error(code: i32, message: impl Into<String>) -> Self {
        Self::Error { code, message: message.into(), data: None }
    }

    /// A tool's result: any text.
    pub fn said(text: &str) -> Self {
        Self::Text { parts: vec![TextPart::escaped(text)], is_error: false }
    }

    /// A tool's result that says what went wrong.
    pub fn failed(why: &str) -> Self {
        Self::Text { parts: vec![TextPart::escaped(why)], is_error: true }
    }

    /// Whether it tells of a failure of the tool itself.
    pub fn is_tool_error(&self) -> bool {
        match self {
            Self::Text { is_error, .. } => *is_error,
            Self::Fixed(result) => result.ends_with(r#""isError":true}"#),
            _ => false,
        }
    }

    /// The answer to the request with this id: 200, in the form asked for.
    pub fn respond(&self, id: &str, form: Answers) -> Response {
        self.with(StatusCode::OK, id, form, Dress::Plain)
    }

    /// The answer in the modern era, in which some errors have statuses of their own
    /// (2026-07-28, basic/transports).
    pub fn respond_modern(&self, id: &str, form: Answers, dress: Dress) -> Response {
        let status = match self {
            Self::Error { code: -32601, .. } => StatusCode::NOT_FOUND,
            Self::Error { code: -32022..=-32020, .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        let form = if status == StatusCode::OK { form } else { Answers::Json };
        let response = self.with(status, id, form, dress);
        if form == Answers::Sse { unbuffered(response) } else { response }
    }

    fn with(&self, status: StatusCode, id: &str, form: Answers, dress: Dress) -> Response {
        let mut bytes = Vec::with_capacity(self.size() + id.len() + 320);
        if form == Answers::Sse {
            bytes.extend_from_slice(b"event: message\ndata: ");
        }
        self.write(id, dress, &mut bytes);
        match form {
            Answers::Json => content(status, JSON, Body::from(bytes)),
            Answers::Sse => {
                bytes.extend_from_slice(b"\n\n");
                let event = OneEvent(Some(Bytes::from(bytes)));
                content(status, EVENT_STREAM, Body::new(event))
            }
        }
    }

    /// The whole JSON-RPC message.
    pub fn message(&self, id: &RawValue, dress: Dress) -> String {
        let mut bytes = Vec::with_capacity(self.size() + 320);
        self.write(id.get(), dress, &mut bytes);
        // Every part of it was text.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn size(&self) -> usize {
        match self {
            Self::Fixed(result) => result.len(),
            Self::Result(result) | Self::InputRequired(result) => result.len(),
            Self::Text { parts, .. } => parts.iter().map(|part| part.as_str().len()).sum(),
            Self::Error { message, .. } => message.len(),
        }
    }

    pub(super) fn write(&self, id: &str, dress: Dress, to: &mut Vec<u8>) {
        let mut put = |text: &str| to.extend_from_slice(text.as_bytes());
        put(r#"{"jsonrpc":"2.0","id":"#);
        put(id);
        put(if matches!(self, Self::Error { .. }) { r#","error":"# } else { r#","result":"# });
        match self {
            Self::Fixed(result) => put_dressed(&mut put, result, dress, "complete"),
            Self::Result(result) => put_dressed(&mut put, result, dress, "complete"),
            Self::InputRequired(result) => {
                put_dressed(&mut put, result, dress, "input_required");
            }
            Self::Text { parts, is_error } => {
                let start = r#"{"content":[{"type":"text","text":""#;
                put_dressed(&mut put, start, dress, "complete");
                for part in parts {
                    put(part.as_str());
                }
                put(if *is_error { r#""}],"isError":true}"# } else { r#""}],"isError":false}"# });
            }
            Self::Error { code, message, data } => put(&error(*code, message, data.as_deref())),
        }
        to.push(b'}');
    }
}

/// Puts a result, or the start of one, with what the era adds before its own members.
fn put_dressed(put: &mut impl FnMut(&str), result: &str, dress: Dress, kind: &str) {
    if dress == Dress::Plain {
        return put(result);
    }
    put(r#"{"resultType":""#);
    put(kind);
    put(r#"","#);
    if dress == Dress::ModernCached {
        put(CACHING);
    }
    put(SERVER_INFO);
    let members = &result[1..];
    if members != "}" {
        put(",");
    }
    put(members);
}

#[derive(Serialize)]
struct Error<'a> {
    code: i32,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

fn error(code: i32, message: &str, data: Option<&str>) -> String {
    let data = data.and_then(|data| serde_json::from_str(data).ok());
    json(&Error { code, message, data })
}

impl Refusal {
    /// The refusal as a response: a JSON-RPC error, with a null id unless the request was read.
    pub fn respond(&self) -> Response {
        let error = error(self.code, &self.message, self.data.as_deref());
        let id = self.id.as_deref().unwrap_or("null");
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
        content(self.status, JSON, Body::from(body))
    }
}

/// A text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    json(&text)
}

fn json(value: &impl Serialize) -> String {
    // Writing strings and integers into memory cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// One event without a declared length: it travels chunked, as from servers that stream, yet in
/// one write, because the end is known with it.
struct OneEvent(Option<Bytes>);

impl HttpBody for OneEvent {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: &Answer, id: &str, dress: Dress) -> serde_json::Value {
        let mut bytes = Vec::new();
        answer.write(id, dress, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn answers_are_json_with_the_id_as_it_came() {
        let parts = vec![TextPart::Fixed("a "), TextPart::escaped("\"b\"\n")];
        let data = Some(r#"{"uri":"x"}"#.to_owned());
        let with_data = Answer::Error { code: 1, message: String::new(), data };
        for (answer, rest) in [
            (Answer::Fixed("{}"), r#""result":{}"#),
            (Answer::Result("{\"a\":1}".into()), r#""result":{"a":1}"#),
            (
                Answer::Text { parts, is_error: true },
                r#""result":{"content":[{"type":"text","text":"a \"b\"\n"}],"isError":true}"#,
            ),
            (Answer::invalid_params("a \"b\""), r#""error":{"code":-32602,"message":"a \"b\""}"#),
            (with_data, r#""error":{"code":1,"message":"","data":{"uri":"x"}}"#),
        ] {
            for id in ["7", "\"7\""] {
                let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);
                let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
                assert_eq!(written(&answer, id, Dress::Plain), expected);
            }
        }
    }

    #[test]
    fn the_modern_era_says_what_kind_of_result_it_is_and_whose() {
        let results = [
            (Answer::Fixed("{}"), "complete"),
            (Answer::Result("{\"a\":1}".into()), "complete"),
            (Answer::said("x"), "complete"),
            (Answer::InputRequired("{\"requestState\":\"s\"}".into()), "input_required"),
        ];
        for (answer, kind) in results {
            let plain = written(&answer, "1", Dress::Plain);
            for (dress, kept) in [(Dress::Modern, false), (Dress::ModernCached, true)] {
                let result = written(&answer, "1", dress)["result"].clone();
                assert_eq!(result["resultType"], kind);
                let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
                assert_eq!(info["name"], "squall-practice");
                assert_eq!(result["ttlMs"].is_u64() && result["cacheScope"] == "public", kept);
                for (name, value) in plain["result"].as_object().unwrap() {
                    assert_eq!(result[name], *value);
                }
            }
        }
        let error = Answer::invalid_params("x");
        assert_eq!(written(&error, "1", Dress::Modern), written(&error, "1", Dress::Plain));
    }
}
