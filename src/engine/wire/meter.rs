//! What passes a connection: bytes both ways, and the instant a request's first byte left.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::edge::clock::Clock;
use crate::edge::net::Io;

/// The figures of one connection. Written by the task that drives it, read by the same task.
#[derive(Debug)]
pub struct Meter {
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

    /// The next byte written is the first of a new request.
    pub(super) fn arm(&self) {
        self.first_write.store(0, Ordering::Relaxed);
    }

    /// When the first byte since [`Meter::arm`] left.
    pub(super) fn first_write(&self) -> Option<Duration> {
        let nanos = self.first_write.load(Ordering::Relaxed);
        nanos.checked_sub(1).map(Duration::from_nanos)
    }

    /// Bytes written and read since the connection was made.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    fn wrote(&self, count: usize) {
        if count > 0 && self.first_write.load(Ordering::Relaxed) == 0 {
            let nanos = u64::try_from(self.clock.now().as_nanos()).unwrap_or(u64::MAX - 1);
            self.first_write.store(nanos + 1, Ordering::Relaxed);
        }
        add(&self.written, count);
    }
}

/// One task writes, so a plain load and store will do, which is cheaper than a locked add.
fn add(counter: &AtomicU64, count: usize) {
    counter.store(counter.load(Ordering::Relaxed) + count as u64, Ordering::Relaxed);
}

/// A stream of bytes with a meter on it.
#[derive(Debug)]
pub(super) struct Metered {
    pub(super) io: Io,
    pub(super) meter: Arc<Meter>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        add(&self.meter.read, buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = polled {
            self.meter.wrote(count);
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        if let Poll::Ready(Ok(count)) = polled {
            self.meter.wrote(count);
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
