//! The same over HTTP/2, frame by frame: a server that does everything a client must bear, in turn,
//! while others call it, too.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::squall::Place;
use crate::storm::adds_up;
use crate::stranger::Stranger;

const MIB: usize = 1024 * 1024;
const PREFACE: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
/// Of DATA and HEADERS; of SETTINGS it is ACK.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` and `content-type: application/json` (RFC 7541, appendix A: 8 and 31).
const JSON: &[u8] = b"\x88\x0f\x10\x10application/json";
/// `:status: 202`.
const ACCEPTED: &[u8] = b"\x08\x03202";
/// The connection's own stream.
const OWN: Stream = [0; 4];

type Stream = [u8; 4];

/// What a server does with a call: some frames, then others again and again, so many times. What is
/// written once ends with the connection, or stalls where it is nothing.
type Kind = (&'static str, fn(Stream) -> (Vec<u8>, Vec<u8>, usize));

fn frame(kind: u8, flags: u8, stream: Stream, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags], &stream[..], payload].concat()
}

/// Fields that nobody indexes.
fn fields(count: usize) -> Vec<u8> {
    b"\x00\x07x-flood\x011".repeat(count)
}

const KINDS: [Kind; 10] = [
    ("nothing at all", |_| (Vec::new(), Vec::new(), 0)),
    ("GOAWAY at once", |_| (frame(GOAWAY, 0, OWN, &[0; 8]), Vec::new(), 1)),
    ("RST_STREAM in the answer", |stream| {
        let head = frame(HEADERS, END_HEADERS, stream, JSON);
        ([head, frame(RST_STREAM, 0, stream, &[0, 0, 0, 2])].concat(), Vec::new(), 1)
    }),
    ("DATA without end", |stream| {
        let head = frame(HEADERS, END_HEADERS, stream, JSON);
        (head, frame(DATA, 0, stream, &[b' '; 16_384]), 10_000)
    }),
    ("DATA with nothing in it", |stream| {
        (frame(HEADERS, END_HEADERS, stream, JSON), frame(DATA, 0, stream, &[]), 1_000_000)
    }),
    ("a head without end", |stream| {
        (frame(HEADERS, 0, stream, b"\x88"), frame(CONTINUATION, 0, stream, &fields(1_000)), 10_000)
    }),
    ("trailers without end", |stream| {
        let head = frame(HEADERS, END_HEADERS, stream, JSON);
        let trailers = frame(HEADERS, END_STREAM, stream, &fields(1));
        ([head, trailers].concat(), frame(CONTINUATION, 0, stream, &fields(1_000)), 10_000)
    }),
    ("a flood of SETTINGS", |_| {
        (Vec::new(), frame(SETTINGS, 0, OWN, &[0, 4, 0, 0, 0, 1]).repeat(100), 200)
    }),
    ("a flood of PING", |_| (Vec::new(), frame(PING, 0, OWN, &[0; 8]).repeat(100), 200)),
    ("what is no frame", |_| (vec![0xff; MIB], Vec::new(), 1)),
];

/// Kind, flags, stream and payload of the next frame.
fn next(from: &mut TcpStream) -> io::Result<(u8, u8, Stream, Vec<u8>)> {
    let mut head = [0; 9];
    from.read_exact(&mut head)?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    from.read_exact(&mut payload)?;
    Ok((kind, flags, stream, payload))
}

/// The sound answer to a message.
fn sound(message: &Value, stream: Stream) -> Vec<u8> {
    let tool = json!({ "name": "echo", "inputSchema": { "type": "object" },
        "annotations": { "readOnlyHint": true } });
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "serverInfo": { "name": "hostile", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [tool] }),
        Some("tools/call") => json!({ "content": [] }),
        _ => return frame(HEADERS, END_HEADERS | END_STREAM, stream, ACCEPTED),
    };
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
    let head = frame(HEADERS, END_HEADERS, stream, JSON);
    [head, frame(DATA, END_STREAM, stream, body.as_bytes())].concat()
}

/// Serves a connection until it has done to it what it does in this turn.
fn serve(mut pipe: TcpStream, turn: &AtomicUsize) -> io::Result<()> {
    pipe.read_exact(&mut [0; PREFACE])?;
    pipe.write_all(&frame(SETTINGS, 0, OWN, &[]))?;
    let mut bodies: HashMap<Stream, Vec<u8>> = HashMap::new();
    loop {
        let (kind, flags, stream, payload) = next(&mut pipe)?;
        if kind == SETTINGS && flags & END_STREAM == 0 {
            pipe.write_all(&frame(SETTINGS, 1, OWN, &[]))?;
        }
        if kind == DATA {
            bodies.entry(stream).or_default().extend(&payload);
        }
        if !matches!(kind, DATA | HEADERS) || flags & END_STREAM == 0 {
            continue;
        }
        let body = bodies.remove(&stream).unwrap_or_default();
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        // Every second call is answered soundly.
        let turn = (message["method"] == "tools/call").then(|| turn.fetch_add(1, Ordering::SeqCst));
        let Some(turn) = turn.filter(|turn| turn % 2 == 0) else {
            pipe.write_all(&sound(&message, stream))?;
            continue;
        };
        let (first, again, count) = KINDS[turn / 2 % KINDS.len()].1(stream);
        pipe.write_all(&first)?;
        for _ in 0..count {
            pipe.write_all(&again)?;
        }
        if count > 0 {
            return Ok(());
        }
    }
}

#[test]
fn a_run_against_everything_bad_of_http_2_ends_with_its_report() {
    let turn = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turn);
    let stranger = Stranger::that(move |stream| {
        let _left = serve(stream, &turn).is_err();
    });
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&stranger.url()).sets([
        ("target.http", r#""2""#),
        ("clients.override.stream_share", "0.0"),
        ("clients.override.call_timeout", r#""1s""#),
        ("load.steady", r#"{ calls = 20, think = "1ms" }"#),
    ]);
    let running = order.start();
    let memory = running.peak_memory();
    let done = running.end();
    let memory = memory.join().unwrap();
    let report = done.exits(4).report();
    adds_up(&report);
    let calls = counted.load(Ordering::SeqCst);
    assert!(calls >= 2 * KINDS.len(), "every kind had its turn: {calls} calls");
    let ok = report.count("/summary/outcomes/ok");
    assert!(ok >= KINDS.len() as u64, "those between were answered: {ok}");
    let had = report.outcomes();
    for outcome in ["connect_failure", "cut_stream", "timeout", "violation"] {
        assert!(had.contains(&outcome), "{outcome} is not among {had:?}");
    }
    let findings = report.at("/findings").as_array().unwrap();
    let named: Vec<_> = findings.iter().filter_map(|finding| finding["id"].as_str()).collect();
    assert_eq!(named.iter().filter(|name| **name == "too-large").count(), 1, "{named:?}");
    assert!(memory > MIB as u64 && memory < 256 * MIB as u64, "{} MiB", memory / MIB as u64);
    assert_eq!(place.names(), ["report"]);
}
