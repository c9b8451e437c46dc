//! One HTTP/1.1 connection, driven by the task that uses it, and the pool it rests in.
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
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::meter::{Meter, Metered};
use crate::edge::clock::Clock;
use crate::edge::net::Connect;
use crate::model::outcome::ConnectFailure;

/// Response heads beyond this are refused, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

type Driver = http1::Connection<TokioIo<Metered>, Full<Bytes>>;

/// One connection.
#[derive(Debug)]
pub struct Line {
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Driver>,
    pub(super) meter: Arc<Meter>,
    /// What opening took, until the first exchange has reported it.
    pub(super) opened: Option<Opened>,
    /// A body on it was left unread: it cannot carry another exchange.
    pub(super) spent: bool,
}

/// What opening a connection took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    pub(super) dns: Duration,
    pub(super) tcp: Duration,
}

impl Line {
    /// A new connection.
    pub(super) async fn open(connect: &dyn Connect, clock: &Clock) -> Result<Self, ConnectFailure> {
        let link = connect.connect().await?;
        let meter = Meter::new(clock.clone());
        let io = TokioIo::new(Metered { io: link.io, meter: Arc::clone(&meter) });
        let (sender, driver) = http1::Builder::new()
            .max_header_size(HEAD_LIMIT)
            .handshake(io)
            .await
            .map_err(|_| ConnectFailure::Closed)?;
        let opened = Some(Opened { dns: link.dns, tcp: link.tcp });
        Ok(Self { sender, driver: Some(driver), meter, opened, spent: false })
    }

    /// Polls `future` and the connection it depends on, together, in this task.
    pub(super) async fn alongside<F: Future>(driver: &mut Option<Driver>, future: F) -> F::Output {
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

    /// The two halves of a connection in use.
    pub(super) fn parts(&mut self) -> (&mut SendRequest<Full<Bytes>>, &mut Option<Driver>) {
        (&mut self.sender, &mut self.driver)
    }

    /// Waits until the connection can carry a request; false when the server has closed it.
    async fn is_fit(&mut self) -> bool {
        if self.spent {
            return false;
        }
        let (sender, driver) = self.parts();
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

/// Idle connections, the last used first: a user's own, or everybody's.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Vec<Line>>);

impl Lines {
    /// An idle connection that is still open, or a new one, made within `patience`.
    pub(super) async fn take(
        &self,
        connect: &dyn Connect,
        clock: &Clock,
        patience: Duration,
    ) -> Result<Line, ConnectFailure> {
        while let Some(mut line) = self.pop() {
            if line.is_fit().await {
                return Ok(line);
            }
        }
        let opened = clock.by(clock.now() + patience, Line::open(connect, clock)).await;
        opened.unwrap_or(Err(ConnectFailure::TimedOut))
    }

    /// Rests a connection for the next exchange, unless it can carry none.
    pub(super) fn put(&self, line: Line) {
        if !line.spent && line.driver.is_some() {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.is_empty() {
                // Most users have one connection; a list makes room for four at once.
                lines.reserve_exact(1);
            }
            lines.push(line);
        }
    }

    fn pop(&self) -> Option<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
