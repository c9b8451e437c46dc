//! What a client does that checks a target: it changes its credential, or registers and stops there.

use std::sync::Arc;
use std::time::Duration;

use super::cost::Cost;
use super::{Client, Made};
use crate::model::outcome::Outcome;

impl Client {
    /// From now on presents a token for another resource, in a session that begins with it. Whether
    /// there was one to be had.
    pub async fn stray(self: &Arc<Self>) -> bool {
        self.errands.end(std::future::pending()).await;
        if let Some(session) = self.slot.take() {
            self.close(&session, &Cost::default()).await;
        }
        self.holder.stray().await
    }

    /// A handshake, with all that the profile does around it.
    pub async fn shake_hands(self: &Arc<Self>) -> Made {
        let looked = self.look().await;
        self.made(looked.err().map_or(Outcome::Ok, |refusal| refusal.outcome))
    }

    /// `tools/list`, whatever is known of it, in the session there is.
    pub async fn list_tools(self: &Arc<Self>) -> Made {
        let cost = Cost::default();
        let outcome = match self.slot.peek() {
            Some(session) => self.tools(&session, &cost).await.err().map(|refusal| refusal.outcome),
            None => Some(Outcome::NeverSent),
        };
        self.made(outcome.unwrap_or(Outcome::Ok))
    }

    /// A refresh of the tokens, whether or not it is due.
    pub async fn refresh(self: &Arc<Self>) -> Made {
        let outcome = self.holder.refresh_now().await;
        self.made(outcome)
    }

    fn made(&self, outcome: Outcome) -> Made {
        Made { outcome, sent: None, done: self.common.wire.clock.now() }
    }

    /// Finds the authorization server and registers a client there, and goes no further; gives the
    /// time when that was done.
    pub async fn register(&self) -> Duration {
        let _was_tried = self.holder.register().await;
        self.common.wire.clock.now()
    }
}
