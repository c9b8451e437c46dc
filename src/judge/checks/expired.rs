//! Tokens past their end.
//!
//! ```text
//! ───── must be good ─────┤ skew │ skew ├──── must be refused ────►
//!                                end
//! ```

use std::time::Duration;

use super::Said;
use super::answer::Answer;
use super::refusals::{Refusals, offset, past};
use super::rules::EXPIRED_ACCEPTED;
use crate::model::event::{Presented, Whose};
use crate::model::figure;

/// What became of tokens around their end.
#[derive(Debug)]
pub(super) struct Expired {
    skew: Duration,
    /// Well before its end: accepted, and not.
    good: u64,
    bad: u64,
    /// Past end and skew.
    late: Refusals,
    /// Requests with a token of which nobody knows when it ends.
    endless: u64,
    /// How long past its end a token was accepted at most, in milliseconds.
    accepted_until: Option<i64>,
    /// From when on it was refused at the earliest, of those that were good before.
    refused_from: Option<i64>,
}

impl Expired {
    pub(super) fn new(skew: Duration, has_metadata: bool) -> Self {
        let late = Refusals::new(&EXPIRED_ACCEPTED, has_metadata);
        let (accepted_until, refused_from) = (None, None);
        Self { skew, good: 0, bad: 0, late, endless: 0, accepted_until, refused_from }
    }

    pub(super) fn add(&mut self, presented: &Presented, answer: Answer) {
        let Whose::Own { ends } = presented.token else { return };
        let Some(ends) = ends else {
            self.endless += u64::from(answer != Answer::Nothing);
            return;
        };
        let (sent, millis) = (presented.sent, offset(presented.sent, ends));
        let is_early = sent + self.skew < ends;
        match answer {
            Answer::Accepted => self.accepted_until = self.accepted_until.max(Some(millis)),
            Answer::Refused(_) | Answer::Wrong(_) if !is_early => {
                let earlier = self.refused_from.map_or(millis, |from| from.min(millis));
                self.refused_from = Some(earlier);
            }
            _ => {}
        }
        if is_early {
            self.good += u64::from(answer == Answer::Accepted);
            self.bad += u64::from(matches!(answer, Answer::Refused(_) | Answer::Wrong(_)));
        } else if sent >= ends + self.skew {
            self.late.add(presented, answer, &past(millis));
        }
    }

    pub(super) fn said(&self) -> Said {
        let has_control = self.good > 0;
        let all = self.good + self.bad;
        let mut parts = Vec::new();
        if let Some(until) = self.accepted_until.filter(|until| *until >= 0) {
            parts.push(format!("accepted until {}", past(until)));
        }
        if let Some(from) = self.refused_from {
            parts.push(format!("refused from {} on", past(from)));
        }
        parts.push(format!("{} of {all} requests well before its end accepted", self.good));
        let skew = figure::duration(self.skew);
        let (count, accepted) = (self.late.count(), self.late.accepted());
        let shown = self.late.shown();
        parts.push(match count {
            0 => format!("nothing was seen from {skew} past its end on"),
            _ => format!("{accepted} of {count} from {skew} past its end on accepted, {shown}"),
        });
        if self.endless > 0 {
            parts.push(format!("{} with a token without expires_in", self.endless));
        }
        let held = self.late.held(has_control);
        Said { held, value: parts.join("; "), findings: self.late.findings(has_control) }
    }
}
