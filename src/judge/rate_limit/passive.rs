//! What any load shows of a declared limit: who was refused below it, how refusals looked, whether
//! they said when to come again.
//!
//! A refusal is below the limit if no way of counting explains it: not a bucket of the declared size,
//! and not a window, fixed or sliding, by which so many had been asked for. What was asked for is
//! counted in slices of the window, and a slice that the time in question only touches counts whole:
//! so a refusal that might be right is never taken for a wrong one. Where a fault held requests back
//! nobody knows when they arrived; that explains every refusal around it. Requests are told when they
//! end, so a refusal is looked at once all that were sent before it must have ended; what lies a
//! window further back is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::rules::{BELOW, MISSING};
use super::signals::Signals;
use super::{Clients, needs_check, prefix, written};
use crate::judge::said::Said;
use crate::model::event::{Call, Exchange};
use crate::model::fault::Touched;
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
/// So many are followed of those that a limit counts.
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
    clients: Clients,
    keys: HashMap<u32, Key>,
    calls: u64,
    refused: u64,
    /// Refusals of those that are not followed.
    unknown: u64,
    below: FirstFew<Below>,
}

/// A refusal below the limit: when, of which user, after how many requests in the window.
type Below = (Duration, u32, u32);

/// What one of them asked for, in slices since the start.
#[derive(Debug, Default)]
struct Key {
    slices: BTreeMap<u64, u32>,
    /// Slices in which a request arrived that a fault held back, nobody knows when: from one of them
    /// to another, apart from each other.
    held: BTreeMap<u64, u64>,
    /// Refusals that were not looked at yet, by their slices: when, and of which user.
    refused: BTreeMap<u64, FirstFew<(Duration, u32)>>,
}

impl Passive {
    pub(super) fn new(declared: &[Declared], clients: Clients) -> Self {
        let held = |limit: &Declared| Held {
            limit: *limit,
            clients,
            keys: HashMap::new(),
            calls: 0,
            refused: 0,
            unknown: 0,
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

    /// Takes an exchange that ended.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        for held in &mut self.limits {
            held.exchange(exchange);
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
    /// A tool's calls are told apart by their tool alone.
    fn call(&mut self, call: &Call) {
        let Some(sent) = call.instants.sent else { return };
        self.calls += 1;
        let is_refused = matches!(call.outcome, Outcome::Throttled(_));
        self.refused += u64::from(is_refused);
        let id = match self.limit.per {
            Some(Per::Tool) => call.tool.map_or(u32::MAX, u32::from),
            _ => self.id(call.user),
        };
        let (window, done) = (self.limit.allow.window, call.instants.done);
        let Some(key) = key(&mut self.keys, id) else {
            self.unknown += u64::from(is_refused);
            return;
        };
        if self.limit.per == Some(Per::Tool) {
            // Every exchange that it cost is asked for: a limit may count them all.
            key.asked((sent, done), window, call.touched, u32::from(call.exchanges.max(1)));
        }
        if is_refused && call.touched == Touched::default() {
            key.refused.entry(slice(sent, window)).or_default().add((sent, call.user));
        }
        key.settle(&self.limit, done.saturating_sub(self.clients.patience), &mut self.below);
    }

    /// A limit may count whatever is asked for.
    fn exchange(&mut self, exchange: &Exchange) {
        let Some(sent) = exchange.sent.filter(|_| self.limit.per != Some(Per::Tool)) else {
            return;
        };
        let (id, window) = (self.id(exchange.user), self.limit.allow.window);
        if let Some(key) = key(&mut self.keys, id) {
            // What is answered has arrived; a stream goes on after that.
            let arrived = exchange.headers.unwrap_or(exchange.end);
            key.asked((sent, arrived), window, exchange.touched, 1);
            let whole = exchange.end.saturating_sub(self.clients.patience);
            key.settle(&self.limit, whole, &mut self.below);
        }
    }

    /// Whom the limit takes a user for: as many as it may at least.
    fn id(&self, user: u32) -> u32 {
        let addresses = u32::try_from(self.clients.addresses).unwrap_or(1).max(1);
        match self.limit.per {
            Some(Per::User | Per::Session) if self.clients.told_apart => user,
            Some(Per::Address) => user % addresses,
            // It may be any of them: what all asked for is at least what each did.
            _ => 0,
        }
    }

    /// Whether nobody was refused that had asked for less than is allowed.
    fn below(&self) -> Said {
        let mut below = self.below.clone();
        for key in self.keys.values() {
            key.refused.keys().for_each(|slice| key.look(&self.limit, *slice, &mut below));
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
        if self.unknown > 0 {
            let unknown = self.unknown;
            return Said::too_little(format!(
                "{refused}, {unknown} of them of users who were not followed: {MOST_KEYS} are"
            ));
        }
        Said::held(match self.refused {
            0 => format!("none of {} calls was refused", self.calls),
            _ => format!("{refused}, none of them below it"),
        })
    }
}

/// What is known of one that the limit counts; of so many and no more.
fn key(keys: &mut HashMap<u32, Key>, id: u32) -> Option<&mut Key> {
    let is_followed = keys.len() < MOST_KEYS || keys.contains_key(&id);
    is_followed.then(|| keys.entry(id).or_default())
}

impl Key {
    /// So many requests were sent, and had arrived by then.
    fn asked(
        &mut self,
        (sent, arrived): (Duration, Duration),
        window: Duration,
        touched: Touched,
        requests: u32,
    ) {
        if touched == Touched::default() {
            let asked = self.slices.entry(slice(sent, window)).or_default();
            *asked = asked.saturating_add(requests);
            return;
        }
        let (mut from, mut to) = (slice(sent, window), slice(arrived, window));
        // Those that it touches become one with it.
        while let Some((first, last)) = self.held.range(..=to).next_back() {
            let (first, last) = (*first, *last);
            if last < from {
                break;
            }
            (from, to) = (from.min(first), to.max(last));
            self.held.remove(&first);
        }
        self.held.insert(from, to);
    }

    /// Looks at what was refused before an instant up to which all is known, and forgets what only
    /// that needed.
    fn settle(&mut self, limit: &Declared, whole: Duration, below: &mut FirstFew<Below>) {
        let whole = slice(whole, limit.allow.window);
        while let Some(oldest) = self.refused.first_key_value().map(|(slice, _)| *slice) {
            if oldest >= whole {
                break;
            }
            self.look(limit, oldest, below);
            self.refused.remove(&oldest);
        }
        let needed = whole.saturating_sub(SLICES);
        while let Some(oldest) = self.slices.first_entry().filter(|slice| *slice.key() < needed) {
            oldest.remove();
        }
        while let Some(oldest) = self.held.first_entry().filter(|held| *held.get() < needed) {
            oldest.remove();
        }
    }

    /// Adds each refusal of a slice if nothing explains it.
    fn look(&self, limit: &Declared, slice: u64, below: &mut FirstFew<Below>) {
        let Some(refused) = self.refused.get(&slice) else { return };
        if let Some(asked) = self.unexplained(limit, slice) {
            let first = refused.first.iter().map(|(sent, user)| (*sent, *user, asked));
            below.merge(&FirstFew { count: refused.count, first: first.collect() });
        }
    }

    /// What was asked for in the window before, if that explains no refusal.
    fn unexplained(&self, limit: &Declared, now: u64) -> Option<u32> {
        let before = self.held.range(..=now).next_back();
        if before.is_some_and(|(_, last)| *last >= now.saturating_sub(SLICES)) {
            return None;
        }
        let window = limit.allow.window;
        let (most, size) = (f64::from(limit.allow.count), f64::from(limit.at_once()));
        let mut asked = 0_u32;
        for back in 0..=SLICES {
            let Some(at) = now.checked_sub(back) else { break };
            asked = asked.saturating_add(self.slices.get(&at).copied().unwrap_or(0));
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

#[cfg(test)]
mod tests;
