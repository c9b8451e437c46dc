//! Tokens for another resource.

use super::Said;
use super::answer::Answer;
use super::refusals::Refusals;
use super::rules::FOREIGN_ACCEPTED;
use crate::model::event::{Presented, Whose};

/// What became of users' own tokens and of foreign ones.
#[derive(Debug)]
pub(super) struct Foreign {
    good: u64,
    bad: u64,
    foreign: Refusals,
}

impl Foreign {
    pub(super) fn new(has_metadata: bool) -> Self {
        Self { good: 0, bad: 0, foreign: Refusals::new(&FOREIGN_ACCEPTED, has_metadata) }
    }

    pub(super) fn add(&mut self, presented: &Presented, answer: Answer) {
        match presented.token {
            Whose::Foreign => self.foreign.add(presented, answer, "for another resource"),
            Whose::Own { .. } => {
                self.good += u64::from(answer == Answer::Accepted);
                self.bad += u64::from(matches!(answer, Answer::Refused(_) | Answer::Wrong(_)));
            }
        }
    }

    pub(super) fn said(&self) -> Said {
        let has_control = self.good > 0;
        let value = format!(
            "own tokens: {} of {} accepted; foreign ones: {} of {} accepted, {}",
            self.good,
            self.good + self.bad,
            self.foreign.accepted(),
            self.foreign.count(),
            self.foreign.shown()
        );
        let held = self.foreign.held(has_control);
        Said { held, value, findings: self.foreign.findings(has_control) }
    }
}
