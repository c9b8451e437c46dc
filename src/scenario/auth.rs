//! `[auth]`: what every user presents.

use std::time::Duration;

use crate::model::plan::Credential;
use crate::model::plan::auth::{Consent, Flow, FormStep, GivenClient, GivenKey, Granted, Login};
use crate::model::secret::Secret;

use super::document::{Entry, Node, Value};
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

/// Keys that some kinds have and others have not; those that a kind needs come first.
fn keys(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::None => (&[], &[]),
        Kind::Bearer => (&["token"], &[]),
        Kind::Header => (&["name", "value"], &[]),
        Kind::Basic => (&["user", "password"], &[]),
        Kind::Oauth => (&[], &OAUTH),
        Kind::ClientCredentials => (&["client_id"], &CLIENT),
        Kind::Tokens => (&["file"], &TOKENS),
    }
}

const OAUTH: [&str; 12] = [
    "grants",
    "authorization_servers",
    "client_id",
    "client_secret",
    "private_key",
    "authentication",
    "scope",
    "consent",
    "forms",
    "command",
    "login",
    "login_over",
];
const CLIENT: [&str; 6] =
    ["client_secret", "private_key", "authentication", "scope", "login", "login_over"];
const TOKENS: [&str; 5] = ["client_id", "client_secret", "private_key", "authentication", "scope"];
const ALL: [&str; 16] = [
    "token",
    "name",
    "value",
    "user",
    "password",
    "file",
    "client_id",
    "client_secret",
    "private_key",
    "authentication",
    "scope",
    "consent",
    "forms",
    "command",
    "login",
    "login_over",
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
    let consent = consent(auth);
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Redirect,
    Form,
    Command,
}

fn consent(auth: &Table<'_>) -> Option<Consent> {
    let words = [("redirect", By::Redirect), ("form", By::Form), ("command", By::Command)];
    let doc = "How users consent: redirect follows a server that consents at once, form fills in \
               its pages, command runs a program that prints the callback URL.";
    let by =
        auth.key("consent", doc).word(&words, &["browser"]).settled(By::Redirect, "\"redirect\"");
    let doc = "What is done on each page, for consent form.";
    let forms = auth.tables("forms", doc, |table| Some(step(table)));
    let command = auth
        .key("command", "The program and its arguments; the URL comes last. For consent command.")
        .each("a list of texts", |node| text_of(node).map(str::to_owned))
        .optional();
    let by = by?;
    for (key, owner) in [("forms", By::Form), ("command", By::Command)] {
        match auth.given(key) {
            None if by == owner => {
                let right = format!("expected auth.{key}, which this consent goes by");
                auth.log().wrong(auth.place_of("consent"), format!("auth.{key} is missing"), right);
                return None;
            }
            Some(place) if by != owner => {
                let found = format!("auth.{key} does not belong to this consent");
                auth.log().wrong(place, found, "remove it, or change auth.consent");
                return None;
            }
            _ => {}
        }
    }
    match by {
        By::Redirect => Some(Consent::Redirect),
        By::Form => Some(Consent::Form(forms?)),
        By::Command => match command? {
            command if command.is_empty() => {
                let right = "expected a program, such as [\"./login.sh\"]";
                auth.log().wrong(auth.place_of("command"), "auth.command is empty", right);
                None
            }
            command => Some(Consent::Command(command)),
        },
    }
}

fn step(table: &Table<'_>) -> FormStep {
    let fill = table
        .key("fill", "Fields by name; {user} stands for the user's number.")
        .read("a table of texts", fields)
        .optional();
    let doc = "The button, by its name, value or words; default: the form's first.";
    let press = table.key("press", doc).text().optional();
    FormStep { fill: fill.unwrap_or_default(), press }
}

fn fields(node: &Node) -> Result<Vec<(String, Secret)>, Wrong> {
    let Value::Table(table) = &node.value else {
        return Err("expected a table such as { username = \"user{user}\" }".to_owned());
    };
    let field = |entry: &Entry| Ok((entry.key.clone(), Secret::new(text_of(&entry.node)?)));
    table.entries.iter().map(field).collect()
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
    let (needed, possible) = keys(kind);
    for key in ALL {
        match (auth.given(key), needed.contains(&key)) {
            (None, true) => {
                let example = match key {
                    "name" => "X-Api-Key",
                    "user" => "somebody",
                    "client_id" => "squall",
                    "file" => "tokens.jsonl",
                    _ => "${NAME}",
                };
                let right = format!("expected auth.{key}, such as {key} = \"{example}\"");
                auth.log().wrong(auth.place_of("kind"), format!("auth.{key} is missing"), right);
            }
            (Some(place), false) if !possible.contains(&key) => {
                let found = format!("auth.{key} does not belong to kind \"{word}\"");
                auth.log().wrong(place, found, "remove it, or change auth.kind");
            }
            _ => {}
        }
    }
}
