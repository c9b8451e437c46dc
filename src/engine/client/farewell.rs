//! What a client says that no longer waits for an answer: because its patience ended, or because its
//! run was stopped (MCP 2025-11-25, basic/utilities/cancellation and basic/utilities/tasks).

use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::Client;
use super::cost::Cost;
use super::post::Nothing;
use super::put::question;
use crate::engine::session::Session;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::answer::Head;
use crate::protocol::ask::{Ask, Extra};
use crate::protocol::legacy::write;
use crate::protocol::message::Id;

/// An answer a user waits for. Dropped while the run is stopped, it is said to be no longer awaited,
/// if its request had left.
pub(super) struct Awaited<'a> {
    client: &'a Arc<Client>,
    session: &'a Session,
    what: What<'a>,
    cost: &'a Cost,
    /// When the last request before this one left.
    sent_before: Option<Duration>,
    is_over: bool,
}

/// What is waited for.
enum What<'a> {
    /// The answer to the request with this id.
    Answer(u64),
    /// The end of this task.
    Task(&'a str),
}

impl<'a> Awaited<'a> {
    /// Of a request that is about to be sent.
    pub(super) fn begin(
        client: &'a Arc<Client>,
        session: &'a Session,
        id: u64,
        cost: &'a Cost,
    ) -> Self {
        let (what, sent_before) = (What::Answer(id), cost.sent());
        Self { client, session, what, cost, sent_before, is_over: false }
    }

    /// Of a task that the server has.
    pub(super) fn task(
        client: &'a Arc<Client>,
        session: &'a Session,
        id: &'a str,
        cost: &'a Cost,
    ) -> Self {
        let what = What::Task(id);
        Self { client, session, what, cost, sent_before: None, is_over: false }
    }

    /// The wait ended so.
    pub(super) fn end(mut self, outcome: Outcome) {
        self.is_over = true;
        if outcome == Outcome::Timeout {
            self.give_up("the client's patience ended");
        }
    }

    fn give_up(&self, why: &str) {
        if !self.client.common.profile.cancels {
            return;
        }
        match self.what {
            What::Answer(id) => self.client.cancel(self.session, id, why),
            What::Task(id) => self.client.cancel_task(self.session, id.to_owned()),
        }
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let has_left = self.cost.sent() != self.sent_before;
        if !self.is_over && has_left && self.client.ending.is_stopped() {
            self.give_up("the run was stopped");
        }
    }
}

impl Client {
    /// `notifications/cancelled`, beside everything else; the modern era ends the stream instead.
    fn cancel(self: &Arc<Self>, session: &Session, id: u64, why: &str) {
        if session.footing.is_modern() {
            return;
        }
        let mut body = Vec::with_capacity(128);
        write::cancelled(&mut body, Id::Number(id), Some(why));
        let (client, footing) = (Arc::clone(self), session.footing.clone());
        let mailbox = session.footing.mailbox().map(Arc::downgrade);
        self.errands.say(async move {
            let taken = client.notify(Operation::Cancelled, body, &footing).await;
            // An answer that crosses the notification is no fault: only later ones are.
            if let Some(mailbox) = mailbox.and_then(|mailbox| mailbox.upgrade())
                && taken == Outcome::Ok
            {
                mailbox.cancelled(id);
            }
        });
    }

    /// `tasks/cancel`, beside everything else.
    fn cancel_task(self: &Arc<Self>, session: &Session, task: String) {
        let (client, footing, id) = (Arc::clone(self), session.footing.clone(), session.next_id());
        self.errands.say(async move {
            let by = client.common.wire.clock.now() + client.common.profile.connect_timeout;
            let (ask, cost) = (Ask::TaskCancel { id: &task }, Cost::default());
            let question = question(&footing, id, (&ask, None), &Extra::default(), (by, &cost));
            let heard = |_: &Head<'_>, _: IgnoredAny| (Outcome::Ok, None::<()>);
            client.ask::<Nothing, (), _>(question, heard).await;
        });
    }
}
