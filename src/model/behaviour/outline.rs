//! A run on paper: what its machine would do if every call succeeded after the same time.

use std::time::Duration;

use crate::model::limit_probe::Probe;
use crate::model::outcome::{Class, Outcome};

use super::{Agent, Lead, Step};

/// What one run amounts to when nothing fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Tool calls.
    pub calls: u32,
    /// From its start to its end, without the stagger of bursts.
    pub duration: Duration,
    /// Subagents.
    pub subagents: u32,
    /// Waves.
    pub waves: u32,
    /// Most calls in flight at once.
    pub peak_in_flight: u32,
    /// When calls begin, as offsets from the run's start in order, and how many do.
    pub bursts: Vec<(Duration, u32)>,
}

/// Offsets at which calls begin, with how many.
struct Calls {
    bursts: Vec<(Duration, u32)>,
    service: Duration,
}

impl Outline {
    /// Runs the machine dry, up to the first of the lead's steps that begins after `until`.
    pub(super) fn of(mut lead: Lead, service: Duration, until: Duration) -> Self {
        let mut calls = Calls { bursts: Vec::new(), service };
        let mut outline = Self::default();
        let (mut now, mut barrier, mut answered) = (Duration::ZERO, Duration::ZERO, 0);
        while now <= until {
            match lead.next(&vec![Class::Ok; answered]) {
                Step::Fork(agents) => {
                    outline.waves += 1;
                    outline.subagents += agents.len() as u32;
                    let ends = agents.into_iter().map(|agent| calls.follow(agent, now));
                    barrier = ends.fold(now, Duration::max);
                    answered = 0;
                }
                Step::Join => now = barrier,
                Step::End => break,
                Step::Volley(shots) => {
                    let done = now + service;
                    let outcome = Outcome::Ok;
                    let probe = |shot| Probe { shot, sent: now, done, outcome };
                    lead.hear(&shots.iter().copied().map(probe).collect::<Vec<_>>());
                    calls.bursts.push((now, shots.len() as u32));
                    (now, answered) = (done, 0);
                }
                // What it asks are no calls of a user, and how long they take is not modelled.
                Step::Try(trials) => (now, answered) = (now + trials.waits(), 0),
                step => (now, answered) = calls.pass(&step, now),
            }
        }
        outline.duration = now;
        outline.calls = calls.bursts.iter().map(|(_, calls)| calls).sum();
        outline.peak_in_flight = calls.peak();
        outline.bursts = calls.bursts;
        outline
    }
}

impl Calls {
    /// A subagent from its fork to its end.
    fn follow(&mut self, mut agent: Agent, mut now: Duration) -> Duration {
        let mut answered = 0;
        loop {
            match agent.next(&vec![Class::Ok; answered]) {
                Step::End => return now,
                step => (now, answered) = self.pass(&step, now),
            }
        }
    }

    /// When a step of thinking or calling is over, and how many calls it answered.
    fn pass(&mut self, step: &Step, now: Duration) -> (Duration, usize) {
        match step {
            Step::Think(think) => (now + *think, 0),
            Step::Burst(burst) => {
                self.bursts.push((now, burst.len() as u32));
                (now + self.service, burst.len())
            }
            // Its legs are no calls, and take about as long as one.
            Step::Stray | Step::Register => (now + self.service, 0),
            Step::Fork(_) | Step::Join | Step::Volley(_) | Step::Try(_) | Step::End => (now, 0),
        }
    }

    /// Most calls at once: every call lasts equally long, so at each start those count that began
    /// less than one service time before.
    fn peak(&mut self) -> u32 {
        self.bursts.sort_unstable();
        let (mut oldest, mut open, mut peak) = (0, 0, 0);
        for &(start, calls) in &self.bursts {
            while self.bursts[oldest].0 + self.service <= start && self.bursts[oldest].0 < start {
                open -= self.bursts[oldest].1;
                oldest += 1;
            }
            open += calls;
            peak = peak.max(open);
        }
        peak
    }
}
