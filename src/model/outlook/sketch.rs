//! Runs on paper: each made once, and drawn on again where a plan has more of them.

use std::time::Duration;

use crate::model::behaviour::Behaviour;
use crate::model::chance::Key;
use crate::model::plan::Plan;

use super::PerRun;

/// Runs modelled one by one; the runs of a larger plan are like these, in turn.
const MODELLED_RUNS: usize = 2_000;
/// Bursts that are kept of them in all: runs of a hundred thousand calls are alike.
const MODELLED_BURSTS: usize = 1_000_000;
/// Calls of a steady run that is looked at to its end, wherever that lies.
const LOOKED_AT: u32 = 1_000;
/// Time a call is modelled to take, as in the model of Research runs.
const SERVICE: Duration = Duration::from_millis(800);

/// One run, every call answered after 0.8 s.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sketch {
    /// When calls begin, as offsets from its start in order, and how many do.
    pub(super) bursts: Vec<(Duration, u32)>,
    /// From its start to its end, be it its own or that of its person's patience.
    pub(super) lasts: Duration,
}

impl Sketch {
    /// Its bursts that begin by this offset.
    pub(super) fn by(&self, limit: Duration) -> &[(Duration, u32)] {
        &self.bursts[..self.bursts.partition_point(|(offset, _)| *offset <= limit)]
    }
}

/// The runs of a plan.
pub(super) struct Sketches<'a> {
    plan: &'a Plan,
    tools: u16,
    until: Duration,
    made: Vec<Sketch>,
    bursts: usize,
    handed_out: usize,
    sum: PerRun,
}

impl<'a> Sketches<'a> {
    /// Runs that nobody looks at later than `until` after their start.
    pub(super) fn of(plan: &'a Plan, tools: u16, until: Duration) -> Self {
        let sum = PerRun::default();
        Self { plan, tools: tools.max(1), until, made: Vec::new(), bursts: 0, handed_out: 0, sum }
    }

    /// The run of this number, or one that stands for it.
    pub(super) fn run(&mut self, number: u64) -> &Sketch {
        let mut index = self.made.len();
        if index < MODELLED_RUNS && self.bursts < MODELLED_BURSTS {
            self.make(number);
        } else {
            index = self.handed_out % self.made.len();
        }
        self.handed_out += 1;
        &self.made[index]
    }

    /// The mean of the runs that were made, each to its own end.
    pub(super) fn per_run(&self) -> PerRun {
        let count = self.made.len().max(1) as f64;
        PerRun {
            calls: self.sum.calls / count,
            seconds: self.sum.seconds / count,
            subagents: self.sum.subagents / count,
            peak_in_flight: self.sum.peak_in_flight,
        }
    }

    fn make(&mut self, number: u64) {
        let load = &self.plan.load;
        let key = Key::of_run(self.plan.seed, number);
        // A steady run may be of a million calls, all alike; others are looked at to their end.
        let (until, calls) = match &load.behaviour {
            Behaviour::Steady(steady) if steady.calls > LOOKED_AT => {
                (self.until, Some(steady.calls))
            }
            _ => (Duration::MAX, None),
        };
        let outline = load.behaviour.outline_until(key, self.tools, load.speed, SERVICE, until);
        let calls = calls.unwrap_or(outline.calls);
        let times = f64::from(calls.max(1)) / f64::from(outline.calls.max(1));
        let own_end =
            if outline.calls == calls { outline.duration } else { outline.duration.mul_f64(times) };
        self.sum.calls += f64::from(calls);
        self.sum.seconds += own_end.as_secs_f64();
        self.sum.subagents += f64::from(outline.subagents);
        self.sum.peak_in_flight = self.sum.peak_in_flight.max(outline.peak_in_flight);
        let stopped = load.behaviour.run(key, self.tools, load.speed).stops_after();
        let lasts = stopped.unwrap_or(own_end).min(own_end);
        let mut sketch = Sketch { bursts: outline.bursts, lasts };
        sketch.bursts.truncate(sketch.by(lasts).len());
        self.bursts += sketch.bursts.len();
        self.made.push(sketch);
    }
}
