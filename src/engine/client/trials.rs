//! What scripts of checks do with clients: sessions that are opened and ended by hand, and calls in
//! whichever session is given. None of it counts as a call of a user.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::connect::{For, Refusal};
use super::cost::Cost;
use super::post::Answered;
use super::post::Nothing;
use super::put::Put;
use crate::engine::session::Session;
use crate::engine::weather::By;
use crate::engine::wire::{Slowly, Trail};
use crate::model::behaviour::Ask as Turn;
use crate::model::nonce::Nonce;
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

/// How something that was tried ended.
#[derive(Debug, Clone, Copy)]
pub struct Tail {
    /// How.
    pub outcome: Outcome,
    /// The HTTP status, if a head came.
    pub status: Option<u16>,
    /// When its request left; when it was begun, if none did.
    pub sent: Duration,
    /// When its answer was there.
    pub done: Duration,
}

impl Client {
    /// A handshake, and the session that it began, which nobody else uses.
    pub async fn open_apart(self: &Arc<Self>) -> (Tail, Option<Arc<Session>>) {
        let began = self.common.wire.clock.now();
        let opened = self.handshake(For::OneCall, &Cost::default()).await;
        let done = self.common.wire.clock.now();
        let (outcome, status, session) = match opened {
            Ok(session) => (Outcome::Ok, Some(200), Some(Arc::new(session))),
            Err(Refusal { outcome, status, .. }) => (outcome, status, None),
        };
        (Tail { outcome, status, sent: began, done }, session)
    }

    /// A call in this session, whoever's it is, and once only.
    pub async fn call_apart(self: &Arc<Self>, session: &Session, ask: Turn) -> Tail {
        let by = self.common.wire.clock.now() + self.common.profile.call_timeout;
        self.call_by(session, ask, by).await.0
    }

    /// The same, answered by then at the latest; and how many bytes the answer had.
    pub async fn call_by(
        self: &Arc<Self>,
        session: &Session,
        ask: Turn,
        by: Duration,
    ) -> (Tail, usize) {
        let cost = Cost::default();
        let began = self.common.wire.clock.now();
        let tool = &self.common.tools[usize::from(ask.tool)];
        let nonce = Nonce::new(self.common.seed, self.user, session.tag, ask.variation);
        let mut made = Vec::new();
        tool.maker.make(ask.variation, nonce, &mut made);
        let answered = self.call_with(session, tool, (&made, nonce), (by, &cost)).await;
        let Answered { outcome, at, reply, bytes, .. } = answered;
        let done = at.unwrap_or_else(|| self.common.wire.clock.now());
        let status = reply.map(|reply| reply.status);
        (Tail { outcome, status, sent: cost.sent().unwrap_or(began), done }, bytes)
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

    /// DELETE, whatever the profile does about the ends of sessions.
    pub async fn end_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = self.delete(session, &Cost::default()).await;
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }
}

impl Reads {
    /// An exchange is read like this.
    pub(super) fn befall<'a>(&'a self, trail: &mut Trail<'a>) {
        trail.reads_slowly(By { fault: OWN, what: self.rate }, &self.slowly);
    }
}
