//! Dialling a target: its name, TCP, TLS; what each took, and each failure named.
#![expect(clippy::disallowed_methods, reason = "this file is where connections are made")]

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use tokio::net::TcpStream;

use super::clock::Clock;
use super::net::{self, Connect, Departure, Io, Link};
use super::tls::{Agreed, Shown, Tls};
use crate::model::address;
use crate::model::event::Opened;
use crate::model::outcome::ConnectFailure;
use crate::model::plan::Http;

/// Where a target is dialled, and what is agreed on the connection.
#[derive(Debug, Clone)]
pub struct Route {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Dialled instead of what the name resolves to.
    pub instead: Option<SocketAddr>,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// The version of HTTP asked for.
    pub http: Http,
    /// Only addresses that the whole Internet can reach are dialled.
    pub public_only: bool,
}

/// Dials one target whenever a connection is asked for.
#[derive(Debug)]
pub struct Dial {
    route: Route,
    clock: Clock,
}

impl Dial {
    /// Dials `route`, with times of `clock`.
    pub const fn new(route: Route, clock: Clock) -> Self {
        Self { route, clock }
    }

    /// Those of the kind that `from` is, where that is something.
    async fn addresses(&self, from: Option<IpAddr>) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let Route { host, port, .. } = &self.route;
        if let Some(address) = self.route.instead {
            return Ok(vec![address]);
        }
        let found = if let Ok(address) = host.parse::<IpAddr>() {
            vec![SocketAddr::new(address, *port)]
        } else {
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            found.map_err(|_| ConnectFailure::Dns)?.collect()
        };
        if found.is_empty() {
            return Err(ConnectFailure::Dns);
        }
        let is_forbidden = |at: &SocketAddr| self.route.public_only && !address::is_public(at.ip());
        if found.iter().any(is_forbidden) {
            return Err(ConnectFailure::Private);
        }
        let is_of_kind = |at: &SocketAddr| from.is_none_or(|from| from.is_ipv4() == at.is_ipv4());
        Ok(found.into_iter().filter(is_of_kind).collect())
    }

    async fn open(&self, departure: Departure) -> Result<Link, ConnectFailure> {
        let began = self.clock.now();
        let addresses = self.addresses(departure.from).await?;
        let resolved = self.clock.now();
        let stream = first_of(&addresses, departure).await?;
        let connected = self.clock.now();
        let mut opened = Opened {
            dns: resolved.saturating_sub(began),
            tcp: connected.saturating_sub(resolved),
            tls: None,
            resumed: false,
            http2: self.route.http == Http::Two,
        };
        let Some(tls) = &self.route.tls else {
            return Ok(Link { io: Io::Tcp(stream), opened, mark: None });
        };
        let (stream, Agreed { resumed, http2 }) = tls.handshake(stream).await?;
        if self.route.http == Http::Two && !http2 {
            return Err(ConnectFailure::Tls(crate::model::outcome::TlsFailure::NoCommonHttp));
        }
        opened.tls = Some(self.clock.now().saturating_sub(connected));
        (opened.resumed, opened.http2) = (resumed, http2);
        Ok(Link { io: Io::Tls(Box::new(stream)), opened, mark: None })
    }

    /// Opens a connection and closes it again: what that took, where it led, and what the server
    /// showed of itself where TLS is spoken.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn survey(
        &self,
    ) -> Result<(Opened, Option<SocketAddr>, Option<Shown>), ConnectFailure> {
        let link = self.open(Departure::default()).await?;
        let (peer, shown) = match &link.io {
            Io::Tcp(stream) => (stream.peer_addr().ok(), None),
            Io::Tls(stream) => (stream.get_ref().0.peer_addr().ok(), Some(Shown::on(stream))),
            Io::Pipe(_) => (None, None),
        };
        Ok((link.opened, peer, shown))
    }

    /// A connection without TLS, whatever the route says, from an address of this machine if one
    /// is given.
    pub async fn plainly(&self, from: Option<IpAddr>) -> Result<TcpStream, ConnectFailure> {
        first_of(&self.addresses(from).await?, Departure { from, is_narrow: false }).await
    }
}

impl Connect for Dial {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(self.open(Departure::default()))
    }

    fn connect_from(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(self.open(Departure { from, is_narrow: false }))
    }

    fn connect_narrow(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(self.open(Departure { from, is_narrow: true }))
    }

    fn may_multiplex(&self) -> bool {
        match self.route.http {
            Http::One => false,
            Http::Two => true,
            Http::Negotiated => self.route.tls.is_some(),
        }
    }
}

/// A TCP connection to the first address that accepts one; else how the last one failed.
async fn first_of(
    addresses: &[SocketAddr],
    departure: Departure,
) -> Result<TcpStream, ConnectFailure> {
    let mut failure = ConnectFailure::Unreachable;
    for address in addresses {
        match net::reach(*address, departure).await {
            Ok(stream) => {
                // Without it the kernel may hold back the end of a request for 40 ms.
                stream.set_nodelay(true).map_err(|error| failure_of(&error))?;
                return Ok(stream);
            }
            Err(error) => failure = failure_of(&error),
        }
    }
    Err(failure)
}

/// What an I/O error of a connection attempt means.
pub(super) fn failure_of(error: &io::Error) -> ConnectFailure {
    use rustix::io::Errno;
    if let Some(
        Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::NOBUFS,
    ) = Errno::from_io_error(error)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::net::listen;

    fn plain(host: &str, port: u16, instead: Option<SocketAddr>) -> Dial {
        let host = host.to_owned();
        let http = Http::Negotiated;
        let route = Route { host, port, instead, tls: None, http, public_only: false };
        Dial::new(route, Clock::real())
    }

    #[tokio::test]
    async fn failures_have_names() {
        let closed = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let refused = plain("127.0.0.1", port, None).connect().await;
        assert_eq!(refused.unwrap_err(), ConnectFailure::Refused);
        let unknown = plain("no-such-name.invalid", 80, None).connect().await;
        assert_eq!(unknown.unwrap_err(), ConnectFailure::Dns);
    }

    #[tokio::test]
    async fn a_private_address_is_not_dialled_where_only_public_ones_may_be() {
        for host in ["127.0.0.1", "localhost"] {
            let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let mut dial = plain(host, listener.local_addr().unwrap().port(), None);
            dial.connect().await.unwrap();
            dial.route.public_only = true;
            assert_eq!(dial.connect().await.unwrap_err(), ConnectFailure::Private);
        }
    }

    #[tokio::test]
    async fn a_connection_leaves_from_the_address_that_is_asked_for() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let dial = plain("localhost", listener.local_addr().unwrap().port(), None);
        for from in [[127, 0, 1, 1], [127, 0, 1, 2]].map(IpAddr::from) {
            let _link = dial.connect_from(Some(from)).await.unwrap();
            assert_eq!(listener.accept().await.unwrap().1.ip(), from);
        }
        let other = Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        let dial = plain("127.0.0.1", listener.local_addr().unwrap().port(), None);
        let failed = dial.connect_from(other).await.unwrap_err();
        assert_eq!(failed, ConnectFailure::Unreachable);
    }

    #[tokio::test]
    async fn an_address_given_instead_is_the_one_that_is_dialled() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let there = listener.local_addr().unwrap();
        let link = plain("no-such-name.invalid", 80, Some(there)).connect().await.unwrap();
        let (_, from) = listener.accept().await.unwrap();
        let Io::Tcp(stream) = link.io else { panic!("{:?}", link.io) };
        assert_eq!((stream.local_addr().unwrap(), link.opened.dns.as_secs()), (from, 0));
    }
}
