//! Which sessions are open, who holds them, and the event stream each may have.
//! (MCP 2025-11-25, basic/transports, "Session Management".)

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::client::Client;
use super::id::{Id, Ids};
use super::replay::Replay;
use crate::edge::clock::Clock;

/// The most sessions that are open at once: who opens one for each call and never ends it reaches
/// this after hours, and is then refused.
const MOST_SESSIONS: usize = 1_000_000;
/// So many calls of a session are known again when they are repeated.
const REMEMBERED: usize = 64;

/// Completes when its stream has to end.
pub type StreamEnd = oneshot::Receiver<()>;

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoStream {
    /// The session is not open.
    Unknown,
    /// It has a stream already.
    Second,
}

/// The open sessions. The lock is held for one look-up at a time.
#[derive(Debug)]
pub struct Sessions {
    open: Mutex<HashMap<Id, Session>>,
    ids: Ids,
    most: usize,
    /// How long one may be unused, and by which clock.
    idle: Option<(Duration, Clock)>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { open: Mutex::default(), ids: Ids::default(), most: MOST_SESSIONS, idle: None }
    }
}

/// One session.
#[derive(Debug)]
struct Session {
    client: Client,
    /// Whose it is, where users are told apart.
    owner: Option<String>,
    /// When it was last used, where that matters.
    used: Duration,
    /// Dropping the sender ends the stream.
    stream: Option<oneshot::Sender<()>>,
    /// What its streams said, while it may be asked for again.
    replay: Option<Arc<Replay>>,
    /// The last calls in it, by what they said.
    called: VecDeque<u64>,
}

impl Sessions {
    /// None yet, each of which ends when nobody used it for so long.
    pub fn kept(idle: Option<Duration>, clock: Clock) -> Self {
        Self { idle: idle.map(|idle| (idle, clock)), ..Self::default() }
    }

    /// Opens a session, whose streams are kept if they can be resumed; `None`: no more can be.
    pub fn open(&self, client: Client, resumable: bool, owner: Option<String>) -> Option<Id> {
        let id = self.ids.issue();
        let replay = resumable.then(Arc::default);
        let mut open = self.lock();
        if open.len() >= self.most {
            return None;
        }
        let (called, used) = (VecDeque::new(), self.now());
        open.insert(id, Session { client, owner, used, stream: None, replay, called });
        Some(id)
    }

    /// Whether a session is open.
    pub fn knows(&self, id: Id) -> bool {
        self.lock().contains_key(&id)
    }

    /// Whether a session is open, and this user's.
    pub fn belongs(&self, id: Id, user: Option<&str>) -> bool {
        let mut open = self.lock();
        let Some(session) = open.get_mut(&id) else { return false };
        if let Some((idle, clock)) = &self.idle {
            let now = clock.now();
            // Who listens is using it.
            if session.stream.is_none() && now.saturating_sub(session.used) > *idle {
                open.remove(&id);
                return false;
            }
            session.used = now;
        }
        session.owner.as_deref() == user
    }

    fn now(&self) -> Duration {
        self.idle.as_ref().map_or(Duration::ZERO, |(_, clock)| clock.now())
    }

    /// Whose a session is, where users are told apart.
    pub fn owner(&self, id: Id) -> Option<String> {
        self.lock().get(&id)?.owner.clone()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Looks at the client of a session, or changes what is known of it.
    pub fn client<T>(&self, id: Id, look: impl FnOnce(&mut Client) -> T) -> Option<T> {
        self.lock().get_mut(&id).map(|session| look(&mut session.client))
    }

    /// Notes a call in a session; whether the same one, id and all, was among the last ones.
    pub fn has_called(&self, id: Id, body: &[u8]) -> bool {
        let mut said = DefaultHasher::new();
        said.write(body);
        let said = said.finish();
        let mut open = self.lock();
        let Some(session) = open.get_mut(&id) else { return false };
        if session.called.contains(&said) {
            return true;
        }
        if session.called.len() == REMEMBERED {
            session.called.pop_front();
        }
        session.called.push_back(said);
        false
    }

    /// What a session's streams said.
    pub fn replay(&self, id: Id) -> Option<Arc<Replay>> {
        self.lock().get(&id)?.replay.clone()
    }

    /// Ends a session and its stream; false if it was not open.
    pub fn close(&self, id: Id) -> bool {
        self.lock().remove(&id).is_some()
    }

    /// Opens the stream of a session.
    pub fn open_stream(&self, id: Id) -> Result<StreamEnd, NoStream> {
        let mut open = self.lock();
        let session = open.get_mut(&id).ok_or(NoStream::Unknown)?;
        if session.stream.is_some() {
            return Err(NoStream::Second);
        }
        let (keep, end) = oneshot::channel();
        session.stream = Some(keep);
        Ok(end)
    }

    /// The stream of a session is gone; the session may have another.
    pub fn stream_gone(&self, id: Id) {
        if let Some(session) = self.lock().get_mut(&id) {
            session.stream = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::client::Capabilities;
    use crate::protocol::legacy::Revision;

    #[test]
    fn no_more_sessions_are_open_than_the_bound() {
        let sessions = Sessions { most: 2, ..Sessions::default() };
        let client = Client::new(Revision::V2025_11_25, Capabilities::default());
        let open = || sessions.open(client.clone(), true, None);
        let (first, second) = (open().unwrap(), open().unwrap());
        assert_ne!(first, second);
        assert!(open().is_none());
        sessions.close(first);
        assert!(open().is_some() && open().is_none());
    }

    #[test]
    fn a_call_is_known_again_in_its_session_for_a_while() {
        let sessions = Sessions::default();
        let client = Client::new(Revision::V2025_11_25, Capabilities::default());
        let [one, two] = [0, 1].map(|_| sessions.open(client.clone(), false, None).unwrap());
        let calls = [(one, "a"), (one, "b"), (two, "a"), (one, "a"), (two, "b")];
        let again = calls.map(|(id, body)| sessions.has_called(id, body.as_bytes()));
        assert_eq!(again, [false, false, false, true, false]);
        for number in 0..REMEMBERED {
            sessions.has_called(two, &number.to_be_bytes());
        }
        assert!(!sessions.has_called(two, b"a"));
        sessions.close(one);
        assert!(!sessions.has_called(one, b"a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_nobody_uses_is_ended_and_a_used_one_is_not() {
        let second = Duration::from_secs(1);
        let clock = Clock::of_runtime();
        let sessions = Sessions::kept(Some(second * 10), clock.clone());
        let client = Client::new(Revision::V2025_11_25, Capabilities::default());
        let open = |owner: Option<&str>| {
            sessions.open(client.clone(), false, owner.map(str::to_owned)).unwrap()
        };
        let (used, idle, heard) = (open(Some("ada")), open(None), open(None));
        let _stream = sessions.open_stream(heard).unwrap();
        for _ in 0..3 {
            clock.sleep(second * 6).await;
            assert!(sessions.belongs(used, Some("ada")) && !sessions.belongs(used, None));
        }
        assert_eq!(sessions.count(), 3, "it is looked at when it is asked for");
        assert!(!sessions.belongs(idle, None) && sessions.belongs(heard, None));
        assert_eq!(sessions.count(), 2);
    }

    #[test]
    fn a_session_has_one_stream_at_a_time() {
        let sessions = Sessions::default();
        let client = Client::new(Revision::V2025_11_25, Capabilities::default());
        let id = sessions.open(client, false, None).unwrap();
        let mut end = sessions.open_stream(id).unwrap();
        assert_eq!(sessions.open_stream(id).err(), Some(NoStream::Second));
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        sessions.stream_gone(id);
        let mut again = sessions.open_stream(id).unwrap();
        assert!(sessions.close(id));
        assert_eq!(again.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(sessions.open_stream(id).err(), Some(NoStream::Unknown));
        assert!(!sessions.close(id));
        assert!(!sessions.knows(id));
    }
}
