//! `check-abort-liveness` on fixed series of trials.

use super::*;
use crate::model::behaviour::AbortTrials;
use crate::model::fault::Parting;
use crate::model::outcome::{Signal, Throttle};
use crate::model::trial::aborts::{Left, Step, Trial};

const LEFT: How = (Outcome::Cancelled, None);
const DEAD: How = (Outcome::Timeout, None);

fn after(trial: Trial, how: How, millis: u64) -> Event {
    tried(What::Abort(trial), how, Duration::from_millis(millis))
}

fn client(trial: fn(Step) -> Trial, how: How, millis: u64) -> Vec<Event> {
    let steps = [Step::Handshake, Step::List, Step::Call];
    let served = how.0 == Outcome::Ok;
    let steps = steps.into_iter().take(if served { 3 } else { 1 });
    steps.map(|step| after(trial(step), how, millis)).collect()
}

fn left(how: How) -> Vec<Event> {
    let one = |number: u32| {
        let parting = if number.is_multiple_of(2) { Parting::Reset } else { Parting::Closed };
        let left = Left { in_kept: number % 4 < 2, at_head: number.is_multiple_of(3), parting };
        after(Trial::Left(left), how, 1)
    };
    (0..20).map(one).collect()
}

/// Clients before, calls that are left, clients after, and calls in the session that stayed.
fn all(lefts: How, afters: How, kept: How) -> Vec<Event> {
    let mut events = client(Trial::Before, OK, 100);
    events.extend(left(lefts));
    (0..5).for_each(|_| events.extend(client(Trial::After, afters, 120)));
    events.extend((0..5).map(|_| after(Trial::Kept, kept, 110)));
    events
}

fn said(events: &[Event]) -> (String, Vec<String>) {
    let (said, findings) = judged(&script(Trials::Aborts(AbortTrials::default())), events);
    (said["abort-liveness"].clone(), findings)
}

#[test]
fn who_comes_after_is_served_as_before() {
    let (value, findings) = said(&all(LEFT, OK, OK));
    assert_eq!(findings, [""; 0]);
    insta::assert_snapshot!(value);
    // One that is late is none too many, and no pass; nor is what was slow before.
    let mut events = all(LEFT, OK, OK);
    events.extend(client(Trial::After, DEAD, 2_000));
    let (value, findings) = said(&events);
    assert_eq!(findings, [""; 0]);
    assert!(value.starts_with("not enough to say"), "{value}");
    // Late as long as what was left was worked on.
    let mut events = client(Trial::Before, OK, 100);
    events.extend(left(LEFT));
    (0..3).for_each(|_| events.extend(client(Trial::After, DEAD, 2_000)));
    events.push(after(Trial::Rested(Duration::from_secs(5)), OK, 5_000));
    (0..5).for_each(|_| events.extend(client(Trial::After, OK, 120)));
    events.extend((0..5).map(|_| after(Trial::Kept, OK, 110)));
    let (value, findings) = said(&events);
    assert_eq!(findings, [""; 0]);
    assert!(value.contains("after a rest of 5"), "{value}");
    // Whom a limit keeps out says nothing.
    let throttle = Throttle { signal: Signal::Http429, retry_after: None };
    let limited = (Outcome::Throttled(throttle), Some(429));
    let (value, findings) = said(&all(LEFT, limited, limited));
    assert_eq!(findings, [""; 0]);
    assert!(value.contains("kept out (throttled)"), "{value}");
    let mut events = client(Trial::Before, OK, 1_000);
    events.extend(left(LEFT));
    (0..5).for_each(|_| events.extend(client(Trial::After, OK, 4_900)));
    events.push(after(Trial::Kept, OK, 4_900));
    assert_eq!(said(&events).1, [""; 0]);
}

#[test]
fn whoever_is_not_served_has_a_name() {
    assert_eq!(said(&all(LEFT, DEAD, DEAD)).1, ["aborts-kill-the-server"]);
    assert_eq!(
        said(&all(LEFT, (Outcome::Status(503), Some(503)), OK)).1,
        ["aborts-kill-the-server"]
    );
    assert_eq!(said(&all(LEFT, OK, DEAD)).1, ["aborts-kill-the-session"]);
    assert_eq!(said(&all(LEFT, OK, LOST)).1, ["aborts-kill-the-session"]);
    // Served, and far too late.
    let mut events = client(Trial::Before, OK, 100);
    events.extend(left(LEFT));
    (0..5).for_each(|_| events.extend(client(Trial::After, OK, 3_000)));
    assert_eq!(said(&events).1, ["aborts-kill-the-server"]);
    // Dead so soon that most calls found nobody.
    let mut events = all((Outcome::CutStream, None), DEAD, DEAD);
    events.extend(left(LEFT).into_iter().take(3));
    assert_eq!(said(&events).1, ["aborts-kill-the-server"]);
}

#[test]
fn too_few_cuts_say_nothing() {
    let (value, findings) = said(&all(OK, OK, OK));
    assert_eq!(findings, [""; 0]);
    assert!(value.starts_with("not enough to say: 0 of 20 calls could be cut"), "{value}");
    let (value, _) = said(&client(Trial::Before, DEAD, 1));
    assert!(value.starts_with("not enough to say: not even before"), "{value}");
    let (value, _) = said(&client(Trial::Before, OK, 1));
    assert!(value.starts_with("not checked: no call was left"), "{value}");
}
