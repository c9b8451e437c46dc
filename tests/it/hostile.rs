//! A server that does everything a client must bear, in turn, while others call it, too: the run
//! goes on, ends with its report, names what it found, and holds little memory.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::squall::Place;
use crate::storm::adds_up;
use crate::stranger::{Stranger, answer, request};

const MIB: usize = 1024 * 1024;
const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// What a server does with a call: some bytes, then others again and again, so many times.
type Kind = (&'static str, String, Vec<u8>, usize);

/// Everything in turn; what is written once ends with the connection.
fn kinds() -> Vec<Kind> {
    let x = |count| vec![b'x'; count];
    let ping = b"data: {\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n\n".to_vec();
    let foreign = b"data: {\"jsonrpc\":\"2.0\",\"method\":1}\n\n".to_vec();
    let comment = [b": ".to_vec(), x(MIB), b"\n\n".to_vec()].concat();
    let utf8 = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"\xff\":1}}".to_vec();
    let cursor = b"id: \x01\nretry: 99999999999\ndata:\n\n".to_vec();
    let wait = "HTTP/1.1 429 X\r\nretry-after: 18446744073709551615\r\n\r\n";
    let to = "HTTP/1.1 307 X\r\nlocation: http://127.0.0.2:9/\r\ncontent-length: 0\r\n\r\n";
    let coded =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n";
    vec![
        ("100 MB in one event", format!("{STREAM}data: "), x(MIB), 100),
        ("a body without end", format!("{JSON}\r\n"), x(MIB), 1_000),
        ("comments without end", STREAM.to_owned(), comment, 1_000),
        ("invalid UTF-8", format!("{JSON}\r\n"), utf8, 1),
        ("deep JSON", format!("{JSON}\r\n"), vec![b'['; MIB], 10),
        ("a redirect elsewhere", to.to_owned(), Vec::new(), 0),
        ("a bomb", coded.to_owned(), vec![0x1f; MIB], 1_000),
        ("a flood of headers", JSON.to_owned(), b"x-flood: 1\r\n".repeat(1_000), 1_000),
        ("control characters", format!("{JSON}mcp-session-id: a\u{1}b\r\n\r\n"), Vec::new(), 0),
        ("pings without end", STREAM.to_owned(), ping, 1_000_000),
        ("what is no message", STREAM.to_owned(), foreign, 1),
        ("a stream to be taken up never", STREAM.to_owned(), cursor, 1),
        ("a wait for ever", wait.to_owned(), Vec::new(), 0),
        ("nothing at all", String::new(), Vec::new(), 0),
    ]
}

/// The sound answer to a message, if it has one.
fn sound(message: &Value) -> Option<Value> {
    let tool = json!({ "name": "echo", "inputSchema": { "type": "object" },
        "annotations": { "readOnlyHint": true } });
    match message["method"].as_str()? {
        "initialize" => Some(json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "serverInfo": { "name": "\u{1b}[31m".to_owned() + &"n".repeat(MIB), "version": "1" } })),
        "tools/list" => Some(json!({ "tools": [tool] })),
        "tools/call" => Some(json!({ "content": [] })),
        _ => None,
    }
}

/// Does with the connection what it does in this turn; whether anything else can follow.
fn serve(stream: TcpStream, kinds: &[Kind], turn: &AtomicUsize) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (head, body) = request(&mut stream)?;
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let to = stream.get_mut();
        if head.starts_with("GET") {
            // Answers on a stream that has none, as long as somebody listens.
            let foreign = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n".repeat(100);
            to.write_all(STREAM.as_bytes()).ok()?;
            loop {
                to.write_all(foreign.as_bytes()).ok()?;
            }
        }
        // Every second call is answered soundly.
        let turn = (message["method"] == "tools/call").then(|| turn.fetch_add(1, Ordering::SeqCst));
        if let Some(turn) = turn.filter(|turn| turn % 2 == 0) {
            let (_, first, again, count) = &kinds[turn / 2 % kinds.len()];
            to.write_all(first.as_bytes()).ok()?;
            return (0..*count).try_for_each(|_| to.write_all(again).ok());
        }
        let answer = match sound(&message) {
            Some(result) => {
                let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
                answer("200 OK", "application/json", &body.to_string())
            }
            None => "HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        to.write_all(answer.as_bytes()).ok()?;
    }
}

#[test]
fn a_run_against_everything_bad_ends_with_its_report() {
    let (kinds, turn) = (Arc::new(kinds()), Arc::new(AtomicUsize::new(0)));
    let (all, counted) = (kinds.len(), Arc::clone(&turn));
    let stranger = Stranger::that(move |stream| {
        let _left = serve(stream, &kinds, &turn).is_none();
    });
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&stranger.url());
    let running = order.set("load.steady", r#"{ calls = 20, think = "1ms" }"#).start();
    let memory = running.peak_memory();
    let done = running.end();
    let memory = memory.join().unwrap();
    let report = done.exits(4).report();
    adds_up(&report);
    let calls = counted.load(Ordering::SeqCst);
    assert!(calls >= 2 * all, "every kind had its turn: {calls} calls");
    assert!(report.count("/summary/outcomes/ok") >= all as u64, "those between were answered");
    let findings = report.at("/findings").as_array().unwrap();
    let mut named: Vec<_> = findings.iter().filter_map(|finding| finding["id"].as_str()).collect();
    named.sort_unstable();
    for rule in [
        "bad-event-id",
        "not-json",
        "not-json-rpc",
        "redirect",
        "request-flood",
        "too-large",
        "unasked-coding",
        "wrong-stream",
    ] {
        assert!(named.iter().any(|name| name.ends_with(rule)), "{rule} is not among {named:?}");
    }
    assert!(memory > MIB as u64 && memory < 512 * MIB as u64, "{} MiB", memory / MIB as u64);
    assert!(!done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'));
    assert_eq!(place.names(), ["report"]);
}
