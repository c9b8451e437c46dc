//! The open crowd: every arrival is a new user in a task of its own, whether or not the target keeps up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Stage, guarded};
use crate::edge::clock::Clock;
use crate::engine::stop::{Phase, Stop};

/// Starts a user at each `due`, which must not go back, and completes when the last one left.
///
/// At most `ceiling` users are there at once; who arrives above it is told to
/// [`Stage::dropped`]. From phase `Draining` on nobody is due any more: later dues never happened.
/// Who was due before that still arrives, however late we are: a generator that fell behind must
/// not thin out the end of its load. A user who panics still leaves.
pub async fn run<S: Stage>(
    stage: Arc<S>,
    due: impl Iterator<Item = Duration> + Send,
    ceiling: u32,
    clock: &Clock,
    stop: &Stop,
) {
    if stop.phase() >= Phase::Draining {
        return;
    }
    let places = Arc::new(Semaphore::new(ceiling as usize));
    let mut draining = pin!(stop.reached(Phase::Draining));
    let mut end = None;
    for (number, due) in (0..).zip(due) {
        if end.is_none() {
            tokio::select! {
                biased;
                () = &mut draining => end = Some(clock.now()),
                () = clock.sleep_until(due) => {}
            }
        }
        if end.is_some_and(|end| due > end) {
            break;
        }
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let stage = Arc::clone(&stage);
                tokio::spawn(async move {
                    visit(&*stage, number, due).await;
                    drop(place);
                });
            }
            Err(_full) => stage.dropped(due),
        }
        // A herd is due at one instant: those already here get their turn in between.
        tokio::task::consume_budget().await;
    }
    // Every place is free again once everybody left. The semaphore is never closed.
    let _everybody_left = places.acquire_many(ceiling).await;
}

/// One user's whole stay: a single run.
async fn visit<S: Stage>(stage: &S, number: u32, due: Duration) {
    let Some(mut user) = guarded(stage, async { stage.enter(number) }).await else { return };
    guarded(stage, stage.turn(&mut user, due)).await;
    guarded(stage, stage.leave(user)).await;
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;
    use crate::engine::stop::{Stopper, stop};

    const SECOND: Duration = Duration::from_secs(1);

    /// Brings arrivals to a rehearsal on paused time.
    async fn perform(
        stage: Rehearsal,
        due: impl Iterator<Item = Duration> + Send,
        ceiling: u32,
    ) -> (Arc<Rehearsal>, Duration) {
        let clock = Clock::of_runtime();
        let (_stopper, stop) = stop();
        let stage = Arc::new(Rehearsal { clock: Some(clock.clone()), ..stage });
        run(Arc::clone(&stage), due, ceiling, &clock, &stop).await;
        (stage, clock.now())
    }

    fn every_100_ms() -> impl Iterator<Item = Duration> + Send {
        (0..).map(|n| Duration::from_millis(100) * n)
    }

    #[tokio::test(start_paused = true)]
    async fn every_arrival_is_one_user_with_one_run_at_its_planned_instant() {
        let (stage, ended) = perform(Rehearsal::of(SECOND), every_100_ms().take(50), 1000).await;
        assert_eq!((stage.entered(), stage.turns(), stage.left()), (50, 50, 50));
        assert_eq!(stage.most_at_once(), 10);
        assert_eq!(stage.dues(), every_100_ms().take(50).collect::<Vec<_>>());
        assert_eq!(ended, Duration::from_millis(4900) + SECOND, "ends with the last user");
    }

    #[tokio::test(start_paused = true)]
    async fn a_herd_starts_together() {
        let herd = std::iter::repeat_n(SECOND, 5000);
        let (stage, ended) = perform(Rehearsal::of(SECOND), herd, 5000).await;
        assert_eq!((stage.most_at_once(), stage.left()), (5000, 5000));
        assert_eq!(ended, 2 * SECOND, "nobody waited for somebody else");
    }

    #[tokio::test(start_paused = true)]
    async fn arrivals_above_the_ceiling_are_dropped_and_told() {
        // Runs last a second, ten arrive a second, four may be there: of each ten, six find it full.
        let (stage, _) = perform(Rehearsal::of(SECOND), every_100_ms().take(50), 4).await;
        assert_eq!((stage.entered(), stage.dropped(), stage.most_at_once()), (20, 30, 4));
        let (stage, _) = perform(Rehearsal::of(SECOND), every_100_ms().take(5), 0).await;
        assert_eq!((stage.entered(), stage.dropped()), (0, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_in_the_past_keeps_its_dues() {
        let clock = Clock::of_runtime();
        clock.sleep(SECOND).await;
        let (_stopper, stop) = stop();
        let stage = Arc::new(Rehearsal::of(Duration::ZERO));
        run(Arc::clone(&stage), every_100_ms().take(3), 9, &clock, &stop).await;
        assert_eq!(stage.dues(), every_100_ms().take(3).collect::<Vec<_>>());
        assert_eq!(clock.now(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn draining_ends_arrivals_and_lets_runs_finish() {
        let clock = Clock::of_runtime();
        let (stopper, stop) = stop();
        let stage = Arc::new(Rehearsal::of(SECOND));
        let drain_at = |stopper: Stopper, due| {
            let clock = clock.clone();
            tokio::spawn(async move {
                clock.sleep_until(due).await;
                stopper.advance(Phase::Draining);
            })
        };
        drain_at(stopper.clone(), Duration::from_millis(950));
        run(Arc::clone(&stage), every_100_ms(), 1000, &clock, &stop).await;
        assert_eq!((stage.entered(), stage.left(), stage.dropped()), (10, 10, 0));
        assert_eq!(clock.now(), Duration::from_millis(1900));

        run(Arc::clone(&stage), every_100_ms(), 1000, &clock, &stop).await;
        assert_eq!(stage.entered(), 10, "nobody arrives at a run that is over");
        drop(stopper);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_due_before_the_drain_arrives_however_late() {
        // Everything stands still from 500 ms to 2.5 s; the load is over at 1 s, with a last herd.
        let clock = Clock::of_runtime();
        let (stopper, stop) = stop();
        let stage = Arc::new(Rehearsal::of(Duration::ZERO));
        let director = clock.clone();
        tokio::spawn(async move {
            director.sleep_until(SECOND).await;
            stopper.advance(Phase::Draining);
        });
        let stalled = clock.clone();
        tokio::spawn(async move {
            stalled.sleep_until(SECOND / 2).await;
            tokio::time::advance(2 * SECOND).await;
        });
        let planned = every_100_ms().take(10).chain(std::iter::repeat_n(SECOND, 100));
        let later = std::iter::once(Duration::from_secs(3));
        let due: Vec<_> = planned.collect();
        run(Arc::clone(&stage), due.clone().into_iter().chain(later), 1000, &clock, &stop).await;
        assert_eq!(stage.dues(), due);
        assert_eq!((stage.left(), clock.now()), (110, Duration::from_millis(2500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_told_and_costs_only_its_user() {
        let stage = Rehearsal { panic_every: Some(10), ..Rehearsal::of(SECOND) };
        let (stage, _) = perform(stage, every_100_ms().take(50), 1000).await;
        assert_eq!((stage.entered(), stage.left()), (50, 50));
        assert_eq!(stage.panics(), ["turn 9", "turn 19", "turn 29", "turn 39", "turn 49"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_who_cannot_enter_is_told() {
        let stage = Rehearsal { closed_door: true, ..Rehearsal::of(SECOND) };
        let (stage, ended) = perform(stage, every_100_ms().take(3), 1000).await;
        assert_eq!(stage.panics(), ["closed door"; 3]);
        assert_eq!((stage.turns(), ended), (0, Duration::from_millis(200)));
    }
}
