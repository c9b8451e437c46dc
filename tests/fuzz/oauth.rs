//! What reads the bytes of an authorization server, and of a browser that comes back from one: the
//! machines are told them as answers, and what they do next is held to their own rules.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use squall::model::profile::oauth::OAuth;
use squall::model::secret::Secret;
use squall::protocol::oauth::authorization::{Authorization, Begin, Consent, Step};
use squall::protocol::oauth::callback::is_callback;
use squall::protocol::oauth::challenge::Challenge;
use squall::protocol::oauth::chance::Chance;
use squall::protocol::oauth::consent::{Act, submit};
use squall::protocol::oauth::endpoint::{Network, fit};
use squall::protocol::oauth::exchange::{Exchange, Heard, Response};
use squall::protocol::oauth::grant::{Granted, Known};
use squall::protocol::oauth::refresh::Refresh;
use squall::protocol::oauth::refusal::Refusal;
use squall::scenario::clients;
use url::Url;

const CHANCE: Chance = Chance { verifier: [1; 32], state: [2; 16], jti: [3; 16] };
const TARGET: &str = "https://tools.test/a/mcp";
/// Steps of a way to its end, at most: whatever is answered, it does not go round and round.
const MOST_STEPS: usize = 60;
/// What a person can be told of a refusal is bounded.
const MOST_SAID: usize = 8_000;

const RESOURCE: &str =
    r#"{"resource":"https://tools.test/a/mcp","authorization_servers":["https://as.test"]}"#;
const SERVER: &str = r#"{"issuer":"https://as.test","authorization_endpoint":"https://as.test/authorize",
    "token_endpoint":"https://as.test/token","registration_endpoint":"https://as.test/register",
    "code_challenge_methods_supported":["S256"]}"#;
const CLIENT: &str = r#"{"client_id":"c"}"#;
const TOKENS: &str = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r"}"#;

/// Whose answer is odd, where nobody's is.
const NOBODY: u8 = 8;

/// Three kinds of client: a strict one, one of the SDKs', and hosted Claude.
static PROFILES: LazyLock<[Arc<OAuth>; 3]> = LazyLock::new(|| {
    ["spec", "plain", "claude-ai-legacy"]
        .map(|name| Arc::new(clients::shipped(name).unwrap().oauth))
});

fn begin(profile: u8, challenge: Challenge) -> Begin {
    Begin {
        profile: Arc::clone(&PROFILES[usize::from(profile) % PROFILES.len()]),
        target: Url::parse(TARGET).unwrap(),
        network: Network::Public,
        challenge,
        identity: None,
        scopes: None,
        held: Vec::new(),
        known: Known::default(),
        chance: CHANCE,
    }
}

fn is_sound(exchange: &Exchange) {
    assert_eq!(fit(&exchange.url, Network::Public, &[]), Ok(()), "{}", exchange.url);
}

fn is_said(refusal: &Refusal) {
    let _reaction = refusal.reaction();
    let said = refusal.to_string();
    assert!(said.len() <= MOST_SAID && !said.contains(char::is_control), "{said}");
}

/// Goes on until the way ends or a person is to consent; `answer` says what comes next.
fn go(
    way: &mut Authorization,
    mut answer: impl FnMut(&Exchange, &mut dyn FnMut(&Heard<'_>)),
) -> Step {
    for _ in 0..MOST_STEPS {
        match way.step(Duration::ZERO) {
            Step::Send(exchange) => {
                is_sound(&exchange);
                answer(&exchange, &mut |heard| way.heard(heard));
            }
            Step::Failed(refusal) => {
                is_said(&refusal);
                return Step::Failed(refusal);
            }
            end => return end,
        }
    }
    panic!("it goes round and round");
}

fn told(status: u16, headers: &HeaderMap, body: &[u8], tell: &mut dyn FnMut(&Heard<'_>)) {
    tell(&Heard::Answer(Response { status, headers, body }));
}

fn status(byte: u8) -> u16 {
    [200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503][usize::from(byte) % 11]
}

/// `WWW-Authenticate`, one header a line, and where it leads.
pub(crate) fn challenge(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(http::header::WWW_AUTHENTICATE, value);
        }
    }
    let challenge = Challenge::read(&headers);
    let is_scope = |scope: &String| !scope.is_empty() && !scope.contains(' ');
    assert!(challenge.scopes.iter().all(is_scope), "{:?}", challenge.scopes);
    assert!(challenge.bearer || challenge == Challenge::default(), "{challenge:?}");
    if !challenge.bearer {
        return;
    }
    let mut way = Authorization::begin(begin(1, challenge));
    go(&mut way, |_, tell| told(404, &HeaderMap::new(), b"", tell));
}

/// Metadata of a resource and of authorization servers, divided by lines of `---`, whatever is asked
/// for. The first byte says which client asks; a document that begins with a digit has that status.
pub(crate) fn metadata(bytes: &[u8]) {
    let [profile, documents @ ..] = bytes else { return };
    let text = String::from_utf8_lossy(documents);
    let mut documents = text.split("---").map(|document| match document.as_bytes() {
        [digit @ b'0'..=b'9', body @ ..] => (status(digit - b'0'), body),
        body => (200, body),
    });
    let mut way = Authorization::begin(begin(*profile, Challenge::default()));
    let end = go(&mut way, |_, tell| {
        let (status, body) = documents.next().unwrap_or((404, b""));
        told(status, &HeaderMap::new(), body, tell);
    });
    if let Step::Consent(Consent { url, .. }) = end {
        assert_eq!(fit(&url, Network::Public, &[]), Ok(()), "{url}");
        assert!(url.query_pairs().any(|(name, value)| name == "state" && value == CHANCE.state()));
    }
}

/// Answers to a registration, a code and a refresh token. The first byte is the status, the second
/// says whose answer it is.
pub(crate) fn tokens(bytes: &[u8]) {
    let [byte, which, body @ ..] = bytes else { return };
    let (status, none) = (status(*byte), HeaderMap::new());
    let answers = |odd: u8| {
        move |exchange: &Exchange, tell: &mut dyn FnMut(&Heard<'_>)| {
            let path = exchange.url.path();
            let (sound, of) = match path {
                "/register" => (CLIENT, 0),
                "/token" => (TOKENS, 1),
                _ if path.contains("protected-resource") => (RESOURCE, 9),
                _ => (SERVER, 9),
            };
            let (status, body) = if of == odd { (status, body) } else { (200, sound.as_bytes()) };
            told(status, &none, body, tell);
        }
    };
    if which % 3 < 2 {
        let _end = walk(*which / 3, answers(which % 3));
        return;
    }
    let granted = walk(*which / 3, answers(NOBODY)).expect("sound answers lead to tokens");
    let (target, token) = (Url::parse(TARGET).unwrap(), Secret::new("r"));
    let profile = Arc::clone(&PROFILES[0]);
    let mut way = Refresh::begin(profile, target, granted.known, token, granted.scopes, CHANCE);
    let Step::Send(exchange) = way.step(Duration::ZERO) else {
        panic!("a refresh is one exchange")
    };
    is_sound(&exchange);
    told(status, &HeaderMap::new(), body, &mut |heard| way.heard(heard));
    match way.step(Duration::ZERO) {
        Step::Done(granted) => holds(&granted),
        Step::Failed(refusal) => is_said(&refusal),
        _ => panic!("a refresh is one exchange"),
    }
}

fn holds(granted: &Granted) {
    assert!(!granted.tokens.access.expose().is_empty());
    let _debug = format!("{granted:?}");
}

/// A whole way, consent included.
fn walk(
    profile: u8,
    mut answers: impl FnMut(&Exchange, &mut dyn FnMut(&Heard<'_>)),
) -> Option<Box<Granted>> {
    let mut way = Authorization::begin(begin(profile, Challenge::default()));
    let Step::Consent(consent) = go(&mut way, &mut answers) else { return None };
    let back = format!("{}?code=k&state={}", consent.callback, CHANCE.state());
    way.heard(&Heard::Callback(&Url::parse(&back).unwrap()));
    let Step::Done(granted) = go(&mut way, &mut answers) else { return None };
    holds(&granted);
    Some(granted)
}

/// A page of a consent. The first byte says what is done on it.
pub(crate) fn consent(bytes: &[u8]) {
    let [act, page @ ..] = bytes else { return };
    let fields: &[(&str, &str)] = match act % 3 {
        0 => &[],
        1 => &[("username", "u"), ("password", "p")],
        _ => &[("agree", "1"), ("scope", "read")],
    };
    let field = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new(*value));
    let fields: BTreeMap<_, _> = fields.iter().map(field).collect();
    let button = (act & 4 != 0).then(|| "allow".to_owned());
    let base = Url::parse("https://as.test/login?a=b").unwrap();
    match submit(page, &base, &Act { fields, button }) {
        Ok(sent) => {
            assert!(matches!(sent.url.scheme(), "http" | "https"), "{}", sent.url);
            assert!(sent.method == http::Method::POST || sent.body.is_empty());
            assert!(sent.body.is_ascii(), "{:?}", sent.body);
        }
        Err(misfit) => {
            let said = misfit.to_string();
            assert!(said.len() <= MOST_SAID && !said.contains(char::is_control), "{said}");
        }
    }
}

/// The URL that a browser comes back to, and what is made of it.
pub(crate) fn callback(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let callback = PROFILES[1].callback.as_str();
    let Some(url) = Url::parse(callback).ok().and_then(|base| base.join(text).ok()) else { return };
    let mut way = Authorization::begin(begin(1, Challenge::default()));
    let end = go(&mut way, |exchange, tell| {
        let path = exchange.url.path();
        let sound = match path {
            "/register" => CLIENT,
            _ if path.contains("protected-resource") => RESOURCE,
            _ => SERVER,
        };
        told(200, &HeaderMap::new(), sound.as_bytes(), tell);
    });
    let Step::Consent(consent) = end else { panic!("sound answers lead to a consent") };
    let judged = consent.judged(&url);
    way.heard(&Heard::Callback(&url));
    match way.step(Duration::ZERO) {
        Step::Send(exchange) => {
            assert_eq!(judged, Ok(()));
            assert!(is_callback(&url, callback), "{url}");
            assert!(
                url.query_pairs().any(|(name, value)| name == "state" && value == CHANCE.state())
            );
            is_sound(&exchange);
        }
        Step::Failed(refusal) => {
            is_said(&refusal);
            assert!(judged.is_err());
        }
        _ => panic!("a callback leads to a request or to a refusal"),
    }
}
