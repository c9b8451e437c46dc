//! Ordinary calls beside slow readers, on fixed series.

use super::*;
use crate::model::behaviour::SlowConsumerTrials;
use crate::model::trial::slow_consumer::{At, Phase, Trial};

const ROUNDS: u32 = 3;
const LARGE: u64 = 4_000_000;

fn check() -> Behaviour {
    let default = SlowConsumerTrials::default();
    script(Trials::SlowConsumer(SlowConsumerTrials { rounds: ROUNDS, ..default }))
}

/// A run with a result of so many bytes, readers who end so, and ordinary calls that take so many
/// milliseconds.
fn run(bytes: u64, reader: How, took: impl Fn(At, u64) -> u64) -> Vec<Event> {
    let consumer =
        |trial, how, ms| tried(What::SlowConsumer(trial), how, Duration::from_millis(ms));
    let mut events = vec![consumer(Trial::Largest(bytes), OK, 50)];
    for round in 0..ROUNDS {
        for phase in [Phase::Before, Phase::During, Phase::After] {
            let at = At { round, phase };
            let other = |number| consumer(Trial::Other(at), OK, took(at, number) + number * 7 % 3);
            events.extend((0..20).map(other));
        }
        events.extend((0..5).map(|_| consumer(Trial::Reader(round), reader, 8_000)));
    }
    events
}

fn said(events: &[Event]) -> (String, Vec<String>) {
    let (said, findings) = judged(&check(), events);
    (said["slow-consumers"].clone(), findings)
}

#[test]
fn calls_that_take_what_they_took_hold() {
    let (held, findings) = said(&run(LARGE, OK, |_, _| 3));
    assert_eq!(findings, [""; 0]);
    assert!(held.starts_with("held: ordinary calls took 5.0 ms at p95"), "{held}");
    assert!(held.contains("0 of 15 slow readers were let go within 5s"), "{held}");
    let (let_go, findings) = said(&run(LARGE, (Outcome::CutStream, Some(200)), |_, _| 3));
    assert_eq!(findings, [""; 0]);
    assert!(let_go.contains("15 of 15 slow readers were let go"), "{let_go}");
}

#[test]
fn calls_that_wait_for_slow_readers_are_found() {
    let beside = |at: At| at.phase == Phase::During;
    let (slow, findings) =
        said(&run(LARGE, OK, |at, number| if beside(at) { number * 100 } else { 3 }));
    assert_eq!(findings, ["slow-readers-slow-others"]);
    assert!(slow.contains("0 were not answered (p < 0.000001") && slow.contains("1.8 s"), "{slow}");
    let mut lost = run(LARGE, OK, |_, _| 3);
    for event in &mut lost {
        if let Event::Tried(tried) = event
            && matches!(tried.what, What::SlowConsumer(Trial::Other(at)) if beside(at))
        {
            (tried.outcome, tried.status) = (Outcome::Timeout, None);
        }
    }
    let (lost, findings) = said(&lost);
    assert_eq!(findings, ["slow-readers-slow-others"]);
    assert!(lost.contains("60 were not answered"), "{lost}");
}

#[test]
fn what_is_small_or_seen_once_is_none() {
    for took in [
        // Twice what it was, for certain, and nobody's trouble.
        |at: At, _: u64| if at.phase == Phase::During { 60 } else { 3 },
        // In one round of three.
        |at: At, number: u64| {
            if at.phase == Phase::During && at.round == 1 { number * 100 } else { 3 }
        },
        // More than it was, and not twice.
        |at: At, _: u64| if at.phase == Phase::During { 700 } else { 500 },
    ] {
        let (held, findings) = said(&run(LARGE, OK, took));
        assert_eq!(findings, [""; 0], "{held}");
        assert!(held.starts_with("held"), "{held}");
    }
}

#[test]
fn what_could_not_be_tried_is_no_pass() {
    let (none, _) = said(&[]);
    assert!(none.starts_with("not checked: there are no results"), "{none}");
    let (small, _) = said(&run(90_000, OK, |_, _| 3));
    let needed = "not enough to say: the largest result had 90 kB, which is on its way before \
                  anybody reads it: 2 MB are needed";
    assert!(small.starts_with(needed), "{small}");
    let (refused, _) = said(&run(LARGE, (Outcome::Status(503), Some(503)), |_, _| 3));
    assert_eq!(refused, "not enough to say: 15 of 15 slow readers were refused");
    let (short, _) = said(&run(LARGE, OK, |_, _| 3)[..60]);
    assert!(short.starts_with("not enough to say"), "{short}");
}
