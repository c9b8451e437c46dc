//! One connection through the proxy: what arrives on either side goes through its lane to the other.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::lane::{InForce, Lane, Next};
use super::proxy::{Force, News};
use crate::edge::clock::{Clock, Sleep};
use crate::edge::mark::Mark;
use crate::model::fault::{Effect, Ending};

/// Read at a time, at most.
const CHUNK: usize = 16 * 1024;

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

/// Carries bytes one way until that way ends; `mark` is told which effects do something.
pub async fn carry<R, W>(
    (clock, mark): (&Clock, &Mark),
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
    let mut effects = side(&news.borrow_and_update());
    lane.change(clock.now(), &effects);
    loop {
        let now = clock.now();
        let next = lane.next(now);
        let touched = lane.take_touched();
        if touched != 0 {
            mark.touch(touched, now);
            mark.lose(touched & losing(&effects));
        }
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
                effects = side(&forces);
                lane.change(clock.now(), &effects);
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

/// Those after which a direction is never again what it was, a bit each by their number.
fn losing(effects: &[InForce]) -> u64 {
    let losing = effects.iter().filter(|force| {
        matches!(force.effect, Effect::Discard(_) | Effect::Limit { .. } | Effect::EndAfter(..))
    });
    losing.fold(0, |all, force| all | 1 << force.id)
}

async fn sound(alarm: Option<&mut (Duration, Sleep)>) {
    match alarm {
        Some((_, sleep)) => sleep.await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::sync::watch;
    use tokio::task::JoinHandle;

    use super::super::proxy::Does;
    use super::*;
    use crate::model::chance::{Key, Purpose};
    use crate::model::distribution::Distribution;
    use crate::model::fault::Direction;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// One direction, its two ends, and what is in force on it.
    struct Bench {
        clock: Clock,
        forces: watch::Sender<Arc<[Force]>>,
        sender: DuplexStream,
        receiver: DuplexStream,
        carrying: JoinHandle<(Ended, u64)>,
    }

    fn force(effect: Effect) -> Arc<[Force]> {
        let does = Does::Lane(Direction::Downstream, effect);
        Arc::from([Force { id: 0, share: 1.0, does }])
    }

    impl Bench {
        fn new(effect: Option<Effect>) -> Self {
            let clock = Clock::of_runtime();
            let (forces, news) = watch::channel(effect.map_or_else(|| Arc::from([]), force));
            let ((sender, from), (to, receiver)) = (duplex(1 << 20), duplex(1 << 20));
            let carried = clock.clone();
            let carrying = tokio::spawn(async move {
                let mut lane = Lane::new(Key::of_run(7, 0).draw(Purpose::Fault));
                let all = |forces: &[Force]| -> Vec<InForce> {
                    let effect = |force: &Force| match &force.does {
                        Does::Lane(_, effect) => InForce { id: force.id, effect: effect.clone() },
                        Does::Refuse | Does::Down => panic!("{force:?}"),
                    };
                    forces.iter().map(effect).collect()
                };
                let mark = Mark::default();
                let ended = carry((&carried, &mark), (from, to), &mut lane, (news, all)).await;
                (ended, mark.touched_since(ms(0)).0)
            });
            Self { clock, forces, sender, receiver, carrying }
        }

        /// Waits for so many bytes; when they were there.
        async fn came(&mut self, count: usize) -> Duration {
            let mut bytes = vec![0; count];
            self.receiver.read_exact(&mut bytes).await.unwrap();
            self.clock.now()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sixty_four_chunks_are_late_by_one_latency() {
        let mut bench = Bench::new(Some(Effect::Latency(Distribution::constant(ms(100)))));
        for _ in 0..64 {
            bench.sender.write_all(&[1; 1_000]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.came(64_000).await, ms(100));
        drop(bench.sender);
        assert_eq!(bench.carrying.await.unwrap(), (Ended::Finished, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bandwidth_is_what_it_says() {
        let mut bench = Bench::new(Some(Effect::Bandwidth(20_000)));
        bench.sender.write_all(&vec![0; 500_000]).await.unwrap();
        let took = bench.came(500_000).await.as_secs_f64();
        assert!((took / 25.0 - 1.0).abs() < 0.002, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_into_force_later_is_heard_at_once() {
        let mut bench = Bench::new(None);
        bench.sender.write_all(b"one").await.unwrap();
        assert_eq!(bench.came(3).await, ms(0));
        bench.forces.send_replace(force(Effect::Hold));
        tokio::task::yield_now().await;
        bench.sender.write_all(b"two").await.unwrap();
        let clock = bench.clock.clone();
        let forces = bench.forces.clone();
        tokio::spawn(async move {
            clock.sleep(ms(700)).await;
            forces.send_replace(Arc::from([]));
        });
        assert_eq!(bench.came(3).await, ms(700));
        bench.forces.send_replace(force(Effect::EndAfter(ms(50), Ending::Reset)));
        assert_eq!(bench.carrying.await.unwrap(), (Ended::By(Ending::Reset), 1));
        assert_eq!(bench.clock.now(), ms(750));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_ends_a_direction_after_its_bytes() {
        let limit = Effect::Limit { bytes: 5, then: Ending::HalfClosed };
        let mut bench = Bench::new(Some(limit));
        bench.sender.write_all(b"and more").await.unwrap();
        let mut came = Vec::new();
        bench.receiver.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, b"and m");
        assert_eq!(bench.carrying.await.unwrap(), (Ended::Finished, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_is_gone_breaks_it_and_one_that_does_not_read_holds_the_sender_back() {
        let bench = Bench::new(None);
        drop(bench.receiver);
        let mut sender = bench.sender;
        sender.write_all(b"to nobody").await.unwrap();
        assert_eq!(bench.carrying.await.unwrap().0, Ended::Broken);
        let mut bench = Bench::new(None);
        let more = vec![0; 4 << 20];
        let waits = bench.clock.by(ms(1_000), bench.sender.write_all(&more)).await;
        assert!(waits.is_none(), "two pipes of 1 MiB and a lane hold less than 4 MiB");
        let whole = bench.came(2 << 20).await;
        assert_eq!(whole, ms(1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn when_nobody_changes_anything_any_more_it_ends() {
        let bench = Bench::new(None);
        drop(bench.forces);
        assert_eq!(bench.carrying.await.unwrap().0, Ended::By(Ending::Closed));
    }
}
