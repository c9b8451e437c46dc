//! What calls whose clients left leave behind in a target with defects: places that are never given
//! back, of the whole target or of a session.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream::unfold;

use super::response::EVENT_STREAM;
use super::server::Target;
use crate::model::plan::Flaw;
use crate::protocol::legacy::SESSION_HEADER;

/// So many calls a target takes with it.
const PLACES: u32 = 10;
/// So much longer calls take once so many clients have left.
const SLOWED: Duration = Duration::from_millis(300);
/// So many a session does.
const PLACES_OF_SESSION: u32 = 5;

/// Places that are taken for ever.
#[derive(Debug, Default)]
pub(super) struct Taken {
    in_all: u32,
    by_session: HashMap<String, u32>,
}

/// A call that is not over: dropped before its end, its client left, and its place is taken.
struct Place {
    target: Arc<Target>,
    session: Option<String>,
    is_over: bool,
}

impl Target {
    /// Waits for a place, where none is left for ever.
    pub(super) async fn await_place(&self, headers: &HeaderMap, method: &str) {
        if method == "ping" {
            return;
        }
        if method == "tools/call" && self.has(Flaw::StaysSlow) && self.has_been_left() {
            self.workers.pause(SLOWED).await;
        }
        let is_full = {
            let Some(taken) = self.taken() else { return };
            let of_session =
                session(headers).and_then(|session| taken.by_session.get(session).copied());
            let has = |flaw, taken, places| self.has(flaw) && taken >= places;
            has(Flaw::AbortsKeepPlaces, taken.in_all, PLACES)
                || has(Flaw::AbortsKeepSessions, of_session.unwrap_or(0), PLACES_OF_SESSION)
        };
        if is_full {
            pending::<()>().await;
        }
    }

    /// The response to a call, whose place is given back at its end alone.
    pub(super) async fn in_place(
        self: &Arc<Self>,
        headers: &HeaderMap,
        call: impl Future<Output = Response>,
    ) -> Response {
        let session = session(headers).map(str::to_owned);
        let mut place = Place { target: Arc::clone(self), session, is_over: false };
        let response = call.await;
        if response.headers().get(header::CONTENT_TYPE) != Some(&EVENT_STREAM) {
            place.is_over = true;
            return response;
        }
        let (parts, body) = response.into_parts();
        let pieces = (body.into_data_stream(), place);
        let pieces = unfold(pieces, async |(mut body, mut place): (BodyDataStream, Place)| {
            let piece = body.next().await;
            place.is_over = piece.is_none();
            piece.map(|piece| (piece, (body, place)))
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }

    /// Whether many have left.
    fn has_been_left(&self) -> bool {
        self.taken().is_some_and(|taken| taken.in_all >= PLACES)
    }

    fn taken(&self) -> Option<MutexGuard<'_, Taken>> {
        let taken = &self.flawed.as_ref()?.taken;
        Some(lock(taken))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Some(mut taken) = self.target.taken() else { return };
        taken.in_all += 1;
        if let Some(session) = self.session.take() {
            *taken.by_session.entry(session).or_default() += 1;
        }
    }
}

fn session(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_HEADER)?.to_str().ok()
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}
