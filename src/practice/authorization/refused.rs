//! What an OAuth endpoint answers when it refuses. (RFC 6749 section 5.2, RFC 7591 section 3.2.2.)

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::super::response::{JSON, content};

/// A refusal: HTTP status, error code, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: Cow<'static, str>,
    pub(super) retry_after: Option<Duration>,
    /// The client came with HTTP Basic: a 401 then names that scheme.
    pub(super) basic: bool,
}

impl Refused {
    /// A refusal with this code and status 400.
    pub(super) fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let (status, description) = (StatusCode::BAD_REQUEST, description.into());
        Self { status, error, description, retry_after: None, basic: false }
    }

    /// `invalid_request`.
    pub(super) fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_request", description)
    }

    /// `invalid_grant`.
    pub(super) fn grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_grant", description)
    }

    /// `invalid_client`, which is 401.
    pub(super) fn client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_client", description).with(StatusCode::UNAUTHORIZED)
    }

    /// The same with another status.
    pub(super) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same with `Retry-After`.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The refusal as a response.
    pub(super) fn respond(&self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = answered(self.status, &body);
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.basic && self.status == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"practice\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// JSON that must not be stored.
pub(super) fn answered(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = content(status, JSON, Body::from(body.to_string()));
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}
