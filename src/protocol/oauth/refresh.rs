//! New tokens for a refresh token: one exchange, and what its answer means (RFC 6749, section 6).

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::assertion::Occasion;
use super::authorization::Step;
use super::chance::Chance;
use super::exchange::Heard;
use super::grant::{Granted, Known};
use super::refusal::{Refusal, What};
use super::resource;
use super::token::{self, Ask, Asked};
use crate::model::leg::Leg;
use crate::model::profile::oauth::OAuth;
use crate::model::secret::Secret;

/// A refresh under way.
#[derive(Debug, Clone)]
pub struct Refresh {
    profile: Arc<OAuth>,
    target: Url,
    known: Known,
    token: Secret,
    scopes: Vec<String>,
    chance: Chance,
    end: Option<Result<Box<Granted>, Box<Refusal>>>,
}

impl Refresh {
    /// Begins with the grant's refresh token and the scopes it has.
    pub fn begin(
        profile: Arc<OAuth>,
        target: Url,
        known: Known,
        token: Secret,
        scopes: Vec<String>,
        chance: Chance,
    ) -> Self {
        Self { profile, target, known, token, scopes, chance, end: None }
    }

    /// What to do next: [`Step::Send`], then [`Step::Done`] or [`Step::Failed`]. `unix` is the time
    /// since 1970: only a signed assertion holds it.
    pub fn step(&self, unix: Duration) -> Step {
        match &self.end {
            Some(Ok(granted)) => return Step::Done(granted.clone()),
            Some(Err(refusal)) => return Step::Failed(refusal.clone()),
            None => {}
        }
        let (Some(server), Some(client)) = (&self.known.server, &self.known.client) else {
            return Step::Failed(self.refused(What::OutOfTurn));
        };
        let found = self.known.resource.as_deref();
        let resource = resource::parameter(&self.profile, found, &self.target);
        let asked = Asked {
            profile: &self.profile,
            client,
            endpoint: &server.token,
            resource: resource.as_deref(),
            occasion: Occasion { unix, jti: &self.chance.jti(0) },
        };
        match token::request(&Ask::Refresh { token: &self.token }, &asked) {
            Ok(exchange) => Step::Send(exchange),
            Err(what) => Step::Failed(self.refused(what)),
        }
    }

    /// Takes what came of it. A refresh token that is absent from the answer stays the old one.
    pub fn heard(&mut self, heard: &Heard<'_>) {
        let tokens = match heard {
            Heard::Answer(response) => token::read(response),
            Heard::Lost(lost) => Err(What::Lost(*lost)),
            Heard::Callback(_) => Err(What::OutOfTurn),
        };
        let end = match tokens {
            Ok(mut tokens) => {
                tokens.refresh.get_or_insert_with(|| self.token.clone());
                let scopes = tokens.scopes.clone().unwrap_or_else(|| self.scopes.clone());
                Ok(Box::new(Granted { tokens, scopes, known: self.known.clone() }))
            }
            Err(what) => Err(self.refused(what)),
        };
        self.end.get_or_insert(end);
    }

    fn refused(&self, what: What) -> Box<Refusal> {
        let at = self.known.server.as_ref().map_or(&self.target, |server| &server.token);
        Refusal::new(Leg::Refresh, at, what)
    }
}
