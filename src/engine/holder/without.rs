//! A process without tokens: until when it does not try again, and which users know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::process::Process;
use crate::engine::realm::SCOUT;
use crate::model::event::{Event, GrantChange, Refused};
use crate::protocol::oauth::refusal::{Reaction, Refusal};

/// A user who came to no tokens tries again after this: about as long as a person needs to notice.
pub(super) const LOGIN_PAUSE: Duration = Duration::from_secs(60);

/// Until when what failed is not tried again.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) login: Duration,
    pub(super) refresh: Duration,
    /// Times that it came to no tokens, and the user that this was last told of; [`SCOUT`]: nobody in
    /// this load.
    lock_outs: u64,
    told_of: u32,
}

impl Process {
    /// There are no tokens, and another try later. It is told of `user`, whose call led to it.
    pub(super) fn lock_out(&self, user: u32, refusal: &Refusal) {
        let after = match refusal.reaction() {
            Reaction::Later(Some(after)) => after,
            _ => LOGIN_PAUSE,
        };
        let at = self.now();
        self.pauses_mut(|pauses| {
            pauses.login = at + after;
            pauses.lock_outs += 1;
            pauses.told_of = user;
        });
        self.grant.drop_tokens(true);
        self.tell_locked_out(user);
        let operation = refusal.leg.operation();
        let (said, what_to_do) = (refusal.to_string(), refusal.what_to_do());
        let refused = Refused { user, at, operation, said, what_to_do };
        *self.why() = Some(refused.clone());
        self.realm.recorder.tell(user, Event::Refused(Box::new(refused)));
    }

    /// Where users share the process, each of them comes to no tokens: told once a lock-out, when a
    /// call of that user goes without. `told` is the last one it was told of.
    pub(super) fn tell_without(&self, user: u32, told: &AtomicU64) {
        let Pauses { lock_outs, told_of, .. } = self.pauses();
        let is_without = self.is_locked_out() && self.grant.token().is_none();
        if is_without && told.swap(lock_outs, Ordering::Relaxed) != lock_outs && told_of != user {
            self.tell_locked_out(user);
            if self.user == user {
                // Whatever else of this user comes: it has been told.
                self.pauses_mut(|pauses| pauses.told_of = user);
            }
            let inherited = if told_of == SCOUT { self.why().take() } else { None };
            if let Some(refused) = inherited {
                let refused = Refused { user, at: self.now(), ..refused };
                self.realm.recorder.tell(user, Event::Refused(Box::new(refused)));
            }
        }
    }

    /// Who has this one's place in a load whose clock began `ahead` later is to wait as long. That it is
    /// without tokens, and why, is told there with its first call.
    pub(super) fn pass_pauses_on(&self, heir: &Self, ahead: Duration) {
        let Pauses { login, refresh, lock_outs, .. } = self.pauses();
        let (login, refresh) = (login.saturating_sub(ahead), refresh.saturating_sub(ahead));
        heir.pauses_mut(|pauses| *pauses = Pauses { login, refresh, lock_outs, told_of: SCOUT });
        heir.why().clone_from(&self.why());
    }

    /// Why there are no tokens.
    fn why(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_locked_out(&self, user: u32) {
        let again = self.grant.has_consented();
        self.realm.tell(user, GrantChange::LockedOut { again });
    }

    pub(super) fn is_locked_out(&self) -> bool {
        self.now() < self.pauses().login
    }

    pub(super) fn pauses(&self) -> Pauses {
        *self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pauses_mut(&self, change: impl FnOnce(&mut Pauses)) {
        change(&mut self.pauses.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
