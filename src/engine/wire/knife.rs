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
                // A client that never had this event resumes before it.
                reader.take_back();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::Parting;

    #[test]
    fn what_was_cut_off_was_not_heard_of_and_is_resumed_for() {
        let stream =
            b"id: 0\ndata:\n\nid: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
        for point in [Point::BeforeAnswer, Point::InEvent(0)] {
            let mut knife =
                Knife::new(By { fault: 5, what: Cut { point, parting: Parting::Reset } });
            let mut reader = sse::Reader::new(100);
            let heard = knife.piece(&mut reader, stream, &mut |_| Flow::Answered);
            assert!(matches!(heard, Ok(None)), "{point:?}");
            assert_eq!(reader.last_event_id(), Some(&b"0"[..]), "{point:?}");
        }
    }
}
