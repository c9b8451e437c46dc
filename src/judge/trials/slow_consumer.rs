//! `check-slow-consumer`: whether clients that hardly read what they asked for keep others waiting.

use std::collections::BTreeMap;
use std::time::Duration;

use super::felt;
use crate::judge::contrast::{LEAST, above, percentile};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::P;
use crate::model::behaviour::SlowConsumerTrials;
use crate::model::figure;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Class;
use crate::model::trial::slow_consumer::{At, Phase, Trial};
use crate::model::trial::{Tried, What};

/// So many times what it was, the p95 of others is beside slow readers.
const TIMES: f64 = 2.0;
/// And so much more, in seconds: what a busy machine does by itself is less.
const MORE: f64 = 0.1;

pub(super) const SLOWED: Rule = Rule {
    id: "slow-readers-slow-others",
    severity: Severity::High,
    title: "While some clients hardly read their answers, the calls of others wait.",
    text: "A client that reads slowly, or no longer, keeps its own connection busy and nothing that \
           others need.",
    source: "observed: UsefulSoftwareCo/executor issue 1279, mcp-arr issue 24 (a stream that holds a \
             lock); p95 twice what it was and 0.1 s more, Mann-Whitney p < 0.001, in every round",
    provenance: Provenance::Observed,
    what_to_do: "Let go of locks, workers and connections to databases before the answer is written; \
                 write to each client by itself, with a bound on what waits for it and on how long.",
};

/// What was seen.
#[derive(Debug)]
pub(super) struct SlowConsumer {
    rounds: u32,
    needed: u64,
    /// Of the largest result, in bytes.
    largest: Option<u64>,
    others: BTreeMap<At, Vec<f64>>,
    /// So long readers read slowly.
    slow_for: Duration,
    /// Slow readers who got all of it in the end, who were cut off, and who were refused.
    kept: u64,
    gone: u64,
    refused: u64,
}

impl SlowConsumer {
    pub(super) fn new(knobs: &SlowConsumerTrials) -> Self {
        let (rounds, needed) = (knobs.rounds, u64::from(knobs.least_bytes));
        let (others, slow_for) = (BTreeMap::new(), knobs.hold);
        let (kept, gone, refused) = (0, 0, 0);
        Self { rounds, needed, largest: None, others, slow_for, kept, gone, refused }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        match tried.what {
            What::SlowConsumer(Trial::Largest(bytes)) => self.largest = Some(bytes),
            What::SlowConsumer(Trial::Other(at)) => {
                self.others.entry(at).or_default().extend(felt::seconds(tried));
            }
            What::SlowConsumer(Trial::Reader(_)) => match tried.outcome.class() {
                // The last two: still open when nobody waited any longer, or read on for it.
                Class::Ok | Class::Timeout | Class::Violation => self.kept += 1,
                Class::CutStream => self.gone += 1,
                Class::Connect if tried.status.is_some() => self.gone += 1,
                _ => self.refused += 1,
            },
            _ => {}
        }
    }

    pub(super) fn said(&self) -> Said {
        let Some(largest) = self.largest else {
            return Said::moot("there are no results to be read slowly");
        };
        if largest < self.needed {
            return Said::too_little(format!(
                "the largest result had {}, which is on its way before anybody reads it: {} are \
                 needed (load.slow_consumer.large names a tool; of the practice target, result_bytes)",
                figure::bytes(largest),
                figure::bytes(self.needed)
            ));
        }
        let Self { kept, gone, refused, .. } = self;
        let all = kept + gone + refused;
        if (kept + gone) * 2 < all || all == 0 {
            return Said::too_little(format!("{refused} of {all} slow readers were refused"));
        }
        let rounds: Vec<_> = (0..self.rounds).filter_map(|round| self.round(round)).collect();
        if rounds.len() < self.rounds as usize {
            return Said::too_little(format!(
                "in {} of {} rounds there were {LEAST} ordinary calls before and beside slow \
                 readers, of which nine of ten were answered before; where large results take their \
                 time, raise load.slow_consumer.settle or lower its readers",
                rounds.len(),
                self.rounds
            ));
        }
        let worst = |of: fn(&Beside) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
        let value = format!(
            "ordinary calls took {} at p95 beside slow readers, {} before and {} after; {}",
            felt::shown(worst(|beside| beside.during)),
            felt::shown(worst(|beside| beside.before)),
            felt::shown(worst(|beside| beside.after)),
            self.readers(largest)
        );
        if rounds.iter().all(Beside::is_slower) {
            let (p, of) = (felt::chance(worst(|beside| beside.p)), self.rounds);
            let lost: usize = rounds.iter().map(|beside| beside.lost).sum();
            let value = format!("{value}; {lost} were not answered ({p}, in each of {of} rounds)");
            let during = self.others.iter().filter(|(at, _)| at.phase == Phase::During);
            let count = during.map(|(_, values)| values.len() as u64).sum();
            return Said::broken(&SLOWED, count, value);
        }
        let (slower, of) = (rounds.iter().filter(|beside| beside.is_slower()).count(), self.rounds);
        match slower {
            0 => Said::held(value),
            // Once, something else may have been going on.
            1 if rounds.len() > 2 => Said::held(format!("{value}; slower in one of {of} rounds")),
            slower => Said::too_little(format!(
                "{value}; slower in {slower} of {of} rounds: raise load.slow_consumer.rounds"
            )),
        }
    }

    /// What became of the readers themselves.
    fn readers(&self, largest: u64) -> String {
        let Self { kept, gone, slow_for, .. } = self;
        format!(
            "{gone} of {} slow readers were let go within {} (a result had {})",
            kept + gone,
            figure::duration(*slow_for),
            figure::bytes(largest)
        )
    }

    fn round(&self, round: u32) -> Option<Beside> {
        let of = |phase| self.others.get(&At { round, phase }).filter(|all| all.len() >= LEAST);
        let (before, during) = (of(Phase::Before)?, of(Phase::During)?);
        if felt::lost(before) * 10 > before.len() {
            return None;
        }
        let after = of(Phase::After).map_or(0.0, |after| percentile(after, 0.95));
        Some(Beside {
            p: above(before, during),
            before: percentile(before, 0.95),
            during: percentile(during, 0.95),
            after,
            lost: felt::lost(during),
        })
    }
}

/// Ordinary calls of one round beside slow readers, against those before.
struct Beside {
    p: f64,
    before: f64,
    during: f64,
    after: f64,
    lost: usize,
}

impl Beside {
    fn is_slower(&self) -> bool {
        let is_felt = self.during > self.before * TIMES && self.during - self.before >= MORE;
        self.p < P && is_felt
    }
}
