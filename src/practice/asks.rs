//! Requests of the target to its clients: each waits for the POST that brings its answer.
//! (MCP 2025-11-25, client/elicitation, client/sampling, client/roots.)

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::oneshot;

use super::id::{Id, Ids};
use super::request::Message;
use super::server::Target;
use super::voice::Voice;

/// The most requests that wait for their answers.
const MOST_OPEN: usize = 10_000;

/// How long a client may take: a person may have to be asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Asks {
    open: Mutex<HashMap<Id, Open>>,
    ids: Ids,
}

/// A request without its answer.
#[derive(Debug)]
struct Open {
    /// Only this session may answer it.
    session: Option<Id>,
    answer: oneshot::Sender<Result<String, String>>,
}

/// An error of the client's.
#[derive(Deserialize)]
struct Declined<'a> {
    #[serde(borrow, default)]
    message: std::borrow::Cow<'a, str>,
}

/// Gives the request's place back, answered or not.
struct Place<'a>(&'a Asks, Id);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Asks {
    /// Takes a response; one that nobody waits for is ignored.
    pub(super) fn answered(&self, session: Option<Id>, message: &Message<'_>) {
        let id = message.id.map(|id| id.get().trim_matches('"').as_bytes());
        let Some(id) = id.and_then(Id::read) else { return };
        let mut open = self.lock();
        if open.get(&id).is_none_or(|open| open.session != session) {
            return;
        }
        let Some(waiting) = open.remove(&id) else { return };
        let answer = match (message.result, message.error) {
            (Some(result), _) => Ok(result.get().to_owned()),
            (None, error) => {
                let why = error.and_then(|error| serde_json::from_str(error.get()).ok());
                Err(why.map_or_else(String::new, |why: Declined<'_>| why.message.into_owned()))
            }
        };
        let _waited_for = waiting.answer.send(answer).is_ok();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    /// Asks the client that listens to `voice`; the result is the JSON it answered.
    pub(super) async fn ask(
        &self,
        voice: &Voice,
        session: Option<Id>,
        method: &str,
        params: &str,
    ) -> Result<String, String> {
        let id = self.asks.ids.issue();
        let (sender, answer) = oneshot::channel();
        {
            let mut open = self.asks.lock();
            if open.len() >= MOST_OPEN {
                return Err("too many requests wait for their clients".to_owned());
            }
            open.insert(id, Open { session, answer: sender });
        }
        let (_place, _counted) = (Place(&self.asks, id), self.metrics.asking.hold());
        let id = id.text();
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}","params":{params}}}"#);
        voice.say(request).await;
        tokio::select! {
            answer = answer => answer.unwrap_or_else(|_| Err("no answer came".to_owned())),
            () = self.workers.pause(PATIENCE) => Err("no answer came in 60 s".to_owned()),
        }
    }
}
