//! Which sessions are open, and the event stream each may have.
//! (MCP 2025-11-25, basic/transports, "Session Management".)

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A session's key; its id on the wire is its 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// The id as it travels: visible ASCII.
    pub fn text(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Reads an id; `None` is one that was never issued here.
    pub fn read(text: &[u8]) -> Option<Self> {
        let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.iter().all(digits) {
            return None;
        }
        u128::from_str_radix(str::from_utf8(text).ok()?, 16).ok().map(Self)
    }
}

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
#[derive(Debug, Default)]
pub struct Sessions {
    open: Mutex<HashMap<SessionId, Stream>>,
    issued: AtomicU64,
    /// The process's own key: without it nobody can tell the next id from those issued.
    secret: RandomState,
}

/// Dropping the sender ends the stream.
#[derive(Debug)]
enum Stream {
    None,
    Open(#[expect(dead_code, reason = "held for its drop")] oneshot::Sender<()>),
    Ended,
}

impl Sessions {
    /// Opens a session.
    pub fn open(&self) -> SessionId {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let half = |which: u8| u128::from(self.secret.hash_one((number, which)));
        let id = SessionId(half(0) << 64 | half(1));
        self.lock().insert(id, Stream::None);
        id
    }

    /// Whether a session is open.
    pub fn knows(&self, id: SessionId) -> bool {
        self.lock().contains_key(&id)
    }

    /// Ends a session and its stream; false if it was not open.
    pub fn close(&self, id: SessionId) -> bool {
        self.lock().remove(&id).is_some()
    }

    /// Opens the stream of a session.
    pub fn open_stream(&self, id: SessionId) -> Result<StreamEnd, NoStream> {
        let mut open = self.lock();
        let stream = open.get_mut(&id).ok_or(NoStream::Unknown)?;
        if !matches!(stream, Stream::None) {
            return Err(NoStream::Second);
        }
        let (keep, end) = oneshot::channel();
        *stream = Stream::Open(keep);
        Ok(end)
    }

    /// The stream of a session is gone; the session may have another.
    pub fn stream_gone(&self, id: SessionId) {
        if let Some(stream) = self.lock().get_mut(&id) {
            *stream = Stream::None;
        }
    }

    /// Ends every stream; the sessions stay open.
    pub fn end_streams(&self) {
        for stream in self.lock().values_mut() {
            if matches!(stream, Stream::Open(_)) {
                *stream = Stream::Ended;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Stream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_nothing_else_does() {
        let sessions = Sessions::default();
        let id = sessions.open();
        assert_eq!(SessionId::read(id.text().as_bytes()), Some(id));
        assert_ne!(sessions.open(), id);
        for other in ["", "1", &"g".repeat(32), &"A".repeat(32), &"+".repeat(32), &"0".repeat(33)] {
            assert_eq!(SessionId::read(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_session_has_one_stream_at_a_time() {
        let sessions = Sessions::default();
        let id = sessions.open();
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
