//! Who a client is to an authorization server, and how it proves that at the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use url::form_urlencoded::byte_serialize;

use super::assertion::{self, BadKey, Key, Occasion};
use super::metadata::Server;
use crate::model::secret::Secret;

/// What the scenario gives for a client that is registered by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `client_id`.
    pub id: String,
    /// How it authenticates; `None`: with what it has, as the server supports it.
    pub method: Option<Method>,
    /// Its secret.
    pub secret: Option<Secret>,
    /// Its private key, for assertions.
    pub key: Option<Key>,
}

/// A client as one authorization server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// How it came to be known.
    pub origin: Origin,
    /// The issuer that it belongs to: credentials are never sent to another.
    pub issuer: String,
    /// How it authenticates at the token endpoint.
    pub authentication: Authentication,
}

/// How a client came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// By hand, in the scenario.
    Given,
    /// By its metadata document, whose URL is its id.
    Document,
    /// By dynamic registration.
    Registered,
}

/// Names of authentication methods (RFC 7591, section 2; RFC 7523).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `none`: a public client.
    None,
    /// `client_secret_post`.
    SecretPost,
    /// `client_secret_basic`.
    SecretBasic,
    /// `private_key_jwt`.
    PrivateKeyJwt,
}

impl Method {
    /// Every method, the one that proves most first.
    pub const ALL: [Self; 4] =
        [Self::PrivateKeyJwt, Self::SecretBasic, Self::SecretPost, Self::None];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretPost => "client_secret_post",
            Self::SecretBasic => "client_secret_basic",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The method of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// How a client authenticates, with what it needs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all: its id in the body.
    None,
    /// Id and secret in the body (RFC 6749, section 2.3.1).
    SecretPost(Secret),
    /// Id and secret in `Authorization` (RFC 6749, section 2.3.1).
    SecretBasic(Secret),
    /// An assertion signed with this key (RFC 7523, section 2.2).
    PrivateKeyJwt(Key),
}

impl Authentication {
    /// Its method.
    pub const fn method(&self) -> Method {
        match self {
            Self::None => Method::None,
            Self::SecretPost(_) => Method::SecretPost,
            Self::SecretBasic(_) => Method::SecretBasic,
            Self::PrivateKeyJwt(_) => Method::PrivateKeyJwt,
        }
    }

    /// The method to use with what the client has. `wanted` is what it was registered for; without
    /// that, the first it can of those the server lists. A list that is absent means
    /// `client_secret_basic` (RFC 8414, section 2); a client without a secret is public whatever
    /// the list says, as it can be nothing else.
    pub(super) fn chosen(
        wanted: Option<Method>,
        listed: Option<&[String]>,
        secret: Option<&Secret>,
        key: Option<&Key>,
    ) -> Self {
        let with = |method| match (method, secret, key) {
            (Method::None, ..) => Some(Self::None),
            (Method::SecretPost, Some(secret), _) => Some(Self::SecretPost(secret.clone())),
            (Method::SecretBasic, Some(secret), _) => Some(Self::SecretBasic(secret.clone())),
            (Method::PrivateKeyJwt, _, Some(key)) => Some(Self::PrivateKeyJwt(key.clone())),
            _ => None,
        };
        let proving = [Method::PrivateKeyJwt, Method::SecretBasic, Method::SecretPost];
        let lists = |method: &Method| {
            listed.is_none_or(|listed| listed.iter().any(|name| name == method.name()))
        };
        let supported = || proving.into_iter().filter(lists).find_map(with);
        // What is listed and cannot be done leaves what can be done, and the server to judge it.
        let possible = || {
            let public = listed.is_some_and(|listed| listed.iter().any(|name| name == "none"));
            if public { None } else { proving.into_iter().find_map(with) }
        };
        wanted.and_then(with).or_else(supported).or_else(possible).unwrap_or(Self::None)
    }
}

impl Client {
    /// The client that the scenario gives, at this server.
    pub(super) fn given(identity: &Identity, server: &Server) -> Self {
        let Identity { id, method, secret, key } = identity;
        let listed = server.authentication.as_deref();
        Self {
            id: id.clone(),
            origin: Origin::Given,
            issuer: server.issuer.clone(),
            authentication: Authentication::chosen(*method, listed, secret.as_ref(), key.as_ref()),
        }
    }

    /// The client that a metadata document describes.
    pub(super) fn document(url: &str, server: &Server) -> Self {
        Self {
            id: url.to_owned(),
            origin: Origin::Document,
            issuer: server.issuer.clone(),
            authentication: Authentication::None,
        }
    }

    /// Adds to a form what proves who the client is; what belongs in `Authorization` is returned.
    pub(super) fn prove(
        &self,
        form: &mut super::token::Form,
        audience: &str,
        occasion: &Occasion<'_>,
    ) -> Result<Option<HeaderValue>, BadKey> {
        match &self.authentication {
            Authentication::None => form.add("client_id", &self.id),
            Authentication::SecretPost(secret) => {
                form.add("client_id", &self.id);
                form.add("client_secret", secret.expose());
            }
            // One method alone, and nothing of it twice.
            Authentication::SecretBasic(secret) => return Ok(basic(&self.id, secret)),
            Authentication::PrivateKeyJwt(key) => {
                let assertion = assertion::sign(key, &self.id, audience, occasion)?;
                form.add("client_assertion_type", assertion::TYPE);
                form.add("client_assertion", assertion.expose());
            }
        }
        Ok(None)
    }
}

/// `Authorization: Basic`, both parts form-encoded first (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &Secret) -> Option<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_form_encoded_before_base64() {
        let secret = Secret::new("p:w/ä %");
        let value = basic("https://c.test/id", &secret).unwrap();
        assert!(value.is_sensitive());
        let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        assert_eq!(pair, "https%3A%2F%2Fc.test%2Fid:p%3Aw%2F%C3%A4+%25");
    }

    type Case = (Option<Method>, Option<&'static [&'static str]>, bool, bool, Method);

    /// wanted, listed, has a secret, has a key -> method.
    #[test]
    fn how_a_client_authenticates() {
        use Method::{None as Public, PrivateKeyJwt, SecretBasic, SecretPost};
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let key = Key::from_pem(&Secret::new(pem)).unwrap();
        let secret = Secret::new("s");
        let cases: &[Case] = &[
            (None, None, false, false, Public),
            (None, None, true, false, SecretBasic),
            (None, None, true, true, PrivateKeyJwt),
            (None, Some(&["client_secret_post"]), true, false, SecretPost),
            (None, Some(&["client_secret_post", "client_secret_basic"]), true, false, SecretBasic),
            (None, Some(&["none"]), true, false, Public),
            (None, Some(&["none", "client_secret_post"]), true, false, SecretPost),
            (None, Some(&["private_key_jwt", "client_secret_basic"]), true, true, PrivateKeyJwt),
            (None, Some(&["client_secret_basic"]), false, false, Public),
            (None, Some(&["tls_client_auth"]), true, false, SecretBasic),
            (None, Some(&[]), true, false, SecretBasic),
            (None, Some(&[]), false, false, Public),
            // What it was registered for goes before what is listed, if it can be done.
            (Some(Public), Some(&["client_secret_basic"]), true, false, Public),
            (Some(SecretPost), Some(&["client_secret_basic"]), true, false, SecretPost),
            (Some(SecretBasic), None, false, false, Public),
            (Some(PrivateKeyJwt), None, true, false, SecretBasic),
        ];
        for (wanted, listed, has_secret, has_key, expected) in cases {
            let listed: Option<Vec<String>> =
                listed.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            let secret = has_secret.then_some(&secret);
            let found =
                Authentication::chosen(*wanted, listed.as_deref(), secret, has_key.then_some(&key));
            assert_eq!(found.method(), *expected, "{wanted:?} {listed:?} {has_secret} {has_key}");
        }
    }

    #[test]
    fn a_method_has_one_name() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(method));
        }
        assert_eq!(Method::named("client_secret_jwt"), None);
    }
}
