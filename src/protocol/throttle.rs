//! Whether an answer says "too much", in which of five shapes, and for how long.
//!
//! MCP specifies none of this; the shapes are those seen in the wild. Looked at in this order:
//! status, error object, then the text of a result with `isError`. A sound result's text is never
//! looked at, because it may be about anything.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::legacy::read::CallResult;
use super::media::Media;
use super::message::RpcError;
use crate::model::outcome::{Signal, Throttle};

pub mod phrase;
pub mod wait;

/// JSON-RPC codes that mean a rate limit by themselves.
const CODES: [i64; 2] = [429, -32029];
/// Longest `structuredContent` of a sound result that is looked at, in bytes: an error is small.
const SMALL_BYTES: usize = 4096;

/// Judges an answer with another status than 200, whose body may be anything, also a JSON-RPC
/// error (given in `error`, too).
pub fn of_status(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    error: Option<&RpcError<'_>>,
) -> Option<Throttle> {
    let text = body_text(headers, body);
    let says_so = phrase::too_much(&text) || phrase::pool_is_full(&text);
    let signal = match status {
        401 => return None,
        429 if error.is_some() => Signal::Http429Rpc,
        429 => Signal::Http429,
        403 | 503 if headers.contains_key(http::header::RETRY_AFTER) => Signal::Disguised,
        403 if wait::nothing_remains(headers) => Signal::Disguised,
        400.. if says_so || error.is_some_and(is_limit) => Signal::Disguised,
        _ => return None,
    };
    let asked = wait::retry_after(headers)
        .or_else(|| serde_json::from_slice(body).ok().and_then(|body| wait::in_json(&body)))
        .or_else(|| wait::in_text(&text))
        .or_else(|| wait::reset(headers));
    Some(Throttle { signal, retry_after: asked })
}

/// Judges a JSON-RPC error in an answer with status 200.
pub fn of_error(error: &RpcError<'_>, headers: &HeaderMap) -> Option<Throttle> {
    let signal = if phrase::pool_is_full(&error.message) {
        Signal::Disguised
    } else if is_limit(error) {
        Signal::RpcError
    } else {
        return None;
    };
    let data = value(error.data);
    Some(Throttle { signal, retry_after: asked(headers, &data, &error.message) })
}

/// Judges a result in an answer with status 200.
pub fn of_result(result: &CallResult<'_>, headers: &HeaderMap) -> Option<Throttle> {
    if !result.is_error && !may_hold_an_error(result.structured_content?) {
        return None;
    }
    let structured = value(result.structured_content);
    let text = result.content.first_text().filter(|_| result.is_error).unwrap_or_default();
    if !phrase::too_much(&text) && !names_limit(&structured) {
        return None;
    }
    let retry_after = asked(headers, &structured, &text);
    Some(Throttle { signal: Signal::ToolError, retry_after })
}

fn asked(headers: &HeaderMap, json: &Value, text: &str) -> Option<Duration> {
    wait::retry_after(headers)
        .or_else(|| wait::in_json(json))
        .or_else(|| wait::in_text(text))
        .or_else(|| wait::reset(headers))
}

/// Whether a sound result's structured content is worth a second look.
fn may_hold_an_error(structured: &RawValue) -> bool {
    let text = structured.get().as_bytes();
    text.len() <= SMALL_BYTES
        && [b"\"error\"".as_slice(), b"\"code\""]
            .iter()
            .any(|key| memchr::memmem::find(text, key).is_some())
}

/// An error object that is a rate limit by its code, its sentence or its data.
fn is_limit(error: &RpcError<'_>) -> bool {
    let data = value(error.data);
    CODES.contains(&error.code)
        || phrase::too_much(&error.message)
        || names_limit(&data)
        || wait::in_json(&data).is_some()
}

/// Whether an object, or the `error` in it, is of a type or code that names a rate limit.
fn names_limit(object: &Value) -> bool {
    let error = &object["error"];
    [object, error]
        .iter()
        .flat_map(|object| [&object["type"], &object["code"], &object["reason"], error])
        .any(|name| match name {
            Value::String(name) => phrase::is_limit_name(name),
            Value::Number(number) => number.as_u64() == Some(429),
            _ => false,
        })
}

fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null)
}

/// A body as text, except that of a page, whose words may be about anything.
fn body_text(headers: &HeaderMap, body: &[u8]) -> String {
    let media = Media::of(headers.get(http::header::CONTENT_TYPE));
    if media == Media::Html || body.trim_ascii_start().starts_with(b"<") {
        return String::new();
    }
    String::from_utf8_lossy(&body[..body.len().min(phrase::LOOKED_AT_BYTES)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{self, Message};
    use serde::de::IgnoredAny;
    use serde_json::json;

    type Pairs = &'static [(&'static str, &'static str)];

    fn headers(pairs: Pairs) -> HeaderMap {
        let pairs = pairs.iter().map(|&(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the functions under test give it")]
    fn throttle(signal: Signal, seconds: Option<f64>) -> Option<Throttle> {
        Some(Throttle { signal, retry_after: seconds.map(Duration::from_secs_f64) })
    }

    #[test]
    fn statuses() {
        use Signal::{Disguised, Http429, Http429Rpc};
        const JSON: (&str, &str) = ("content-type", "application/json");
        const HTML: (&str, &str) = ("content-type", "text/html");
        let rpc =
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Rate limit exceeded"}}"#;
        let rpc_wait = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no","data":{"retryAfter":12}}}"#;
        let full =
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Too many sessions"}}"#;
        let plain = r#"{"error":"rate_limit_exceeded","retry_after":30}"#;
        let cases: &[(u16, Pairs, &str, Option<Throttle>)] = &[
            (429, &[], "", throttle(Http429, None)),
            (429, &[("retry-after", "60")], "Too Many Requests", throttle(Http429, Some(60.0))),
            (429, &[("retry-after", "7"), JSON], plain, throttle(Http429, Some(7.0))),
            (429, &[JSON], plain, throttle(Http429, Some(30.0))),
            (429, &[("ratelimit-reset", "42")], "", throttle(Http429, Some(42.0))),
            (429, &[], "Rate limited. Try again in 5 seconds.", throttle(Http429, Some(5.0))),
            (429, &[HTML], "<p>Please retry after 10 seconds</p>", throttle(Http429, None)),
            (429, &[JSON], rpc, throttle(Http429Rpc, None)),
            (429, &[JSON, ("retry-after", "2")], rpc, throttle(Http429Rpc, Some(2.0))),
            (429, &[JSON], rpc_wait, throttle(Http429Rpc, Some(12.0))),
            (503, &[("retry-after", "120")], "", throttle(Disguised, Some(120.0))),
            (503, &[("retry-after", "soon")], "", throttle(Disguised, None)),
            (503, &[JSON], full, throttle(Disguised, None)),
            (503, &[], "upstream connect error", None),
            (
                403,
                &[("retry-after", "30"), HTML],
                "<html>WAF</html>",
                throttle(Disguised, Some(30.0)),
            ),
            (403, &[("x-ratelimit-remaining", "0")], "", throttle(Disguised, None)),
            (403, &[("x-ratelimit-remaining", "12")], "", None),
            (403, &[JSON], r#"{"error":"insufficient_scope"}"#, None),
            (403, &[HTML], "<html>rate limit</html>", None),
            (400, &[JSON], full, throttle(Disguised, None)),
            (400, &[JSON], rpc, throttle(Disguised, None)),
            (400, &[JSON], rpc_wait, throttle(Disguised, Some(12.0))),
            (500, &[], "Too many requests", throttle(Disguised, None)),
            (500, &[("retry-after", "5")], "boom", None),
            (401, &[("retry-after", "5")], "Too many requests", None),
            (404, &[], "Session not found", None),
        ];
        for (status, pairs, body, expected) in cases {
            let message = message::read::<IgnoredAny>(body.as_bytes());
            let error = match &message {
                Ok(Message::Answer(answer)) => answer.error.as_ref(),
                _ => None,
            };
            let found = of_status(*status, &headers(pairs), body.as_bytes(), error);
            assert_eq!(found, *expected, "{status} {pairs:?} {body}");
        }
    }

    #[test]
    fn errors_in_a_200() {
        use Signal::{Disguised, RpcError as Rpc};
        let cases = [
            (json!({"code": -32000, "message": "Rate limit exceeded"}), throttle(Rpc, None)),
            (
                json!({"code": -32029, "message": "slow down", "data": {"retry_after_ms": 1500}}),
                throttle(Rpc, Some(1.5)),
            ),
            (
                json!({"code": -32000, "message": "no", "data": {"retry_after_seconds": 9, "limit": 60}}),
                throttle(Rpc, Some(9.0)),
            ),
            (
                json!({"code": -32603, "message": "Request failed with status code 429"}),
                throttle(Rpc, None),
            ),
            (json!({"code": 429, "message": "no"}), throttle(Rpc, None)),
            (
                json!({"code": -32001, "message": "x", "data": {"type": "rate_limited"}}),
                throttle(Rpc, None),
            ),
            (json!({"code": -32000, "message": "Too many sessions"}), throttle(Disguised, None)),
            (json!({"code": -32000, "message": "Server error"}), None),
            (json!({"code": -32001, "message": "Session not found"}), None),
            (json!({"code": -32602, "message": "limit must be below 429"}), None),
            (
                json!({"code": -32602, "message": "no", "data": {"issues": [{"code": "custom"}]}}),
                None,
            ),
            (json!({"code": -32602, "message": "no", "data": "text"}), None),
        ];
        for (error, expected) in cases {
            let text = error.to_string();
            let found = of_error(&serde_json::from_str(&text).unwrap(), &HeaderMap::new());
            assert_eq!(found, expected, "{text}");
        }
        let text = json!({"code": -32000, "message": "Too many requests"}).to_string();
        let found =
            of_error(&serde_json::from_str(&text).unwrap(), &headers(&[("retry-after", "3")]));
        assert_eq!(found, throttle(Rpc, Some(3.0)));
    }

    #[test]
    fn results_in_a_200() {
        let tool = |seconds| throttle(Signal::ToolError, seconds);
        let said =
            |text: &str| json!({"isError": true, "content": [{"type": "text", "text": text}]});
        let structured = |is_error: bool, structured: Value| json!({"isError": is_error, "content": [], "structuredContent": structured});
        let limited = json!({"error": {"type": "rate_limited", "retry_after_seconds": 60}});
        let cases = [
            (said("Rate limited. Please retry after 60 seconds."), tool(Some(60.0))),
            (said("Error: 429 Too Many Requests\n\"x\""), tool(None)),
            (said(r#"{"error":"Too many requests","retryAfter":5}"#), tool(Some(5.0))),
            (said("Order 429 not found"), None),
            (said("file not found"), None),
            (structured(true, limited.clone()), tool(Some(60.0))),
            (structured(false, limited), tool(Some(60.0))),
            (
                structured(false, json!({"code": "rate_limited", "retry_after_seconds": 2})),
                tool(Some(2.0)),
            ),
            (structured(false, json!({"error": "too_many_requests"})), tool(None)),
            (structured(false, json!({"error": null, "code": "ok"})), None),
            (structured(false, json!({"text": "rate_limited", "retry_after": 5})), None),
            (structured(false, json!({"code": 429, "pad": "x".repeat(5000)})), None),
            (structured(false, json!([1, 2])), None),
            (structured(true, json!({"error": {"type": "not_found"}})), None),
            // A sound result may be about rate limits.
            (
                json!({"content": [{"type": "text", "text": "rate limit exceeded"}], "structuredContent": {"error": null}}),
                None,
            ),
            (
                json!({"content": [{"type": "text", "text": "HTTP 429 means rate limit exceeded"}]}),
                None,
            ),
        ];
        for (result, expected) in cases {
            let text = result.to_string();
            let found = of_result(&serde_json::from_str(&text).unwrap(), &HeaderMap::new());
            assert_eq!(found, expected, "{text}");
        }
    }
}
