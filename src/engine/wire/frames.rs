//! What passes an HTTP/2 connection, stream by stream: read off the frames themselves.
//!
//! Exchanges share the connection, so neither its bytes nor its writes are anybody's. But every
//! frame says whose it is (RFC 9113, section 4.1):
//!
//! ```text
//!   length (3)   type (1)   flags (1)   stream (4)   payload (length)
//! ```
//!
//! Frames of the connection itself (stream 0) and the client's preface are nobody's.

use std::collections::HashMap;
use std::io::IoSlice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::meter::{Moved, Tap};
use crate::edge::clock::Clock;

const HEAD: usize = 9;
/// What a client says first (RFC 9113, section 3.4), in bytes.
const PREFACE: usize = 24;
/// A frame that opens a stream (RFC 9113, section 6.2).
const HEADERS: u8 = 1;

/// The figures of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    outgoing: Walk,
    incoming: Walk,
    streams: HashMap<u32, Moved>,
}

impl Frames {
    /// A connection on which nothing has passed yet.
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        let (outgoing, incoming) = (Walk::after(PREFACE), Walk::after(0));
        let state = State { outgoing, incoming, streams: HashMap::new() };
        Arc::new(Self { clock, state: Mutex::new(state) })
    }

    /// What a stream moved; nothing more is kept of it.
    pub(super) fn take(&self, stream: u32) -> Moved {
        self.locked().streams.remove(&stream).unwrap_or_default()
    }

    /// When a stream's first byte left.
    pub(super) fn first(&self, stream: u32) -> Option<Duration> {
        self.locked().streams.get(&stream)?.first
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Frames {
    fn wrote(&self, parts: &[IoSlice<'_>], count: usize) {
        if count == 0 {
            return;
        }
        let now = self.clock.now();
        let State { outgoing, streams, .. } = &mut *self.locked();
        let mut left = count;
        for part in parts {
            let (written, _) = part.split_at(part.len().min(left));
            left -= written.len();
            outgoing.walk(written, |stream, kind, bytes| {
                if kind == HEADERS {
                    let moved = streams.entry(stream).or_default();
                    moved.first.get_or_insert(now);
                }
                // What comes after the exchange has ended, such as its cancellation, is nobody's.
                if let Some(moved) = streams.get_mut(&stream) {
                    moved.written += bytes as u64;
                }
            });
        }
    }

    fn read(&self, bytes: &[u8]) {
        let State { incoming, streams, .. } = &mut *self.locked();
        incoming.walk(bytes, |stream, _, bytes| {
            if let Some(moved) = streams.get_mut(&stream) {
                moved.read += bytes as u64;
            }
        });
    }
}

/// Where in a sequence of frames one direction is.
#[derive(Debug)]
struct Walk {
    /// Bytes before the next frame that belong to no frame.
    skip: usize,
    head: [u8; HEAD],
    /// Bytes of the head that are there.
    known: usize,
    /// Bytes of the payload still to come.
    payload: usize,
}

impl Walk {
    const fn after(skip: usize) -> Self {
        Self { skip, head: [0; HEAD], known: 0, payload: 0 }
    }

    /// Goes on over these bytes; says of each piece of a frame its stream, type and bytes.
    fn walk(&mut self, mut bytes: &[u8], mut passed: impl FnMut(u32, u8, usize)) {
        bytes = bytes.get(take(&mut self.skip, bytes.len())..).unwrap_or_default();
        while !bytes.is_empty() {
            if self.known == HEAD {
                let count = take(&mut self.payload, bytes.len());
                passed(self.stream(), self.head[3], count);
                bytes = &bytes[count..];
                if self.payload == 0 {
                    self.known = 0;
                }
                continue;
            }
            let count = bytes.len().min(HEAD - self.known);
            self.head[self.known..self.known + count].copy_from_slice(&bytes[..count]);
            self.known += count;
            bytes = &bytes[count..];
            if self.known == HEAD {
                passed(self.stream(), self.head[3], HEAD);
                let [a, b, c, ..] = self.head;
                self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
                if self.payload == 0 {
                    self.known = 0;
                }
            }
        }
    }

    fn stream(&self) -> u32 {
        let [.., a, b, c, d] = self.head;
        // The first bit is reserved.
        u32::from_be_bytes([a & 0x7f, b, c, d])
    }
}

/// Takes as much as there is from what is left, and says how much that was.
fn take(left: &mut usize, there: usize) -> usize {
    let count = there.min(*left);
    *left -= count;
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, stream: u32, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, 0], &stream.to_be_bytes()].concat();
        [head, vec![b'x'; payload]].concat()
    }

    /// Two requests, the connection's own frames between them, and a cancellation of the second.
    fn requests() -> Vec<u8> {
        let (settings, data, reset) = (4, 0, 3);
        [
            vec![b'P'; PREFACE],
            frame(settings, 0, 12),
            frame(HEADERS, 1, 40),
            frame(HEADERS, 3, 0),
            frame(data, 1, 300),
            frame(settings, 0, 0),
            frame(reset, 3, 4),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn however_bytes_are_split_each_stream_gets_its_own(
            cuts in prop::collection::vec(0..500_usize, 0..8),
        ) {
            let bytes = requests();
            let frames = Frames::new(Clock::real());
            let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            ends.push(bytes.len());
            ends.sort_unstable();
            let mut from = 0;
            for to in ends {
                let rest = &bytes[from..];
                let (one, two) = rest.split_at(rest.len() / 2);
                frames.wrote(&[IoSlice::new(one), IoSlice::new(two)], to - from);
                from = to;
            }
            frames.read(&frame(HEADERS, 1, 7));
            frames.read(&frame(0, 5, 100));
            let (one, two) = (frames.take(1), frames.take(3));
            prop_assert_eq!((one.written, one.read), (9 + 40 + 9 + 300, 9 + 7));
            prop_assert_eq!((two.written, two.read), (9 + 9 + 4, 0));
            prop_assert!(one.first.is_some() && two.first.is_some());
            prop_assert_eq!(frames.take(5), Moved::default());
        }
    }

    #[test]
    fn nothing_is_kept_of_a_stream_that_was_taken() {
        let frames = Frames::new(Clock::real());
        let bytes = requests();
        let early = bytes.len() - HEAD - 4;
        frames.wrote(&[IoSlice::new(&bytes[..early])], early);
        frames.take(1);
        frames.take(3);
        frames.wrote(&[IoSlice::new(&bytes[early..])], HEAD + 4);
        assert!(frames.locked().streams.is_empty());
    }
}
