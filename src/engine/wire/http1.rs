//! One HTTP/1.1 connection, driven by the task that uses it.
//!
//! The usual way is to spawn a task that drives the connection and to talk to it through channels:
//! two tasks and two wake-ups for every answer. Here the exchange polls its own connection:
//!
//! ```text
//!   exchange ── poll ──> answer's future (no waker of its own: only the connection moves it)
//!       └────── poll ──> connection ──> socket
//! ```

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Uri;
use http::response::Parts;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::line::{Cut, HEAD_LIMIT};
use super::meter::{Gauge, Meter, Tapped};
use super::{Request, Rule};
use crate::edge::clock::Clock;
use crate::edge::mark::Mark;
use crate::edge::net::Link;
use crate::model::event::Opened;
use crate::model::outcome::{ConnectFailure, Outcome};

type Driver = http1::Connection<TokioIo<Tapped<Meter>>, Full<Bytes>>;

/// One connection.
#[derive(Debug)]
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Driver>,
    meter: Arc<Meter>,
    /// What befalls it on its way.
    pub(super) mark: Option<Arc<Mark>>,
    /// What opening took, until the first exchange has reported it.
    pub(super) opened: Option<Opened>,
    /// A body on it was left unread: it cannot carry another exchange.
    pub(super) spent: bool,
}

/// The body of an answer.
pub(super) struct Body<'l> {
    driver: &'l mut Option<Driver>,
    incoming: Incoming,
}

impl Line {
    /// HTTP/1.1 on a new connection.
    pub(super) async fn on(link: Link, clock: &Clock) -> Result<Self, ConnectFailure> {
        let meter = Meter::new(clock.clone());
        let io = TokioIo::new(Tapped { io: link.io, tap: Arc::clone(&meter) });
        let (sender, driver) = http1::Builder::new()
            .max_header_size(HEAD_LIMIT)
            .handshake(io)
            .await
            .map_err(|_| ConnectFailure::Closed)?;
        let (driver, opened, mark) = (Some(driver), Some(link.opened), link.mark);
        Ok(Self { sender, driver, meter, mark, opened, spent: false })
    }

    /// Where the next exchange's figures are read off.
    pub(super) fn gauge(&self) -> Gauge {
        self.meter.gauge()
    }

    /// Whether another exchange can be carried.
    pub(super) fn may_rest(&self) -> bool {
        !self.spent && self.driver.is_some()
    }

    /// Sends a request; completes with the head of its answer.
    pub(super) async fn send(
        &mut self,
        path: &Uri,
        request: &mut Request,
    ) -> Result<(Parts, Body<'_>), Outcome> {
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = path.clone();
        *message.headers_mut() = std::mem::take(&mut request.headers);
        let driver = &mut self.driver;
        let response = alongside(driver, self.sender.send_request(message)).await;
        let (head, incoming) = response.map_err(|error| before_head(&error))?.into_parts();
        Ok((head, Body { driver, incoming }))
    }

    /// Waits until the connection can carry a request; false when the server has closed it.
    pub(super) async fn is_fit(&mut self) -> bool {
        if self.spent {
            return false;
        }
        let Self { sender, driver, .. } = self;
        std::future::poll_fn(|context| {
            // Resting, nobody polled it: only so does it notice that the server has closed it.
            match driver.as_mut().map(|connection| Pin::new(connection).poll(context)) {
                Some(Poll::Pending) => sender.poll_ready(context).map(|ready| ready.is_ok()),
                Some(Poll::Ready(_)) | None => Poll::Ready(false),
            }
        })
        .await
    }
}

impl Body<'_> {
    /// The next piece.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            match alongside(self.driver, self.incoming.frame()).await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Err(_) => return Some(Err(Cut)),
            }
        }
    }
}

/// Polls `future` and the connection it depends on, together, in this task.
async fn alongside<F: Future>(driver: &mut Option<Driver>, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // Whatever the future waits for comes from the connection, which holds the real waker.
        let mut silent = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut silent) {
            return Poll::Ready(output);
        }
        if let Some(connection) = driver
            && Pin::new(connection).poll(context).is_ready()
        {
            *driver = None;
        }
        future.as_mut().poll(&mut silent)
    })
    .await
}

/// What an error before the response head means.
fn before_head(error: &hyper::Error) -> Outcome {
    if error.is_parse_too_large() {
        Outcome::Violation(Rule::TooLarge)
    } else if error.is_parse() {
        Outcome::Connect(ConnectFailure::NotHttp)
    } else {
        Outcome::Connect(ConnectFailure::Closed)
    }
}
