//! `check-parallel-scaling`: the same call alone, and in batches at once.

use futures_util::future::join_all;

use super::seats::cycled;
use super::{Opened, Stand};
use crate::engine::client::Tail;
use crate::model::behaviour::ParallelTrials;
use crate::model::outcome::Class;
use crate::model::trial::What;
use crate::model::trial::parallel::{At, Spread, Trial};

/// So many of a batch that failed are made again alone.
const AGAIN: usize = 8;

pub(super) async fn play(knobs: &ParallelTrials, stand: &Stand<'_>) {
    let Some(seat) = stand.seat(0).await else { return };
    let Some(found) = stand.slowest(&seat, knobs.tool.as_deref()).await else { return };
    let mut seats = vec![seat];
    seats.extend(stand.seats(knobs.most() - 1).await);
    for round in 0..knobs.rounds {
        for spread in Spread::ALL {
            for size in &knobs.batches {
                let seats = match spread {
                    Spread::One => &seats[..1],
                    // Where there are not enough sessions there is no such batch.
                    Spread::Each if seats.len() < *size as usize => continue,
                    Spread::Each => &seats,
                };
                batch(stand, seats, found.tool, At { round, size: *size, spread }).await;
            }
        }
    }
    stand.leave(seats).await;
}

/// Calls at once, and some of those that failed again, one after another.
async fn batch(stand: &Stand<'_>, seats: &[Opened], tool: u16, at: At) {
    let calls = cycled(seats, at.size as usize).map(|seat| {
        let ask = stand.ask_of(tool);
        async move { (seat, ask, seat.client.call_apart(&seat.session, ask).await) }
    });
    let ended = join_all(calls).await;
    for (seat, _, tail) in &ended {
        stand.tell(&seat.client, What::Parallel(Trial::Batch(at)), *tail);
    }
    if at.size == 1 {
        return;
    }
    for (seat, ask, _) in ended.iter().filter(|(.., tail)| has_failed(tail)).take(AGAIN) {
        let tail = seat.client.call_apart(&seat.session, *ask).await;
        stand.tell(&seat.client, What::Parallel(Trial::Again(at)), tail);
    }
}

fn has_failed(tail: &Tail) -> bool {
    !matches!(
        tail.outcome.class(),
        Class::Ok | Class::ToolError | Class::Throttled | Class::Timeout
    )
}
