//! Calls of a storm that told of their progress: whether that came before their answers.

use std::time::Duration;

use crate::judge::flow::{BUFFERED, Told};
use crate::judge::said::Said;
use crate::model::event::Exchange;
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

/// Fewer calls that told something say nothing.
const LEAST: u64 = 20;
/// Of the calls that told something, in so many it came together: a tool or two may say all at its end.
const MOST: f64 = 0.9;

/// Calls that told of their progress.
#[derive(Debug, Default)]
pub(super) struct Flowing {
    told: u64,
    together: u64,
    /// When the first message came and the whole, of the slowest that came together.
    slowest: (Duration, Duration),
}

impl Flowing {
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (Operation::ToolsCall, Outcome::Ok) = (exchange.operation, exchange.outcome) else {
            return;
        };
        let (Some(sent), Some(first), Some(answer)) =
            (exchange.sent, exchange.first_event, exchange.answer)
        else {
            return;
        };
        let (first, whole) = (first.saturating_sub(sent), answer.saturating_sub(sent));
        // The last one is the answer.
        let messages = u32::from(exchange.messages.saturating_sub(1));
        let Some(is_together) = (Told { messages, first, whole }).is_together() else { return };
        self.told += 1;
        if is_together {
            self.together += 1;
            if whole > self.slowest.1 {
                self.slowest = (first, whole);
            }
        }
    }

    fn is_buffered(&self) -> bool {
        self.told >= LEAST && self.together as f64 >= MOST * self.told as f64
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        let (first, whole) = self.slowest;
        let said = format!(
            "in {} of {} calls that told progress the first message came together with the answer: at \
             worst after {} of {}",
            self.together,
            self.told,
            figure::duration(first),
            figure::duration(whole)
        );
        self.is_buffered().then(|| BUFFERED.finding(self.together, std::iter::once(said)))
    }

    /// What it comes to.
    pub(super) fn said(&self) -> Said {
        let Self { told, together, .. } = *self;
        match told {
            0 => Said::moot("no call told its progress twice in 100 ms or more"),
            1..LEAST => Said::too_little(format!("{told} calls told progress; {LEAST} are needed")),
            _ if self.is_buffered() => {
                Said::unheld(format!("progress came with the answer in {together} of {told} calls"))
            }
            _ => Said::held(format!(
                "progress came before the answer in {} of {told} calls",
                told - together
            )),
        }
    }
}
