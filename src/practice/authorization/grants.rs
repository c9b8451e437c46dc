//! What users granted: refresh tokens, their rotation, and the end of a grant whose token was used
//! again. (OAuth 2.1 section 4.3.1, RFC 9700 section 4.14.2.)
//!
//! ```text
//! refresh token = id of the grant, id of the token: 32 hexadecimal digits each
//!
//!         rotated            grace             later
//! --------+------------------------+---------------------->
//!  good   | the token it became,   | reuse: the grant and
//!         | once more              | its tokens are dead
//! ```
//!
//! A token names its grant, so that one that is not the newest is known as a used one however long
//! ago it was rotated: what is kept does not grow with refreshes. At most [`MOST_GRANTS`] are kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::super::id::{Id, Ids};
use super::bounded::Bounded;

/// The most grants that are kept; then the oldest ends.
const MOST_GRANTS: usize = 100_000;
/// The most ends of grants that the resource server remembers.
const MOST_ENDS: usize = 100_000;
/// Rotated tokens of a grant whose moment is remembered, for the grace.
const MOST_OLD: usize = 16;
/// For the defect of a race: two refreshes within this are one.
const RACE: Duration = Duration::from_secs(1);

/// What a user granted, to whom, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) user: Box<str>,
    pub(super) client: Box<str>,
    /// Scopes, a space between two.
    pub(super) scope: Box<str>,
    /// The audience.
    pub(super) resource: Box<str>,
}

/// How refreshes go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) lifetime: Duration,
    pub(super) rotate: bool,
    pub(super) grace: Duration,
    pub(super) race_kills: bool,
}

#[derive(Debug)]
struct Grant {
    granted: Arc<Granted>,
    opened: Duration,
    current: Id,
    /// When the current token was issued.
    since: Duration,
    /// Rotated tokens and when, the newest last.
    old: VecDeque<(Id, Duration)>,
    refreshes: u32,
    /// A refresh is being worked on.
    busy: bool,
}

/// A refresh that was granted.
#[derive(Debug)]
pub(super) struct Refreshed {
    pub(super) grant: Id,
    pub(super) granted: Arc<Granted>,
    pub(super) opened: Duration,
    /// The refresh token to go on with, if it is another one.
    pub(super) token: Option<String>,
    /// Which refresh of the grant it is, from 1.
    pub(super) number: u32,
    /// The token was a rotated one.
    pub(super) is_graced: bool,
}

/// What a refresh did to the grant's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is another one now.
    Rotated,
    /// It stays.
    Stays,
    /// It became another one before.
    Graced,
}

/// Why a refresh was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRefresh {
    /// No grant of this client has such a token: it never had, or it ended.
    Unknown,
    /// It is past its lifetime.
    Expired,
    /// It was used before: the grant ended with this.
    Reused,
}

/// All grants. The lock is held for one look-up at a time.
#[derive(Debug)]
pub(super) struct Grants {
    open: Mutex<Bounded<Id, Grant>>,
    ids: Ids,
    /// Grants and single tokens whose access tokens are refused.
    ended: RwLock<Bounded<Id, ()>>,
    any_ended: AtomicBool,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            open: Mutex::new(Bounded::of(MOST_GRANTS)),
            ids: Ids::default(),
            ended: RwLock::new(Bounded::of(MOST_ENDS)),
            any_ended: AtomicBool::new(false),
        }
    }
}

impl Grants {
    /// An id that nobody can guess.
    pub(super) fn id(&self) -> Id {
        self.ids.issue()
    }

    /// Keeps a grant; its first refresh token.
    pub(super) fn open(&self, grant: Id, granted: Arc<Granted>, now: Duration) -> String {
        let current = self.ids.issue();
        let old = VecDeque::new();
        let kept =
            Grant { granted, opened: now, current, since: now, old, refreshes: 0, busy: false };
        self.lock().insert(grant, kept);
        written(grant, current)
    }

    /// Refreshes.
    pub(super) fn refresh(
        &self,
        token: &str,
        client: &str,
        rules: Rules,
        now: Duration,
    ) -> Result<Refreshed, NoRefresh> {
        let (id, token) = read(token).ok_or(NoRefresh::Unknown)?;
        let next = self.ids.issue();
        let mut open = self.lock();
        let grant = open.get_mut(&id).ok_or(NoRefresh::Unknown)?;
        if *grant.granted.client != *client {
            return Err(NoRefresh::Unknown);
        }
        let refreshed = grant.refresh(token, next, rules, now);
        if refreshed == Err(NoRefresh::Reused) {
            open.remove(&id);
            drop(open);
            self.end(id);
            return Err(NoRefresh::Reused);
        }
        let outcome = refreshed?;
        grant.refreshes += 1;
        Ok(Refreshed {
            grant: id,
            granted: Arc::clone(&grant.granted),
            opened: grant.opened,
            token: (outcome != Outcome::Stays).then(|| written(id, grant.current)),
            number: grant.refreshes,
            is_graced: outcome == Outcome::Graced,
        })
    }

    /// Works on the grant of a token until the guard is dropped; `None`: somebody does already.
    pub(super) fn work(&self, token: &str) -> Option<Working<'_>> {
        let Some((id, _)) = read(token) else { return Some(Working { grants: self, id: None }) };
        let mut open = self.lock();
        let Some(grant) = open.get_mut(&id) else {
            return Some(Working { grants: self, id: None });
        };
        let is_free = !std::mem::replace(&mut grant.busy, true);
        is_free.then(|| Working { grants: self, id: Some(id) })
    }

    /// Ends the grant of a refresh token of this client; `false`: there is none.
    pub(super) fn revoke(&self, token: &str, client: &str) -> bool {
        let Some((id, _)) = read(token) else { return false };
        let mut open = self.lock();
        if open.get(&id).is_none_or(|grant| *grant.granted.client != *client) {
            return false;
        }
        open.remove(&id);
        drop(open);
        self.end(id);
        true
    }

    /// Ends a grant, or refuses a single token.
    pub(super) fn end(&self, id: Id) {
        self.lock().remove(&id);
        self.ended.write().unwrap_or_else(PoisonError::into_inner).insert(id, ());
        self.any_ended.store(true, Ordering::Release);
    }

    /// Whether the access tokens of a grant, or this one, are refused.
    pub(super) fn has_ended(&self, id: Id) -> bool {
        let ended = || self.ended.read().unwrap_or_else(PoisonError::into_inner);
        self.any_ended.load(Ordering::Acquire) && ended().get(&id).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<Id, Grant>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    fn refresh(
        &mut self,
        token: Id,
        next: Id,
        rules: Rules,
        now: Duration,
    ) -> Result<Outcome, NoRefresh> {
        if now.saturating_sub(self.since) >= rules.lifetime {
            return Err(NoRefresh::Expired);
        }
        if token == self.current {
            self.since = now;
            if !rules.rotate {
                return Ok(Outcome::Stays);
            }
            if self.old.len() == MOST_OLD {
                self.old.pop_front();
            }
            self.old.push_back((self.current, now));
            self.current = next;
            return Ok(Outcome::Rotated);
        }
        let rotated = self.old.iter().find(|(old, _)| *old == token).map(|(_, at)| *at);
        let age = rotated.map_or(Duration::MAX, |at| now.saturating_sub(at));
        let is_graced = age <= rules.grace && !(rules.race_kills && age <= RACE);
        if is_graced { Ok(Outcome::Graced) } else { Err(NoRefresh::Reused) }
    }
}

/// A refresh that is being worked on.
#[derive(Debug)]
pub(super) struct Working<'a> {
    grants: &'a Grants,
    id: Option<Id>,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id
            && let Some(grant) = self.grants.lock().get_mut(&id)
        {
            grant.busy = false;
        }
    }
}

fn written(grant: Id, token: Id) -> String {
    grant.text() + &token.text()
}

fn read(token: &str) -> Option<(Id, Id)> {
    let (grant, token) = token.split_at_checked(32)?;
    Some((Id::read(grant.as_bytes())?, Id::read(token.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "c";
    const RULES: Rules = Rules { lifetime: s(100), rotate: true, grace: s(10), race_kills: false };

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    struct Kept {
        grants: Grants,
        id: Id,
        first: String,
    }

    fn kept() -> Kept {
        let grants = Grants::default();
        let of = |text: &str| text.into();
        let (user, client) = (of("u"), of(CLIENT));
        let granted = Granted { user, client, scope: of("s"), resource: of("r") };
        let id = grants.id();
        let first = grants.open(id, Arc::new(granted), s(0));
        Kept { grants, id, first }
    }

    #[test]
    fn a_rotated_token_is_good_within_its_grace_for_what_it_became() {
        let Kept { grants, id, first } = kept();
        let refresh = |token: &str, at| grants.refresh(token, CLIENT, RULES, s(at));
        let second = refresh(&first, 1).unwrap().token.unwrap();
        assert_ne!(first, second);
        let again = refresh(&first, 11).unwrap();
        assert_eq!((again.token.as_ref(), again.number), (Some(&second), 2));
        assert_eq!(refresh(&first, 12).unwrap_err(), NoRefresh::Reused);
        assert!(grants.has_ended(id));
        assert_eq!(refresh(&second, 12).unwrap_err(), NoRefresh::Unknown);
    }

    #[test]
    fn a_token_of_long_ago_is_still_known_as_used() {
        let Kept { grants, first, .. } = kept();
        let refresh = |token: &str, at| grants.refresh(token, CLIENT, RULES, s(at));
        let mut token = first.clone();
        for at in 0..40 {
            token = refresh(&token, at).unwrap().token.unwrap();
        }
        assert_eq!(refresh(&first, 41).unwrap_err(), NoRefresh::Reused);
        assert_eq!(refresh(&token, 41).unwrap_err(), NoRefresh::Unknown);
    }

    #[test]
    fn what_each_rule_does() {
        let Kept { grants, first, .. } = kept();
        let stays = Rules { rotate: false, ..RULES };
        assert_eq!(grants.refresh(&first, CLIENT, stays, s(1)).unwrap().token, None);
        let other = grants.refresh(&first, "other", RULES, s(1)).unwrap_err();
        assert_eq!(other, NoRefresh::Unknown);
        let expired = grants.refresh(&first, CLIENT, RULES, s(101)).unwrap_err();
        assert_eq!(expired, NoRefresh::Expired);
        let kills = Rules { race_kills: true, ..RULES };
        grants.refresh(&first, CLIENT, kills, s(2)).unwrap();
        // Past the second the grace is what it was.
        assert!(grants.refresh(&first, CLIENT, kills, s(4)).is_ok());
        let Kept { grants, first, .. } = kept();
        grants.refresh(&first, CLIENT, kills, s(2)).unwrap();
        let raced = grants.refresh(&first, CLIENT, kills, s(3)).unwrap_err();
        assert_eq!(raced, NoRefresh::Reused);
    }

    #[test]
    fn a_revoked_grant_is_no_grant() {
        let Kept { grants, id, first } = kept();
        assert!(!grants.revoke(&first, "other") && !grants.revoke("x", CLIENT));
        assert!(!grants.has_ended(id));
        assert!(grants.revoke(&first, CLIENT) && !grants.revoke(&first, CLIENT));
        assert!(grants.has_ended(id));
        let refused = grants.refresh(&first, CLIENT, RULES, s(1)).unwrap_err();
        assert_eq!(refused, NoRefresh::Unknown);
    }

    #[test]
    fn one_works_on_a_grant_at_a_time() {
        let Kept { grants, first, .. } = kept();
        let working = grants.work(&first).unwrap();
        assert!(grants.work(&first).is_none());
        drop(working);
        assert!(grants.work(&first).is_some());
        assert!(grants.work("no token").is_some());
    }
}
