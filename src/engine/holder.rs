//! One client process's copy of what its user may present: nothing, a bearer token, a header, or
//! tokens that an authorization server gave that user.

mod errands;
mod habit;
mod heir;
mod met;
mod patience;
mod process;
mod race;
mod skew;
mod widening;
mod without;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};

pub use self::habit::{Habit, Source};
pub use self::patience::Patience;
use self::process::Process;
use super::grant::{Grant, Token};
use super::realm::{Realm, SCOUT};
use crate::model::outcome::Outcome;
use crate::model::plan::Credential;
use crate::model::plan::auth::One;
use crate::model::secret::Secret;
use crate::protocol::oauth::saved::Kept;

/// What the users of a load present, or how each comes to something of its own.
#[derive(Debug, Clone)]
pub struct Wallet {
    presented: Arc<Presented>,
    realm: Option<Arc<Realm>>,
    /// What users had before the load, or keep for it.
    kept: Option<Arc<Processes>>,
    /// What all users have.
    one: Option<(One, Arc<Process>)>,
}

/// Client processes by their users.
type Processes = Mutex<HashMap<u32, Arc<Process>>>;

/// A header and its value.
type Header = (HeaderName, HeaderValue);

/// The same for all users.
#[derive(Debug)]
struct Presented {
    header: Option<(HeaderName, HeaderValue)>,
    secrets: Vec<Secret>,
}

/// Lends the credential to every exchange, and knows it again in what comes back.
#[derive(Debug)]
pub struct Holder {
    presented: Arc<Presented>,
    process: Option<Arc<Process>>,
    user: u32,
    /// The last time that all users came to no tokens which this one was told of.
    without: AtomicU64,
    /// The process serves other users, too.
    is_shared: bool,
}

/// What an exchange carries; valid for that exchange.
#[derive(Debug, Clone)]
pub struct Lease(Lent);

#[derive(Debug, Clone)]
enum Lent {
    Nothing,
    Header(HeaderName, HeaderValue),
    Token(Arc<Token>),
    /// One for another resource.
    Foreign(Arc<Token>),
}

/// A credential that cannot be a header.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// The header's name has characters a name must not have (RFC 9110 section 5.1).
    #[error("auth.name is not a header name: it may hold letters, digits and -_.!#$%&'*+^`|~")]
    Name(#[from] InvalidHeaderName),
    /// The value has characters a value must not have (RFC 9110 section 5.5).
    #[error(
        "the credential in [auth] holds characters that no header can carry, such as a line end"
    )]
    Value(#[from] InvalidHeaderValue),
}

impl Wallet {
    /// What the scenario gave; `environment` is known again in what comes back, too.
    pub fn of(credential: &Credential, environment: &[Secret]) -> Result<Self, HolderError> {
        let (header, mut secrets) = presented(credential)?;
        secrets.extend_from_slice(environment);
        Ok(Self {
            presented: Arc::new(Presented { header, secrets }),
            realm: None,
            kept: None,
            one: None,
        })
    }

    /// Each user gets tokens of its own there.
    #[must_use]
    pub fn granted_by(mut self, realm: Realm) -> Self {
        self.realm = Some(Arc::new(realm));
        self
    }

    /// From now on keeps what each user comes to.
    pub fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// Users have these from the start, numbered from 0, and some have none.
    pub fn give(&mut self, grants: Vec<Option<Grant>>) {
        let Some(realm) = &self.realm else { return };
        let own = |(user, grant): (u32, Option<Grant>)| {
            grant.map(|grant| (user, Process::with(Arc::clone(realm), user, grant)))
        };
        self.kept = Some(Arc::new(Mutex::new((0..).zip(grants).filter_map(own).collect())));
    }

    /// All users have one grant: this, or what the first of them comes to.
    pub fn give_one(&mut self, one: One, grant: Option<Grant>) {
        let Some(realm) = &self.realm else { return };
        let process = Process::with(Arc::clone(realm), SCOUT, grant.unwrap_or_default());
        self.one = Some((one, process));
        self.kept = (one == One::Cloned).then(Arc::default);
    }

    /// What each user has, from number 0 to the last one that kept something; of one grant, the copy
    /// that is good for longest.
    pub fn kept(&self, times: (Duration, Duration)) -> Vec<Option<Kept>> {
        let copies = self.copies(times);
        let Some((_, process)) = &self.one else { return copies };
        let all = copies.into_iter().flatten().chain(process.kept(times));
        all.max_by_key(|kept| kept.expires).map(Some).into_iter().collect()
    }

    fn copies(&self, times: (Duration, Duration)) -> Vec<Option<Kept>> {
        let Some(processes) = &self.kept else { return Vec::new() };
        let processes = processes.lock().unwrap_or_else(PoisonError::into_inner);
        // Who only looked is no user.
        let last = processes.keys().copied().filter(|user| *user != SCOUT).max();
        let users = last.into_iter().flat_map(|last| 0..=last);
        users.map(|user| processes.get(&user)?.kept(times)).collect()
    }

    /// Its users have what those of `before` kept, by a clock that was `ahead` of this one's.
    pub fn inherit(&mut self, before: &Self, ahead: Duration) {
        let Some(realm) = &self.realm else { return };
        if let Some(theirs) = &before.realm {
            realm.share_client_of(theirs);
        }
        if let (Some((_, process)), Some((_, theirs))) = (&mut self.one, &before.one) {
            *process = theirs.inherited(Arc::clone(realm), ahead);
            return;
        }
        let Some(kept) = &before.kept else { return };
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let heir = |(user, process): (&u32, &Arc<Process>)| {
            (*user, process.inherited(Arc::clone(realm), ahead))
        };
        // Who only looked has no heir.
        let users = kept.iter().filter(|(user, _)| **user != SCOUT);
        self.kept = Some(Arc::new(Mutex::new(users.map(heir).collect())));
    }

    /// A user's holder.
    pub fn holder(&self, user: u32) -> Holder {
        let process = self.realm.as_ref().map(|realm| self.process(realm, user));
        let is_shared = matches!(self.one, Some((One::Shared, _)));
        let (presented, without) = (Arc::clone(&self.presented), AtomicU64::default());
        Holder { presented, process, user, without, is_shared }
    }

    /// Ends what goes on beside the calls of users who share a process: none of them does.
    pub async fn close(&self) {
        if let Some((_, process)) = &self.one {
            process.leave().await;
        }
    }

    fn process(&self, realm: &Arc<Realm>, user: u32) -> Arc<Process> {
        let new = || match &self.one {
            Some((One::Cloned, process)) if user != SCOUT => process.cloned_for(user),
            Some((_, process)) => Arc::clone(process),
            None => Process::new(Arc::clone(realm), user),
        };
        let Some(kept) = &self.kept else { return new() };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(user).or_insert_with(new))
    }
}

fn presented(credential: &Credential) -> Result<(Option<Header>, Vec<Secret>), HolderError> {
    let (name, value, secrets) = match credential {
        Credential::None | Credential::Granted(_) => return Ok((None, Vec::new())),
        Credential::Bearer(token) => {
            (AUTHORIZATION, format!("Bearer {}", token.expose()), vec![token.clone()])
        }
        Credential::Header { name, value } => {
            let name = HeaderName::try_from(name.as_str())?;
            (name, value.expose().to_owned(), vec![value.clone()])
        }
        Credential::Basic { user, password } => {
            let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
            let secrets = vec![Secret::new(pair.as_str()), password.clone()];
            (AUTHORIZATION, format!("Basic {pair}"), secrets)
        }
    };
    let mut value = HeaderValue::from_str(&value)?;
    value.set_sensitive(true);
    Ok((Some((name, value)), secrets))
}

impl Holder {
    /// The credential of every exchange; nothing where it is one that is renewed.
    pub fn ready(&self) -> Option<Lease> {
        let header = self.presented.header.clone();
        let lent = header.map_or(Lent::Nothing, |(name, value)| Lent::Header(name, value));
        self.process.is_none().then_some(Lease(lent))
    }

    /// The credential for one exchange; tokens whose time is near are renewed first. `patience` is
    /// the exchange's.
    ///
    /// # Errors
    /// How a call ends whose user has none.
    pub async fn lend(&self, patience: &mut Patience) -> Result<Lease, Outcome> {
        let Some(process) = &self.process else {
            return self.ready().ok_or(Outcome::Unauthorised(401));
        };
        if let Some(lease) = process.ready(patience) {
            return Ok(lease);
        }
        let lent = process.lend(self.user, patience).await;
        if lent.is_err() {
            process.tell_without(self.user, &self.without);
        }
        lent
    }

    /// Whether a refusal may lead to another credential.
    pub fn may_renew(&self) -> bool {
        self.process.is_some()
    }

    /// A 401 or 403 to this lease. Whether there is another credential now, with which the exchange
    /// is made once more; `patience` is one exchange's.
    pub async fn refused(
        &self,
        lease: &Lease,
        (status, headers): (u16, &HeaderMap),
        patience: &mut Patience,
    ) -> bool {
        let Some(process) = &self.process else { return false };
        let of = (self.user, lease.generation());
        if process.insists_on(lease) {
            process.note_refused(of, status);
            return false;
        }
        let is_renewed = process.refused(of, status, headers, patience).await;
        if !is_renewed {
            process.tell_without(self.user, &self.without);
        }
        is_renewed
    }

    /// Whether all requests are watched that carry a token, and not only those it is refused for.
    pub fn watches(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.watches())
    }

    /// From now on presents a token for another resource. Whether there was one to be had.
    pub async fn stray(&self) -> bool {
        match &self.process {
            Some(process) => process.stray().await,
            None => false,
        }
    }

    /// Registers a client, and does no more. Whether that was tried.
    pub async fn register(&self) -> bool {
        match &self.process {
            Some(process) => process.register().await,
            None => false,
        }
    }

    /// Ends what goes on beside the calls.
    pub async fn leave(&self) {
        if let Some(process) = self.process.as_ref().filter(|_| !self.is_shared) {
            process.leave().await;
        }
    }

    /// What a target said, without the credential if it says it back: some do, in error pages.
    /// A text may have been cut within it.
    pub fn hide(&self, mut text: String) -> String {
        for secret in &self.presented.secrets {
            secret.hide_in(&mut text);
        }
        let issued = self.process.as_ref().map(|process| process.issued());
        for secret in issued.into_iter().flatten() {
            secret.hide_in(&mut text);
        }
        text
    }
}

impl Lease {
    /// Whether no call has carried its token before; true once a token.
    pub fn is_first_use(&self) -> bool {
        matches!(&self.0, Lent::Token(token) | Lent::Foreign(token) if token.is_first_use())
    }

    /// The header to send, if there is one.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match &self.0 {
            Lent::Nothing => None,
            Lent::Header(name, value) => Some((name.clone(), value.clone())),
            Lent::Token(token) | Lent::Foreign(token) => {
                Some((AUTHORIZATION, token.header.clone()))
            }
        }
    }

    /// Which token it is, counted by its grant; 0 is none.
    fn generation(&self) -> u64 {
        match &self.0 {
            Lent::Token(token) => token.generation,
            Lent::Nothing | Lent::Header(..) | Lent::Foreign(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(credential: &Credential) -> Holder {
        Wallet::of(credential, &[]).unwrap().holder(0)
    }

    fn lent(credential: &Credential) -> Option<String> {
        let (name, value) = holder(credential).ready().unwrap().header()?;
        Some(format!("{name}: {}", value.to_str().unwrap()))
    }

    #[test]
    fn each_kind_is_its_header() {
        assert_eq!(lent(&Credential::None), None);
        let bearer = Credential::Bearer(Secret::new("abc"));
        assert_eq!(lent(&bearer).unwrap(), "authorization: Bearer abc");
        let key = Credential::Header { name: "X-Api-Key".into(), value: Secret::new("k") };
        assert_eq!(lent(&key).unwrap(), "x-api-key: k");
        // The example of RFC 7617 section 2.
        let basic =
            Credential::Basic { user: "Aladdin".into(), password: Secret::new("open sesame") };
        assert_eq!(lent(&basic).unwrap(), "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_lease_does_not_print_its_secret() {
        let holder = holder(&Credential::Bearer(Secret::new("abc")));
        assert!(!format!("{holder:?} {:?}", holder.ready()).contains("abc"));
    }

    #[test]
    fn what_a_target_says_back_is_hidden() {
        let said = |credential: &Credential, text: &str| holder(credential).hide(text.to_owned());
        let bearer = Credential::Bearer(Secret::new("abc.def"));
        let basic =
            Credential::Basic { user: "Aladdin".into(), password: Secret::new("open sesame") };
        for (credential, text, hidden) in [
            (&bearer, "no: Bearer abc.def, abc.def", "no: Bearer ***, ***"),
            (&bearer, "cut: abc.de...", "cut: ***..."),
            (&bearer, "cut: ab...", "cut: ab..."),
            (&basic, "QWxhZGRpbjpvcGVuIHNlc2FtZQ== is open sesame", "*** is ***"),
            (&Credential::None, "abc.def", "abc.def"),
            (&Credential::Bearer(Secret::new("a")), "a man", "a man"),
        ] {
            assert_eq!(said(credential, text), hidden);
        }
        let environment = Wallet::of(&Credential::None, &[Secret::new("hunter2")]).unwrap();
        assert_eq!(environment.holder(0).hide("it is hunter2".to_owned()), "it is ***");
    }

    #[test]
    fn what_cannot_be_a_header_is_refused() {
        assert!(Wallet::of(&Credential::Bearer(Secret::new("a\nb")), &[]).is_err());
        let key = Credential::Header { name: "a b".into(), value: Secret::new("k") };
        assert!(Wallet::of(&key, &[]).is_err());
    }
}
