//! What reads the bytes of a target, and what must hold whatever they are: panics are findings.
//! The fuzz targets call it one by one, tests/it/fuzz.rs all of it on the corpus that was kept.

pub(crate) mod oauth;

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use squall::model::profile::{Elicitation, ServerRequests};
use squall::protocol::ask::Ask;
use squall::protocol::course::{Course, Of};
use squall::protocol::legacy::read::{CallResult, InitializeResult, ToolsPage};
use squall::protocol::legacy::session_id;
use squall::protocol::media::Media;
use squall::protocol::message::{self, Id, Message};
use squall::protocol::modern::discover::DiscoverResult;
use squall::protocol::modern::result::{Reply, Tasks};
use squall::protocol::modern::{errors, header_value, listen, params};
use squall::protocol::results::entry::{PromptsPage, ResourcesPage};
use squall::protocol::serve::{self, Declared};
use squall::protocol::throttle::wait;
use squall::protocol::{http_sse, sse};

/// Reads anything.
type Read = fn(&[u8]);

/// Every reader by its name, which is also its target's and its corpus's.
pub(crate) const ALL: [(&str, Read); 8] = [
    ("events", events),
    ("messages", messages),
    ("headers", headers),
    ("challenge", oauth::challenge),
    ("metadata", oauth::metadata),
    ("tokens", oauth::tokens),
    ("consent", oauth::consent),
    ("callback", oauth::callback),
];

/// The reader of event streams. The first two bytes say how small the pieces and the bound are.
pub(crate) fn events(bytes: &[u8]) {
    let [piece, limit, stream @ ..] = bytes else { return };
    let (piece, limit) = (usize::from(*piece % 64) + 1, usize::from(*limit) * 4 + 8);
    assert_eq!(read(stream, piece, limit), read(stream, stream.len().max(1), limit));
}

/// Name, data, id and reconnection time of every event, and what is left behind.
fn read(stream: &[u8], piece: usize, limit: usize) -> (String, bool) {
    let (mut reader, mut told, mut two_ends) =
        (sse::Reader::new(limit), String::new(), http_sse::Stream::default());
    for mut chunk in stream.chunks(piece) {
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(event)) => {
                    assert!(!event.data.is_empty() && event.data.len() <= limit);
                    let _rule = two_ends.hear(event.name, event.data).is_err();
                    writeln!(told, "{event:?}").unwrap();
                }
                Ok(None) => break,
                Err(_) => return (told, true),
            }
        }
    }
    write!(told, "{:?} {:?}", reader.last_event_id(), reader.retry()).unwrap();
    (told, false)
}

/// The reader of messages, of every kind of result, and what is made of a server's questions.
pub(crate) fn messages(bytes: &[u8]) {
    result::<IgnoredAny>(bytes);
    result::<InitializeResult<'_>>(bytes);
    result::<CallResult<'_>>(bytes);
    result::<ResourcesPage>(bytes);
    result::<PromptsPage>(bytes);
    result::<Reply<'_, DiscoverResult<'_>>>(bytes);
    if let Some(page) = result::<ToolsPage>(bytes) {
        for tool in page.tools {
            let _dropped = params::header_params(&tool.input_schema).is_err();
        }
    }
    if let Some(reply) = result::<Reply<'_, CallResult<'_>>>(bytes) {
        let _rule = reply.turn(&Ask::Ping, Tasks::Declared).is_err();
    }
    if let Ok(questions) = serde_json::from_slice::<&RawValue>(bytes) {
        let policy = ServerRequests::Answer(Elicitation::AcceptDefaults);
        let declared = Declared::of(r#"{"elicitation":{},"sampling":{},"roots":{}}"#);
        if let Ok(answers) = serve::input_responses(questions, policy, declared) {
            serde_json::from_slice::<Map<String, Value>>(&answers).unwrap();
        }
    }
}

/// The result of a message, if it is one that reads as `R`.
fn result<'a, R: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Option<R> {
    let message = match message::read::<R>(bytes) {
        Ok(message) => message,
        Err(malformed) => {
            assert!(malformed.detail.len() <= 200, "{}", malformed.detail);
            return None;
        }
    };
    for of in [Of::LegacyRequest, Of::ModernRequest, Of::Standalone] {
        let _rule = Course::new(of, Some(1)).hear(&message).is_err();
    }
    match message {
        Message::Answer(answer) => {
            let data = answer.error.as_ref().and_then(|error| error.data);
            assert!(errors::supported(data).len() <= bytes.len());
            answer.result
        }
        Message::Request(request) => {
            let (mut out, policy) =
                (Vec::new(), ServerRequests::Answer(Elicitation::AcceptDefaults));
            assert!(serve::answer(&mut out, &request, policy));
            serde_json::from_slice::<Map<String, Value>>(&out).unwrap();
            None
        }
        Message::Notification(notification) => {
            let mut stream = listen::Stream::new(Id::Number(1));
            let _rule = stream.hear(Message::<IgnoredAny>::Notification(notification)).is_err();
            None
        }
    }
}

/// The readers of header values, and of the event that leads to an endpoint.
pub(crate) fn headers(bytes: &[u8]) {
    if let Ok(id) = session_id(bytes) {
        assert!(HeaderValue::from_str(id).is_ok());
    }
    let media = Media::parse(Some(bytes));
    assert_eq!(media, Media::parse(Some(&bytes.to_ascii_uppercase())));
    let stream = url::Url::parse("http://127.0.0.1:8000/mcp/sse").unwrap();
    if let Ok(path) = http_sse::endpoint(&stream, bytes) {
        assert!(path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok(), "{path}");
        assert!(format!("http://127.0.0.1:8000{path}").parse::<http::Uri>().is_ok(), "{path}");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(HeaderValue::from_str(&header_value(text)).is_ok());
        let _seconds = wait::in_text(text);
    }
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    for name in ["retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset", "date"] {
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_static("Sat, 21 Nov 2026 18:00:00 GMT"));
        headers.insert("retry-after", HeaderValue::from_static("Sat, 21 Nov 2026 18:01:00 GMT"));
        headers.insert(HeaderName::from_static(name), value.clone());
        let _waits = (wait::retry_after(&headers), wait::reset(&headers));
        let _empty = wait::nothing_remains(&headers);
    }
}
