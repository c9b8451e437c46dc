//! What carries an exchange: an HTTP/1.1 connection of its own, or room on an HTTP/2 connection;
//! and the pool they come from.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::response::Parts;
use tokio::sync::Semaphore;

use super::Request;
use super::meter::{Gauge, Measure};
use super::{http1, http2};
use crate::edge::clock::Clock;
use crate::edge::mark::Mark;
use crate::edge::net::Connect;
use crate::model::event::Opened;
use crate::model::outcome::{ConnectFailure, Outcome};

/// Response heads beyond this are refused, in bytes.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// What carries one exchange.
#[derive(Debug)]
pub(super) enum Line {
    /// A connection of its own.
    Own(Box<http1::Line>),
    /// Room on a shared one.
    Shared(http2::Channel),
}

/// The body of an answer.
pub(super) enum Body<'l> {
    One(http1::Body<'l>),
    Two(http2::Body),
}

/// The body ended before it was whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut;

/// Why a request brought no head of an answer.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The target says that it did nothing about it: it may be sent again.
    Unprocessed,
    /// The same, because it ends a connection on which it has answered others. Whoever is not among
    /// those on the next one either is sooner or later, as every connection makes them fewer.
    Outlived,
    /// The exchange has ended so.
    Ended(Outcome),
}

/// An endpoint as requests name it.
#[derive(Debug, Clone)]
pub struct Address {
    /// Path and query: the target of an HTTP/1.1 request.
    pub path: Uri,
    /// The same with scheme and authority, which HTTP/2 wants.
    pub whole: Uri,
}

impl Line {
    /// Where the next exchange's figures are read off.
    pub(super) fn gauge(&self) -> Gauge {
        match self {
            Self::Own(line) => line.gauge(),
            Self::Shared(channel) => channel.gauge(),
        }
    }

    /// What befalls the connection on its way, where somebody tells.
    pub(super) fn mark(&self) -> Option<&Arc<Mark>> {
        match self {
            Self::Own(line) => line.mark.as_ref(),
            Self::Shared(channel) => channel.mark(),
        }
    }

    /// What opening the connection took, if nobody has reported it.
    pub(super) fn opened(&mut self) -> Option<Opened> {
        match self {
            Self::Own(line) => line.opened.take(),
            Self::Shared(channel) => channel.opened(),
        }
    }

    /// Sends a request; completes with the head of its answer. What is sent again is whole again.
    pub(super) async fn send(
        &mut self,
        address: &Address,
        request: &mut Request,
        measure: &mut Measure<'_>,
    ) -> Result<(Parts, Body<'_>), Unsent> {
        match self {
            Self::Own(line) => {
                let sent = line.send(&address.path, request).await;
                let (head, body) = sent.map_err(Unsent::Ended)?;
                Ok((head, Body::One(body)))
            }
            Self::Shared(channel) => {
                let (head, body) = channel.send(&address.whole, request, measure).await?;
                Ok((head, Body::Two(body)))
            }
        }
    }

    /// Whether it can carry a request after its rest.
    async fn is_fit(&mut self) -> bool {
        match self {
            Self::Own(line) => line.is_fit().await,
            Self::Shared(_) => true,
        }
    }

    /// A body was left unread: no other exchange can come after it on the same connection.
    pub(super) fn spend(&mut self) {
        if let Self::Own(line) = self {
            line.spent = true;
        }
    }
}

impl Body<'_> {
    /// The next piece of the body; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        match self {
            Self::One(body) => body.chunk().await,
            Self::Two(body) => body.chunk().await,
        }
    }
}

/// Connections: a user's own, or everybody's.
#[derive(Debug)]
pub struct Lines {
    /// Idle ones of HTTP/1.1, the last used first.
    idle: Mutex<Vec<Line>>,
    /// Those of HTTP/2.
    trunks: Mutex<Vec<Arc<http2::Trunk>>>,
    /// Where HTTP/2 is possible, one connection is opened at a time: whoever else needs one waits,
    /// and shares it if it can be shared.
    turn: Semaphore,
    /// The target was seen to speak HTTP/1.1: nobody need wait.
    one_each: AtomicBool,
    /// Where all of them leave from: who has another address has other lines.
    from: Option<IpAddr>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            idle: Mutex::default(),
            trunks: Mutex::default(),
            turn: Semaphore::new(1),
            one_each: AtomicBool::new(false),
            from: None,
        }
    }
}

impl Lines {
    /// Connections that leave from this address of the machine, where that is something.
    pub fn leaving(from: Option<IpAddr>) -> Self {
        Self { from, ..Self::default() }
    }

    /// A connection that is still open, or a new one, made within `patience`.
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
        let shares = connect.may_multiplex();
        if shares && let Some(channel) = self.room() {
            return Ok(Line::Shared(channel));
        }
        let new = async {
            if shares { self.join(connect, clock).await } else { self.open(connect, clock).await }
        };
        let opened = clock.by(clock.now() + patience, new).await;
        opened.unwrap_or(Err(ConnectFailure::TimedOut))
    }

    /// Room on the connection that is being opened, or on one opened now.
    async fn join(&self, connect: &dyn Connect, clock: &Clock) -> Result<Line, ConnectFailure> {
        let mut turn = None;
        if !self.one_each.load(Ordering::Relaxed) {
            // Never closed, so this never fails.
            turn = self.turn.acquire().await.ok();
        }
        if let Some(channel) = self.room() {
            return Ok(Line::Shared(channel));
        }
        if self.one_each.load(Ordering::Relaxed) {
            drop(turn);
        }
        self.open(connect, clock).await
    }

    async fn open(&self, connect: &dyn Connect, clock: &Clock) -> Result<Line, ConnectFailure> {
        let link = connect.connect_from(self.from).await?;
        self.one_each.store(!link.opened.http2, Ordering::Relaxed);
        if !link.opened.http2 {
            return Ok(Line::Own(Box::new(http1::Line::on(link, clock).await?)));
        }
        let trunk = http2::Trunk::on(link, clock).await?;
        let channel = trunk.room().ok_or(ConnectFailure::Closed)?;
        self.trunks.lock().unwrap_or_else(PoisonError::into_inner).push(trunk);
        Ok(Line::Shared(channel))
    }

    /// Rests a connection for the next exchange, unless it can carry none.
    pub(super) fn put(&self, line: Line) {
        if let Line::Own(own) = &line
            && own.may_rest()
        {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    fn pop(&self) -> Option<Line> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Room on a connection that is there.
    fn room(&self) -> Option<http2::Channel> {
        let mut trunks = self.trunks.lock().unwrap_or_else(PoisonError::into_inner);
        trunks.retain(|trunk| !trunk.has_ended() && !trunk.is_useless());
        trunks.iter().find_map(http2::Trunk::room)
    }
}
