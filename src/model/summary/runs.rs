//! Runs: how they ended, what they cost, and how long they take although some never ended.
//!
//! A run that was cut or stopped did not complete, but it would have: all that is known is that it
//! takes longer than was seen. Dropping such runs from a percentile would report the survivors, so
//! the time to completion is estimated by Kaplan and Meier (J. Amer. Statist. Assoc. 53, 1958):
//!
//! ```text
//! S(t) = product over completion times u <= t of (1 - completed(u) / at_risk(u))
//! ```
//!
//! where `at_risk(u)` are the runs whose time is u or longer. A run that failed never completes and
//! is at risk for ever. The p-th percentile is the first t with S(t) <= 1 - p; when S never falls
//! so far, all that can be said is "at least the longest time seen".

use crate::model::event::{Fate, Run, Wave};
use crate::model::histogram::Histogram;

/// All runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Runs {
    /// Runs that came to their own end.
    pub completed: u64,
    /// Runs their person stopped.
    pub stopped: u64,
    /// Runs the end of the load cut.
    pub cut: u64,
    /// Runs of which not one call was answered well.
    pub failed: u64,
    /// Time of completed runs.
    pub completion: Histogram,
    /// Time seen of runs that were stopped or cut.
    pub censored: Histogram,
    /// How long the slowest subagent held back its wave.
    pub straggler: Histogram,
    /// Calls of completed runs.
    pub calls: Histogram,
    /// HTTP exchanges of completed runs.
    pub exchanges: Histogram,
    /// Subagents of all runs.
    pub subagents: u64,
    /// Waves of all runs.
    pub waves: u64,
    /// How long the waves took whose barrier opened; the others were cut with their run.
    pub wave: Histogram,
}

/// A percentile of a time that not everybody's clock reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// It is this many microseconds.
    Reached(u64),
    /// It is this many microseconds or more; nothing seen says how much more.
    AtLeast(u64),
}

impl Runs {
    pub(super) fn add(&mut self, run: &Run) {
        let time = run.ended.saturating_sub(run.due);
        match run.fate {
            Fate::Completed => {
                self.completed += 1;
                self.completion.record(time);
                self.calls.record_number(u64::from(run.calls));
                self.exchanges.record_number(u64::from(run.exchanges));
            }
            Fate::Stopped => {
                self.stopped += 1;
                self.censored.record(time);
            }
            Fate::Cut => {
                self.cut += 1;
                self.censored.record(time);
            }
            Fate::Failed => self.failed += 1,
        }
        if let Some(straggler) = run.straggler {
            self.straggler.record(straggler);
        }
        self.subagents += u64::from(run.subagents);
        self.waves += u64::from(run.waves);
    }

    pub(super) fn add_wave(&mut self, wave: &Wave) {
        self.wave.record(wave.ended.saturating_sub(wave.began));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.completed += other.completed;
        self.stopped += other.stopped;
        self.cut += other.cut;
        self.failed += other.failed;
        self.completion.merge(&other.completion);
        self.censored.merge(&other.censored);
        self.straggler.merge(&other.straggler);
        self.calls.merge(&other.calls);
        self.exchanges.merge(&other.exchanges);
        self.subagents += other.subagents;
        self.waves += other.waves;
        self.wave.merge(&other.wave);
    }

    /// All runs.
    pub fn count(&self) -> u64 {
        self.completed + self.stopped + self.cut + self.failed
    }

    /// How many runs were seen to complete within so many microseconds.
    pub fn seen_by(&self, us: u64) -> u64 {
        self.completion.steps().take_while(|(time, _)| *time <= us).map(|(_, ended)| ended).sum()
    }

    /// Whether it is an estimate that this share (0 to 1) of all runs completes within so many
    /// microseconds: fewer were seen to, the others were cut or stopped before.
    pub fn is_estimated(&self, us: u64, share: f64) -> bool {
        (self.seen_by(us) as f64) < share * self.count() as f64 - 1e-9
    }

    /// The percentile (a share, 0 to 1) of the time to completion; `None` without runs.
    pub fn completion(&self, share: f64) -> Option<Completion> {
        if self.count() == 0 {
            return None;
        }
        let mut curve = curve(&self.completion, &self.censored, self.count());
        let reached = curve.find(|(_, completed)| *completed >= share - 1e-9);
        let longest = self.completion.max().max(self.censored.max());
        Some(reached.map_or(Completion::AtLeast(longest), |(us, _)| Completion::Reached(us)))
    }
}

/// Each time at which runs completed, in microseconds, with the share of all runs (0 to 1) that
/// has completed by then, 1 - S(t): of `count` runs, these completed and those were censored.
pub fn curve(
    completion: &Histogram,
    censored: &Histogram,
    count: u64,
) -> impl Iterator<Item = (u64, f64)> {
    let (mut at_risk, mut surviving) = (count, 1.0);
    let mut censored = censored.steps().peekable();
    completion.steps().map(move |(time, ended)| {
        // A run censored at the very time another completed was still at risk then.
        while let Some((_, left)) = censored.next_if(|(other, _)| *other < time) {
            at_risk = at_risk.saturating_sub(left);
        }
        surviving *= 1.0 - ended as f64 / at_risk.max(ended).max(1) as f64;
        at_risk = at_risk.saturating_sub(ended);
        (time, 1.0 - surviving)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(seconds: u64, fate: Fate) -> Run {
        Run {
            user: 0,
            run: 0,
            class: 0,
            due: Duration::ZERO,
            ended: Duration::from_micros(seconds),
            fate,
            calls: 3,
            exchanges: 9,
            subagents: 2,
            waves: 1,
            straggler: None,
        }
    }

    fn runs(times: &[(u64, Fate)]) -> Runs {
        let mut runs = Runs::default();
        for (seconds, fate) in times {
            runs.add(&run(*seconds, *fate));
        }
        runs
    }

    #[test]
    fn kaplan_and_meier_by_hand() {
        use Completion::{AtLeast, Reached};
        use Fate::{Completed, Cut, Failed};
        // S: 0.8 after 1, 0.8 * 2/3 after 3 (one of four left at 2), 0 after 5.
        let five = runs(&[(1, Completed), (2, Cut), (3, Completed), (5, Completed), (4, Cut)]);
        assert_eq!(five.completion(0.1), Some(Reached(1)));
        assert_eq!(five.completion(0.45), Some(Reached(3)));
        assert_eq!(five.completion(0.5), Some(Reached(5)));
        let cut = runs(&[(1, Completed), (9, Cut)]);
        assert_eq!(cut.completion(0.5), Some(Reached(1)));
        assert_eq!(cut.completion(0.95), Some(AtLeast(9)));
        let failed = runs(&[(1, Completed), (0, Failed), (0, Failed)]);
        assert_eq!(failed.completion(0.5), Some(AtLeast(1)));
        assert_eq!(runs(&[]).completion(0.5), None);
    }

    #[test]
    fn without_censoring_it_is_the_plain_percentile() {
        let times: Vec<_> = (1..=100).map(|second| (second, Fate::Completed)).collect();
        assert_eq!(runs(&times).completion(0.95), Some(Completion::Reached(95)));
    }
}
