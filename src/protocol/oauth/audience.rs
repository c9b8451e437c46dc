//! For whom an access token is, where it says so itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::secret::Secret;

#[derive(Deserialize)]
struct Claims {
    aud: Aud,
}

/// One or several (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Aud {
    One(String),
    Several(Vec<String>),
}

/// The audience of a token that is a JWT, in order; nothing of one that names none, or is opaque to
/// its client, as tokens may be (RFC 6749, section 1.4). The signature is not looked at.
pub fn of(token: &Secret) -> Option<Vec<String>> {
    let mut parts = token.expose().split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let mut audience = match serde_json::from_slice::<Claims>(&claims).ok()?.aud {
        Aud::One(one) => vec![one],
        Aud::Several(several) => several,
    };
    audience.sort_unstable();
    Some(audience).filter(|audience| !audience.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_says_for_whom_it_is_and_nothing_else_does() {
        for (claims, expected) in [
            (r#"{"aud":"a"}"#, Some(vec!["a"])),
            (r#"{"aud":["b","a"],"sub":"x"}"#, Some(vec!["a", "b"])),
            (r#"{"aud":[]}"#, None),
            (r#"{"sub":"x"}"#, None),
            ("no JSON", None),
        ] {
            let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
            let expected =
                expected.map(|all: Vec<&str>| all.into_iter().map(str::to_owned).collect());
            assert_eq!(of(&Secret::new(token)), expected, "{claims}");
        }
        for opaque in ["", "abc", "a.b", "a.%%.c"] {
            assert_eq!(of(&Secret::new(opaque)), None, "{opaque}");
        }
    }
}
