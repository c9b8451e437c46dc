//! Responses of HTTP: their status, their media type, their body.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A response with a status and nothing else.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// 405, with the methods that are allowed.
pub fn not_allowed(allowed: &'static str) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
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

/// Asks proxies not to hold events back, as the transport of 2026-07-28 wants of streams.
pub fn unbuffered(mut response: Response) -> Response {
    let name = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(name, HeaderValue::from_static("no"));
    response
}

pub(super) fn content(status: StatusCode, kind: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if response.headers()[header::CONTENT_TYPE] == EVENT_STREAM {
        let never = HeaderValue::from_static("no-cache, no-transform");
        response.headers_mut().insert(header::CACHE_CONTROL, never);
    }
    response
}
