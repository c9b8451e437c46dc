//! The network: resolving, connecting and listening, each failure named.
#![expect(clippy::disallowed_methods, reason = "this file is where sockets come from")]

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::clock::Clock;
use crate::model::outcome::ConnectFailure;

/// Makes connections to one target. Replaced in tests by a scripted server at the end of a pipe.
pub trait Connect: fmt::Debug + Send + Sync {
    /// One new connection.
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>>;
}

/// A new connection and what it took.
#[derive(Debug)]
pub struct Link {
    /// Where bytes go.
    pub io: Io,
    /// Name resolution; zero for a literal address.
    pub dns: Duration,
    /// The TCP handshake.
    pub tcp: Duration,
}

/// A stream of bytes to a server.
#[derive(Debug)]
pub enum Io {
    /// A socket.
    Tcp(TcpStream),
    /// A pipe in memory.
    Pipe(DuplexStream),
}

/// Connects over TCP.
#[derive(Debug)]
pub struct Tcp {
    host: String,
    port: u16,
    clock: Clock,
}

impl Tcp {
    /// A connector to `host` (a name, or an address without brackets) and `port`.
    pub fn new(host: &str, port: u16, clock: Clock) -> Self {
        Self { host: host.to_owned(), port, clock }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ConnectFailure> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<_> = found.map_err(|_| ConnectFailure::Dns)?.collect();
        if addresses.is_empty() { Err(ConnectFailure::Dns) } else { Ok(addresses) }
    }

    async fn open(&self) -> Result<Link, ConnectFailure> {
        let began = self.clock.now();
        let addresses = self.resolve().await?;
        let resolved = self.clock.now();
        let mut failure = ConnectFailure::Unreachable;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Without it the kernel may hold back the end of a request for 40 ms.
                    stream.set_nodelay(true).map_err(|error| failure_of(&error))?;
                    let dns = resolved.saturating_sub(began);
                    let tcp = self.clock.now().saturating_sub(resolved);
                    return Ok(Link { io: Io::Tcp(stream), dns, tcp });
                }
                Err(error) => failure = failure_of(&error),
            }
        }
        Err(failure)
    }
}

impl Connect for Tcp {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(self.open())
    }
}

/// What an I/O error of a connection attempt means.
fn failure_of(error: &io::Error) -> ConnectFailure {
    use rustix::io::Errno;
    if let Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS) =
        Errno::from_io_error(error)
    {
        return ConnectFailure::Exhausted;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
        io::ErrorKind::TimedOut => ConnectFailure::TimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ConnectFailure::Closed,
        _ => ConnectFailure::Unreachable,
    }
}

/// Listens on an address; port 0 takes a free one.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
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
            Self::Pipe(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Pipe(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Pipe(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Pipe(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_have_names() {
        let closed = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let refused = Tcp::new("127.0.0.1", port, Clock::real()).connect().await;
        assert_eq!(refused.unwrap_err(), ConnectFailure::Refused);
        let unknown = Tcp::new("no-such-name.invalid", 80, Clock::real()).connect().await;
        assert_eq!(unknown.unwrap_err(), ConnectFailure::Dns);
    }
}
