//! Where the target is and who its clients say they are: URL, `Host`, identity headers.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::failure::RunError;
use crate::edge::dial::Route;
use crate::edge::tls::Tls;
use crate::engine::control::Page;
use crate::engine::wire::line::Address;
use crate::model::plan::{self, IdentityMode, Reach};
use crate::model::profile::{Identity, Profile};

/// Our own name and version.
const OURSELVES: (&str, &str) = ("squall", env!("CARGO_PKG_VERSION"));

/// An MCP endpoint, taken apart.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it is dialled, and how.
    pub route: Route,
    /// How pages beside it are asked, whatever faults are on the way of the load.
    beside: Route,
    /// The value of `Host`.
    pub authority: String,
    /// How requests name it.
    pub address: Address,
    /// Scheme, host and port, for pages beside the endpoint.
    pub origin: String,
}

/// A URL that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{url} is not the URL of an MCP endpoint ({reason}): it is like https://tools.example.com/mcp"
)]
pub struct NotAnEndpoint {
    url: String,
    reason: String,
}

impl Endpoint {
    /// Takes an absolute URL apart; an `https://` one gets its TLS set up.
    pub fn of(url: &str, shown: &str, reach: &Reach) -> Result<Self, RunError> {
        let wrong = |reason: String| NotAnEndpoint { url: shown.to_owned(), reason };
        let parsed = url::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let host = parsed.host_str().ok_or_else(|| wrong("it names no host".to_owned()))?;
        let port = parsed.port_or_known_default().unwrap_or(80);
        let here = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let origin = format!("{}://{here}", parsed.scheme());
        let authority = reach.host.clone().unwrap_or(here);
        let path = &parsed[url::Position::BeforePath..url::Position::AfterQuery];
        let whole = format!("{}://{authority}{path}", parsed.scheme());
        let uri = |text: &str| {
            text.parse().map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))
        };
        let address = Address { path: uri(path)?, whole: uri(&whole)? };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = parsed.scheme() == "https";
        let tls = secure.then(|| Tls::new(&reach.tls, &host, reach.http)).transpose()?;
        let route =
            Route { host, port, instead: reach.resolve, tls, http: reach.http, public_only: false };
        let beside = route.clone();
        Ok(Self { route, beside, authority, address, origin })
    }

    /// A page: on the endpoint's own origin if it is a path, or if its scheme, host and port are
    /// the endpoint's; else elsewhere.
    pub fn page(&self, url: &str, shown: &str) -> Result<Page, RunError> {
        let parsed = self
            .beside(url)
            .map_err(|error| NotAnEndpoint { url: shown.to_owned(), reason: error.to_string() })?;
        let page = if plan::same_origin(&self.origin, parsed.as_str()) {
            Page::beside(&self.beside, &self.authority, &parsed)
        } else {
            Page::elsewhere(self.route.tls.as_ref(), &parsed)
        };
        Ok(page.map_err(|error| error.about(shown))?)
    }

    /// Its URL, as OAuth names the resource.
    ///
    /// # Errors
    /// Never for an endpoint that was taken apart from one.
    pub(super) fn url(&self) -> Result<url::Url, NotAnEndpoint> {
        let url = format!("{}{}", self.origin, self.address.path);
        let wrong =
            |error: url::ParseError| NotAnEndpoint { url: url.clone(), reason: error.to_string() };
        url::Url::parse(&url).map_err(wrong)
    }

    /// A URL, which may be a path on the endpoint's origin.
    fn beside(&self, url: &str) -> Result<url::Url, url::ParseError> {
        let on_it = url.starts_with('/').then(|| format!("{}{url}", self.origin));
        url::Url::parse(on_it.as_deref().unwrap_or(url))
    }
}

/// The profile as it introduces itself: genuinely, or as squall that simulates it.
pub fn introduced(mut profile: Profile, mode: IdentityMode) -> Profile {
    if mode == IdentityMode::Honest {
        let (name, version) = OURSELVES;
        let played = &profile.identity.user_agent;
        let user_agent = format!("{name}/{version} (load test; plays {played})");
        // An authorization server is told the same; another's metadata document is not ours to use.
        profile.oauth.user_agent.clone_from(&user_agent);
        profile.oauth.client_name = format!("{name} (load test)");
        profile.oauth.metadata_document = None;
        profile.identity = Identity {
            user_agent,
            client_name: name.to_owned(),
            client_version: version.to_owned(),
            headers: Vec::new(),
        };
    }
    profile
}

/// Headers every request carries, whatever the protocol adds.
pub fn identity_headers(endpoint: &Endpoint, identity: &Identity) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|error| format!("{text:?}: {error}"));
    headers.insert(HOST, value(&endpoint.authority)?);
    headers.insert(USER_AGENT, value(&identity.user_agent)?);
    for (name, text) in &identity.headers {
        let name = HeaderName::try_from(name).map_err(|error| format!("{name:?}: {error}"))?;
        headers.insert(name, value(text)?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let cases = [
            ("http://127.0.0.1:8080/mcp?a=b", "127.0.0.1", 8080, "127.0.0.1:8080", "/mcp?a=b"),
            ("http://[::1]:81", "::1", 81, "[::1]:81", "/"),
            ("http://Example.COM/x", "example.com", 80, "example.com", "/x"),
        ];
        for (url, host, port, authority, path) in cases {
            let endpoint = Endpoint::of(url, url, &Reach::default()).unwrap();
            let found = (endpoint.route.host.as_str(), endpoint.route.port);
            assert_eq!((found, endpoint.authority.as_str()), ((host, port), authority));
            assert_eq!(endpoint.address.path.to_string(), path);
            assert_eq!(endpoint.address.whole.to_string(), format!("http://{authority}{path}"));
        }
        let of = |url: &str| Endpoint::of(url, url, &Reach::default());
        let endpoint = of("http://h:1/mcp").unwrap();
        let page = |url: &str| endpoint.beside(url).unwrap().to_string();
        assert_eq!(page("/health"), "http://h:1/health");
        assert_eq!(page("/\\other/health"), "http://h:1//other/health");
        assert_eq!(page("http://other/health"), "http://other/health");
        assert!(of("tools").unwrap_err().to_string().contains("tools is not"));
    }

    #[test]
    fn an_authorization_server_is_told_the_same_name() {
        let mut profile = crate::model::plan::sample::plain();
        profile.oauth.metadata_document = Some("https://client.test/metadata".to_owned());
        let genuine = introduced(profile.clone(), IdentityMode::Genuine);
        assert_eq!(genuine.oauth, profile.oauth);
        let honest = introduced(profile, IdentityMode::Honest);
        assert_eq!(honest.oauth.user_agent, honest.identity.user_agent);
        assert!(honest.oauth.user_agent.starts_with("squall/"), "{}", honest.oauth.user_agent);
        let name = honest.oauth.client_name.as_str();
        assert_eq!((name, honest.oauth.metadata_document), ("squall (load test)", None));
    }

    #[test]
    fn another_host_is_asked_for_where_the_url_leads() {
        let reach = Reach { host: Some("b.test".to_owned()), ..Reach::default() };
        let endpoint = Endpoint::of("http://a.test:81/mcp", "", &reach).unwrap();
        assert_eq!(endpoint.authority, "b.test");
        assert_eq!(endpoint.address.whole.to_string(), "http://b.test/mcp");
        let route = (endpoint.route.host.as_str(), endpoint.route.port);
        assert_eq!((route, endpoint.origin.as_str()), (("a.test", 81), "http://a.test:81"));
    }
}
