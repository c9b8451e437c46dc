//! `[auth]`: what every user presents.

use crate::model::plan::Credential;

use super::reader::Table;
use super::scalar::text_of;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Bearer,
    Header,
    Basic,
}

const KINDS: [(&str, Kind); 4] = [
    ("none", Kind::None),
    ("bearer", Kind::Bearer),
    ("header", Kind::Header),
    ("basic", Kind::Basic),
];

const LATER: [&str; 3] = ["oauth", "client-credentials", "tokens"];

/// Reads `[auth]`.
pub fn read(auth: &Table<'_>) -> Option<Credential> {
    let kind = auth
        .key("kind", "What every user presents with every request.")
        .word(&KINDS, &LATER)
        .settled(Kind::None, "\"none\"");
    let token = auth.key("token", "The token of kind bearer.").header_secret().optional();
    let name = auth
        .key("name", "The header's name, for kind header.")
        .read("a header name such as \"X-Api-Key\"", |node| {
            let text = text_of(node)?;
            let usable = text.parse::<http::HeaderName>().is_ok();
            if usable { Ok(text.to_owned()) } else { Err("expected a header name".to_owned()) }
        })
        .optional();
    let value =
        auth.key("value", "The header's value, for kind header.").header_secret().optional();
    let user = auth
        .key("user", "The user name of kind basic.")
        .read("a user name without a colon", |node| match text_of(node)? {
            text if text.contains(':') || text.chars().any(char::is_control) => {
                Err("expected a user name without a colon (RFC 7617 section 2)".to_owned())
            }
            text => Ok(text.to_owned()),
        })
        .optional();
    let password = auth.key("password", "The password of kind basic.").secret().optional();

    // Of a kind that is wrong nothing is known to belong to it.
    let kind = kind?;
    let needed: &[&str] = match kind {
        Kind::None => &[],
        Kind::Bearer => &["token"],
        Kind::Header => &["name", "value"],
        Kind::Basic => &["user", "password"],
    };
    balance(auth, kind, needed);
    match kind {
        Kind::None => Some(Credential::None),
        Kind::Bearer => Some(Credential::Bearer(token?)),
        Kind::Header => Some(Credential::Header { name: name?, value: value? }),
        Kind::Basic => Some(Credential::Basic { user: user?, password: password? }),
    }
}

/// Each kind has its own keys: all of them, and no others.
fn balance(auth: &Table<'_>, kind: Kind, needed: &[&str]) {
    let word = KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word);
    for key in ["token", "name", "value", "user", "password"] {
        match (auth.given(key), needed.contains(&key)) {
            (None, true) => {
                let example = match key {
                    "name" => "X-Api-Key",
                    "user" => "somebody",
                    _ => "${NAME}",
                };
                let right = format!("expected auth.{key}, such as {key} = \"{example}\"");
                auth.log().wrong(auth.place_of("kind"), format!("auth.{key} is missing"), right);
            }
            (Some(place), false) => {
                let found = format!("auth.{key} does not belong to kind \"{word}\"");
                auth.log().wrong(place, found, "remove it, or change auth.kind");
            }
            _ => {}
        }
    }
}
