//! One exchange against a scripted server, on paused time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::line::Lines;
use super::*;

use crate::engine::rehearsal::{
    CONNECT_BUDGET, Do, Seen, Server, Told, chunk, event, json_reply, ms, reply, stream_head, wire,
};
use crate::engine::weather::Spell;
use crate::model::event::Exchange;
use crate::protocol::sse;

mod partings;
mod spells;

const BUDGET: Duration = Duration::from_secs(10);
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// A wire, its server, and a user's connections.
struct Stand {
    server: Server,
    wire: Wire,
    lines: Lines,
    spell: Option<Spell>,
}

/// What one exchange came to.
#[derive(Debug)]
struct Came {
    reply: Result<Reply, Outcome>,
    body: Vec<u8>,
    events: Vec<String>,
    told: Exchange,
}

impl Stand {
    fn of(server: Server) -> Self {
        Self { wire: wire(&server), server, lines: Lines::default(), spell: None }
    }

    fn new(script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> Self {
        Self::of(Server::new(script))
    }

    /// One POST, which must end within [`BUDGET`]. An event with `"id"` is the answer.
    async fn ask(&self) -> Came {
        self.ask_then(async {}).await
    }

    /// One POST whose record is kept open, its connection at rest, until this has happened.
    async fn ask_then(&self, meanwhile: impl Future<Output = ()>) -> Came {
        let ending = Ending::default();
        let mut trail = Trail::begin(&self.wire, &ending, 0, Operation::ToolsCall);
        trail.suffers(self.spell);
        let headers = HeaderMap::from_iter([(http::header::HOST, "tools.test".parse().unwrap())]);
        let request = Request {
            operation: Operation::ToolsCall,
            method: Method::POST,
            headers,
            body: Bytes::from_static(b"{}"),
            to: None,
        };
        let deadline = self.wire.clock.now() + BUDGET;
        let (mut body, mut events) = (Vec::new(), Vec::new());
        let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
            if event.name != b"message" {
                return Flow::Continue;
            }
            let text = String::from_utf8_lossy(event.data).into_owned();
            let flow = if text.contains("\"id\"") { Flow::Answered } else { Flow::Continue };
            events.push(text);
            flow
        };
        let reply = self
            .wire
            .exchange(&self.lines, &mut trail, request, deadline, &mut body, &mut on_event)
            .await;
        meanwhile.await;
        trail.finish(reply.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Ok));
        let told = Told::by(&self.wire.recorder);
        assert_eq!(told.exchanges.len(), 1, "every exchange is told once");
        Came { reply, body, events, told: told.exchanges[0] }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_is_not_changed_by_who_uses_its_connection_next() {
    let slow = |_: &Seen| vec![Do::After(ms(10)), Do::Write(json_reply(ANSWER))];
    let stand = Stand::new(slow);
    let alone = stand.ask().await.told;
    let next = async {
        stand.wire.clock.sleep(ms(5)).await;
        stand.ask().await;
    };
    let followed = stand.ask_then(next).await.told;
    assert_eq!(stand.server.connections(), 1);
    assert_eq!((alone.sent, followed.sent), (Some(ms(0)), Some(ms(10))));
    assert_eq!(followed.bytes_sent, alone.bytes_sent);
    assert_eq!(followed.bytes_received, alone.bytes_received);
}

/// The script that writes all of this at once.
fn writes(bytes: Vec<u8>) -> impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static {
    move |_| vec![Do::Write(bytes.clone())]
}

/// The script that writes all of this and closes.
fn writes_and_closes(bytes: Vec<u8>) -> impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static {
    move |_| vec![Do::Write(bytes.clone()), Do::Close]
}

fn stream(text: &str) -> Vec<u8> {
    [stream_head(), chunk(text), chunk("")].concat()
}

/// As [`stream`], never ended.
fn open_stream(text: &str) -> Vec<u8> {
    [stream_head(), chunk(text)].concat()
}

#[tokio::test(start_paused = true)]
async fn instants_of_a_json_answer() {
    let (head, body) = (json_reply(ANSWER), ANSWER.len());
    let (head, body) = (head[..head.len() - body].to_vec(), head[head.len() - body..].to_vec());
    let script = move |_: &Seen| {
        let (head, body) = (head.clone(), body.clone());
        vec![Do::After(ms(100)), Do::Write(head), Do::After(ms(10)), Do::Write(body)]
    };
    let stand = Stand::of(Server::behind(ms(7), ms(20), None, script));
    stand.wire.clock.sleep(ms(1)).await;
    let came = stand.ask().await;
    assert_eq!(came.body, ANSWER.as_bytes());
    let told = came.told;
    let opened = told.opened.unwrap();
    assert_eq!((told.began, opened.dns, opened.tcp), (ms(1), ms(7), ms(20)));
    assert_eq!((opened.tls, opened.resumed, opened.http2), (None, false, false));
    assert_eq!((told.sent, told.headers), (Some(ms(28)), Some(ms(128))));
    assert_eq!((told.first_event, told.answer, told.end), (None, Some(ms(138)), ms(138)));
    assert_eq!((told.status, told.outcome), (Some(200), Outcome::Ok));
    let sent = "POST /mcp HTTP/1.1\r\nhost: tools.test\r\ncontent-length: 2\r\n\r\n{}".len();
    assert_eq!(told.bytes_sent as usize, sent);
    assert_eq!(told.bytes_received as usize, json_reply(ANSWER).len());
}

#[tokio::test(start_paused = true)]
async fn instants_of_a_streamed_answer() {
    let stand = Stand::new(|_| {
        vec![
            Do::Write(stream_head()),
            Do::After(ms(5)),
            Do::Write(chunk(": soon\n\n")),
            Do::After(ms(5)),
            Do::Write(chunk(&event("{}"))),
            Do::After(ms(30)),
            Do::Write(chunk(&event(ANSWER))),
            Do::After(ms(4)),
            Do::Write(chunk("")),
        ]
    });
    let came = stand.ask().await;
    let told = came.told;
    assert_eq!((told.sent, told.headers), (Some(ms(0)), Some(ms(0))));
    assert_eq!((told.first_event, told.answer, told.end), (Some(ms(10)), Some(ms(40)), ms(44)));
    assert_eq!(came.events, ["{}", ANSWER]);
    assert!(came.reply.unwrap().answered);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_was_read_is_used_again() {
    for bytes in [json_reply(ANSWER), stream(&event(ANSWER)), reply(202, &[], "")] {
        let stand = Stand::new(writes(bytes));
        let first = stand.ask().await.told;
        assert_eq!(first.opened.map(|opened| (opened.dns, opened.tcp)), Some((ms(0), ms(0))));
        for _ in 0..3 {
            let again = stand.ask().await.told;
            assert_eq!((again.opened, again.outcome), (None, Outcome::Ok));
            assert_eq!(again.bytes_sent, first.bytes_sent);
        }
        assert_eq!((stand.server.connections(), stand.server.seen().len()), (1, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_the_server_closed_is_replaced_before_use() {
    for (open, pause) in [(0, 0), (0, 1), (99, 100), (1_000, 5_000)] {
        let close = [Do::Write(json_reply(ANSWER)), Do::After(ms(open)), Do::Close];
        let stand = Stand::new(move |_| close.to_vec());
        for number in 1..=3 {
            let came = stand.ask().await;
            assert_eq!(came.told.outcome, Outcome::Ok, "open for {open}, after {pause} ms");
            assert_eq!(stand.server.connections(), number);
            stand.wire.clock.sleep(ms(pause)).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(stand.server.seen().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_goes_on_after_its_answer_costs_20_ms_and_its_connection() {
    let stand = Stand::new(writes(open_stream(&event(ANSWER))));
    let told = stand.ask().await.told;
    assert_eq!((told.answer, told.end, told.outcome), (Some(ms(0)), ms(20), Outcome::Ok));
    tokio::task::yield_now().await;
    assert_eq!(stand.server.closed(), 1);
    stand.ask().await;
    assert_eq!(stand.server.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_late_but_in_time_keeps_its_connection() {
    let stand = Stand::new(|_| {
        let answer = Do::Write(open_stream(&event(ANSWER)));
        vec![answer, Do::After(ms(19)), Do::Write(chunk(""))]
    });
    assert_eq!(stand.ask().await.told.end, ms(19));
    stand.ask().await;
    assert_eq!(stand.server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn broken_answers_have_names_and_are_asked_for_once() {
    let cut_body = reply(200, &["content-type: application/json"], ANSWER);
    let cut_body = cut_body[..cut_body.len() - 5].to_vec();
    let closed = Outcome::Connect(ConnectFailure::Closed);
    let not_http = Outcome::Connect(ConnectFailure::NotHttp);
    let cases: [(&str, Vec<u8>, Outcome); 7] = [
        ("closed before the head", Vec::new(), closed),
        ("closed in the head", b"HTTP/1.1 200 OK\r\ncontent-".to_vec(), closed),
        ("garbage", b"220 mail.test ESMTP\r\n".to_vec(), not_http),
        ("binary garbage", b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), not_http),
        ("HTTP/2 preface", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00".to_vec(), not_http),
        ("cut body", cut_body, Outcome::CutStream),
        ("cut stream", open_stream("data: {\"i"), Outcome::CutStream),
    ];
    for (what, bytes, expected) in cases {
        let stand = Stand::new(writes_and_closes(bytes));
        let came = stand.ask().await;
        assert_eq!(came.reply.map(|_| ()), Err(expected), "{what}");
        assert_eq!(came.told.outcome, expected, "{what}");
        assert!(came.told.sent.is_some(), "{what}");
        let seen = (stand.server.connections(), stand.server.seen().len());
        assert_eq!(seen, (1, 1), "nothing is tried again: {what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_its_answer_is_said_so() {
    let stand = Stand::new(writes(stream(": nothing\n\n")));
    let came = stand.ask().await;
    assert!(!came.reply.unwrap().answered);
    assert_eq!((came.told.first_event, came.told.answer), (None, None));
}

#[tokio::test(start_paused = true)]
async fn failures_to_connect_are_never_sent() {
    for failure in [ConnectFailure::Refused, ConnectFailure::Dns, ConnectFailure::Exhausted] {
        let server = Server::behind(ms(3), ms(0), Some(failure), |_| Vec::new());
        let told = Stand::of(server).ask().await.told;
        assert_eq!(told.outcome, Outcome::Connect(failure));
        assert_eq!((told.sent, told.bytes_sent, told.end), (None, 0, ms(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_exactly_at_the_budget() {
    let silent = Stand::new(|_| vec![Do::Hang]);
    let told = silent.ask().await.told;
    assert_eq!((told.outcome, told.end), (Outcome::Timeout, BUDGET));
    tokio::task::yield_now().await;
    assert_eq!((silent.server.closed(), silent.server.seen().len()), (1, 1));

    let in_body = Stand::new(|_| vec![Do::Write(open_stream(": x\n\n")), Do::Hang]);
    let told = in_body.ask().await.told;
    assert_eq!((told.outcome, told.end, told.headers), (Outcome::Timeout, BUDGET, Some(ms(0))));

    let far = Server::behind(ms(0), Duration::from_secs(3600), None, |_| Vec::new());
    let told = Stand::of(far).ask().await.told;
    assert_eq!(told.outcome, Outcome::Connect(ConnectFailure::TimedOut));
    assert_eq!((told.end, told.sent, told.bytes_sent), (CONNECT_BUDGET, None, 0));
}

#[tokio::test(start_paused = true)]
async fn floods_are_bounded() {
    const SLACK: u64 = 1024 * 1024;
    let endless = |head: &str| {
        let head = head.as_bytes().to_vec();
        Stand::new(move |_| vec![Do::Write(head.clone()), Do::Flood(b'x')])
    };
    let json = "content-type: application/json";
    let sse = "content-type: text/event-stream";
    let length = 100 * 1024 * 1024;
    let cases = [
        (format!("HTTP/1.1 200 OK\r\n{sse}\r\n\r\ndata: "), BODY_LIMIT as u64),
        (format!("HTTP/1.1 200 OK\r\n{sse}\r\n\r\ndata"), BODY_LIMIT as u64),
        (format!("HTTP/1.1 200 OK\r\n{json}\r\n\r\n"), BODY_LIMIT as u64),
        (format!("HTTP/1.1 200 OK\r\n{json}\r\ncontent-length: {length}\r\n\r\n"), 0),
        ("HTTP/1.1 200 OK\r\nx-flood: ".to_owned(), 64 * 1024),
        (format!("HTTP/1.1 200 OK\r\n{}", "x-flood: 1\r\n".repeat(20_000)), 64 * 1024),
    ];
    for (head, limit) in cases {
        let what = head.chars().take(60).collect::<String>();
        let stand = endless(&head);
        let told = stand.ask().await.told;
        assert_eq!(told.outcome, Outcome::Violation(Rule::TooLarge), "{what}");
        let most = limit.max(BODY_LIMIT as u64 * u64::from(limit == 0)) + SLACK;
        assert!(u64::from(told.bytes_received) < most, "{what}: {}", told.bytes_received);
        assert!(stand.server.written() < most, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_given_up_while_connecting_was_not_sent() {
    let stand = Stand::of(Server::behind(ms(0), ms(1_000), None, |_| Vec::new()));
    assert!(stand.wire.clock.by(ms(500), stand.ask()).await.is_none());
    let told = Told::by(&stand.wire.recorder);
    assert_eq!((told.exchanges.len(), told.sent()), (1, 0));
    assert_eq!(told.exchanges[0].outcome, Outcome::Unfinished);
    assert_eq!(stand.wire.recorder.gauges.exchanges.load(Ordering::Relaxed), 0);
    assert_eq!(stand.server.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_given_up_in_flight_was_sent_and_its_connection_closes() {
    let stand = Stand::new(|_| vec![Do::Hang]);
    assert!(stand.wire.clock.by(ms(500), stand.ask()).await.is_none());
    let told = Told::by(&stand.wire.recorder);
    assert_eq!((told.exchanges.len(), told.sent()), (1, 1));
    tokio::task::yield_now().await;
    assert_eq!((stand.server.seen().len(), stand.server.closed()), (1, 1));
}

/// Bytes of an answer with all that a stream may hold, in one of the line ends.
fn rich_stream(line_end: &str) -> Vec<u8> {
    let text = format!(
        "\u{feff}id: 1\ndata:\n\n: comment\n\nevent: other\ndata: {{\"id\":9}}\n\nevent: message\n\
         data: {{\"method\":\ndata: \"x\"}}\n\n{}",
        event(ANSWER)
    );
    let text = text.replace('\n', line_end);
    let (one, two) = text.split_at(text.len() / 2 + 1);
    [stream_head(), chunk(one), chunk(two), chunk("")].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_split_of_an_answer_is_the_same_answer(
        mut cuts in prop::collection::vec(0.0..1.0_f64, 0..6),
        kind in 0..4_usize,
    ) {
        let bytes = match kind {
            0 => json_reply(ANSWER),
            1 => rich_stream("\n"),
            2 => rich_stream("\r\n"),
            _ => rich_stream("\r"),
        };
        cuts.sort_by(f64::total_cmp);
        let mut ends: Vec<_> = cuts.iter().map(|cut| (cut * bytes.len() as f64) as usize).collect();
        ends.push(bytes.len());
        let script = move |_: &Seen| {
            let mut from = 0;
            let parts = ends.iter().flat_map(|&to| {
                let part = bytes[std::mem::replace(&mut from, to)..to].to_vec();
                [Do::Write(part), Do::After(ms(1))]
            });
            parts.collect()
        };
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        let came = runtime.block_on(async { Stand::new(script).ask().await });
        prop_assert_eq!(came.told.outcome, Outcome::Ok);
        if kind == 0 {
            prop_assert_eq!(came.body, ANSWER.as_bytes());
        } else {
            prop_assert_eq!(came.events, ["{\"method\":\n\"x\"}", ANSWER]);
        }
    }
}
