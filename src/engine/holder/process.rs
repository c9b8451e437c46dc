//! A client process whose user has a grant: when it renews tokens, and what it does when they are
//! refused.
//!
//! ```text
//! lend ── token holds ──────────────────────────────────────────► lease
//!   │ no token: the first request goes without      │ near its end
//!   ▼                                               ▼
//! lease ─► 401 ─► refused ─► authorise            refresh ─► lease
//!                    │ a token was lent             │ invalid_grant, invalid_client
//!                    └─► refresh ─► once more       └─► authorise, once
//!                                    │ nonsense: no tokens, and a login when that was noticed
//! ```
//! One renews at a time, in a task of its own: a call that is given up in the middle of it must not
//! lose the tokens that a server has already replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::errands::{Errand, Errands};
use super::habit::Strayed;
use super::met::Met;
use super::patience::Patience;
use super::race::Races;
use super::widening::Widenings;
use super::without::{LOGIN_PAUSE, Pauses};
use super::{Lease, Lent};
use crate::engine::grant::{Grant, Standing, Unfit};
use crate::engine::legs::Journey;
use crate::engine::realm::Realm;
use crate::model::event::{Event, GrantChange, Issued, Refused};
use crate::model::leg::Leg;
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::grant::{Granted, Known};
use crate::protocol::oauth::refusal::{Reaction, Refusal, What};
use crate::protocol::oauth::saved::Kept;

/// A refresh that failed for now is tried again after this, unless the server names a time.
const REFRESH_PAUSE: Duration = Duration::from_secs(5);
/// What a call ends as whose user has no tokens.
const WITHOUT: Outcome = Outcome::Unauthorised(401);

/// One process, and the grant of its user, or the one of all users.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) realm: Arc<Realm>,
    pub(super) user: u32,
    pub(super) grant: Grant,
    /// For the one who renews.
    turn: Arc<Semaphore>,
    pub(super) pauses: Mutex<Pauses>,
    pub(super) refused: Mutex<Option<Refused>>,
    pub(super) met: Met,
    /// What goes on beside the calls.
    pub(super) errands: Errands,
    pub(super) races: Races,
    widenings: Widenings,
    pub(super) strayed: Strayed,
}

/// Why tokens are renewed.
enum Why {
    /// They are near their end.
    Due,
    /// They were refused, or there are none.
    Refused(Challenge),
    /// Their scope was too little.
    Scope(Challenge),
}

/// What a user consents to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// A grant.
    Begin,
    /// The same for another client: the server has just forgotten the one there was.
    BeginAsAnother,
    /// More scope.
    Widen,
}

impl Process {
    pub(super) fn new(realm: Arc<Realm>, user: u32) -> Arc<Self> {
        Self::with(realm, user, Grant::default())
    }

    /// One whose user has something already.
    pub(super) fn with(realm: Arc<Realm>, user: u32, grant: Grant) -> Arc<Self> {
        Arc::new(Self {
            realm,
            user,
            grant,
            turn: Arc::new(Semaphore::new(1)),
            pauses: Mutex::default(),
            refused: Mutex::default(),
            met: Met::default(),
            errands: Errands::default(),
            races: Races::default(),
            widenings: Widenings::default(),
            strayed: Strayed::default(),
        })
    }

    /// What the user has, to be kept.
    pub(super) fn kept(&self, times: (Duration, Duration)) -> Option<Kept> {
        self.grant.kept(&self.realm.target, times)
    }

    /// The credential, where nothing has to be waited for.
    pub(super) fn ready(&self, patience: &mut Patience) -> Option<Lease> {
        if let Some(lease) = self.checks() {
            return Some(lease);
        }
        let Some(token) = self.grant.token() else {
            // Before the first consent a request goes without, and is told where to get one.
            return (!self.is_locked_out()).then_some(Lease(Lent::Nothing));
        };
        if self.begins_anew(&token) {
            return None;
        }
        let pauses = self.now() < self.pauses().refresh;
        let is_being_renewed = self.turn.available_permits() == 0;
        let is_presented = self.believes(&token, patience, |now| {
            let waits = token.is_due(now) && !pauses && !is_being_renewed;
            let usable = !token.is_over(now) || (token.refresh.is_none() && !is_being_renewed);
            usable && !waits
        });
        is_presented.then_some(Lease(Lent::Token(token)))
    }

    /// The credential, renewed if that is due, for a call of `user`.
    pub(super) async fn lend(
        self: &Arc<Self>,
        user: u32,
        patience: &mut Patience,
    ) -> Result<Lease, Outcome> {
        let generation = self.grant.generation();
        if self.is_locked_out() && self.grant.token().is_none() {
            self.goes_without(patience);
            return Err(WITHOUT);
        }
        self.renewed((user, generation), Why::Due, patience).await;
        let Some(token) = self.grant.token() else { return Err(WITHOUT) };
        let is_good = if token.generation == generation {
            self.believes(&token, patience, |now| !token.is_over(now))
        } else {
            !token.is_over(self.now())
        };
        if is_good { Ok(Lease(Lent::Token(token))) } else { Err(WITHOUT) }
    }

    /// What a refusal of a call of `user` leads to: whether there is another credential.
    pub(super) async fn refused(
        self: &Arc<Self>,
        (user, generation): (u32, u64),
        status: u16,
        headers: &HeaderMap,
        patience: &mut Patience,
    ) -> bool {
        let challenge = Challenge::read(headers);
        let why = match status {
            401 if patience.renewed => return false,
            401 => {
                patience.renewed = true;
                self.note_refused((user, generation), status);
                Why::Refused(challenge)
            }
            403 if challenge.insufficient_scope() => {
                if patience.step_ups >= self.realm.oauth.step_ups {
                    self.realm.tell(user, GrantChange::ScopeRefused { widens: false });
                    return false;
                }
                patience.step_ups += 1;
                Why::Scope(challenge)
            }
            _ => return false,
        };
        self.renewed((user, generation), why, patience).await
    }

    /// A 401 to a token: was its time over?
    pub(super) fn note_refused(&self, (user, generation): (u32, u64), status: u16) {
        let token = self.grant.token();
        let token = token.filter(|token| token.generation == generation && status == 401);
        let Some(token) = token else { return };
        // One whose end nobody said may well be over.
        let is_over = token.expires.is_none() || token.is_over(self.now());
        if !is_over {
            self.races_lost();
        }
        let change = if is_over { GrantChange::Expired } else { GrantChange::RefusedEarly };
        self.realm.tell(user, change);
    }

    /// Sees to it that there is a newer token than the one of `generation`; whether there is.
    async fn renewed(self: &Arc<Self>, of: (u32, u64), why: Why, patience: &mut Patience) -> bool {
        let is_renewed = self.try_to_renew(of, why, patience).await;
        if !is_renewed {
            self.goes_without(patience);
        }
        is_renewed
    }

    async fn try_to_renew(
        self: &Arc<Self>,
        (user, generation): (u32, u64),
        why: Why,
        patience: &mut Patience,
    ) -> bool {
        let waits = self.turn.available_permits() == 0;
        // Never closed, so this never fails.
        let Ok(permit) = Arc::clone(&self.turn).acquire_owned().await else { return false };
        if waits {
            self.waited_for(patience);
        }
        let token = self.grant.token();
        let is_newer = token.is_some() && self.grant.generation() != generation;
        if is_newer || token.is_none() && self.is_locked_out() {
            return is_newer;
        }
        if let Why::Scope(challenge) = &why {
            // A token that was not got since the same challenge will not be got by the next one.
            let widens = self.widenings.begin(&challenge.scopes, self.now());
            self.realm.tell(user, GrantChange::ScopeRefused { widens });
            if !widens {
                return false;
            }
        }
        let (tell, told) = oneshot::channel();
        let process = Arc::clone(self);
        let renewing = tokio::spawn(async move {
            let journey = process.renew(user, why, permit).await;
            let _nobody_waits =
                tell.send((journey.count(), journey.waited, journey.met())).is_err();
        });
        self.errand(renewing, Errand::Renewing);
        let (legs, waited, met) = told.await.unwrap_or_default();
        patience.has_met(met);
        patience.legs += legs;
        patience.waited += waited;
        self.grant.generation() != generation && self.grant.token().is_some()
    }

    async fn renew(self: &Arc<Self>, user: u32, why: Why, permit: OwnedSemaphorePermit) -> Journey {
        let (mut journey, generation) = (self.realm.journey(user, 0), self.grant.generation());
        match why {
            Why::Scope(challenge) => self.authorise(&mut journey, challenge, To::Widen).await,
            Why::Due => self.refresh(&mut journey, Challenge::default()).await,
            Why::Refused(challenge) => self.refresh(&mut journey, challenge).await,
        }
        self.has_met(&journey, generation);
        drop(permit);
        journey
    }

    /// Refreshes, or authorises where there is nothing to refresh with.
    async fn refresh(self: &Arc<Self>, journey: &mut Journey, challenge: Challenge) {
        let Some(refresh) = self.grant.token().and_then(|token| token.refresh.clone()) else {
            let is_refused = self.grant.token().and_then(|_| self.realm.ends_with(&challenge));
            return match is_refused {
                Some(refusal) => self.lock_out(journey.user, &refusal),
                None => self.authorise(journey, challenge, To::Begin).await,
            };
        };
        if self.now() < self.pauses().refresh {
            return;
        }
        let (standing, races) = (self.grant.standing(), self.races.run());
        let client = standing.known.client.clone();
        let first = self.race(journey.user, &refresh, &standing);
        let came = self.realm.refresh(journey, refresh.clone(), standing, challenge.clone()).await;
        first.answered(self.now());
        let came = came.and_then(|granted| {
            let rotated = granted.tokens.refresh.as_ref() != Some(&refresh);
            self.races_won(races);
            self.store(journey.user, Leg::Refresh, granted).map(|()| rotated)
        });
        let refusal = match came {
            Ok(rotated) => {
                return self.realm.tell(journey.user, GrantChange::Refreshed { rotated });
            }
            Err(refusal) => refusal,
        };
        match refusal.reaction() {
            Reaction::Later(after) => {
                let now = self.now();
                self.pauses_mut(|pauses| pauses.refresh = now + after.unwrap_or(REFRESH_PAUSE));
            }
            Reaction::Forgotten => {
                self.realm.tell(journey.user, GrantChange::ClientForgotten);
                self.realm.forget_client(client.as_deref());
                self.begin(journey, challenge, To::BeginAsAnother, &refusal).await;
            }
            Reaction::Dead => {
                self.races_lost();
                self.realm.tell(journey.user, GrantChange::Lost);
                self.begin(journey, challenge, To::Begin, &refusal).await;
            }
            // The server knows the grant, but not with these scopes: others are chosen.
            Reaction::FewerScopes => self.begin(journey, challenge, To::Begin, &refusal).await,
            // No new login helps a server that answers nonsense: the person who looks is told why,
            // and logs in when it has noticed.
            Reaction::GiveUp => self.lock_out(journey.user, &refusal),
        }
    }

    /// Begins anew after this refusal of a refresh, which is the end where nobody can consent.
    async fn begin(&self, journey: &mut Journey, challenge: Challenge, to: To, why: &Refusal) {
        self.grant.drop_tokens(to != To::BeginAsAnother);
        if self.realm.has_nobody() {
            self.lock_out(journey.user, why);
        } else {
            self.authorise(journey, challenge, to).await;
        }
    }

    /// A process that was refused takes the grant for dead, without a look at the tokens in use.
    pub(super) async fn log_out(&self, mut journey: Journey, grant: u64) {
        // Never closed, so this never fails.
        let Ok(_turn) = self.turn.acquire().await else { return };
        if self.races.grant() != grant || self.is_locked_out() {
            // Somebody else has meanwhile, or could not.
            return;
        }
        self.realm.tell(journey.user, GrantChange::Lost);
        self.grant.drop_tokens(true);
        let generation = self.grant.generation();
        self.authorise(&mut journey, Challenge::default(), To::Begin).await;
        self.has_met(&journey, generation);
    }

    /// Stores what this leg brought.
    fn store(&self, user: u32, leg: Leg, granted: Granted) -> Result<(), Refusal> {
        let (at, lifetime) = (self.now(), granted.tokens.expires_in);
        let server = granted.known.server.clone();
        self.grant.store(granted, &self.realm.oauth, at).map_err(|Unfit| {
            let at = server.as_ref().map_or(&self.realm.target, |server| &server.token);
            Refusal::new(leg, at, What::UnfitToken)
        })?;
        self.realm.recorder.tell(user, Event::Issued(Issued { user, at, lifetime }));
        Ok(())
    }

    /// Has the user consent; once more as another client, if the server forgot the one it had.
    async fn authorise(&self, journey: &mut Journey, challenge: Challenge, to: To) {
        let mut standing = self.grant.standing();
        let (again, is_wider) = (self.grant.has_consented(), to == To::Widen);
        let mut is_last = to == To::BeginAsAnother || self.realm.identity.is_some();
        if !is_wider {
            self.forget_met();
        }
        loop {
            let challenge = challenge.clone();
            let came = self.realm.authorise(journey, challenge, standing.clone(), is_wider).await;
            let refusal =
                match came.and_then(|granted| self.store(journey.user, Leg::Token, granted)) {
                    Ok(()) => {
                        self.races_over();
                        if !is_wider {
                            self.widenings.forget();
                        }
                        return self.realm.tell(journey.user, GrantChange::Authorised { again });
                    }
                    Err(refusal) => refusal,
                };
            if is_last || refusal.reaction() != Reaction::Forgotten {
                return match refusal.reaction() {
                    _ if !is_wider => self.lock_out(journey.user, &refusal),
                    Reaction::Later(after) => {
                        self.widenings.put_off(self.now() + after.unwrap_or(LOGIN_PAUSE));
                    }
                    _ => {}
                };
            }
            self.realm.tell(journey.user, GrantChange::ClientForgotten);
            standing = Standing { known: Known::default(), ..standing };
            is_last = true;
        }
    }

    pub(super) fn issued(&self) -> Vec<Secret> {
        let mut issued = self.grant.issued();
        issued.extend(self.strayed.issued());
        issued
    }

    pub(super) fn now(&self) -> Duration {
        self.realm.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rehearsal::authority::{Authority, guarded, realm};
    use crate::engine::rehearsal::common;
    use crate::model::plan::{Credential, sample};
    use crate::protocol::oauth::token::Tokens;

    #[tokio::test(start_paused = true)]
    async fn a_token_that_no_header_carries_is_named_and_the_old_one_stays() {
        let server = guarded(&Authority::new(30), |_| None);
        let common = common(&server, sample::plain(), &Credential::None);
        let realm = Arc::new(realm(&server, sample::oauth(), &common.wire, None));
        let process = Process::new(realm, 0);
        let granted = |access: &str| {
            let (refresh, expires_in, scopes) = (Some(Secret::new("r")), None, None);
            let tokens = Tokens { access: Secret::new(access), refresh, expires_in, scopes };
            Granted { tokens, scopes: Vec::new(), known: Known::default() }
        };
        process.store(0, Leg::Token, granted("a")).unwrap();
        let refusal = process.store(0, Leg::Refresh, granted("b\nc")).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "refresh: http://localhost/mcp gave an access token that no header can carry: RFC 6750 \
             section 2.1"
        );
        assert_eq!((refusal.reaction(), process.grant.generation()), (Reaction::GiveUp, 1));
    }
}
