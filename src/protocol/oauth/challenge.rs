//! What a 401 or 403 says about the credential it wants: `WWW-Authenticate` in any shape.
//!
//! ```text
//! challenges = challenge *( OWS "," OWS challenge )          RFC 9110, section 11.6.1
//! challenge  = scheme [ 1*SP ( token68 / [ param *( OWS "," OWS param ) ] ) ]
//! param      = token BWS "=" BWS ( token / quoted-string )
//! ```
//! A comma separates both challenges and parameters: what follows it is a parameter if a token and
//! an equals sign stand there, else a new challenge. Nonsense is skipped up to the next comma.

use http::HeaderMap;

use super::scope;

/// Most bytes of a header that are looked at.
const MOST_BYTES: usize = 16 << 10;

/// The parameters of the Bearer challenges of one answer (RFC 6750, section 3; RFC 9728, section
/// 5.1); of a parameter that comes twice the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Whether there was a Bearer challenge at all.
    pub bearer: bool,
    /// `error`.
    pub error: Option<String>,
    /// `error_description`.
    pub description: Option<String>,
    /// `resource_metadata`: the URL of the metadata of the protected resource.
    pub resource_metadata: Option<String>,
    /// `scope`, split; empty if there is none.
    pub scopes: Vec<String>,
}

impl Challenge {
    /// Reads every `WWW-Authenticate` header of an answer.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut challenge = Self::default();
        for value in headers.get_all(http::header::WWW_AUTHENTICATE) {
            let bytes = value.as_bytes();
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
            challenge.take(&text);
        }
        challenge
    }

    /// Whether the answer says that the token's scopes are too few (RFC 6750, section 3.1).
    pub fn insufficient_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }

    fn take(&mut self, text: &str) {
        let mut reader = Reader { rest: text, fresh: true };
        let mut bearer = false;
        while let Some(part) = reader.part() {
            match part {
                Part::Scheme(scheme) => {
                    bearer = scheme.eq_ignore_ascii_case("bearer");
                    self.bearer |= bearer;
                }
                Part::Parameter(name, value) if bearer => self.parameter(name, value),
                Part::Parameter(..) => {}
            }
        }
    }

    fn parameter(&mut self, name: &str, value: String) {
        let slot = match name.to_ascii_lowercase().as_str() {
            "error" => &mut self.error,
            "error_description" => &mut self.description,
            "resource_metadata" => &mut self.resource_metadata,
            "scope" => {
                if self.scopes.is_empty() {
                    self.scopes = scope::split(&value);
                }
                return;
            }
            _ => return,
        };
        slot.get_or_insert(value);
    }
}

enum Part<'a> {
    Scheme(&'a str),
    Parameter(&'a str, String),
}

struct Reader<'a> {
    rest: &'a str,
    /// Whether a challenge may begin here: at the beginning, and behind a comma.
    fresh: bool,
}

impl<'a> Reader<'a> {
    fn part(&mut self) -> Option<Part<'a>> {
        loop {
            let rest = self.rest.trim_start_matches([' ', '\t', ',']);
            let begins = self.fresh || self.rest[..self.rest.len() - rest.len()].contains(',');
            (self.rest, self.fresh) = (rest, false);
            if rest.is_empty() {
                return None;
            }
            let Some(token) = self.token() else {
                self.skip();
                continue;
            };
            let after = self.rest.trim_start_matches([' ', '\t']);
            let Some(value) = after.strip_prefix('=') else {
                // The second word of a value that should have been quoted.
                if !begins {
                    continue;
                }
                self.token68();
                return Some(Part::Scheme(token));
            };
            self.rest = value.trim_start_matches([' ', '\t']);
            if let Some(value) = self.value() {
                return Some(Part::Parameter(token, value));
            }
            self.skip();
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !is_token(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token68 behind a scheme: it ends the challenge, and its equals signs are padding.
    fn token68(&mut self) {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let end = rest.find(|c| !is_token68(c)).unwrap_or(rest.len());
        let after = rest[end..].trim_start_matches('=').trim_start_matches([' ', '\t']);
        if end > 0 && (after.is_empty() || after.starts_with(',')) {
            self.rest = after;
        }
    }

    /// A quoted string, or a token. Servers leave URLs and scopes unquoted: up to the next comma,
    /// blank or end, whatever stands there is taken.
    fn value(&mut self) -> Option<String> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return self.quoted(quoted);
        }
        let end = self.rest.find([' ', '\t', ',', '"']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn quoted(&mut self, text: &'a str) -> Option<String> {
        let mut value = String::new();
        let mut characters = text.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &text[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(characters.next()?.1),
                c => value.push(c),
            }
        }
        // It never ends: nothing behind it can be told apart.
        self.rest = "";
        None
    }

    fn skip(&mut self) {
        self.rest = self.rest.find(',').map_or("", |at| &self.rest[at..]);
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// RFC 9110, section 11.2, without the padding.
fn is_token68(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(values: &[&str]) -> Challenge {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(http::header::WWW_AUTHENTICATE, value);
        }
        Challenge::read(&headers)
    }

    type Parts<'a> = (&'a str, &'a str, &'a str, &'a str);

    /// `error`, `error_description`, `resource_metadata` and scopes.
    fn parts(challenge: &Challenge) -> (&str, &str, &str, String) {
        let text =
            |text: &'_ Option<String>| text.as_deref().unwrap_or("-").to_owned().leak() as &str;
        (
            text(&challenge.error),
            text(&challenge.description),
            text(&challenge.resource_metadata),
            challenge.scopes.join(" "),
        )
    }

    #[test]
    fn every_shape_that_servers_send() {
        const PRM: &str = "https://h/.well-known/oauth-protected-resource/mcp";
        let whole =
            format!(r#"Bearer error="invalid_token", resource_metadata="{PRM}", scope="a b""#);
        let cases: &[(&[&str], Parts<'_>)] = &[
            (&[&whole], ("invalid_token", "-", PRM, "a b")),
            (&["Bearer"], ("-", "-", "-", "")),
            (&["bearer realm=x,error=invalid_token"], ("invalid_token", "-", "-", "")),
            (&[r#"BEARER SCOPE="a  b a" , ERROR = "e""#], ("e", "-", "-", "a b")),
            // Several challenges in one header, and in several.
            (&[r#"Basic realm="a, Bearer error=no", Bearer error="e""#], ("e", "-", "-", "")),
            (&[r#"Bearer error="e", Basic realm="r", error="no""#], ("e", "-", "-", "")),
            (&["Negotiate abc/+==, Bearer error=e"], ("e", "-", "-", "")),
            (&["Negotiate, Bearer, Digest nonce=1, Bearer error=e"], ("e", "-", "-", "")),
            (&[r#"Basic realm="r""#, "Bearer error=e", "Bearer scope=s"], ("e", "-", "-", "s")),
            // Quoted pairs, and text that is no ASCII.
            (
                &[r#"Bearer error_description="say \"hi\", ä \\ b""#],
                ("-", r#"say "hi", ä \ b"#, "-", ""),
            ),
            // What servers leave unquoted.
            (&[&format!("Bearer resource_metadata={PRM}, error=e")], ("e", "-", PRM, "")),
            (&["Bearer resource_metadata=https://h/a?b=c"], ("-", "-", "https://h/a?b=c", "")),
            // The first of two counts.
            (&["Bearer error=one, error=two"], ("one", "-", "-", "")),
            // Nonsense is skipped up to the next comma.
            (&["=x, ;;; , Bearer error=, scope=s"], ("-", "-", "-", "s")),
            (&[r#"Bearer error="e", scope="never ends"#], ("e", "-", "-", "")),
            (&["Bearer scope=read write, error=e"], ("e", "-", "-", "read")),
            (&["Basic realm=x error=no"], ("-", "-", "-", "")),
            (&["error=e"], ("-", "-", "-", "")),
            (&[""], ("-", "-", "-", "")),
            (&[], ("-", "-", "-", "")),
        ];
        for (values, (error, description, metadata, scopes)) in cases {
            let challenge = read(values);
            let expected = (*error, *description, *metadata, (*scopes).to_owned());
            assert_eq!(parts(&challenge), expected, "{values:?}");
            let bearer = values.iter().any(|value| value.to_lowercase().contains("bearer"));
            let really = bearer && !values[0].starts_with("error");
            assert_eq!(challenge.bearer, really, "{values:?}");
        }
    }

    #[test]
    fn too_few_scopes_are_told_apart() {
        assert!(read(&["Bearer error=insufficient_scope"]).insufficient_scope());
        assert!(!read(&["Bearer error=invalid_token"]).insufficient_scope());
    }

    #[test]
    fn a_server_cannot_name_without_end() {
        let scopes: Vec<String> = (0..9_000).map(|n| n.to_string()).collect();
        let long = format!(r#"Bearer scope="{}", error=e"#, scopes[..1_000].join(" "));
        assert_eq!(read(&[&long]).scopes.len(), 64);
        let longer = format!(r#"Bearer x="{}", error=e"#, scopes.join(" "));
        assert_eq!(read(&[&longer]).error, None);
    }

    fn token() -> impl Strategy<Value = String> {
        "[a-z!#$%&'*+.^_`|~-][a-zA-Z0-9_-]{0,8}"
    }

    /// A challenge as a naive printer has it: scheme and parameters.
    fn challenge() -> impl Strategy<Value = (String, Vec<(String, String, bool)>)> {
        let scheme = prop_oneof![Just("Bearer".to_owned()), Just("beARer".to_owned()), token()];
        let name =
            prop_oneof![Just("error".to_owned()), Just("Resource_Metadata".to_owned()), token()];
        let parameters = prop::collection::vec((name, "[ -~ä]{1,12}", any::<bool>()), 0..5);
        (scheme, parameters)
    }

    fn printed((scheme, parameters): &(String, Vec<(String, String, bool)>)) -> String {
        let parameters = parameters.iter().map(|(name, value, quoted)| {
            let plain = value.chars().all(is_token);
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            if plain && !quoted {
                format!("{name}={value}")
            } else {
                format!("{name} = \"{value}\"")
            }
        });
        format!("{scheme} {}", parameters.collect::<Vec<_>>().join(" , "))
    }

    proptest! {
        /// Whatever is printed by the grammar is read back, in one header or in several.
        #[test]
        fn what_is_printed_is_read(challenges in prop::collection::vec(challenge(), 0..5), apart in any::<bool>()) {
            let mut expected = Challenge::default();
            for (scheme, parameters) in &challenges {
                if scheme.eq_ignore_ascii_case("bearer") {
                    expected.bearer = true;
                    for (name, value, _) in parameters {
                        expected.parameter(name, value.clone());
                    }
                }
            }
            let lines: Vec<String> = challenges.iter().map(printed).collect();
            let lines = if apart { lines } else { vec![lines.join(", ")] };
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert_eq!(read(&lines), expected);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.append(http::header::WWW_AUTHENTICATE, value);
            }
            let _any = Challenge::read(&headers);
        }
    }
}
