//! What a client does that checks a target: it changes its credential, or registers and stops there.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::post::Cost;

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

    /// Finds the authorization server and registers a client there, and goes no further; gives the
    /// time when that was done.
    pub async fn register(&self) -> Duration {
        let _was_tried = self.holder.register().await;
        self.common.wire.clock.now()
    }
}
