//! Which client asks at the token endpoint, and whether it is.
//! (RFC 6749 section 2.3; RFC 7523 section 3.)

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::bounded::Bounded;
use super::clients::{Client, Method};
use super::form::Form;
use super::refused::Refused;
use super::tokens::timeless;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The algorithms of assertions.
pub(super) const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("ES256", Algorithm::ES256),
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("EdDSA", Algorithm::EdDSA),
];
/// Assertions that are remembered, so that each is good once.
const MOST_ASSERTIONS: usize = 65_536;

/// What a client presents.
#[derive(Debug)]
pub(super) enum Proof {
    None,
    Post(String),
    Basic(String),
    Assertion(String),
}

/// A client that is named, its proof not yet looked at.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) proof: Proof,
}

impl Named {
    /// Reads who asks.
    pub(super) fn read(headers: &HeaderMap, form: &Form) -> Result<Self, Refused> {
        let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(credentials) = basic.and_then(|value| scheme(value, "basic")) {
            let (id, secret) = decoded(credentials).ok_or_else(|| Refused {
                basic: true,
                ..Refused::client("no client id and secret in `Authorization`")
            })?;
            return Ok(Self { id, proof: Proof::Basic(secret) });
        }
        if let Some(assertion) = form.get("client_assertion") {
            if form.get("client_assertion_type") != Some(ASSERTION) {
                return Err(Refused::request("`client_assertion_type` is not jwt-bearer"));
            }
            let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Assertion>(assertion);
            let id = claims.map_err(|_| Refused::client("the assertion is no JWT"))?.sub;
            return Ok(Self { id, proof: Proof::Assertion(assertion.to_owned()) });
        }
        let id = form.need("client_id")?.to_owned();
        let proof = form.get("client_secret").map(str::to_owned);
        Ok(Self { id, proof: proof.map_or(Proof::None, Proof::Post) })
    }

    /// The same refusal, as this client is told it.
    pub(super) fn told(&self, refused: Refused) -> Refused {
        Refused { basic: matches!(self.proof, Proof::Basic(_)), ..refused }
    }
}

/// The credentials of a scheme, whose name is written in any case.
pub(super) fn scheme<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, credentials) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| credentials.trim())
}

/// Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1).
fn decoded(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let pair = format!("x={text}");
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

#[derive(Debug, Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    #[serde(default)]
    aud: Audience,
    exp: u64,
    jti: Option<String>,
}

/// One, or several. It is read by hand: `untagged` says nothing when it is neither.
#[derive(Debug, Default)]
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(from)?;
        let texts = match value {
            serde_json::Value::Array(list) => list,
            one => vec![one],
        };
        Ok(Self(texts.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()))
    }
}

/// Looks at proofs; an assertion is good once.
#[derive(Debug)]
pub(super) struct Proofs {
    used: Mutex<Bounded<String, ()>>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self { used: Mutex::new(Bounded::of(MOST_ASSERTIONS)) }
    }
}

impl Proofs {
    /// Whether the client is who it says; `audiences` are the names an assertion may be for.
    pub(super) fn check(
        &self,
        client: &Arc<Client>,
        proof: &Proof,
        audiences: &[String],
        now: u64,
    ) -> Result<(), Refused> {
        let secret = |given: &str| {
            let known = client.secret.as_deref().unwrap_or_default().as_bytes();
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(known, given.as_bytes());
            same.map_err(|_| Refused::client("the secret is not the client's"))
        };
        match (proof, client.method) {
            (Proof::None, Some(Method::None)) => Ok(()),
            (Proof::Post(given), Some(Method::Post) | None)
            | (Proof::Basic(given), Some(Method::Basic) | None) => secret(given),
            (Proof::Assertion(given), Some(Method::PrivateKey)) => {
                self.asserted(client, given, audiences, now)
            }
            _ => Err(Refused::client("not the way this client says who it is")),
        }
    }

    fn asserted(
        &self,
        client: &Client,
        assertion: &str,
        audiences: &[String],
        now: u64,
    ) -> Result<(), Refused> {
        let claims = verified(client, assertion)
            .ok_or_else(|| Refused::client("no key of the client's verifies the assertion"))?;
        if claims.iss != *client.id || claims.sub != *client.id {
            return Err(Refused::client("`iss` and `sub` of an assertion are the client's id"));
        }
        if !claims.aud.0.iter().any(|audience| audiences.contains(audience)) {
            return Err(Refused::client("the assertion is for somebody else: look at `aud`"));
        }
        if now >= claims.exp {
            return Err(Refused::client("the assertion has expired"));
        }
        let Some(jti) = claims.jti else {
            return Err(Refused::client("the assertion has no `jti`"));
        };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let one = format!("{} {jti}", client.id);
        if used.get(&one).is_some() {
            return Err(Refused::client("the assertion was used before"));
        }
        used.insert(one, ());
        Ok(())
    }
}

fn verified(client: &Client, assertion: &str) -> Option<Assertion> {
    let header = jsonwebtoken::decode_header(assertion).ok()?;
    let rules = timeless(ALGORITHMS.iter().find(|(_, known)| *known == header.alg)?.1);
    let keys = client.keys.as_ref()?.keys.iter();
    let named = keys.filter(|key| header.kid.is_none() || key.common.key_id == header.kid);
    named
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .find_map(|key| jsonwebtoken::decode(assertion, &key, &rules).ok().map(|read| read.claims))
}
