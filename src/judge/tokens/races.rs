//! Races for a refresh token: what the second process was answered, by when it came.

use std::time::Duration;

use crate::model::event::{Race, Second};
use crate::model::figure;

/// A gap that is this much past the grace is past it for the server, too.
const MARGIN: Duration = Duration::from_secs(1);

/// What races came to.
#[derive(Debug, Default)]
pub(super) struct Races {
    grace: Duration,
    /// Whether a refresh ever replaced the refresh token; else there is no old one.
    pub(super) rotates: bool,
    /// Within the grace: given tokens.
    pub(super) granted: u64,
    /// Within the grace: given none.
    pub(super) refused: u64,
    /// Past it: given tokens.
    pub(super) late_granted: u64,
    /// Past it: given none.
    pub(super) late_refused: u64,
    /// Winners whose tokens were still good.
    pub(super) alive: u64,
    /// Winners whose tokens were not.
    pub(super) killed: u64,
    safe: Option<Duration>,
    unsafe_from: Option<Duration>,
}

impl Races {
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, ..Self::default() }
    }

    pub(super) fn add(&mut self, race: &Race) {
        let is_granted = race.second == Second::Granted;
        let count = match (is_granted, race.gap <= self.grace) {
            (true, true) => Some(&mut self.granted),
            (false, true) => Some(&mut self.refused),
            _ if race.gap < self.grace + MARGIN => None,
            (true, false) => Some(&mut self.late_granted),
            (false, false) => Some(&mut self.late_refused),
        };
        if let Some(count) = count {
            *count += 1;
        }
        match race.first_alive {
            Some(true) => self.alive += 1,
            Some(false) => self.killed += 1,
            None => {}
        }
        let is_safe = is_granted && race.first_alive != Some(false);
        if is_safe {
            self.safe = self.safe.max(Some(race.gap));
        } else {
            self.unsafe_from = Some(self.unsafe_from.map_or(race.gap, |gap| gap.min(race.gap)));
        }
    }

    /// The gaps that went well and those that did not, for a person.
    pub(super) fn gaps(&self) -> String {
        let shown = |gap: Option<Duration>| gap.map_or("none".to_owned(), figure::duration);
        let (safe, bad) = (shown(self.safe), shown(self.unsafe_from));
        format!("longest gap that went well {safe}, shortest that did not {bad}")
    }
}
