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
use super::endpoint::Network;
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
    /// Where that is: `Network::of_url` with the addresses it is dialled at.
    pub network: Network,
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
    Failed(Refusal),
}

/// A consent to be got: the way from a URL to the callback.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// Where the browser is sent.
    pub url: Url,
    /// Where it comes back to; nothing is to be sent there. See [`callback::is_callback`].
    pub callback: String,
    state: String,
    iss: Option<Arc<Server>>,
}

impl Consent {
    /// Whether this callback brings a code, as [`Authorization::heard`] will find.
    ///
    /// # Errors
    /// Why not.
    pub fn judged(&self, callback: &Url) -> Result<(), What> {
        let Self { state, iss, .. } = self;
        let expected = Expected { callback: &self.callback, state, iss: iss.as_deref() };
        callback::read(callback, &expected).map(drop)
    }

    /// Whether this callback ends this consent, well or not: it has the `state` that was sent, as
    /// answers and errors do (RFC 6749, sections 4.1.2 and 4.1.2.1). Anybody can make up another.
    pub fn is_ended_by(&self, callback: &Url) -> bool {
        !matches!(self.judged(callback), Err(What::OtherState | What::OtherCallback))
    }
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
    server: Option<Arc<Server>>,
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
    Failed(Refusal),
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
            None => Discovery::begin(&begin).map(State::Discovering),
        };
        let state = state.unwrap_or_else(State::Failed);
        let server = begin.known.server.clone();
        Self { begin, server, state, assertions: 0 }
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
                None => Step::Failed(no_identity(server, target)),
            },
            State::Consenting(place, client) => match &place.server.authorization {
                Some(endpoint) => {
                    let resource = place.parameter(&self.begin);
                    let resource = resource.as_deref();
                    let scopes = &place.scopes;
                    let url =
                        authorize::url(endpoint, profile, &client.id, chance, scopes, resource);
                    let iss = profile.checks_iss.then(|| Arc::clone(&place.server));
                    let (callback, state) = (profile.callback.clone(), chance.state());
                    Step::Consent(Consent { url, callback, state, iss })
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
                asked.step(Leg::Token, &Ask::Code { code, verifier: &chance.verifier() })
            }
            State::Done(granted) => Step::Done(granted.clone()),
            State::Failed(refusal) => Step::Failed(refusal.clone()),
        }
    }

    /// The authorization server it goes on with, once that is known.
    pub const fn server(&self) -> Option<&Arc<Server>> {
        self.server.as_ref()
    }

    /// Takes what came of the step.
    pub fn heard(&mut self, heard: &Heard<'_>) {
        let next = match &mut self.state {
            State::Discovering(discovery) => match discovery.heard(heard) {
                Ok(None) => return,
                Ok(Some((resource, server))) => {
                    self.server = Some(Arc::clone(&server));
                    arrived(&self.begin, resource, server)
                }
                Err(refusal) => Err(refusal),
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

fn out_of_turn(target: &Url) -> Refusal {
    Refusal::new(Leg::Discovery, target, What::OutOfTurn)
}

/// The authorization server is known: who is the client there?
fn arrived(
    begin: &Begin,
    resource: Option<Arc<Resource>>,
    server: Arc<Server>,
) -> Result<State, Refusal> {
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
        None => Err(no_identity(&place.server, &at)),
    }
}

/// Nothing to introduce the client with, by the document that says so.
fn no_identity(server: &Server, at: &Url) -> Refusal {
    let refusal = Refusal::new(Leg::Discovery, at, What::NoIdentity);
    match server.sought.last().filter(|_| server.read) {
        Some(document) => Refusal { url: document.clone(), ..refusal },
        None => refusal,
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
pub(super) fn introduced(begin: &Begin, server: &Server) -> Option<Arc<Client>> {
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

fn registered(begin: &Begin, place: &Place, heard: &Heard<'_>) -> Result<State, Refusal> {
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
) -> Result<State, Refusal> {
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

fn redeemed(place: &Place, client: &Arc<Client>, heard: &Heard<'_>) -> Result<State, Refusal> {
    let refused = |what| Refusal::new(Leg::Token, &place.server.token, what);
    let tokens = token::heard(heard).map_err(refused)?;
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
    use crate::protocol::oauth::client::Method;
    use crate::protocol::oauth::refusal::Reaction;
    use crate::protocol::oauth::rehearsal::{
        RESOURCE, SERVER, STATE, answer, answer_with, begin, server, url,
    };

    /// The first query parameter of this name of the consent that is due.
    fn asked(way: &mut Authorization, name: &str) -> Option<String> {
        let Step::Consent(consent) = way.step(Duration::ZERO) else {
            panic!("{:?}", way.step(Duration::ZERO))
        };
        let value = consent.url.query_pairs().find(|(key, _)| key == name)?.1.into_owned();
        Some(value)
    }

    fn leg(way: &mut Authorization) -> Option<Leg> {
        match way.step(Duration::ZERO) {
            Step::Send(exchange) => Some(exchange.leg),
            Step::Consent(_) => Some(Leg::Authorize),
            Step::Done(_) => None,
            Step::Failed(refusal) => panic!("{refusal}"),
        }
    }

    fn refusal(way: &mut Authorization) -> Refusal {
        match way.step(Duration::ZERO) {
            Step::Failed(refusal) => refusal,
            step => panic!("{step:?}"),
        }
    }

    fn body(way: &mut Authorization) -> String {
        match way.step(Duration::ZERO) {
            Step::Send(exchange) => String::from_utf8(exchange.body).unwrap(),
            step => panic!("{step:?}"),
        }
    }

    fn back(way: &mut Authorization, query: &str) {
        let back = format!("http://127.0.0.1:33418/callback?state={STATE}&{query}");
        way.heard(&Heard::Callback(&url(&back)));
    }

    fn known(more: &str, client: Option<Client>) -> Known {
        Known { resource: None, server: Some(Arc::new(server(more))), client: client.map(Arc::new) }
    }

    fn registered(issuer: &str) -> Client {
        Client {
            id: "old".to_owned(),
            origin: Origin::Registered,
            issuer: issuer.to_owned(),
            authentication: super::super::client::Authentication::None,
        }
    }

    fn discovered(begin: Begin, server: &str) -> Authorization {
        let mut way = Authorization::begin(begin);
        answer(200, RESOURCE, |heard| way.heard(heard));
        answer(200, server, |heard| way.heard(heard));
        way
    }

    #[test]
    fn from_a_401_to_tokens() {
        let mut way = discovered(begin(sample::oauth()), SERVER);
        assert_eq!(leg(&mut way), Some(Leg::Registration));
        answer(201, r#"{"client_id":"c1","client_secret":null}"#, |heard| way.heard(heard));
        assert_eq!(asked(&mut way, "tenant").as_deref(), Some("7"));
        assert_eq!(asked(&mut way, "scope").as_deref(), Some("read write"));
        assert_eq!(asked(&mut way, "resource").as_deref(), Some("https://tools.test/a/mcp"));
        back(&mut way, "code=k");
        assert_eq!(
            body(&mut way),
            "grant_type=authorization_code&code=k\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A33418%2Fcallback\
             &code_verifier=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE&client_id=c1\
             &resource=https%3A%2F%2Ftools.test%2Fa%2Fmcp"
        );
        let tokens = r#"{"access_token":"t","expires_in":"60","refresh_token":"r"}"#;
        answer(200, tokens, |heard| way.heard(heard));
        let Step::Done(granted) = way.step(Duration::ZERO) else { panic!() };
        assert_eq!(granted.tokens.access.expose(), "t");
        assert_eq!(granted.tokens.expires_in, Some(Duration::from_secs(60)));
        assert_eq!(granted.scopes, ["read", "write"]);
        assert!(can_register_anew(&granted.known));
        // Nothing of it shows.
        let shown = format!("{granted:?} {way:?}");
        for secret in ["\"t\"", "\"r\"", "AQEBAQ", STATE] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }

    /// identity given, client known, metadata, profile -> who it is, or the leg that follows.
    #[test]
    fn who_the_client_is() {
        const CIMD: &str = r#""client_id_metadata_document_supported":true,"#;
        let cimd_none = format!(r#"{CIMD}"token_endpoint_auth_methods_supported":["none"],"#);
        let cimd_basic =
            format!(r#"{CIMD}"token_endpoint_auth_methods_supported":["client_secret_basic"],"#);
        let document = "https://client.test/client.json";
        let plain = sample::oauth();
        let sdk = OAuth { metadata_document: Some(document.to_owned()), ..plain.clone() };
        let hosted = OAuth { metadata_document_needs_none: true, ..sdk.clone() };
        let here = || Some(registered("https://as.test"));
        let cases = [
            (true, here(), cimd_none.as_str(), &sdk, Some("given")),
            (false, here(), &cimd_none, &sdk, Some("old")),
            (false, None, &cimd_none, &sdk, Some(document)),
            (false, None, CIMD, &sdk, Some(document)),
            (false, None, &cimd_basic, &sdk, Some(document)),
            (false, None, &cimd_none, &hosted, Some(document)),
            (false, None, CIMD, &hosted, None),
            (false, None, &cimd_basic, &hosted, None),
            (false, None, "", &sdk, None),
            (false, None, &cimd_none, &plain, None),
            // authorization-server-migration: what belongs to another issuer is not shown here.
            (false, Some(registered("https://before.test")), "", &sdk, None),
        ];
        for (given, client, more, profile, expected) in cases {
            let identity = given.then(|| {
                let id = "given".to_owned();
                Arc::new(Identity { id, method: Some(Method::None), secret: None, key: None })
            });
            let known = known(more, client);
            let mut way = Authorization::begin(Begin { identity, known, ..begin(profile.clone()) });
            match expected {
                Some(id) => assert_eq!(asked(&mut way, "client_id").as_deref(), Some(id), "{more}"),
                None => assert_eq!(leg(&mut way), Some(Leg::Registration), "{more}"),
            }
        }
    }

    #[test]
    fn without_any_identity_it_ends() {
        let without = SERVER.replace("registration_endpoint", "x");
        let refusal = refusal(&mut discovered(begin(sample::oauth()), &without));
        assert_eq!(refusal.what, What::NoIdentity);
        assert_eq!(refusal.url, "https://as.test/.well-known/oauth-authorization-server");
        assert_eq!(refusal.reaction(), Reaction::GiveUp);
    }

    #[test]
    fn pkce_is_never_done_without() {
        let strict = OAuth { demands_pkce_metadata: true, ..sample::oauth() };
        let cases = [
            (SERVER.to_owned(), true, true),
            (SERVER.replace("code_challenge_methods", "x"), true, false),
            (SERVER.replace("S256", "plain"), false, false),
            (SERVER.replace("[\"S256\"]", "[]"), false, false),
        ];
        for (server, lax_goes_on, strict_goes_on) in cases {
            for (profile, goes_on) in
                [(sample::oauth(), lax_goes_on), (strict.clone(), strict_goes_on)]
            {
                let mut way = discovered(begin(profile), &server);
                if goes_on {
                    assert_eq!(leg(&mut way), Some(Leg::Registration));
                } else {
                    assert_eq!(refusal(&mut way).what, What::NoPkce);
                }
            }
        }
        // MCP 2025-03-26's default endpoints have no metadata that could say so.
        let mut way = Authorization::begin(begin(strict));
        for _ in 0..3 {
            answer(404, "", |heard| way.heard(heard));
        }
        assert_eq!(leg(&mut way), Some(Leg::Registration));
    }

    #[test]
    fn a_step_up_asks_for_what_is_held_and_what_is_missing() {
        let missing = Challenge { scopes: vec!["admin".to_owned()], ..Challenge::default() };
        let mut way = Authorization::begin(Begin {
            challenge: missing,
            held: vec!["read".to_owned()],
            known: known("", Some(registered("https://as.test"))),
            ..begin(sample::oauth())
        });
        assert_eq!(asked(&mut way, "scope").as_deref(), Some("read admin"));
        assert_eq!(asked(&mut way, "client_id").as_deref(), Some("old"));
    }

    #[test]
    fn each_leg_fails_as_itself() {
        let at = |legs: usize| {
            let mut way = discovered(begin(sample::oauth()), SERVER);
            if legs > 0 {
                answer(201, r#"{"client_id":"c"}"#, |heard| way.heard(heard));
            }
            if legs > 1 {
                back(&mut way, "code=k");
            }
            way
        };
        let mut register = at(0);
        answer(429, "", |heard| register.heard(heard));
        let mut page = at(1);
        let html = [("content-type", "text/html")];
        answer_with(200, &html, "<h1>Log in</h1>", |heard| page.heard(heard));
        let mut denied = at(1);
        back(&mut denied, "error=access_denied");
        let mut forged = at(1);
        forged.heard(&Heard::Callback(&url("http://127.0.0.1:33418/callback?state=x&code=k")));
        let mut token = at(2);
        answer(400, r#"{"error":"invalid_client"}"#, |heard| token.heard(heard));
        let cases = [
            (register, Leg::Registration, Reaction::Later(None), "answered 429"),
            (page, Leg::Authorize, Reaction::GiveUp, "with a web page"),
            (denied, Leg::Authorize, Reaction::GiveUp, "refused: access_denied"),
            (forged, Leg::Authorize, Reaction::GiveUp, "with another: RFC 6749 section 10.12"),
            (token, Leg::Token, Reaction::Forgotten, "refused: invalid_client"),
        ];
        for (mut way, leg, reaction, words) in cases {
            let refusal = refusal(&mut way);
            assert_eq!((refusal.leg, refusal.reaction()), (leg, reaction));
            assert!(refusal.to_string().contains(words), "{refusal}");
            // The end is the end.
            answer(200, r#"{"access_token":"t"}"#, |heard| way.heard(heard));
            assert_eq!(super::tests::refusal(&mut way), refusal);
        }
    }
}
