//! Streams that broke, taken up again by GET with `Last-Event-ID` (MCP 2025-11-25, transports,
//! "Resumability and Redelivery").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use super::Client;
use super::hear::Ear;
use super::legacy::stream_headers;
use super::post::{Answered, Cost, Judge, Lent, head_of, quoted};
use crate::engine::session::Footing;
use crate::engine::wire::{Cursor, Flow, Listener, Reply, Trail};
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

/// An event id longer than this is not sent back, in bytes: servers bound the heads they read.
const LONGEST_ID: usize = 4 * 1024;

/// The header that says behind which event a stream is taken up.
///
/// # Errors
/// [`Rule::BadEventId`] for an id that no header can carry.
pub(super) fn behind(id: &[u8]) -> Result<HeaderValue, Rule> {
    let value = HeaderValue::from_bytes(id).ok().filter(|id| id.len() <= LONGEST_ID);
    value.ok_or(Rule::BadEventId)
}

/// How long a client waits before an attempt, counted from 0, that the server set no time for.
pub(super) fn pause(attempt: u32) -> Duration {
    let factor = LONGER.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
    Duration::try_from_secs_f64(FIRST_PAUSE.as_secs_f64() * factor)
        .unwrap_or(LONGEST_PAUSE)
        .min(LONGEST_PAUSE)
}

impl Client {
    /// Goes on with a stream that ended without its answer, as often as the client does that.
    pub(super) async fn taken_up<R, T, J>(
        self: &Arc<Self>,
        ear: &mut Ear<'_>,
        mut cursor: Cursor,
        mut answered: Answered<T>,
        (deadline, cost): (Duration, &Cost),
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        for attempt in 0..self.common.profile.resumes {
            if answered.outcome != Outcome::CutStream {
                break;
            }
            let last = match behind(&cursor.id) {
                Ok(last) => last,
                Err(rule) => {
                    return Answered::broken(Outcome::Violation(rule), quoted(&cursor.id));
                }
            };
            let wait = cursor.retry.unwrap_or_else(|| pause(attempt));
            let clock = &self.common.wire.clock;
            if clock.by(deadline, clock.sleep(wait)).await.is_none() {
                return Answered::broken(Outcome::Timeout, String::new());
            }
            let (mut heard, footing) = (None, ear.footing);
            let mut on_event = |reply: &Reply, event: &sse::Event<'_>| {
                if event.name != b"message" || heard.is_some() {
                    return Flow::Continue;
                }
                let head = head_of(reply, footing);
                heard = ear.message::<R, T, J>(&head, event.data, judge);
                if heard.is_some() { Flow::Answered } else { Flow::Continue }
            };
            let (came, at, next) =
                self.resume(footing, last, (deadline, cost), &mut on_event).await;
            answered = match (came, heard) {
                (Ok(reply), Some(heard)) => Answered { at, reply: Some(reply), ..heard },
                (Ok(_), None) => Answered::broken(Outcome::CutStream, String::new()),
                (Err(outcome), _) => Answered::unread(outcome),
            };
            if let Some(next) = next {
                cursor = next;
            }
        }
        answered
    }

    /// Takes a stream up behind the event `last`. Gives what came, when its answer was whole, and
    /// where it can be taken up once more.
    pub(super) async fn resume(
        self: &Arc<Self>,
        footing: &Footing,
        last: HeaderValue,
        (deadline, cost): (Duration, &Cost),
        on_event: Listener<'_>,
    ) -> (Result<Reply, Outcome>, Option<Duration>, Option<Cursor>) {
        let operation = Operation::Resume;
        let wire = &self.common.wire;
        let mut trail = Trail::begin(wire, &self.ending, self.user, operation);
        trail.count_in(&cost.exchanges, &self.exchanges);
        let headers = stream_headers(footing);
        let mut request = self.request(operation, Method::GET, &headers, Bytes::new());
        request.headers.insert(LAST_EVENT_ID, last);
        let mut body = Vec::new();
        let came =
            wire.exchange(&self.lines, &mut trail, request, deadline, &mut body, on_event).await;
        let came = came.and_then(|reply| {
            let head = head_of(&reply, footing);
            match head.offer() {
                Offer::Open => Ok(reply),
                Offer::NotOffered => Err(Outcome::CutStream),
                Offer::Refused => Err(answer::refused(&head, &body, None).outcome),
                Offer::Broken(rule) => Err(Outcome::Violation(rule)),
            }
        });
        let (at, cursor) = (trail.answered_at(), trail.cursor());
        trail.finish(came.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Ok));
        (came, at, cursor)
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
}
