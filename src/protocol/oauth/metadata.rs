//! Metadata documents, read with tolerance: null is absent, unknown members do not matter.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::endpoint::{self, Network};
use super::exchange::{MOST_BYTES, Response};
use super::refusal::What;
use super::resource::Resource;
use super::{reading, scope};
use crate::protocol::media::Media;

/// Most entries of a list of names.
const MOST_NAMES: usize = 64;

/// Metadata of an authorization server, as far as a client uses them (RFC 8414, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// `issuer`; where there are no metadata, the origin they were looked for at.
    pub issuer: String,
    /// `authorization_endpoint`; absent where no grant needs one.
    pub authorization: Option<Url>,
    /// `token_endpoint`.
    pub token: Url,
    /// `registration_endpoint`.
    pub registration: Option<Url>,
    /// `scopes_supported`.
    pub scopes: Vec<String>,
    /// `token_endpoint_auth_methods_supported`; `None`: not said.
    pub authentication: Option<Vec<String>>,
    /// `code_challenge_methods_supported`; `None`: not said.
    pub challenge_methods: Option<Vec<String>>,
    /// `client_id_metadata_document_supported`.
    pub metadata_documents: bool,
    /// `authorization_response_iss_parameter_supported`.
    pub iss: bool,
    /// `revocation_endpoint`.
    pub revocation: Option<Url>,
    /// Where it was read; where nothing was, each place that was looked at. Unknown of kept grants.
    #[serde(skip)]
    pub sought: Vec<String>,
    /// Whether this was read, not assumed from MCP 2025-03-26's default endpoints.
    pub read: bool,
}

impl Server {
    /// What MCP 2025-03-26 assumes of a server without metadata, at an origin.
    pub(super) fn assumed(origin: &Url) -> Self {
        let at = |path: &str| {
            let mut url = origin.clone();
            url.set_path(path);
            url.set_query(None);
            url
        };
        Self {
            issuer: origin.origin().ascii_serialization(),
            authorization: Some(at("/authorize")),
            token: at("/token"),
            registration: Some(at("/register")),
            scopes: Vec::new(),
            authentication: None,
            challenge_methods: None,
            metadata_documents: false,
            iss: false,
            revocation: None,
            sought: Vec::new(),
            read: false,
        }
    }
}

/// Reads metadata of a protected resource (RFC 9728, section 3.2).
pub(super) fn resource(response: &Response<'_>) -> Result<Resource, What> {
    let rule = "RFC 9728 section 3.2";
    let document = document(response, rule)?;
    let resource = text(&document, "resource").ok_or(What::Missing("resource", rule))?;
    let servers = names(&document, "authorization_servers").unwrap_or_default();
    if servers.is_empty() {
        return Err(What::Missing(
            "authorization_servers",
            "MCP specification, basic/authorization: at least one",
        ));
    }
    Ok(Resource { resource, servers, scopes: scopes(&document) })
}

/// Reads metadata of an authorization server (RFC 8414, section 3.2).
pub(super) fn server(response: &Response<'_>, target: Network) -> Result<Server, What> {
    let rule = "RFC 8414 section 2";
    let document = document(response, "RFC 8414 section 3.2")?;
    let endpoint = |name| endpoint_of(&document, name, target);
    Ok(Server {
        issuer: text(&document, "issuer").ok_or(What::Missing("issuer", rule))?,
        authorization: endpoint("authorization_endpoint")?,
        token: endpoint("token_endpoint")?.ok_or(What::Missing("token_endpoint", rule))?,
        registration: endpoint("registration_endpoint")?,
        scopes: scopes(&document),
        authentication: names(&document, "token_endpoint_auth_methods_supported"),
        challenge_methods: names(&document, "code_challenge_methods_supported"),
        metadata_documents: is_true(&document, "client_id_metadata_document_supported"),
        iss: is_true(&document, "authorization_response_iss_parameter_supported"),
        revocation: endpoint("revocation_endpoint").unwrap_or_default(),
        sought: Vec::new(),
        read: true,
    })
}

/// The JSON object of an answer with status 2xx.
pub(super) fn document(
    response: &Response<'_>,
    rule: &'static str,
) -> Result<Map<String, Value>, What> {
    let Response { headers, body, .. } = response;
    if body.len() > MOST_BYTES {
        return Err(What::Oversized(body.len()));
    }
    match serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
        Ok(Value::Object(document)) => Ok(document),
        _ if is_page(headers, body) => Err(What::Page(rule)),
        Ok(other) => Err(What::NotAnObject(kind(&other).to_owned(), rule)),
        Err(error) => Err(What::NotAnObject(reading::cut(&error.to_string(), 120), rule)),
    }
}

/// Whether an answer is a web page, by what it says or how it begins.
pub(super) fn is_page(headers: &http::HeaderMap, body: &[u8]) -> bool {
    let media = Media::of(headers.get(http::header::CONTENT_TYPE));
    media == Media::Html || body.trim_ascii_start().starts_with(b"<")
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "it is null",
        Value::Bool(_) => "it is a truth value",
        Value::Number(_) => "it is a number",
        Value::String(_) => "it is text",
        Value::Array(_) => "it is a list",
        Value::Object(_) => "it is an object",
    }
}

fn endpoint_of(
    document: &Map<String, Value>,
    name: &'static str,
    target: Network,
) -> Result<Option<Url>, What> {
    let Some(text) = text(document, name) else { return Ok(None) };
    endpoint::read(&text, target).map(Some).map_err(|why| {
        let url = Url::parse(&text)
            .map_or_else(|_| reading::cut(&text, 200), |url| super::exchange::shown(&url));
        What::Endpoint { name, url, why }
    })
}

/// A text that is not empty.
pub(super) fn text(document: &Map<String, Value>, name: &str) -> Option<String> {
    let text = document.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_true(document: &Map<String, Value>, name: &str) -> bool {
    document.get(name) == Some(&Value::Bool(true))
}

fn names(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let list = document.get(name)?.as_array()?;
    let names = list.iter().filter_map(Value::as_str).take(MOST_NAMES);
    Some(names.map(str::to_owned).collect())
}

/// `scopes_supported`: a list, or as some servers have it, text with blanks.
fn scopes(document: &Map<String, Value>) -> Vec<String> {
    match document.get("scopes_supported") {
        Some(Value::String(text)) => scope::split(text),
        Some(Value::Array(list)) => scope::bounded(list.iter().filter_map(Value::as_str)),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::rehearsal::{RESOURCE, SERVER, headers};

    fn answer<T>(body: &str, read: impl FnOnce(&Response<'_>) -> T) -> T {
        read(&Response { status: 200, headers: &headers(&[]), body: body.as_bytes() })
    }

    fn server_of(body: &str) -> Result<Server, What> {
        answer(body, |response| server(response, Network::Public))
    }

    /// The usual metadata with one member more or another one.
    fn but(member: &str) -> String {
        let name = member.split(':').next().unwrap();
        let without: Vec<&str> = SERVER[1..SERVER.len() - 1]
            .split(",\n")
            .flat_map(|line| line.split(",\""))
            .map(str::trim)
            .collect();
        let quoted = |part: &str| {
            if part.starts_with('"') { part.to_owned() } else { format!("\"{part}") }
        };
        let mut members: Vec<String> = without.into_iter().map(quoted).collect();
        members.retain(|it| !it.starts_with(name));
        members.push(member.to_owned());
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn null_is_absent_and_unknown_members_do_not_matter() {
        let plain = server_of(SERVER).unwrap();
        assert_eq!(plain.registration.as_ref().unwrap().path(), "/register");
        let nulls = [
            r#""scopes_supported":null"#,
            r#""token_endpoint_auth_methods_supported":null"#,
            r#""client_id_metadata_document_supported":null"#,
            r#""authorization_response_iss_parameter_supported":"true""#,
            r#""revocation_endpoint":null"#,
            r#""jwks_uri":7"#,
        ];
        for member in nulls {
            assert_eq!(server_of(&but(member)).unwrap(), plain, "{member}");
        }
        let without = server_of(&but(r#""registration_endpoint":null"#)).unwrap();
        assert_eq!(without.registration, None);
        let silent = server_of(&but(r#""code_challenge_methods_supported":null"#)).unwrap();
        assert_eq!(silent.challenge_methods, None);
        assert!(server_of(&format!("\u{feff}{SERVER}")).is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_document_is_named() {
        let cases = [
            (r#""issuer":null"#, "answered without a usable \"issuer\": RFC 8414 section 2"),
            (
                r#""token_endpoint":"""#,
                "answered without a usable \"token_endpoint\": RFC 8414 section 2",
            ),
            (
                r#""token_endpoint":"http://as.test/token?x=secret""#,
                "names token_endpoint http://as.test/token: only https is gone to, or http on \
                 loopback (RFC 8414 section 2)",
            ),
            (
                r#""registration_endpoint":"https://169.254.169.254/""#,
                "names registration_endpoint https://169.254.169.254/: a public server must not \
                 lead into a private network (MCP security best practices, server-side request \
                 forgery)",
            ),
            (
                r#""authorization_endpoint":"/authorize""#,
                "names authorization_endpoint /authorize: this is no absolute URL of a host \
                 (RFC 8414 section 2)",
            ),
        ];
        for (member, expected) in cases {
            assert_eq!(server_of(&but(member)).unwrap_err().to_string(), expected);
        }
        let bodies = [
            ("<html>", "answered with a web page, expected JSON: RFC 8414 section 3.2"),
            ("[]", "did not answer with a JSON object (it is a list): RFC 8414 section 3.2"),
            ("null", "did not answer with a JSON object (it is null): RFC 8414 section 3.2"),
        ];
        for (body, expected) in bodies {
            assert_eq!(server_of(body).unwrap_err().to_string(), expected);
        }
        let huge = format!("{SERVER}{}", " ".repeat(MOST_BYTES));
        assert!(matches!(server_of(&huge), Err(What::Oversized(_))));
    }

    #[test]
    fn a_resource_names_its_authorization_servers() {
        let found = answer(RESOURCE, resource).unwrap();
        assert_eq!(found.servers, ["https://as.test", "https://other.test"]);
        assert_eq!(found.scopes, ["read", "write"]);
        let text = r#"{"resource":"r","authorization_servers":["a"],"scopes_supported":"x y"}"#;
        assert_eq!(answer(text, resource).unwrap().scopes, ["x", "y"]);
        for body in [
            r#"{"authorization_servers":["a"]}"#,
            r#"{"resource":"r"}"#,
            r#"{"resource":"r","authorization_servers":[]}"#,
            r#"{"resource":"r","authorization_servers":"a"}"#,
            r#"{"resource":"r","authorization_servers":[7]}"#,
        ] {
            assert!(matches!(answer(body, resource), Err(What::Missing(..))), "{body}");
        }
    }
}
