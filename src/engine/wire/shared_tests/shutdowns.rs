//! Targets that end their connections while those are in use, or refuse a stream: what they did
//! nothing about is asked again.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frame::{self, DATA, END_STREAM, GOAWAY, HEADERS, SETTINGS, frame};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_asked_again_and_told_once() {
    let script = |number| match number {
        0 => vec![Do::Reset(Reason::REFUSED_STREAM)],
        _ => JSON.to_vec(),
    };
    let stand = Stand::new(script);
    assert_eq!(stand.ask().await.as_deref(), Ok(ANSWER));
    assert_eq!(stand.counts(), (1, 2));
    let told = stand.told();
    assert_eq!((told.len(), told[0].unprocessed), (1, 1));
    assert_eq!(stand.wire.recorder.gauges.exchanges.load(Ordering::Relaxed), 1);

    let stubborn = Stand::new(|_| vec![Do::Reset(Reason::REFUSED_STREAM)]);
    assert_eq!(stubborn.ask().await, Err(Outcome::Connect(ConnectFailure::Closed)));
    assert_eq!(stubborn.counts(), (1, UNPROCESSED_LIMIT as usize));
    assert_eq!(u32::from(stubborn.told()[0].unprocessed), UNPROCESSED_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_shut_down_finishes_what_it_has_and_gets_no_more() {
    let stand = Stand::with(100, 1, |_| [&[Do::After(ms(100))], &JSON[..]].concat());
    let later = async {
        stand.wire.clock.sleep(ms(50)).await;
        stand.ask().await
    };
    let (first, second) = join(stand.ask(), later).await;
    assert_eq!((first.as_deref(), second.as_deref()), (Ok(ANSWER), Ok(ANSWER)));
    assert_eq!(stand.counts(), (2, 2));
}

/// Takes seven requests a connection, and says so when it has them; then it answers those.
#[derive(Debug, Default)]
struct Seven {
    connections: AtomicUsize,
}

impl Connect for Seven {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        self.connections.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(seven(theirs));
            let opened = Opened { dns: ms(0), tcp: ms(0), tls: None, resumed: false, http2: true };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }

    fn may_multiplex(&self) -> bool {
        true
    }
}

async fn seven(pipe: DuplexStream) -> std::io::Result<()> {
    let (mut from, mut to) = tokio::io::split(pipe);
    from.read_exact(&mut [0; frame::PREFACE]).await?;
    to.write_all(&frame(SETTINGS, 0, [0; 4], &[])).await?;
    let mut taken = Vec::new();
    while taken.len() < 7 {
        let (kind, flags, stream) = frame::next(&mut from).await?;
        let is_last = flags & END_STREAM != 0;
        match kind {
            SETTINGS if !is_last => to.write_all(&frame(SETTINGS, 1, [0; 4], &[])).await?,
            DATA | HEADERS if is_last => taken.push(stream),
            _ => {}
        }
    }
    tokio::spawn(async move { while frame::next(&mut from).await.is_ok() {} });
    // Whoever was answered knows the connection to be one that answers.
    let (first, rest) = taken.split_first().unwrap();
    to.write_all(&frame::answered(*first, ANSWER.as_bytes())).await?;
    Clock::of_runtime().sleep(ms(1)).await;
    let last = taken.last().unwrap();
    to.write_all(&frame(GOAWAY, 0, [0; 4], &[&last[..], &[0; 4]].concat())).await?;
    for stream in rest {
        to.write_all(&frame::answered(*stream, ANSWER.as_bytes())).await?;
    }
    to.shutdown().await
}

/// Whoever is not among the seven of one connection goes on to the next, until everybody is
/// answered.
#[tokio::test(start_paused = true)]
async fn a_crowd_gets_through_a_target_that_takes_few_requests_a_connection() {
    let target = Arc::new(Seven::default());
    let mut stand = Stand::new(|_| Vec::new());
    stand.wire.connect = Arc::clone(&target) as Arc<dyn Connect>;
    let came = join_all((0..70).map(|_| stand.ask())).await;
    assert!(came.iter().all(|answer| answer.as_deref() == Ok(ANSWER)), "{came:?}");
    assert_eq!(target.connections.load(Ordering::SeqCst), 10);
    let told = stand.told();
    assert!(told.iter().all(|exchange| exchange.outcome == Outcome::Ok));
    let most = told.iter().map(|exchange| exchange.unprocessed).max();
    assert_eq!(most, Some(9), "the last were asked ten times");
}
