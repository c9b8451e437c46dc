//! Checks on fixed series of trials: what each invariant comes to.

mod aborts;
mod cancels;
mod parallel;
mod silences;
mod slow_consumer;
mod starvation;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

mod affinity;
mod isolation;

use crate::model::behaviour::{SessionTrials, Steady};
use crate::model::distribution::Distribution;
use crate::model::outcome::Outcome;
use crate::model::report::Judged;
use crate::model::trial::sessions::Trial;
use crate::model::trial::{Tried, What};

/// How a trial ended, and with which status.
type How = (Outcome, Option<u16>);

const OK: How = (Outcome::Ok, Some(200));
const LOST: How = (Outcome::SessionLost(404), Some(404));

fn tried(what: What, (outcome, status): How, took: Duration) -> Event {
    let sent = Duration::from_secs(1);
    Event::Tried(Box::new(Tried { what, user: 0, sent, done: sent + took, outcome, status }))
}

fn session(trial: Trial, how: How) -> Event {
    tried(What::Session(trial), how, Duration::from_millis(5))
}

fn script(trials: Trials) -> Behaviour {
    Behaviour::Check(Check::Script(trials))
}

/// What each invariant came to and the findings' names.
fn judged(behaviour: &Behaviour, events: &[Event]) -> (BTreeMap<String, String>, Vec<String>) {
    let mut examined = Examined::new(behaviour, &[]);
    for event in events {
        examined.observe(event);
    }
    let Expectations { judged, findings, .. } = examined.end();
    let word = |judged: &Judged| match (judged.passed, judged.unproven, judged.unchecked) {
        (true, ..) => "held: ",
        (_, true, _) | (_, _, true) => "",
        _ => "broken: ",
    };
    let said = judged.iter().map(|judged| {
        let name = judged.text.trim_start_matches("invariants: ").to_owned();
        (name, format!("{}{}", word(judged), judged.value))
    });
    (said.collect(), findings.into_iter().map(|finding| finding.id).collect())
}

fn sound() -> Vec<Event> {
    use Trial::{Delete, Deleted, Expired, Foreign, Live, Reopened, Survivor, Unknown};
    let taken = (Outcome::Ok, Some(204));
    let all = [(Live, OK), (Unknown, LOST), (Delete, taken), (Deleted, LOST)];
    let all = all.into_iter().chain([(Foreign, LOST), (Expired, LOST)]);
    let all = all.chain([(Survivor, OK), (Survivor, LOST), (Reopened, OK)]);
    let mut events: Vec<_> = all.map(|(trial, how)| session(trial, how)).collect();
    events.extend([Unknown, Foreign, Unknown, Foreign].map(|trial| session(trial, LOST)));
    for at in 0..100_u64 {
        for trial in [Trial::Opened(0), Trial::Opened(1), Trial::OpenedAndEnded] {
            let took = Duration::from_micros(900 + at * 7_919 % 200);
            events.push(tried(What::Session(trial), OK, took));
        }
    }
    events
}

fn sessions() -> Behaviour {
    let idle = Some(Duration::from_secs(1));
    let default = SessionTrials::default();
    script(Trials::Sessions(SessionTrials { idle, has_users: true, survivors: 2, ..default }))
}

#[test]
fn sessions_that_behave_hold() {
    let (said, findings) = judged(&sessions(), &sound());
    assert_eq!(findings, [""; 0]);
    insta::assert_debug_snapshot!(said);
}

#[test]
fn each_way_to_treat_sessions_badly_has_a_name() {
    use Trial::{Delete, Deleted, Expired, Foreign, Reopened, Survivor, Unknown};
    let bad = (Outcome::Status(400), Some(400));
    let busy = (Outcome::Status(503), Some(503));
    let table: [(Trial, How, &str, &str); 9] = [
        (Unknown, bad, "stale-sessions", "lost-session-otherwise"),
        (Unknown, (Outcome::Timeout, None), "stale-sessions", "lost-session-otherwise"),
        (Unknown, OK, "stale-sessions", "unknown-session-served"),
        (Deleted, OK, "ended-sessions", "ended-session-served"),
        (Delete, busy, "ended-sessions", "delete-fails"),
        (Expired, OK, "stale-sessions", "idle-session-served"),
        (Foreign, OK, "foreign-sessions", "foreign-session-served"),
        (Survivor, bad, "restart-survival", "restart-strands-clients"),
        (Reopened, busy, "restart-survival", "restart-not-survived"),
    ];
    for (trial, how, invariant, finding) in table {
        let mut events = sound();
        events.push(session(trial, how));
        let (said, findings) = judged(&sessions(), &events);
        assert_eq!(findings, [finding]);
        let broken: Vec<_> = said.iter().filter(|(_, said)| said.starts_with("broken")).collect();
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert_eq!(broken[0].0, invariant);
    }
}

#[test]
fn a_finding_says_when_and_whose_it_was() {
    let mut events = sound();
    events.extend([0; 7].map(|_| session(Trial::Unknown, (Outcome::Status(400), Some(400)))));
    let mut examined = Examined::new(&sessions(), &[]);
    for event in &events {
        examined.observe(event);
    }
    let finding = examined.end().findings.remove(0);
    assert_eq!((finding.count, finding.evidence.len()), (7, 6), "the first five, and all of it");
    let told = "at 1s, user 0: a call with an id that was never issued: 400 after 5ms";
    assert_eq!(finding.evidence[1], told);
}

#[test]
fn a_bound_on_open_sessions_is_told_from_a_limit_on_handshakes() {
    let busy = (Outcome::Status(503), Some(503));
    let refused = |trials: &[Trial]| {
        let mut events = sound();
        events.extend(trials.iter().map(|trial| session(*trial, busy)));
        let (said, findings) = judged(&sessions(), &events);
        (said["session-leak"].clone(), findings)
    };
    let (said, findings) = refused(&[Trial::Opened(0), Trial::Opened(1)]);
    assert_eq!(findings, ["sessions-exhausted"], "{said}");
    // Those that each end, too; or once only.
    let all = [Trial::Opened(0), Trial::Opened(1), Trial::OpenedAndEnded];
    for trials in [&all[..], &all[1..2]] {
        let (said, findings) = refused(trials);
        assert_eq!(findings, [""; 0]);
        assert!(said.contains("is there a rate limit?"), "{said}");
    }
}

#[test]
fn handshakes_that_grow_are_a_leak_and_a_slow_one_is_none() {
    let grows = |each: u64, trial: Trial| {
        (0..100_u64).map(move |at| {
            let took = Duration::from_micros(900 + at * each + at * 7_919 % 200);
            tried(What::Session(trial), OK, took)
        })
    };
    let events = |each, again| {
        let mut events = vec![session(Trial::Live, OK)];
        for series in [0, 1] {
            events.extend(grows(each, Trial::Opened(series)));
        }
        events.extend(grows(again, Trial::OpenedAndEnded));
        events
    };
    let of = |events: &[Event]| {
        let (said, findings) = judged(&sessions(), events);
        (said["session-leak"].clone(), findings)
    };
    let (said, findings) = of(&events(100, 0));
    assert_eq!(findings, ["session-leak"]);
    assert!(said.contains("with DELETE no slower") && said.contains("p < 0.000001"), "{said}");
    let (said, _) = of(&events(100, 100));
    assert!(said.contains("with DELETE slower as well"), "{said}");
    // Beyond chance, and too little to be felt.
    let (said, findings) = of(&events(5, 0));
    assert_eq!(findings, [""; 0], "{said}");
    let (said, _) = of(&events(100, 0)[..150]);
    assert!(said.starts_with("not enough to say") && said.contains("120 are needed"), "{said}");
    // A machine that got busier once.
    let mut once = events(0, 0);
    once.truncate(101);
    once.extend(grows(100, Trial::Opened(1)));
    let (said, findings) = of(&once);
    assert_eq!(findings, [""; 0], "{said}");
}

#[test]
fn what_was_not_tried_is_no_pass() {
    let (said, findings) = judged(&sessions(), &[session(Trial::Live, OK)]);
    assert_eq!(findings, [""; 0]);
    assert!(said.values().all(|said| said.starts_with("not enough to say")), "{said:?}");
    let (said, _) = judged(&sessions(), &[session(Trial::Live, (Outcome::Timeout, None))]);
    assert!(
        said.values().all(|said| said.contains("none of 1 calls in open sessions")),
        "{said:?}"
    );
    let nameless = [session(Trial::Live, OK), session(Trial::Nameless, OK)];
    let (said, _) = judged(&sessions(), &nameless);
    assert!(said.values().all(|said| said.starts_with("not checked")), "{said:?}");
    let refuses = (Outcome::Status(405), Some(405));
    let events = [session(Trial::Live, OK), session(Trial::Delete, refuses)];
    let (said, _) = judged(&sessions(), &events);
    assert!(said["ended-sessions"].starts_with("not checked: clients cannot end"), "{said:?}");
}

#[test]
fn a_storm_says_what_it_does_not_check() {
    let steady =
        Behaviour::Steady(Steady { calls: 1, think: Distribution::constant(Duration::ZERO) });
    let declared = [Invariant::SessionLeak, Invariant::Isolation];
    let end = Examined::new(&steady, &declared).end();
    assert_eq!(end.judged.len(), 1, "isolation is the storm's own");
    assert!(end.judged[0].unchecked && end.judged[0].value.contains("check-sessions"));
    let end = Examined::new(&sessions(), &declared).end();
    let isolation = end.judged.iter().find(|judged| judged.text.ends_with("isolation")).unwrap();
    assert!(isolation.unchecked, "{isolation:?}");
}
