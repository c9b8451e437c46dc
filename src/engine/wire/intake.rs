//! How a client takes in the body of an answer: as it comes, or slowly, or not for a while. What it
//! does not take stays in the network, and in the end with the server.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

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

/// So many bytes of a body show that what it holds has been made: a head may come long before.
const FIRST: usize = 4096;

/// A body that is read slowly once it has begun, until it no longer is.
#[derive(Debug)]
pub struct Slowly {
    /// Turns true when it is read as it comes.
    pub eased: watch::Receiver<bool>,
    /// Is told when it has begun.
    pub began: Mutex<Option<oneshot::Sender<()>>>,
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
    /// Who is told that it has begun; before that it is read as it comes.
    began: Option<oneshot::Sender<()>>,
    /// Bytes of it so far.
    came: usize,
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
        let (clock, free, came) = (clock.clone(), clock.now(), 0);
        let brake = Brake { clock, hold, rate, eased: None, began: None, came, free };
        (Self { body, brake: Some(Box::new(brake)) }, touched)
    }

    /// The same, read slowly from its beginning to its easing only.
    pub(super) fn slowly(mut self, slowly: Option<&Slowly>) -> Self {
        if let (Some(brake), Some(slowly)) = (&mut self.brake, slowly) {
            brake.eased = Some(slowly.eased.clone());
            brake.began = slowly.began.lock().unwrap_or_else(PoisonError::into_inner).take();
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
        if self.rate == Some(0) && self.began.is_none() {
            self.ease().await;
        }
    }

    /// Takes in so many bytes.
    async fn take(&mut self, bytes: usize) {
        self.came += bytes;
        if self.came >= FIRST
            && let Some(began) = self.began.take()
        {
            let _nobody_waits = began.send(()).is_err();
        }
        let Some(rate) = self.rate.filter(|_| self.began.is_none()) else { return };
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
