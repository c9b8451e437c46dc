//! What must hold in every storm, whatever it was made for: each answer comes, whole and within the
//! clients' patience, sessions stay, handshakes and tokens come within Claude's budgets. Memory is
//! bounded by what is kept of each rule, never by calls.
//!
//! What a fault of the scenario touched is none of the target's: a call that met one, and everything
//! in a window of one of which nobody can tell who met it.

mod blocking;
mod budgets;
mod delivery;
mod expected;
mod flowing;
mod isolation;
mod sessions;
mod streams;

use std::time::Duration;

use self::blocking::Blocking;
use self::budgets::Budgets;
use self::delivery::Delivery;
use self::expected::Expected;
use self::flowing::Flowing;
use self::isolation::Isolation;
use self::sessions::Sessions;
use self::streams::Streams;
use crate::model::event::Event;
use crate::model::fault::{Fault, Window};
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::plan::invariant::Invariant;
use crate::model::report::Expectations;

/// Holds a storm against what must always hold.
#[derive(Debug)]
pub struct Storm {
    /// Windows of faults of which nobody can tell who met them.
    excused: Vec<Window>,
    /// When the first window of any fault begins: what became of sessions after that is told there.
    first_fault: Option<Duration>,
    isolation: Isolation,
    delivery: Delivery,
    sessions: Sessions,
    streams: Streams,
    budgets: Budgets,
    flowing: Flowing,
    blocking: Blocking,
    expected: Expected,
}

/// When something was seen, by which user, and what it was.
type Told = (Duration, u32, String);

impl Storm {
    /// Nothing seen yet of a load with these faults, in which tools of these names are called.
    pub fn new(tools: &[String], faults: &[Fault], windows: &[Window]) -> Self {
        let is_untold =
            |window: &&Window| faults.get(usize::from(window.fault)).is_some_and(Fault::is_untold);
        Self {
            excused: windows.iter().filter(is_untold).copied().collect(),
            first_fault: windows.iter().map(|window| window.from).min(),
            isolation: Isolation::new(tools),
            delivery: Delivery::default(),
            sessions: Sessions::default(),
            streams: Streams::default(),
            budgets: Budgets::default(),
            flowing: Flowing::default(),
            blocking: Blocking::new(tools),
            expected: Expected::default(),
        }
    }

    /// The same, where these must hold.
    #[must_use]
    pub fn expecting(self, invariants: Vec<Invariant>) -> Self {
        Self { expected: Expected(invariants), ..self }
    }

    /// Takes one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Call(call) => {
                self.isolation.call(call);
                if !call.touched.is_any() && !self.is_excused(call.instants.due, call.instants.done)
                {
                    self.delivery.call(call);
                    self.blocking.call(call);
                }
            }
            Event::Exchange(exchange)
                if !exchange.touched.is_any() && !self.is_excused(exchange.began, exchange.end) =>
            {
                self.streams.exchange(exchange);
                self.budgets.exchange(exchange);
                self.flowing.exchange(exchange);
                self.sessions.exchange(exchange);
            }
            Event::Violation(violation) => {
                self.isolation.violation(violation.rule);
                self.delivery.violation(violation.rule);
            }
            Event::Session(session) if self.first_fault.is_none_or(|first| session.at < first) => {
                self.sessions.session(session);
            }
            _ => {}
        }
    }

    fn is_excused(&self, since: Duration, until: Duration) -> bool {
        self.excused.iter().any(|window| window.overlaps(since, until))
    }

    /// What did not hold.
    pub fn findings(&self) -> Vec<Finding> {
        let all = self.delivery.findings().into_iter().chain(self.sessions.findings());
        let all = all.chain(self.streams.findings()).chain(self.budgets.findings());
        all.chain(self.flowing.finding()).chain(self.blocking.finding()).collect()
    }

    /// All of it: findings, what could not be checked, and what came of what is expected.
    pub fn end(&self) -> Expectations {
        let (findings, notes) = (self.findings(), self.unchecked());
        let mut all = Expectations { findings, notes, ..Expectations::default() };
        let calls = (&self.flowing, &self.blocking);
        self.expected.put(&self.isolation, &self.delivery, &self.sessions, calls, &mut all);
        all
    }

    /// What could not be checked, a sentence each.
    pub fn unchecked(&self) -> Vec<String> {
        self.isolation.unchecked()
    }
}

/// The names of all that may be found.
#[cfg(test)]
const IDS: [&str; 9] = [
    delivery::CUT.id,
    delivery::HUNG.id,
    sessions::VANISHED.id,
    sessions::DELETES.id,
    streams::CUT.id,
    streams::AGED.id,
    budgets::SLOW.id,
    super::flow::BUFFERED.id,
    blocking::WAIT.id,
];

fn shown((at, user, what): &Told) -> String {
    format!("at {}, user {user}: {what}", figure::duration(*at))
}

#[cfg(test)]
mod tests;
