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
        let mut reader = Reader { rest: text };
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
}

impl<'a> Reader<'a> {
    fn part(&mut self) -> Option<Part<'a>> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
            if self.rest.is_empty() {
                return None;
            }
            let Some(token) = self.token() else {
                self.skip();
                continue;
            };
            let after = self.rest.trim_start_matches([' ', '\t']);
            match after.strip_prefix('=') {
                Some(value) => {
                    self.rest = value.trim_start_matches([' ', '\t']);
                    if let Some(value) = self.value() {
                        return Some(Part::Parameter(token, value));
                    }
                    self.skip();
                }
                None => {
                    self.token68();
                    return Some(Part::Scheme(token));
                }
            }
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
