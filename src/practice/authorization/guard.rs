//! What stands before every MCP endpoint: no request without a good token for this resource.
//! (RFC 6750 section 3, RFC 9728 section 5.1, MCP 2025-11-25 basic/authorization.)

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::id::Id;
use super::super::request;
use super::super::response::{JSON, content, page};
use super::super::server::Endpoint;
use super::Authority;
use super::authorize::redirected;
use super::counts::one;
use super::identity::scheme;
use super::metadata::RESOURCE;
use super::place::{Place, beyond, resource_path};
use super::tokens::Claims;
use crate::edge::clock::Clock;
use crate::model::plan::{Defect, Streams};

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Closed {
    /// It has no token.
    Missing,
    /// Its token is not good, and why.
    Invalid(&'static str),
    /// Its token has not this scope.
    Insufficient(String),
}

/// When the token ends that a request came with.
#[derive(Debug, Clone)]
pub(in super::super) struct Ends {
    clock: Clock,
    after: Duration,
}

impl Ends {
    /// The same answer, which ends then at the latest.
    pub(in super::super) fn cut(self, response: Response) -> Response {
        let Self { clock, after } = self;
        let end = Box::pin(async move { clock.sleep(after).await });
        response.map(|body| Body::from_stream(body.into_data_stream().take_until(end)))
    }
}

/// As much of a message as says which tool it calls.
#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    params: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

impl Authority {
    /// Lets a request in, or answers it.
    pub(in super::super) async fn admit(
        &self,
        endpoint: Endpoint,
        request: Request,
    ) -> Result<Request, Response> {
        let judged = self.judge(endpoint, request.headers());
        let (mut parts, body) = request.into_parts();
        let claims = match judged {
            Ok(claims) => claims,
            Err(closed) => return Err(self.refuse(endpoint, &parts.headers, body, closed).await),
        };
        if self.knobs.streams == Streams::Cut {
            let (clock, after) = (self.clock.clone(), self.left_of(&claims));
            parts.extensions.insert(Ends { clock, after });
        }
        if self.knobs.tools.is_empty() || parts.method != axum::http::Method::POST {
            return Ok(Request::from_parts(parts, body));
        }
        let body = request::read(body).await.map_err(|refusal| refusal.respond())?;
        match self.lacking(&claims, &body) {
            None => Ok(Request::from_parts(parts, Body::from(body))),
            Some(scope) => {
                let closed = Closed::Insufficient(scope);
                let body = Body::from(body);
                Err(self.refuse(endpoint, &parts.headers, body, closed).await)
            }
        }
    }

    /// Who a request's token says that it is from.
    pub(in super::super) fn subject(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let claims = self.tokens.verify(scheme(value, "bearer")?)?;
        Some(claims.sub.clone())
    }

    fn judge(&self, endpoint: Endpoint, headers: &HeaderMap) -> Result<Arc<Claims>, Closed> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| scheme(value, "bearer")).ok_or(Closed::Missing)?;
        let claims =
            self.tokens.verify(token).ok_or(Closed::Invalid("the token was not issued here"))?;
        self.judge_claims(&claims, endpoint, headers)?;
        match &self.knobs.scope {
            Some(scope) if !claims.may(scope) => Err(Closed::Insufficient(scope.clone())),
            _ => Ok(claims),
        }
    }

    fn judge_claims(
        &self,
        claims: &Claims,
        endpoint: Endpoint,
        headers: &HeaderMap,
    ) -> Result<(), Closed> {
        let now = self.now();
        if self.unix(now).as_secs() >= claims.exp + self.knobs.skew.as_secs() {
            one(&self.counts.expired);
            if !self.knobs.has(Defect::AcceptsExpired) {
                return Err(Closed::Invalid("the token has expired"));
            }
        }
        let opened = Duration::from_millis(claims.granted_ms);
        let ids = [claims.grant.as_deref(), Some(claims.jti.as_str())];
        let mut ids = ids.into_iter().flatten().filter_map(|id| Id::read(id.as_bytes()));
        if self.is_revoked_at_once(opened, now) || ids.any(|id| self.grants.has_ended(id)) {
            return Err(Closed::Invalid("the token was revoked"));
        }
        if self.knobs.has(Defect::IgnoresResource) {
            return Ok(());
        }
        if beyond(&claims.iss, headers) != Some(self.issuer_path()) {
            return Err(Closed::Invalid("the token is another issuer's"));
        }
        match claims.aud.as_deref().and_then(|audience| beyond(audience, headers)) {
            Some(path) if path.is_empty() || path == resource_path(endpoint) => Ok(()),
            _ => Err(Closed::Invalid("the token is for another resource")),
        }
    }

    /// How long a good token stays good.
    fn left_of(&self, claims: &Claims) -> Duration {
        let now = self.now();
        let end = Duration::from_secs(claims.exp) + self.knobs.skew;
        let left = end.saturating_sub(self.unix(now));
        let opened = Duration::from_millis(claims.granted_ms);
        let revoked = self.knobs.revoke_at.filter(|at| opened < *at);
        revoked.map_or(left, |at| left.min(at.saturating_sub(now)))
    }

    /// The scope that a call needs and its token has not.
    fn lacking(&self, claims: &Claims, body: &Bytes) -> Option<String> {
        let names = |message: &Called<'_>| message.params.as_ref()?.name.clone();
        let called: Vec<String> = if request::is_batch(body) {
            let messages = serde_json::from_slice::<Vec<Called<'_>>>(body).unwrap_or_default();
            messages.iter().filter_map(names).collect()
        } else {
            serde_json::from_slice::<Called<'_>>(body).ok().iter().filter_map(names).collect()
        };
        let needs = called.iter().filter_map(|tool| self.knobs.tools.get(tool));
        needs.into_iter().find(|scope| !claims.may(scope)).cloned()
    }

    async fn refuse(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: Body,
        closed: Closed,
    ) -> Response {
        if let Closed::Insufficient(scope) = &closed {
            one(&self.counts.insufficient);
            let error = "insufficient_scope";
            let challenge = self.challenge(endpoint, headers, Some(error), Some(scope));
            let body = json!({ "error": error, "error_description": "another scope is needed" });
            return challenged(StatusCode::FORBIDDEN, challenge, &body);
        }
        one(&self.counts.unauthorized);
        let is_spared = self.knobs.spares_missing && closed == Closed::Missing;
        let has = |defect| !is_spared && self.knobs.has(defect);
        if has(Defect::RefusesWith200) {
            return refused_politely(body).await;
        }
        if has(Defect::RefusesWith500) {
            let mut response = page("text/plain", "Internal Server Error");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
        if has(Defect::RefusesWithRedirect) {
            let place = Place::of(headers, self.issuer_path());
            return redirected(StatusCode::FOUND, &place.endpoint("/login"));
        }
        let (error, why) = match closed {
            Closed::Invalid(why) => (Some("invalid_token"), why),
            _ => (None, "a token is needed"),
        };
        let challenge = self.challenge(endpoint, headers, error, self.knobs.scope.as_deref());
        let body = json!({ "error": "invalid_token", "error_description": why });
        let is_forbidden = has(Defect::RefusesWith403);
        let status = if is_forbidden { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        challenged(status, challenge, &body)
    }

    /// The value of `WWW-Authenticate`.
    fn challenge(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        error: Option<&str>,
        scope: Option<&str>,
    ) -> String {
        let named =
            self.knobs.discovery.has_resource() && !self.knobs.has(Defect::NoResourceMetadata);
        let place = Place::of(headers, "");
        let metadata = || place.at(&format!("{RESOURCE}{}", resource_path(endpoint)));
        let parameters = [
            ("error", error.map(str::to_owned)),
            ("resource_metadata", named.then(metadata)),
            ("scope", scope.map(str::to_owned)),
        ];
        let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let written: Vec<_> =
            parameters.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("Bearer {}", written.join(", ")).trim_end().to_owned()
    }
}

fn challenged(status: StatusCode, challenge: String, body: &Value) -> Response {
    let mut response = content(status, JSON, Body::from(body.to_string()));
    // A host with odd bytes would make it no header; then there is none.
    if let Ok(challenge) = HeaderValue::from_maybe_shared(Bytes::from(challenge)) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// For the defect that answers 200: a result that is an error.
async fn refused_politely(body: Body) -> Response {
    let body = request::read(body).await.unwrap_or_default();
    let called = serde_json::from_slice::<Called<'_>>(&body).ok();
    let id = called.and_then(|called| called.id).map_or("null", RawValue::get);
    let says = r#"{"content":[{"type":"text","text":"Unauthorized"}],"isError":true}"#;
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{says}}}"#);
    content(StatusCode::OK, JSON, Body::from(answer))
}
