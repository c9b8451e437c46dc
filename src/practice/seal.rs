//! `requestState`: what a client carries for the target between two rounds of one request, sealed,
//! so that it can be read back and not be changed. (MCP 2026-07-28, "Multi Round-Trip Requests".)
//!
//! ```text
//! state = base64url(round ":" name) "." base64url(HMAC-SHA256 of it)
//! ```

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The process's own key.
#[derive(Debug)]
pub struct Seal(Key);

impl Seal {
    /// A new key; `None`: the system gave no random bytes.
    pub fn new() -> Option<Self> {
        Key::generate(HMAC_SHA256, &SystemRandom::new()).ok().map(Self)
    }

    /// The state of a request that is at this round; `name` says which request.
    pub fn close(&self, name: &str, round: usize) -> String {
        let state = format!("{round}:{name}");
        let tag = hmac::sign(&self.0, state.as_bytes());
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&state), URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// The round of a state that was given out for this request; `None` is any other text.
    pub fn open(&self, name: &str, state: &str) -> Option<usize> {
        let (state, tag) = state.split_once('.')?;
        let state = URL_SAFE_NO_PAD.decode(state).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &state, &tag).ok()?;
        let (round, of) = str::from_utf8(&state).ok()?.split_once(':')?;
        (of == name).then(|| round.parse().ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unchanged_state_of_the_same_request_is_opened() {
        let seal = Seal::new().unwrap();
        let state = seal.close("a", 2);
        assert_eq!(seal.open("a", &state), Some(2));
        assert_eq!(seal.open("b", &state), None);
        assert_eq!(Seal::new().unwrap().open("a", &state), None);
        let (_, tag) = state.split_once('.').unwrap();
        let other = format!("{}.{tag}", URL_SAFE_NO_PAD.encode("3:a"));
        for changed in [format!("{state}-TAMPERED"), other, String::new(), ".".into(), tag.into()] {
            assert_eq!(seal.open("a", &changed), None, "{changed}");
        }
    }
}
