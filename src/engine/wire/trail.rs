//! The record of one exchange, told once whatever becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::held::Held;
use super::line::Line;
use super::meter::{Measure, Watch};
use super::pulse::Pulse;
use super::stream::Cursor;
use super::{Ending, Slowly, Wire};
use crate::edge::mark::Mark;
use crate::engine::holder::Lease;
use crate::engine::recorder::Gauged;
use crate::engine::weather::{By, Spell};
use crate::model::event::{Challenged, Event, Exchange, Presented, Whose};
use crate::model::fault::Touched;
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome};

/// The record of one exchange. Dropped unfinished, it tells what its run's ending says.
#[derive(Debug)]
pub struct Trail<'a> {
    wire: &'a Wire,
    ending: &'a Ending,
    pub(super) measure: Measure<'a>,
    pub(super) exchange: Exchange,
    pub(super) outcome: Option<Outcome>,
    pub(super) when_open: Option<Outcome>,
    sent_cell: Option<&'a AtomicU64>,
    first_cell: Option<&'a AtomicBool>,
    faults_cell: Option<&'a AtomicU64>,
    /// What befalls the connection on its way.
    mark: Option<Arc<Mark>>,
    pub(super) cursor: Option<Cursor>,
    pub(super) opened: Option<oneshot::Sender<()>>,
    /// How the body of its answer is read slowly, if by a check.
    pub(super) slowly: Option<&'a Slowly>,
    pub(super) held: Held<'a>,
    /// Who feels its pulse, if anybody does.
    pub(super) pulse: Option<&'a Pulse>,
    /// What befalls it at our own end: in a box, for it is rare.
    pub(super) spell: Option<Box<Spell>>,
    _under_way: Gauged<'a>,
    counters: [Option<&'a AtomicU32>; 2],
    /// The token it carries, if it is told what becomes of that, and what a refusal challenged.
    presented: Option<(Whose, Challenged)>,
}

impl<'a> Trail<'a> {
    /// An exchange of `user` begins now.
    pub fn begin(wire: &'a Wire, ending: &'a Ending, user: u32, operation: Operation) -> Self {
        let began = wire.clock.now();
        let exchange = Exchange {
            user,
            operation,
            began,
            opened: None,
            sent: None,
            headers: None,
            first_event: None,
            last_bytes: None,
            messages: 0,
            answer: None,
            end: began,
            status: None,
            outcome: Outcome::Unfinished,
            unprocessed: 0,
            bytes_sent: 0,
            bytes_received: 0,
            touched: Touched::default(),
        };
        Self {
            wire,
            ending,
            measure: Measure::default(),
            exchange,
            outcome: None,
            when_open: None,
            sent_cell: None,
            first_cell: None,
            faults_cell: None,
            mark: None,
            cursor: None,
            opened: None,
            slowly: None,
            held: Held::new(&wire.recorder.gauges.held),
            pulse: None,
            spell: None,
            _under_way: Gauged::new(&wire.recorder.gauges.exchanging),
            counters: [None, None],
            presented: None,
        }
    }

    /// Ends the record with what the exchange was.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// Ends the record with this, too, should it be dropped unfinished.
    pub fn presume(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// The same once a stream is open: its head has come with a status of success.
    pub fn presume_when_open(&mut self, outcome: Outcome) {
        self.when_open = Some(outcome);
    }

    /// Tells in `cell` whether the request was the first call that carried its access token.
    pub fn note_first_in(&mut self, cell: &'a AtomicBool) {
        self.first_cell = Some(cell);
    }

    /// The credential is there: the exchange begins now, `legs` after it was asked for.
    pub fn lent(&mut self, lease: &Lease, legs: u32) {
        for counter in self.counters.iter().flatten() {
            counter.fetch_add(legs, Ordering::Relaxed);
        }
        if let Some(cell) = self.first_cell
            && lease.is_first_use()
        {
            cell.store(true, Ordering::Relaxed);
        }
        self.exchange.began = self.wire.clock.now();
    }

    /// It is told what becomes of the token that the request carried.
    pub fn watch(&mut self, token: Whose, challenge: Challenged) {
        self.presented = Some((token, challenge));
    }

    /// Ends the record with this outcome; it goes on as that of the same request, sent once more.
    pub fn refused(&mut self, outcome: Outcome) {
        let Exchange { user, operation, .. } = self.exchange;
        let mut again = Self::begin(self.wire, self.ending, user, operation);
        (again.sent_cell, again.first_cell) = (self.sent_cell, self.first_cell);
        (again.counters, again.outcome) = (self.counters, self.outcome);
        again.faults_cell = self.faults_cell;
        (again.when_open, again.slowly) = (self.when_open, self.slowly);
        again.pulse = self.pulse;
        again.spell = self.spell.take();
        (again.opened, again.measure) = (self.opened.take(), self.measure.again());
        std::mem::replace(self, again).finish(outcome);
    }

    /// Leaves in `cell` when the first byte of the request left, in nanoseconds plus one.
    pub fn note_sent_in(&mut self, cell: &'a AtomicU64) {
        self.sent_cell = Some(cell);
    }

    /// Adds the faults that the exchange met to `cell`, a bit each by their number.
    pub fn note_faults_in(&mut self, cell: &'a AtomicU64) {
        self.faults_cell = Some(cell);
    }

    /// This befalls it at our own end.
    pub fn suffers(&mut self, spell: Option<Spell>) {
        self.spell = spell.map(Box::new);
    }

    /// What befalls it at our own end.
    pub fn spell(&self) -> Option<&Spell> {
        self.spell.as_deref()
    }

    /// The exchange met these faults.
    pub fn touched(&mut self, faults: Touched) {
        self.exchange.touched = self.exchange.touched.and(faults);
    }

    /// Its signs of life show in `pulse`.
    pub fn feel(&mut self, pulse: &'a Pulse) {
        self.pulse = Some(pulse);
    }

    /// Lets `watch` see the exchange while it goes on.
    pub fn show_to(&mut self, watch: &'a Watch) {
        self.measure.watch = Some(watch);
    }

    /// Counts the exchange in both, from the moment it has a connection; not if no byte leaves.
    pub fn count_in(&mut self, one: &'a AtomicU32, other: &'a AtomicU32) {
        self.counters = [Some(one), Some(other)];
    }

    /// When the answer was whole, if it came.
    pub fn answered_at(&self) -> Option<Duration> {
        self.exchange.answer
    }

    /// The status of the answer's head, if one came.
    pub const fn status(&self) -> Option<u16> {
        self.exchange.status
    }

    /// Tells when the head of an answer has come that is no refusal; dropped without a word if none
    /// does.
    pub fn tell_when_open(&mut self, opened: oneshot::Sender<()>) {
        self.opened = Some(opened);
    }

    /// The body of its answer is read so many bytes a second, from its beginning to its easing.
    pub fn reads_slowly(&mut self, by: By<u64>, slowly: &'a Slowly) {
        self.suffers(Some(Spell { slow: Some(by), ..Spell::default() }));
        self.slowly = Some(slowly);
    }

    /// Where a stream broke that ended without an answer, if it was one.
    pub fn cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    pub(super) fn attach(&mut self, line: &mut Line) {
        for counter in self.counters.iter().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.measure.begin(line.gauge());
        self.mark = line.mark().cloned();
        if let Some(opened) = line.opened() {
            self.exchange.opened = Some(opened);
        }
    }

    /// How the way on to the target failed, where that is why the connection did.
    pub(super) fn failure(&self) -> Option<ConnectFailure> {
        self.mark.as_ref().and_then(|mark| mark.failure())
    }

    /// Reads off the connection what this exchange did. It must be done with it: once the
    /// connection rests, another task may arm its meter for an exchange of its own.
    pub(super) fn detach(&mut self) {
        let Some(moved) = self.measure.end() else { return };
        let exchange = &mut self.exchange;
        exchange.sent = moved.first;
        if let (Some(cell), Some(sent)) = (self.sent_cell, exchange.sent) {
            cell.store(sent.as_nanos() as u64 + 1, Ordering::Relaxed);
        }
        if exchange.sent.is_some() {
            self.wire.recorder.gauges.exchanges.fetch_add(1, Ordering::Relaxed);
        } else {
            self.uncount();
        }
        self.exchange.bytes_sent = moved.written as u32;
        self.exchange.bytes_received = moved.read as u32;
    }

    /// The target did nothing about the request: it is sent again as if for the first time.
    pub(super) fn take_back(&mut self) {
        if let Some(moved) = self.measure.end() {
            let left = u8::from(moved.first.is_some());
            self.exchange.unprocessed = self.exchange.unprocessed.saturating_add(left);
            self.uncount();
        }
    }

    fn uncount(&self) {
        for counter in self.counters.iter().flatten() {
            // A run that began meanwhile counts from zero.
            let one_less = |count: u32| count.checked_sub(1);
            let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
            let _taken_back = counter.fetch_update(set, get, one_less).is_ok();
        }
    }
}

impl Drop for Trail<'_> {
    fn drop(&mut self) {
        self.exchange.outcome = self.outcome.unwrap_or_else(|| {
            self.exchange.touched = self.exchange.touched.and(self.ending.touched());
            self.ending.outcome()
        });
        self.exchange.end = self.wire.clock.now();
        if let Some(mark) = &self.mark {
            let since = mark.touched_since(self.exchange.began);
            self.touched(since);
        }
        self.detach();
        let Exchange { user, operation, sent, status, outcome, touched, .. } = self.exchange;
        if let (Some(cell), true) = (self.faults_cell, touched.is_any()) {
            cell.fetch_or(touched.0, Ordering::Relaxed);
        }
        if let (Some((token, challenge)), Some(sent)) = (self.presented, sent) {
            let presented = Presented { user, operation, token, sent, status, outcome, challenge };
            self.wire.recorder.tell(user, Event::Presented(presented));
        }
        self.wire.recorder.tell(user, Event::Exchange(self.exchange));
    }
}
