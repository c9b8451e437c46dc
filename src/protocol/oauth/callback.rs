//! What the browser brings back: a code or an error, and whether it is meant for us.

use url::Url;

use super::metadata::Server;
use super::reading;
use super::refusal::What;
use crate::model::secret::Secret;

/// What a callback is held to.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The client's callback.
    pub callback: &'a str,
    /// `state` as it was sent.
    pub state: &'a str,
    /// Issuer and what its metadata promise about `iss`; `None`: the client does not look at it.
    pub iss: Option<&'a Server>,
}

/// Whether a URL is the client's callback, whatever its query: where a consent ends.
pub fn is_callback(url: &Url, callback: &str) -> bool {
    let bare = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    Url::parse(callback).is_ok_and(|callback| bare(&callback) == bare(url))
}

/// Reads the code from a callback. `state` is looked at first, then `iss` (RFC 9207, section 2.4:
/// errors are held to it as well), so that nobody else's error is believed.
///
/// # Errors
/// Why there is no code.
pub fn read(url: &Url, expected: &Expected<'_>) -> Result<Secret, What> {
    if !is_callback(url, expected.callback) {
        return Err(What::OtherCallback);
    }
    let one = |name: &str| {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    if one("state").as_deref() != Some(expected.state) {
        return Err(What::OtherState);
    }
    if let Some(server) = expected.iss {
        check_iss(one("iss"), server)?;
    }
    if let Some(error) = one("error") {
        return Err(What::Denied {
            error: reading::cut(&error, 80),
            description: one("error_description")
                .map_or_else(String::new, |text| reading::cut(&text, 200)),
            after: None,
        });
    }
    one("code").filter(|code| !code.is_empty()).map(Secret::new).ok_or(What::NoCode)
}

/// Byte for byte, without normalisation (RFC 9207, section 2.4).
fn check_iss(found: Option<String>, server: &Server) -> Result<(), What> {
    match found {
        Some(found) if found == server.issuer => Ok(()),
        Some(found) => Err(What::OtherIss {
            found: reading::cut(&found, 200),
            expected: reading::cut(&server.issuer, 200),
        }),
        None if server.iss => Err(What::NoIss),
        None => Ok(()),
    }
}
