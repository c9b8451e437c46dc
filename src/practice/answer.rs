//! Answers as bytes: one JSON-RPC object, as `application/json` or as the one event of a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use serde::Serialize;

use super::request::Refusal;
use crate::model::plan::Answers;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What a request is answered with, as JSON text.
#[derive(Debug)]
pub enum Answer {
    /// A `result` known beforehand.
    Fixed(&'static str),
    /// A `result` made for this request.
    Result(String),
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
    },
}

/// A part of a text block: the inside of a JSON string, escaped.
#[derive(Debug)]
pub enum TextPart {
    /// Known beforehand.
    Fixed(&'static str),
    /// Made for this request.
    Made(String),
}

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
        Self::Error { code: -32602, message: message.into() }
    }

    /// The answer to the request with this id: 200, in the form asked for.
    pub fn respond(&self, id: &str, form: Answers) -> Response {
        let mut bytes = Vec::with_capacity(self.size() + id.len() + 160);
        if form == Answers::Sse {
            bytes.extend_from_slice(b"event: message\ndata: ");
        }
        self.write(id, &mut bytes);
        match form {
            Answers::Json => content(StatusCode::OK, JSON, Body::from(bytes)),
            Answers::Sse => {
                bytes.extend_from_slice(b"\n\n");
                let event = OneEvent(Some(Bytes::from(bytes)));
                content(StatusCode::OK, EVENT_STREAM, Body::new(event))
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Fixed(result) => result.len(),
            Self::Result(result) => result.len(),
            Self::Text { parts, .. } => parts.iter().map(|part| part.as_str().len()).sum(),
            Self::Error { message, .. } => message.len(),
        }
    }

    pub(super) fn write(&self, id: &str, to: &mut Vec<u8>) {
        let mut put = |text: &str| to.extend_from_slice(text.as_bytes());
        put(r#"{"jsonrpc":"2.0","id":"#);
        put(id);
        put(if matches!(self, Self::Error { .. }) { r#","error":"# } else { r#","result":"# });
        match self {
            Self::Fixed(result) => put(result),
            Self::Result(result) => put(result),
            Self::Text { parts, is_error } => {
                put(r#"{"content":[{"type":"text","text":""#);
                for part in parts {
                    put(part.as_str());
                }
                put(if *is_error { r#""}],"isError":true}"# } else { r#""}],"isError":false}"# });
            }
            Self::Error { code, message } => put(&json(&Error { code: *code, message })),
        }
        to.push(b'}');
    }
}

#[derive(Serialize)]
struct Error<'a> {
    code: i32,
    message: &'a str,
}

impl Refusal {
    /// The refusal as a response: a JSON-RPC error with a null id.
    pub fn respond(&self) -> Response {
        let error = json(&Error { code: self.code, message: &self.message });
        let body = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{error}}}"#);
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

/// A response with a status and nothing else.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A plain page.
pub fn page(kind: &'static str, text: impl Into<Body>) -> Response {
    content(StatusCode::OK, HeaderValue::from_static(kind), text.into())
}

/// An event stream that goes on for as long as `body` does.
pub fn event_stream(body: Body) -> Response {
    content(StatusCode::OK, EVENT_STREAM, body)
}

fn content(status: StatusCode, kind: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if response.headers()[header::CONTENT_TYPE] == EVENT_STREAM {
        let never = HeaderValue::from_static("no-cache, no-transform");
        response.headers_mut().insert(header::CACHE_CONTROL, never);
    }
    response
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

    fn written(answer: &Answer, id: &str) -> serde_json::Value {
        let mut bytes = Vec::new();
        answer.write(id, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn answers_are_json_with_the_id_as_it_came() {
        let parts = vec![TextPart::Fixed("a "), TextPart::escaped("\"b\"\n")];
        for (answer, rest) in [
            (Answer::Fixed("{}"), r#""result":{}"#),
            (Answer::Result("{\"a\":1}".into()), r#""result":{"a":1}"#),
            (
                Answer::Text { parts, is_error: true },
                r#""result":{"content":[{"type":"text","text":"a \"b\"\n"}],"isError":true}"#,
            ),
            (Answer::invalid_params("a \"b\""), r#""error":{"code":-32602,"message":"a \"b\""}"#),
        ] {
            for id in ["7", "\"7\""] {
                let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);
                let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
                assert_eq!(written(&answer, id), expected);
            }
        }
    }
}
