//! Client assertions: a JWT instead of a secret (RFC 7523, section 2.2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{self, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
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
    #[error(
        "the key is no EC P-256, RSA or Ed25519 private key in PEM; what holds one in another form \
         is written as one by `openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pem`"
    )]
    Unknown,
    /// A key behind a password.
    #[error(
        "the key is encrypted, and nobody is there to give its password: \
         `openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pem` writes it without one"
    )]
    Encrypted,
    /// The key was read, and still cannot sign.
    #[error("the key cannot sign")]
    Useless,
}

impl Key {
    /// Reads a private key in PEM (PKCS #8, PKCS #1 or SEC 1): EC P-256 signs ES256, RSA RS256,
    /// Ed25519 `EdDSA`.
    ///
    /// # Errors
    /// It is none of these, or encrypted.
    pub fn from_pem(pem: &Secret) -> Result<Self, BadKey> {
        let written = pkcs8(pem)?;
        let bytes = written.expose().as_bytes();
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

/// The key of a PEM text as PKCS #8, which all are read from: the first one in it, whatever stands
/// before it.
fn pkcs8(pem: &Secret) -> Result<Secret, BadKey> {
    let text = pem.expose();
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(BadKey::Encrypted);
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        // RFC 5915, as `openssl ecparam -genkey` writes it.
        Ok(PrivateKeyDer::Sec1(der)) => {
            let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
            let pair = EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der());
            let document = pair.ok().and_then(|pair| pair.to_pkcs8v1().ok());
            let document = document.ok_or(BadKey::Unknown)?;
            let body = STANDARD.encode(document.as_ref());
            let lines = body.as_bytes().chunks(64).map(String::from_utf8_lossy);
            let lines = lines.collect::<Vec<_>>().join("\n");
            let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} PRIVATE KEY-----"));
            Ok(Secret::new(format!("{begin}\n{lines}\n{end}\n")))
        }
        _ => Ok(pem.clone()),
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
    use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
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

    /// The DER in PEM, under this name.
    fn named(name: &str, der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
    }

    #[test]
    fn keys_are_read_in_the_forms_that_openssl_writes() {
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(
            algorithm,
            &pem(&rcgen::PKCS_ECDSA_P256_SHA256).serialize_der(),
        );
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.unwrap().private_key().as_der().unwrap();
        let sec1 = named("EC PRIVATE KEY", sec1.as_ref());
        let parameters = named("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
        // A PKCS #8 envelope of a 2048 bit RSA key is 26 bytes long (RFC 5208).
        let rsa = pem(&rcgen::PKCS_RSA_SHA256).serialize_der();
        let pkcs1 = named("RSA PRIVATE KEY", &rsa[26..]);
        for (pem, expected) in
            [(sec1.clone(), "ES256"), (format!("{parameters}{sec1}"), "ES256"), (pkcs1, "RS256")]
        {
            assert_eq!(
                Key::from_pem(&Secret::new(pem.as_str())).unwrap().algorithm(),
                expected,
                "{pem}"
            );
        }
    }

    #[test]
    fn a_key_behind_a_password_is_told_apart() {
        for text in [
            named("ENCRYPTED PRIVATE KEY", &[1]),
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n".to_owned(),
        ] {
            assert_eq!(Key::from_pem(&Secret::new(text)).err(), Some(BadKey::Encrypted));
        }
        for bad in [BadKey::Encrypted, BadKey::Unknown] {
            assert!(bad.to_string().contains("openssl pkcs8 -topk8 -nocrypt"), "{bad}");
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
