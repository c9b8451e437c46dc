//! One connection through the proxy: what arrives on either side goes through its lane to the other.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::lane::{InForce, Lane, Next};
use super::proxy::Force;
use crate::edge::clock::{Clock, Sleep};
use crate::model::fault::Ending;

/// Read at a time, at most.
const CHUNK: usize = 16 * 1024;

/// News of what may befall connections.
pub type News = watch::Receiver<Arc<[Force]>>;

/// How one direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The sender closed, or a fault did so in its place: the receiver was told, after all bytes.
    Finished,
    /// A fault ends the connection.
    By(Ending),
    /// One of the two is gone.
    Broken,
}

/// Carries bytes one way until that way ends. At its end `lane` knows which effects did something.
pub async fn carry<R, W>(
    clock: &Clock,
    (mut from, mut to): (R, W),
    lane: &mut Lane,
    (mut news, side): (News, impl Fn(&[Force]) -> Vec<InForce>),
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let mut alarm: Option<(Duration, Sleep)> = None;
    let mut is_open = true;
    lane.change(clock.now(), &side(&news.borrow_and_update()));
    loop {
        let next = lane.next(clock.now());
        let due = match next {
            Next::Finish => {
                return if to.shutdown().await.is_ok() { Ended::Finished } else { Ended::Broken };
            }
            Next::End(ending) => return Ended::By(ending),
            Next::Wait(due) => Some(due),
            Next::Send | Next::Idle => None,
        };
        if alarm.as_ref().map(|(due, _)| *due) != due {
            alarm = due.map(|due| (due, clock.sleep_until(due)));
        }
        let is_due = next == Next::Send;
        let reads = is_open && lane.has_room();
        if reads {
            buffer.reserve(CHUNK);
        }
        tokio::select! {
            biased;
            sent = to.write(lane.front()), if is_due => match sent {
                Ok(0) | Err(_) => return Ended::Broken,
                Ok(count) => lane.sent(count),
            },
            () = sound(alarm.as_mut()), if alarm.is_some() => alarm = None,
            changed = news.changed() => {
                if changed.is_err() {
                    // Nobody changes anything any more.
                    return Ended::By(Ending::Closed);
                }
                let forces = Arc::clone(&news.borrow_and_update());
                lane.change(clock.now(), &side(&forces));
            }
            read = from.read_buf(&mut buffer), if reads => match read {
                Ok(0) => {
                    is_open = false;
                    lane.finish(clock.now());
                }
                Ok(_) => lane.offer(clock.now(), buffer.split().freeze()),
                Err(_) => return Ended::Broken,
            },
        }
    }
}

async fn sound(alarm: Option<&mut (Duration, Sleep)>) {
    match alarm {
        Some((_, sleep)) => sleep.await,
        None => pending().await,
    }
}
