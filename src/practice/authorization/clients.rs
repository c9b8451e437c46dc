//! The clients that the server knows: three from the start, and those that registered.
//! (RFC 7591.)

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

use super::super::id::Ids;
use super::bounded::Bounded;
use super::refused::Refused;
use crate::model::plan::{Authorization, Defect};

/// Clients that are kept; then the oldest registration is forgotten.
const MOST_CLIENTS: usize = 100_000;
/// Redirect URIs of one client.
const MOST_REDIRECTS: usize = 16;

/// The public client that is known from the start.
pub const PUBLIC: &str = "practice-public";
/// The client that is known from the start and has a secret.
pub const CONFIDENTIAL: &str = "practice-confidential";
/// Its secret, which is none: it only has to be sent.
pub const SECRET: &str = "practice-secret";
/// The client that is known from the start by its public keys.
pub const SIGNING: &str = "practice-jwt";

/// How a client says who it is, at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    None,
    Post,
    Basic,
    PrivateKey,
}

impl Method {
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("client_secret_post", Self::Post),
        ("client_secret_basic", Self::Basic),
        ("private_key_jwt", Self::PrivateKey),
    ];

    fn named(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, method)| *method)
    }
}

/// The grant types there are.
pub(super) const GRANT_TYPES: [&str; 3] =
    ["authorization_code", "refresh_token", "client_credentials"];

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: Box<str>,
    pub(super) secret: Option<Box<str>>,
    /// None: it may post its secret or send it with HTTP Basic.
    pub(super) method: Option<Method>,
    /// Where its users may be sent; empty for one that is known from the start: anywhere.
    pub(super) redirects: Vec<String>,
    pub(super) grant_types: Vec<String>,
    pub(super) keys: Option<JwkSet>,
    pub(super) name: String,
    since: Duration,
    is_known_from_the_start: bool,
}

impl Client {
    /// Whether it may use this grant type.
    pub(super) fn uses(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|known| known == grant_type)
    }

    /// Whether its users may be sent there; on loopback at any port (RFC 8252 section 7.3).
    pub(super) fn redirects_to(&self, uri: &str) -> bool {
        let any = self.is_known_from_the_start && usable_redirect(uri);
        any || self.redirects.iter().any(|known| known == uri || same_but_for_port(known, uri))
    }
}

fn same_but_for_port(one: &str, other: &str) -> bool {
    let portless = |uri| {
        let mut uri = Url::parse(uri).ok().filter(is_loopback)?;
        uri.set_port(None).ok()?;
        Some(uri)
    };
    portless(one).is_some_and(|one| portless(other) == Some(one))
}

/// Plain HTTP to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && url.host().is_some_and(|host| match host {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        })
}

/// Absolute, without a fragment, and not plain HTTP to another machine.
fn usable_redirect(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        let is_safe = url.scheme() != "http" || is_loopback(&url);
        let is_script = matches!(url.scheme(), "javascript" | "data" | "vbscript");
        url.fragment().is_none() && is_safe && !is_script
    })
}

/// What a client says of itself. A field that is `null` is as one that is not there.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) client_id: Option<String>,
    client_name: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
    scope: Option<String>,
    jwks: Option<JwkSet>,
}

fn or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl Metadata {
    /// Reads it and holds it to the rules; `method` is what it has without saying so.
    pub(super) fn read(body: &[u8], method: Method) -> Result<(Self, Method), Refused> {
        let invalid = |what: String| Refused::new("invalid_client_metadata", what);
        let read: Self =
            serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let method = match &read.token_endpoint_auth_method {
            None => method,
            Some(word) => Method::named(word).ok_or_else(|| {
                invalid("`token_endpoint_auth_method` is none that the metadata lists".to_owned())
            })?,
        };
        if let Some(other) = read.grant_types().find(|word| !GRANT_TYPES.contains(word)) {
            return Err(invalid(format!("the grant type `{}` is not known", cut(other))));
        }
        if read.response_types.iter().flatten().any(|word| word != "code") {
            return Err(invalid("the only response type is `code`".to_owned()));
        }
        if read.application_type.as_deref().is_some_and(|word| word != "web" && word != "native") {
            return Err(invalid("`application_type` is web or native".to_owned()));
        }
        if method == Method::PrivateKey && read.jwks.is_none() {
            return Err(invalid("private_key_jwt needs `jwks`".to_owned()));
        }
        if method == Method::None && read.grant_types().any(|word| word == GRANT_TYPES[2]) {
            return Err(invalid("client_credentials needs a client with a secret".to_owned()));
        }
        read.check_redirects()?;
        Ok((read, method))
    }

    fn check_redirects(&self) -> Result<(), Refused> {
        let invalid = |what| Err(Refused::new("invalid_redirect_uri", what));
        if self.redirect_uris.is_empty() && self.grant_types().any(|word| word == GRANT_TYPES[0]) {
            return invalid("`redirect_uris` is missing");
        }
        if self.redirect_uris.len() > MOST_REDIRECTS {
            return invalid("more than 16 redirect URIs");
        }
        if self.redirect_uris.iter().all(|uri| usable_redirect(uri)) {
            return Ok(());
        }
        invalid("a redirect URI is absolute, without fragment, and HTTPS or on loopback")
    }

    fn grant_types(&self) -> impl Iterator<Item = &str> {
        let given = self.grant_types.iter().flatten().map(String::as_str);
        // RFC 7591 section 2: without a list it is this one.
        given.chain(self.grant_types.is_none().then_some(GRANT_TYPES[0]))
    }

    /// The client that it describes.
    pub(super) fn client(self, id: &str, method: Method, since: Duration) -> Client {
        Client {
            id: id.into(),
            secret: None,
            method: Some(method),
            grant_types: self.grant_types().map(str::to_owned).collect(),
            redirects: self.redirect_uris,
            keys: self.jwks,
            name: self.client_name.unwrap_or_else(|| "a client without a name".to_owned()),
            since,
            is_known_from_the_start: false,
        }
    }
}

/// As much of a foreign text as a message may have.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// All clients. The lock is held for one look-up at a time.
#[derive(Debug)]
pub(super) struct Clients {
    known: Mutex<Bounded<Box<str>, Arc<Client>>>,
    first: [Arc<Client>; 3],
    ids: Ids,
    forgets: Option<Forgets>,
}

/// When clients are forgotten.
#[derive(Debug, Clone, Copy)]
enum Forgets {
    After(Duration),
    At(Duration),
}

impl Clients {
    /// Those that are known from the start.
    pub(super) fn new(knobs: &Authorization) -> Self {
        let keys = serde_json::from_str(&knobs.jwks).ok();
        let forgets = match knobs.forget_at {
            Some(at) => Forgets::At(at),
            None => Forgets::After(knobs.forget_after),
        };
        let first = [
            first(PUBLIC, Some(Method::None), None, None),
            first(CONFIDENTIAL, None, Some(SECRET), None),
            first(SIGNING, Some(Method::PrivateKey), None, keys),
        ];
        Self {
            known: Mutex::new(Bounded::of(MOST_CLIENTS)),
            first: first.map(Arc::new),
            ids: Ids::default(),
            forgets: knobs.has(Defect::ForgetsClients).then_some(forgets),
        }
    }

    /// The client of an id.
    pub(super) fn named(&self, id: &str, now: Duration) -> Option<Arc<Client>> {
        if let Some(client) = self.first.iter().find(|client| *client.id == *id) {
            return Some(Arc::clone(client));
        }
        let mut known = self.lock();
        let client = known.get(id).map(Arc::clone)?;
        let is_forgotten = match self.forgets {
            None => false,
            Some(Forgets::After(time)) => now >= client.since + time,
            Some(Forgets::At(moment)) => client.since < moment && moment <= now,
        };
        if is_forgotten {
            known.remove(id);
        }
        (!is_forgotten).then_some(client)
    }

    /// Registers a client; what it is told (RFC 7591 section 3.2.1).
    pub(super) fn register(&self, body: &[u8], now: Duration, at: u64) -> Result<Value, Refused> {
        let (metadata, method) = Metadata::read(body, Method::Basic)?;
        let mut told = json!({
            "client_id_issued_at": at,
            "redirect_uris": metadata.redirect_uris,
            "token_endpoint_auth_method": word(method),
            "grant_types": metadata.grant_types().collect::<Vec<_>>(),
            "response_types": ["code"],
        });
        let said = [
            ("client_name", &metadata.client_name),
            ("scope", &metadata.scope),
            ("application_type", &metadata.application_type),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                told[name] = json!(value);
            }
        }
        let id = self.ids.issue().text();
        let mut client = metadata.client(&id, method, now);
        told["client_id"] = json!(id);
        if matches!(method, Method::Post | Method::Basic) {
            let secret = self.ids.issue().text() + &self.ids.issue().text();
            told["client_secret"] = json!(secret);
            told["client_secret_expires_at"] = json!(0);
            client.secret = Some(secret.into());
        }
        self.keep(client);
        Ok(told)
    }

    /// Keeps a client.
    fn keep(&self, client: Client) {
        self.lock().insert(client.id.clone(), Arc::new(client));
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<Box<str>, Arc<Client>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn word(method: Method) -> &'static str {
    Method::WORDS.iter().find(|(_, known)| *known == method).map_or("", |(word, _)| word)
}

fn first(id: &str, method: Option<Method>, secret: Option<&str>, keys: Option<JwkSet>) -> Client {
    let own = usize::from(id == PUBLIC);
    Client {
        id: id.into(),
        secret: secret.map(Into::into),
        method,
        redirects: Vec::new(),
        grant_types: GRANT_TYPES[..GRANT_TYPES.len() - own]
            .iter()
            .map(ToString::to_string)
            .collect(),
        keys,
        name: id.to_owned(),
        since: Duration::ZERO,
        is_known_from_the_start: true,
    }
}
