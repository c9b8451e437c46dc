//! What scripts of checks do with clients: sessions that are opened and ended by hand, and calls in
//! whichever session is given. None of it counts as a call of a user.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::connect::{For, Refusal};
use super::cost::Cost;
use super::post::{Answered, Nothing, Question};
use crate::engine::session::Session;
use crate::model::behaviour::Ask as Turn;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::legacy::write;
use crate::protocol::message::Id;

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
        let cost = Cost::default();
        let began = self.common.wire.clock.now();
        let tool = &self.common.tools[usize::from(ask.tool)];
        let nonce = Nonce::new(self.common.seed, self.user, session.tag, ask.variation);
        let mut made = Vec::new();
        tool.maker.make(ask.variation, nonce, &mut made);
        let until = (began + self.common.profile.call_timeout, &cost);
        let answered = self.call_with(session, tool, (&made, nonce), until).await;
        let Answered { outcome, at, reply, .. } = answered;
        let done = at.unwrap_or_else(|| self.common.wire.clock.now());
        let status = reply.map(|reply| reply.status);
        Tail { outcome, status, sent: cost.sent().unwrap_or(began), done }
    }

    /// `notifications/cancelled` of a request in this session.
    pub async fn cancel_apart(self: &Arc<Self>, session: &Session, id: u64) -> Tail {
        let (cost, clock) = (Cost::default(), &self.common.wire.clock);
        let began = clock.now();
        let mut body = Vec::with_capacity(128);
        write::cancelled(&mut body, Id::Number(id), Some("the check cancels it"));
        let until = (began + self.common.profile.connect_timeout, &cost);
        let bare = Question::bare(Operation::Cancelled, &session.footing, None, until);
        let question = Question { body, ..bare };
        let answered = self.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await;
        let status = answered.reply.map(|reply| reply.status);
        Tail { outcome: answered.outcome, status, sent: began, done: clock.now() }
    }

    /// Something that is tried, given up after so long.
    pub async fn within(&self, patience: Duration, tried: impl Future<Output = Tail>) -> Tail {
        let clock = &self.common.wire.clock;
        let sent = clock.now();
        let tail = clock.by(sent.saturating_add(patience), tried).await;
        tail.unwrap_or_else(|| Tail {
            outcome: Outcome::Timeout,
            status: None,
            sent,
            done: clock.now(),
        })
    }

    /// `tools/list` in this session, all pages of it.
    pub async fn list_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = match self.tools(session, &Cost::default()).await {
            Ok(_) => (Outcome::Ok, Some(200)),
            Err(Refusal { outcome, status, .. }) => (outcome, status),
        };
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }

    /// DELETE, whatever the profile does about the ends of sessions.
    pub async fn end_apart(self: &Arc<Self>, session: &Session) -> Tail {
        let began = self.common.wire.clock.now();
        let (outcome, status) = self.delete(session, &Cost::default()).await;
        Tail { outcome, status, sent: began, done: self.common.wire.clock.now() }
    }
}
