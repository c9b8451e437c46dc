//! What passes a connection: bytes both ways, and the instant a request's first byte left.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use crate::edge::clock::Clock;
use crate::edge::net::Io;

/// What one exchange moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moved {
    /// When the first byte of its request left.
    pub(super) first: Option<Duration>,
    /// Bytes written.
    pub(super) written: u64,
    /// Bytes read.
    pub(super) read: u64,
}

/// Where the figures of an exchange are read off.
#[derive(Debug, Clone)]
pub(super) enum Gauge {
    /// A connection of its own.
    Connection {
        /// The connection's figures.
        meter: Arc<Meter>,
        /// Its bytes before the exchange.
        before: (u64, u64),
    },
    /// A stream on a shared connection.
    Stream {
        /// The connection's figures.
        frames: Arc<Frames>,
        /// The stream, once the request was handed over.
        id: Option<u32>,
    },
}

impl Gauge {
    /// What the exchange moved; it must be done.
    pub(super) fn read_off(self) -> Moved {
        match self {
            Self::Connection { meter, before } => {
                let (written, read) = meter.bytes();
                let (written, read) = (written - before.0, read - before.1);
                Moved { first: meter.first_write(), written, read }
            }
            Self::Stream { frames, id } => id.map_or_else(Moved::default, |id| frames.take(id)),
        }
    }

    /// When the first byte of the request left, while the exchange goes on.
    fn first(&self) -> Option<Duration> {
        match self {
            Self::Connection { meter, .. } => meter.first_write(),
            Self::Stream { frames, id } => frames.first(*id.as_ref()?),
        }
    }
}

/// Sees an exchange that goes on elsewhere.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<Gauge>>);

impl Watch {
    /// When the first byte of its request left; `None` before that, and once it has ended.
    pub fn sent(&self) -> Option<Duration> {
        self.lock().as_ref().and_then(Gauge::first)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Gauge>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an exchange is measured with, and who sees it meanwhile.
#[derive(Debug, Default)]
pub(super) struct Measure<'w> {
    gauge: Option<Gauge>,
    pub(super) watch: Option<&'w Watch>,
}

impl Measure<'_> {
    /// It has a connection.
    pub(super) fn begin(&mut self, gauge: Gauge) {
        self.gauge = Some(gauge);
        self.show();
    }

    /// Whether it has a connection.
    pub(super) const fn has_begun(&self) -> bool {
        self.gauge.is_some()
    }

    /// It has this stream of a shared connection.
    pub(super) fn identify(&mut self, stream: u32) {
        if let Some(Gauge::Stream { id, .. }) = &mut self.gauge {
            *id = Some(stream);
        }
        self.show();
    }

    /// What it moved, if it has begun; it must be done.
    pub(super) fn end(&mut self) -> Option<Moved> {
        let moved = self.gauge.take().map(Gauge::read_off);
        self.show();
        moved
    }

    fn show(&self) {
        if let Some(watch) = self.watch {
            watch.lock().clone_from(&self.gauge);
        }
    }
}

/// The figures of a connection that one exchange at a time uses. Written by the task that drives
/// it, read by the same task.
#[derive(Debug)]
pub(super) struct Meter {
    clock: Clock,
    /// Nanoseconds since the run's start, plus one; 0 while armed.
    first_write: AtomicU64,
    written: AtomicU64,
    read: AtomicU64,
}

impl Meter {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        Arc::new(Self { clock, first_write: zero(), written: zero(), read: zero() })
    }

    /// For an exchange that begins: the next byte written is the first of its request.
    pub(super) fn gauge(self: &Arc<Self>) -> Gauge {
        self.first_write.store(0, Ordering::Relaxed);
        Gauge::Connection { meter: Arc::clone(self), before: self.bytes() }
    }

    fn first_write(&self) -> Option<Duration> {
        let nanos = self.first_write.load(Ordering::Relaxed);
        nanos.checked_sub(1).map(Duration::from_nanos)
    }

    /// Bytes written and read since the connection was made.
    fn bytes(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }
}

/// Is told what passes a connection.
pub(super) trait Tap {
    /// The first `count` bytes of these parts were written.
    fn wrote(&self, parts: &[IoSlice<'_>], count: usize);
    /// These bytes were read.
    fn read(&self, bytes: &[u8]);
}

impl Tap for Meter {
    fn wrote(&self, _: &[IoSlice<'_>], count: usize) {
        if count > 0 && self.first_write.load(Ordering::Relaxed) == 0 {
            let nanos = u64::try_from(self.clock.now().as_nanos()).unwrap_or(u64::MAX - 1);
            self.first_write.store(nanos + 1, Ordering::Relaxed);
        }
        add(&self.written, count);
    }

    fn read(&self, bytes: &[u8]) {
        add(&self.read, bytes.len());
    }
}

/// One task writes, so a plain load and store will do, which is cheaper than a locked add.
fn add(counter: &AtomicU64, count: usize) {
    counter.store(counter.load(Ordering::Relaxed) + count as u64, Ordering::Relaxed);
}

/// A stream of bytes with a tap on it.
#[derive(Debug)]
pub(super) struct Tapped<T> {
    pub(super) io: Io,
    pub(super) tap: Arc<T>,
}

impl<T: Tap> AsyncRead for Tapped<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        self.tap.read(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<T: Tap> AsyncWrite for Tapped<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = polled {
            this.tap.wrote(&[IoSlice::new(bytes)], count);
        }
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write_vectored(context, parts);
        if let Poll::Ready(Ok(count)) = polled {
            this.tap.wrote(parts, count);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
