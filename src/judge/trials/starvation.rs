//! `check-starvation`: whether cheap requests are answered while slow calls are worked on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::felt;
use crate::judge::contrast::{LEAST, above, percentile};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::{P, median};
use crate::model::behaviour::StarvationTrials;
use crate::model::finding::{Provenance, Severity};
use crate::model::trial::starvation::{At, Trial, are_starved, limit};
use crate::model::trial::{Tried, What};

/// So many times what it was, the median of cheap requests is, where slow calls are first felt.
const FELT_TIMES: f64 = 5.0;
/// Less than this is felt by nobody, in seconds.
const FELT: f64 = 0.02;
/// Of slow calls that fail so often it is not known how many were in flight.
const MOST_FAILED: f64 = 0.25;
/// anyio's limit of threads, which Python servers have for synchronous tools.
const ANYIO: u32 = 40;

pub(super) const STARVED: Rule = Rule {
    id: "cheap-requests-starve",
    severity: Severity::High,
    title: "While slow calls are worked on, cheap requests of others are not answered.",
    text: "A ping, or a list of tools, costs nothing and takes nothing from others: it is answered \
           while calls are worked on. Hosted clients give up a handshake that takes too long.",
    source: "observed: python-sdk issues 1646 and 1839, fastmcp issue 864, serena issue 1896; a tenth \
             of the requests took 5 times what they took alone and 1 s at least, Mann-Whitney p < \
             0.001, in every round",
    provenance: Provenance::Observed,
    what_to_do: "Do not work on tools where requests are taken in: make them asynchronous, or give \
                 them threads or processes of their own, of which there are more than slow calls at \
                 once.",
};

/// What was seen.
#[derive(Debug)]
pub(super) struct Starvation {
    rounds: u32,
    /// One slow call, in seconds.
    alone: Option<f64>,
    cheap: BTreeMap<At, Vec<f64>>,
    /// Slow calls, and how many of them failed.
    slow: BTreeMap<u32, (u64, u64)>,
}

/// Cheap requests of one round beside so many slow calls, against those beside none.
struct Beside {
    p: f64,
    is_starved: bool,
    is_felt: bool,
    low: (f64, f64),
    high: (f64, f64),
}

impl Starvation {
    pub(super) fn new(knobs: &StarvationTrials) -> Self {
        let (cheap, slow) = (BTreeMap::new(), BTreeMap::new());
        Self { rounds: knobs.rounds, alone: None, cheap, slow }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        match tried.what {
            What::Starvation(Trial::Alone) => self.alone = Some(tried.took().as_secs_f64()),
            What::Starvation(Trial::Cheap(at)) => {
                self.cheap.entry(at).or_default().extend(felt::seconds(tried));
            }
            What::Starvation(Trial::Slow(At { slow, .. })) => {
                let (count, failed) = self.slow.entry(slow).or_default();
                *count += 1;
                *failed += u64::from(!tried.is_served());
            }
            _ => {}
        }
    }

    pub(super) fn said(&self) -> Said {
        let Some(alone) = self.alone else {
            return Said::moot("there is no slow tool to be called");
        };
        let Some(calm) = self.calm() else {
            let value = format!(
                "fewer than {LEAST} cheap requests, or not nine of ten of them, were answered with \
                 nothing else in flight, in each of {} rounds",
                self.rounds
            );
            return Said::too_little(value);
        };
        let steps: Vec<u32> = self.steps().collect();
        let starved = |step: &u32| self.every(*step, |beside| beside.is_starved && beside.p < P);
        let each = felt::shown(alone);
        if let Some(knee) = steps.iter().copied().find(starved) {
            return self.broken(knee, &each);
        }
        let late = |step: &u32| self.every(*step, |beside| beside.is_starved);
        if let Some(step) = steps.iter().copied().find(late) {
            return Said::too_little(format!(
                "with {step} slow calls in flight ({each} each) some cheap requests were late in every \
                 round, and too few of them to be no chance: hold each step longer"
            ));
        }
        let partly = |step: &u32| {
            let all: Vec<_> = self.all(*step).collect();
            let starved = all.iter().filter(|beside| beside.is_starved && beside.p < P).count();
            starved > 0 && starved * 2 >= all.len()
        };
        if let Some(step) = steps.iter().copied().find(partly) {
            return Said::too_little(format!(
                "with {step} slow calls in flight ({each} each) cheap requests were late in one round \
                 and not in another: raise load.starvation.rounds"
            ));
        }
        let Some(most) = steps.iter().copied().rfind(|step| self.every(*step, |_| true)) else {
            return Said::too_little(format!(
                "no number of slow calls ({each} each) could be held twice with {LEAST} cheap \
                 requests beside it: slow calls failed, or cheap ones were throttled"
            ));
        };
        let worst = self.all(most).map(|beside| beside.high.1).fold(0.0, f64::max);
        Said::held(format!(
            "with up to {most} slow calls in flight ({each} each) cheap requests took {} at p99 at \
             worst; {} with none",
            felt::shown(worst),
            felt::shown(calm)
        ))
    }

    fn broken(&self, knee: u32, each: &str) -> Said {
        let all: Vec<Beside> = self.all(knee).collect();
        let worst = |of: fn(&Beside) -> f64| all.iter().map(of).fold(0.0, f64::max);
        let value = format!(
            "with {knee} slow {} in flight ({each} each) cheap requests took {} in the median and \
             {} at p99, with none {} and {} ({}, in each of {} rounds); {}",
            if knee == 1 { "call" } else { "calls" },
            felt::shown(worst(|beside| beside.high.0)),
            felt::shown(worst(|beside| beside.high.1)),
            felt::shown(worst(|beside| beside.low.0)),
            felt::shown(worst(|beside| beside.low.1)),
            felt::chance(worst(|beside| beside.p)),
            all.len(),
            self.meaning(knee)
        );
        let late = |at: &&At| at.slow == knee;
        let count = self.cheap.keys().filter(late).map(|at| self.cheap[at].len() as u64).sum();
        Said::broken(&STARVED, count, value)
    }

    /// What it is that there is too little of: it is felt from where all of it is busy.
    fn meaning(&self, knee: u32) -> String {
        let felt = self.steps().find(|step| self.every(*step, |beside| beside.is_felt));
        let first = felt.map_or(knee, |felt| felt.min(knee));
        if first == 1 {
            return "one is enough to be felt: everything goes through one event loop, or one lock"
                .to_owned();
        }
        let free = self.steps().take_while(|step| *step < first).last().unwrap_or(1);
        let pool = format!("it is felt with {first} and not with {free}: a pool of about so many");
        if free < ANYIO && ANYIO <= first {
            return format!("{pool}, such as the {ANYIO} threads that anyio has");
        }
        format!("{pool}, or all cores are busy")
    }

    /// The numbers of slow calls that were held, the smallest first.
    fn steps(&self) -> impl Iterator<Item = u32> {
        let held = self.slow.iter().filter(|(_, (count, failed))| {
            *failed as f64 <= *count as f64 * MOST_FAILED && *count > 0
        });
        held.map(|(step, _)| *step)
    }

    /// The p99 of cheap requests beside none, if enough of them came in each round.
    fn calm(&self) -> Option<f64> {
        let mut worst = 0.0;
        for round in 0..self.rounds {
            let low = self.cheap.get(&At { round, slow: 0 })?;
            if low.len() < LEAST || felt::lost(low) * 10 > low.len() {
                return None;
            }
            worst = f64::max(worst, percentile(low, 0.99));
        }
        Some(worst)
    }

    /// Whether it holds in each round that came so far, of which there were two at least. A round
    /// ends where its cheap requests are starved.
    fn every(&self, slow: u32, holds: impl Fn(&Beside) -> bool) -> bool {
        let all: Vec<Beside> = self.all(slow).collect();
        all.len() > 1 && all.iter().all(holds)
    }

    fn all(&self, slow: u32) -> impl Iterator<Item = Beside> {
        (0..self.rounds).filter_map(move |round| {
            let low = self.cheap.get(&At { round, slow: 0 })?;
            let high = self.cheap.get(&At { round, slow })?;
            (high.len() >= LEAST).then(|| Beside::of(low, high))
        })
    }
}

impl Beside {
    fn of(low: &[f64], high: &[f64]) -> Self {
        let both = |values: &[f64]| (median(values), percentile(values, 0.99));
        let (calm, busy) = (both(low), both(high));
        let limit = Duration::try_from_secs_f64(calm.1)
            .map_or(f64::INFINITY, |alone| limit(alone).as_secs_f64());
        let long = high.iter().filter(|seconds| **seconds >= limit).count();
        let p = above(low, high);
        let rise = busy.0 >= calm.0 * FELT_TIMES && busy.0 - calm.0 >= FELT;
        Self {
            p,
            is_starved: are_starved(long, high.len()),
            is_felt: p < P && rise,
            low: calm,
            high: busy,
        }
    }
}
