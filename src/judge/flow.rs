//! Whether what a call tells of its progress comes when it is told, or with the answer.

use std::time::Duration;

use super::rule::Rule;
use crate::model::finding::{Provenance, Severity};

pub(super) const BUFFERED: Rule = Rule {
    id: "stream-buffered",
    severity: Severity::Medium,
    title: "What calls told of their progress came all at once, with their answers.",
    text: "Messages of a stream are passed on when they are sent; servers SHOULD ask proxies for that \
           with X-Accel-Buffering: no.",
    source: "MCP 2026-07-28, basic/transports; observed: java-sdk issue 293, nginx issue 1505",
    provenance: Provenance::Observed,
    what_to_do: "Answer with X-Accel-Buffering: no and without compression, switch buffering off in \
                 what is in front (nginx: proxy_buffering off), and flush after each event. If the \
                 tool itself says all at its end, let it say it before.",
};

/// Calls that take less say nothing.
const SHORTEST: Duration = Duration::from_millis(100);
/// The first message came within this share of the whole before the answer: they came together.
const TOGETHER: f64 = 0.1;

/// What a call told, since it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// How many messages came before its answer.
    pub(super) messages: u32,
    /// When the first of them came.
    pub(super) first: Duration,
    /// When the answer was whole.
    pub(super) whole: Duration,
}

impl Told {
    /// Whether all came together; nothing of a call that told too little, or took no time.
    pub(super) fn is_together(self) -> Option<bool> {
        let says = self.messages >= 2 && self.whole >= SHORTEST;
        let left = self.whole.saturating_sub(self.first);
        says.then(|| left <= self.whole.mul_f64(TOGETHER))
    }
}
