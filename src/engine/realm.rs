//! What all users of a load share on their way to tokens: how their client authorises, who it is,
//! how they consent, and the way to the servers.

mod consent;
mod elsewhere;
mod jars;
mod person;
mod way;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;
use url::Url;

pub use self::consent::Consenting;
pub use self::person::{Ask, Person};
use super::holder::Habit;
use super::legs::{Journey, Legs};
use super::recorder::Recorder;
use super::weather::Weather;
use crate::edge::clock::{self, Clock};
use crate::model::event::{Event, GrantChange, GrantEvent};
use crate::model::leg::Leg;
use crate::model::profile::oauth::{OAuth, Registration};
use crate::protocol::oauth::authorization::{Authorization, Begin};
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::chance::Chance;
use crate::protocol::oauth::client::{Client, Identity};
use crate::protocol::oauth::client_credentials::ClientCredentials;
use crate::protocol::oauth::endpoint::Network;
use crate::protocol::oauth::grant::{Granted, Known};
use crate::protocol::oauth::lookup::Lookup;
use crate::protocol::oauth::refresh::Refresh;
use crate::protocol::oauth::refusal::{Reaction, Refusal, What};

use self::jars::Jars;
use self::way::Way;
use super::grant::Standing;
use crate::model::secret::Secret;

/// The number of the client that looks at the target before the load; no user has it.
pub const SCOUT: u32 = u32::MAX;

/// What all users share.
#[derive(Debug)]
pub struct Realm {
    /// How their client authorises.
    pub oauth: Arc<OAuth>,
    /// The MCP server.
    pub target: Url,
    /// Where that is.
    pub network: Network,
    /// The client that the scenario gives.
    pub identity: Option<Arc<Identity>>,
    /// Scopes that the scenario asks for.
    pub scopes: Option<Vec<String>>,
    /// How users come to tokens.
    pub flow: Flow,
    /// The way to the servers.
    pub legs: Legs,
    /// Seed of every chance.
    pub seed: u64,
    /// The run's clock.
    pub clock: Clock,
    /// Is told what becomes of grants.
    pub recorder: Arc<Recorder>,
    /// The client that all users share, where the profile registers only one.
    pub shared: Shared,
    /// What users do with their tokens.
    pub habit: Habit,
    /// What lets their processes take the time to be another, where a fault of the scenario does.
    pub weather: Option<Arc<dyn Weather>>,
}

/// How users come to tokens.
#[derive(Debug)]
pub enum Flow {
    /// Each consents.
    Code(Consenting),
    /// The client itself is trusted.
    ClientCredentials(Arc<Identity>),
    /// Users have what they have, and nobody is there to consent. Why that is: goes on from "would
    /// need a user's consent, and".
    Nobody(&'static str),
}

/// What outlives one login: a client that is registered once for all, and what browsers keep.
#[derive(Debug)]
pub struct Shared {
    /// Cookies of each user, by whom an authorization server knows who comes again.
    jars: Jars,
    client: Mutex<Option<Arc<Client>>>,
    /// For the one who registers it.
    turn: Semaphore,
}

impl Default for Shared {
    fn default() -> Self {
        Self { jars: Jars::default(), client: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Realm {
    /// Carries a user from a 401, or from tokens of too little scope, to tokens.
    ///
    /// # Errors
    /// The leg it ended at, and why.
    pub async fn authorise(
        &self,
        journey: &mut Journey,
        challenge: Challenge,
        standing: Standing,
        is_wider: bool,
    ) -> Result<Granted, Refusal> {
        let Standing { known, scopes } = standing;
        // A step-up goes on with what is known; anything else is a connection of its own, which
        // finds out everything anew.
        let (mut known, held) =
            if is_wider { (known, scopes) } else { (self.kept(known), Vec::new()) };
        // Never closed, so this never fails; without its permit a second client is registered.
        let mut turn = None;
        if self.oauth.registration == Registration::Once && known.client.is_none() {
            known.client = self.shared_client();
            if known.client.is_none() {
                turn = self.shared.turn.acquire().await.ok();
                known.client = self.shared_client();
            }
        }
        let presented = known.client.clone();
        let begin = self.begin(challenge, held, known);
        let way = self.way(begin)?;
        let granted = self.go(journey, way).await.inspect_err(|refusal| {
            if refusal.reaction() == Reaction::Forgotten {
                self.forget_client(presented.as_deref());
            }
        })?;
        if self.oauth.registration == Registration::Once {
            self.lock().clone_from(&granted.known.client);
        }
        drop(turn);
        Ok(granted)
    }

    /// The legs of one process of a user.
    pub fn journey(&self, user: u32, process: u32) -> Journey {
        self.legs.journey(user, process)
    }

    /// How this flow comes to tokens.
    ///
    /// # Errors
    /// Nobody is there who could consent.
    fn way(&self, begin: Begin) -> Result<Way, Refusal> {
        Ok(match &self.flow {
            Flow::Code(_) => Way::Authorization(Box::new(Authorization::begin(begin))),
            Flow::ClientCredentials(identity) => Way::ClientCredentials(Box::new(
                ClientCredentials::begin(begin, Arc::clone(identity)),
            )),
            Flow::Nobody(why) => {
                let what = What::Given(format!("would need a user's consent, and {why}"));
                return Err(Refusal::new(Leg::Authorize, &self.target, what));
            }
        })
    }

    /// Whether nobody is there who could consent.
    pub const fn has_nobody(&self) -> bool {
        matches!(self.flow, Flow::Nobody(_))
    }

    /// Why the target's refusal of an access token without a refresh token is the end, where nobody
    /// is there who could consent.
    pub fn ends_with(&self, challenge: &Challenge) -> Option<Refusal> {
        let Flow::Nobody(why) = &self.flow else { return None };
        // What else a server may say there is no code of RFC 6750 section 3.1.
        let error = challenge.error.as_deref().filter(|error| *error == "invalid_token");
        let said = error.map_or_else(String::new, |error| format!(" ({error})"));
        let what = What::Given(format!(
            "refused the access token{said}, there is no refresh token, and {why}: RFC 6750 section \
             3.1"
        ));
        Some(Refusal::new(Leg::Refresh, &self.target, what))
    }

    /// Renews the tokens of a grant.
    ///
    /// # Errors
    /// Why there are no new ones, which says what becomes of the old ones.
    pub async fn refresh(
        &self,
        journey: &mut Journey,
        token: Secret,
        standing: Standing,
        challenge: Challenge,
    ) -> Result<Granted, Refusal> {
        let Standing { mut known, scopes } = standing;
        if known.server.is_none() {
            known = self.look_up(journey, known, challenge).await?;
        }
        let (oauth, target) = (Arc::clone(&self.oauth), self.target.clone());
        let refresh = Refresh::begin(oauth, target, known, token, scopes, chance());
        self.go(journey, Way::Refresh(Box::new(refresh))).await
    }

    /// Where tokens are renewed that were got elsewhere.
    async fn look_up(
        &self,
        journey: &mut Journey,
        known: Known,
        challenge: Challenge,
    ) -> Result<Known, Refusal> {
        let mut lookup = Lookup::begin(self.begin(challenge, Vec::new(), known))?;
        while let Some(exchange) = lookup.exchange() {
            let came = self.send(journey, exchange).await?;
            let heard = lookup.heard(&way::heard(&came));
            if let Some(known) = heard.map_err(|refusal| way::hidden(refusal, journey))? {
                return Ok(known);
            }
        }
        let what = What::Consent("leads to no authorization server".to_owned());
        Err(Refusal::new(Leg::Discovery, &self.target, what))
    }

    fn begin(&self, challenge: Challenge, held: Vec<String>, known: Known) -> Begin {
        Begin {
            profile: Arc::clone(&self.oauth),
            target: self.target.clone(),
            network: self.network,
            challenge,
            identity: self.identity.clone(),
            scopes: self.scopes.clone(),
            held,
            known,
            chance: chance(),
        }
    }

    /// What a new connection of this user still knows: its client, where it keeps that.
    fn kept(&self, known: Known) -> Known {
        let keeps = self.oauth.registration == Registration::PerUser;
        let client = known.client.filter(|_| keeps);
        Known { client, ..Known::default() }
    }

    /// All users share the client that those of another load did, and come again in their browsers.
    pub fn share_client_of(&self, other: &Self) {
        *self.lock() = other.shared_client();
        self.shared.jars.inherit(&other.shared.jars);
    }

    /// The authorization server no longer knows this client. Where all share it, nobody does from
    /// now on; one that was registered meanwhile stays.
    pub fn forget_client(&self, client: Option<&Client>) {
        let mut shared = self.lock();
        if client.is_some() && shared.as_deref() == client {
            *shared = None;
        }
    }

    fn shared_client(&self) -> Option<Arc<Client>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Client>>> {
        self.shared.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what became of a user's grant.
    pub fn tell(&self, user: u32, change: GrantChange) {
        let event = GrantEvent { user, at: self.clock.now(), change };
        self.recorder.tell(user, Event::Grant(event));
    }
}

/// The time since 1970, which signed assertions hold.
pub(super) fn unix() -> Duration {
    clock::wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// What has to be unguessable. A system without randomness gives what every server must refuse.
fn chance() -> Chance {
    let random = SystemRandom::new();
    let mut chance = Chance { verifier: [0; 32], state: [0; 16], jti: [0; 16] };
    let Chance { verifier, state, jti } = &mut chance;
    for bytes in [&mut verifier[..], &mut state[..], &mut jti[..]] {
        let _filled = random.fill(bytes).is_ok();
    }
    chance
}
