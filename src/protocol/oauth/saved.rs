//! A grant as one line of a file: for a later run, or brought by the author from elsewhere.
//!
//! A line holds secrets in the clear. What the scenario gives is not in it: a client that is
//! registered by hand is taken from the scenario again. A user without a grant has a line that says
//! so ([`NONE`]): lines are users, in the order of their numbers.

use std::sync::Arc;
use std::time::Duration;

use super::client::{Authentication, Client, Identity, Method, Origin};
use super::grant::{Granted, Known};
use super::metadata::Server;
use super::resource::Resource;
use super::token::Tokens;
use crate::model::secret::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

/// The line of a user who has no grant.
pub const NONE: &str = r#"{"grant":"none"}"#;

/// Why a line is no grant; nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON object with the members of a grant.
    #[error("expected a JSON object with access, refresh or both, as squall saves it")]
    Shape,
    /// It holds no token at all.
    #[error("there is neither an access nor a refresh token")]
    Empty,
}

/// A grant and when its access token ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The grant. `expires_in` of its tokens says nothing here; an access token that is empty is
    /// to be got by a refresh first.
    pub granted: Granted,
    /// When the access token ends, since 1970; `None`: nobody knows.
    pub expires: Option<Duration>,
    /// The MCP server that it was used for, as [`target`] has it; `None`: the line does not say.
    pub target: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NoGrant {
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing)]
    grant: Option<NoGrant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Registered>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registered {
    id: String,
    issuer: String,
    method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Whether its id is the URL of its metadata document.
    #[serde(default)]
    document: bool,
}

impl Kept {
    /// The line of this grant, without its line break.
    pub fn write(&self) -> Secret {
        let Granted { tokens, scopes, known } = &self.granted;
        let line = Line {
            grant: None,
            target: self.target.clone(),
            access: tokens.access.expose().to_owned(),
            refresh: tokens.refresh.as_ref().map(|token| token.expose().to_owned()),
            expires: self.expires.map(|at| at.as_secs()),
            scopes: scopes.clone(),
            resource: known.resource.as_deref().cloned(),
            server: known.server.as_deref().cloned(),
            client: known.client.as_deref().and_then(registered),
        };
        // Strings and numbers alone: there is nothing that could not be written.
        Secret::new(serde_json::to_string(&line).unwrap_or_default())
    }

    /// Reads a line, which may say that there is none; the scenario's own client is used wherever it
    /// gives one.
    ///
    /// # Errors
    /// It is no grant.
    pub fn read(line: &str, identity: Option<&Identity>) -> Result<Option<Self>, Unreadable> {
        let line: Line = serde_json::from_str(line).map_err(|_| Unreadable::Shape)?;
        if line.grant.is_some() {
            let has_token = !line.access.is_empty() || line.refresh.is_some();
            return if has_token { Err(Unreadable::Shape) } else { Ok(None) };
        }
        if line.access.is_empty() && line.refresh.is_none() {
            return Err(Unreadable::Empty);
        }
        let given = identity.zip(line.server.as_ref());
        let given = given.map(|(identity, server)| Client::given(identity, server));
        let tokens = Tokens {
            access: Secret::new(line.access),
            refresh: line.refresh.map(Secret::new),
            expires_in: None,
            scopes: None,
        };
        let known = Known {
            resource: line.resource.map(Arc::new),
            server: line.server.map(Arc::new),
            client: given.or_else(|| line.client.map(client)).map(Arc::new),
        };
        let expires = line.expires.map(Duration::from_secs);
        let granted = Granted { tokens, scopes: line.scopes, known };
        Ok(Some(Self { granted, expires, target: line.target }))
    }
}

/// A server as lines name it: its endpoint without user, password, query and fragment.
pub fn target(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _cannot_have_one = (url.set_username(""), url.set_password(None));
    url.into()
}

/// What is saved of a client; nothing of one that the scenario gives.
fn registered(client: &Client) -> Option<Registered> {
    let secret = match &client.authentication {
        Authentication::SecretPost(secret) | Authentication::SecretBasic(secret) => Some(secret),
        Authentication::None | Authentication::PrivateKeyJwt(_) => None,
    };
    (client.origin != Origin::Given).then(|| Registered {
        id: client.id.clone(),
        issuer: client.issuer.clone(),
        method: client.authentication.method().name().to_owned(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        document: client.origin == Origin::Document,
    })
}

fn client(saved: Registered) -> Client {
    let Registered { id, issuer, method, secret, document } = saved;
    let secret = secret.map(Secret::new);
    let method = Method::named(&method);
    let authentication = Authentication::chosen(method, None, secret.as_ref(), None);
    let origin = if document { Origin::Document } else { Origin::Registered };
    Client { id, origin, issuer, authentication }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::rehearsal::server;

    fn kept(authentication: Authentication, origin: Origin) -> Kept {
        let tokens = Tokens {
            access: Secret::new("at"),
            refresh: Some(Secret::new("rt")),
            expires_in: None,
            scopes: None,
        };
        let issuer = "https://as.test".to_owned();
        let client = Client { id: "c".to_owned(), origin, issuer, authentication };
        let resource = Resource { resource: "https://h/mcp".to_owned(), ..Resource::default() };
        let known = Known {
            resource: Some(Arc::new(resource)),
            server: Some(Arc::new(server(r#""scopes_supported":["a"],"#))),
            client: Some(Arc::new(client)),
        };
        let granted = Granted { tokens, scopes: vec!["a".to_owned()], known };
        let target = Some("https://h/mcp".to_owned());
        Kept { granted, expires: Some(Duration::from_secs(1_700_000_000)), target }
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let secret = || Secret::new("s");
        let cases = [
            (Authentication::None, Origin::Document),
            (Authentication::None, Origin::Registered),
            (Authentication::SecretPost(secret()), Origin::Registered),
            (Authentication::SecretBasic(secret()), Origin::Registered),
        ];
        for (authentication, origin) in cases {
            let kept = kept(authentication, origin);
            let line = kept.write();
            assert!(!line.expose().contains('\n'));
            assert_eq!(Kept::read(line.expose(), None), Ok(Some(kept)));
        }
    }

    #[test]
    fn a_client_of_the_scenario_is_not_saved() {
        let kept = kept(Authentication::SecretPost(Secret::new("hidden")), Origin::Given);
        let line = kept.write();
        assert!(!line.expose().contains("hidden"), "{}", line.expose());
        let read = Kept::read(line.expose(), None).unwrap().unwrap();
        assert_eq!(read.granted.known.client, None);
        let method = Some(Method::SecretPost);
        let secret = Some(Secret::new("hidden"));
        let identity = Identity { id: "c".to_owned(), method, secret, key: None };
        assert_eq!(Kept::read(line.expose(), Some(&identity)), Ok(Some(kept)));
    }

    #[test]
    fn lines_of_an_authors_own_are_short() {
        let read = |line| Kept::read(line, None).unwrap().unwrap();
        let bare = read(r#"{"access":"a"}"#);
        assert_eq!(bare.granted.tokens.access.expose(), "a");
        assert_eq!((bare.expires, &bare.granted.known), (None, &Known::default()));
        assert_eq!(bare.target, None);
        let refresh = read(r#"{"refresh":"r"}"#);
        assert_eq!(refresh.granted.tokens.refresh, Some(Secret::new("r")));
        let cases = [
            ("", Unreadable::Shape),
            ("token", Unreadable::Shape),
            (r#"{"acces":"a"}"#, Unreadable::Shape),
            (r#"{"grant":"some"}"#, Unreadable::Shape),
            (r#"{"grant":"none","access":"a"}"#, Unreadable::Shape),
            ("{}", Unreadable::Empty),
            (r#"{"access":"","refresh":null}"#, Unreadable::Empty),
        ];
        for (line, expected) in cases {
            assert_eq!(Kept::read(line, None).unwrap_err(), expected, "{line}");
        }
    }

    #[test]
    fn a_user_without_a_grant_has_a_line_that_says_so() {
        assert_eq!(Kept::read(NONE, None), Ok(None));
    }

    #[test]
    fn a_server_is_named_without_what_may_be_secret() {
        let url = Url::parse("https://user:pass@h.test:8443/a/mcp?key=k#f").unwrap();
        assert_eq!(target(&url), "https://h.test:8443/a/mcp");
    }
}
