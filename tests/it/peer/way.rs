//! A way to a server on which sessions get lost: now and then a call arrives there with a session
//! that the server does not know, and so it answers as it answers to a session that is gone.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::raw::{head, header};

/// A relay to a server; it relays until its test ends.
pub(crate) struct Forgetful {
    address: SocketAddr,
    losses: Arc<Mutex<Losses>>,
}

impl Forgetful {
    /// Every `nth` call is made in a session that the server does not know, unless the same call
    /// was before: who makes it once more is heard.
    pub(crate) fn to(server: SocketAddr, nth: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let losses = Arc::new(Mutex::new(Losses { nth, calls: 0, lost: HashSet::new() }));
        let shared = Arc::clone(&losses);
        thread::spawn(move || {
            for client in listener.incoming() {
                let losses = Arc::clone(&shared);
                // A connection that breaks ends both of its halves.
                thread::spawn(move || relay(&client?, &TcpStream::connect(server)?, &losses));
            }
        });
        Self { address, losses }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many calls came without the session they were made in.
    pub(crate) fn lost(&self) -> usize {
        self.losses.lock().unwrap().lost.len()
    }
}

struct Losses {
    nth: u64,
    calls: u64,
    /// The calls that came without their session, by what they asked for.
    lost: HashSet<String>,
}

impl Losses {
    /// Whether the session of this message is to be lost.
    fn take(&mut self, body: &[u8]) -> bool {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        if message["method"] != "tools/call" {
            return false;
        }
        self.calls += 1;
        self.calls.is_multiple_of(self.nth) && self.lost.insert(message["params"].to_string())
    }
}

/// Relays one connection.
fn relay(client: &TcpStream, server: &TcpStream, losses: &Mutex<Losses>) -> io::Result<()> {
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let copied = io::copy(&mut from, &mut to);
        let closed = to.shutdown(Shutdown::Both);
        copied.and(closed)
    });
    let forth = requests(BufReader::new(client), server, losses);
    server.shutdown(Shutdown::Write)?;
    back.join().map_err(|_| io::Error::other("a relay panicked"))??;
    forth
}

fn requests(
    mut client: impl BufRead,
    mut server: impl Write,
    losses: &Mutex<Losses>,
) -> io::Result<()> {
    loop {
        let head = head(&mut client)?;
        if head.is_empty() {
            return Ok(());
        }
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        client.read_exact(&mut body)?;
        let head = match session(&head) {
            Some(session) if losses.lock().unwrap().take(&body) => {
                head.replace(session, &unknown(session))
            }
            _ => head,
        };
        // In one piece, as it came.
        server.write_all(&[head.as_bytes(), &body].concat())?;
    }
}

/// The session that a head names: in a field, or in the query of its URL.
fn session(head: &str) -> Option<&str> {
    let url = head.split(' ').nth(1)?;
    header(head, "mcp-session-id").or_else(|| Some(url.split_once('=')?.1))
}

/// A session of the same form that was never issued.
fn unknown(session: &str) -> String {
    session.chars().rev().collect()
}
