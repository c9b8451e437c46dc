//! Whose turn it is: defects that let requests wait for one another, or refuse them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header, request::Parts};
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::plan::Flaw;
use crate::practice::response::{self, JSON};
use crate::practice::server::Target;
use crate::protocol::legacy::SESSION_HEADER;

/// So many workers there are for everything.
const FOUR: usize = 4;
/// An answer is handed on in pieces of so many bytes.
const PIECE: usize = 16 * 1024;

/// Who works, and for whom.
#[derive(Debug)]
pub(super) struct Turns {
    one: Arc<Semaphore>,
    four: Arc<Semaphore>,
    sessions: Mutex<HashMap<Vec<u8>, Arc<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        let hands = |count| Arc::new(Semaphore::new(count));
        Self { one: hands(1), four: hands(FOUR), sessions: Mutex::default() }
    }
}

/// What a request has for as long as it is worked on.
#[derive(Debug, Default)]
pub(super) struct Turn {
    hand: Option<OwnedSemaphorePermit>,
    /// It is had until the answer has been read.
    is_read: bool,
}

impl Turns {
    /// Waits for a request's turn; or what it is answered instead.
    pub(super) async fn take(
        &self,
        target: &Target,
        parts: &Parts,
        method: &str,
    ) -> Result<Turn, Response> {
        let is_call = method == "tools/call";
        let hands = if method.is_empty() {
            return Ok(Turn::default());
        } else if target.has(Flaw::OneGlobalLock) {
            Arc::clone(&self.one)
        } else if target.has(Flaw::FourWorkers) {
            Arc::clone(&self.four)
        } else if !is_call {
            return Ok(Turn::default());
        } else if target.has(Flaw::SerialisesCalls) || target.has(Flaw::WaitsForReaders) {
            Arc::clone(&self.one)
        } else if target.has(Flaw::SerialisesSessions) {
            self.of_session(parts)
        } else if target.has(Flaw::RefusesParallelCalls) {
            let hand = Arc::clone(&self.one).try_acquire_owned().map_err(|_| refused())?;
            return Ok(Turn { hand: Some(hand), is_read: false });
        } else {
            return Ok(Turn::default());
        };
        // They are never dismissed.
        let hand = hands.acquire_owned().await.ok();
        Ok(Turn { hand, is_read: target.has(Flaw::WaitsForReaders) })
    }

    fn of_session(&self, parts: &Parts) -> Arc<Semaphore> {
        let id = parts.headers.get(SESSION_HEADER);
        let id = id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(id).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

impl Turn {
    /// The turn is over with this answer, or once it has been read.
    pub(super) async fn over(self, response: Response) -> Response {
        let Some(hand) = self.hand.filter(|_| self.is_read) else { return response };
        let (mut parts, body) = response.into_parts();
        let Ok(whole) = body.collect().await else {
            return Response::from_parts(parts, Body::empty());
        };
        parts.headers.remove(header::CONTENT_LENGTH);
        let pieces = stream::unfold((whole.to_bytes(), hand), |(mut rest, hand)| async move {
            if rest.is_empty() {
                return None;
            }
            let piece = rest.split_to(PIECE.min(rest.len()));
            Some((Ok::<Bytes, std::convert::Infallible>(piece), (rest, hand)))
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }
}

/// What a server says that is connected to the transport of another request.
fn refused() -> Response {
    let error = json!({ "code": -32603, "message": "Already connected to a transport" });
    let message = json!({ "jsonrpc": "2.0", "id": Value::Null, "error": error });
    let body = Body::from(message.to_string());
    response::content(StatusCode::INTERNAL_SERVER_ERROR, JSON, body)
}
