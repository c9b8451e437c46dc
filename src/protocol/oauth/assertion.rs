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

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use rcgen::KeyPair;
    use serde_json::Value;

    type Public = fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>;

    fn pem(algorithm: &'static rcgen::SignatureAlgorithm) -> KeyPair {
        KeyPair::generate_for(algorithm).unwrap()
    }

    fn p256() -> Secret {
        Secret::new(pem(&rcgen::PKCS_ECDSA_P256_SHA256).serialize_pem())
    }

    #[test]
    fn what_is_signed_can_be_verified() {
        let cases: [(_, _, Public); 3] = [
            (pem(&rcgen::PKCS_ECDSA_P256_SHA256), "ES256", DecodingKey::from_ec_pem),
            (pem(&rcgen::PKCS_RSA_SHA256), "RS256", DecodingKey::from_rsa_pem),
            (pem(&rcgen::PKCS_ED25519), "EdDSA", DecodingKey::from_ed_pem),
        ];
        for (pair, algorithm, public) in cases {
            let public = public(pair.public_key_pem().as_bytes());
            let pem = pair.serialize_pem();
            let mut key = Key::from_pem(&Secret::new(pem)).unwrap();
            assert_eq!(key.algorithm(), algorithm);
            key.id = Some("k1".to_owned());
            let occasion = Occasion { unix: Duration::from_secs(1_000), jti: "j" };
            let signed = sign(&key, "c", "https://as.test", &occasion).unwrap();
            let mut validation = Validation::new(key.algorithm);
            validation.set_audience(&["https://as.test"]);
            validation.validate_exp = false;
            let read =
                jsonwebtoken::decode::<Value>(signed.expose(), &public.unwrap(), &validation)
                    .unwrap();
            assert_eq!(read.header.kid.as_deref(), Some("k1"));
            let expected = serde_json::json!({
                "iss": "c", "sub": "c", "aud": "https://as.test", "iat": 1_000, "exp": 1_300, "jti": "j",
            });
            assert_eq!(read.claims, expected);
        }
    }

    #[test]
    fn an_audience_can_be_demanded() {
        let mut key = Key::from_pem(&p256()).unwrap();
        key.audience = Some("https://as.test/token".to_owned());
        let occasion = Occasion { unix: Duration::ZERO, jti: "j" };
        let signed = sign(&key, "c", "https://as.test", &occasion).unwrap();
        let claims = signed.expose().split('.').nth(1).unwrap().to_owned();
        let claims =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
        assert!(
            String::from_utf8(claims.unwrap())
                .unwrap()
                .contains(r#""aud":"https://as.test/token""#)
        );
    }

    #[test]
    fn other_keys_are_refused_and_none_is_shown() {
        let other = pem(&rcgen::PKCS_ECDSA_P384_SHA384).serialize_pem();
        let public = pem(&rcgen::PKCS_ECDSA_P256_SHA256).public_key_pem();
        for pem in
            [&other, &public, "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            assert_eq!(Key::from_pem(&Secret::new(pem)).err(), Some(BadKey::Unknown), "{pem}");
        }
        let key = Key::from_pem(&p256()).unwrap();
        assert_eq!(format!("{key:?}"), "Key(ES256 ***)");
    }
}
