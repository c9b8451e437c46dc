//! Half-open connections: opened, part of a request sent, then nothing. They are no exchanges.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::wire::Wire;
use crate::edge::net::Io;

/// What became of half-open connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stood {
    /// Those that were opened.
    pub opened: u32,
    /// Those that could not be.
    pub failed: u32,
    /// Opened ones that the target ended.
    pub ended: u32,
}

#[derive(Debug, Default)]
struct Counts {
    opened: AtomicU32,
    failed: AtomicU32,
    ended: AtomicU32,
}

/// Opens so many connections at once, says to `host` half of what a POST is on each, and nothing
/// more until `over`; what the target ended by then is counted. Then all of them are closed.
pub async fn stand(wire: &Wire, count: u32, host: &str, over: impl Future<Output = ()>) -> Stood {
    let (part, counts) = (half(wire, host), Counts::default());
    let all = stream::iter(0..count).for_each_concurrent(None, |number| {
        one(wire, wire.sources.of(number, 0), part.as_bytes(), &counts)
    });
    tokio::select! {
        biased;
        () = over => {}
        () = all => {}
    }
    let read = |count: &AtomicU32| count.load(Ordering::Relaxed);
    let Counts { opened, failed, ended } = &counts;
    Stood { opened: read(opened), failed: read(failed), ended: read(ended) }
}

/// A POST up to the middle of its body.
fn half(wire: &Wire, host: &str) -> String {
    let path = &wire.address.path;
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: 64\r\n\r\n{{\"jsonrpc\":"
    )
}

async fn one(wire: &Wire, from: Option<IpAddr>, part: &[u8], counts: &Counts) {
    let count = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
    wire.pass_gate().await;
    let by = wire.clock.now() + wire.connect_timeout;
    let linked = wire.clock.by(by, wire.connect.connect_from(from)).await;
    let Some(Ok(mut link)) = linked else {
        count(&counts.failed);
        return;
    };
    count(&counts.opened);
    // Over HTTP/2 it is half of what a client says first (RFC 9113, section 3.4).
    let part = if link.opened.http2 { b"PRI * HTTP/2" } else { part };
    if link.io.write_all(part).await.is_ok() && link.io.flush().await.is_ok() {
        to_its_end(&mut link.io).await;
    }
    count(&counts.ended);
}

/// Reads whatever comes until nothing does any more.
async fn to_its_end(io: &mut Io) {
    let mut buffer = [0; 512];
    while matches!(io.read(&mut buffer).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rehearsal::{Do, Server, ms, reply, wire};
    use crate::model::outcome::ConnectFailure;

    #[tokio::test(start_paused = true)]
    async fn connections_stand_until_it_is_over() {
        let server = Server::new(|_| vec![Do::Write(reply(200, &[], ""))]);
        let wire = wire(&server);
        let stood = stand(&wire, 20, "tools.test", wire.clock.sleep(ms(3_000))).await;
        assert_eq!(stood, Stood { opened: 20, failed: 0, ended: 0 });
        assert_eq!((wire.clock.now(), server.connections()), (ms(3_000), 20));
        assert!(server.seen().is_empty(), "no request is whole");
        wire.clock.sleep(ms(1)).await;
        assert_eq!(server.closed(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_cannot_be_opened_are_counted() {
        let refused = Some(ConnectFailure::Refused);
        let server = Server::behind(ms(0), ms(0), refused, |_| Vec::new());
        let wire = wire(&server);
        let stood = stand(&wire, 3, "tools.test", std::future::pending()).await;
        assert_eq!(stood, Stood { opened: 0, failed: 3, ended: 0 });
    }
}
