//! One MCP session as a client keeps it: headers, how it is spoken in, ids, and the slot where it
//! is shared.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::mailbox::Mailbox;
use super::recorder::Recorder;
use crate::edge::clock::Clock;
use crate::model::event::{Event, SessionChange, SessionEvent};
use crate::model::nonce::session_tag;
use crate::model::profile::Ids;
use crate::protocol::answer::Session as Named;
use crate::protocol::legacy::{Revision, SESSION_HEADER};
use crate::protocol::modern::write::Meta;

/// A session after its handshake; servers without sessions have one too, without an id. In the
/// modern era it is what one connect of a client brought: nothing that the server keeps.
#[derive(Debug)]
pub struct Session {
    /// What every POST in it has in common.
    pub footing: Footing,
    /// The id the server issued.
    pub id: Option<String>,
    /// What tells it from the user's others in [`Nonce`](crate::model::nonce::Nonce)s.
    pub tag: u16,
    /// What the server said it has.
    pub offers: Offers,
    /// The ids of its requests.
    pub numbers: Numbers,
    /// Its place among the open sessions; the modern era has none.
    pub life: Option<Life>,
    /// What reads the stream opened for it, if one was.
    pub stream: OnceLock<AbortHandle>,
}

/// The ids of a session's requests. Clones go on where the others are.
#[derive(Debug, Clone)]
pub struct Numbers {
    next: Arc<AtomicU64>,
    ids: Ids,
}

impl Numbers {
    /// The id of the next request.
    pub fn next(&self) -> u64 {
        match self.ids {
            Ids::Constant(id) => u64::from(id),
            Ids::Counter(_) => self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// What every POST in a session has in common.
#[derive(Debug, Clone)]
pub struct Footing {
    /// Its headers, credentials not included.
    pub headers: HeaderMap,
    /// Whether a session id is among them, or in the URL.
    pub named: Named,
    /// How requests are put.
    pub speech: Speech,
}

/// How requests are put to a server, and where answers come.
#[derive(Debug, Clone)]
pub enum Speech {
    /// By POST, after `initialize`; before it, no revision is agreed on.
    Legacy(Option<Revision>),
    /// By POST, and answered on a stream of its own.
    TwoEnds(Arc<Mailbox>),
    /// Each for itself, with this `_meta`.
    Modern(Arc<Meta>),
}

/// What a server said in its handshake.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct Offers {
    /// `capabilities.resources`.
    pub resources: bool,
    /// `capabilities.prompts`.
    pub prompts: bool,
    /// `capabilities.completions`.
    pub completions: bool,
    /// Tool calls may become tasks.
    pub tasks: bool,
}

impl Session {
    /// The session of a handshake, which took the first id of a counter.
    pub fn new(footing: Footing, id: Option<String>, offers: Offers, ids: Ids) -> Self {
        let numbers = Numbers { next: Arc::new(AtomicU64::new(first_id(ids) + 1)), ids };
        let (life, stream) = (None, OnceLock::new());
        let tag = session_tag(id.as_deref());
        Self { footing, id, tag, offers, numbers, life, stream }
    }

    /// The id that requests carry, if they do.
    pub fn echoed(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.footing.named == Named::Named)
    }

    /// The same as if the server had issued this id: requests in it are tried, and nothing is kept.
    #[must_use]
    pub fn under(&self, id: &str) -> Self {
        let mut footing = self.footing.clone();
        if let Ok(value) = HeaderValue::from_str(id) {
            footing.headers.insert(HeaderName::from_static(SESSION_HEADER), value);
        }
        let (life, stream, numbers) = (None, OnceLock::new(), self.numbers.clone());
        let (id, tag, offers) = (Some(id.to_owned()), session_tag(Some(id)), self.offers);
        Self { footing, id, tag, offers, numbers, life, stream }
    }

    /// The same, in which every request has this id.
    #[must_use]
    pub fn numbered(&self, id: u32) -> Self {
        let (life, stream, footing) = (None, OnceLock::new(), self.footing.clone());
        let numbers = Numbers { next: Arc::default(), ids: Ids::Constant(id) };
        let (id, tag, offers) = (self.id.clone(), self.tag, self.offers);
        Self { footing, id, tag, offers, numbers, life, stream }
    }

    /// It ended so.
    pub fn end(&self, change: SessionChange) {
        if let Some(life) = &self.life {
            life.end(change);
        }
    }

    /// The id of the next request.
    pub fn next_id(&self) -> u64 {
        self.numbers.next()
    }
}

impl Footing {
    /// Of requests before there is a session.
    pub fn bare(headers: HeaderMap) -> Self {
        Self { headers, named: Named::Unnamed, speech: Speech::Legacy(None) }
    }

    /// Where answers come that do not come to the POST.
    pub fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        match &self.speech {
            Speech::TwoEnds(mailbox) => Some(mailbox),
            Speech::Legacy(_) | Speech::Modern(_) => None,
        }
    }

    /// Whether it is of the era without sessions.
    pub const fn is_modern(&self) -> bool {
        matches!(self.speech, Speech::Modern(_))
    }

    /// Whether a stream that broke can be taken up again.
    pub fn resumes(&self) -> bool {
        matches!(self.speech, Speech::Legacy(Some(revision)) if revision.resumes())
    }

    /// Whether messages may come several at once.
    pub fn batches(&self) -> bool {
        matches!(self.speech, Speech::Legacy(Some(revision)) if revision.batches())
    }
}

/// A session's place among the open ones. Dropped before its end was told, as with a call that was
/// given up, it was abandoned.
#[derive(Debug)]
pub struct Life {
    clock: Clock,
    recorder: Arc<Recorder>,
    user: u32,
    ended: AtomicBool,
}

impl Life {
    /// A session of `user` was opened.
    pub fn begin(clock: &Clock, recorder: &Arc<Recorder>, user: u32, with_id: bool) -> Self {
        let (clock, recorder) = (clock.clone(), Arc::clone(recorder));
        let life = Self { clock, recorder, user, ended: AtomicBool::new(false) };
        life.recorder.gauges.sessions.fetch_add(1, Ordering::Relaxed);
        life.tell(SessionChange::Opened { with_id });
        life
    }

    /// It ended so; only the first end counts.
    pub fn end(&self, change: SessionChange) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            self.recorder.gauges.sessions.fetch_sub(1, Ordering::Relaxed);
            self.tell(change);
        }
    }

    fn tell(&self, change: SessionChange) {
        let event = SessionEvent { user: self.user, at: self.clock.now(), change };
        self.recorder.tell(self.user, Event::Session(event));
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.end(SessionChange::Abandoned);
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

    /// The session, if there is one.
    pub fn peek(&self) -> Option<Arc<Session>> {
        self.lock().get().map(Arc::clone)
    }

    /// Keeps `session`, unless there is one.
    pub fn put(&self, session: &Arc<Session>) {
        let _kept = self.lock().set(Arc::clone(session)).is_ok();
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
        Session::new(Footing::bare(HeaderMap::new()), None, Offers::default(), ids)
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
        let numbered = counting.numbered(7);
        assert_eq!([numbered.next_id(), numbered.next_id(), counting.next_id()], [7, 7, 3]);
    }
}
