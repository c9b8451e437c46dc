//! One HTTP/2 connection, shared by the exchanges of everybody who shares its pool.
//!
//! A task of its own drives it (it has no single user whose task could). The library below is `h2`
//! itself, because it says which stream an exchange got; [`super::frames`] has the rest.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::Uri;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;

use super::Request;
use super::frames::Frames;
use super::line::{Cut, HEAD_LIMIT, Unsent};
use super::meter::{Gauge, Measure, Tapped};
use crate::edge::clock::Clock;
use crate::edge::mark::Mark;
use crate::edge::net::Link;
use crate::model::event::Opened;
use crate::model::outcome::{ConnectFailure, Outcome, Rule};

/// Bytes of one answer that may be under way; what a client reads, it makes room for again.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// Bytes of all answers of a connection that may be under way.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
/// The library does not say whether a head that it refuses is malformed or too large. On the wire,
/// compressed, one that is too large has at least so many bytes, unless it is a bomb.
const LARGE_HEAD: u64 = 16 * 1024;
/// What HTTP/2 has no use for (RFC 9113, section 8.2.2); `Host` is its `:authority`.
const NOT_SENT: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// One connection.
#[derive(Debug)]
pub(super) struct Trunk {
    sender: SendRequest<Bytes>,
    frames: Arc<Frames>,
    /// What befalls it on its way.
    mark: Option<Arc<Mark>>,
    /// What opening took, until the first exchange has reported it.
    opened: Mutex<Option<Opened>>,
    /// Exchanges on it.
    load: AtomicUsize,
    /// The target has answered something on it.
    has_answered: AtomicBool,
    ended: Arc<AtomicBool>,
}

/// Room for one exchange on a connection.
#[derive(Debug)]
pub(super) struct Channel(Arc<Trunk>);

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body(RecvStream);

impl Trunk {
    /// HTTP/2 on a new connection.
    pub(super) async fn on(link: Link, clock: &Clock) -> Result<Arc<Self>, ConnectFailure> {
        let frames = Frames::new(clock.clone());
        let io = Tapped { io: link.io, tap: Arc::clone(&frames) };
        let (sender, connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_LIMIT as u32)
            .handshake(io)
            .await
            .map_err(|_| ConnectFailure::Closed)?;
        let ended = Arc::new(AtomicBool::new(false));
        let at_its_end = Arc::clone(&ended);
        // It ends when the target ends it, or when nobody holds the connection any more.
        tokio::spawn(async move {
            let _how = connection.await.is_ok();
            at_its_end.store(true, Ordering::Relaxed);
        });
        let (opened, mark) = (Mutex::new(Some(link.opened)), link.mark);
        let (load, has_answered) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Arc::new(Self { sender, frames, mark, opened, load, has_answered, ended }))
    }

    /// Whether nothing more can be sent on it.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Whether it carries nothing, and the target allows it to carry nothing any more.
    pub(super) fn is_useless(&self) -> bool {
        self.load.load(Ordering::Relaxed) == 0 && self.sender.current_max_send_streams() == 0
    }

    /// Nothing more is sent on it: the target is about to end it, and did nothing about a request.
    fn retire(&self) -> Unsent {
        self.ended.store(true, Ordering::Relaxed);
        if self.has_answered.load(Ordering::Relaxed) {
            Unsent::Outlived
        } else {
            Unsent::Unprocessed
        }
    }

    /// Room for an exchange, if the target allows one more at once.
    pub(super) fn room(self: &Arc<Self>) -> Option<Channel> {
        let most = self.sender.current_max_send_streams();
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let one_more = |load: usize| (load < most).then_some(load + 1);
        self.load.fetch_update(set, get, one_more).ok()?;
        Some(Channel(Arc::clone(self)))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Channel {
    /// Where the exchange's figures are read off, once its request was handed over.
    pub(super) fn gauge(&self) -> Gauge {
        Gauge::Stream { frames: Arc::clone(&self.0.frames), id: None }
    }

    /// What opening the connection took, if nobody has reported it.
    pub(super) fn opened(&self) -> Option<Opened> {
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What befalls the connection on its way.
    pub(super) fn mark(&self) -> Option<&Arc<Mark>> {
        self.0.mark.as_ref()
    }

    /// Sends a request; completes with the head of its answer.
    pub(super) async fn send(
        &self,
        whole: &Uri,
        request: &Request,
        measure: &mut Measure<'_>,
    ) -> Result<(Parts, Body), Unsent> {
        let ready = self.0.sender.clone().ready().await;
        // The target has not looked at the request, and takes no other on this connection.
        let mut sender = ready.map_err(|_| self.0.retire())?;
        let mut message = http::Request::new(());
        *message.version_mut() = http::Version::HTTP_2;
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = whole.clone();
        *message.headers_mut() = headers(request);
        let bodiless = request.body.is_empty();
        let handed = sender.send_request(message, bodiless);
        let (answer, mut body) = handed.map_err(|_| self.0.retire())?;
        let stream = answer.stream_id().into();
        measure.identify(stream);
        let sent = if bodiless { Ok(()) } else { body.send_data(request.body.clone(), true) };
        // A stream that has ended meanwhile takes no data; why it has ended, its answer knows.
        let answered = answer.await.and_then(|answer| sent.map(|()| answer));
        let (head, body) = answered.map_err(|error| self.failed(&error, stream))?.into_parts();
        self.0.has_answered.store(true, Ordering::Relaxed);
        Ok((head, Body(body)))
    }

    /// What an error before the response head means.
    fn failed(&self, error: &h2::Error, stream: u32) -> Unsent {
        if is_unprocessed(error) {
            return if error.is_go_away() { self.0.retire() } else { Unsent::Unprocessed };
        }
        let is_flood = error.reason() == Some(Reason::ENHANCE_YOUR_CALM);
        if error.is_library() && (is_flood || self.0.frames.received(stream) > LARGE_HEAD) {
            return Unsent::Ended(Outcome::Violation(Rule::TooLarge));
        }
        let failure = if error.is_io() || error.is_remote() {
            ConnectFailure::Closed
        } else {
            ConnectFailure::NotHttp
        };
        Unsent::Ended(Outcome::Connect(failure))
    }
}

/// The target says that it has done nothing about the request: it was above the last stream of a
/// shutdown (RFC 9113, section 6.8), or refused as a stream (section 8.7). Every client sends
/// such a request again.
fn is_unprocessed(error: &h2::Error) -> bool {
    let shutdown = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (shutdown || refused)
}

impl Body {
    /// The next piece.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        let data = self.0.data().await?.map_err(|_| Cut);
        if let Ok(data) = &data {
            // Refused only where the stream is over: then there is no more to make room for.
            let _over = self.0.flow_control().release_capacity(data.len()).is_err();
        }
        Some(data)
    }
}

fn headers(request: &Request) -> HeaderMap {
    let mut headers = request.headers.clone();
    for name in NOT_SENT {
        headers.remove(name);
    }
    if !request.body.is_empty() {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    headers
}
