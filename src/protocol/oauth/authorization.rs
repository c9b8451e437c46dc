//! A user's way from a 401 to tokens, step by step.
//!
//! ```text
//! Discovering ──► Registering ──► Consenting ──► Redeeming ──► Done
//!      │  metadata known │ identity known  ▲
//!      └─────────────────┴─────────────────┘
//! ```
//! What can be done again, and when, is not known here: a refusal says what it means
//! ([`Refusal::reaction`]), and the next attempt is another authorization.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::assertion::Occasion;
use super::callback::{self, Expected};
use super::challenge::Challenge;
use super::chance::Chance;
use super::client::{Client, Identity, Origin};
use super::discovery::Discovery;
use super::exchange::{Exchange, Heard};
use super::grant::{Granted, Known};
use super::metadata::Server;
use super::refusal::{Refusal, What};
use super::resource::{self, Resource};
use super::scope::{self, Choice};
use super::token::{self, Ask, Asked};
use super::{authorize, registration};
use crate::model::leg::Leg;
use crate::model::profile::oauth::OAuth;
use crate::model::secret::Secret;

/// What an authorization begins with.
#[derive(Debug, Clone)]
pub struct Begin {
    /// How the client does it.
    pub profile: Arc<OAuth>,
    /// The URL of the MCP server.
    pub target: Url,
    /// What the 401 or 403 said; empty if nothing.
    pub challenge: Challenge,
    /// A client that the scenario gives.
    pub identity: Option<Arc<Identity>>,
    /// Scopes that the scenario asks for instead of those the server names.
    pub scopes: Option<Vec<String>>,
    /// Scopes of the grant so far, which a step-up keeps.
    pub held: Vec<String>,
    /// What is known already.
    pub known: Known,
    /// What has to be unguessable.
    pub chance: Chance,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this and tell what came: [`Authorization::heard`].
    Send(Exchange),
    /// Have a person, or what stands for one, consent, and tell where it ended.
    Consent(Consent),
    /// Nothing: these are the tokens.
    Done(Box<Granted>),
    /// Nothing: it ended here.
    Failed(Box<Refusal>),
}

/// A consent to be got: the way from a URL to the callback.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// Where the browser is sent.
    pub url: Url,
    /// Where it comes back to; nothing is to be sent there. See [`callback::is_callback`].
    pub callback: String,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consent({})", super::exchange::shown(&self.url))
    }
}

/// An authorization under way.
#[derive(Debug, Clone)]
pub struct Authorization {
    begin: Begin,
    state: State,
    /// Assertions made so far.
    assertions: u32,
}

#[derive(Debug, Clone)]
enum State {
    Discovering(Discovery),
    Registering(Place),
    Consenting(Place, Arc<Client>),
    Redeeming(Place, Arc<Client>, Secret),
    Done(Box<Granted>),
    Failed(Box<Refusal>),
}

/// The server that was found, and what is asked of it.
#[derive(Debug, Clone)]
struct Place {
    resource: Option<Arc<Resource>>,
    server: Arc<Server>,
    scopes: Vec<String>,
}

impl Authorization {
    /// Begins where what is known ends.
    pub fn begin(begin: Begin) -> Self {
        let state = match &begin.known.server {
            Some(server) => arrived(&begin, begin.known.resource.clone(), Arc::clone(server)),
            None => {
                let named = begin.challenge.resource_metadata.as_deref();
                let profile = Arc::clone(&begin.profile);
                Discovery::begin(profile, begin.target.clone(), named).map(State::Discovering)
            }
        };
        let state = state.unwrap_or_else(State::Failed);
        Self { begin, state, assertions: 0 }
    }

    /// What to do next; the same until something was heard. `unix` is the time since 1970: only a
    /// signed assertion holds it.
    pub fn step(&mut self, unix: Duration) -> Step {
        let Begin { profile, target, chance, .. } = &self.begin;
        match &self.state {
            State::Discovering(discovery) => {
                discovery.exchange().map_or_else(|| Step::Failed(out_of_turn(target)), Step::Send)
            }
            State::Registering(Place { server, resource, scopes }) => match &server.registration {
                Some(endpoint) => {
                    let listed = resource.as_ref().map_or(&[][..], |resource| &resource.scopes);
                    let scopes = scope::union(listed, scopes);
                    let exchange =
                        registration::request(profile, server, target, endpoint, &scopes);
                    Step::Send(exchange)
                }
                None => Step::Failed(Refusal::new(Leg::Registration, target, What::NoIdentity)),
            },
            State::Consenting(place, client) => match &place.server.authorization {
                Some(endpoint) => {
                    let resource = place.parameter(&self.begin);
                    let resource = resource.as_deref();
                    let scopes = &place.scopes;
                    let url =
                        authorize::url(endpoint, profile, &client.id, chance, scopes, resource);
                    Step::Consent(Consent { url, callback: profile.callback.clone() })
                }
                None => Step::Failed(out_of_turn(target)),
            },
            State::Redeeming(place, client, code) => {
                let jti = chance.jti(self.assertions);
                self.assertions += 1;
                let resource = place.parameter(&self.begin);
                let asked = Asked {
                    profile,
                    client,
                    endpoint: &place.server.token,
                    resource: resource.as_deref(),
                    occasion: Occasion { unix, jti: &jti },
                };
                let ask = Ask::Code { code, verifier: &chance.verifier() };
                match token::request(&ask, &asked) {
                    Ok(exchange) => Step::Send(exchange),
                    Err(what) => Step::Failed(Refusal::new(Leg::Token, asked.endpoint, what)),
                }
            }
            State::Done(granted) => Step::Done(granted.clone()),
            State::Failed(refusal) => Step::Failed(refusal.clone()),
        }
    }

    /// Takes what came of the step.
    pub fn heard(&mut self, heard: &Heard<'_>) {
        let next = match &mut self.state {
            State::Discovering(discovery) => match discovery.heard(heard) {
                Err(refusal) => Err(refusal),
                Ok(()) => match discovery.found() {
                    Some((resource, server)) => arrived(&self.begin, resource, server),
                    None => return,
                },
            },
            State::Registering(place) => registered(&self.begin, place, heard),
            State::Consenting(place, client) => consented(&self.begin, place, client, heard),
            State::Redeeming(place, client, _) => redeemed(place, client, heard),
            State::Done(_) | State::Failed(_) => return,
        };
        self.state = next.unwrap_or_else(State::Failed);
    }
}

impl Place {
    fn parameter(&self, begin: &Begin) -> Option<String> {
        resource::parameter(&begin.profile, self.resource.as_deref(), &begin.target)
    }
}

fn out_of_turn(target: &Url) -> Box<Refusal> {
    Refusal::new(Leg::Discovery, target, What::OutOfTurn)
}

/// The authorization server is known: who is the client there?
fn arrived(
    begin: &Begin,
    resource: Option<Arc<Resource>>,
    server: Arc<Server>,
) -> Result<State, Box<Refusal>> {
    let at = server.authorization.clone().unwrap_or_else(|| server.token.clone());
    let refused = |what| Refusal::new(Leg::Discovery, &at, what);
    if server.authorization.is_none() {
        return Err(refused(What::NoEndpoint("authorization_endpoint")));
    }
    if !supports_pkce(&begin.profile, &server) {
        return Err(refused(What::NoPkce));
    }
    let scopes = scope::chosen(&Choice {
        wanted: begin.scopes.as_deref(),
        challenged: &begin.challenge.scopes,
        of_resource: resource.as_ref().map_or(&[], |resource| &resource.scopes),
        of_server: &server.scopes,
        held: &begin.held,
        offline_access: begin.profile.offline_access,
    });
    let client = introduced(begin, &server);
    let place = Place { resource, server, scopes };
    match client {
        Some(client) => Ok(State::Consenting(place, client)),
        None if place.server.registration.is_some() => Ok(State::Registering(place)),
        None => Err(refused(What::NoIdentity)),
    }
}

/// MCP specification 2025-11-25, basic/authorization: a client MUST refuse where S256 is not
/// listed; SDKs refuse only a list without it.
fn supports_pkce(profile: &OAuth, server: &Server) -> bool {
    match &server.challenge_methods {
        Some(listed) => listed.iter().any(|method| method == "S256"),
        None => !(profile.demands_pkce_metadata && server.read),
    }
}

/// The client as which it can go there without registering: given, known from before, or described
/// by its document (MCP specification 2025-11-25, basic/authorization, "Client Registration").
fn introduced(begin: &Begin, server: &Server) -> Option<Arc<Client>> {
    if let Some(identity) = &begin.identity {
        return Some(Arc::new(Client::given(identity, server)));
    }
    // What was registered with one issuer is never shown to another.
    let known = begin.known.client.as_ref().filter(|client| client.issuer == server.issuer);
    if let Some(client) = known {
        return Some(Arc::clone(client));
    }
    let url = begin.profile.metadata_document.as_deref()?;
    let lists_none =
        || server.authentication.as_ref().is_some_and(|it| it.iter().any(|name| name == "none"));
    let usable =
        server.metadata_documents && (!begin.profile.metadata_document_needs_none || lists_none());
    usable.then(|| Arc::new(Client::document(url, server)))
}

fn registered(begin: &Begin, place: &Place, heard: &Heard<'_>) -> Result<State, Box<Refusal>> {
    let at = place.server.registration.as_ref().unwrap_or(&begin.target);
    let refused = |what| Refusal::new(Leg::Registration, at, what);
    let client = match heard {
        Heard::Answer(response) => registration::read(response, &place.server).map_err(refused)?,
        Heard::Lost(lost) => return Err(refused(What::Lost(*lost))),
        Heard::Callback(_) => return Err(refused(What::OutOfTurn)),
    };
    Ok(State::Consenting(place.clone(), Arc::new(client)))
}

fn consented(
    begin: &Begin,
    place: &Place,
    client: &Arc<Client>,
    heard: &Heard<'_>,
) -> Result<State, Box<Refusal>> {
    let at = place.server.authorization.as_ref().unwrap_or(&begin.target);
    let refused = |what| Refusal::new(Leg::Authorize, at, what);
    let expected = Expected {
        callback: &begin.profile.callback,
        state: &begin.chance.state(),
        iss: begin.profile.checks_iss.then_some(&place.server),
    };
    let code = match heard {
        Heard::Callback(url) => callback::read(url, &expected).map_err(refused)?,
        Heard::Answer(response) => {
            return Err(refused(token::refused(response, "RFC 6749 section 4.1.2")));
        }
        Heard::Lost(lost) => return Err(refused(What::Lost(*lost))),
    };
    Ok(State::Redeeming(place.clone(), Arc::clone(client), code))
}

fn redeemed(place: &Place, client: &Arc<Client>, heard: &Heard<'_>) -> Result<State, Box<Refusal>> {
    let refused = |what| Refusal::new(Leg::Token, &place.server.token, what);
    let tokens = match heard {
        Heard::Answer(response) => token::read(response).map_err(refused)?,
        Heard::Lost(lost) => return Err(refused(What::Lost(*lost))),
        Heard::Callback(_) => return Err(refused(What::OutOfTurn)),
    };
    let scopes = tokens.scopes.clone().unwrap_or_else(|| place.scopes.clone());
    let known = Known {
        resource: place.resource.clone(),
        server: Some(Arc::clone(&place.server)),
        client: Some(Arc::clone(client)),
    };
    Ok(State::Done(Box::new(Granted { tokens, scopes, known })))
}

/// Whether a client that a server forgot can be replaced by registering anew.
pub fn can_register_anew(known: &Known) -> bool {
    known.client.as_ref().is_some_and(|client| client.origin == Origin::Registered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use http::{HeaderMap, Method};

    const CHANCE: Chance = Chance { verifier: [1; 32], state: [2; 16], jti: [3; 16] };

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn begin(profile: OAuth) -> Begin {
        Begin {
            profile: Arc::new(profile),
            target: url("https://tools.test/a/mcp"),
            challenge: Challenge::default(),
            identity: None,
            scopes: None,
            held: Vec::new(),
            known: Known::default(),
            chance: CHANCE,
        }
    }

    fn answer(authorization: &mut Authorization, status: u16, body: &str) {
        let headers = HeaderMap::new();
        let response =
            super::super::exchange::Response { status, headers: &headers, body: body.as_bytes() };
        authorization.heard(&Heard::Answer(response));
    }

    fn sent(authorization: &mut Authorization) -> Exchange {
        match authorization.step(Duration::ZERO) {
            Step::Send(exchange) => exchange,
            step => panic!("{step:?}"),
        }
    }

    #[test]
    fn from_a_401_to_tokens() {
        let mut way = Authorization::begin(begin(sample::oauth()));
        let first = sent(&mut way);
        assert_eq!(first.url.path(), "/.well-known/oauth-protected-resource/a/mcp");
        assert_eq!((first.leg, &first.method), (Leg::Discovery, &Method::GET));
        answer(
            &mut way,
            200,
            r#"{"resource":"https://tools.test/a/mcp","authorization_servers":["https://as.test"],
                "scopes_supported":["read","write"]}"#,
        );
        assert_eq!(
            sent(&mut way).url.as_str(),
            "https://as.test/.well-known/oauth-authorization-server"
        );
        answer(
            &mut way,
            200,
            r#"{"issuer":"https://as.test","authorization_endpoint":"https://as.test/authorize?a=b",
                "token_endpoint":"https://as.test/token","registration_endpoint":"https://as.test/register",
                "code_challenge_methods_supported":["S256"]}"#,
        );
        let registration = sent(&mut way);
        assert_eq!(registration.leg, Leg::Registration);
        answer(&mut way, 201, r#"{"client_id":"c1","client_secret":null}"#);
        let Step::Consent(consent) = way.step(Duration::ZERO) else { panic!() };
        let query: std::collections::HashMap<_, _> =
            consent.url.query_pairs().into_owned().collect();
        assert_eq!(query["a"], "b");
        assert_eq!(query["scope"], "read write");
        assert_eq!(query["resource"], "https://tools.test/a/mcp");
        let back = format!("{}?code=k&state={}", consent.callback, query["state"]);
        way.heard(&Heard::Callback(&url(&back)));
        let token = sent(&mut way);
        assert_eq!(token.leg, Leg::Token);
        answer(&mut way, 200, r#"{"access_token":"t","expires_in":"60","refresh_token":"r"}"#);
        let Step::Done(granted) = way.step(Duration::ZERO) else { panic!() };
        assert_eq!(granted.tokens.access.expose(), "t");
        assert_eq!(granted.tokens.expires_in, Some(Duration::from_secs(60)));
        assert_eq!(granted.scopes, ["read", "write"]);
        assert_eq!(granted.known.client.unwrap().id, "c1");
    }
}
