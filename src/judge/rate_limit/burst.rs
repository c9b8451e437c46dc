//! How many at once are served, after a rest and about the edge of windows.
//!
//! While a burst lasts some of what is allowed comes back; that is taken off, so that each burst
//! gives a number that is right to what comes back during it.

use super::allowance::{CLOSE, told};
use super::rules::{BURST_EXCEEDED, BURST_REFUSED, EDGE};
use crate::judge::said::Said;
use crate::model::limit_probe::{Part, Probe};
use crate::model::plan::limits::Declared;

/// Fewer bursts than these may each have met something else.
const LEAST: usize = 2;
/// Of a declared burst, so much more about an edge is what comes back meanwhile, and chance.
const MARGIN: f64 = 0.25;
/// Counters that are each as large as declared, at most so many, are recognised.
const MOST_REPLICAS: u32 = 8;

/// What bursts and edges came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Bursts {
    /// Served in each, less what came back.
    pub(super) sizes: Vec<f64>,
    /// Served in each.
    pub(super) served: Vec<usize>,
    /// What one counter gave back during each.
    back: Vec<f64>,
    /// How far each edge went beyond what a bucket of that size serves: served before it, after
    /// it, and what may have come back.
    pub(super) edges: Vec<(usize, usize, f64)>,
    /// A burst was given up before anything was refused.
    pub(super) is_endless: bool,
}

/// Reads them; `rate` is what comes back in a second.
pub(super) fn bursts(probes: &[Probe], rate: f64) -> Bursts {
    let mut found = Bursts::default();
    let rounds = probes.iter().map(|probe| probe.shot.round).max().unwrap_or(0);
    for round in 0..=rounds {
        let of = |part: Part| -> Vec<&Probe> {
            let is_its = |probe: &&Probe| probe.shot.part == part && probe.shot.round == round;
            probes.iter().filter(is_its).collect()
        };
        let served = |of: &[&Probe]| of.iter().filter(|probe| probe.is_served()).count();
        let span = |of: &[&Probe]| {
            let begin = of.iter().map(|probe| probe.sent).min().unwrap_or_default();
            let end = of.iter().filter(|probe| probe.is_served()).map(|probe| probe.done).max();
            end.unwrap_or(begin).saturating_sub(begin).as_secs_f64()
        };
        let burst = of(Part::Burst);
        if !burst.is_empty() {
            found.is_endless |= burst.iter().all(|probe| probe.is_served());
            let back = rate * span(&burst);
            found.back.push(back);
            found.sizes.push((served(&burst) as f64 - back).max(0.0));
            found.served.push(served(&burst));
        }
        let (before, after) = (of(Part::EdgeBefore), of(Part::EdgeAfter));
        if !before.is_empty() && !after.is_empty() {
            let both = [before.clone(), after.clone()].concat();
            found.edges.push((served(&before), served(&after), rate * span(&both)));
        }
    }
    found
}

impl Bursts {
    /// The fewest and the most served at once, where anything was refused: what all bursts agree on,
    /// each between what it served and that less what came back, or else what they differ by.
    pub(super) fn range(&self) -> Option<(usize, usize)> {
        let (fewest, most) = (*self.served.iter().min()?, *self.served.iter().max()?);
        let largest = self.sizes.iter().copied().fold(0.0, f64::max);
        let least = (largest - 0.5).ceil().max(0.0) as usize;
        let agreed = if least <= fewest { (least, fewest) } else { (fewest, most) };
        (!self.is_endless).then_some(agreed)
    }

    /// How many counters of the declared size explain the bursts, if it is more than one.
    pub(super) fn counters(&self, declared: &Declared) -> Option<u32> {
        let size = f64::from(declared.at_once());
        // The connections of a burst may all have found the same few of them.
        let explained = |(served, back): (&usize, &f64)| {
            (1..=MOST_REPLICAS).find(|count| {
                let counters = f64::from(*count);
                let (size, most) = (counters * size, *served as f64);
                // Buckets give back during a burst, windows do not.
                let least = most - counters * back;
                let close = CLOSE * size + 1.0;
                least <= size + close && most >= size - close
            })
        };
        let each: Option<Vec<u32>> = self.served.iter().zip(&self.back).map(explained).collect();
        each?.into_iter().max().filter(|count| *count > 1)
    }

    /// Holds them to what is declared; `replicas` is said elsewhere.
    pub(super) fn said(&self, burst: u32, replicas: bool) -> Said {
        let size = f64::from(burst);
        let Some((fewest, most)) = self.range() else {
            let most = self.served.iter().max().copied().unwrap_or(0);
            return if most as f64 > size * 2.0 {
                Said { findings: Vec::new(), ..self.exceeded(format!("{most}, and none refused")) }
            } else {
                Said::too_little("no burst was refused")
            };
        };
        let value = format!("{} at once, in {} bursts", told(fewest, most), self.served.len());
        let largest = self.sizes.iter().copied().fold(0.0, f64::max);
        let said = if (most as f64) < size * (1.0 - CLOSE) {
            Said::broken(&BURST_REFUSED, 1, value)
        } else if replicas {
            Said { findings: Vec::new(), ..self.exceeded(value) }
        } else if largest > size * (1.0 + CLOSE) + 1.0 {
            self.exceeded(value)
        } else if self.served.len() < LEAST {
            Said::too_little(format!("{value}, of at least {LEAST}"))
        } else {
            Said::held(value)
        };
        // What a burst alone is served too much is no matter of edges.
        match self.edge(size.max(largest), replicas) {
            Some(edge) => said.and(edge),
            None => said,
        }
    }

    fn exceeded(&self, value: String) -> Said {
        Said::broken(&BURST_EXCEEDED, self.served.len() as u64, value)
    }

    /// Whether much more was served about an edge than a bucket of that size serves.
    fn edge(&self, size: f64, replicas: bool) -> Option<Said> {
        let over = |(before, after, more): &&(usize, usize, f64)| {
            (before + after) as f64 > size * (1.0 + MARGIN) + more + 1.0
        };
        let worst = self.edges.iter().max_by_key(|(before, after, _)| before + after)?;
        let (before, after, _) = worst;
        let value = format!("{before} and {after} about the edge of a window");
        let count = self.edges.iter().filter(over).count();
        Some(match count {
            1.. if !replicas => Said::broken(&EDGE, count as u64, value),
            _ => Said::held(value),
        })
    }
}
