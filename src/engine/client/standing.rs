//! The standalone stream of a legacy session: opened, heard, opened again when it breaks
//! (MCP 2025-11-25, transports, "Listening for Messages from the Server").

use std::sync::Arc;

use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use super::Client;
use super::cost::Cost;
use super::hear::Wrongs;
use super::legacy::FOR_EVER;
use super::resume::{Break, Get, Got, is_passing};
use crate::engine::session::{Footing, Session};
use crate::engine::wire::{Cursor, Reply};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::course::{Came, Course, Of};
use crate::protocol::message::{self, Message};
use crate::protocol::sse;

/// How one opening of a stream ended.
pub(super) enum Stood {
    /// It was open and broke there.
    Broke(Cursor),
    /// It was not opened, for a reason that may pass.
    Failed,
    /// It is not to be opened again.
    Over,
}

impl Client {
    /// Opens the standalone stream beside everything else; 405 is a fine answer. A stream that was
    /// open and breaks is opened again as often as the profile says, behind its last event if its
    /// events have ids, as the official SDKs do.
    pub(super) fn open_stream(self: &Arc<Self>, session: &Session) -> oneshot::Receiver<()> {
        let (client, footing) = (Arc::clone(self), session.footing.clone());
        let (opened, opening) = oneshot::channel();
        let reading = self.errands.begin(async move { client.stand_by(&footing, opened).await });
        let _only_one = session.stream.set(reading).is_ok();
        opening
    }

    async fn stand_by(self: &Arc<Self>, footing: &Footing, opened: oneshot::Sender<()>) {
        let cost = Cost::default();
        let deadline = self.common.wire.clock.now() + FOR_EVER;
        let presumed = Some(Outcome::Ok);
        let get = Get { footing, behind: None, deadline, cost: &cost, opened: None, presumed };
        let first = self.stand(Get { opened: Some(opened), ..get }).await;
        let Stood::Broke(cursor) = first else { return };
        let mut broke = Break::at(cursor, self.common.profile.resumes);
        while let Some(wait) = broke.pause().filter(|_| footing.resumes()) {
            let behind = match broke.behind() {
                Ok(behind) => behind,
                Err((rule, id)) => {
                    return self.violated(rule, Operation::Stream, self.shown(id));
                }
            };
            self.common.wire.clock.sleep(wait).await;
            let get = Get { footing, behind, deadline, cost: &cost, opened: None, presumed };
            match self.stand(get).await {
                Stood::Broke(cursor) => broke.again(cursor),
                Stood::Failed => {}
                Stood::Over => return,
            }
        }
    }

    /// Hears the stream until it ends.
    async fn stand(self: &Arc<Self>, get: Get<'_>) -> Stood {
        let footing = get.footing;
        let mut wrongs = Wrongs::default();
        let mut on_event =
            |_: &Reply, event: &sse::Event<'_>| wrongs.flow(self.heard_on_stream(event, footing));
        let Got { came, mut trail } = self.get(get, &mut on_event).await;
        let cursor = trail.cursor();
        let outcome = match &came {
            // A server need not offer it, nor more than one.
            Ok(_) | Err(Outcome::Status(405 | 409)) => Outcome::Ok,
            Err(outcome) => *outcome,
        };
        trail.finish(wrongs.outcome().unwrap_or(outcome));
        match (cursor, came) {
            (Some(cursor), _) => Stood::Broke(cursor),
            (None, Err(outcome)) if is_passing(outcome) => Stood::Failed,
            (None, _) => Stood::Over,
        }
    }

    /// A message on the standalone stream: never an answer. What is wrong with it is told.
    fn heard_on_stream(
        self: &Arc<Self>,
        event: &sse::Event<'_>,
        footing: &Footing,
    ) -> Result<(), Rule> {
        if event.name != b"message" {
            return Ok(());
        }
        let told = |rule, said| {
            self.violated(rule, Operation::Stream, said);
            Err(rule)
        };
        let message = match message::read::<IgnoredAny>(event.data) {
            Ok(message) => message,
            Err(malformed) => {
                return told(malformed.rule, format!("{malformed}: {}", self.shown(event.data)));
            }
        };
        match (Course::new(Of::Standalone, None).hear(&message), message) {
            (Ok(Came::Question), Message::Request(request)) => self.asked(&request, footing),
            (Ok(_), Message::Notification(told)) => {
                self.notified(&told.method);
                Ok(())
            }
            (Ok(_), _) => Ok(()),
            (Err(rule), _) => told(rule, self.shown(event.data)),
        }
    }
}
