//! Cheap requests beside slow calls, on fixed series.

use super::*;
use crate::model::behaviour::StarvationTrials;
use crate::model::trial::starvation::{At, Trial};

const ROUNDS: u32 = 3;
const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 64];

fn check() -> Behaviour {
    script(Trials::Starvation(StarvationTrials { rounds: ROUNDS, ..StarvationTrials::default() }))
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn starvation(trial: Trial, how: How, took: Duration) -> Event {
    tried(What::Starvation(trial), how, took)
}

/// A run in which the cheap request of this number takes so long beside so many slow calls.
fn run(took: impl Fn(At, u64) -> Duration) -> Vec<Event> {
    let mut events = vec![starvation(Trial::Alone, OK, ms(1_500))];
    for round in 0..ROUNDS {
        for slow in [0].into_iter().chain(STEPS) {
            let at = At { round, slow };
            events.extend((0..20).map(|number| {
                starvation(Trial::Cheap(at), OK, took(at, number) + ms(number * 7 % 3))
            }));
            if slow > 0 {
                let slow = (0..4).map(|_| starvation(Trial::Slow(at), OK, ms(1_500)));
                events.extend(slow);
            }
        }
    }
    events
}

fn said(events: &[Event]) -> (String, Vec<String>) {
    let (said, findings) = judged(&check(), events);
    (said["starvation"].clone(), findings)
}

#[test]
fn cheap_requests_that_take_what_they_took_hold() {
    let (said, findings) = said(&run(|_, _| ms(3)));
    assert_eq!(findings, [""; 0]);
    let held = "held: with up to 64 slow calls in flight (1.5 s each) cheap requests took 5.0 ms";
    assert!(said.starts_with(held), "{said}");
}

#[test]
fn the_number_from_which_on_they_wait_says_what_there_is_too_little_of() {
    let waits_from = |knee: u32| {
        said(&run(|At { slow, .. }, number| if slow >= knee { ms(number * 75) } else { ms(3) }))
    };
    for (knee, meaning) in [
        (1, "one event loop, or one lock"),
        (4, "it is felt with 4 and not with 2: a pool of about so many, or all cores are busy"),
        (64, "such as the 40 threads that anyio has"),
    ] {
        let (said, findings) = waits_from(knee);
        assert_eq!(findings, ["cheap-requests-starve"], "{said}");
        assert!(said.contains(meaning) && said.contains(&format!("with {knee} slow")), "{said}");
    }
    // Each call is short: one is felt at once, and only several make it too long.
    let (short, _) = said(&run(|At { slow, .. }, number| ms(3 + u64::from(slow) * number * 15)));
    assert!(short.contains("with 4 slow calls") && short.contains("one is enough"), "{short}");
}

#[test]
fn what_never_came_took_too_long() {
    let mut events = run(|_, _| ms(3));
    for event in &mut events {
        if let Event::Tried(tried) = event
            && matches!(tried.what, What::Starvation(Trial::Cheap(At { slow: 8, .. })))
        {
            (tried.outcome, tried.status) = (Outcome::Timeout, None);
        }
    }
    let (said, findings) = said(&events);
    assert_eq!(findings, ["cheap-requests-starve"]);
    assert!(said.contains("for ever in the median"), "{said}");
}

#[test]
fn what_is_seen_once_or_is_rare_is_none() {
    let (said_once, findings) =
        said(&run(|At { round, slow }, _| if round == 1 && slow == 8 { ms(2_000) } else { ms(3) }));
    assert_eq!(findings, [""; 0], "{said_once}");
    let (rarely, findings) = said(&run(|_, number| if number == 7 { ms(2_000) } else { ms(3) }));
    assert_eq!(findings, [""; 0], "{rarely}");
    // Slower for certain, and nobody's trouble.
    let (bearable, findings) =
        said(&run(|At { slow, .. }, _| if slow > 1 { ms(300) } else { ms(3) }));
    assert_eq!(findings, [""; 0], "{bearable}");
    assert!(bearable.starts_with("held"), "{bearable}");
}

#[test]
fn what_was_not_held_is_no_pass() {
    let all = run(|_, _| ms(3));
    let (none, _) = said(&[]);
    assert!(none.starts_with("not checked: there is no slow tool"), "{none}");
    let (short, _) = said(&all[..60]);
    assert!(short.starts_with("not enough to say: fewer than 10 cheap requests"), "{short}");
    let refused: Vec<Event> = all
        .into_iter()
        .map(|event| match event {
            Event::Tried(tried) if matches!(tried.what, What::Starvation(Trial::Slow(_))) => {
                let (outcome, status) = (Outcome::Status(503), Some(503));
                Event::Tried(Box::new(Tried { outcome, status, ..*tried }))
            }
            event => event,
        })
        .collect();
    let (refused, _) = said(&refused);
    assert!(refused.starts_with("not enough to say: no number of slow calls"), "{refused}");
}
