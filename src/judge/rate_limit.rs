//! Rate limits: what a check found out, held against what is declared, and what any load shows of it.
//!
//! A check's probes are kept until the end, no more of them than its scenario allows. Of a load only
//! counts are kept, by what the limit counts by.

mod allowance;
mod burst;
mod describe;
mod fairness;
mod others;
mod passive;
mod rules;
mod shape;
mod signals;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeMap;
use std::time::Duration;

use self::allowance::Pressed;
use self::burst::Bursts;
use self::fairness::Fairness;
use self::others::Others;
use self::passive::Passive;
use self::shape::Shape;
use self::signals::Signals;
use self::waits::Waits;
use super::said::Said;
use crate::model::behaviour::{Behaviour, Check};
use crate::model::event::Event;
use crate::model::limit_probe::{Part, Probe, What};
use crate::model::plan::checks::RATE_LIMIT;
use crate::model::plan::limits::{self, Declared, Per};
use crate::model::report::rate_limits::{Between, Quiet, RateLimits, RetryAfter, Tried};
use crate::model::report::{Expectations, Judged};

/// Holds a target to the limits that are declared, and describes what it has.
#[derive(Debug)]
pub struct Limits {
    declared: Vec<Declared>,
    is_check: bool,
    probes: Vec<Probe>,
    most: usize,
    passive: Passive,
}

/// What a check found.
struct Found {
    bursts: Bursts,
    pressed: Pressed,
    shape: Option<Shape>,
    waits: Waits,
    others: Others,
    per: Option<Per>,
    fairness: Fairness,
    signals: Signals,
    /// How many counters there are, if several.
    replicas: Option<u32>,
    /// What a call took below the limit, and while more was asked for than is allowed.
    slowed: Option<(Duration, Duration)>,
}

/// What is known of the clients of a load.
#[derive(Debug, Clone, Copy)]
pub struct Clients {
    /// They leave from so many addresses.
    pub addresses: usize,
    /// They wait at most so long for an answer.
    pub patience: Duration,
    /// Each has a credential of its own: without one, a limit by user counts them all together.
    pub told_apart: bool,
}

impl Limits {
    /// Nothing seen yet of a load of this behaviour by these clients.
    pub fn new(behaviour: &Behaviour, declared: &[Declared], clients: Clients) -> Self {
        let most = match behaviour.check() {
            Some(Check::RateLimit(knobs)) => Some(knobs.max_requests as usize),
            _ => None,
        };
        Self {
            declared: declared.to_vec(),
            is_check: most.is_some(),
            probes: Vec::new(),
            most: most.unwrap_or(0),
            passive: Passive::new(declared, clients),
        }
    }

    /// Takes one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Probe(probe) if self.probes.len() < self.most => self.probes.push(**probe),
            Event::Call(call) if !self.is_check => self.passive.call(call),
            Event::Exchange(exchange) if !self.is_check => self.passive.exchange(exchange),
            _ => {}
        }
    }

    /// What each part of the declarations came to, and what was found out.
    pub fn end(&self) -> (Expectations, Option<RateLimits>) {
        if !self.is_check {
            return self.passive.end();
        }
        let tightest = limits::tightest(&self.declared);
        let found = Found::of(&self.probes, tightest.map(|(_, limit)| limit));
        let mut expectations = Expectations::default();
        for (at, limit) in self.declared.iter().enumerate() {
            let prefix = prefix(at, self.declared.len());
            if tightest.is_some_and(|(tightest, _)| tightest == at) {
                found.hold(&self.probes, limit, &prefix, &mut expectations);
            } else {
                not_checked(limit, &prefix, &mut expectations);
            }
        }
        expectations.findings.extend(found.waits.findings());
        expectations.findings.extend(others::shared_token(&found.others));
        expectations.findings.extend(found.signals.overload());
        (expectations, Some(found.report(self.probes.len())))
    }
}

/// How a scenario names one of so many limits.
fn prefix(at: usize, of: usize) -> String {
    if of == 1 { "rate_limit".to_owned() } else { format!("rate_limit[{at}]") }
}

/// Each part that is declared, by its key, as a scenario has it.
fn written(limit: &Declared, prefix: &str) -> Vec<(&'static str, String)> {
    let parts = [
        ("allow", Some(format!("\"{}\"", limit.allow))),
        ("burst", limit.burst.map(|burst| burst.to_string())),
        ("per", limit.per.map(|per| format!("\"{}\"", per.word()))),
        ("signal", limit.signal.map(|says| format!("\"{}\"", says.word()))),
        ("retry_after", limit.retry_after.then(|| "true".to_owned())),
    ];
    let part = |(key, value): (&'static str, Option<String>)| {
        Some((key, format!("{prefix}.{key} = {}", value?)))
    };
    parts.into_iter().filter_map(part).collect()
}

/// A limit that another one hides.
fn not_checked(limit: &Declared, prefix: &str, expectations: &mut Expectations) {
    for (_, text) in written(limit, prefix) {
        let value =
            "not checked: of several limits the one is looked for that fewest calls at once \
                     exhaust"
                .to_owned();
        let (passed, unproven, unchecked) = (false, false, true);
        expectations.judged.push(Judged { text, passed, value, unproven, unchecked });
    }
}

/// A part that only a check can show.
fn needs_check(text: String, expectations: &mut Expectations) {
    let value = format!("not checked: it needs load.behaviour = \"{RATE_LIMIT}\"");
    let (passed, unproven, unchecked) = (false, false, true);
    expectations.judged.push(Judged { text, passed, value, unproven, unchecked });
}

impl Found {
    fn of(probes: &[Probe], declared: Option<&Declared>) -> Self {
        let size = burst::bursts(probes, 0.0).range().map(|(_, most)| most);
        let window = declared.map(|limit| limit.allow.window);
        let pressed = allowance::pressed(probes, size, window);
        let near = pressed.rate.map(|rate| rate.near);
        let rate = near.or_else(|| declared.map(|limit| limit.allow.rate())).unwrap_or(0.0);
        let bursts = burst::bursts(probes, rate);
        let mut signals = Signals::default();
        let asked = probes.iter().filter(|probe| probe.shot.what == What::Call);
        asked.for_each(|probe| signals.add(probe.outcome));
        let others = others::others(probes);
        let depends = others::depends_on_connection(&others);
        let replicas = declared.and_then(|limit| bursts.counters(limit)).filter(|_| depends);
        Self {
            slowed: slowed(probes),
            replicas,
            shape: shape::shape(&pressed, &bursts),
            waits: waits::waits(probes),
            per: others::per(&others, replicas.is_some()),
            fairness: fairness::fairness(probes),
            bursts,
            pressed,
            others,
            signals,
        }
    }

    /// Holds it to a declaration.
    fn hold(
        &self,
        probes: &[Probe],
        limit: &Declared,
        prefix: &str,
        expectations: &mut Expectations,
    ) {
        for (key, text) in written(limit, prefix) {
            let said = match key {
                "allow" => self.allowance(probes, limit),
                "burst" => self.bursts.said(limit.at_once(), self.replicas.is_some()),
                "per" => self.counted(limit.per.unwrap_or(Per::All)),
                "signal" => match limit.signal {
                    Some(declared) => self.signals.said(declared),
                    None => continue,
                },
                _ => self.waits.said(),
            };
            said.put(text, expectations);
        }
    }

    fn allowance(&self, probes: &[Probe], limit: &Declared) -> Said {
        let at_once = self.bursts.range();
        let said = allowance::said(probes, &self.pressed, limit.allow, at_once);
        match self.replicas {
            Some(count) => {
                let replicas = others::replicas(count);
                Said { value: format!("{}; {}", said.value, replicas.value), ..replicas }
            }
            // Far more was served than is allowed, and nobody was refused.
            None if self.bursts.is_endless && self.signals.failed == 0 => {
                let served = self.bursts.served.iter().sum::<usize>();
                let value = format!("{served} at once were served, and none was refused");
                Said::broken(&rules::EXCEEDED, served as u64, value)
            }
            None => said,
        }
    }

    fn counted(&self, declared: Per) -> Said {
        let said = others::said(&self.others, declared, self.replicas.is_some());
        let is_own = matches!(declared, Per::User | Per::Session);
        if is_own && self.fairness.quiet > 0 { said.and(self.fairness.said()) } else { said }
    }

    /// For `run.json`.
    fn report(&self, probes: usize) -> RateLimits {
        let Waits { told, untold, obeyed, in_vain, still_refused, served_early, .. } = self.waits;
        let signals: BTreeMap<_, _> =
            self.signals.seen.iter().map(|(s, count)| (s.name().to_owned(), *count)).collect();
        let tried = self.others.iter().map(|(varied, trials)| {
            let others::Trials { apart, together, mixed, void } = *trials;
            (others::name(*varied).to_owned(), Tried { apart, together, mixed, void })
        });
        let quiet = Quiet {
            calls: self.fairness.quiet as u64,
            refused: self.fairness.quiet_refused as u64,
        };
        RateLimits {
            description: describe::paragraph(self),
            probes: probes as u64,
            per_second: self
                .pressed
                .rate
                .map(|rate| Between { low: rounded(rate.low), high: rounded(rate.high) }),
            burst: self
                .bursts
                .range()
                .map(|(fewest, most)| Between { low: fewest as f64, high: most as f64 }),
            shape: self.shape.map(|shape| shape.to_string()),
            per: self.per.map(|per| per.word().to_owned()),
            signals,
            retry_after: RetryAfter { told, untold, obeyed, in_vain, still_refused, served_early },
            others: tried.collect(),
            quiet: (quiet.calls > 0).then_some(quiet),
        }
    }
}

/// The median of what was served below the limit, and while more was asked for.
fn slowed(probes: &[Probe]) -> Option<(Duration, Duration)> {
    let median = |part: Part| {
        let its = probes.iter().filter(|probe| probe.shot.part == part && probe.is_served());
        let mut times: Vec<_> = its.map(|probe| probe.done.saturating_sub(probe.sent)).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    median(Part::Calm).zip(median(Part::Press))
}

/// To a thousandth: figures are read by people, too.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
