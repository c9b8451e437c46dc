//! `check-starvation`: cheap requests of one client, while more and more slow calls are in flight.
//!
//! ```text
//! cheap  | . . . . | . . . . | . . . . | . . . . | ...  until they are starved, or all are there
//! slow   |         | ------- | ------- | ------- |
//!        |         |         | ------- | ------- |
//!        |         |         |         | ------- |
//!        |  none   |    1    |    2    |    4    |
//! ```

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::seats::evenly;
use super::{Opened, Stand};
use crate::engine::client::Cheap;
use crate::model::behaviour::StarvationTrials;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::starvation::{At, Trial, are_starved, limit};

/// What is faster than this holds nobody up.
const SLOW: Duration = Duration::from_millis(200);
/// So long a cheap request is waited for: hosted clients give a handshake no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long the slow calls of a round are waited for at its end.
const REST: Duration = Duration::from_secs(60);
/// After a slow call that was refused, or was none, so much time passes before the next.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) async fn play(knobs: &StarvationTrials, stand: &Stand<'_>) {
    let Some(seat) = stand.seat(0).await else { return };
    let Some(found) = stand.slowest(&seat, knobs.slow.as_deref()).await else { return };
    let (tool, took) = (found.tool, found.took());
    if took < SLOW {
        let said = format!(
            "no tool is slow: {} took {} ms, and {} ms are needed",
            stand.name(tool),
            took.as_millis(),
            SLOW.as_millis()
        );
        let what = "name a slow tool in load.starvation.slow, and arguments with which it takes \
                    its time in [tools.arguments]";
        return stand.untried(Operation::ToolsCall, said, what);
    }
    stand.tell(&seat.client, What::Starvation(Trial::Alone), found.tail);
    let lanes = stand.seats(knobs.most).await;
    let mut least = 0;
    for round in 0..knobs.rounds {
        let here = Climb { knobs, stand, seat: &seat, tool, round };
        least = here.play(&lanes, least).await;
    }
    stand.leave(lanes).await;
    stand.leave(vec![seat]).await;
}

/// One time up the steps.
struct Climb<'a> {
    knobs: &'a StarvationTrials,
    stand: &'a Stand<'a>,
    seat: &'a Opened,
    tool: u16,
    round: u32,
}

impl Climb<'_> {
    /// Goes up until cheap requests are starved, and to so many slow calls at least, which rounds
    /// before went to; says how many they were.
    async fn play(&self, lanes: &[Opened], least: usize) -> usize {
        let (slow, over) = (AtomicU32::new(0), AtomicBool::new(false));
        let limit = limit(percentile(self.cheap(0).await));
        let mut busy = FuturesUnordered::new();
        let (mut top, steps) = (least, self.knobs.steps().map(|step| step as usize));
        for step in steps.take_while(|step| *step <= lanes.len()) {
            slow.store(step as u32, Ordering::Relaxed);
            let new = busy.len()..step;
            busy.extend(lanes[new].iter().map(|lane| self.lane(lane, &slow, &over)));
            let times = tokio::select! {
                biased;
                times = self.cheap(step as u32) => times,
                // They end when they are told to.
                () = async { while busy.next().await.is_some() {} } => return top,
            };
            top = top.max(step);
            let long = times.iter().filter(|took| **took >= limit).count();
            if step >= least && are_starved(long, times.len()) {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        let rest = async { while busy.next().await.is_some() {} };
        let _or_left = self.stand.by(self.stand.now() + REST, rest).await;
        top
    }

    /// Cheap requests at an even pace; what those took that say anything.
    async fn cheap(&self, slow: u32) -> Vec<Duration> {
        let every = self.knobs.every;
        let from = self.stand.now() + every;
        let dues = evenly(from, every, self.knobs.cheap());
        let requests = dues.enumerate().map(|(at, due)| async move {
            self.stand.sleep_until(due).await;
            let cheap = if at % 2 == 0 { Cheap::Ping } else { Cheap::List };
            let Opened { client, session } = self.seat;
            let tail = client.ask_cheaply(session, cheap, PATIENCE).await;
            let at = At { round: self.round, slow };
            self.stand.tell(client, What::Starvation(Trial::Cheap(at)), tail);
            match tail.outcome {
                Outcome::Throttled(_) => None,
                Outcome::Ok | Outcome::RpcError(_) => Some(tail.done.saturating_sub(due)),
                _ => Some(PATIENCE),
            }
        });
        join_all(requests).await.into_iter().flatten().collect()
    }

    /// One slow call after another.
    async fn lane(&self, lane: &Opened, slow: &AtomicU32, over: &AtomicBool) {
        let Opened { client, session } = lane;
        while !over.load(Ordering::Relaxed) {
            let at = At { round: self.round, slow: slow.load(Ordering::Relaxed) };
            let tail = client.call_apart(session, self.stand.ask_of(self.tool)).await;
            let is_served = self.stand.tell(client, What::Starvation(Trial::Slow(at)), tail);
            if !is_served || tail.done.saturating_sub(tail.sent) < SLOW / 2 {
                self.stand.sleep_until(self.stand.now() + PAUSE).await;
            }
        }
    }
}

/// What 99 in 100 took no more than.
fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100);
    times.get(at.saturating_sub(1)).copied().unwrap_or_default()
}
