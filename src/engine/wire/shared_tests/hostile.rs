//! What servers of HTTP/2 must not do to a client, spoken frame by frame: whatever comes is bounded
//! in bytes and in time and has a name, and the next exchange is made.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frame::{self, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, SETTINGS, frame};
use super::*;

const MIB: u64 = 1024 * 1024;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

/// One thing that a server does to the stream of a request.
#[derive(Clone)]
enum Step {
    /// Frames.
    Write(Vec<u8>),
    /// The same frames again and again, with a pause before each time.
    Endless(Vec<u8>, Duration),
    /// Its end of the connection.
    Close,
}

use Step::{Close, Endless, Write};

/// A server's settings, what it does to its first exchange, and what that comes to.
struct Case {
    what: &'static str,
    settings: Vec<u8>,
    script: fn([u8; 4]) -> Vec<Step>,
    expected: Outcome,
    /// It wrote no more than this, in bytes.
    most: u64,
}

/// Serves one connection; what it wrote is counted.
async fn serve(
    pipe: DuplexStream,
    settings: Vec<u8>,
    script: Option<fn([u8; 4]) -> Vec<Step>>,
    written: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let (mut from, mut to) = tokio::io::split(pipe);
    let clock = Clock::of_runtime();
    let mut write = async |bytes: Vec<u8>| {
        to.write_all(&bytes).await?;
        written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        std::io::Result::Ok(())
    };
    from.read_exact(&mut [0; frame::PREFACE]).await?;
    write(frame(SETTINGS, 0, [0; 4], &settings)).await?;
    loop {
        let (kind, flags, stream) = frame::next(&mut from).await?;
        match (kind, flags & END_STREAM != 0) {
            (SETTINGS, false) => write(frame(SETTINGS, 1, [0; 4], &[])).await?,
            (DATA | HEADERS, true) => {
                let Some(script) = script else {
                    write(frame::answered(stream, ANSWER.as_bytes())).await?;
                    continue;
                };
                // Somebody has to read what the client says meanwhile.
                let reading =
                    tokio::spawn(async move { while frame::next(&mut from).await.is_ok() {} });
                for step in script(stream) {
                    match step {
                        Write(bytes) => write(bytes).await?,
                        Endless(bytes, pause) => loop {
                            clock.sleep(pause).await;
                            write(bytes.clone()).await?;
                        },
                        Close => {
                            reading.abort();
                            return Ok(());
                        }
                    }
                }
                return std::future::pending().await;
            }
            _ => {}
        }
    }
}

/// Does what the case says on its first connections, and answers soundly on those after them.
#[derive(Debug, Clone)]
struct Hostile {
    settings: Vec<u8>,
    script: fn([u8; 4]) -> Vec<Step>,
    /// It is sound from now on.
    is_sound: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Connect for Hostile {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        let is_sound = self.is_sound.load(Ordering::SeqCst);
        let script = (!is_sound).then_some(self.script);
        let settings = if is_sound { Vec::new() } else { self.settings.clone() };
        let written = Arc::clone(&self.written);
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(theirs, settings, script, written));
            let opened = Opened { dns: ms(0), tcp: ms(0), tls: None, resumed: false, http2: true };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }

    fn may_multiplex(&self) -> bool {
        true
    }
}

/// A setting (RFC 9113, section 6.5.2).
fn setting(id: u8, value: u32) -> Vec<u8> {
    [&[0, id], &value.to_be_bytes()[..]].concat()
}

/// The head of a JSON answer, whose body follows.
fn head(stream: [u8; 4]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, frame::HEAD)
}

/// Literal fields that are not indexed: `x-flood: 1` again and again (RFC 7541, section 6.2.2).
fn fields(count: usize) -> Vec<u8> {
    b"\x00\x07x-flood\x011".repeat(count)
}

/// A head, or trailers, that goes on for so many frames.
fn long(stream: [u8; 4], flags: u8, begin: &[u8], frames: usize) -> Vec<u8> {
    let first = frame(HEADERS, flags, stream, &[begin, &fields(1_000)].concat());
    let more = frame(CONTINUATION, 0, stream, &fields(1_000));
    [first, more.repeat(frames), frame(CONTINUATION, END_HEADERS, stream, &[])].concat()
}

fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, [0; 4], &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

fn case(what: &'static str, script: fn([u8; 4]) -> Vec<Step>, expected: Outcome) -> Case {
    Case { what, settings: Vec::new(), script, expected, most: 2 * MIB }
}

fn nothing(_: [u8; 4]) -> Vec<Step> {
    Vec::new()
}

/// What is done to one stream.
fn of_streams() -> Vec<Case> {
    let large = Outcome::Violation(Rule::TooLarge);
    vec![
        case("nothing at all", nothing, Outcome::Timeout),
        case(
            "GOAWAY in the answer",
            |stream| vec![Write(head(stream)), Write(goaway(1, 2)), Close],
            Outcome::CutStream,
        ),
        case(
            "RST_STREAM in the answer",
            |stream| vec![Write(head(stream)), Write(frame(RST_STREAM, 0, stream, &[0, 0, 0, 2]))],
            Outcome::CutStream,
        ),
        case(
            "more than there is room for",
            |stream| {
                let data = frame(DATA, 0, stream, &[b' '; 16_384]);
                vec![Write(head(stream)), Write(data.repeat(2_000))]
            },
            Outcome::CutStream,
        ),
        case(
            "a byte now and then",
            |stream| vec![Write(head(stream)), Endless(frame(DATA, 0, stream, b" "), ms(100))],
            Outcome::Timeout,
        ),
        case(
            "DATA with nothing in it",
            |stream| vec![Write(head(stream)), Endless(frame(DATA, 0, stream, b""), ms(10))],
            Outcome::CutStream,
        ),
        case("a large head", |stream| vec![Write(long(stream, 0, b"\x88", 3))], large),
        case(
            "CONTINUATION for ever",
            |stream| {
                let more = frame(CONTINUATION, 0, stream, &fields(100));
                vec![Write(frame(HEADERS, 0, stream, b"\x88")), Endless(more, ms(1))]
            },
            large,
        ),
        case(
            "CONTINUATION with nothing in it",
            |stream| {
                let more = frame(CONTINUATION, 0, stream, &[]);
                vec![Write(frame(HEADERS, 0, stream, b"\x88")), Endless(more, ms(1))]
            },
            large,
        ),
        case(
            "100 Continue for ever",
            |stream| {
                let go_on = frame(HEADERS, END_HEADERS, stream, b"\x08\x03100");
                vec![Endless(go_on, ms(10))]
            },
            Outcome::Timeout,
        ),
        case(
            "trailers that do not end",
            |stream| {
                let more = frame(CONTINUATION, 0, stream, &fields(100));
                let trailers = frame(HEADERS, END_STREAM, stream, &fields(1));
                vec![Write(head(stream)), Write(trailers), Endless(more, ms(1))]
            },
            Outcome::CutStream,
        ),
    ]
}

/// What is done to a whole connection.
fn of_connections() -> Vec<Case> {
    let closed = Outcome::Connect(ConnectFailure::Closed);
    vec![
        case("it hangs up", |_| vec![Close], closed),
        case("GOAWAY at once", |_| vec![Write(goaway(0, 0)), Close], closed),
        case("GOAWAY for a fault", |_| vec![Write(goaway(0, 11)), Close], closed),
        case(
            "SETTINGS for ever",
            |_| vec![Endless(frame(SETTINGS, 0, [0; 4], &setting(4, 1)).repeat(100), ms(10))],
            Outcome::Timeout,
        ),
        case(
            "PING for ever",
            |_| vec![Endless(frame(PING, 0, [0; 4], &[0; 8]).repeat(100), ms(10))],
            Outcome::Timeout,
        ),
        case(
            "frames nobody knows",
            |stream| vec![Endless(frame(99, 0, stream, &[0; 100]).repeat(10), ms(10))],
            Outcome::Timeout,
        ),
        case(
            "a promise nobody wanted",
            |stream| {
                let promise = [&[0, 0, 0, 2], frame::HEAD].concat();
                vec![Write(frame(PUSH_PROMISE, END_HEADERS, stream, &promise))]
            },
            Outcome::Connect(ConnectFailure::NotHttp),
        ),
        case(
            "what is no frame",
            |_| vec![Write(vec![0xff; 1_000])],
            Outcome::Connect(ConnectFailure::NotHttp),
        ),
        case(
            "what is no compressed head",
            |stream| vec![Write(frame(HEADERS, END_HEADERS, stream, &[0xff; 8]))],
            Outcome::Connect(ConnectFailure::NotHttp),
        ),
        Case { settings: setting(3, 0), ..case("no stream allowed", nothing, Outcome::Timeout) },
        Case { settings: setting(4, 0), ..case("no window", nothing, Outcome::Timeout) },
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_is_done_to_a_stream_is_bounded_and_has_a_name() {
    let mut wrong = Vec::new();
    for Case { what, settings, script, expected, most } in
        of_streams().into_iter().chain(of_connections())
    {
        let target =
            Hostile { settings, script, is_sound: Arc::default(), written: Arc::default() };
        let mut stand = Stand::new(|_| Vec::new());
        stand.wire.connect = Arc::new(target.clone());
        let came = stand.ask().await;
        let (told, written) = (stand.told(), target.written.load(Ordering::SeqCst));
        if told.len() != 1 || came != Err(expected) || told[0].outcome != expected {
            wrong.push(format!("{what}: {came:?}, {told:?}"));
        }
        if told[0].end > BUDGET || written > most {
            wrong.push(format!("{what}: until {:?}, {written} bytes", told[0].end));
        }
        target.is_sound.store(true, Ordering::SeqCst);
        // A connection that may still carry something is used again, and fails again: then no more.
        let mut next = stand.ask().await;
        if next.is_err() {
            stand.lines = Lines::default();
            next = stand.ask().await;
        }
        if next.as_deref() != Ok(ANSWER) {
            wrong.push(format!("{what}: then {next:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_read_as_far_as_a_client_reads() {
    let stand = Stand::new(|_| vec![Do::Head("application/json"), Do::Flood]);
    assert_eq!(stand.ask().await, Err(Outcome::Violation(Rule::TooLarge)));
    let told = stand.told();
    let received = u64::from(told[0].bytes_received);
    assert!((16 * MIB..18 * MIB).contains(&received), "{received}");
    assert_eq!(stand.wire.recorder.gauges.held.load(Ordering::Relaxed), 0, "all is given back");
}
