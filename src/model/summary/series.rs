//! The run over time: one bin a second, or a wider one, so that a long run costs no more.
//!
//! Bins are 1 s wide until the run passes 600 s; then every two become one, and so on. Because
//! floor(floor(t / w) / 2) = floor(t / 2w), widening early or late gives the same bins.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::{Call, Exchange, Run, Sample};
use crate::model::histogram::sparse::Sparse;
use crate::model::operation::Operation;
use crate::model::outcome::Class;

/// Bins at most.
const BINS: usize = 600;

/// All bins, from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    width_seconds: u64,
    bins: Vec<Bin>,
}

impl Default for Series {
    fn default() -> Self {
        Self { width_seconds: 1, bins: Vec::new() }
    }
}

/// One stretch of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bin {
    /// Calls that came due.
    pub due: u32,
    /// Calls that ended.
    pub done: u32,
    /// Arrivals dropped.
    pub dropped: u32,
    /// HTTP exchanges that were sent, by when they ended.
    pub exchanges: u32,
    /// Runs that came due, those dropped not among them.
    pub runs_due: u32,
    /// Runs that ended, however.
    pub runs_ended: u32,
    /// The highest of each figure sampled; `None` when no sample fell into it.
    pub sampled: Option<Sampled>,
    /// By operation: calls of `tools/call` by when they were done, exchanges of the others by when
    /// they ended.
    pub operations: BTreeMap<Operation, Cell>,
}

/// The highest of each sampled figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampled {
    /// Simulated users at work.
    pub users: u32,
    /// HTTP exchanges in flight.
    pub in_flight: u32,
    /// Sessions open.
    pub sessions_open: u32,
    /// Share of the machine's cores used by the generator.
    pub cpu: f32,
}

/// One operation in one bin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// How they ended, by class.
    pub outcomes: [u32; Class::ALL.len()],
    /// Response, as in the totals.
    pub response: Sparse,
    /// Service, as in the totals.
    pub service: Sparse,
}

impl Series {
    /// The width of every bin once a run has lasted so long.
    pub fn width_after(length: Duration) -> Duration {
        let mut width = 1;
        while length.as_secs() / width >= BINS as u64 {
            width *= 2;
        }
        Duration::from_secs(width)
    }

    /// The width of every bin.
    pub fn width(&self) -> Duration {
        Duration::from_secs(self.width_seconds)
    }

    /// The bins, the first from the start of the run.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    pub(super) fn add_call(&mut self, call: &Call) {
        self.at(call.instants.due).due += 1;
        let bin = self.at(call.instants.done);
        bin.done += 1;
        let moment = bin.operations.entry(Operation::ToolsCall).or_default();
        moment.outcomes[call.outcome.class() as usize] += 1;
        moment.response.record(call.instants.response());
        if let Some(service) = call.instants.service() {
            moment.service.record(service);
        }
    }

    pub(super) fn add_exchange(&mut self, exchange: &Exchange) {
        let bin = self.at(exchange.end);
        bin.exchanges += u32::from(exchange.sent.is_some());
        // Streams last as long as they like: their times would say nothing about a second.
        if matches!(exchange.operation, Operation::ToolsCall | Operation::Stream) {
            return;
        }
        let end = exchange.answer.unwrap_or(exchange.end);
        let cell = bin.operations.entry(exchange.operation).or_default();
        cell.outcomes[exchange.outcome.class() as usize] += 1;
        cell.response.record(end.saturating_sub(exchange.began));
        if let Some(sent) = exchange.sent {
            cell.service.record(end.saturating_sub(sent));
        }
    }

    pub(super) fn add_run(&mut self, run: &Run) {
        self.at(run.due).runs_due += 1;
        self.at(run.ended).runs_ended += 1;
    }

    pub(super) fn add_dropped(&mut self, due: Duration) {
        self.at(due).dropped += 1;
    }

    pub(super) fn add_sample(&mut self, sample: &Sample) {
        let sampled = Sampled {
            users: sample.users,
            in_flight: sample.in_flight,
            sessions_open: sample.sessions_open,
            cpu: sample.cpu,
        };
        self.at(sample.at).highest(sampled);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (number, theirs) in other.bins.iter().enumerate() {
            self.at(other.width() * number as u32).merge(theirs);
        }
        // Empty bins at the end count too, and the other may be wider than its bins need now.
        while self.width_seconds < other.width_seconds {
            self.widen();
        }
    }

    fn at(&mut self, instant: Duration) -> &mut Bin {
        while instant.as_secs() / self.width_seconds >= BINS as u64 {
            self.widen();
        }
        let number = (instant.as_secs() / self.width_seconds) as usize;
        if number >= self.bins.len() {
            self.bins.resize_with(number + 1, Bin::default);
        }
        &mut self.bins[number]
    }

    fn widen(&mut self) {
        self.width_seconds *= 2;
        let halves = std::mem::take(&mut self.bins);
        for pair in halves.chunks(2) {
            let mut whole = pair[0].clone();
            pair[1..].iter().for_each(|second| whole.merge(second));
            self.bins.push(whole);
        }
    }
}

impl Bin {
    fn highest(&mut self, other: Sampled) {
        let sampled = self.sampled.get_or_insert(other);
        sampled.users = sampled.users.max(other.users);
        sampled.in_flight = sampled.in_flight.max(other.in_flight);
        sampled.sessions_open = sampled.sessions_open.max(other.sessions_open);
        sampled.cpu = sampled.cpu.max(other.cpu);
    }

    fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.done += other.done;
        self.dropped += other.dropped;
        self.exchanges += other.exchanges;
        self.runs_due += other.runs_due;
        self.runs_ended += other.runs_ended;
        if let Some(sampled) = other.sampled {
            self.highest(sampled);
        }
        for (operation, theirs) in &other.operations {
            let mine = self.operations.entry(*operation).or_default();
            mine.outcomes
                .iter_mut()
                .zip(theirs.outcomes)
                .for_each(|(mine, theirs)| *mine += theirs);
            mine.response.merge(&theirs.response);
            mine.service.merge(&theirs.service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_gets_wider_bins() {
        let mut series = Series::default();
        (0..2400).for_each(|second| series.add_dropped(Duration::from_secs(second)));
        assert_eq!((series.width(), series.bins().len()), (Duration::from_secs(4), 600));
        assert!(series.bins().iter().all(|bin| bin.dropped == 4));
    }
}
