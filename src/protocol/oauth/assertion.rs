//! Client assertions: a JWT instead of a secret (RFC 7523, section 2.2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::model::secret::Secret;

/// `client_assertion_type`.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for.
const LIFETIME: Duration = Duration::from_secs(300);

/// A private key to sign assertions with.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    encoding: Arc<EncodingKey>,
    pem: Secret,
    /// `kid` in the header, where the server has several keys of the client.
    pub id: Option<String>,
    /// `aud`; `None`: the issuer.
    pub audience: Option<String>,
}

/// Why a key does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadKey {
    /// Not a private key in PEM, or of another sort.
    #[error("the key is no EC P-256, RSA or Ed25519 private key in PEM (PKCS #8)")]
    Unknown,
    /// The key was read, and still cannot sign.
    #[error("the key cannot sign")]
    Useless,
}

impl Key {
    /// Reads a private key in PEM: EC P-256 signs ES256, RSA RS256, Ed25519 `EdDSA`.
    ///
    /// # Errors
    /// It is none of these.
    pub fn from_pem(pem: &Secret) -> Result<Self, BadKey> {
        let bytes = pem.expose().as_bytes();
        let found = [
            (Algorithm::ES256, EncodingKey::from_ec_pem(bytes)),
            (Algorithm::RS256, EncodingKey::from_rsa_pem(bytes)),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(bytes)),
        ];
        let usable = found.into_iter().find_map(|(algorithm, key)| Some((algorithm, key.ok()?)));
        let (algorithm, encoding) = usable.ok_or(BadKey::Unknown)?;
        let encoding = Arc::new(encoding);
        let key = Self { algorithm, encoding, pem: pem.clone(), id: None, audience: None };
        // A curve that is not P-256 shows only when it signs.
        let trial = Occasion { unix: Duration::ZERO, jti: "trial" };
        sign(&key, "", "", &trial).map(|_| key).map_err(|_| BadKey::Unknown)
    }

    /// The name of its algorithm (RFC 7518, section 3.1).
    pub const fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::ES256 => "ES256",
            Algorithm::RS256 => "RS256",
            _ => "EdDSA",
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} ***)", self.algorithm())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (&self.pem, &self.id, &self.audience) == (&other.pem, &other.id, &other.audience)
    }
}

impl Eq for Key {}

/// When an assertion is made, and its own id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion<'a> {
    /// Time since 1970, UTC.
    pub(super) unix: Duration,
    /// `jti`.
    pub(super) jti: &'a str,
}

/// RFC 7523, section 3.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
}

/// Signs an assertion of this client for this audience.
pub(super) fn sign(
    key: &Key,
    client: &str,
    audience: &str,
    occasion: &Occasion<'_>,
) -> Result<Secret, BadKey> {
    let claims = Claims {
        iss: client,
        sub: client,
        aud: key.audience.as_deref().unwrap_or(audience),
        iat: occasion.unix.as_secs(),
        exp: (occasion.unix + LIFETIME).as_secs(),
        jti: occasion.jti,
    };
    let header = Header { kid: key.id.clone(), ..Header::new(key.algorithm) };
    let token = jsonwebtoken::encode(&header, &claims, &key.encoding);
    token.map(Secret::new).map_err(|_| BadKey::Useless)
}
