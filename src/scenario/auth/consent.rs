//! `consent` under `[auth]`, and the keys that one way of consenting has and others have not.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::{Host, Url};

use crate::model::plan::auth::{Browser, Consent, FormStep};
use crate::model::secret::Secret;
use crate::scenario::document::{Entry, Node, Value};
use crate::scenario::nearest::nearest;
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, text_of};

/// How long a person has for the login.
const WITHIN: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Redirect,
    Form,
    Command,
    Browser,
}

/// Keys that belong to one way, and whether it cannot be gone without.
const KEYS: [(&str, By, bool); 4] = [
    ("forms", By::Form, true),
    ("command", By::Command, true),
    ("callback", By::Browser, false),
    ("login_within", By::Browser, false),
];

/// Reads how users consent; nothing where that is wrong.
pub(super) fn read(auth: &Table<'_>) -> Option<Consent> {
    let words = [
        ("redirect", By::Redirect),
        ("form", By::Form),
        ("command", By::Command),
        ("browser", By::Browser),
    ];
    let doc = "How users consent: redirect follows a server that consents at once, form fills in \
               its pages, command runs a program that prints the callback URL; browser has a person \
               log in once, before the load.";
    let by = auth.key("consent", doc).word(&words, &[]).settled(By::Redirect, "\"redirect\"");
    let doc = "What is done on each page, for consent form.";
    let forms = auth.tables("forms", doc, |table| Some(step(table)));
    let command = auth
        .key("command", "The program and its arguments; the URL comes last. For consent command.")
        .each("a list of texts", |node| text_of(node).map(str::to_owned))
        .optional();
    let doc = "Where the browser comes back to, for consent browser; without a port, a free one.";
    let callback = auth
        .key("callback", doc)
        .read("a URL such as \"http://127.0.0.1/callback\"", |node| callback(text_of(node)?))
        .optional();
    let within = auth
        .key("login_within", "How long the person has for it, for consent browser.")
        .duration(Duration::from_millis(100)..=Duration::from_secs(3600))
        .or(WITHIN);
    let by = by?;
    for (key, owner, is_needed) in KEYS {
        match auth.given(key) {
            None if by == owner && is_needed => {
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
        By::Browser => Some(Consent::Browser(Browser { callback, within })),
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
    known_placeholders(table);
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

/// What stands in braces in a value that the author wrote is `{user}` and nothing else; what the
/// environment gave is nobody's to read.
fn known_placeholders(step: &Table<'_>) {
    let fill = step.entries().iter().find(|entry| entry.key == "fill");
    let Some(Value::Table(fields)) = fill.map(|fill| &fill.node.value) else { return };
    for Entry { key, node, .. } in &fields.entries {
        let Value::Text(text) = &node.value else { continue };
        let text = step.log().before(node.place, text);
        if let Some(unknown) = placeholders(&text).find(|word| *word != "user") {
            let found =
                format!("{}.fill.{key} has {{{unknown}}}, for which nothing stands", step.path());
            let right = match nearest(unknown, ["user"]) {
                Some(meant) => format!("did you mean {{{meant}}}?"),
                None => "expected {user} alone; what has braces of its own comes from the \
                         environment: \"${NAME}\""
                    .to_owned(),
            };
            step.log().wrong(node.place, found, right);
        }
    }
}

/// The words in braces, but those of `${NAME}`.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(at, _)| {
        let word = text[at + 1..].split_once('}')?.0;
        let is_word = !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        (is_word && !text[..at].ends_with('$')).then_some(word)
    })
}

/// A redirect to this machine (RFC 8252, section 7.3): nobody else listens there.
fn callback(text: &str) -> Result<String, Wrong> {
    let is_here = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    };
    let is_bare = |url: &Url| {
        url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "http");
    let url = url.filter(|url| is_here(url) && is_bare(url) && url.port() != Some(0));
    let such = "expected http on 127.0.0.1, [::1] or localhost, with a path and no query";
    url.map(|_| text.to_owned()).ok_or_else(|| such.to_owned())
}
