//! Listeners that are no MCP server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// A listener that does one thing with every connection, and counts them.
pub(crate) struct Stranger {
    address: SocketAddr,
    connections: Arc<AtomicU32>,
}

impl Stranger {
    /// Does `what` with each connection, on a thread of its own; the connection ends with it.
    pub(crate) fn that(what: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicU32::new(0));
        let (counted, what) = (Arc::clone(&connections), Arc::new(what));
        // Neither thread is joined: they end with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                let what = Arc::clone(&what);
                thread::spawn(move || what(stream.unwrap()));
            }
        });
        Self { address, connections }
    }

    /// Answers every request with bytes made from the request's head.
    pub(crate) fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::told(move |head, _| answer(head))
    }

    /// Answers every request with bytes made from its head and its body.
    pub(crate) fn told(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self::that(move |stream| {
            let mut stream = BufReader::new(stream);
            while let Some((head, body)) = request(&mut stream) {
                let answered = stream
                    .get_mut()
                    .write_all(answer(&head, &String::from_utf8_lossy(&body)).as_bytes());
                if answered.is_err() {
                    return;
                }
            }
        })
    }

    /// Accepts, and never says a word.
    pub(crate) fn silent() -> Self {
        Self::that(|mut stream| {
            let _client_left = stream.read_to_end(&mut Vec::new()).is_ok();
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Head and body of the next request; `None` when the client has left.
pub(crate) fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.to_ascii_lowercase().split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.split("\r\n").next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    });
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// An HTTP answer with this status line, media type and body.
pub(crate) fn answer(status: &str, media: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}")
}
