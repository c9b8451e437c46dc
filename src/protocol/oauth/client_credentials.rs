//! A program without a user: discovery, then a token for the client itself (RFC 6749, section 4.4).
//!
//! MCP extension io.modelcontextprotocol/oauth-client-credentials: the same discovery, no
//! registration, secret or assertion.

use std::sync::Arc;
use std::time::Duration;

use super::assertion::Occasion;
use super::authorization::{Begin, Step};
use super::client::{Client, Identity};
use super::discovery::Discovery;
use super::exchange::Heard;
use super::grant::{Granted, Known};
use super::metadata::Server;
use super::refusal::{Refusal, What};
use super::resource::{self, Resource};
use super::scope::{self, Choice};
use super::token::{self, Ask, Asked};
use crate::model::leg::Leg;

/// A request for a client's own tokens under way.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    begin: Begin,
    identity: Arc<Identity>,
    server: Option<Arc<Server>>,
    state: State,
    /// Assertions made so far.
    assertions: u32,
}

#[derive(Debug, Clone)]
enum State {
    Discovering(Discovery),
    Asking { resource: Option<Arc<Resource>>, server: Arc<Server>, client: Arc<Client> },
    Done(Box<Granted>),
    Failed(Refusal),
}

impl ClientCredentials {
    /// Begins where what is known ends; of `begin` no identity and no held scopes are used.
    pub fn begin(begin: Begin, identity: Arc<Identity>) -> Self {
        let state = match &begin.known.server {
            Some(server) => Ok(asking(&identity, begin.known.resource.clone(), Arc::clone(server))),
            None => Discovery::begin(&begin).map(State::Discovering),
        };
        let state = state.unwrap_or_else(State::Failed);
        let server = begin.known.server.clone();
        Self { begin, identity, server, state, assertions: 0 }
    }

    /// What to do next; never [`Step::Consent`]. `unix` is the time since 1970: only a signed
    /// assertion holds it.
    pub fn step(&mut self, unix: Duration) -> Step {
        let Begin { profile, target, chance, .. } = &self.begin;
        match &self.state {
            State::Discovering(discovery) => match discovery.exchange() {
                Some(exchange) => Step::Send(exchange),
                None => Step::Failed(Refusal::new(Leg::Discovery, target, What::OutOfTurn)),
            },
            State::Asking { resource, server, client } => {
                let jti = chance.jti(self.assertions);
                self.assertions += 1;
                let scopes = scopes(&self.begin, resource.as_deref(), server);
                let resource = resource::parameter(profile, resource.as_deref(), target);
                let asked = Asked {
                    profile,
                    client,
                    endpoint: &server.token,
                    resource: resource.as_deref(),
                    occasion: Occasion { unix, jti: &jti },
                };
                asked.step(Leg::Token, &Ask::Client { scopes: &scopes })
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
                    Ok(asking(&self.identity, resource, server))
                }
                Err(refusal) => Err(refusal),
            },
            State::Asking { resource, server, client } => {
                let tokens = token::heard(heard);
                let scopes = scopes(&self.begin, resource.as_deref(), server);
                tokens.map_err(|what| Refusal::new(Leg::Token, &server.token, what)).map(|tokens| {
                    let scopes = tokens.scopes.clone().unwrap_or(scopes);
                    let known = Known {
                        resource: resource.clone(),
                        server: Some(Arc::clone(server)),
                        client: Some(Arc::clone(client)),
                    };
                    State::Done(Box::new(Granted { tokens, scopes, known }))
                })
            }
            State::Done(_) | State::Failed(_) => return,
        };
        self.state = next.unwrap_or_else(State::Failed);
    }
}

fn asking(identity: &Identity, resource: Option<Arc<Resource>>, server: Arc<Server>) -> State {
    let client = Arc::new(Client::given(identity, &server));
    State::Asking { resource, server, client }
}

/// A client has no session to keep: it never asks for `offline_access`.
fn scopes(begin: &Begin, resource: Option<&Resource>, server: &Server) -> Vec<String> {
    scope::chosen(&Choice {
        wanted: begin.scopes.as_deref(),
        challenged: &begin.challenge.scopes,
        of_resource: resource.map_or(&[], |resource| &resource.scopes),
        of_server: &server.scopes,
        held: &[],
        offline_access: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::model::profile::oauth::OAuth;
    use crate::model::secret::Secret;
    use crate::protocol::oauth::assertion::Key;
    use crate::protocol::oauth::client::Method;
    use crate::protocol::oauth::rehearsal::{RESOURCE, SERVER, answer, begin};

    /// What the token endpoint is sent, and where it ends after that answer.
    fn way(identity: Identity, profile: OAuth, body: &str) -> (String, Option<String>, Step) {
        let mut way = ClientCredentials::begin(begin(profile), Arc::new(identity));
        for document in [RESOURCE, SERVER] {
            assert!(matches!(way.step(Duration::ZERO), Step::Send(it) if it.leg == Leg::Discovery));
            answer(200, document, |heard| way.heard(heard));
        }
        let Step::Send(sent) = way.step(Duration::from_secs(1_000)) else { panic!() };
        assert_eq!(sent.leg, Leg::Token);
        answer(200, body, |heard| way.heard(heard));
        let header = sent.headers.get("authorization").map(|it| it.to_str().unwrap().to_owned());
        (String::from_utf8(sent.body).unwrap(), header, way.step(Duration::ZERO))
    }

    #[test]
    fn with_a_secret_or_an_assertion() {
        let secret = Identity {
            id: "c".to_owned(),
            method: None,
            secret: Some(Secret::new("s")),
            key: None,
        };
        let token = r#"{"access_token":"a","expires_in":60}"#;
        let (body, header, end) = way(secret.clone(), sample::oauth(), token);
        let rest = "&resource=https%3A%2F%2Ftools.test%2Fa%2Fmcp";
        assert_eq!(body, format!("grant_type=client_credentials&scope=read+write{rest}"));
        assert_eq!(header.as_deref(), Some("Basic Yzpz"));
        let Step::Done(granted) = end else { panic!("{end:?}") };
        assert_eq!(granted.scopes, ["read", "write"]);

        let post = Identity { method: Some(Method::SecretPost), ..secret.clone() };
        let (body, header, _) = way(post, sample::oauth(), token);
        assert!(body.ends_with(&format!("&client_id=c&client_secret=s{rest}")), "{body}");
        assert_eq!(header, None);

        let pem = Secret::new(rcgen::KeyPair::generate().unwrap().serialize_pem());
        let key = Some(Key::from_pem(&pem).unwrap());
        let (body, ..) = way(Identity { secret: None, key, ..secret }, sample::oauth(), token);
        let assertion = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type\
                         %3Ajwt-bearer&client_assertion=ey";
        assert!(body.contains(assertion), "{body}");
        assert!(!body.contains("client_id"), "{body}");
    }

    #[test]
    fn what_is_refused_is_the_token_leg() {
        let identity = Identity { id: "c".to_owned(), method: None, secret: None, key: None };
        let (body, _, end) = way(identity, sample::oauth(), r#"{"error":"invalid_client"}"#);
        assert!(body.contains("&client_id=c"), "{body}");
        let Step::Failed(refusal) = end else { panic!("{end:?}") };
        assert_eq!(refusal.to_string(), "token: https://as.test/token refused: invalid_client");
    }
}
