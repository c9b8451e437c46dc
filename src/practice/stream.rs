//! The event stream of a GET: nothing to say but that it is alive, until its session, its client
//! or the target ends. (MCP 2025-11-25, basic/transports, "Listening for Messages".)

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream::unfold;

use super::answer;
use super::request::{self, Refusal};
use super::server::Target;
use super::sessions::{SessionId, StreamEnd};

/// How long a stream may be silent: proxies cut idle connections after 30 s and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Opens the stream that a GET asks for.
pub(super) fn open(target: &Arc<Target>, headers: &HeaderMap) -> Result<Response, Refusal> {
    request::check_origin(headers)?;
    if !request::accepts(headers, "text/event-stream") {
        let expected = "Accept must list text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, expected));
    }
    let id = target.session(headers)?.unwrap_or_else(|| target.sessions.open());
    request::check_revision(headers)?;
    let end = target.sessions.open_stream(id)?;
    let stream = OpenStream::new(Arc::clone(target), id, end);
    let comments = unfold(stream, OpenStream::next);
    Ok(answer::event_stream(Body::from_stream(comments)))
}

/// Gives its place back when dropped, however the stream ended.
struct OpenStream {
    target: Arc<Target>,
    id: SessionId,
    end: StreamEnd,
}

impl OpenStream {
    fn new(target: Arc<Target>, id: SessionId, end: StreamEnd) -> Self {
        target.metrics.streams.rise();
        Self { target, id, end }
    }

    async fn next(mut self) -> Option<(Result<Bytes, std::convert::Infallible>, Self)> {
        tokio::select! {
            _ = &mut self.end => None,
            () = self.target.workers.pause(KEEP_ALIVE) => {
                Some((Ok(Bytes::from_static(b": still here\n\n")), self))
            }
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.target.metrics.streams.fall();
        self.target.sessions.stream_gone(self.id);
        if !self.target.stateful() {
            // Without sessions each stream has a nameless one of its own.
            self.target.sessions.close(self.id);
        }
    }
}
