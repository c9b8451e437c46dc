//! What a process passes on: to the same user in the next load, and to another user with a copy.

use std::sync::Arc;
use std::time::Duration;

use super::process::Process;
use crate::engine::grant::Lifetime;
use crate::engine::realm::{Realm, SCOUT};
use crate::model::event::{Event, Issued};

impl Process {
    /// The same user in another load, whose clock began `ahead` later: it waits as long as it was told
    /// to. How long its token is good for is told there, too, where that is known.
    pub(super) fn inherited(&self, realm: Arc<Realm>, ahead: Duration) -> Arc<Self> {
        let heir = Self::with(realm, self.user, self.grant.earlier(ahead));
        self.pass_pauses_on(&heir, ahead);
        self.pass_met_on(&heir);
        heir.tell_lifetime();
        heir
    }

    /// Another user with a copy of what this one has.
    pub(super) fn cloned_for(&self, user: u32) -> Arc<Self> {
        Self::with(Arc::clone(&self.realm), user, self.grant.earlier(Duration::ZERO))
    }

    fn tell_lifetime(&self) {
        let lifetime = match self.grant.token().map(|token| token.lifetime) {
            Some(Lifetime::Said(lifetime)) => Some(lifetime),
            Some(Lifetime::Unsaid) => None,
            Some(Lifetime::Unheard) | None => return,
        };
        // What was got by a look is for all users, the first of them, too.
        let user = if self.user == SCOUT { 0 } else { self.user };
        let issued = Issued { user, at: self.now(), lifetime };
        self.realm.recorder.tell(user, Event::Issued(issued));
    }
}
