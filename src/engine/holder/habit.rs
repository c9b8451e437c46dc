//! What a client process does with its tokens when it is to check what a target does with them: it
//! clings to one past its end, or presents one that was issued for another resource.
//!
//! ```text
//! clinging   lend ─► the one token it was given, for ever      refused ─► nothing: it stays
//!            (a token from before whose time is over, or known to nobody, is renewed first)
//! straying   lend ─► its own token, as everybody ── stray ──►  lend ─► the foreign one, for ever
//! ```

use std::sync::{Arc, OnceLock};

use super::process::Process;
use super::{Lease, Lent};
use crate::engine::grant::{Grant, Lifetime, Token};
use crate::engine::realm::unix;
use crate::model::event::{Event, GrantChange, Refused, Whose};
use crate::model::leg::Leg;
use crate::model::outcome::{Outcome, Signal, Throttle};
use crate::model::secret::Secret;
use crate::protocol::oauth::audience;
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::grant::Granted;
use crate::protocol::oauth::refusal::{Refusal, What};
use crate::protocol::oauth::saved::Kept;

/// What a process does with its tokens.
#[derive(Debug, Default)]
pub enum Habit {
    /// It renews them, as clients do.
    #[default]
    Renewing,
    /// It presents the first one whatever its time, and whatever it is answered.
    Clinging,
    /// It presents its own, and from some moment on one for another resource.
    Straying(Source),
}

/// Where tokens for another resource come from.
#[derive(Debug)]
pub enum Source {
    /// An authorization for this resource (RFC 8707, section 2).
    Resource(String),
    /// Somebody has them: one a user, or none.
    Given(Vec<Option<Kept>>),
}

/// The grant of a foreign token, once the process has strayed.
#[derive(Debug, Default)]
pub(super) struct Strayed(OnceLock<Grant>);

impl Strayed {
    /// Its token.
    pub(super) fn token(&self) -> Option<Arc<Token>> {
        self.0.get()?.token()
    }

    /// The secrets of it.
    pub(super) fn issued(&self) -> Vec<Secret> {
        self.0.get().map(Grant::issued).unwrap_or_default()
    }
}

/// How a refresh ended that brought no tokens.
const fn ended(what: &What) -> Outcome {
    match what {
        What::Throttled { status, after } => {
            let signal = if *status == 429 { Signal::Http429 } else { Signal::Disguised };
            Outcome::Throttled(Throttle { signal, retry_after: *after })
        }
        What::Unavailable { status, .. } | What::Status(status, _) => Outcome::Status(*status),
        What::Lost(_) => Outcome::Timeout,
        _ => Outcome::Unauthorised(400),
    }
}

impl Process {
    /// The credential of a process that checks something; nothing where it lends as others do.
    pub(super) fn checks(&self) -> Option<Lease> {
        match &self.realm.habit {
            Habit::Renewing => None,
            Habit::Clinging => {
                let token = self.grant.token().filter(|token| !self.begins_anew(token));
                token.map(|token| Lease(Lent::Token(token)))
            }
            Habit::Straying(_) => self.strayed.token().map(|token| Lease(Lent::Foreign(token))),
        }
    }

    /// Whether a process that will cling to a token has to renew this one before: it is from before the
    /// load, has not been presented, and would show nothing. A check begins with a good token.
    pub(super) fn begins_anew(&self, token: &Token) -> bool {
        let clings = matches!(self.realm.habit, Habit::Clinging);
        let is_endless = token.lifetime == Lifetime::Unheard && token.expires.is_none();
        let shows_nothing = token.is_due(self.now()) || is_endless;
        clings && !token.is_used() && token.refresh.is_some() && shows_nothing
    }

    /// Whether a refusal of this lease changes nothing: the same is presented again.
    pub(super) fn insists_on(&self, lease: &Lease) -> bool {
        match &lease.0 {
            Lent::Token(_) => matches!(self.realm.habit, Habit::Clinging),
            Lent::Foreign(_) => true,
            Lent::Nothing | Lent::Header(..) => false,
        }
    }

    /// What becomes of every request with this lease is told, not only refusals.
    pub(super) fn watches(&self) -> bool {
        !matches!(self.realm.habit, Habit::Renewing)
    }

    /// Comes to a token for another resource, and presents nothing else from now on. Whether there
    /// was one to be had; why not is told.
    pub(super) async fn stray(&self) -> bool {
        let Habit::Straying(source) = &self.realm.habit else { return false };
        let grant = Grant::default();
        let came = match source {
            Source::Resource(resource) => {
                let (mut journey, standing) =
                    (self.realm.journey(self.user, 0), self.grant.standing());
                let came = self.realm.authorise_elsewhere(&mut journey, resource, standing).await;
                came.and_then(|granted| self.foreign(granted))
            }
            Source::Given(kept) => match kept.get(self.user as usize).and_then(Option::as_ref) {
                Some(kept) if kept.granted.tokens.access.expose().is_empty() => {
                    Err(self.refusal("has no access token for this user".to_owned()))
                }
                Some(kept) if kept.expires.is_some_and(|end| end <= unix()) => {
                    Err(self.refusal("has a token whose time is over for this user".to_owned()))
                }
                Some(kept) => self.foreign(kept.granted.clone()),
                None => Err(self.none_given(kept.len())),
            },
        };
        let stored = came.and_then(|granted| {
            let stored = grant.store(granted, &self.realm.oauth, self.now());
            stored.map_err(|_| self.refusal("is a token that no header can carry".to_owned()))
        });
        match stored {
            Ok(()) => self.strayed.0.set(grant).is_ok(),
            Err(refusal) => {
                self.untried(&refusal);
                false
            }
        }
    }

    /// A token that was asked for another resource, if it is for another one: an authorization server
    /// that does not know `resource` gives what the target must accept.
    fn foreign(&self, granted: Granted) -> Result<Granted, Refusal> {
        let own = self.grant.token().and_then(|token| token.access());
        let own = own.as_ref().and_then(audience::of);
        match audience::of(&granted.tokens.access) {
            Some(foreign) if foreign.iter().any(|one| own.as_ref().is_some_and(|own| own.contains(one))) => Err(self.refusal(
                "is for the audience of the user's own token, so that this target may accept it (RFC \
                 8707 section 2: authorization servers may not know other resources)"
                    .to_owned(),
            )),
            _ => Ok(granted),
        }
    }

    /// Finds the authorization server and registers a client there, and goes no further. Whether
    /// that was tried at all; why not is told.
    pub(super) async fn register(&self) -> bool {
        let mut journey = self.realm.journey(self.user, 0);
        match self.realm.register(&mut journey).await {
            Ok(()) => true,
            Err(refusal) if was_tried(&refusal) => true,
            Err(refusal) => {
                self.untried(&refusal);
                false
            }
        }
    }

    /// Refreshes the tokens though it may not be due; a refusal leaves everything as it is.
    pub(super) async fn refresh_now(&self) -> Outcome {
        // Never closed, so this never fails.
        let Ok(_turn) = self.turn.acquire().await else { return Outcome::NeverSent };
        let Some(refresh) = self.grant.token().and_then(|token| token.refresh.clone()) else {
            return Outcome::NeverSent;
        };
        let mut journey = self.realm.journey(self.user, 0);
        let (standing, challenge) = (self.grant.standing(), Challenge::default());
        let came = self.realm.refresh(&mut journey, refresh.clone(), standing, challenge).await;
        let stored = came.and_then(|granted| {
            let rotated = granted.tokens.refresh.as_ref() != Some(&refresh);
            self.store(self.user, Leg::Refresh, granted).map(|()| rotated)
        });
        match stored {
            Ok(rotated) => {
                self.realm.tell(self.user, GrantChange::Refreshed { rotated });
                Outcome::Ok
            }
            Err(refusal) => ended(&refusal.what),
        }
    }

    fn none_given(&self, given: usize) -> Refusal {
        self.refusal(format!("has no token for user {}: the file has {given} lines", self.user))
    }

    fn refusal(&self, said: String) -> Refusal {
        Refusal::new(Leg::Token, &self.realm.target, What::Consent(said))
    }

    fn untried(&self, refusal: &Refusal) {
        let (user, at) = (self.user, self.now());
        let operation = refusal.leg.operation();
        let (said, what_to_do) = (refusal.to_string(), refusal.what_to_do());
        let untried = Refused { user, at, operation, said, what_to_do };
        self.realm.recorder.tell(user, Event::Untried(Box::new(untried)));
    }
}

/// Whether a registration was sent.
const fn was_tried(refusal: &Refusal) -> bool {
    let unsent = matches!(refusal.what, What::NotGone(_) | What::NoIdentity);
    matches!(refusal.leg, Leg::Registration) && !unsent
}

impl Lease {
    /// Which token it is, if it is one.
    pub fn whose(&self) -> Option<Whose> {
        match &self.0 {
            Lent::Nothing | Lent::Header(..) => None,
            Lent::Token(token) => Some(Whose::Own { ends: token.expires }),
            Lent::Foreign(_) => Some(Whose::Foreign),
        }
    }
}
