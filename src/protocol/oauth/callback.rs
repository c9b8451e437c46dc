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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::rehearsal::{server, url};

    const CALLBACK: &str = "https://client.test/cb";

    /// The RFC 9207 table of the conformance suite: promised, iss that came -> what is wrong.
    #[test]
    fn iss_is_compared_byte_for_byte() {
        let promised = server(r#""authorization_response_iss_parameter_supported":true,"#);
        let silent = server("");
        let cases = [
            ("iss-supported", &promised, Some("https://as.test"), true),
            ("iss-not-advertised", &silent, None, true),
            ("iss-unexpected, right", &silent, Some("https://as.test"), true),
            ("iss-unexpected, wrong", &silent, Some("https://evil.test"), false),
            ("iss-supported-missing", &promised, None, false),
            ("iss-wrong-issuer", &promised, Some("https://evil.test"), false),
            ("iss-normalized, slash", &promised, Some("https://as.test/"), false),
            ("iss-normalized, case", &promised, Some("https://AS.test"), false),
            ("empty", &promised, Some(""), false),
        ];
        for (name, server, iss, right) in cases {
            for answer in ["code=k", "error=access_denied"] {
                let mut back = url(&format!("{CALLBACK}?state=s&{answer}"));
                if let Some(iss) = iss {
                    back.query_pairs_mut().append_pair("iss", iss);
                }
                let expected = Expected { callback: CALLBACK, state: "s", iss: Some(server) };
                let found = read(&back, &expected);
                let about_iss = matches!(found, Err(What::NoIss | What::OtherIss { .. }));
                assert_eq!(about_iss, !right, "{name} {answer}: {found:?}");
                // A client that does not look takes all of them.
                let found = read(&back, &Expected { iss: None, ..expected });
                assert_eq!(found.is_ok(), answer == "code=k", "{name} {answer}");
            }
        }
    }

    #[test]
    fn what_a_browser_brings_back() {
        let denied = |error: &str, description: &str| What::Denied {
            error: error.to_owned(),
            description: description.to_owned(),
            after: None,
        };
        let cases = [
            ("https://client.test/cb?state=s&code=a%2Bb%20c", Ok(Secret::new("a+b c"))),
            ("https://client.test/cb?code=k&state=s&code=other", Ok(Secret::new("k"))),
            ("https://client.test/cb?code=k", Err(What::OtherState)),
            ("https://client.test/cb?code=k&state=t", Err(What::OtherState)),
            ("https://client.test/cb?code=k&state=t&state=s", Err(What::OtherState)),
            ("https://client.test/cb?state=s", Err(What::NoCode)),
            ("https://client.test/cb?state=s&code=", Err(What::NoCode)),
            (
                "https://client.test/cb?state=s&error=access_denied&error_description=no%0A",
                Err(denied("access_denied", "no?")),
            ),
            ("https://client.test/cb?error=access_denied", Err(What::OtherState)),
            ("https://client.test/other?state=s&code=k", Err(What::OtherCallback)),
            ("http://client.test/cb?state=s&code=k", Err(What::OtherCallback)),
            ("https://evil.test/cb?state=s&code=k", Err(What::OtherCallback)),
        ];
        for (back, expected) in cases {
            let found = read(&url(back), &Expected { callback: CALLBACK, state: "s", iss: None });
            assert_eq!(found, expected, "{back}");
        }
    }
}
