//! Streams that broke, taken up again by GET with `Last-Event-ID` (MCP 2025-11-25, transports,
//! "Resumability and Redelivery").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::oneshot;

use super::Client;
use super::cost::Cost;
use super::hear::Ear;
use super::legacy::stream_headers;
use super::post::{Answered, Judge, Lent, head_of, quoted};
use crate::engine::session::Footing;
use crate::engine::wire::{Cursor, Flow, Listener, Reply, Request, Trail};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Offer};
use crate::protocol::sse;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The pause before the first attempt where the server names none, as the official SDKs make it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Every further pause is so many times the one before.
const LONGER: f64 = 1.5;
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One stream is taken up so many times at most, whatever it brings: a server may ask for no pause.
const MOST_ATTEMPTS: u32 = 1_000;

/// An event id longer than this is not sent back, in bytes: servers bound the heads they read.
const LONGEST_ID: usize = 4 * 1024;

/// The header that says behind which event a stream is taken up.
///
/// # Errors
/// [`Rule::BadEventId`] for an id that no header can carry.
fn behind(id: &[u8]) -> Result<HeaderValue, Rule> {
    let value = HeaderValue::from_bytes(id).ok().filter(|id| id.len() <= LONGEST_ID);
    value.ok_or(Rule::BadEventId)
}

/// How long a client waits before an attempt, counted from 0, that the server set no time for.
fn pause(attempt: u32) -> Duration {
    let factor = LONGER.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
    Duration::try_from_secs_f64(FIRST_PAUSE.as_secs_f64() * factor)
        .unwrap_or(LONGEST_PAUSE)
        .min(LONGEST_PAUSE)
}

/// Where a stream broke, and how often it is still taken up. As the official SDKs count: per break
/// and not over the stream's life, so that only attempts that open no stream use it up.
pub(super) struct Break {
    cursor: Cursor,
    /// Attempts a break is worth.
    worth: u32,
    /// Attempts since the stream was last open.
    made: u32,
    /// Attempts in all.
    in_all: u32,
}

impl Break {
    /// The first break of a stream.
    pub(super) fn at(cursor: Cursor, worth: u32) -> Self {
        Self { cursor, worth, made: 0, in_all: 0 }
    }

    /// The pause before the next attempt; none if the stream is given up.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        if self.made == self.worth || self.in_all == MOST_ATTEMPTS {
            return None;
        }
        let wait = self.cursor.retry.unwrap_or_else(|| pause(self.made));
        self.made += 1;
        self.in_all += 1;
        Some(wait)
    }

    /// The header that says behind which event the stream goes on, if its events have ids.
    ///
    /// # Errors
    /// The rule that an id breaks, and the id.
    pub(super) fn behind(&self) -> Result<Option<HeaderValue>, (Rule, &[u8])> {
        let id = self.cursor.id.as_deref();
        id.map(|id| behind(id).map_err(|rule| (rule, id))).transpose()
    }

    /// The stream was open again and broke there: attempts are counted anew, whatever it brought.
    pub(super) fn again(&mut self, cursor: Cursor) {
        self.made = 0;
        self.cursor.id = cursor.id.or(self.cursor.id.take());
        self.cursor.retry = cursor.retry.or(self.cursor.retry);
    }
}

/// A GET of a stream.
pub(super) struct Get<'a> {
    pub(super) footing: &'a Footing,
    /// Behind which event, if it takes one up that had ids.
    pub(super) behind: Option<HeaderValue>,
    pub(super) deadline: Duration,
    pub(super) cost: &'a Cost,
    /// Told when the stream is open.
    pub(super) opened: Option<oneshot::Sender<()>>,
    /// What it was if the client ends it once it is open.
    pub(super) presumed: Option<Outcome>,
}

/// What came of it.
pub(super) struct Got<'a> {
    /// The head of a stream, or why there is none.
    pub(super) came: Result<Reply, Outcome>,
    /// Its record, to be ended.
    pub(super) trail: Trail<'a>,
}

/// Whether a GET that failed so may fare better the next time.
pub(super) const fn is_passing(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Connect(_)
            | Outcome::CutStream
            | Outcome::Timeout
            | Outcome::Throttled(_)
            // 409: the server has not yet noticed that the stream it had is gone.
            | Outcome::Status(408 | 409 | 425 | 500..)
    )
}

impl Client {
    /// Goes on with a stream that ended without its answer, as often as the client does that. What
    /// goes wrong on the way there stands in the exchanges: the call's stream was cut.
    pub(super) async fn taken_up<R, T, J>(
        self: &Arc<Self>,
        ear: &mut Ear<'_>,
        cursor: Cursor,
        (deadline, cost): (Duration, &Cost),
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        let mut broke = Break::at(cursor, self.common.profile.resumes);
        let (clock, footing) = (&self.common.wire.clock, ear.footing);
        while let Some(wait) = broke.pause() {
            let behind = match broke.behind() {
                Ok(behind) => behind,
                Err((rule, id)) => {
                    return Answered::broken(Outcome::Violation(rule), quoted(id));
                }
            };
            if clock.by(deadline, clock.sleep(wait)).await.is_none() {
                return Answered::broken(Outcome::Timeout, String::new());
            }
            let mut heard = None;
            let mut on_event = |reply: &Reply, event: &sse::Event<'_>| {
                if event.name != b"message" {
                    return Flow::Continue;
                }
                if heard.is_some() {
                    return ear.behind_the_answer(event.data);
                }
                let head = head_of(reply, footing);
                heard = ear.message::<R, T, J>(&head, event.data, judge);
                if heard.is_some() { ear.after_the_answer() } else { Flow::Continue }
            };
            let get = Get { footing, behind, deadline, cost, opened: None, presumed: None };
            let Got { came, mut trail } = self.get(get, &mut on_event).await;
            let (at, cursor) = (trail.answered_at(), trail.cursor());
            trail.finish(came.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Ok));
            match (came, heard) {
                (Ok(reply), Some(heard)) => return Answered { at, reply: Some(reply), ..heard },
                // A server that does not offer it has cut the stream for good.
                (Err(Outcome::Status(status)), _) if !is_passing(Outcome::Status(status)) => break,
                (Err(outcome), _) if cursor.is_none() && !is_passing(outcome) => {
                    return Answered::unread(outcome);
                }
                // By now patience is over.
                (Err(Outcome::Timeout), _) => return Answered::unread(Outcome::Timeout),
                _ => {}
            }
            if let Some(cursor) = cursor {
                broke.again(cursor);
            }
        }
        Answered::broken(Outcome::CutStream, String::new())
    }

    /// Asks for a stream: one that broke behind an event of it, or a standalone one.
    pub(super) async fn get<'a>(&'a self, get: Get<'a>, on_event: Listener<'_>) -> Got<'a> {
        let Get { footing, behind, deadline, cost, opened, presumed } = get;
        let operation = if behind.is_some() { Operation::Resume } else { Operation::Stream };
        let mut trail = self.trail_of(operation, None, cost);
        if let Some(opened) = opened {
            trail.tell_when_open(opened);
        }
        if let Some(outcome) = presumed {
            trail.presume_when_open(outcome);
        }
        let headers = stream_headers(footing);
        let mut request = Request::new(operation, Method::GET, headers, Bytes::new());
        if let Some(last) = behind {
            request.headers.insert(LAST_EVENT_ID, last);
        }
        let mut body = Vec::new();
        let came = self.carry(&mut trail, request, deadline, &mut body, on_event).await;
        let came = came.and_then(|reply| {
            let head = head_of(&reply, footing);
            match head.offer() {
                Offer::Open => Ok(reply),
                Offer::NotOffered => Err(Outcome::Status(reply.status)),
                Offer::Refused => Err(answer::refused(&head, &body, None).outcome),
                Offer::Broken(rule) => Err(Outcome::Violation(rule)),
            }
        });
        Got { came, trail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        assert_eq!([pause(0), pause(1)].map(|pause| pause.as_millis()), [1000, 1500]);
        assert_eq!(pause(9), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn ids_that_a_header_can_carry() {
        for id in [&b"e-1"[..], b"a b\t", "\u{e9}".as_bytes(), b"\xff", &[b'x'; LONGEST_ID]] {
            assert_eq!(behind(id).unwrap(), id);
        }
        for id in [&b"\x01"[..], b"a\x7f", b"\x1b[2J", &[b'x'; LONGEST_ID + 1]] {
            assert_eq!(behind(id), Err(Rule::BadEventId));
        }
    }

    #[test]
    fn attempts_are_counted_per_break() {
        let cursor = |id: &str| Cursor { id: Some(id.into()), retry: None };
        let mut broke = Break::at(cursor("1"), 2);
        let pauses = |broke: &mut Break| {
            std::iter::from_fn(|| broke.pause()).map(|pause| pause.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(&mut broke), [1000, 1500]);
        assert_eq!(pauses(&mut broke), [0; 0], "nothing opened");
        broke.again(cursor("1"));
        assert_eq!(pauses(&mut broke), [1000, 1500], "it was open, and brought nothing new");
        broke.again(Cursor::default());
        assert_eq!(pauses(&mut broke), [1000, 1500]);
        assert_eq!(broke.behind(), Ok(Some(HeaderValue::from_static("1"))), "it still holds");
        broke.again(Cursor { retry: Some(Duration::ZERO), ..cursor("2") });
        assert_eq!(pauses(&mut broke), [0, 0]);
        let rest = (0..).map_while(|_| {
            broke.again(Cursor::default());
            broke.pause()
        });
        assert_eq!(rest.count(), 992, "a thousand in all");
    }
}
