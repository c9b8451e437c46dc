//! The record of one call: told once, whatever becomes of the call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cost::Cost;
use super::{Client, Made};
use crate::engine::recorder::Gauged;
use crate::model::event::{Call, Echo, Event, Instants};
use crate::model::fault::Touched;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

/// The record of one call. Dropped unfinished, it tells what its run's ending says.
pub(super) struct CallTrail<'a> {
    client: &'a Client,
    pub(super) cost: &'a Cost,
    pub(super) call: Call,
    pub(super) stamped: bool,
    /// What its arguments say of whose it is: the same however often the call is made.
    nonce: Option<Nonce>,
    _in_flight: Gauged<'a>,
}

impl<'a> CallTrail<'a> {
    pub(super) fn begin(client: &'a Client, cost: &'a Cost, due: Duration, tool: u16) -> Self {
        let started = client.common.wire.clock.now();
        let instants = Instants { due, started, admitted: None, sent: None, done: started };
        let call = Call {
            user: client.user,
            run: client.run.load(Ordering::Relaxed),
            class: client.class,
            operation: Operation::ToolsCall,
            tool: Some(tool),
            instants,
            outcome: Outcome::Unfinished,
            exchanges: 0,
            result_chars: 0,
            over_cap: false,
            first_with_token: false,
            touched: Touched::default(),
            echo: Echo::Unasked,
        };
        let in_flight = Gauged::new(&client.common.wire.recorder.gauges.in_flight);
        Self { client, cost, call, stamped: false, nonce: None, _in_flight: in_flight }
    }

    /// What the arguments say of whose call it is, which is first made in a session of this tag.
    pub(super) fn nonce(&mut self, session: u16, variation: u64) -> Nonce {
        let (seed, user) = (self.client.common.seed, self.client.user);
        *self.nonce.get_or_insert_with(|| Nonce::new(seed, user, session, variation))
    }

    /// The call was done at `done`, whatever is still to be tidied up.
    pub(super) fn stamp_at(&mut self, done: Duration, outcome: Outcome) {
        if !self.stamped {
            self.call.instants.done = done;
            self.call.outcome = outcome;
            self.stamped = true;
        }
    }

    /// The call is done now.
    pub(super) fn stamp(&mut self, outcome: Outcome) {
        self.stamp_at(self.client.common.wire.clock.now(), outcome);
    }

    /// Ends the record; says how the call ended, and when the client was free again: after a
    /// stream's end or a DELETE that is nobody's lag.
    pub(super) fn finish(mut self, outcome: Outcome) -> Made {
        let done = self.client.common.wire.clock.now();
        self.stamp_at(done, outcome);
        Made { outcome, sent: self.cost.sent(), done }
    }
}

impl Drop for CallTrail<'_> {
    fn drop(&mut self) {
        if !self.stamped {
            self.stamp(self.client.ending.outcome());
        }
        self.call.instants.sent = self.cost.sent();
        self.call.exchanges = self.cost.exchanges();
        self.call.touched = self.cost.touched();
        self.call.echo = self.cost.echo();
        self.call.first_with_token = self.cost.first_with_token.load(Ordering::Relaxed);
        self.client.common.wire.recorder.tell(self.client.user, Event::Call(self.call));
    }
}
