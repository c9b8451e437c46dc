//! Exchanges that share an HTTP/2 connection to a scripted server, on paused time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join, join_all};
use h2::Reason;
use h2::server::SendResponse;
use http::{HeaderMap, Method};

use super::line::{Address, Lines};
use super::stream::STREAM_END;
use super::*;
use crate::edge::net::{Io, Link};
use crate::engine::rehearsal::{CONNECT_BUDGET, Told, event, ms};
use crate::engine::sources::Sources;
use crate::model::event::{Exchange, Opened};
use crate::protocol::sse;

/// Frames.
mod frame;
/// Targets that do what they must not.
mod hostile;
/// A target that allows less and less.
mod lowered;
/// Targets that end their connections while those are in use.
mod shutdowns;
/// Exchanges seen while they go on.
mod watched;

const BUDGET: Duration = Duration::from_secs(10);
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// One thing a scripted server does with a request.
#[derive(Debug, Clone, Copy)]
enum Do {
    After(Duration),
    Head(&'static str),
    Data(&'static str),
    End,
    Reset(Reason),
    Flood,
    Hang,
}

const JSON: [Do; 3] = [Do::Head("application/json"), Do::Data(ANSWER), Do::End];

/// A server, and how its connections are made.
struct Server {
    clock: Clock,
    script: Box<dyn Fn(usize) -> Vec<Do> + Send + Sync>,
    /// Streams it allows at once.
    most: u32,
    /// After so many requests on a connection it shuts it down.
    shuts_after: usize,
    requests: AtomicUsize,
    connections: AtomicUsize,
    resets: Mutex<Vec<Reason>>,
    heads: Mutex<Vec<http::request::Parts>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

#[derive(Debug, Clone)]
struct Door(Arc<Server>);

impl Connect for Door {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async {
            self.0.clock.sleep(ms(20)).await;
            self.0.connections.fetch_add(1, Ordering::SeqCst);
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(Arc::clone(&self.0), theirs));
            let opened =
                Opened { dns: ms(0), tcp: ms(8), tls: Some(ms(12)), resumed: false, http2: true };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }

    fn may_multiplex(&self) -> bool {
        true
    }
}

async fn serve(server: Arc<Server>, pipe: tokio::io::DuplexStream) {
    let mut building = h2::server::Builder::new();
    let mut connection =
        building.max_concurrent_streams(server.most).handshake::<_, Bytes>(pipe).await.unwrap();
    let mut count = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        count += 1;
        let number = server.requests.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        server.heads.lock().unwrap().push(head);
        tokio::spawn(answer(Arc::clone(&server), number, body, respond));
        if count == server.shuts_after {
            connection.graceful_shutdown();
        }
    }
}

async fn answer(
    server: Arc<Server>,
    number: usize,
    mut body: h2::RecvStream,
    mut respond: SendResponse<Bytes>,
) {
    while let Some(Ok(_)) = body.data().await {}
    let mut stream = None;
    for action in (server.script)(number) {
        match action {
            Do::After(pause) => server.clock.sleep(pause).await,
            Do::Head(media) => {
                let head = http::Response::builder().header("content-type", media).body(());
                stream = respond.send_response(head.unwrap(), false).ok();
            }
            Do::Data(text) => {
                let stream = stream.as_mut().unwrap();
                stream.send_data(Bytes::from_static(text.as_bytes()), false).unwrap();
            }
            Do::Flood => flood(stream.as_mut().unwrap()).await,
            Do::End => stream.as_mut().unwrap().send_data(Bytes::new(), true).unwrap(),
            Do::Reset(reason) => match &mut stream {
                Some(stream) => stream.send_reset(reason),
                None => respond.send_reset(reason),
            },
            Do::Hang => {
                let gone = match &mut stream {
                    Some(stream) => {
                        std::future::poll_fn(|context| stream.poll_reset(context)).await
                    }
                    None => std::future::poll_fn(|context| respond.poll_reset(context)).await,
                };
                server.resets.lock().unwrap().push(gone.unwrap());
            }
        }
    }
}

/// Sends as much as there is room for, until nobody wants more.
async fn flood(stream: &mut h2::SendStream<Bytes>) {
    loop {
        stream.reserve_capacity(16_384);
        let room = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
        let Some(Ok(room)) = room else { return };
        if stream.send_data(vec![b' '; room].into(), false).is_err() {
            return;
        }
    }
}

/// A wire to such a server, and everybody's connections.
struct Stand {
    server: Arc<Server>,
    wire: Wire,
    lines: Lines,
}

impl Stand {
    fn new(script: impl Fn(usize) -> Vec<Do> + Send + Sync + 'static) -> Self {
        Self::with(100, usize::MAX, script)
    }

    fn with(
        most: u32,
        shuts_after: usize,
        script: impl Fn(usize) -> Vec<Do> + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::new(Server {
            clock: Clock::of_runtime(),
            script: Box::new(script),
            most,
            shuts_after,
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            resets: Mutex::default(),
            heads: Mutex::default(),
        });
        let wire = Wire {
            connect: Arc::new(Door(Arc::clone(&server))),
            clock: server.clock.clone(),
            recorder: Arc::default(),
            address: Address {
                path: "/mcp".parse().unwrap(),
                whole: "https://tools.test/mcp".parse().unwrap(),
            },
            connect_timeout: CONNECT_BUDGET,
            sources: Sources::default(),
            gate: None,
        };
        Self { server, wire, lines: Lines::default() }
    }

    /// One POST. An event with `"id"` is the answer.
    async fn ask(&self) -> Result<String, Outcome> {
        self.ask_seen_by(&Watch::default()).await
    }

    /// The same, seen meanwhile.
    async fn ask_seen_by(&self, watch: &Watch) -> Result<String, Outcome> {
        let ending = Ending::default();
        let mut trail = Trail::begin(&self.wire, &ending, 0, Operation::ToolsCall);
        trail.show_to(watch);
        let host = (http::header::HOST, "other.test".parse().unwrap());
        let kept = (http::header::ACCEPT, "application/json".parse().unwrap());
        let request = Request {
            operation: Operation::ToolsCall,
            method: Method::POST,
            headers: HeaderMap::from_iter([host, kept]),
            body: Bytes::from_static(b"{}"),
            to: None,
        };
        let deadline = self.wire.clock.now() + BUDGET;
        let (mut body, mut found) = (Vec::new(), String::new());
        let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
            found = String::from_utf8_lossy(event.data).into_owned();
            if found.contains("\"id\"") { Flow::Answered } else { Flow::Continue }
        };
        let reply = self
            .wire
            .exchange(&self.lines, &mut trail, request, deadline, &mut body, &mut on_event)
            .await;
        trail.finish(reply.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Ok));
        let body = String::from_utf8(body).unwrap();
        reply.map(|_| if found.is_empty() { body } else { found })
    }

    /// What was told since the last time.
    fn told(&self) -> Vec<Exchange> {
        Told::by(&self.wire.recorder).exchanges
    }

    fn counts(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        (count(&self.server.connections), count(&self.server.requests))
    }
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_share_one_connection_and_each_has_its_own_figures() {
    let script = |number: usize| {
        let wait = Do::After(ms(100 * (number as u64 + 1)));
        [&[wait], &JSON[..]].concat()
    };
    let stand = Stand::new(script);
    let came = join_all((0..5).map(|_| stand.ask())).await;
    assert!(came.iter().all(|answer| answer.as_deref() == Ok(ANSWER)), "{came:?}");
    assert_eq!(stand.counts(), (1, 5));
    let told = stand.told();
    assert_eq!(told.iter().filter(|exchange| exchange.opened.is_some()).count(), 1);
    for (number, exchange) in told.iter().enumerate() {
        assert_eq!(exchange.sent, Some(ms(20)), "all leave when the connection is there");
        assert_eq!(exchange.end, ms(20 + 100 * (number as u64 + 1)));
        // Frame heads, header block, body: known but for the block, the same for all but the
        // first, which taught the other side its names.
        assert!(exchange.bytes_sent > 2 * 9 + 2, "{exchange:?}");
        assert!(exchange.bytes_received as usize > 2 * 9 + ANSWER.len(), "{exchange:?}");
    }
    assert!(told[0].bytes_sent > told[1].bytes_sent);
    assert_eq!(told[1].bytes_sent, told[4].bytes_sent);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_named_as_the_revision_of_http_wants_it() {
    let stand = Stand::new(|_| JSON.to_vec());
    stand.ask().await.unwrap();
    let heads = stand.server.heads.lock().unwrap();
    assert_eq!(heads[0].uri.to_string(), "https://tools.test/mcp");
    let names: Vec<_> = heads[0].headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["accept", "content-length"], "no Host beside :authority");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_answer_and_the_connection_goes_on() {
    let text: &'static str = event(ANSWER).leak();
    let stand = Stand::new(move |_| {
        vec![
            Do::Head("text/event-stream"),
            Do::After(ms(5)),
            Do::Data(": soon\n\n"),
            Do::After(ms(5)),
            Do::Data(text),
            Do::Hang,
        ]
    });
    assert_eq!(stand.ask().await.as_deref(), Ok(ANSWER));
    stand.ask().await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(stand.counts(), (1, 2));
    assert_eq!(*stand.server.resets.lock().unwrap(), [Reason::CANCEL; 2]);
    let told = stand.told();
    assert_eq!((told[0].first_event, told[0].answer), (Some(ms(30)), Some(ms(30))));
    assert_eq!(told[0].end, ms(30) + STREAM_END);
}

#[tokio::test(start_paused = true)]
async fn beyond_what_the_target_allows_at_once_another_connection_is_opened() {
    let stand = Stand::with(2, usize::MAX, |_| [&[Do::After(ms(100))], &JSON[..]].concat());
    // A client learns the limit with the target's first frames; before that it supposes 100.
    stand.ask().await.unwrap();
    stand.told();
    let came = join_all((0..5).map(|_| stand.ask())).await;
    assert!(came.iter().all(Result::is_ok), "{came:?}");
    assert_eq!(stand.counts(), (2, 6));
    // Two leave at once, two when the second connection is there, one when it has room again.
    let sent: Vec<_> = stand.told().iter().map(|exchange| exchange.sent.unwrap()).collect();
    assert_eq!(sent, [120, 120, 140, 140, 240].map(ms));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_ends_its_stream_and_not_the_connection() {
    let script = |number| if number == 0 { vec![Do::Hang] } else { JSON.to_vec() };
    let stand = Stand::new(script);
    assert_eq!(stand.ask().await, Err(Outcome::Timeout));
    stand.ask().await.unwrap();
    assert_eq!(stand.counts(), (1, 2));
    assert_eq!(*stand.server.resets.lock().unwrap(), [Reason::CANCEL]);
    let told = stand.told();
    assert_eq!((told[0].end, told[0].sent), (BUDGET, Some(ms(20))));
}

#[tokio::test(start_paused = true)]
async fn broken_answers_have_names() {
    let closed = Outcome::Connect(ConnectFailure::Closed);
    let cases: [(Vec<Do>, Outcome); 3] = [
        (vec![Do::Reset(Reason::INTERNAL_ERROR)], closed),
        (
            vec![JSON[0], JSON[1], Do::After(ms(1)), Do::Reset(Reason::INTERNAL_ERROR)],
            Outcome::CutStream,
        ),
        (
            vec![Do::Head("text/event-stream"), Do::After(ms(1)), Do::Reset(Reason::CANCEL)],
            Outcome::CutStream,
        ),
    ];
    for (script, expected) in cases {
        let what = format!("{script:?}");
        let stand = Stand::new(move |_| script.clone());
        assert_eq!(stand.ask().await, Err(expected), "{what}");
        assert_eq!(stand.told()[0].outcome, expected, "{what}");
        assert_eq!(stand.counts(), (1, 1), "nothing is tried again: {what}");
    }
}

/// Speaks HTTP/1.1 to whoever connects.
#[derive(Debug)]
struct OldDoor;

impl Connect for OldDoor {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async {
            let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut heard = [0; 1024];
                let _count = theirs.read(&mut heard).await.unwrap();
                theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            });
            let opened = Opened { dns: ms(0), tcp: ms(0), tls: None, resumed: false, http2: true };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }

    fn may_multiplex(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_http_1_is_not_spoken_http_2_to() {
    let mut stand = Stand::new(|_| Vec::new());
    stand.wire.connect = Arc::new(OldDoor);
    assert_eq!(stand.ask().await, Err(Outcome::Connect(ConnectFailure::NotHttp)));
}
