//! Calls at once, on fixed series.

use super::*;
use crate::model::behaviour::ParallelTrials;
use crate::model::outcome::{Signal, Throttle};
use crate::model::trial::parallel::{At, Spread, Trial};

const SIZES: [u32; 5] = [1, 2, 4, 8, 16];

fn check(rounds: u32) -> Behaviour {
    let batches = SIZES.to_vec();
    script(Trials::Parallel(ParallelTrials { batches, rounds, tool: None }))
}

/// A run in which the call of this number in a batch takes so many milliseconds, and ends so.
fn run(rounds: u32, took: impl Fn(At, u32) -> (u64, How)) -> Vec<Event> {
    let mut events = Vec::new();
    for round in 0..rounds {
        for (spread, size) in Spread::ALL.into_iter().flat_map(|s| SIZES.map(|size| (s, size))) {
            let at = At { round, size, spread };
            let calls = (0..size).map(|number| {
                let (ms, how) = took(at, number);
                tried(What::Parallel(Trial::Batch(at)), how, Duration::from_millis(ms))
            });
            events.extend(calls);
        }
    }
    events
}

fn said(
    rounds: u32,
    took: impl Fn(At, u32) -> (u64, How),
) -> (BTreeMap<String, String>, Vec<String>) {
    judged(&check(rounds), &run(rounds, took))
}

#[test]
fn calls_at_once_that_take_as_long_as_one_hold() {
    let (said, findings) = said(5, |_, number| (100 + u64::from(number), OK));
    assert_eq!(findings, [""; 0]);
    insta::assert_debug_snapshot!(said);
}

#[test]
fn calls_one_after_another_are_found_and_for_whom() {
    let after = |number: u32| (100 * u64::from(number + 1), OK);
    let (all, findings) = said(5, |_, number| after(number));
    assert_eq!(findings, ["calls-serialised"]);
    assert!(all["parallel-scaling"].contains("for everybody"), "{all:?}");
    assert!(all["parallel-served"].starts_with("held"), "{all:?}");
    let (one, findings) = said(5, |at, number| match at.spread {
        Spread::One => after(number),
        Spread::Each => (100, OK),
    });
    assert_eq!(findings, ["calls-serialised"]);
    assert!(one["parallel-scaling"].contains("within one session only"), "{one:?}");
    // Two workers are not one, and a batch that was quick once is enough to see that.
    let (two, findings) = said(5, |_, number| after(number / 2));
    assert_eq!(findings, [""; 0]);
    assert!(two["parallel-scaling"].contains("8.0 times as long, as with 2 workers"), "{two:?}");
    let (once, findings) = said(5, |at, number| match (at.round, at.size) {
        (3, 8) => (100, OK),
        _ => after(number),
    });
    assert_eq!(findings, [""; 0], "{once:?}");
}

#[test]
fn what_is_too_fast_or_too_little_is_no_pass() {
    let (fast, findings) = said(5, |_, number| (2 * u64::from(number + 1), OK));
    assert_eq!(findings, [""; 0]);
    let scaling = &fast["parallel-scaling"];
    assert!(scaling.starts_with("not enough to say: a call takes 2.0 ms alone"), "{scaling}");
    let (few, _) = said(2, |_, _| (100, OK));
    let scaling = &few["parallel-scaling"];
    assert!(scaling.starts_with("not enough to say: 6 batches of 4 or more"), "{scaling}");
    let (none, _) = judged(&check(5), &[]);
    assert!(none.values().all(|said| said.starts_with("not enough to say")), "{none:?}");
}

#[test]
fn calls_that_only_fail_together_are_found() {
    let refused = (Outcome::Status(500), Some(500));
    let how = |number: u32| if number == 0 { OK } else { refused };
    let mut events = run(5, |_, number| (100, how(number)));
    let at = At { round: 0, size: 16, spread: Spread::One };
    let again = |how: How| tried(What::Parallel(Trial::Again(at)), how, Duration::ZERO);
    events.extend((0..40).map(|_| again(OK)));
    let (broken, findings) = judged(&check(5), &events);
    assert_eq!(findings, ["parallel-calls-refused"]);
    let served = &broken["parallel-served"];
    assert!(served.contains("260 of 300 calls at once failed, 0 of 50 alone (500;"), "{served}");
    // As often alone.
    events.extend((0..300).map(|_| again(refused)));
    let (both, findings) = judged(&check(5), &events);
    assert_eq!(findings, [""; 0]);
    assert!(both["parallel-served"].contains("that may be chance"), "{both:?}");
}

#[test]
fn a_limit_or_a_rare_error_is_no_refusal() {
    let limit = Throttle { signal: Signal::Http429, retry_after: None };
    let throttled = (Outcome::Throttled(limit), Some(429));
    let (limited, findings) = said(5, |at, _| (100, if at.size > 1 { throttled } else { OK }));
    assert_eq!(findings, [""; 0]);
    assert!(limited["parallel-served"].contains("nothing to compare"), "{limited:?}");
    let rare = (Outcome::Status(502), Some(502));
    let (rarely, findings) =
        said(5, |at, number| (100, if at.size == 16 && number == 3 { rare } else { OK }));
    assert_eq!(findings, [""; 0]);
    assert!(rarely["parallel-served"].starts_with("not enough to say: 10 of 300"), "{rarely:?}");
}
