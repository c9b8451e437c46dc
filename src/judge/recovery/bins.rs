//! Calls over time, by when they were due, in bins that grow wider as a run grows longer.

use std::time::Duration;

use crate::model::damage::Stretch;
use crate::model::event::Call;
use crate::model::histogram::sparse::Sparse;
use crate::model::outcome::Class;

/// The width of a bin at first, in microseconds.
const WIDTH: u64 = 250_000;
/// Bins at most.
const MOST: usize = 8_192;
/// Calls of a group, at least.
const GROUP: u64 = 50;

/// All bins, from the start of the load.
#[derive(Debug)]
pub(super) struct Bins {
    width_us: u64,
    bins: Vec<Group>,
}

/// What calls and exchanges of a stretch of time come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// Calls due in it that were sent.
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) throttled: u64,
    /// Good calls, by when they were done.
    pub(super) good_done: u64,
    pub(super) exchanges: u64,
    pub(super) handshakes: u64,
    response: Sparse,
}

impl Default for Bins {
    fn default() -> Self {
        Self { width_us: WIDTH, bins: Vec::new() }
    }
}

impl Bins {
    pub(super) fn call(&mut self, call: &Call) {
        self.at(call.instants.due).add(call);
        let is_good = call.outcome.class() == Class::Ok;
        self.at(call.instants.done).good_done += u64::from(is_good);
    }

    pub(super) fn exchange(&mut self, began: Duration, is_handshake: bool) {
        let bin = self.at(began);
        bin.exchanges += 1;
        bin.handshakes += u64::from(is_handshake);
    }

    fn at(&mut self, instant: Duration) -> &mut Group {
        let us = u64::try_from(instant.as_micros()).unwrap_or(u64::MAX);
        while us / self.width_us >= MOST as u64 {
            self.widen();
        }
        let number = (us / self.width_us) as usize;
        if number >= self.bins.len() {
            self.bins.resize_with(number + 1, Group::default);
        }
        &mut self.bins[number]
    }

    fn widen(&mut self) {
        self.width_us *= 2;
        let halves = std::mem::take(&mut self.bins);
        for pair in halves.chunks(2) {
            let mut whole = pair[0].clone();
            pair[1..].iter().for_each(|second| whole.merge(second));
            self.bins.push(whole);
        }
    }

    /// The bins that lie within these two instants.
    fn within(&self, from: Duration, until: Duration) -> std::ops::Range<usize> {
        let us = |instant: Duration| u64::try_from(instant.as_micros()).unwrap_or(u64::MAX);
        let first = us(from).div_ceil(self.width_us) as usize;
        let last = ((us(until) / self.width_us) as usize).min(self.bins.len());
        first.min(last)..last
    }

    /// All that lies within these two instants.
    pub(super) fn group(&self, from: Duration, until: Duration) -> Group {
        let mut whole = Group::default();
        self.bins[self.within(from, until)].iter().for_each(|bin| whole.merge(bin));
        whole
    }

    /// Groups of enough calls within these two instants, one from each bin on.
    pub(super) fn groups(
        &self,
        from: Duration,
        until: Duration,
    ) -> impl Iterator<Item = (Duration, Group)> {
        let within = self.within(from, until);
        let last = within.end;
        within.map_while(move |first| {
            let mut whole = Group::default();
            for bin in &self.bins[first..last] {
                whole.merge(bin);
                if whole.calls >= GROUP {
                    let from = Duration::from_micros(self.width_us * first as u64);
                    return Some((from, whole));
                }
            }
            None
        })
    }
}

impl Group {
    /// One call that was due in it.
    pub(super) fn add(&mut self, call: &Call) {
        let class = call.outcome.class();
        if !class.was_sent() {
            return;
        }
        self.calls += 1;
        self.errors += u64::from(class.is_error());
        self.throttled += u64::from(class == Class::Throttled);
        self.response.record(call.instants.response());
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.throttled += other.throttled;
        self.good_done += other.good_done;
        self.exchanges += other.exchanges;
        self.handshakes += other.handshakes;
        self.response.merge(&other.response);
    }

    /// Errors among its calls, 0 to 1.
    pub(super) fn error_share(&self) -> f64 {
        self.errors as f64 / self.calls.max(1) as f64
    }

    /// Its p95, in microseconds.
    pub(super) fn p95(&self) -> u64 {
        self.response.quantile(0.95).unwrap_or_default()
    }

    /// The same for a person, of a stretch so long.
    pub(super) fn stretch(&self, length: Duration) -> Stretch {
        let seconds = length.as_secs_f64();
        let per_second = if seconds > 0.0 { self.good_done as f64 / seconds } else { 0.0 };
        Stretch {
            calls: self.calls,
            errors: self.errors,
            throttled: self.throttled,
            good_per_second: per_second,
            p50_us: self.response.quantile(0.5),
            p95_us: self.response.quantile(0.95),
            exchanges: self.exchanges,
            handshakes: self.handshakes,
        }
    }
}
