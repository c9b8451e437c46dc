//! What the other end of a real socket sees of a client that leaves, or does not read.

use std::io::ErrorKind;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::net::listen;
use crate::engine::weather::{By, Leave, Spell};
use crate::model::fault::{Cut, Parting, Point};
use crate::model::plan::Http;

/// A way to `listener`, under a spell.
fn stand(listener: &TcpListener, spell: Spell) -> Stand {
    let stand = Stand::new(|_| Vec::new());
    let clock = Clock::real();
    let port = listener.local_addr().unwrap().port();
    let (host, http) = ("127.0.0.1".to_owned(), Http::One);
    let route = Route { host, port, instead: None, tls: None, http, public_only: false };
    let connect = Arc::new(Dial::new(route, clock.clone()));
    let wire = Wire { connect, clock, ..stand.wire };
    Stand { wire, spell: Some(spell), ..stand }
}

/// Accepts one connection, reads a request, and writes this.
async fn answered(listener: &TcpListener, bytes: &[u8]) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(stream.read(&mut request).await.unwrap() > 0);
    stream.write_all(bytes).await.unwrap();
    stream
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_close_is_a_close() {
    for (parting, expected) in
        [(Parting::Reset, Err(ErrorKind::ConnectionReset)), (Parting::Closed, Ok(0))]
    {
        let cut = Cut { point: Point::AfterEvents(1), parting };
        let cut = Spell { cut: Some(By { fault: 0, what: cut }), ..Spell::default() };
        let leave = Leave { after: Some(ms(200)), parting };
        let leave = Spell { leave: Some(By { fault: 0, what: leave }), ..Spell::default() };
        for (spell, outcome) in [(cut, Outcome::CutStream), (leave, Outcome::Cancelled)] {
            let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let stand = stand(&listener, spell);
            let bytes = open_stream(&event("{}"));
            let (came, mut stream) = tokio::join!(stand.ask(), answered(&listener, &bytes));
            assert_eq!(came.told.outcome, outcome, "{parting:?}");
            let read = stream.read(&mut [0; 16]).await.map_err(|error| error.kind());
            assert_eq!(read, expected, "{parting:?} {outcome:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_read_stays_with_the_server() {
    const SIZE: usize = 64 * 1024 * 1024;
    let slow = Spell { slow: Some(By { fault: 0, what: 0 }), ..Spell::default() };
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let stand = stand(&listener, slow);
    let serve = async {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
        let mut stream = answered(&listener, head.as_bytes()).await;
        let (zeros, mut written) = (vec![0; 65_536], 0);
        // Half a second without room for a byte is as good as for ever.
        while let Some(Ok(count)) =
            stand.wire.clock.by(stand.wire.clock.now() + ms(500), stream.write(&zeros)).await
        {
            written += count;
        }
        written
    };
    let asking = stand.ask();
    tokio::select! {
        written = serve => assert!(written < SIZE / 4, "{written} bytes"),
        came = asking => panic!("{:?}", came.told),
    }
}
