//! One request of a leg and what came of it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::model::leg::Leg;
use crate::model::secret::Secret;

/// Most bytes of an answer that a client reads in any leg; the page of a consent included.
pub const MOST_BYTES: usize = 1 << 20;

/// A request to be sent as it is; redirects are not followed.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What it is for.
    pub leg: Leg,
    /// GET or POST.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// All headers but `Host` and `Content-Length`, in order; `Authorization` is marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for GET. It holds secrets.
    pub body: Vec<u8>,
}

/// Parameters that are secrets (RFC 6749, appendix A; RFC 7521, section 4.2; RFC 7636, section 4.5).
const SECRETS: [&str; 6] =
    ["refresh_token", "code", "code_verifier", "client_secret", "client_assertion", "state"];

/// The secrets among the parameters of a form or a query.
fn among(form: &[u8]) -> impl Iterator<Item = Secret> {
    let pairs = url::form_urlencoded::parse(form);
    let secret = pairs.filter(|(name, _)| SECRETS.contains(&name.as_ref()));
    secret.map(|(_, value)| Secret::new(value.into_owned()))
}

/// The secrets in the query of a URL.
pub fn secrets_of(url: &Url) -> impl Iterator<Item = Secret> {
    among(url.query().unwrap_or_default().as_bytes())
}

impl Exchange {
    /// The secrets that it says.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        let basic = self.headers.get(http::header::AUTHORIZATION).and_then(|value| {
            let given = value.to_str().ok()?.strip_prefix("Basic ")?;
            let pair = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
            Some([Secret::new(given), Secret::new(pair.split_once(':')?.1)])
        });
        secrets_of(&self.url).chain(among(&self.body)).chain(basic.into_iter().flatten())
    }

    pub(super) fn get(leg: Leg, url: Url, user_agent: &str, more: &[(String, String)]) -> Self {
        let headers = headers(user_agent, more);
        Self { leg, method: Method::GET, url, headers, body: Vec::new() }
    }

    pub(super) fn post(
        leg: Leg,
        url: Url,
        user_agent: &str,
        more: &[(String, String)],
        (content_type, body): (&'static str, Vec<u8>),
    ) -> Self {
        let mut headers = headers(user_agent, more);
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { leg, method: Method::POST, url, headers, body }
    }
}

/// Profile files hold nothing that cannot be a header; what cannot be one is left out.
fn headers(user_agent: &str, more: &[(String, String)]) -> HeaderMap {
    let own = [("user-agent", user_agent)];
    let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let pair = |(name, value): (&str, &str)| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
    };
    own.into_iter().chain(more).filter_map(pair).collect()
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.leg, self.method, shown(&self.url))
    }
}

/// A URL as messages show it: without user, password, query and fragment, and not endless.
pub fn shown(url: &Url) -> String {
    const MOST_CHARS: usize = 200;
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _cannot_have_one = (url.set_username(""), url.set_password(None));
    super::reading::cut(url.as_str(), MOST_CHARS)
}

/// An answer, whole or as far as [`MOST_BYTES`].
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body; one of more than [`MOST_BYTES`] is refused.
    pub body: &'a [u8],
}

/// What came of an exchange.
#[derive(Clone, Copy)]
pub enum Heard<'a> {
    /// An answer.
    Answer(Response<'a>),
    /// None.
    Lost(Lost),
    /// The browser came back to the client's callback with this URL.
    Callback(&'a Url),
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Lost {
    /// The client's own budget of this leg was over.
    #[error("did not answer within the client's budget")]
    Timeout,
    /// There was no connection: name, address, TLS.
    #[error("could not be connected to")]
    Unreachable,
    /// The connection ended before the answer did.
    #[error("ended the connection before its answer was whole")]
    Cut,
    /// The answer has more bytes than a client reads.
    #[error("answered more than a client reads ({MOST_BYTES} bytes)")]
    Oversized,
}
