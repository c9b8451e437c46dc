//! What a run amounts to: every event folded into counts, histograms and a series.
//!
//! Two sources, never mixed. A *call* is one `tools/call` as its user saw it, whatever it cost;
//! all figures called "calls", "errors" or "response" of tools come from `Event::Call`. An
//! *exchange* is one HTTP request; figures of the other operations come from `Event::Exchange`,
//! where response = connect + service. A `Call` of another operation than `tools/call` changes
//! nothing: its exchanges tell all of it.
//!
//! The fold is pure and keeps sums, maxima and smallest-of sets only, so neither the order of
//! events nor the order of merges changes the result.

/// Calls as their users saw them.
pub mod calls;
/// The first few of something that may be many.
pub mod evidence;
/// What authorization servers gave users.
pub mod grants;
/// Races for a refresh token.
pub mod races;
/// Runs, and how long they took when some never ended.
pub mod runs;
/// The run over time.
pub mod series;
/// Times that nobody waited out.
pub mod unanswered;
/// HTTP exchanges.
pub mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use super::damage::Damage;
use super::event::{Call, Event, SessionChange};
use super::operation::Operation;
use super::outcome::Rule;
use calls::{Calls, Tool, UserClass};
use evidence::{FirstFew, Seen};
use grants::Grants;
use runs::Runs;
use series::Series;
use wire::Wire;

/// Everything one run amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Tool calls.
    pub calls: Calls,
    /// The same by tool, in the plan's order.
    pub tools: Vec<Tool>,
    /// The same by user class, in the plan's order.
    pub classes: Vec<UserClass>,
    /// HTTP exchanges.
    pub wire: Wire,
    /// Sessions.
    pub sessions: Sessions,
    /// What authorization servers gave users.
    pub grants: Grants,
    /// Runs.
    pub runs: Runs,
    /// All of it over time.
    pub series: Series,
    /// Rules the target broke.
    pub violations: BTreeMap<Rule, FirstFew<Seen>>,
    /// Panics of our own users.
    pub panics: FirstFew<(Duration, Box<str>)>,
    /// Arrivals that found the ceiling of users reached.
    pub dropped: u64,
    /// Simulated users: they are numbered from 0, so this is the largest number seen plus one.
    pub users: u32,
    /// The last instant any event named.
    pub elapsed: Duration,
    /// What each window of a fault did; settled when all is over.
    pub damages: Vec<Damage>,
}

/// What became of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sessions {
    /// Handshakes that succeeded.
    pub opened: u64,
    /// Those for which the server issued a session id.
    pub with_id: u64,
    /// Sessions the server no longer knew.
    pub lost: u64,
    /// Sessions ended with a DELETE that the server took.
    pub closed: u64,
    /// Sessions the client forgot without a word, or whose DELETE was not taken.
    pub abandoned: u64,
}

impl Sessions {
    fn add(&mut self, change: SessionChange) {
        match change {
            SessionChange::Opened { with_id } => {
                self.opened += 1;
                self.with_id += u64::from(with_id);
            }
            SessionChange::Lost => self.lost += 1,
            SessionChange::Closed => self.closed += 1,
            SessionChange::Abandoned => self.abandoned += 1,
        }
    }

    fn merge(&mut self, other: Self) {
        self.opened += other.opened;
        self.with_id += other.with_id;
        self.lost += other.lost;
        self.closed += other.closed;
        self.abandoned += other.abandoned;
    }
}

impl Summary {
    /// An empty summary for these tools and user classes, both in the plan's order.
    pub fn new(tools: Vec<String>, classes: Vec<String>) -> Self {
        Self {
            tools: tools.into_iter().map(Tool::named).collect(),
            classes: classes.into_iter().map(UserClass::named).collect(),
            ..Self::default()
        }
    }

    /// Folds one event in.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Call(call) if call.operation == Operation::ToolsCall => self.add_call(call),
            Event::Call(_) => {}
            Event::Exchange(exchange) => {
                self.seen(exchange.end, Some(exchange.user));
                self.wire.add(exchange);
                self.series.add_exchange(exchange);
            }
            Event::Session(session) => {
                self.seen(session.at, Some(session.user));
                self.sessions.add(session.change);
            }
            Event::Grant(grant) => {
                self.seen(grant.at, Some(grant.user));
                self.grants.add(grant.change);
            }
            Event::Refused(refused) => {
                self.seen(refused.at, Some(refused.user));
                self.grants.refuse(refused);
            }
            Event::Race(race) => {
                self.seen(race.at, Some(race.user));
                self.grants.race(race);
            }
            Event::Probe(probe) => self.seen(probe.done, None),
            Event::Tried(tried) => self.seen(tried.done, Some(tried.user)),
            // Perhaps before the load, to a user that never comes.
            Event::Issued(issued) => self.seen(issued.at, None),
            // Its exchange tells the rest.
            Event::Presented(presented) => self.seen(presented.sent, Some(presented.user)),
            Event::Untried(untried) => self.seen(untried.at, Some(untried.user)),
            Event::Run(run) => {
                self.seen(run.ended, Some(run.user));
                self.runs.add(run);
                self.series.add_run(run);
            }
            Event::Wave(wave) => {
                self.seen(wave.ended, Some(wave.user));
                self.runs.add_wave(wave);
            }
            Event::Violation(violation) => {
                self.seen(violation.at, violation.user);
                self.violations.entry(violation.rule).or_default().add(Seen::of(violation));
            }
            Event::Dropped { due } => {
                self.seen(*due, None);
                self.dropped += 1;
                self.series.add_dropped(*due);
            }
            Event::Sample(sample) => {
                self.seen(sample.at, None);
                self.series.add_sample(sample);
            }
            Event::Panicked { at, message } => {
                self.seen(*at, None);
                self.panics.add((*at, message.clone()));
            }
        }
    }

    fn add_call(&mut self, call: &Call) {
        self.seen(call.instants.done, Some(call.user));
        self.calls.add(call);
        self.grants.add_call(call);
        self.series.add_call(call);
        if let Some(tool) = call.tool.and_then(|tool| self.tools.get_mut(usize::from(tool))) {
            tool.add(call);
        }
        if let Some(class) = self.classes.get_mut(usize::from(call.class)) {
            class.add(call);
        }
    }

    fn seen(&mut self, at: Duration, user: Option<u32>) {
        self.elapsed = self.elapsed.max(at);
        self.users = self.users.max(user.map_or(0, |user| user.saturating_add(1)));
    }

    /// Adds another summary of the same plan: what two shards saw is what one would have seen.
    pub fn merge(&mut self, other: &Self) {
        self.calls.merge(&other.calls);
        self.tools.iter_mut().zip(&other.tools).for_each(|(mine, theirs)| mine.merge(theirs));
        self.classes.iter_mut().zip(&other.classes).for_each(|(mine, theirs)| mine.merge(theirs));
        self.wire.merge(&other.wire);
        self.sessions.merge(other.sessions);
        self.grants.merge(&other.grants);
        self.runs.merge(&other.runs);
        self.series.merge(&other.series);
        for (rule, seen) in &other.violations {
            self.violations.entry(*rule).or_default().merge(seen);
        }
        self.panics.merge(&other.panics);
        self.dropped += other.dropped;
        self.users = self.users.max(other.users);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// HTTP exchanges sent for each call that was sent, handshakes and lists included; `None` when no
    /// call was sent.
    pub fn exchanges_per_call(&self) -> Option<f64> {
        self.per_call(self.wire.total())
    }

    /// Handshakes (`initialize`) sent for each call that was sent.
    pub fn handshakes_per_call(&self) -> Option<f64> {
        self.per_call(self.wire.count(Operation::Initialize))
    }

    fn per_call(&self, count: u64) -> Option<f64> {
        let sent = self.calls.tally.sent();
        (sent > 0).then(|| count as f64 / sent as f64)
    }
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sample;
    use super::*;
    use crate::model::event::Exchange;

    fn folded(events: &[Event]) -> Summary {
        let mut summary = sample::empty();
        for event in events {
            summary.add(event);
        }
        summary
    }

    proptest! {
        #[test]
        fn the_order_of_events_changes_nothing(
            (events, shuffled) in proptest::collection::vec(sample::any_event(), 0..60)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            prop_assert_eq!(folded(&events), folded(&shuffled));
        }

        #[test]
        fn merging_in_any_order_is_folding_everything(
            events in proptest::collection::vec(sample::any_event(), 0..60), cut in 0usize..60, other in 0usize..60
        ) {
            let (first, second) = (cut.min(other).min(events.len()), cut.max(other).min(events.len()));
            let parts = [&events[..first], &events[first..second], &events[second..]].map(folded);
            for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
                let mut merged = sample::empty();
                for part in order {
                    merged.merge(&parts[part]);
                }
                prop_assert_eq!(&merged, &folded(&events));
            }
        }
    }

    #[test]
    fn what_never_left_is_no_exchange_of_the_target() {
        let sent = sample::exchange(0, Operation::Initialize, 5);
        let unsent = Exchange { sent: None, ..sent };
        let summary = folded(&[Event::Exchange(sent), Event::Exchange(unsent)]);
        let handshakes = &summary.wire.operations[&Operation::Initialize];
        assert_eq!((handshakes.tally.count(), handshakes.sent), (2, 1));
        assert_eq!((summary.wire.total(), summary.wire.handshakes()), (1, 1));
    }

    #[test]
    fn a_call_of_a_tool_counts_once_everywhere() {
        let summary = folded(&[Event::Call(sample::call(0, 1, 50))]);
        assert_eq!(summary.calls.tally.count(), 1);
        assert_eq!(summary.tools[1].tally.count(), 1);
        assert_eq!(summary.classes[0].tally.count(), 1);
        assert_eq!((summary.users, summary.elapsed), (1, Duration::from_millis(60)));
    }
}
