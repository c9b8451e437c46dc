//! One MCP session as a client keeps it: headers, ids, and the slot where it is shared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use tokio::sync::OnceCell;

use crate::model::profile::Ids;
use crate::protocol::answer::Session as Named;
use crate::protocol::legacy::Revision;

/// A session after its handshake; servers without sessions have one too, without an id.
#[derive(Debug)]
pub struct Session {
    /// Headers of every POST in it, credentials not included.
    pub headers: HeaderMap,
    /// The id the server issued.
    pub id: Option<String>,
    /// Whether requests carry that id.
    pub named: Named,
    /// The revision agreed on.
    pub revision: Revision,
    /// What the server said it has.
    pub offers: Offers,
    next_id: AtomicU64,
    ids: Ids,
}

/// What a server said in its handshake.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offers {
    /// `capabilities.resources`.
    pub resources: bool,
    /// `capabilities.prompts`.
    pub prompts: bool,
}

/// What a handshake brought.
#[derive(Debug)]
pub struct Opened {
    /// The id the server issued.
    pub id: Option<String>,
    /// The revision agreed on.
    pub revision: Revision,
    /// What the server said it has.
    pub offers: Offers,
}

impl Session {
    /// The session of a handshake; `headers` are those of every POST in it.
    pub fn new(opened: Opened, headers: HeaderMap, named: Named, ids: Ids) -> Self {
        // The handshake took the first id of a counter.
        let next_id = AtomicU64::new(first_id(ids) + 1);
        let Opened { id, revision, offers } = opened;
        Self { headers, id, named, revision, offers, next_id, ids }
    }

    /// The id that requests carry, if they do.
    pub fn echoed(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.named == Named::Named)
    }

    /// The id of the next request.
    pub fn next_id(&self) -> u64 {
        match self.ids {
            Ids::Constant(id) => u64::from(id),
            Ids::Counter(_) => self.next_id.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// The id of a handshake.
pub fn first_id(ids: Ids) -> u64 {
    match ids {
        Ids::Constant(id) | Ids::Counter(id) => u64::from(id),
    }
}

/// Where calls that share a session find it. The first one makes the handshake, the others wait
/// for that one; a lost session is replaced once, however many calls noticed.
#[derive(Debug, Default)]
pub struct Slot(Mutex<Arc<OnceCell<Arc<Session>>>>);

impl Slot {
    /// The session, made by `handshake` if there is none.
    pub async fn get<E, H>(&self, handshake: impl FnOnce() -> H) -> Result<Arc<Session>, E>
    where
        H: Future<Output = Result<Session, E>>,
    {
        let cell = Arc::clone(&self.lock());
        if let Some(session) = cell.get() {
            return Ok(Arc::clone(session));
        }
        let made = cell.get_or_try_init(|| async { handshake().await.map(Arc::new) }).await;
        made.map(Arc::clone)
    }

    /// Forgets `session`; true if it was still the one in use.
    pub fn forget(&self, session: &Arc<Session>) -> bool {
        let mut cell = self.lock();
        let current = cell.get().is_some_and(|kept| Arc::ptr_eq(kept, session));
        if current {
            *cell = Arc::default();
        }
        current
    }

    /// Takes the session out.
    pub fn take(&self) -> Option<Arc<Session>> {
        let cell = std::mem::take(&mut *self.lock());
        cell.get().map(Arc::clone)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<OnceCell<Arc<Session>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Outcome;

    fn session_with(ids: Ids) -> Session {
        let revision = Revision::V2025_11_25;
        let opened = Opened { id: None, revision, offers: Offers::default() };
        Session::new(opened, HeaderMap::new(), Named::Unnamed, ids)
    }

    fn session() -> Session {
        session_with(Ids::Counter(0))
    }

    #[tokio::test]
    async fn one_handshake_serves_all_and_is_replaced_once() {
        let slot = Slot::default();
        let first = slot.get(|| async { Ok::<_, Outcome>(session()) }).await.unwrap();
        let again = slot.get(|| async { Err(Outcome::NeverSent) }).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(slot.forget(&first));
        let second = slot.get(|| async { Ok::<_, Outcome>(session()) }).await.unwrap();
        assert!(!slot.forget(&first), "only the current session is replaced");
        assert!(Arc::ptr_eq(&slot.take().unwrap(), &second));
        assert!(slot.take().is_none());
    }

    #[tokio::test]
    async fn a_failed_handshake_is_tried_again_by_the_next_call() {
        let slot = Slot::default();
        assert_eq!(
            slot.get(|| async { Err(Outcome::Timeout) }).await.unwrap_err(),
            Outcome::Timeout
        );
        slot.get(|| async { Ok::<_, Outcome>(session()) }).await.unwrap();
    }

    #[test]
    fn ids_are_as_the_client_sends_them() {
        let counting = session();
        assert_eq!([counting.next_id(), counting.next_id()], [1, 2]);
        let constant = session_with(Ids::Constant(1));
        assert_eq!([constant.next_id(), constant.next_id()], [1, 1]);
    }
}
