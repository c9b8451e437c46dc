//! The practice authorization server's knobs, and the defects it can be given.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::duration::Shown;

mod defect;

pub use defect::{Defect, Defects};

/// The practice authorization server's knobs. It prints as the table that a scenario has.
#[derive(Debug, Clone, PartialEq)]
pub struct Authorization {
    /// How long an access token is good; whole seconds.
    pub access: Duration,
    /// How long a refresh token is good after it was issued.
    pub refresh: Duration,
    /// Whether a refresh gives a new refresh token.
    pub rotate: bool,
    /// So long after its rotation the old refresh token is still good for the one it became.
    pub grace: Duration,
    /// So long after its end an access token is still accepted.
    pub skew: Duration,
    /// How a user consents.
    pub consent: Consent,
    /// Which metadata there is.
    pub discovery: Discovery,
    /// Whether clients can register.
    pub registration: bool,
    /// Whether a client can be known by the URL of its metadata document.
    pub documents: bool,
    /// The path of the issuer; empty for none.
    pub issuer: String,
    /// The scopes there are.
    pub scopes: Vec<String>,
    /// The scope that every MCP request needs; the 401 names it.
    pub scope: Option<String>,
    /// Scopes of users who have not all of them.
    pub users: BTreeMap<String, Vec<String>>,
    /// Tools that need one more scope.
    pub tools: BTreeMap<String, String>,
    /// Registrations an hour and address; 0 is no limit.
    pub register_limit: u32,
    /// Token requests in 15 minutes and by address; 0 is no limit.
    pub token_limit: u32,
    /// Service time of the token endpoint.
    pub latency: Distribution,
    /// What becomes of streams that are open when their token ends.
    pub streams: Streams,
    /// When the token endpoint answers 503.
    pub outage: Option<Outage>,
    /// When every access token issued before ends, from the start of the target.
    pub expire_at: Option<Duration>,
    /// When every grant is revoked, from the start of the target.
    pub revoke_at: Option<Duration>,
    /// The public keys of the client `practice-jwt`: a JWK set as JSON; empty for none.
    pub jwks: String,
    /// What is wrong with it.
    pub defects: Defects,
    /// The defects that refuse in a wrong way spare requests without any token, so that clients can
    /// log in.
    pub spares_missing: bool,
    /// For `forgets-clients`: so long after its registration a client is forgotten.
    pub forget_after: Duration,
    /// For `forgets-clients`: all clients at this moment, from the start of the target, instead.
    pub forget_at: Option<Duration>,
    /// For `loses-answer`: every so many refreshes; 0 is the first one of each grant.
    pub lose_every: u32,
    /// For `slow-token`: how long the token endpoint takes.
    pub slow: Duration,
}

/// A stretch of time, from the start of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// How a user consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// At once: the authorization endpoint redirects to the callback.
    Instant,
    /// By a page to log in and a page to consent.
    Form,
}

impl Consent {
    /// Every way, by its word.
    pub const WORDS: [(&'static str, Self); 2] = [("instant", Self::Instant), ("form", Self::Form)];
}

/// What becomes of a stream that is open when the token ends that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// It stays open: the token was looked at when the request came, as the SDKs' servers do.
    Keep,
    /// It ends, as gateways end it that hold connections to a token's lifetime.
    Cut,
}

impl Streams {
    /// Both, by their word.
    pub const WORDS: [(&'static str, Self); 2] = [("keep", Self::Keep), ("cut", Self::Cut)];
}

/// Which metadata there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// The resource's, and the server's in both forms.
    Full,
    /// The resource's, and the server's as `OpenID` Connect has it.
    Openid,
    /// The server's alone, at the origin: as in 2025-03-26.
    Origin,
    /// None: the endpoints are where 2025-03-26 says they are by default.
    None,
}

impl Discovery {
    /// Every kind, by its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("full", Self::Full),
        ("openid", Self::Openid),
        ("origin", Self::Origin),
        ("none", Self::None),
    ];

    /// Whether the resource has metadata.
    pub fn has_resource(self) -> bool {
        matches!(self, Self::Full | Self::Openid)
    }
}

/// The word of a value.
pub fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

impl Default for Authorization {
    /// A sound server, with tokens for an hour, and some grace for what is lost on the way.
    fn default() -> Self {
        Self {
            access: Duration::from_secs(3600),
            refresh: Duration::from_secs(30 * 86_400),
            rotate: true,
            grace: Duration::from_secs(10),
            skew: Duration::ZERO,
            consent: Consent::Instant,
            discovery: Discovery::Full,
            registration: true,
            documents: true,
            issuer: String::new(),
            scopes: vec!["mcp:read".to_owned(), "mcp:write".to_owned()],
            scope: None,
            users: BTreeMap::new(),
            tools: BTreeMap::new(),
            register_limit: 0,
            token_limit: 0,
            latency: Distribution::constant(Duration::ZERO),
            streams: Streams::Keep,
            outage: None,
            expire_at: None,
            revoke_at: None,
            jwks: String::new(),
            defects: Defects::default(),
            spares_missing: false,
            forget_after: Duration::from_secs(30),
            forget_at: None,
            lose_every: 0,
            slow: Duration::from_secs(12),
        }
    }
}

impl Authorization {
    /// Whether it has this defect.
    pub fn has(&self, defect: Defect) -> bool {
        self.defects.has(defect)
    }

    /// The scopes that this user may have.
    pub fn scopes_of(&self, user: &str) -> &[String] {
        self.users.get(user).unwrap_or(&self.scopes)
    }
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, refresh, rotate, grace, skew, consent, discovery, .. } = self;
        let Self { registration, documents, issuer, scopes, scope, users, tools, .. } = self;
        let Self { register_limit, token_limit, latency, streams, outage, jwks, .. } = self;
        let Self { expire_at, revoke_at, defects, .. } = self;
        let Self { spares_missing, forget_after, forget_at, lose_every, slow, .. } = self;
        write!(f, "{{ access = {}, refresh = {}", Lasts(*access), Lasts(*refresh))?;
        write!(f, ", rotate = {rotate}, grace = {}, skew = {}", Lasts(*grace), Lasts(*skew))?;
        write!(f, ", consent = {}", Text(word(&Consent::WORDS, consent)))?;
        write!(f, ", discovery = {}", Text(word(&Discovery::WORDS, discovery)))?;
        write!(f, ", registration = {registration}, documents = {documents}")?;
        if !issuer.is_empty() {
            write!(f, ", issuer = {}", Text(issuer))?;
        }
        write!(f, ", scopes = {}", List(scopes))?;
        if let Some(scope) = scope {
            write!(f, ", scope = {}", Text(scope))?;
        }
        f.write_str(", users = {")?;
        for (at, (user, scopes)) in users.iter().enumerate() {
            write!(f, "{} {} = {}", comma(at), Text(user), List(scopes))?;
        }
        f.write_str(" }, tools = {")?;
        for (at, (tool, scope)) in tools.iter().enumerate() {
            write!(f, "{} {} = {}", comma(at), Text(tool), Text(scope))?;
        }
        write!(f, " }}, register_limit = {register_limit}, token_limit = {token_limit}")?;
        write!(f, ", latency = {}", Text(&latency.to_string()))?;
        write!(f, ", streams = {}", Text(word(&Streams::WORDS, streams)))?;
        if let Some(Outage { at, lasts }) = outage {
            write!(f, ", outage = {{ at = {}, lasts = {} }}", Lasts(*at), Lasts(*lasts))?;
        }
        for (name, at) in [("expire_at", expire_at), ("revoke_at", revoke_at)] {
            if let Some(at) = at {
                write!(f, ", {name} = {}", Lasts(*at))?;
            }
        }
        let words: Vec<_> = defects.list().map(Defect::word).collect();
        if !jwks.is_empty() {
            write!(f, ", jwks = {}", Text(jwks))?;
        }
        write!(f, ", defects = {}, spares_missing = {spares_missing}", List(&words))?;
        write!(f, ", forget_after = {}", Lasts(*forget_after))?;
        if let Some(at) = forget_at {
            write!(f, ", forget_at = {}", Lasts(*at))?;
        }
        write!(f, ", lose_every = {lose_every}, slow = {} }}", Lasts(*slow))
    }
}

fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { "," }
}

/// A duration as TOML.
struct Lasts(Duration);

impl fmt::Display for Lasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Shown(self.0))
    }
}

/// A text as TOML.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What JSON escapes TOML escapes alike, but for one character.
        let quoted = serde_json::Value::from(self.0).to_string();
        f.write_str(&quoted.replace('\u{7f}', "\\u007f"))
    }
}

/// Texts as TOML.
struct List<'a, T>(&'a [T]);

impl<T: AsRef<str>> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, text) in self.0.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { ", " }, Text(text.as_ref()))?;
        }
        f.write_str("]")
    }
}
