//! What a session's streams said, kept for a while, so that a stream that broke can be resumed.
//! (MCP 2025-11-25, basic/transports, "Resumability and Redelivery".)
//!
//! ```text
//! event id = stream "-" number      stream: counted in the session, number: counted in the stream
//! ring       1-1  2-1  1-2  1-3  2-2   the oldest falls out when events or bytes are too many
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::Notify;

/// The most events, and bytes of them, that a session keeps.
const MOST_EVENTS: usize = 256;
const MOST_BYTES: usize = 2 << 20;

/// The most streams of a session that are at work.
const MOST_STREAMS: usize = 256;

/// The streams of a session.
#[derive(Debug, Default)]
pub struct Replay {
    kept: Mutex<Kept>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    issued: u64,
    ring: VecDeque<Event>,
    bytes: usize,
    streams: HashMap<u64, Stream>,
}

#[derive(Debug)]
struct Event {
    stream: u64,
    number: u64,
    bytes: Bytes,
}

/// One stream; number 0 is its beginning.
#[derive(Debug, Default)]
struct Stream {
    said: u64,
    ended: bool,
    /// The first listener hears no more than so many events.
    broken_after: Option<u64>,
}

/// Where a listener is in a stream.
#[derive(Debug)]
pub(super) struct Place {
    replay: Arc<Replay>,
    stream: u64,
    heard: u64,
    /// It listens from the beginning on, and a break in the stream is one for it.
    first: bool,
}

impl Replay {
    /// Begins a stream; `None`: too many are at work.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Place> {
        let mut kept = self.lock();
        if kept.streams.values().filter(|stream| !stream.ended).count() >= MOST_STREAMS {
            return None;
        }
        kept.issued += 1;
        let stream = kept.issued;
        kept.streams.insert(stream, Stream::default());
        Some(Place { replay: Arc::clone(self), stream, heard: 0, first: true })
    }

    /// The place behind the event that a client heard last.
    pub(super) fn after(self: &Arc<Self>, event_id: &str) -> Option<Place> {
        let (stream, heard) = event_id.split_once('-')?;
        let (stream, heard) = (stream.parse().ok()?, heard.parse().ok()?);
        let kept = self.lock();
        let known = kept.streams.get(&stream).filter(|known| heard <= known.said)?;
        let complete = heard == known.said || kept.at(stream, heard + 1).is_some();
        complete.then(|| Place { replay: Arc::clone(self), stream, heard, first: false })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.lock());
        self.more.notify_waiters();
    }
}

impl Kept {
    fn at(&self, stream: u64, number: u64) -> Option<&Event> {
        self.ring.iter().find(|event| (event.stream, event.number) == (stream, number))
    }

    fn push(&mut self, stream: u64, message: &str) {
        let Some(of) = self.streams.get_mut(&stream) else { return };
        of.said += 1;
        let number = of.said;
        let bytes =
            Bytes::from(format!("event: message\nid: {stream}-{number}\ndata: {message}\n\n"));
        self.bytes += bytes.len();
        self.ring.push_back(Event { stream, number, bytes });
        while self.ring.len() > MOST_EVENTS || (self.bytes > MOST_BYTES && self.ring.len() > 1) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.ring.pop_front() else { return };
        self.bytes -= oldest.bytes.len();
        let stream = oldest.stream;
        let gone = !self.ring.iter().any(|event| event.stream == stream);
        if gone && self.streams.get(&stream).is_some_and(|stream| stream.ended) {
            self.streams.remove(&stream);
        }
    }
}

/// What a listener finds.
enum Found {
    Event(Bytes),
    Nothing,
    End,
}

impl Place {
    /// The event that says where the stream begins, so that it can be resumed from there.
    pub(super) fn priming(&self, retry_ms: u128) -> Bytes {
        Bytes::from(format!("id: {}-0\nretry: {retry_ms}\ndata:\n\n", self.stream))
    }

    /// Says something on the stream.
    pub(super) fn say(&self, message: &str) {
        self.replay.change(|kept| kept.push(self.stream, message));
    }

    /// Breaks the stream for its first listener.
    pub(super) fn hang_up(&self) {
        self.replay.change(|kept| {
            if let Some(stream) = kept.streams.get_mut(&self.stream) {
                stream.broken_after = Some(stream.said);
            }
        });
    }

    /// Nothing more will be said.
    pub(super) fn end(&self) {
        self.replay.change(|kept| {
            if !kept.ring.iter().any(|event| event.stream == self.stream) {
                kept.streams.remove(&self.stream);
            } else if let Some(stream) = kept.streams.get_mut(&self.stream) {
                stream.ended = true;
            }
        });
    }

    /// Another listener at the same place.
    pub(super) fn again(&self) -> Self {
        let replay = Arc::clone(&self.replay);
        Self { replay, stream: self.stream, heard: self.heard, first: self.first }
    }

    /// The next event; `None` is the end, or what was not kept.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let replay = Arc::clone(&self.replay);
            let mut more = std::pin::pin!(replay.more.notified());
            more.as_mut().enable();
            match self.look() {
                Found::Event(bytes) => {
                    self.heard += 1;
                    return Some(bytes);
                }
                Found::End => return None,
                Found::Nothing => more.await,
            }
        }
    }

    fn look(&self) -> Found {
        let kept = self.replay.lock();
        let Some(stream) = kept.streams.get(&self.stream) else { return Found::End };
        if self.first && stream.broken_after.is_some_and(|after| after <= self.heard) {
            return Found::End;
        }
        if self.heard < stream.said {
            let event = kept.at(self.stream, self.heard + 1);
            return event.map_or(Found::End, |event| Found::Event(event.bytes.clone()));
        }
        if stream.ended { Found::End } else { Found::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(mut place: Place) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(bytes) = place.next().await {
            let text = std::str::from_utf8(&bytes).unwrap().to_owned();
            all.push(text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned());
        }
        all
    }

    #[tokio::test]
    async fn a_stream_goes_on_where_it_broke_and_has_nothing_of_another() {
        let replay = Arc::<Replay>::default();
        let (one, two) = (replay.begin().unwrap(), replay.begin().unwrap());
        one.say("a");
        two.say("b");
        one.hang_up();
        assert_eq!(heard(one.again()).await, ["1-1"]);
        let resumed = replay.after("1-1").unwrap();
        one.say("c");
        one.end();
        assert_eq!(heard(resumed).await, ["1-2"]);
        assert_eq!(heard(replay.after("1-0").unwrap()).await, ["1-1", "1-2"]);
        assert_eq!(heard(replay.after("1-2").unwrap()).await, [""; 0]);
        for unknown in ["1-3", "3-0", "1", "", "x-1", "1--1", "1-1-1"] {
            assert!(replay.after(unknown).is_none(), "{unknown}");
        }
    }

    #[tokio::test]
    async fn no_more_is_kept_than_the_bounds_say() {
        let replay = Arc::<Replay>::default();
        let old = replay.begin().unwrap();
        old.say("x");
        old.end();
        let long = replay.begin().unwrap();
        for _ in 0..MOST_EVENTS {
            long.say("y");
        }
        assert!(replay.after("1-0").is_none() && replay.after("1-1").is_none());
        assert!(replay.after("2-0").is_some());
        long.say("z");
        assert!(replay.after("2-0").is_none());
        assert_eq!(replay.lock().ring.len(), MOST_EVENTS);
        assert_eq!(replay.lock().streams.len(), 1);
        long.say(&"w".repeat(MOST_BYTES));
        assert_eq!(replay.lock().ring.len(), 1);
        let at_work: Vec<_> = std::iter::from_fn(|| replay.begin()).collect();
        assert_eq!(at_work.len(), MOST_STREAMS - 1);
    }
}
