//! How a client takes in the body of an answer: as it comes, or slowly, or not for a while. What it
//! does not take stays in the network, and in the end with the server.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::line::{Body, Cut};
use crate::edge::clock::Clock;
use crate::engine::weather::{Hold, Spell};
use crate::model::fault::{Parting, Touched};

/// A body on its way in.
pub(super) struct Intake<'l> {
    body: Body<'l>,
    /// Rare: in a box, so that other exchanges have no room for it.
    brake: Option<Box<Brake>>,
}

/// What holds back a client that reads.
#[derive(Debug)]
struct Brake {
    clock: Clock,
    hold: Option<Hold>,
    /// Bytes a second; at 0 none.
    rate: Option<u64>,
    /// Turns true when all of it is read as it comes.
    eased: Option<watch::Receiver<bool>>,
    /// When all that came by now is taken in.
    free: Duration,
}

impl<'l> Intake<'l> {
    /// A body that is taken in as it comes.
    pub(super) const fn free(body: Body<'l>) -> Self {
        Self { body, brake: None }
    }

    /// A body under this spell, and the faults that it meets.
    pub(super) fn under(
        body: Body<'l>,
        spell: &Spell,
        is_stream: bool,
        clock: &Clock,
    ) -> (Self, Touched) {
        let hold = spell.hold.filter(|_| is_stream);
        let drip = spell.drip.filter(|_| is_stream);
        let rates = [spell.slow, drip];
        let rate = rates.iter().flatten().map(|rate| rate.what).min();
        if hold.is_none() && rate.is_none() {
            return (Self::free(body), Touched::default());
        }
        let none = Touched::default();
        let touched = rates.iter().flatten().fold(none, |all, rate| all.and(rate.touched()));
        let touched = touched.and(hold.map_or(none, |hold| hold.touched()));
        let hold = hold.map(|hold| hold.what);
        let brake = Brake { clock: clock.clone(), hold, rate, eased: None, free: clock.now() };
        (Self { body, brake: Some(Box::new(brake)) }, touched)
    }

    /// Who is told so reads slowly no longer.
    pub(super) fn eases(mut self, eased: Option<&watch::Receiver<bool>>) -> Self {
        if let Some(brake) = &mut self.brake {
            brake.eased = eased.cloned();
        }
        self
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        let Some(brake) = &mut self.brake else { return self.body.chunk().await };
        brake.wait().await;
        let piece = self.body.chunk().await?;
        if let Ok(data) = &piece {
            brake.take(data.len()).await;
        }
        Some(piece)
    }

    /// Leaves the connection that the body comes on.
    pub(super) fn leave(&mut self, parting: Parting) {
        self.body.leave(parting);
    }
}

impl Brake {
    /// Waits until anything may be read.
    async fn wait(&mut self) {
        match self.hold.take() {
            None => {}
            Some(Hold::For(pause)) => self.clock.sleep(pause).await,
            Some(Hold::Until(then)) => self.clock.sleep_until(then).await,
            Some(Hold::Ever) => std::future::pending().await,
        }
        if self.rate == Some(0) {
            self.ease().await;
        }
    }

    /// Takes in so many bytes.
    async fn take(&mut self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(rate.max(1));
        let took = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.free = self.free.max(self.clock.now()).saturating_add(took);
        let (clock, free) = (self.clock.clone(), self.free);
        tokio::select! {
            biased;
            () = self.ease() => {}
            () = clock.sleep_until(free) => {}
        }
    }

    /// Waits until all of it is read as it comes, and does so from then on.
    async fn ease(&mut self) {
        match &mut self.eased {
            // Nobody is left who could say it: then it is never said.
            Some(eased) => {
                if eased.wait_for(|is_eased| *is_eased).await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.rate = None;
            }
            None => std::future::pending().await,
        }
    }
}
