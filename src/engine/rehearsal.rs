//! A scripted server at the end of a pipe in memory, for exact-number tests on paused time.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use crate::edge::clock::Clock;
use crate::edge::net::{Connect, Io, Link};
use crate::model::event::Opened;
use crate::model::outcome::ConnectFailure;

pub(crate) mod authority;
mod clients;

pub(crate) use clients::{CONNECT_BUDGET, Told, common, fresh, plain, pooled, wire};

/// So many milliseconds.
pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One thing a scripted server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Do {
    /// Lets time pass.
    After(Duration),
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes this byte for ever, and counts what was taken.
    Flood(u8),
    /// Writes these bytes for ever, this pause before each time.
    Endless(Vec<u8>, Duration),
    /// Closes the connection.
    Close,
    /// Waits until the client has closed it.
    Hang,
    /// Writes as chunks what is told from now on, until the client has closed it.
    Hear,
    /// Has this written where somebody hears.
    Tell(String),
    /// Ends every stream that hears.
    HangUp,
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Connections are counted from 1.
    pub(crate) connection: u32,
    /// When it was whole.
    pub(crate) at: Duration,
    pub(crate) verb: String,
    pub(crate) path: String,
    /// As `name: value`, sorted.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC method, `answer` for an answer, or the verb of a request without a body.
    pub(crate) fn what(&self) -> String {
        if self.body.is_empty() {
            return self.verb.clone();
        }
        self.json()["method"].as_str().unwrap_or("answer").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

type Script = Box<dyn Fn(&Seen) -> Vec<Do> + Send + Sync>;

/// The server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    clock: Clock,
    script: Script,
    dns: Duration,
    tcp: Duration,
    refuses: Option<ConnectFailure>,
    seen: Mutex<Vec<Seen>>,
    hearing: Mutex<Vec<mpsc::UnboundedSender<String>>>,
    connections: AtomicU32,
    /// Where each connection left from.
    sources: Mutex<Vec<Option<IpAddr>>>,
    /// Those the client or the server has closed.
    closed: AtomicU32,
    written: AtomicU64,
}

impl Server {
    /// A server that connects at once and does with every request what `script` says.
    pub(crate) fn new(script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> Self {
        Self::behind(Duration::ZERO, Duration::ZERO, None, script)
    }

    /// A server whose name takes `dns` and whose handshake takes `tcp`.
    pub(crate) fn behind(
        dns: Duration,
        tcp: Duration,
        refuses: Option<ConnectFailure>,
        script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            clock: Clock::of_runtime(),
            script: Box::new(script),
            dns,
            tcp,
            refuses,
            seen: Mutex::default(),
            hearing: Mutex::default(),
            connections: AtomicU32::new(0),
            sources: Mutex::default(),
            closed: AtomicU32::new(0),
            written: AtomicU64::new(0),
        }))
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    /// What every request was, in order.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.seen().iter().map(Seen::what).collect()
    }

    pub(crate) fn connections(&self) -> u32 {
        self.0.connections.load(Ordering::SeqCst)
    }

    /// Where a connection left from.
    pub(crate) fn source(&self, connection: u32) -> Option<IpAddr> {
        self.0.sources.lock().unwrap()[connection as usize - 1]
    }

    pub(crate) fn closed(&self) -> u32 {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Bytes the client's side took.
    pub(crate) fn written(&self) -> u64 {
        self.0.written.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Connect for Server {
    fn connect_from(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        self.0.sources.lock().unwrap().push(from);
        self.connect()
    }

    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async {
            let Inner { dns, tcp, refuses, clock, .. } = &*self.0;
            if !(*dns + *tcp).is_zero() {
                clock.sleep(*dns + *tcp).await;
            }
            if let Some(failure) = refuses {
                return Err(*failure);
            }
            let number = self.0.connections.fetch_add(1, Ordering::SeqCst) + 1;
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                // A client that goes away in the middle is for the test to judge.
                let _whole = serve(&inner, theirs, number).await;
                inner.closed.fetch_add(1, Ordering::SeqCst);
            });
            let opened = Opened { dns: *dns, tcp: *tcp, tls: None, resumed: false, http2: false };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }
}

/// Serves one connection until either side has closed it. What arrived unread was seen, too.
async fn serve(inner: &Inner, mut pipe: DuplexStream, connection: u32) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let ended = converse(inner, &mut pipe, &mut buffer, connection).await;
    while let Some(Ok(1..)) = pipe.read_buf(&mut buffer).now_or_never() {}
    while let Some(seen) = request(&mut buffer, connection, inner.clock.now()) {
        inner.seen.lock().unwrap().push(seen);
    }
    ended
}

async fn converse(
    inner: &Inner,
    pipe: &mut DuplexStream,
    buffer: &mut Vec<u8>,
    connection: u32,
) -> std::io::Result<()> {
    loop {
        let seen = loop {
            if let Some(seen) = request(buffer, connection, inner.clock.now()) {
                break seen;
            }
            if pipe.read_buf(buffer).await? == 0 {
                return Ok(());
            }
        };
        inner.seen.lock().unwrap().push(seen.clone());
        for action in (inner.script)(&seen) {
            match action {
                Do::After(pause) => inner.clock.sleep(pause).await,
                Do::Write(bytes) => {
                    pipe.write_all(&bytes).await?;
                    inner.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                }
                Do::Flood(byte) => loop {
                    let count = pipe.write(&[byte; 8192]).await?;
                    inner.written.fetch_add(count as u64, Ordering::SeqCst);
                },
                Do::Endless(bytes, pause) => loop {
                    if !pause.is_zero() {
                        inner.clock.sleep(pause).await;
                    }
                    pipe.write_all(&bytes).await?;
                    inner.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                },
                Do::Close => return Ok(()),
                Do::Hang => while pipe.read_buf(buffer).await? > 0 {},
                Do::Hear => {
                    let (tell, mut told) = mpsc::unbounded_channel();
                    inner.hearing.lock().unwrap().push(tell);
                    loop {
                        tokio::select! {
                            text = told.recv() => match text {
                                Some(text) => pipe.write_all(&chunk(&text)).await?,
                                None => return Ok(()),
                            },
                            read = pipe.read_buf(buffer) => if read? == 0 { return Ok(()) },
                        }
                    }
                }
                Do::Tell(text) => {
                    inner.hearing.lock().unwrap().retain(|to| to.send(text.clone()).is_ok());
                }
                Do::HangUp => inner.hearing.lock().unwrap().clear(),
            }
        }
    }
}

/// Takes the first whole request out of what was received.
fn request(buffer: &mut Vec<u8>, connection: u32, at: Duration) -> Option<Seen> {
    let head_end = memchr::memmem::find(buffer, b"\r\n\r\n")? + 4;
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (verb, path) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let mut headers: Vec<_> = lines.map(str::to_owned).collect();
    headers.sort();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let end = head_end + length.map_or(0, |length| length.parse::<usize>().unwrap());
    if buffer.len() < end {
        return None;
    }
    let body = String::from_utf8(buffer[head_end..end].to_vec()).unwrap();
    buffer.drain(..end);
    Some(Seen { connection, at, verb, path, headers, body })
}

/// A response whose length is known; `headers` are lines without their end.
pub(crate) fn reply(status: u16, headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|line| [*line, "\r\n"]).collect();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

pub(crate) fn json_reply(body: &str) -> Vec<u8> {
    reply(200, &["content-type: application/json"], body)
}

/// The head of a stream; chunks follow.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec()
}

/// One chunk of a stream; an empty one ends it.
pub(crate) fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// An event that holds this message.
pub(crate) fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// A result with the id of the question.
pub(crate) fn answer(seen: &Seen, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": seen.json()["id"], "result": result }).to_string()
}

/// The result of `echo`.
pub(crate) fn echoed() -> Value {
    json!({ "content": [{ "type": "text", "text": "hi" }] })
}

/// What a sound server does: handshake and lists take 50 ms, calls 100 ms, the rest nothing. A
/// session is named after the millisecond its handshake arrived in: `s0`.
pub(crate) fn sound(seen: &Seen) -> Vec<Do> {
    match seen.what().as_str() {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "scripted", "version": "1" },
            });
            let session = format!("mcp-session-id: s{}", seen.at.as_millis());
            let headers = ["content-type: application/json", &session];
            vec![Do::After(ms(50)), Do::Write(reply(200, &headers, &answer(seen, &result)))]
        }
        "tools/list" => {
            let tool = json!({ "name": "echo", "inputSchema": { "type": "object" } });
            let page = answer(seen, &json!({ "tools": [tool] }));
            vec![Do::After(ms(50)), Do::Write(json_reply(&page))]
        }
        "tools/call" => {
            vec![Do::After(ms(100)), Do::Write(json_reply(&answer(seen, &echoed())))]
        }
        "GET" => vec![Do::Write(reply(405, &[], ""))],
        "DELETE" => vec![Do::Write(reply(200, &[], ""))],
        _ => vec![Do::Write(reply(202, &[], ""))],
    }
}
