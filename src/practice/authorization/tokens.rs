//! Access tokens: JWTs that the resource server verifies with nothing but the public key.
//! (RFC 9068.)
//!
//! A signature that was found good is remembered by the token's text, so that a user's next request
//! costs a look-up. Nothing else is remembered: the end, the audience, the grant are looked at each
//! time.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bounded::Bounded;

/// The name of the one key.
const KEY_ID: &str = "practice-1";
/// Verified tokens that are remembered: in so many parts, each with a lock of its own...
const PARTS: usize = 16;
/// ...so many each; a token is about 700 bytes.
const MOST_VERIFIED: usize = 2_048;
/// Longer than any token of ours.
const LONGEST_BYTES: usize = 4_096;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    /// The resource it is for; none with the defect `ignores-resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aud: Option<String>,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) iat: u64,
    pub(super) exp: u64,
    pub(super) jti: String,
    /// The grant it comes from; none for a client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<String>,
    /// When that was granted, in milliseconds from the start of the target.
    pub(super) granted_ms: u64,
}

impl Claims {
    /// Whether it has a scope.
    pub(super) fn may(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|has| has == scope)
    }
}

type Verified = Mutex<Bounded<Box<str>, Arc<Claims>>>;

/// The key pair, and the tokens that were verified.
pub(super) struct Tokens {
    signs: EncodingKey,
    verifies: DecodingKey,
    public: Value,
    header: Header,
    rules: Validation,
    verified: [Verified; PARTS],
    parts: RandomState,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// A new key pair; `None`: the system gave no random bytes.
    pub(super) fn new() -> Option<Self> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).ok()?;
        let public = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref()).ok()?;
        // An uncompressed point: a byte that says so, and the two coordinates (SEC 1, 2.3.3).
        let point = public.public_key().as_ref();
        let (x, y) = point.get(1..65)?.split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        let verifies = DecodingKey::from_ec_components(&x, &y).ok()?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY_ID.to_owned());
        Some(Self {
            signs: EncodingKey::from_ec_der(pair.as_ref()),
            verifies,
            public: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig",
                            "alg": "ES256", "kid": KEY_ID }),
            header,
            rules: timeless(Algorithm::ES256),
            verified: std::array::from_fn(|_| Mutex::new(Bounded::of(MOST_VERIFIED))),
            parts: RandomState::new(),
        })
    }

    /// The public key, as a JWK set (RFC 7517 section 5).
    pub(super) fn key_set(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// Signs; `None`: the system gave no random bytes.
    pub(super) fn sign(&self, claims: &Claims) -> Option<String> {
        jsonwebtoken::encode(&self.header, claims, &self.signs).ok()
    }

    /// What a token says that was signed here; it may have ended.
    pub(super) fn verify(&self, token: &str) -> Option<Arc<Claims>> {
        if token.len() > LONGEST_BYTES {
            return None;
        }
        let part = &self.verified[self.parts.hash_one(token) as usize % PARTS];
        let lock = || part.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = lock().get(token) {
            return Some(Arc::clone(claims));
        }
        let read = jsonwebtoken::decode::<Claims>(token, &self.verifies, &self.rules).ok()?;
        let claims = Arc::new(read.claims);
        lock().insert(token.into(), Arc::clone(&claims));
        Some(claims)
    }
}

/// Rules that look at the signature alone: the times and names are this floor's to judge.
pub(super) fn timeless(algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    (rules.validate_exp, rules.validate_aud) = (false, false);
    rules.required_spec_claims.clear();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let text = str::to_owned;
        Claims {
            iss: text("http://127.0.0.1"),
            aud: Some(text("http://127.0.0.1/mcp")),
            sub: text("u"),
            client_id: text("c"),
            scope: text("a b"),
            iat: 1,
            exp: 2,
            jti: text("j"),
            grant: None,
            granted_ms: 3,
        }
    }

    #[test]
    fn only_what_was_signed_here_is_verified() {
        let (tokens, others) = (Tokens::new().unwrap(), Tokens::new().unwrap());
        let token = tokens.sign(&claims()).unwrap();
        for _ in 0..2 {
            assert_eq!(*tokens.verify(&token).unwrap(), claims());
        }
        assert_eq!(others.verify(&token), None);
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let other = serde_json::to_vec(&Claims { exp: 9, ..claims() }).unwrap();
        let other = URL_SAFE_NO_PAD.encode(other);
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for bad in [
            format!("{header}.{other}.{signature}"),
            format!("{none}.{other}."),
            head.to_owned(),
            String::new(),
            "x".repeat(LONGEST_BYTES + 1),
        ] {
            assert_eq!(tokens.verify(&bad), None, "{bad}");
        }
        assert!(claims().may("b") && !claims().may("a b") && !claims().may("c"));
    }

    #[test]
    fn the_key_set_verifies_them() {
        let tokens = Tokens::new().unwrap();
        let token = tokens.sign(&claims()).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::ES256));
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(tokens.key_set()).unwrap();
        let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
        let read = jsonwebtoken::decode::<Claims>(&token, &key, &timeless(Algorithm::ES256));
        assert_eq!(read.unwrap().claims, claims());
        assert_eq!(tokens.key_set()["keys"][0]["d"], Value::Null);
    }
}
