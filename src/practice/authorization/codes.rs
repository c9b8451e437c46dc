//! Authorization codes: each good once and for a minute; one that comes back ends what it gave.
//! (RFC 6749 section 4.1.2, RFC 7636.)

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::id::{Id, Ids};
use super::bounded::Bounded;
use super::grants::Granted;

/// How long a code is good.
const LIFETIME: Duration = Duration::from_secs(60);
/// Codes that are kept, used ones among them.
const MOST_CODES: usize = 100_000;

/// What a code stands for.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) granted: Arc<Granted>,
    /// The grant that it opens.
    pub(super) grant: Id,
    /// Where its user was sent; the token request says the same.
    pub(super) redirect: String,
    /// The S256 challenge.
    pub(super) challenge: String,
}

/// What became of a code that was presented.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is good, and used now.
    Code(Code),
    /// It was used for this grant before.
    Used(Id),
    /// It never was, or it is too old.
    None,
}

#[derive(Debug)]
struct Kept {
    code: Option<Code>,
    grant: Id,
    since: Duration,
}

/// All codes. The lock is held for one look-up at a time.
#[derive(Debug)]
pub(super) struct Codes {
    kept: Mutex<Bounded<Id, Kept>>,
    ids: Ids,
}

impl Default for Codes {
    fn default() -> Self {
        Self { kept: Mutex::new(Bounded::of(MOST_CODES)), ids: Ids::default() }
    }
}

impl Codes {
    /// A code for this.
    pub(super) fn issue(&self, code: Code, now: Duration) -> String {
        let id = self.ids.issue();
        let kept = Kept { grant: code.grant, code: Some(code), since: now };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(id, kept);
        id.text()
    }

    /// Uses a code.
    pub(super) fn take(&self, code: &str, now: Duration) -> Taken {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = Id::read(code.as_bytes()).and_then(|id| all.get_mut(&id)) else {
            return Taken::None;
        };
        match kept.code.take() {
            None => Taken::Used(kept.grant),
            Some(_) if now >= kept.since + LIFETIME => Taken::None,
            Some(code) => Taken::Code(code),
        }
    }
}

/// Whether a verifier is the one of a challenge.
pub(super) fn is_verified(verifier: &str, challenge: &str) -> bool {
    let is_one = (43..=128).contains(&verifier.len());
    is_one && URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_and_for_a_minute() {
        let codes = Codes::default();
        let s = Duration::from_secs;
        let code = || {
            let of = |text: &str| text.into();
            let (user, client) = (of("u"), of("c"));
            let granted = Granted { user, client, scope: of(""), resource: of("") };
            let (grant, redirect) = (Ids::default().issue(), String::new());
            Code { granted: Arc::new(granted), grant, redirect, challenge: String::new() }
        };
        let first = codes.issue(code(), s(0));
        assert!(matches!(codes.take(&first, s(59)), Taken::Code(_)));
        assert!(matches!(codes.take(&first, s(59)), Taken::Used(_)));
        let late = codes.issue(code(), s(0));
        assert!(matches!(codes.take(&late, s(60)), Taken::None));
        assert!(matches!(codes.take("x", s(0)), Taken::None));
    }

    /// The example of RFC 7636 appendix B.
    #[test]
    fn a_verifier_is_held_to_its_challenge() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verified(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!is_verified(verifier, verifier));
        assert!(!is_verified("", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"));
    }
}
