//! Clients that leave streams of one HTTP/2 connection within TLS: a server on the library `h2` sees
//! these streams reset, and nothing else of the connection.

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener as Bound};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Years};
use crate::squall::{Place, Report};
use crate::storm::adds_up;

/// Four users who share one connection, with eight calls each.
const SCENARIO: &str = "name = 'resets'\nseed = 7\n[target]\nurl = 'practice'\nhttp = '2'\n\
    [clients]\nprofile = 'plain'\n\
    override = { stream_share = 0.0, cancels = false, connections = 'shared' }\n\
    [load]\nbehaviour = 'steady'\nsteady = { calls = 8, think = '5ms' }\nfrom = '4/s'\n\
    stages = [{ over = '1s', to = '4/s' }]\ndrain = '60s'\n";

/// What a server saw.
#[derive(Debug, Default, Clone)]
struct Seen {
    /// Connections within which TLS was agreed on.
    opened: usize,
    /// Those that went on to speak HTTP/2.
    spoke: usize,
    /// Streams that their client reset.
    reset: Vec<Reason>,
    /// Streams that their connection took along.
    lost: usize,
}

/// A server with two tools: `quick` is answered at once, and of what `held` answers there is only
/// the beginning.
struct Server {
    address: SocketAddr,
    authority: Authority,
    seen: Arc<Mutex<Seen>>,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Self {
        let authority = Authority::new();
        let identity = authority.signs(&["tools.test"], Years::Now);
        let acceptor = TlsAcceptor::from(identity.server(&["h2"]));
        let bound = Bound::bind("127.0.0.1:0").unwrap();
        bound.set_nonblocking(true).unwrap();
        let address = bound.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(serve(bound, acceptor, Arc::clone(&seen)));
        Self { address, authority, seen, _runtime: runtime }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// A run with this fault, calling these tools.
    fn run(&self, fault: &str, tools: &str) -> Report {
        let (place, port) = (Place::new(), self.address.port());
        place.file("ca.pem", &self.authority.pem());
        let tools = format!("[tools]\nallow = {tools}\n");
        place.file("resets.toml", &format!("{SCENARIO}{tools}[[fault]]\nat = '0s'\n{fault}\n"));
        let order = place.run_file("resets.toml", "report").patient().sets([
            ("target.tls.ca_file", r#""ca.pem""#),
            ("target.resolve", &format!("\"tools.test:{port}=127.0.0.1\"")),
        ]);
        let report = order.target(&format!("https://tools.test:{port}/mcp")).go().report();
        adds_up(&report);
        assert_eq!(report.at("/findings"), &json!([]), "{fault}");
        report
    }
}

async fn serve(bound: Bound, acceptor: TlsAcceptor, seen: Arc<Mutex<Seen>>) {
    let listener = TcpListener::from_std(bound).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            seen.lock().unwrap().opened += 1;
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            seen.lock().unwrap().spoke += 1;
            while let Some(Ok((request, respond))) = connection.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let answered = answer(request, respond, &seen).await;
                    // Its client may have left before it was asked in full.
                    let left = answered.err().and_then(|error| error.reason());
                    seen.lock().unwrap().reset.extend(left);
                });
            }
        });
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: &Mutex<Seen>,
) -> Result<(), h2::Error> {
    if request.method() == Method::GET {
        until_reset(respond, ":\n\n", seen).await;
        return Ok(());
    }
    let message: Value = serde_json::from_slice(&whole(request.into_body()).await?).unwrap();
    if message["params"]["name"] == "held" {
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/message",
            "params": { "level": "info", "data": "begun" } });
        until_reset(respond, &format!("data: {note}\n\n"), seen).await;
        return Ok(());
    }
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "serverInfo": { "name": "h2", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [tool("quick"), tool("held")] }),
        Some("tools/call") => json!({ "content": [] }),
        _ => {
            let taken = Response::builder().status(202).body(()).unwrap();
            return respond.send_response(taken, true).map(drop);
        }
    };
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
    respond.send_response(head("application/json"), false)?.send_data(body.into(), true)
}

fn head(media: &str) -> Response<()> {
    Response::builder().header("content-type", media).body(()).unwrap()
}

async fn whole(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        bytes.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    Ok(bytes)
}

/// Says something on a stream and keeps it open until its client has left it.
async fn until_reset(mut respond: SendResponse<Bytes>, said: &str, seen: &Mutex<Seen>) {
    let left = match respond.send_response(head("text/event-stream"), false) {
        Ok(mut stream) => {
            let _left_already = stream.send_data(Bytes::from(said.to_owned()), false).is_err();
            poll_fn(|context| stream.poll_reset(context)).await
        }
        Err(_left_already) => poll_fn(|context| respond.poll_reset(context)).await,
    };
    let mut seen = seen.lock().unwrap();
    match left {
        Ok(reason) => seen.reset.push(reason),
        Err(_) => seen.lost += 1,
    }
}

/// Waits until a server has seen so many streams reset, and holds it to nothing else having ended.
#[track_caller]
fn were_reset(server: &Server, count: u64, what: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while (server.seen().reset.len() as u64) < count && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    let Seen { opened, reset, lost, .. } = server.seen();
    assert_eq!((reset.len() as u64, lost), (count, 0), "{what}");
    assert!(reset.iter().all(|reason| *reason == Reason::CANCEL), "{what}: {reset:?}");
    // One of the look before the load, and one of the load.
    assert_eq!(opened, 2, "{what}");
}

#[test]
fn streams_that_a_client_leaves_are_reset_and_the_others_go_on() {
    let rows = [
        ("kind = 'cut-stream'\npoint = 'after-events'\nevents = 1", "cut_stream"),
        (
            "kind = 'cut-stream'\npoint = 'after-events'\nevents = 1\nparting = 'close'",
            "cut_stream",
        ),
        ("kind = 'abandon'", "cancelled"),
        ("kind = 'abandon'\nafter = '30ms'\nparting = 'close'", "cancelled"),
    ];
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(move || leaves(row));
        }
    });
}

/// Every call of one tool is left so and ends so; all others are answered.
fn leaves((fault, outcome): (&str, &str)) {
    let server = Server::start();
    let report = server.run(&format!("{fault}\nmatch.tool = 'held'"), r#"["quick", "held"]"#);
    let calls = |tool: &str| report.count(&format!("/summary/tools/{tool}/count"));
    let (quick, held) = (calls("quick"), calls("held"));
    assert_eq!(quick + held, 32, "{fault}");
    assert_eq!(report.count("/summary/outcomes/ok"), quick, "{fault}");
    assert_eq!(report.count(&format!("/summary/outcomes/{outcome}")), held, "{fault}");
    were_reset(&server, held, fault);
}

#[test]
fn streams_beside_calls_are_reset_when_their_time_is_over() {
    let server = Server::start();
    let fault = "kind = 'idle-streams'\nkeep = '50ms'";
    let report = server.run(fault, r#"["quick"]"#);
    assert_eq!(report.outcomes(), ["ok"]);
    let streams = report.count("/summary/exchanges/GET stream");
    // A user who has done its last call may leave before the stream beside that was asked for.
    assert!((28..=32).contains(&streams), "{streams}");
    were_reset(&server, streams, fault);
}

#[test]
fn connections_that_stop_in_the_middle_of_the_preface_stand_beside_the_load() {
    let server = Server::start();
    let report = server.run("kind = 'half-open'\nconnections = 7", r#"["quick"]"#);
    assert_eq!(report.outcomes(), ["ok"]);
    let Seen { opened, spoke, .. } = server.seen();
    assert_eq!((opened, spoke), (9, 2));
    let notes = report.at("/scenario/notes").as_array().unwrap();
    let stood = "7 half-open connections stood, 0 could not be opened, 0 were";
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains(stood)), "{notes:?}");
}
