//! Cutting a stream of events at its client's end: where in it that is.

use super::Flow;
use crate::engine::weather::By;
use crate::model::fault::{Cut, Point};
use crate::protocol::{answer, sse};

/// A stream that is to be cut, and the events that have passed of it.
#[derive(Debug)]
pub(super) struct Knife {
    /// Where it is cut, and by which fault.
    pub(super) cut: By<Cut>,
    passed: u32,
}

impl Knife {
    pub(super) const fn new(cut: By<Cut>) -> Self {
        Self { cut, passed: 0 }
    }

    /// Whether the cut comes before anything more is read.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.cut.what.point, Point::AfterEvents(events) if self.passed >= events)
    }

    /// Hears the events of one piece until the cut; `None` is the cut. A stream whose answer has
    /// come is not cut any more.
    pub(super) fn piece(
        &mut self,
        reader: &mut sse::Reader,
        mut chunk: &[u8],
        hear: &mut (dyn FnMut(&sse::Event<'_>) -> Flow + Send),
    ) -> Result<Option<Flow>, sse::TooLarge> {
        let mut heard = Flow::Continue;
        loop {
            let is_open = heard == Flow::Continue;
            if is_open && self.is_due() {
                return Ok(None);
            }
            let Some(event) = reader.next(&mut chunk)? else {
                let is_cut = is_open && self.is_in_event() && reader.is_within();
                return Ok((!is_cut).then_some(heard));
            };
            if is_open && (self.is_in_event() || self.is_before(&event)) {
                return Ok(None);
            }
            self.passed += 1;
            match hear(&event) {
                Flow::Continue => {}
                Flow::Answered => heard = Flow::Answered,
                Flow::Enough => return Ok(Some(Flow::Enough)),
            }
        }
    }

    /// Whether the next event is not to be heard whole.
    fn is_in_event(&self) -> bool {
        matches!(self.cut.what.point, Point::InEvent(events) if self.passed >= events)
    }

    /// Whether the cut comes before this event because it is the answer.
    fn is_before(&self, event: &sse::Event<'_>) -> bool {
        let is_message = event.name == b"message";
        self.cut.what.point == Point::BeforeAnswer && is_message && answer::is_answer(event.data)
    }
}
