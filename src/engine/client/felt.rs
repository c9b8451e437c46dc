//! Requests whose time is what a check looks at, and clients that take theirs with what they read.

use std::sync::Arc;
use std::time::Duration;

use super::post::{Answered, Nothing};
use super::put::Put;
use super::trials::{Answer, Tail};
use super::{Client, cost::Cost};
use crate::engine::session::Session;
use crate::engine::weather::By;
use crate::engine::wire::{Slowly, Trail};
use crate::model::behaviour::Ask as Turn;
use crate::model::outcome::Outcome;
use crate::protocol::ask;

/// Slow reading that is no fault of the scenario's has this number: none of those has it.
const OWN: u8 = 63;

/// A request that costs a server next to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cheap {
    /// `ping`, of which the modern era has none.
    Ping,
    /// `tools/list`, one page.
    List,
}

/// How a client reads what it is answered.
#[derive(Debug)]
pub struct Reads {
    /// So many bytes a second; at 0 none.
    pub rate: u64,
    /// From when on, and until when.
    pub slowly: Slowly,
}

impl Client {
    /// A call in this session, answered by then at the latest; and how many bytes the answer had.
    pub async fn call_by(
        self: &Arc<Self>,
        session: &Session,
        ask: Turn,
        by: Duration,
    ) -> (Tail, usize) {
        let patience = by.saturating_sub(self.common.wire.clock.now());
        let nonce = self.nonce_in(session, ask);
        let Answer { tail, bytes, .. } = self.answer_apart(session, (ask, nonce), patience).await;
        (tail, bytes)
    }

    /// A request that costs next to nothing, answered within this patience. Its time begins with
    /// it: a connection that takes its time is felt, too.
    pub async fn ask_cheaply(
        self: &Arc<Self>,
        session: &Session,
        cheap: Cheap,
        patience: Duration,
    ) -> Tail {
        let (sent, cost) = (self.common.wire.clock.now(), Cost::default());
        let ask = match cheap {
            Cheap::Ping if !session.footing.is_modern() => ask::Ask::Ping,
            Cheap::Ping | Cheap::List => ask::Ask::ToolsList { cursor: None },
        };
        let (about, mirrored, nonce) = (None, &[][..], None);
        let (deadline, cost) = (sent + patience, &cost);
        let put = Put { session, ask, about, mirrored, deadline, cost, is_call: false, nonce };
        let answered = self.fetch::<Nothing, (), _>(put, |_, _| (Outcome::Ok, Some(()))).await;
        let Answered { outcome, at, reply, .. } = answered;
        let done = at.unwrap_or_else(|| self.common.wire.clock.now());
        Tail { outcome, status: reply.map(|reply| reply.status), sent, done }
    }

    /// From now on the client reads like this whatever it is answered, each time on a connection of
    /// its own. It is said once.
    pub fn read_slowly(&self, reads: Reads) {
        let _was_said = self.reads.set(Box::new(reads)).is_err();
    }
}

impl Reads {
    /// An exchange is read like this.
    pub(super) fn befall<'a>(&'a self, trail: &mut Trail<'a>) {
        trail.reads_slowly(By { fault: OWN, what: self.rate }, &self.slowly);
    }
}
