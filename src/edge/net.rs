//! The network: what a connection is, whoever makes it, and listening.
#![expect(clippy::disallowed_methods, reason = "this file is where sockets come from")]

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use super::mark::Mark;
use crate::model::event::Opened;
use crate::model::fault::Touched;
use crate::model::outcome::ConnectFailure;

/// Makes connections to one target. Replaced in tests by a scripted server at the end of a pipe.
pub trait Connect: fmt::Debug + Send + Sync {
    /// One new connection.
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>>;

    /// One new connection that leaves from this address of the machine, where that is something.
    fn connect_from(&self, _from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        self.connect()
    }

    /// As [`Connect::connect_from`], with as little room for what has come and is not read as the
    /// system gives: who does not read is felt at the other end.
    fn connect_narrow(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        self.connect_from(from)
    }

    /// The faults in force since then that may be why no connection was to be had.
    fn in_the_way(&self, _since: Duration) -> Touched {
        Touched::default()
    }

    /// Whether a connection may turn out to carry several exchanges at once (HTTP/2).
    fn may_multiplex(&self) -> bool {
        false
    }
}

/// A new connection and what it took.
#[derive(Debug)]
pub struct Link {
    /// Where bytes go.
    pub io: Io,
    /// What opening it took.
    pub opened: Opened,
    /// What befalls it on its way, where somebody on the way tells.
    pub mark: Option<Arc<Mark>>,
}

/// A stream of bytes to a server.
#[derive(Debug)]
pub enum Io {
    /// A socket.
    Tcp(TcpStream),
    /// A socket with TLS on it.
    Tls(Box<TlsStream<TcpStream>>),
    /// A pipe in memory.
    Pipe(DuplexStream),
}

/// As [`listen`], within a runtime and at once: an address of this machine needs no look-up.
///
/// # Errors
/// When the system does not give that port.
pub fn listen_now(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Listens on an address; port 0 takes a free one.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Closes a connection without a word: the other side is reset (RST).
pub fn reset(stream: TcpStream) {
    // One that is gone already has nothing to be reset.
    let _gone = stream.set_zero_linger().is_err();
    drop(stream);
}

/// Whether this machine has an address that connections can leave from.
///
/// # Errors
/// What the system says to it.
pub fn has(address: IpAddr) -> io::Result<()> {
    std::net::UdpSocket::bind((address, 0)).map(drop)
}

/// Where a connection leaves from, and with how much room.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Departure {
    /// An address of this machine; none is whichever the system takes.
    pub(super) from: Option<IpAddr>,
    /// It has as little room for what has come and is not read as the system gives.
    pub(super) is_narrow: bool,
}

/// A TCP connection that leaves so.
///
/// # Errors
/// What the system says to it.
pub(super) async fn reach(to: SocketAddr, departure: Departure) -> io::Result<TcpStream> {
    let Departure { from, is_narrow } = departure;
    if from.is_none() && !is_narrow {
        return TcpStream::connect(to).await;
    }
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if is_narrow {
        // Less than it may be is made as much as it must be.
        socket.set_recv_buffer_size(1)?;
    }
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}

impl Io {
    /// Closes it without a word: the other side is reset (RST). A pipe is closed.
    pub fn reset(self) {
        match self {
            Self::Tcp(stream) => reset(stream),
            Self::Tls(stream) => reset(stream.into_inner().0),
            Self::Pipe(_) => {}
        }
    }

    /// The address of this machine that it leaves from; a pipe has none.
    pub fn leaves_from(&self) -> Option<SocketAddr> {
        let socket = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Pipe(_) => return None,
        };
        socket.local_addr().ok()
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Pipe(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Pipe(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Pipe(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Pipe(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Pipe(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Pipe(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
