//! What has to be unguessable in one authorization, given by the caller so that tests are exact.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::secret::Secret;

/// Random bytes for one authorization; a new one for each.
#[derive(Clone, Copy)]
pub struct Chance {
    /// Of the PKCE verifier (RFC 7636, section 4.1: 32 bytes).
    pub verifier: [u8; 32],
    /// Of `state`.
    pub state: [u8; 16],
    /// Of the `jti` of client assertions.
    pub jti: [u8; 16],
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance(***)")
    }
}

impl Chance {
    /// The PKCE verifier: 43 characters.
    pub fn verifier(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.verifier))
    }

    /// Its challenge by S256 (RFC 7636, section 4.2).
    pub fn challenge(&self) -> String {
        s256(self.verifier().expose())
    }

    /// `state`: 22 characters.
    pub fn state(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.state)
    }

    /// The `jti` of the nth assertion.
    pub fn jti(&self, nth: u32) -> String {
        let mut bytes = self.jti;
        for (byte, of_nth) in bytes.iter_mut().zip(nth.to_be_bytes()) {
            *byte ^= of_nth;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The challenge of a verifier by S256 (RFC 7636, section 4.2).
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANCE: Chance = Chance { verifier: [7; 32], state: [8; 16], jti: [9; 16] };

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(s256(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let bytes = URL_SAFE_NO_PAD.decode(verifier).unwrap();
        let chance = Chance { verifier: bytes.try_into().unwrap(), ..CHANCE };
        assert_eq!(chance.verifier().expose(), verifier);
        assert_eq!(chance.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn every_assertion_has_its_own_id() {
        assert_eq!(CHANCE.jti(0), "CQkJCQkJCQkJCQkJCQkJCQ");
        assert_ne!(CHANCE.jti(0), CHANCE.jti(1));
        assert_eq!(CHANCE.state().len(), 22);
        assert_eq!(format!("{CHANCE:?}"), "Chance(***)");
    }
}
