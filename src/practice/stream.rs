//! A stream that stays open: it says that it is alive and what changed, until its session, its
//! client or the target ends. (MCP 2025-11-25, basic/transports, "Listening for Messages".)

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream::unfold;
use tokio::sync::{broadcast, watch};

use super::answer::quoted;
use super::era::Named;
use super::id::Id;
use super::legacy;
use super::replay::Place;
use super::request::{self, Refusal};
use super::response;
use super::server::Target;
use super::sessions::StreamEnd;
use super::voice::{event, notification};

/// How long a stream may be silent: proxies cut idle connections after 30 s and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The most streams that are open at once.
const MOST_STREAMS: i64 = 50_000;

/// What a stream says to keep alive.
pub(super) const ALIVE: Bytes = Bytes::from_static(b": still here\n\n");

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// A resource, by its URI.
    Resource(Arc<str>),
}

impl Change {
    /// The notification's method and parameters, to which `more` members are added.
    pub(super) fn notification(&self, more: &str) -> String {
        let (method, uri) = match self {
            Self::Tools => ("notifications/tools/list_changed", String::new()),
            Self::Prompts => ("notifications/prompts/list_changed", String::new()),
            Self::Resource(uri) => {
                ("notifications/resources/updated", format!("\"uri\":{}", quoted(uri)))
            }
        };
        let comma = if uri.is_empty() || more.is_empty() { "" } else { "," };
        notification(method, &format!("{{{uri}{comma}{more}}}"))
    }
}

/// What an open stream hears.
pub(super) enum Heard {
    /// Nothing for a while.
    Silence,
    /// Something changed.
    Changed(Change),
    /// The target stops.
    Over,
}

/// An open stream's ear; its place among the streams is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ear {
    target: Arc<Target>,
    changes: broadcast::Receiver<Change>,
    stopping: watch::Receiver<bool>,
}

impl Ear {
    /// An ear for a new stream, unless too many are open.
    pub(super) fn open(target: &Arc<Target>) -> Result<Self, Refusal> {
        target.metrics.streams.rise();
        // From here on its drop counts.
        let ear = Self {
            target: Arc::clone(target),
            changes: target.changes.subscribe(),
            stopping: target.stopping.subscribe(),
        };
        if ear.target.metrics.streams.now() > MOST_STREAMS {
            return Err(full("event streams"));
        }
        Ok(ear)
    }

    /// The next thing that it hears; it may be asked again when it was not waited for.
    pub(super) async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.stopping.wait_for(|stopping| *stopping) => Heard::Over,
            // Whoever was too slow to hear of some changes hears of the next one.
            Ok(change) = self.changes.recv() => Heard::Changed(change),
            () = self.target.workers.pause(KEEP_ALIVE) => Heard::Silence,
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.target.metrics.streams.fall();
    }
}

/// 503: no more of these are kept.
pub(super) fn full(what: &str) -> Refusal {
    let message = format!("too many {what} are open");
    Refusal::coded(StatusCode::SERVICE_UNAVAILABLE, -32000, message)
}

impl Target {
    /// Tells every open stream of a change.
    pub(super) fn tell(&self, change: Change) {
        let _heard = self.changes.send(change).is_ok();
    }
}

/// Opens the stream that a GET asks for: its session's own, or one that broke.
pub(super) fn open(
    target: &Arc<Target>,
    headers: &HeaderMap,
    named: Named<'_>,
) -> Result<Response, Refusal> {
    if !request::accepts(headers, "text/event-stream") {
        let expected = "Accept must list text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, expected));
    }
    let session = legacy::session(target, headers)?;
    named.revision()?;
    if let Some(place) = resumed(target, session, headers)? {
        let ear = Ear::open(target)?;
        return Ok(response::event_stream(from_place(place, ear, None)));
    }
    let id = match session {
        Some(id) => id,
        // Without sessions each stream has a nameless one of its own.
        None => legacy::nameless(target).ok_or_else(|| full("sessions"))?,
    };
    let end = target.sessions.open_stream(id).map_err(|why| legacy::no_stream(target, why))?;
    let stream = Own { target: Arc::clone(target), id, end, ear: Ear::open(target)? };
    Ok(response::event_stream(Body::from_stream(unfold(stream, Own::next))))
}

/// The place that a client wants to go on from, if it names one and streams can be resumed.
fn resumed(
    target: &Target,
    session: Option<Id>,
    headers: &HeaderMap,
) -> Result<Option<Place>, Refusal> {
    let Some(last) = headers.get("last-event-id") else { return Ok(None) };
    let Some(replay) = session.and_then(|id| target.sessions.replay(id)) else { return Ok(None) };
    let place = last.to_str().ok().and_then(|last| replay.after(last));
    place.map(Some).ok_or_else(|| {
        let unknown = "Last-Event-ID is of no event that is kept for this session";
        Refusal::new(StatusCode::BAD_REQUEST, unknown)
    })
}

/// A stream that can be resumed, from a place on; `first` goes before it.
pub(super) fn from_place(place: Place, ear: Ear, first: Option<Bytes>) -> Body {
    let start = (place, ear, first);
    Body::from_stream(unfold(start, async |(mut place, mut ear, mut first)| {
        if let Some(first) = first.take() {
            return Some((Ok::<_, Infallible>(first), (place, ear, None)));
        }
        loop {
            let said = tokio::select! {
                biased;
                event = place.next() => event?,
                heard = ear.next() => match heard {
                    Heard::Silence => ALIVE,
                    Heard::Changed(_) => continue,
                    Heard::Over => return None,
                },
            };
            return Some((Ok(said), (place, ear, None)));
        }
    }))
}

/// A session's own stream; its place is given back when dropped, however it ended.
struct Own {
    target: Arc<Target>,
    id: Id,
    end: StreamEnd,
    ear: Ear,
}

impl Own {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let heard = tokio::select! {
                _ = &mut self.end => return None,
                heard = self.ear.next() => heard,
            };
            let said = match heard {
                Heard::Silence => ALIVE,
                Heard::Over => return None,
                Heard::Changed(change) if self.is_for_it(&change) => {
                    event(&change.notification(""))
                }
                Heard::Changed(_) => continue,
            };
            return Some((Ok(said), self));
        }
    }

    fn is_for_it(&self, change: &Change) -> bool {
        let Change::Resource(uri) = change else { return true };
        self.target.sessions.client(self.id, |client| client.watches(uri)).unwrap_or(false)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.target.sessions.stream_gone(self.id);
        if !self.target.stateful() {
            self.target.sessions.close(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Practice;

    #[tokio::test]
    async fn no_more_streams_are_open_than_the_bound() {
        let target = Target::new(Practice::default(), true).unwrap();
        (1..MOST_STREAMS).for_each(|_| target.metrics.streams.rise());
        let last = Ear::open(&target).unwrap();
        assert_eq!(Ear::open(&target).err().unwrap().status, 503);
        assert_eq!(target.metrics.streams.now(), MOST_STREAMS);
        drop(last);
        assert!(Ear::open(&target).is_ok());
    }
}
