//! A target that lowers the number of streams it allows, spoken frame by frame: `h2` does not.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frame::{self, DATA, END_STREAM, HEADERS, SETTINGS, frame};
use super::*;

/// Connections that were opened, and those of them that the client has ended.
#[derive(Debug, Default)]
struct Seen {
    opened: AtomicUsize,
    ended: AtomicUsize,
}

/// Allows no further stream on its first connection once that has answered.
#[derive(Debug, Clone, Default)]
struct Lowering(Arc<Seen>);

impl Connect for Lowering {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async {
            let number = self.0.opened.fetch_add(1, Ordering::SeqCst);
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let seen = Arc::clone(&self.0);
            tokio::spawn(async move {
                let _client_left = serve(theirs, number == 0).await.is_err();
                seen.ended.fetch_add(1, Ordering::SeqCst);
            });
            let opened = Opened { dns: ms(0), tcp: ms(0), tls: None, resumed: false, http2: true };
            Ok(Link { io: Io::Pipe(ours), opened, mark: None })
        })
    }

    fn may_multiplex(&self) -> bool {
        true
    }
}

/// `SETTINGS_MAX_CONCURRENT_STREAMS` (RFC 9113, section 6.5.2).
fn most(streams: u8) -> Vec<u8> {
    frame(SETTINGS, 0, [0; 4], &[0, 3, 0, 0, 0, streams])
}

async fn serve(mut pipe: DuplexStream, lowers: bool) -> std::io::Result<()> {
    pipe.read_exact(&mut [0; frame::PREFACE]).await?;
    pipe.write_all(&most(100)).await?;
    loop {
        let (kind, flags, stream) = frame::next(&mut pipe).await?;
        let is_last = flags & END_STREAM != 0;
        match kind {
            SETTINGS if !is_last => pipe.write_all(&frame(SETTINGS, 1, [0; 4], &[])).await?,
            DATA | HEADERS if is_last => {
                if lowers {
                    pipe.write_all(&most(0)).await?;
                }
                pipe.write_all(&frame::answered(stream, ANSWER.as_bytes())).await?;
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_allowed_any_more_is_given_up() {
    let target = Lowering::default();
    let mut stand = Stand::new(|_| Vec::new());
    stand.wire.connect = Arc::new(target.clone());
    let seen = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    assert_eq!(stand.ask().await.as_deref(), Ok(ANSWER));
    assert_eq!((seen(&target.0.opened), seen(&target.0.ended)), (1, 0));
    for _ in 0..3 {
        assert_eq!(stand.ask().await.as_deref(), Ok(ANSWER));
    }
    stand.wire.clock.sleep(ms(1)).await;
    assert_eq!((seen(&target.0.opened), seen(&target.0.ended)), (2, 1), "one is kept, one ended");
}
