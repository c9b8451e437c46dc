//! An answer that comes as events, or whole: every size bounded.

use std::time::Duration;

use super::held::Held;
use super::intake::Intake;
use super::knife::Knife;
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
    answer: Intake<'a>,
    /// Where it is cut, if it is.
    knife: Option<Knife>,
    /// How many bytes may still come before the answer.
    left: u64,
    /// Its hearer had enough of it.
    is_left: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(clock: &'a Clock, answer: Intake<'a>, left: u64) -> Self {
        let reader = sse::Reader::new(BODY_LIMIT);
        Self { clock, reader, answer, knife: None, left, is_left: false }
    }

    /// The stream is cut by a fault.
    pub(super) fn meets(&mut self, knife: Option<Knife>) {
        self.knife = knife;
    }

    /// The client cuts the stream here.
    fn cut(&mut self, trail: &mut Trail<'_>, knife: &Knife) -> Outcome {
        trail.touched(knife.cut.touched());
        trail.cursor = Some(self.cursor());
        self.answer.leave(knife.cut.what.parting);
        Outcome::CutStream
    }

    /// Reads events until the one that is the answer, or enough; false when the stream ends without it.
    pub(super) async fn read(
        &mut self,
        trail: &mut Trail<'_>,
        hear: &mut (dyn FnMut(&sse::Event<'_>) -> Flow + Send),
    ) -> Result<bool, Outcome> {
        if let Some(knife) = self.knife.take_if(|knife| knife.is_due()) {
            return Err(self.cut(trail, &knife));
        }
        while let Some(data) = self.answer.chunk().await {
            let Ok(data) = data else {
                trail.cursor = Some(self.cursor());
                return Err(Outcome::CutStream);
            };
            let now = self.clock.now();
            trail.exchange.last_bytes = Some(now);
            if let Some(pulse) = trail.pulse {
                pulse.beat(now);
            }
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or(Outcome::Violation(Rule::TooLarge))?;
            let exchange = &mut trail.exchange;
            let mut hear = |event: &sse::Event<'_>| {
                exchange.first_event.get_or_insert(now);
                exchange.messages = exchange.messages.saturating_add(1);
                hear(event)
            };
            let flow = match &mut self.knife {
                None => piece(&mut self.reader, &data, &mut hear).map(Some),
                Some(knife) => knife.piece(&mut self.reader, &data, &mut hear),
            };
            let flow = flow.map_err(|_| Outcome::Violation(Rule::TooLarge))?;
            let Some(flow) = flow else {
                let knife = self.knife.take();
                return Err(knife.map_or(Outcome::CutStream, |knife| self.cut(trail, &knife)));
            };
            room(&mut trail.held, self.reader.kept())?;
            if flow != Flow::Continue {
                self.is_left = flow == Flow::Enough;
                trail.exchange.answer = Some(self.clock.now());
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
        trail: &mut Trail<'_>,
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
                let flow = piece(&mut self.reader, &data, hear);
                let is_good = flow.is_ok_and(|flow| flow != Flow::Enough);
                if !is_good || trail.held.grow(self.reader.kept()).is_err() {
                    return false;
                }
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

/// Room for what an answer holds by now, in bytes.
fn room(held: &mut Held<'_>, bytes: usize) -> Result<(), Outcome> {
    held.grow(bytes).map_err(|_full| Outcome::Violation(Rule::TooLarge))
}

/// Reads a body whole.
pub(super) async fn read_body(
    answer: &mut Intake<'_>,
    body: &mut Vec<u8>,
    held: &mut Held<'_>,
) -> Result<(), Outcome> {
    while let Some(data) = answer.chunk().await {
        let data = data.map_err(|_| Outcome::CutStream)?;
        if body.len() + data.len() > BODY_LIMIT {
            return Err(Outcome::Violation(Rule::TooLarge));
        }
        body.extend_from_slice(&data);
        room(held, body.capacity())?;
    }
    Ok(())
}
