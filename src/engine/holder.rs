//! One client process's copy of what its user may present: nothing, a bearer token, a header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};

use crate::model::plan::Credential;
use crate::model::secret::Secret;

/// A shorter secret, or a shorter piece of one at a text's end, is no different from other words.
const RECOGNISABLE: usize = 4;

/// Lends the credential to every exchange, and knows it again in what comes back.
#[derive(Debug, Clone)]
pub struct Holder {
    header: Option<(HeaderName, HeaderValue)>,
    secrets: Vec<Secret>,
}

/// What an exchange carries; valid for that exchange.
#[derive(Debug, Clone)]
pub struct Lease(Option<(HeaderName, HeaderValue)>);

/// A credential that cannot be a header.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// The header's name has characters a name must not have (RFC 9110 section 5.1).
    #[error("auth.name is not a header name: it may hold letters, digits and -_.!#$%&'*+^`|~")]
    Name(#[from] InvalidHeaderName),
    /// The value has characters a value must not have (RFC 9110 section 5.5).
    #[error(
        "the credential in [auth] holds characters that no header can carry, such as a line end"
    )]
    Value(#[from] InvalidHeaderValue),
}

impl Holder {
    /// A holder of what the scenario gave.
    pub fn of(credential: &Credential) -> Result<Self, HolderError> {
        let none = Self { header: None, secrets: Vec::new() };
        let (name, value, secrets) = match credential {
            Credential::None | Credential::Granted(_) => return Ok(none),
            Credential::Bearer(token) => {
                (AUTHORIZATION, format!("Bearer {}", token.expose()), vec![token.clone()])
            }
            Credential::Header { name, value } => {
                let name = HeaderName::try_from(name.as_str())?;
                (name, value.expose().to_owned(), vec![value.clone()])
            }
            Credential::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                let secrets = vec![Secret::new(pair.as_str()), password.clone()];
                (AUTHORIZATION, format!("Basic {pair}"), secrets)
            }
        };
        Ok(Self { header: Some((name, secret(&value)?)), secrets })
    }

    /// Knows these again, too.
    #[must_use]
    pub fn knowing(mut self, secrets: &[Secret]) -> Self {
        self.secrets.extend_from_slice(secrets);
        self
    }

    /// The credential for one exchange.
    pub fn lend(&self) -> Lease {
        Lease(self.header.clone())
    }

    /// What a target said, without the credential if it says it back: some do, in error pages.
    /// A text may have been cut within it.
    pub fn hide(&self, mut text: String) -> String {
        for secret in &self.secrets {
            let secret = secret.expose();
            if secret.len() < RECOGNISABLE {
                continue;
            }
            text = text.replace(secret, "***");
            let whole = text.trim_end_matches('.').len();
            let pieces = (RECOGNISABLE..secret.len()).rev().filter_map(|cut| secret.get(..cut));
            for piece in pieces {
                if text[..whole].ends_with(piece) {
                    text.replace_range(whole - piece.len()..whole, "***");
                    break;
                }
            }
        }
        text
    }
}

impl Lease {
    /// The header to send, if there is one.
    pub fn header(self) -> Option<(HeaderName, HeaderValue)> {
        self.0
    }
}

fn secret(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(credential: &Credential) -> Option<String> {
        let (name, value) = Holder::of(credential).unwrap().lend().header()?;
        Some(format!("{name}: {}", value.to_str().unwrap()))
    }

    #[test]
    fn each_kind_is_its_header() {
        assert_eq!(lent(&Credential::None), None);
        let bearer = Credential::Bearer(Secret::new("abc"));
        assert_eq!(lent(&bearer).unwrap(), "authorization: Bearer abc");
        let key = Credential::Header { name: "X-Api-Key".into(), value: Secret::new("k") };
        assert_eq!(lent(&key).unwrap(), "x-api-key: k");
        // The example of RFC 7617 section 2.
        let basic =
            Credential::Basic { user: "Aladdin".into(), password: Secret::new("open sesame") };
        assert_eq!(lent(&basic).unwrap(), "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_lease_does_not_print_its_secret() {
        let holder = Holder::of(&Credential::Bearer(Secret::new("abc"))).unwrap();
        assert!(!format!("{holder:?} {:?}", holder.lend()).contains("abc"));
    }

    #[test]
    fn what_a_target_says_back_is_hidden() {
        let said = |credential: &Credential, text: &str| {
            Holder::of(credential).unwrap().hide(text.to_owned())
        };
        let bearer = Credential::Bearer(Secret::new("abc.def"));
        let basic =
            Credential::Basic { user: "Aladdin".into(), password: Secret::new("open sesame") };
        for (credential, text, hidden) in [
            (&bearer, "no: Bearer abc.def, abc.def", "no: Bearer ***, ***"),
            (&bearer, "cut: abc.de...", "cut: ***..."),
            (&bearer, "cut: ab...", "cut: ab..."),
            (&basic, "QWxhZGRpbjpvcGVuIHNlc2FtZQ== is open sesame", "*** is ***"),
            (&Credential::None, "abc.def", "abc.def"),
            (&Credential::Bearer(Secret::new("a")), "a man", "a man"),
        ] {
            assert_eq!(said(credential, text), hidden);
        }
    }

    #[test]
    fn what_cannot_be_a_header_is_refused() {
        assert!(Holder::of(&Credential::Bearer(Secret::new("a\nb"))).is_err());
        let key = Credential::Header { name: "a b".into(), value: Secret::new("k") };
        assert!(Holder::of(&key).is_err());
    }
}
