//! What each window of a fault did: the load in it against the load before it, what was lost, and
//! when it was as before.
//!
//! A run is cut into bins of a quarter of a second by when calls were due, so that a call that took
//! long counts where its user asked. "As before" is a group of calls, at least fifty of them, whose
//! errors and p95 are within 1.2 times those of the baseline, or within those of the worst such
//! group in it: a tail that was there before is none of the fault's.
//!
//! Memory is bounded by time (bins grow wider in a long run) and by users, never by calls.

mod bins;
mod rules;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use self::rules::findings;

use self::bins::{Bins, Group};
use crate::model::damage::{Damage, Recovery, Stretch};
use crate::model::event::{Call, Event, Exchange, Fate, GrantChange, Run, SessionChange};
use crate::model::fault::{Fault, Touched, Window};
use crate::model::operation::Operation;
use crate::model::outcome::Class;

/// Users that wait to be served again, at most: no more are followed.
const MOST_WAITING: usize = 100_000;
/// Calls of a baseline, at least.
const LEAST: u64 = 20;
/// How much worse than before is as before.
const TOLERANCE: f64 = 1.2;

/// Watches all windows of a run.
#[derive(Debug)]
pub struct Watched {
    names: Vec<Named>,
    windows: Vec<Window>,
    /// When the next window of the same fault begins.
    reach: Arc<[Option<Duration>]>,
    tallies: Vec<Tally>,
    /// When what a window did was over, where that was later than its end.
    over: Vec<Duration>,
    bins: Bins,
}

/// What a window is of.
#[derive(Debug, Clone)]
struct Named {
    /// Its own name.
    name: String,
    /// Its fault's.
    fault: String,
    kind: &'static str,
    /// Nobody can tell which calls meet it.
    is_untold: bool,
}

/// What one window did, counted as it happens.
#[derive(Debug, Default)]
struct Tally {
    inside: Group,
    met: u64,
    explained: u64,
    unexplained: u64,
    hung: u64,
    sessions_lost: u64,
    runs_lost: u64,
    grants_lost: u64,
    hit: BTreeSet<u32>,
    waiting: BTreeSet<u32>,
    served: Duration,
}

impl Watched {
    /// The windows of these faults.
    pub fn new(faults: &[Fault], windows: Vec<Window>) -> Self {
        let named = |window: &Window| {
            let fault = faults.get(usize::from(window.fault));
            Named {
                name: window.name(faults),
                fault: fault.map_or_else(String::new, |fault| fault.name.clone()),
                kind: fault.map_or("", |fault| fault.kind),
                is_untold: fault.is_some_and(Fault::is_untold),
            }
        };
        let reach = windows.iter().enumerate().map(|(at, window)| {
            let next = windows[at + 1..].iter().find(|next| next.fault == window.fault);
            next.map(|next| next.from)
        });
        Self {
            reach: reach.collect(),
            names: windows.iter().map(named).collect(),
            tallies: windows.iter().map(|_| Tally::default()).collect(),
            over: vec![Duration::ZERO; windows.len()],
            windows,
            bins: Bins::default(),
        }
    }

    /// Takes one event. Those of one user come in their order.
    pub fn observe(&mut self, event: &Event) {
        if self.windows.is_empty() {
            return;
        }
        match event {
            Event::Call(call) if call.operation == Operation::ToolsCall => self.call(call),
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Session(session) if session.change == SessionChange::Lost => {
                if let Some(tally) = self.latest(session.at) {
                    tally.sessions_lost += 1;
                }
            }
            Event::Grant(grant) if grant.change == GrantChange::Lost => {
                if let Some(tally) = self.latest(grant.at) {
                    tally.grants_lost += 1;
                }
            }
            Event::Run(run) if run.fate == Fate::Failed => self.lost(run),
            _ => {}
        }
    }

    /// What the window of this name did was over at that instant: a hook may take longer than its
    /// window, and nothing recovers before.
    pub fn over(&mut self, name: &str, at: Duration) {
        for (over, named) in self.over.iter_mut().zip(&self.names) {
            if named.name == name {
                *over = at.max(*over);
            }
        }
    }

    fn each(&mut self) -> impl Iterator<Item = (&Window, &mut Tally)> {
        self.windows.iter().zip(&mut self.tallies)
    }

    /// The window that began last.
    fn latest(&mut self, at: Duration) -> Option<&mut Tally> {
        let begun = self.windows.partition_point(|window| window.from <= at);
        self.tallies.get_mut(begun.checked_sub(1)?)
    }

    fn call(&mut self, call: &Call) {
        let class = call.outcome.class();
        let (due, done) = (call.instants.due, call.instants.done);
        let is_error = class.is_error();
        if !self.is_caught(call) {
            self.bins.call(call);
        }
        let mut open =
            self.windows.iter().zip(&self.names).filter(|(window, _)| window.is_open(due));
        let is_told = !open.any(|(_, named)| named.is_untold);
        let is_unmet = is_error && is_told && call.touched == Touched::default();
        let reach = self.reach.clone();
        for ((window, tally), reach) in self.each().zip(&*reach) {
            let is_his = window.from <= done && reach.is_none_or(|reach| due < reach);
            let has_met = is_his && call.touched.has(window.fault);
            tally.met += u64::from(has_met);
            tally.explained += u64::from(has_met && is_error);
            if window.is_open(due) {
                tally.inside.add(call);
                tally.unexplained += u64::from(is_unmet);
                tally.hung += u64::from(call.outcome.is_unanswered());
                let is_hit = is_error || call.outcome.is_unanswered();
                if is_hit && tally.waiting.len() < MOST_WAITING {
                    tally.hit.insert(call.user);
                    tally.waiting.insert(call.user);
                }
            }
            if window.is_open(done) {
                tally.inside.good_done += u64::from(class == Class::Ok);
            }
            if class == Class::Ok && tally.waiting.remove(&call.user) {
                tally.served = tally.served.max(done);
            }
        }
    }

    /// Whether a window that began before it was done is what became of it: it is none of the calm
    /// in which it was due.
    fn is_caught(&self, call: &Call) -> bool {
        let (due, done) = (call.instants.due, call.instants.done);
        let is_error = call.outcome.class().is_error();
        self.windows.iter().zip(&self.names).any(|(window, named)| {
            let is_met = call.touched.has(window.fault) || (is_error && named.is_untold);
            due < window.from && window.from <= done && is_met
        })
    }

    fn exchange(&mut self, exchange: &Exchange) {
        if exchange.sent.is_none() {
            return;
        }
        let is_handshake =
            matches!(exchange.operation, Operation::Initialize | Operation::Discover);
        self.bins.exchange(exchange.began, is_handshake);
        for (_, tally) in self.each().filter(|(window, _)| window.is_open(exchange.began)) {
            tally.inside.exchanges += 1;
            tally.inside.handshakes += u64::from(is_handshake);
        }
    }

    fn lost(&mut self, run: &Run) {
        for (_, tally) in self.each().filter(|(window, _)| window.overlaps(run.due, run.ended)) {
            tally.runs_lost += 1;
        }
    }

    /// What each window did, in their order; `elapsed` is when the run ended, and the load `ended`
    /// before that, after which nothing was due.
    pub fn end(&self, elapsed: Duration, ended: Duration) -> Vec<Damage> {
        let mut done: Vec<Told> = Vec::new();
        for at in 0..self.windows.len() {
            let told = self.told(at, (elapsed, ended.min(elapsed)), &done);
            done.push(told);
        }
        done.into_iter().map(|told| told.damage).collect()
    }

    fn told(&self, at: usize, (elapsed, ended): (Duration, Duration), before: &[Told]) -> Told {
        let (window, tally) = (&self.windows[at], &self.tallies[at]);
        let is_open = window.until.is_none_or(|until| until > elapsed);
        let open_until = window.until.map_or(elapsed, |until| until.min(elapsed)).max(window.from);
        let until = open_until.max(self.over[at].min(elapsed));
        let calm = calm_before(window, before);
        let base = match calm {
            Calm::Since(since) => self.baseline(since, window.from),
            Calm::As(at) => before.get(at).and_then(|told| told.base.clone()),
        };
        let watched = self.windows[at + 1..]
            .iter()
            .map(|next| next.from)
            .find(|from| *from >= until)
            .unwrap_or(ended)
            .min(ended);
        let (recovery, whole) = match &base {
            _ if is_open => (Recovery::Unwatched, until),
            None => (Recovery::NoBaseline, until),
            Some(base) => self.recovery(base, until, watched),
        };
        let since = self.bins.group(window.from, whole);
        let ratio = |of: fn(&Stretch) -> Option<f64>| {
            let (now, then) =
                (of(&since.stretch(whole.saturating_sub(window.from))), base.as_ref()?);
            let then = of(&then.stretch).filter(|then| *then > 0.0)?;
            now.map(|now| now / then)
        };
        let Named { name, fault, kind, is_untold } = self.names[at].clone();
        let mut damage = Damage {
            name,
            fault,
            kind: kind.to_owned(),
            from_us: micros(window.from),
            until_us: micros(until),
            open: is_open,
            baseline: base.as_ref().map(|base| base.stretch.clone()),
            inside: tally.inside.stretch(open_until.saturating_sub(window.from)),
            untold: is_untold,
            met: tally.met,
            explained: tally.explained,
            unexplained: tally.unexplained,
            hung: tally.hung,
            sessions_lost: tally.sessions_lost,
            runs_lost: tally.runs_lost,
            grants_lost: tally.grants_lost,
            duplicates: None,
            recovery,
            still: None,
            users_hit: tally.hit.len() as u64,
            users_unserved: tally.waiting.len() as u64,
            served_us: micros(tally.served.saturating_sub(until)),
            amplification: ratio(Stretch::exchanges_per_call),
            handshake_amplification: ratio(Stretch::handshakes_per_call),
            hook: None,
            toxic: None,
        };
        if damage.is_metastable() {
            let late = until.saturating_add(until.saturating_sub(window.from) * 2);
            let group = self.bins.group(late, whole.max(late));
            let is_enough = group.calls >= LEAST;
            damage.still = is_enough.then(|| group.stretch(whole.saturating_sub(late)));
        }
        let calm_again = match recovery {
            Recovery::Recovered { .. } => Some(whole),
            _ => None,
        };
        Told { damage, base, calm_again }
    }

    fn baseline(&self, since: Duration, until: Duration) -> Option<Base> {
        let group = self.bins.group(since, until);
        if group.calls < LEAST {
            return None;
        }
        let stretch = group.stretch(until.saturating_sub(since));
        let worst = self.bins.groups(since, until);
        let worst = worst.fold((0.0_f64, 0_u64), |(errors, p95), (_, group)| {
            (errors.max(group.error_share()), p95.max(group.p95()))
        });
        let errors = worst.0.max(group.error_share() * TOLERANCE);
        let p95 = worst.1.max((group.p95() as f64 * TOLERANCE) as u64);
        Some(Base { stretch, errors, p95 })
    }

    /// When it was as before, and until when it was not.
    fn recovery(&self, base: &Base, until: Duration, watched: Duration) -> (Recovery, Duration) {
        let mut seen = false;
        for (from, group) in self.bins.groups(until, watched) {
            seen = true;
            if group.error_share() <= base.errors && group.p95() <= base.p95 {
                let after_us = micros(from.saturating_sub(until));
                return (Recovery::Recovered { after_us }, from.max(until));
            }
        }
        let watched_us = micros(watched.saturating_sub(until));
        let recovery = if seen { Recovery::NotSeen { watched_us } } else { Recovery::Unwatched };
        (recovery, if seen { watched } else { until })
    }
}

/// What a window did, and what the next one needs of it.
struct Told {
    damage: Damage,
    base: Option<Base>,
    /// Since when all was as before.
    calm_again: Option<Duration>,
}

/// What is compared with.
#[derive(Debug, Clone)]
struct Base {
    stretch: Stretch,
    /// The share of errors up to which all is as before.
    errors: f64,
    /// The p95 up to which all is as before, in microseconds.
    p95: u64,
}

/// Where the baseline of a window is.
enum Calm {
    /// From then on.
    Since(Duration),
    /// That of this earlier window, whose damage is still there.
    As(usize),
}

fn calm_before(window: &Window, before: &[Told]) -> Calm {
    let mut since = Duration::ZERO;
    for (at, told) in before.iter().enumerate() {
        match told.calm_again {
            Some(calm) if calm < window.from => since = since.max(calm),
            _ => return Calm::As(at),
        }
    }
    Calm::Since(since)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
