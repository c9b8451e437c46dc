//! An answer that comes as events, or whole: every size bounded.

use std::time::Duration;

use super::line::Body;
use super::{BODY_LIMIT, Flow, Reply, Trail};
use crate::edge::clock::Clock;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::sse;

/// After its answer a stream is expected to end within this; else its connection is given up.
pub(super) const STREAM_END: Duration = Duration::from_millis(20);

/// Where a stream broke (MCP 2025-11-25, transports, "Resumability and Redelivery").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The id of the last event, behind which the stream can be taken up again.
    pub id: Option<Vec<u8>>,
    /// How long the server asked to wait before that.
    pub retry: Option<Duration>,
}

/// Hears the events of a stream, those behind its answer too.
pub type Listener<'a> = &'a mut (dyn FnMut(&Reply, &sse::Event<'_>) -> Flow + Send);

/// An answer that comes as events.
pub(super) struct Stream<'a> {
    clock: &'a Clock,
    reader: sse::Reader,
    answer: Body<'a>,
    /// How many bytes may still come before the answer.
    left: u64,
    /// Its hearer had enough of it.
    is_left: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(clock: &'a Clock, answer: Body<'a>, left: u64) -> Self {
        Self { clock, reader: sse::Reader::new(BODY_LIMIT), answer, left, is_left: false }
    }

    /// Reads events until the one that is the answer, or enough; false when the stream ends without it.
    pub(super) async fn read(
        &mut self,
        trail: &mut Trail<'_>,
        hear: &mut (dyn FnMut(&sse::Event<'_>) -> Flow + Send),
    ) -> Result<bool, Outcome> {
        while let Some(data) = self.answer.chunk().await {
            let Ok(data) = data else {
                trail.cursor = Some(self.cursor());
                return Err(Outcome::CutStream);
            };
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or(Outcome::Violation(Rule::TooLarge))?;
            let clock = self.clock;
            let first = &mut trail.exchange.first_event;
            let flow = piece(&mut self.reader, &data, &mut |event| {
                first.get_or_insert_with(|| clock.now());
                hear(event)
            });
            let flow = flow.map_err(|_| Outcome::Violation(Rule::TooLarge))?;
            if flow != Flow::Continue {
                self.is_left = flow == Flow::Enough;
                trail.exchange.answer = Some(clock.now());
                return Ok(true);
            }
        }
        trail.cursor = Some(self.cursor());
        Ok(false)
    }

    fn cursor(&self) -> Cursor {
        let id = self.reader.last_event_id().map(<[u8]>::to_vec);
        Cursor { id, retry: self.reader.retry().map(Duration::from_millis) }
    }

    /// Reads what is left of an answered stream, so that its connection can be used again.
    pub(super) async fn ends_soon(
        mut self,
        hear: &mut (dyn FnMut(&sse::Event<'_>) -> Flow + Send),
    ) -> bool {
        if self.is_left {
            return false;
        }
        let clock = self.clock;
        let by = clock.now() + STREAM_END;
        let to_end = async {
            while let Some(data) = self.answer.chunk().await {
                let Ok(data) = data else { return false };
                if piece(&mut self.reader, &data, hear).is_ok_and(|flow| flow != Flow::Enough) {
                    continue;
                }
                return false;
            }
            true
        };
        clock.by(by, to_end).await == Some(true)
    }
}

/// Hears the events of one piece, all of them unless one is enough.
fn piece(
    reader: &mut sse::Reader,
    mut chunk: &[u8],
    hear: &mut (dyn FnMut(&sse::Event<'_>) -> Flow + Send),
) -> Result<Flow, sse::TooLarge> {
    let mut heard = Flow::Continue;
    while let Some(event) = reader.next(&mut chunk)? {
        match hear(&event) {
            Flow::Continue => {}
            Flow::Answered => heard = Flow::Answered,
            Flow::Enough => return Ok(Flow::Enough),
        }
    }
    Ok(heard)
}

/// Reads a body whole.
pub(super) async fn read_body(answer: &mut Body<'_>, body: &mut Vec<u8>) -> Result<(), Outcome> {
    while let Some(data) = answer.chunk().await {
        let data = data.map_err(|_| Outcome::CutStream)?;
        if body.len() + data.len() > BODY_LIMIT {
            return Err(Outcome::Violation(Rule::TooLarge));
        }
        body.extend_from_slice(&data);
    }
    Ok(())
}
