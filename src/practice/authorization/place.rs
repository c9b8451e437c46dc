//! Where the target is, as the one who asks knows it: issuer, endpoints, resources.
//!
//! All URLs are made from the request's `Host`, so that whatever leads here - a proxy, a name of
//! this machine - leads to metadata that leads here as well. A token for one such name is no token
//! for another.

use axum::http::{HeaderMap, header};

use super::super::http_sse::STREAM_PATH;
use super::super::server::Endpoint;

/// The path of a resource that is not here: a token for it is good, and for nobody here.
pub(in super::super) const ELSEWHERE: &str = "/elsewhere";
const SCHEME: &str = "http://";

/// The origin that a request was sent to, and the issuer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    origin: String,
    issuer_path: String,
}

impl Place {
    /// Where this request was sent.
    pub(super) fn of(headers: &HeaderMap, issuer_path: &str) -> Self {
        let origin = format!("{SCHEME}{}", host(headers));
        Self { origin, issuer_path: issuer_path.to_owned() }
    }

    /// The authorization server's name.
    pub(super) fn issuer(&self) -> String {
        format!("{}{}", self.origin, self.issuer_path)
    }

    /// One of its endpoints.
    pub(super) fn endpoint(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.issuer_path)
    }

    /// A URL of the origin.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The audience of a token for this resource; `None`: it is nobody's here.
    pub(super) fn audience(&self, resource: Option<&str>) -> Option<String> {
        let Some(resource) = resource else { return Some(self.origin.clone()) };
        let path = resource.strip_prefix(&self.origin)?;
        let path = if path == "/" { "" } else { path };
        let is_known = matches!(path, "" | "/mcp" | STREAM_PATH | ELSEWHERE);
        is_known.then(|| self.at(path))
    }
}

/// The path of the resource that an endpoint belongs to.
pub(super) fn resource_path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Mcp => "/mcp",
        Endpoint::Stream | Endpoint::Messages => STREAM_PATH,
    }
}

/// What stands after the origin of a request in a URL, if it is of that origin.
pub(super) fn beyond<'a>(url: &'a str, headers: &HeaderMap) -> Option<&'a str> {
    url.strip_prefix(SCHEME)?.strip_prefix(host(headers))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}
