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
//! ```
//! One renews at a time, in a task of its own: a call that is given up in the middle of it must not
//! lose the tokens that a server has already replaced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::habit::Strayed;
use super::race::Races;
use super::{Lease, Lent};
use crate::engine::grant::{Grant, Standing};
use crate::engine::legs::Journey;
use crate::engine::realm::Realm;
use crate::model::event::{Event, GrantChange, Issued, Refused};
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::grant::{Granted, Known};
use crate::protocol::oauth::refusal::{Reaction, Refusal, What};
use crate::protocol::oauth::saved::Kept;

/// A user who came to no tokens tries again after this: about as long as a person needs to notice.
const LOGIN_PAUSE: Duration = Duration::from_secs(60);
/// A refresh that failed for now is tried again after this, unless the server names a time.
const REFRESH_PAUSE: Duration = Duration::from_secs(5);

/// What a call ends as whose user has no tokens.
const WITHOUT: Outcome = Outcome::Unauthorised(401);

/// One process, and the grant of its user.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) realm: Arc<Realm>,
    pub(super) user: u32,
    pub(super) grant: Grant,
    /// For the one who renews.
    turn: Arc<Semaphore>,
    pauses: Mutex<Pauses>,
    /// What goes on beside the calls.
    errands: Mutex<Vec<JoinHandle<()>>>,
    pub(super) races: Races,
    pub(super) strayed: Strayed,
}

/// Until when what failed is not tried again.
#[derive(Debug, Default, Clone, Copy)]
struct Pauses {
    login: Duration,
    refresh: Duration,
}

/// How much one exchange has put up with so far.
#[derive(Debug, Default)]
pub struct Patience {
    renewed: bool,
    step_ups: u32,
    /// Scopes of the last 403.
    asked: Vec<String>,
    /// Legs that this took.
    pub legs: u32,
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
            errands: Mutex::default(),
            races: Races::default(),
            strayed: Strayed::default(),
        })
    }

    /// The same user in another load, whose clock began `ahead` later.
    pub(super) fn inherited(&self, realm: Arc<Realm>, ahead: Duration) -> Arc<Self> {
        Self::with(realm, self.user, self.grant.earlier(ahead))
    }

    /// What the user has, to be kept.
    pub(super) fn kept(&self, times: (Duration, Duration)) -> Option<Kept> {
        self.grant.kept(times)
    }

    /// The credential, where nothing has to be waited for.
    pub(super) fn ready(&self) -> Option<Lease> {
        if let Some(lease) = self.checks() {
            return Some(lease);
        }
        let now = self.now();
        let Some(token) = self.grant.token() else {
            // Before the first consent a request goes without, and is told where to get one.
            return (!self.is_locked_out()).then_some(Lease(Lent::Nothing));
        };
        let pauses = now < self.pauses().refresh;
        let is_being_renewed = self.turn.available_permits() == 0;
        let waits = token.is_due(now) && !pauses && !is_being_renewed;
        let usable = !token.is_over(now) || (token.refresh.is_none() && !is_being_renewed);
        (usable && !waits).then_some(Lease(Lent::Token(token)))
    }

    /// The credential, renewed if that is due.
    pub(super) async fn lend(self: &Arc<Self>, legs: &mut u32) -> Result<Lease, Outcome> {
        let generation = self.grant.generation();
        if self.is_locked_out() && self.grant.token().is_none() {
            return Err(WITHOUT);
        }
        self.renewed(generation, Why::Due, legs).await;
        match self.grant.token() {
            Some(token) if !token.is_over(self.now()) => Ok(Lease(Lent::Token(token))),
            _ => Err(WITHOUT),
        }
    }

    /// What a refusal leads to: whether there is another credential.
    pub(super) async fn refused(
        self: &Arc<Self>,
        generation: u64,
        status: u16,
        headers: &HeaderMap,
        patience: &mut Patience,
    ) -> bool {
        let challenge = Challenge::read(headers);
        let why = match status {
            401 if patience.renewed => return false,
            401 => {
                patience.renewed = true;
                self.note_refused(generation, status);
                Why::Refused(challenge)
            }
            403 if challenge.insufficient_scope() => {
                let is_same = patience.step_ups > 0 && patience.asked == challenge.scopes;
                if patience.step_ups >= self.realm.oauth.step_ups || is_same {
                    return false;
                }
                patience.step_ups += 1;
                patience.asked.clone_from(&challenge.scopes);
                self.realm.tell(self.user, GrantChange::ScopeRefused);
                Why::Scope(challenge)
            }
            _ => return false,
        };
        self.renewed(generation, why, &mut patience.legs).await
    }

    /// A 401 to a token: was its time over?
    pub(super) fn note_refused(&self, generation: u64, status: u16) {
        let token = self.grant.token();
        let token = token.filter(|token| token.generation == generation && status == 401);
        let Some(token) = token else { return };
        let is_over = token.is_over(self.now());
        if !is_over {
            self.races_lost();
        }
        let change = if is_over { GrantChange::Expired } else { GrantChange::RefusedEarly };
        self.realm.tell(self.user, change);
    }

    /// Sees to it that there is a newer token than the one of `generation`; whether there is.
    async fn renewed(self: &Arc<Self>, generation: u64, why: Why, legs: &mut u32) -> bool {
        // Never closed, so this never fails.
        let Ok(permit) = Arc::clone(&self.turn).acquire_owned().await else { return false };
        let token = self.grant.token();
        if self.grant.generation() != generation || token.is_none() && self.is_locked_out() {
            return token.is_some();
        }
        let (tell, told) = oneshot::channel();
        let process = Arc::clone(self);
        let renewing = tokio::spawn(async move {
            let journey = process.renew(why, permit).await;
            let _nobody_waits = tell.send(journey.count()).is_err();
        });
        self.errand(renewing);
        *legs += told.await.unwrap_or(0);
        self.grant.generation() != generation && self.grant.token().is_some()
    }

    async fn renew(self: &Arc<Self>, why: Why, permit: OwnedSemaphorePermit) -> Journey {
        let mut journey = self.realm.journey(self.user, 0);
        match why {
            Why::Scope(challenge) => self.authorise(&mut journey, challenge, true).await,
            Why::Due => self.refresh(&mut journey, Challenge::default()).await,
            Why::Refused(challenge) => self.refresh(&mut journey, challenge).await,
        }
        drop(permit);
        journey
    }

    /// Refreshes, or authorises where there is nothing to refresh with.
    async fn refresh(self: &Arc<Self>, journey: &mut Journey, challenge: Challenge) {
        let Some(refresh) = self.grant.token().and_then(|token| token.refresh.clone()) else {
            return self.authorise(journey, challenge, false).await;
        };
        let now = self.now();
        if now < self.pauses().refresh {
            return;
        }
        let (standing, races) = (self.grant.standing(), self.races.run());
        let first = self.race(&refresh, &standing);
        let came = self.realm.refresh(journey, refresh.clone(), standing, challenge.clone()).await;
        first.answered(self.now());
        let refusal = match came {
            Ok(granted) => {
                let rotated = granted.tokens.refresh.as_ref() != Some(&refresh);
                if self.store(granted) {
                    self.realm.tell(self.user, GrantChange::Refreshed { rotated });
                }
                self.races_won(races);
                return;
            }
            Err(refusal) => refusal,
        };
        match refusal.reaction() {
            Reaction::Later(after) => {
                self.pauses_mut(|pauses| pauses.refresh = now + after.unwrap_or(REFRESH_PAUSE));
            }
            Reaction::Forgotten => {
                self.realm.tell(self.user, GrantChange::ClientForgotten);
                self.realm.forget_client();
                self.grant.drop_tokens(false);
                self.authorise(journey, challenge, false).await;
            }
            Reaction::Dead | Reaction::FewerScopes | Reaction::GiveUp => {
                self.races_lost();
                self.realm.tell(self.user, GrantChange::Lost);
                self.grant.drop_tokens(true);
                self.authorise(journey, challenge, false).await;
            }
        }
    }

    /// A process that was refused takes the grant for dead, without a look at the tokens in use.
    pub(super) async fn log_out(&self, mut journey: Journey) {
        // Never closed, so this never fails.
        let Ok(_turn) = self.turn.acquire().await else { return };
        self.realm.tell(self.user, GrantChange::Lost);
        self.grant.drop_tokens(true);
        self.authorise(&mut journey, Challenge::default(), false).await;
    }

    /// Has the user consent; once more as another client, if the server forgot the one it had.
    async fn authorise(&self, journey: &mut Journey, challenge: Challenge, is_wider: bool) {
        let mut standing = self.grant.standing();
        let mut refusal = None;
        for _ in 0..2 {
            let challenge = challenge.clone();
            match self.realm.authorise(journey, challenge, standing.clone(), is_wider).await {
                Ok(granted) => {
                    let again = self.grant.has_consented();
                    if self.store(granted) {
                        self.races_over();
                        self.realm.tell(self.user, GrantChange::Authorised { again });
                        return;
                    }
                    break;
                }
                Err(why) => {
                    let is_forgotten = why.reaction() == Reaction::Forgotten;
                    refusal = Some(why);
                    if !is_forgotten || self.realm.identity.is_some() {
                        break;
                    }
                    self.realm.tell(self.user, GrantChange::ClientForgotten);
                    self.realm.forget_client();
                    standing = Standing { known: Known::default(), ..standing };
                }
            }
        }
        if !is_wider {
            self.lock_out(refusal);
        }
    }

    /// Takes what was granted; false if no header can carry it.
    fn store(&self, granted: Granted) -> bool {
        let (user, at, lifetime) = (self.user, self.now(), granted.tokens.expires_in);
        let is_stored = self.grant.store(granted, &self.realm.oauth, at).is_ok();
        if is_stored {
            let issued = Issued { user, at, lifetime };
            self.realm.recorder.tell(user, Event::Issued(issued));
        }
        is_stored
    }

    /// The user has no tokens, and tries again later.
    fn lock_out(&self, refusal: Option<Refusal>) {
        let refusal = refusal.unwrap_or_else(|| {
            let leg = crate::model::leg::Leg::Token;
            let unfit = What::Consent("gave an access token that no header can carry".to_owned());
            Refusal::new(leg, &self.realm.target, unfit)
        });
        let after = match refusal.reaction() {
            Reaction::Later(Some(after)) => after,
            _ => LOGIN_PAUSE,
        };
        let at = self.now();
        self.pauses_mut(|pauses| pauses.login = at + after);
        self.grant.drop_tokens(true);
        self.realm.tell(self.user, GrantChange::LockedOut);
        let operation = refusal.leg.operation();
        let (said, what_to_do) = (refusal.to_string(), refusal.what_to_do());
        let refused = Refused { user: self.user, at, operation, said, what_to_do };
        self.realm.recorder.tell(self.user, Event::Refused(Box::new(refused)));
    }

    /// Ends what goes on beside the calls, and waits until that has been told.
    pub(super) async fn leave(&self) {
        let errands = std::mem::take(&mut *self.lock());
        for errand in &errands {
            errand.abort();
        }
        for errand in errands {
            let _aborted = errand.await.is_err();
        }
        self.races_over();
    }

    pub(super) fn errand(&self, errand: JoinHandle<()>) {
        let mut errands = self.lock();
        errands.retain(|errand| !errand.is_finished());
        errands.push(errand);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.errands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_locked_out(&self) -> bool {
        self.now() < self.pauses().login
    }

    pub(super) fn issued(&self) -> Vec<Secret> {
        let mut issued = self.grant.issued();
        issued.extend(self.strayed.issued());
        issued
    }

    pub(super) fn now(&self) -> Duration {
        self.realm.clock.now()
    }

    fn pauses(&self) -> Pauses {
        *self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pauses_mut(&self, change: impl FnOnce(&mut Pauses)) {
        change(&mut self.pauses.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
