//! `[practice] auth`: the practice authorization server, switched on by being there; the same text
//! stands after `squall serve --auth`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::duration::LONGEST;
use crate::model::plan::{Authorization, Consent, Defect, Defects, Discovery, Outage, Streams};

use super::document::{self, Node, Value};
use super::key::Key;
use super::log::Log;
use super::mistake::Place;
use super::nearest::nearest;
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// What a scope looks like. (RFC 6749 section 3.3.)
const SCOPE: &str = "a scope such as \"mcp:read\"";
const DAY: Duration = Duration::from_secs(86_400);

/// Reads the table.
pub fn read(auth: &Table<'_>) -> Authorization {
    let default = Authorization::default();
    Authorization {
        access: auth
            .key("access", "How long an access token is good, in whole seconds.")
            .read("a duration, \"1s\" to \"24h\"", |node| seconds(node, 1..=DAY.as_secs()))
            .or(default.access),
        refresh: auth
            .key("refresh", "How long a refresh token is good after it was issued.")
            .duration(Duration::from_millis(1)..=LONGEST)
            .or(default.refresh),
        rotate: auth
            .key("rotate", "Whether a refresh gives a new refresh token.")
            .truth()
            .or(default.rotate),
        grace: auth
            .key("grace", "So long a rotated refresh token is good for the one it became.")
            .duration(Duration::ZERO..=DAY)
            .or(default.grace),
        skew: auth
            .key("skew", "So long after its end an access token is still accepted.")
            .read("a duration, \"0s\" to \"24h\"", |node| seconds(node, 0..=DAY.as_secs()))
            .or(default.skew),
        consent: auth
            .key("consent", "How a user consents: at once, or by pages to log in and to consent.")
            .word(&Consent::WORDS, &[])
            .or_as(default.consent, "\"instant\""),
        discovery: auth
            .key("discovery", "Which metadata there is; origin and none are those of 2025-03-26.")
            .word(&Discovery::WORDS, &[])
            .or_as(default.discovery, "\"full\""),
        registration: auth
            .key("registration", "Whether clients can register.")
            .truth()
            .or(default.registration),
        documents: auth
            .key("documents", "Whether a client can be known by its metadata document's URL.")
            .truth()
            .or(default.documents),
        register_limit: auth
            .key("register_limit", "Registrations an hour and address; 0 is no limit.")
            .count(0..=1_000_000)
            .or(default.register_limit),
        token_limit: auth
            .key("token_limit", "Token requests in 15 minutes and by address; 0 is no limit.")
            .count(0..=1_000_000)
            .or(default.token_limit),
        latency: auth
            .key("latency", "Service time of the token endpoint.")
            .distribution()
            .or(default.latency),
        streams: auth
            .key("streams", "What becomes of an open stream when the token that opened it ends.")
            .word(&Streams::WORDS, &[])
            .or_as(default.streams, "\"keep\""),
        // What stands here is read last: the key table has this order.
        ..names(auth)
    }
}

/// What is named: issuer, scopes, users, tools, keys.
fn names(auth: &Table<'_>) -> Authorization {
    let default = Authorization::default();
    Authorization {
        issuer: auth
            .key("issuer", "The path of the issuer; none if it is not given.")
            .read("a path such as \"/tenant\"", |node| match text_of(node)? {
                path if is_path(path) => Ok(path.to_owned()),
                _ => {
                    Err("expected a path such as \"/tenant\", of letters, digits and -".to_owned())
                }
            })
            .optional()
            .unwrap_or(default.issuer),
        scopes: auth
            .key("scopes", "The scopes there are.")
            .each("a list of scopes", scope)
            .or_as(default.scopes, "[\"mcp:read\", \"mcp:write\"]"),
        scope: auth
            .key("scope", "The scope that every MCP request needs, and that the 401 names.")
            .read(SCOPE, scope)
            .optional(),
        users: auth.table("users", "Scopes of users who have not all: name = [...].", |users| {
            own(users, "a list of scopes: [\"mcp:read\"]", |node| match &node.value {
                Value::List(list) => list.iter().map(scope).collect::<Result<Vec<_>, _>>().ok(),
                _ => None,
            })
        }),
        tools: auth.table("tools", "Tools that need one more scope: name = \"...\".", |tools| {
            own(tools, SCOPE, |node| scope(node).ok())
        }),
        jwks: auth
            .key("jwks", "Public keys of the client practice-jwt, a JWK set as JSON.")
            .text()
            .optional()
            .unwrap_or(default.jwks),
        ..moments(auth)
    }
}

/// What happens when, and what the defects need to know.
fn moments(auth: &Table<'_>) -> Authorization {
    let default = Authorization::default();
    let moment = |name, doc| auth.key(name, doc).duration(Duration::ZERO..=LONGEST);
    Authorization {
        outage: auth
            .optional_table("outage", "When the token endpoint answers 503.", outage)
            .flatten(),
        expire_at: moment("expire_at", "When all access tokens end, from the target's start.")
            .optional(),
        revoke_at: moment("revoke_at", "When every grant is revoked, from the target's start.")
            .optional(),
        defects: defects(auth),
        spares_missing: auth
            .key("spares_missing", "For refuses-with-...: requests without a token are challenged.")
            .truth()
            .or(default.spares_missing),
        forget_after: moment("forget_after", "For forgets-clients: the life of a registration.")
            .or(default.forget_after),
        forget_at: moment(
            "forget_at",
            "For forgets-clients: all at once, from the target's start.",
        )
        .optional(),
        lose_every: auth
            .key("lose_every", "For loses-answer: each nth refresh; 0 is each grant's first.")
            .count(0..=1_000_000)
            .or(default.lose_every),
        slow: moment("slow", "For slow-token: how long the token endpoint takes.").or(default.slow),
        ..default
    }
}

fn outage(table: &Table<'_>) -> Option<Outage> {
    let all = Duration::ZERO..=LONGEST;
    let at = table.key("at", "When it begins, from the start of the target.");
    let at = at.duration(all.clone()).required();
    let lasts = table.key("lasts", "How long it lasts.").duration(all).required();
    Some(Outage { at: at?, lasts: lasts? })
}

fn defects(auth: &Table<'_>) -> Defects {
    chosen(auth.key("defects", "What is wrong with the server."), &Defect::WORDS)
}

/// A list of words, each of which means something.
pub(super) fn chosen<T: Copy, C: FromIterator<T>>(key: Key<'_>, words: &[(&str, T)]) -> C {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let kind = format!("a list of {}", names.join(" | "));
    let meant = |node: &Node| {
        let text = text_of(node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meant)| *meant).ok_or_else(|| match nearest(text, names.iter().copied()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("expected one of {}", names.join(", ")),
        })
    };
    key.each(&kind, meant).or_as(Vec::new(), "[]").into_iter().collect()
}

/// A table whose keys are names of the author's.
fn own<T>(table: &Table<'_>, such: &str, read: impl Fn(&Node) -> Option<T>) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    for entry in table.own_entries() {
        if let Some(value) = read(&entry.node) {
            all.insert(entry.key.clone(), value);
        } else {
            let found = format!("{}.{} is something else", table.path(), entry.key);
            table.log().wrong(entry.node.place, found, format!("expected {such}"));
        }
    }
    all
}

fn scope(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    let is_scope = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let is_one = !text.is_empty() && text.bytes().all(is_scope);
    if is_one { Ok(text.to_owned()) } else { Err(format!("expected {SCOPE}")) }
}

fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    path.len() > 1 && path.starts_with('/') && !path.ends_with('/') && path.bytes().all(plain)
}

fn seconds(node: &Node, range: std::ops::RangeInclusive<u64>) -> Result<Duration, Wrong> {
    let text = text_of(node)?;
    let time = crate::model::duration::parse(text).map_err(|error| error.to_string())?;
    let is_whole = time.subsec_nanos() == 0 && range.contains(&time.as_secs());
    let expected = || format!("expected whole seconds, {}s to {}s", range.start(), range.end());
    if is_whole { Ok(time) } else { Err(expected()) }
}

/// Reads the same table from the command line; `off` is none.
///
/// # Errors
/// Every mistake, as it is shown to a person.
pub fn parse(text: &str) -> Result<Option<Authorization>, String> {
    table_of(text, "auth", read)
}

/// What a flag's table says that a scenario has under this name; `off` is none.
pub(super) fn table_of<T>(
    text: &str,
    name: &'static str,
    read: impl FnOnce(&Table<'_>) -> T,
) -> Result<Option<T>, String> {
    if text == "off" {
        return Ok(None);
    }
    let log = Log::default();
    let text = format!("{name} = {text}");
    let source = log.add_source(None, &text);
    let value = match document::parse(&text, source, 0) {
        Ok(tree) => {
            let root = Table::new(&log, "", Place { source, span: None }, Some(&tree));
            let value = root.table(name, "The table of a flag.", read);
            root.close();
            Some(value)
        }
        Err(mistakes) => {
            log.extend(mistakes);
            None
        }
    };
    if log.is_clean() { Ok(value) } else { Err(log.mistakes().render(false)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned() -> Authorization {
        let s = Duration::from_secs;
        let text = str::to_owned;
        Authorization {
            access: s(30),
            refresh: s(600),
            rotate: false,
            grace: Duration::from_millis(1_500),
            skew: s(2),
            consent: Consent::Form,
            discovery: Discovery::Openid,
            registration: false,
            documents: false,
            issuer: text("/tenant/one"),
            scopes: vec![text("a"), text("b")],
            scope: Some(text("a")),
            users: [(text("alice \"x\" \u{7f}"), vec![text("a")])].into(),
            tools: [(text("delete_document"), text("b"))].into(),
            register_limit: 20,
            token_limit: 50,
            latency: "lognormal 40ms 0.6".parse().unwrap(),
            streams: Streams::Cut,
            outage: Some(Outage { at: s(10), lasts: s(5) }),
            expire_at: Some(s(50)),
            revoke_at: Some(s(60)),
            jwks: text("{\"keys\":[]}"),
            defects: Defect::WORDS.into_iter().map(|(_, defect)| defect).collect(),
            spares_missing: true,
            forget_after: s(1),
            forget_at: Some(s(2)),
            lose_every: 3,
            slow: s(35),
        }
    }

    #[test]
    fn what_it_prints_it_reads() {
        for knobs in [turned(), Authorization::default()] {
            assert_eq!(parse(&knobs.to_string()), Ok(Some(knobs)));
        }
        assert_eq!(parse("{}"), Ok(Some(Authorization::default())));
        assert_eq!(parse("off"), Ok(None));
        let one = parse(r#"{ defects = ["slow-token"] }"#).unwrap().unwrap();
        assert_eq!(one.defects, Defects::from_iter([Defect::SlowToken]));
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        for (text, right) in [
            ("{ defects = ['slow-tokens'] }", "did you mean \"slow-token\"?"),
            ("{ access = '500ms' }", "expected whole seconds, 1s to 86400s"),
            ("{ issuer = 'tenant' }", "expected a path such as \"/tenant\""),
            ("{ scope = 'a b' }", "expected a scope such as \"mcp:read\""),
            ("{ users = { a = 'b' } }", "expected a list of scopes"),
            ("{ tools = { a = ['b'] } }", "expected a scope"),
            ("{ outage = { at = '1s' } }", "auth.outage.lasts is missing"),
            ("{ grase = '1s' }", "did you mean grace?"),
            ("{", "auth = {"),
            ("7", "auth is"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(right), "{text}: {said}");
        }
    }
}
