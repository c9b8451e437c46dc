//! What any load shows of a declared limit: who was refused below it, how refusals looked, whether
//! they said when to come again.
//!
//! A refusal is below the limit if no way of counting explains it: not a bucket of the declared size,
//! and not a window, fixed or sliding, by which so many had been asked for. What was asked for is
//! counted in slices of the window, and a slice that the time in question only touches counts whole:
//! so a refusal that might be right is never taken for a wrong one. Calls are told when they end, so
//! a refusal is looked at once every call that was sent before it must have ended; what lies a window
//! further back is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::rules::{BELOW, MISSING};
use super::signals::Signals;
use super::{needs_check, prefix, written};
use crate::judge::said::Said;
use crate::model::event::Call;
use crate::model::figure;
use crate::model::outcome::Outcome;
use crate::model::plan::limits::{Declared, Per};
use crate::model::report::Expectations;
use crate::model::report::rate_limits::{RateLimits, RetryAfter};
use crate::model::summary::evidence::FirstFew;

/// Slices of a window.
const SLICES: u64 = 16;
/// Fewer calls than these show nothing.
const LEAST: u64 = 10;
/// As much below the limit as counts for below it: the look before the load is not counted here.
const CLEARLY: f64 = 0.9;
/// Keys that are followed; others are not judged.
const MOST_KEYS: usize = 65_536;

/// Counts of a load.
#[derive(Debug)]
pub(super) struct Passive {
    limits: Vec<Held>,
    declared: usize,
    signals: Signals,
    told: u64,
    untold: u64,
}

/// One limit, and what was asked for of each that it counts.
#[derive(Debug)]
struct Held {
    limit: Declared,
    addresses: u32,
    /// No call takes longer.
    patience: Duration,
    keys: HashMap<u32, Key>,
    calls: u64,
    refused: u64,
    below: FirstFew<Below>,
}

/// A refusal below the limit: when, of which user, after how many requests in the window.
type Below = (Duration, u32, u32);

/// What one of them asked for, in slices since the start.
#[derive(Debug, Default)]
struct Key {
    slices: BTreeMap<u64, u32>,
    /// Refusals that were not looked at yet: when, and of which user.
    refused: Vec<(Duration, u32)>,
}

/// Refusals of one key that wait to be looked at; more at once are only counted.
const MOST_REFUSED: usize = 1_000;

impl Passive {
    pub(super) fn new(declared: &[Declared], addresses: usize, patience: Duration) -> Self {
        let addresses = u32::try_from(addresses).unwrap_or(1).max(1);
        let held = |limit: &Declared| Held {
            limit: *limit,
            addresses,
            patience,
            keys: HashMap::new(),
            calls: 0,
            refused: 0,
            below: FirstFew::default(),
        };
        Self {
            limits: declared.iter().map(held).collect(),
            declared: declared.len(),
            signals: Signals::default(),
            told: 0,
            untold: 0,
        }
    }

    /// Takes a call that ended; nothing is declared of most loads.
    pub(super) fn call(&mut self, call: &Call) {
        if self.limits.is_empty() {
            return;
        }
        self.signals.add(call.outcome);
        if let Outcome::Throttled(throttle) = call.outcome {
            self.told += u64::from(throttle.retry_after.is_some());
            self.untold += u64::from(throttle.retry_after.is_none());
        }
        for held in &mut self.limits {
            held.call(call);
        }
    }

    /// What each part came to.
    pub(super) fn end(&self) -> (Expectations, Option<RateLimits>) {
        let mut expectations = Expectations::default();
        if self.limits.is_empty() {
            return (expectations, None);
        }
        for (at, held) in self.limits.iter().enumerate() {
            let prefix = prefix(at, self.declared);
            for (key, text) in written(&held.limit, &prefix) {
                match (key, held.limit.signal) {
                    ("allow", _) => {
                        let text = format!("{text}: nobody below it is refused");
                        held.below().put(text, &mut expectations);
                    }
                    ("signal", Some(declared)) => {
                        self.signals.said(declared).put(text, &mut expectations);
                    }
                    ("retry_after", _) => {
                        let text = format!("{text}: said by each refusal");
                        self.waits().put(text, &mut expectations);
                    }
                    _ => needs_check(text, &mut expectations),
                }
            }
        }
        (expectations, Some(self.report()))
    }

    fn waits(&self) -> Said {
        let all = self.told + self.untold;
        let value = format!("{} of {all}", self.told);
        match (all, self.untold) {
            (0, _) => Said::too_little("no call was refused: one is needed"),
            (_, 0) => Said::held(value),
            (_, untold) => Said::broken(&MISSING, untold, value),
        }
    }

    fn report(&self) -> RateLimits {
        let (told, untold) = (self.told, self.untold);
        let description = match self.signals.refused() {
            0 => "No call of this load was refused.".to_owned(),
            refused => format!(
                "{} of this load's calls were refused: {}. {told} of them said when to come again.",
                figure::count(refused),
                self.signals.value(),
            ),
        };
        let signals = self.signals.seen.iter();
        RateLimits {
            description,
            signals: signals.map(|(signal, count)| (signal.name().to_owned(), *count)).collect(),
            retry_after: RetryAfter { told, untold, ..RetryAfter::default() },
            ..RateLimits::default()
        }
    }
}

impl Held {
    fn call(&mut self, call: &Call) {
        let Some(sent) = call.instants.sent else { return };
        self.calls += 1;
        let key = match self.limit.per {
            Some(Per::User | Per::Session) => call.user,
            Some(Per::Address) => call.user % self.addresses,
            Some(Per::Tool) => call.tool.map_or(u32::MAX, u32::from),
            // It may be any of them: what all asked for is at least what each did.
            Some(Per::All) | None => 0,
        };
        if self.keys.len() >= MOST_KEYS && !self.keys.contains_key(&key) {
            return;
        }
        let slice = slice(sent, self.limit.allow.window);
        let key = self.keys.entry(key).or_default();
        // Every exchange that it cost is asked for: a limit may count them all.
        *key.slices.entry(slice).or_default() += u32::from(call.exchanges.max(1));
        if matches!(call.outcome, Outcome::Throttled(_)) {
            self.refused += 1;
            if key.refused.len() < MOST_REFUSED {
                key.refused.push((sent, call.user));
            }
        }
        let whole = call.instants.done.saturating_sub(self.patience);
        key.settle(&self.limit, whole, &mut self.below);
    }

    /// Whether nobody was refused that had asked for less than is allowed.
    fn below(&self) -> Said {
        let mut below = self.below.clone();
        for key in self.keys.values() {
            key.look(&self.limit, Duration::MAX, &mut below);
        }
        let refused = format!("{} of {} refused", self.refused, self.calls);
        if below.count > 0 {
            let window = figure::duration(self.limit.allow.window);
            let tell = |(at, user, asked): &Below| {
                let at = figure::duration(*at);
                format!("at {at}, user {user}: refused after {asked} requests in {window}")
            };
            let finding = BELOW.finding(below.count, below.first.iter().map(tell));
            let value = format!("{} below it; {refused}", below.count);
            return Said { held: Some(false), value, findings: vec![finding], is_moot: false };
        }
        if self.calls < LEAST {
            return Said::too_little(format!("{refused}: {LEAST} calls are needed"));
        }
        Said::held(format!("0 below it; {refused}"))
    }
}

impl Key {
    /// Looks at what was refused before an instant up to which all is known, and forgets what only
    /// that needed.
    fn settle(&mut self, limit: &Declared, whole: Duration, below: &mut FirstFew<Below>) {
        if self.refused.first().is_some_and(|(sent, _)| *sent < whole) {
            self.look(limit, whole, below);
            self.refused.retain(|(sent, _)| *sent >= whole);
        }
        let needed = slice(whole, limit.allow.window).saturating_sub(SLICES);
        while let Some(oldest) = self.slices.first_entry().filter(|slice| *slice.key() < needed) {
            oldest.remove();
        }
    }

    /// Adds each refusal before an instant that nothing explains.
    fn look(&self, limit: &Declared, before: Duration, below: &mut FirstFew<Below>) {
        for (sent, user) in self.refused.iter().filter(|(sent, _)| *sent < before) {
            if let Some(asked) = self.unexplained(limit, *sent) {
                below.add((*sent, *user, asked));
            }
        }
    }

    /// What was asked for in the window before, if that explains no refusal.
    fn unexplained(&self, limit: &Declared, sent: Duration) -> Option<u32> {
        let (window, now) = (limit.allow.window, slice(sent, limit.allow.window));
        let (most, size) = (f64::from(limit.allow.count), f64::from(limit.at_once()));
        let mut asked = 0;
        for back in 0..=SLICES {
            let Some(at) = now.checked_sub(back) else { break };
            asked += self.slices.get(&at).copied().unwrap_or(0);
            // So much comes back at least in the slices that lie wholly between.
            let whole = back.saturating_sub(1) as f64 / SLICES as f64;
            let refilled = limit.allow.rate() * window.as_secs_f64() * whole;
            if f64::from(asked) > (size + refilled) * CLEARLY {
                return None;
            }
        }
        (f64::from(asked) <= most * CLEARLY).then_some(asked)
    }
}

/// The slice that an instant is in.
fn slice(at: Duration, window: Duration) -> u64 {
    let nanos = (window.as_nanos() / u128::from(SLICES)).max(1);
    u64::try_from(at.as_nanos() / nanos).unwrap_or(u64::MAX)
}
