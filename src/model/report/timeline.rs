//! The run over time, as `run.json` holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::histogram::sparse::Sparse;
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::summary::series::{Bin, Cell, Series};

/// One stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Point {
    /// Where it begins, in seconds from the start of the run.
    pub at_s: u64,
    /// How long it is, in seconds.
    pub width_s: u64,
    /// Calls that came due.
    pub due: u32,
    /// Calls that ended.
    pub done: u32,
    /// Calls due and not ended at its end.
    pub open: u32,
    /// Arrivals dropped.
    pub dropped: u32,
    /// HTTP exchanges that were sent, by when they ended.
    pub exchanges: u32,
    /// Runs that came due, those dropped not among them.
    pub runs_due: u32,
    /// Runs that ended, however.
    pub runs_ended: u32,
    /// Runs due and not ended at its end.
    pub runs_open: u32,
    /// Most HTTP exchanges in flight, where sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// Most simulated users at work, where sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Most sessions open, where sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u32>,
    /// Highest share of the machine's cores the generator used, where sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f32>,
    /// By operation; those that did not occur are absent.
    pub operations: BTreeMap<String, Moment>,
}

/// One operation in one stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// How many ended.
    pub count: u32,
    /// How many of them in an error.
    pub errors: u32,
    /// How many of them throttled.
    pub throttled: u32,
    /// How they ended; classes that did not occur are absent.
    pub outcomes: BTreeMap<String, u32>,
    /// Response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Brief>,
    /// Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Brief>,
    /// Calls by the band of their response, see [`band`](crate::model::histogram::band); kept of
    /// `tools/call` alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_bands: BTreeMap<u16, u32>,
}

/// Calls of a step of time below which its percentiles say more of single calls than of the step.
pub const FEW: u32 = 10;

impl Moment {
    /// Whether its percentiles are those of fewer than [`FEW`] calls.
    pub const fn is_thin(&self) -> bool {
        self.count < FEW
    }
}

/// The figures of a small histogram, in microseconds, within 1%.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

/// A series as points.
pub fn points(series: &Series) -> Vec<Point> {
    let width_s = series.width().as_secs();
    let (mut open, mut runs_open) = (0i64, 0i64);
    let bins = series.bins().iter().enumerate();
    bins.map(|(number, bin)| {
        open += i64::from(bin.due) - i64::from(bin.done);
        runs_open += i64::from(bin.runs_due) - i64::from(bin.runs_ended);
        let left = [open, runs_open].map(|left| u32::try_from(left).unwrap_or(0));
        point(bin, number as u64 * width_s, width_s, left)
    })
    .collect()
}

fn point(bin: &Bin, at_s: u64, width_s: u64, [open, runs_open]: [u32; 2]) -> Point {
    Point {
        at_s,
        width_s,
        due: bin.due,
        done: bin.done,
        open,
        dropped: bin.dropped,
        exchanges: bin.exchanges,
        runs_due: bin.runs_due,
        runs_ended: bin.runs_ended,
        runs_open,
        in_flight: bin.sampled.map(|sampled| sampled.in_flight),
        users: bin.sampled.map(|sampled| sampled.users),
        sessions: bin.sampled.map(|sampled| sampled.sessions_open),
        cpu: bin.sampled.map(|sampled| sampled.cpu),
        operations: bin
            .operations
            .iter()
            .map(|(operation, cell)| (operation.name().to_owned(), moment(*operation, cell)))
            .collect(),
    }
}

fn moment(operation: Operation, cell: &Cell) -> Moment {
    let of = |class: Class| cell.outcomes[class as usize];
    let occurred = Class::ALL.into_iter().filter(|class| of(*class) > 0);
    Moment {
        count: cell.outcomes.iter().sum(),
        errors: Class::ALL.into_iter().filter(|class| class.is_error()).map(of).sum(),
        throttled: of(Class::Throttled),
        outcomes: occurred.map(|class| (class.name().to_owned(), of(class))).collect(),
        response_us: brief(&cell.response),
        service_us: brief(&cell.service),
        response_bands: match operation {
            Operation::ToolsCall => cell.response.bands(),
            _ => BTreeMap::new(),
        },
    }
}

fn brief(times: &Sparse) -> Option<Brief> {
    Some(Brief {
        p50: times.quantile(0.5)?,
        p95: times.quantile(0.95)?,
        p99: times.quantile(0.99)?,
        max: times.quantile(1.0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::summary::sample;

    #[test]
    fn what_is_due_and_not_done_is_open() {
        let storm = sample::storm();
        let points = points(&storm.series);
        let due: u32 = points.iter().map(|point| point.due).sum();
        let done: u32 = points.iter().map(|point| point.done).sum();
        assert_eq!((u64::from(due), due), (storm.calls.tally.count(), done));
        assert_eq!(points.last().map(|point| point.open), Some(0));
        assert!(points.iter().any(|point| point.open > 0));
    }
}
