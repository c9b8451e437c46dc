//! Races for a refresh token: what the second process was answered, by when it came.

use std::time::Duration;

use crate::model::event::{Race, Second};
use crate::model::summary::races;

/// A gap that is this much past the grace is past it for the server, too.
const MARGIN: Duration = Duration::from_secs(1);

/// What races came to.
#[derive(Debug, Default)]
pub(super) struct Races {
    /// Declared; `None`: every gap is within it.
    grace: Option<Duration>,
    /// Within the grace: given tokens.
    pub(super) granted: u64,
    /// Within the grace: told that the refresh token is no longer good.
    pub(super) refused: u64,
    /// Answered 500, whenever.
    pub(super) broken: u64,
    /// Past the grace: given tokens.
    pub(super) late_granted: u64,
    /// Past it: given none.
    pub(super) late_refused: u64,
    /// About its end, where servers may do either: given tokens.
    pub(super) edge_granted: u64,
    /// About its end: given none.
    pub(super) edge_refused: u64,
    /// Winners of races within the grace whose tokens were still good.
    pub(super) alive: u64,
    /// Winners of those whose tokens were not.
    pub(super) killed: u64,
    gaps: races::Races,
}

impl Races {
    pub(super) fn new(grace: Option<Duration>) -> Self {
        Self { grace, ..Self::default() }
    }

    pub(super) fn add(&mut self, race: &Race) {
        self.gaps.add(race);
        let (least, most) = race.within;
        let is_within = self.grace.is_none_or(|grace| most <= grace);
        let is_late = self.grace.is_some_and(|grace| least >= grace + MARGIN);
        let count = match race.second {
            Second::Broken => Some(&mut self.broken),
            Second::Granted if is_within => Some(&mut self.granted),
            Second::Refused if is_within => Some(&mut self.refused),
            Second::Granted if is_late => Some(&mut self.late_granted),
            Second::Refused if is_late => Some(&mut self.late_refused),
            Second::Granted => Some(&mut self.edge_granted),
            Second::Refused => Some(&mut self.edge_refused),
            Second::Failed => None,
        };
        if let Some(count) = count {
            *count += 1;
        }
        match race.first_alive.filter(|_| is_within) {
            Some(true) => self.alive += 1,
            Some(false) => self.killed += 1,
            None => {}
        }
    }

    /// The gaps that were tried and how they went, for a person.
    pub(super) fn gaps(&self) -> String {
        self.gaps.said()
    }
}
