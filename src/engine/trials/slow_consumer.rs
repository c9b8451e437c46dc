//! `check-slow-consumer`: ordinary calls of one client, before, while and after others hardly read
//! what they asked for.
//!
//! ```text
//! ordinary  | . . . . |        | . . . . |       |      | . . . . |
//! readers   |         | ask, and read slowly     | read |         |
//!           | before  | settle | during  | slack |      |  after  |
//! ```

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{oneshot, watch};

use super::seats::{Looked, evenly};
use super::{Opened, Stand};
use crate::engine::client::Reads;
use crate::engine::wire::Slowly;
use crate::model::behaviour::SlowConsumerTrials;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::slow_consumer::{At, Phase, Trial};

/// After so long without another answer that begins, those that are to begin have.
const QUIET: Duration = Duration::from_secs(3);
/// So long slow readers go on after the last ordinary call beside them.
const SLACK: Duration = Duration::from_secs(1);
/// So long an answer takes at most once it is read as it comes.
const REST: Duration = Duration::from_secs(30);
/// So long an ordinary call is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn play(knobs: &SlowConsumerTrials, stand: &Stand<'_>) {
    let Some(seat) = stand.seat(0).await else { return };
    if seat.session.footing.mailbox().is_some() {
        let said = "answers come on the one stream of a session (HTTP+SSE)".to_owned();
        return stand.untried(Operation::Stream, said, "nothing: try it over Streamable HTTP");
    }
    let Some((large, ordinary)) = chosen(knobs, stand, &seat).await else { return };
    let bytes = large.bytes as u64;
    stand.tell(&seat.client, What::SlowConsumer(Trial::Largest(bytes)), large.tail);
    if bytes < u64::from(knobs.least_bytes) {
        return;
    }
    let scene = Scene { knobs, stand, seat: &seat, large: large.tool, ordinary };
    for round in 0..knobs.rounds {
        scene.play(round).await;
    }
    stand.leave(vec![seat]).await;
}

/// What readers call, and what others do.
async fn chosen(
    knobs: &SlowConsumerTrials,
    stand: &Stand<'_>,
    seat: &Opened,
) -> Option<(Looked, u16)> {
    let all = stand.look(seat).await;
    let ordinary = match &knobs.ordinary {
        Some(name) => Some(stand.named(name)?),
        None => all.iter().min_by_key(|looked| looked.bytes).map(|looked| looked.tool),
    };
    let large = match &knobs.large {
        Some(name) => {
            let tool = stand.named(name)?;
            all.into_iter().find(|looked| looked.tool == tool)
        }
        None => all.into_iter().max_by_key(|looked| looked.bytes),
    };
    if large.is_none() {
        let said = "calls of tools fail".to_owned();
        let what = "give arguments that are served in [tools.arguments]";
        stand.untried(Operation::ToolsCall, said, what);
    }
    large.zip(ordinary)
}

struct Scene<'a> {
    knobs: &'a SlowConsumerTrials,
    stand: &'a Stand<'a>,
    seat: &'a Opened,
    large: u16,
    ordinary: u16,
}

impl Scene<'_> {
    async fn play(&self, round: u32) {
        let stand = self.stand;
        let readers = stand.seats(self.knobs.readers).await;
        self.others(At { round, phase: Phase::Before }).await;
        let (ease, eased) = watch::channel(false);
        let mut beginning = FuturesUnordered::new();
        let reading: FuturesUnordered<_> = readers
            .iter()
            .map(|reader| {
                let (begins, began) = oneshot::channel();
                beginning.push(began);
                let rate = u64::from(self.knobs.rate);
                let slowly = Slowly { eased: eased.clone(), began: Mutex::new(Some(begins)) };
                self.read(reader, Reads { rate, slowly }, round)
            })
            .collect();
        let beside = async {
            if self.have_begun(&mut beginning).await {
                let eases = async {
                    stand.sleep_until(stand.now() + self.knobs.hold + SLACK).await;
                    ease.send_replace(true);
                };
                tokio::join!(self.others(At { round, phase: Phase::During }), eases);
            }
            ease.send_replace(true);
        };
        tokio::join!(reading.collect::<Vec<()>>(), beside);
        stand.leave(readers.into_iter().map(|reader| self.anew(&reader)).collect()).await;
        self.others(At { round, phase: Phase::After }).await;
    }

    /// Waits until answers to slow readers no longer begin, because all have or one keeps the others
    /// from it: large results are a burden while they are made, however they are read. False if that
    /// takes too long.
    async fn have_begun(&self, beginning: &mut FuturesUnordered<oneshot::Receiver<()>>) -> bool {
        let stand = self.stand;
        let latest = stand.now() + self.knobs.settle;
        while stand.now() < latest {
            match stand.by(stand.now() + QUIET, beginning.next()).await {
                Some(Some(_began_or_ended)) => {}
                Some(None) | None => return true,
            }
        }
        false
    }

    /// Asks for a large result, and hardly reads it.
    async fn read(&self, reader: &Opened, reads: Reads, round: u32) {
        let Opened { client, session } = reader;
        client.read_slowly(reads);
        let ask = self.stand.ask_of(self.large);
        let (tail, _) = client.call_by(session, ask, self.stand.now() + self.patience()).await;
        self.stand.tell(client, What::SlowConsumer(Trial::Reader(round)), tail);
    }

    /// Ordinary calls at an even pace.
    async fn others(&self, at: At) {
        let (stand, every) = (self.stand, self.knobs.every);
        let dues = evenly(stand.now() + every, every, self.knobs.calls());
        let calls = dues.map(|due| async move {
            stand.sleep_until(due).await;
            let Opened { client, session } = self.seat;
            let (mut tail, _) =
                client.call_by(session, stand.ask_of(self.ordinary), due + PATIENCE).await;
            // A connection that takes its time is felt, too.
            tail.sent = due.min(tail.done);
            if tail.outcome == Outcome::Timeout {
                tail.done = due + PATIENCE;
            }
            stand.tell(client, What::SlowConsumer(Trial::Other(at)), tail);
        });
        join_all(calls).await;
    }

    /// So long an answer may take that is hardly read.
    fn patience(&self) -> Duration {
        self.knobs.settle + QUIET + self.knobs.hold + PATIENCE + SLACK + REST
    }

    /// The session of a reader with a client that reads as others do.
    fn anew(&self, reader: &Opened) -> Opened {
        let session = Arc::clone(&reader.session);
        Opened { client: self.stand.client(0, 0), session }
    }
}
