//! One way from leg to leg: what the machines of [`crate::protocol::oauth`] say is sent, and they are told
//! what came.

use std::sync::Arc;

use url::Url;

use super::{Flow, Realm, unix};
use crate::engine::legs::{Arrived, Astray, Journey};
use crate::model::event::GrantChange;
use crate::model::leg::Leg;
use crate::model::outcome::{ConnectFailure, Outcome, Rule};
use crate::protocol::oauth::authorization::{Authorization, Step};
use crate::protocol::oauth::client_credentials::ClientCredentials;
use crate::protocol::oauth::exchange::{Exchange, Heard, Lost, MOST_BYTES, Response, secrets_of};
use crate::protocol::oauth::grant::Granted;
use crate::protocol::oauth::metadata::Server;
use crate::protocol::oauth::refresh::Refresh;
use crate::protocol::oauth::refusal::{Refusal, What};

/// A machine under way.
#[derive(Debug)]
pub(super) enum Way {
    Authorization(Box<Authorization>),
    ClientCredentials(Box<ClientCredentials>),
    Refresh(Box<Refresh>),
}

impl Way {
    pub(super) fn step(&mut self) -> Step {
        match self {
            Self::Authorization(way) => way.step(unix()),
            Self::ClientCredentials(way) => way.step(unix()),
            Self::Refresh(way) => way.step(unix()),
        }
    }

    /// The authorization server, once it was found.
    fn server(&self) -> Option<&Server> {
        match self {
            Self::Authorization(way) => way.server().map(Arc::as_ref),
            Self::ClientCredentials(way) => way.server().map(Arc::as_ref),
            // Its tokens came from there.
            Self::Refresh(_) => None,
        }
    }

    pub(super) fn heard(&mut self, heard: &Heard<'_>) {
        match self {
            Self::Authorization(way) => way.heard(heard),
            Self::ClientCredentials(way) => way.heard(heard),
            Self::Refresh(way) => way.heard(heard),
        }
    }
}

impl Realm {
    /// Goes a way to its end.
    pub(super) async fn go(&self, journey: &mut Journey, way: Way) -> Result<Granted, Refusal> {
        let mut way = way;
        let came = self.gone(journey, &mut way).await;
        came.map_err(|refusal| {
            let refusal = match way.server() {
                Some(server) => refusal.of_server(server),
                None => refusal,
            };
            hidden(refusal, journey)
        })
    }

    async fn gone(&self, journey: &mut Journey, way: &mut Way) -> Result<Granted, Refusal> {
        loop {
            match way.step() {
                Step::Done(granted) => return Ok(*granted),
                Step::Failed(refusal) => return Err(refusal),
                Step::Send(exchange) => {
                    let came = self.send(journey, exchange).await?;
                    way.heard(&heard(&came));
                }
                Step::Consent(consent) => {
                    let Flow::Code(consenting) = &self.flow else { continue };
                    let budget = self.oauth.budget(Leg::Authorize);
                    let by = self.clock.now() + budget;
                    journey.secrets.extend(secrets_of(&consent.url));
                    let callback = consenting.bring(self, journey, &consent, by).await?;
                    journey.secrets.extend(secrets_of(&callback));
                    way.heard(&Heard::Callback(&callback));
                }
            }
        }
    }
}

impl Realm {
    /// Sends a leg, within the client's own budget of it.
    pub(super) async fn send(
        &self,
        journey: &mut Journey,
        exchange: Exchange,
    ) -> Result<Result<Arrived, Astray>, Refusal> {
        let (leg, user, url) = (exchange.leg, journey.user, exchange.url.clone());
        journey.secrets.extend(exchange.secrets());
        let came = self.legs.send(journey, exchange, self.oauth.budget(leg)).await;
        let came = came.map_err(|astray| not_sent(leg, &url, astray))?;
        if leg == Leg::Registration && came.as_ref().is_ok_and(Arrived::is_success) {
            self.tell(user, GrantChange::Registered);
        }
        Ok(came)
    }
}

/// A refusal without the secrets of its journey: servers quote what they were told.
pub(super) fn hidden(mut refusal: Refusal, journey: &Journey) -> Refusal {
    refusal.hide(&journey.secrets);
    refusal
}

/// Where squall itself does not go, whatever a server says.
fn not_sent(leg: Leg, url: &Url, astray: String) -> Refusal {
    Refusal::new(leg, url, What::NotGone(astray))
}

/// What came, as the machines hear it.
pub(super) fn heard(came: &Result<Arrived, Astray>) -> Heard<'_> {
    match came {
        Ok(arrived) if arrived.body.len() > MOST_BYTES => Heard::Lost(Lost::Oversized),
        Ok(Arrived { status, headers, body }) => {
            Heard::Answer(Response { status: *status, headers, body })
        }
        Err(Astray(outcome)) => Heard::Lost(lost(*outcome)),
    }
}

/// Why no answer came.
pub(super) fn lost(outcome: Outcome) -> Lost {
    match outcome {
        Outcome::Timeout | Outcome::Connect(ConnectFailure::TimedOut) => Lost::Timeout,
        Outcome::Violation(Rule::TooLarge) => Lost::Oversized,
        Outcome::Connect(ConnectFailure::Closed) | Outcome::CutStream => Lost::Cut,
        _ => Lost::Unreachable,
    }
}
