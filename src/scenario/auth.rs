//! `[auth]`: what every user presents.

mod consent;

use std::time::Duration;

use crate::model::plan::Credential;
use crate::model::plan::auth::{Consent, Flow, GivenClient, GivenKey, Granted, Login, One};

use super::reader::Table;
use super::scalar::{Wrong, text_of};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Bearer,
    Header,
    Basic,
    Oauth,
    ClientCredentials,
    Tokens,
}

const KINDS: [(&str, Kind); 7] = [
    ("none", Kind::None),
    ("bearer", Kind::Bearer),
    ("header", Kind::Header),
    ("basic", Kind::Basic),
    ("oauth", Kind::Oauth),
    ("client-credentials", Kind::ClientCredentials),
    ("tokens", Kind::Tokens),
];

/// How the client authenticates at the token endpoint (RFC 7591, section 2).
const AUTHENTICATIONS: [&str; 4] =
    ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];

/// Kinds whose users have tokens that an authorization server gave.
const GRANTED: &[Kind] = &[Kind::Oauth, Kind::ClientCredentials, Kind::Tokens];
/// Kinds whose users log in.
const LOGS_IN: &[Kind] = &[Kind::Oauth, Kind::ClientCredentials];
const OAUTH: &[Kind] = &[Kind::Oauth];

/// Every key but `kind`: the kinds that may have it, those of them that need it, and an example.
const KEYS: [(&str, &[Kind], &[Kind], &str); 21] = [
    ("token", &[Kind::Bearer], &[Kind::Bearer], "${NAME}"),
    ("name", &[Kind::Header], &[Kind::Header], "X-Api-Key"),
    ("value", &[Kind::Header], &[Kind::Header], "${NAME}"),
    ("user", &[Kind::Basic], &[Kind::Basic], "somebody"),
    ("password", &[Kind::Basic], &[Kind::Basic], "${NAME}"),
    ("file", &[Kind::Tokens], &[Kind::Tokens], "tokens.jsonl"),
    ("grants", GRANTED, &[], "grants.jsonl"),
    ("one_grant", &[Kind::Oauth, Kind::Tokens], &[], "shared"),
    ("client_id", GRANTED, &[Kind::ClientCredentials], "squall"),
    ("client_secret", GRANTED, &[], "${NAME}"),
    ("private_key", GRANTED, &[], "key.pem"),
    ("authentication", GRANTED, &[], "none"),
    ("scope", GRANTED, &[], "read"),
    ("authorization_servers", GRANTED, &[], "https://login.example.com"),
    ("consent", OAUTH, &[], "redirect"),
    ("forms", OAUTH, &[], ""),
    ("command", OAUTH, &[], ""),
    ("callback", OAUTH, &[], "http://127.0.0.1/callback"),
    ("login_within", OAUTH, &[], "5m"),
    ("login", LOGS_IN, &[], "before"),
    ("login_over", LOGS_IN, &[], "30s"),
];

/// Reads `[auth]`.
pub fn read(auth: &Table<'_>) -> Option<Credential> {
    let kind = auth
        .key("kind", "What every user presents with every request.")
        .word(&KINDS, &[])
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
    let file = auth
        .key("file", "A file of tokens, one JSON object a line and user, for kind tokens.")
        .text()
        .optional();
    let keep = auth
        .key("grants", "A file that grants are kept in, and used again from; it holds secrets.")
        .text()
        .optional();
    let client = client(auth);
    let scope = auth
        .key("scope", "Scope to ask for instead of what the server names.")
        .read("scopes separated by blanks", |node| scope(text_of(node)?))
        .optional();
    let servers = auth
        .key("authorization_servers", "Where tokens come from, if not from the target's own host.")
        .each("a list of origins such as \"https://login.example.com\"", |node| {
            origin(text_of(node)?)
        })
        .optional();
    let consent = consent::read(auth);
    let one = one_grant(auth, consent.as_ref());
    let login = login(auth);

    // Of a kind that is wrong nothing is known to belong to it.
    let kind = kind?;
    balance(auth, kind);
    let granted = |flow, login| {
        let servers = servers.unwrap_or_default();
        Some(Credential::Granted(Box::new(Granted {
            flow,
            client: client.ok()?,
            scope,
            login,
            keep,
            servers,
            one,
        })))
    };
    match kind {
        Kind::None => Some(Credential::None),
        Kind::Bearer => Some(Credential::Bearer(token?)),
        Kind::Header => Some(Credential::Header { name: name?, value: value? }),
        Kind::Basic => Some(Credential::Basic { user: user?, password: password? }),
        Kind::Oauth => granted(Flow::Code(consent?), login?),
        Kind::ClientCredentials => granted(Flow::ClientCredentials, login?),
        Kind::Tokens => granted(Flow::Tokens(file?), Login::OnArrival),
    }
}

/// What users do with one grant for all of them. A person logs in but once, so consent browser
/// makes one; and where there is one, no user logs in.
fn one_grant(auth: &Table<'_>, consent: Option<&Consent>) -> Option<One> {
    let doc = "One grant for all users: shared, one process renews it; or cloned, each user renews a \
               copy. Default: a grant for each user; for consent browser, shared.";
    let words = [("shared", One::Shared), ("cloned", One::Cloned)];
    let given = auth.key("one_grant", doc).word(&words, &[]).optional();
    let is_browser = matches!(consent, Some(Consent::Browser(_)));
    let one = given.or(is_browser.then_some(One::Shared))?;
    for key in ["login", "login_over"] {
        if let Some(place) = auth.given(key) {
            let found = format!("auth.{key} says when users log in, and one grant is for all");
            let why = if given.is_some() { "auth.one_grant" } else { "consent = \"browser\"" };
            auth.log().wrong(place, found, format!("remove it, or {why}"));
        }
    }
    Some(one)
}

/// What is wrong stands in the log.
struct Reported;

/// The client that is registered by hand: none, if it has no id.
///
/// # Errors
/// It lacks something, which was reported.
fn client(auth: &Table<'_>) -> Result<Option<GivenClient>, Reported> {
    let id = auth.key("client_id", "The id of a client that is registered by hand.").text();
    let id = id.optional();
    let secret = auth.key("client_secret", "Its secret.").secret().optional();
    let key_file =
        auth.key("private_key", "A PEM file with its private key, for assertions.").text();
    let key = key_file.optional().map(GivenKey::File);
    let words = AUTHENTICATIONS.map(|name| (name, name));
    let authentication = auth
        .key("authentication", "How it authenticates at the token endpoint; default: as it can.")
        .word(&words, &[])
        .optional();
    let needed = match authentication {
        Some("client_secret_post" | "client_secret_basic") if secret.is_none() => "client_secret",
        Some("private_key_jwt") if key.is_none() => "private_key",
        _ if id.is_none() && auth.given("client_secret").is_some() => "client_id",
        _ if id.is_none() && auth.given("private_key").is_some() => "client_id",
        _ if id.is_none() && authentication.is_some() => "client_id",
        _ => return Ok(id.map(|id| GivenClient { id, authentication, secret, key })),
    };
    if auth.given(needed).is_none() {
        let right = format!("expected auth.{needed}, which the client cannot do without");
        auth.log().wrong(auth.place(), format!("auth.{needed} is missing"), right);
    }
    Err(Reported)
}

fn login(auth: &Table<'_>) -> Option<Login> {
    let doc = "When users log in: with their first request, or before the load.";
    let before = auth
        .key("login", doc)
        .word(&[("on-arrival", false), ("before", true)], &[])
        .settled(false, "\"on-arrival\"");
    let hour = Duration::from_secs(3600);
    let over = auth
        .key("login_over", "From the first login before the load to the last.")
        .duration(Duration::ZERO..=hour)
        .or(Duration::ZERO);
    let before = before?;
    if let Some(place) = auth.given("login_over").filter(|_| !before) {
        let found = "auth.login_over says how logins before the load are spread";
        auth.log().wrong(place, found, "remove it, or set auth.login = \"before\"");
    }
    Some(if before { Login::Before { over } } else { Login::OnArrival })
}

/// Scheme, host and port, as RFC 6454 section 6.1 writes them.
fn origin(text: &str) -> Result<String, Wrong> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(|url| url.path() == "/" && url.query().is_none());
    let such = "expected an origin such as \"https://login.example.com\": no path, no query";
    url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| such.to_owned())
}

/// Scopes as RFC 6749 section 3.3 has them.
fn scope(text: &str) -> Result<String, Wrong> {
    let is_scope = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~' | ' ');
    if !text.is_empty() && text.chars().all(is_scope) {
        return Ok(text.to_owned());
    }
    Err("expected scopes separated by blanks (RFC 6749 section 3.3)".to_owned())
}

/// Each kind has its own keys: all that it needs, and no others.
fn balance(auth: &Table<'_>, kind: Kind) {
    let word = KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word);
    for (key, possible, needed, example) in KEYS {
        match auth.given(key) {
            None if needed.contains(&kind) => {
                let right = format!("expected auth.{key}, such as {key} = \"{example}\"");
                auth.log().wrong(auth.place_of("kind"), format!("auth.{key} is missing"), right);
            }
            Some(place) if !possible.contains(&kind) => {
                let found = format!("auth.{key} does not belong to kind \"{word}\"");
                auth.log().wrong(place, found, "remove it, or change auth.kind");
            }
            _ => {}
        }
    }
}
