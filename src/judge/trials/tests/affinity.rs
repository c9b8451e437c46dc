//! `check-affinity` on fixed trials.

use super::*;
use crate::model::behaviour::AffinityTrials;
use crate::model::trial::affinity::Trial;

fn told(trial: Trial, is_found: bool) -> Event {
    let how = if is_found { OK } else { LOST };
    tried(What::Affinity(trial), how, Duration::from_millis(5))
}

/// Three sessions of twenty calls from each address; what finds its session is said by the number
/// of the address and of the call.
fn sessions(addresses: u32, finds: impl Fn(u32, u32) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(told(Trial::Opened, true));
        for place in 0..addresses {
            events.extend((0..20).map(|at| told(Trial::Fresh(place), finds(place, at))));
        }
        events.push(told(Trial::Kept, true));
    }
    events.extend((0..5).map(|_| told(Trial::Confirmed, true)));
    events.extend((0..5).map(|_| told(Trial::Begun, true)));
    events
}

fn said(addresses: u32, events: &[Event]) -> (String, Vec<String>) {
    let knobs = AffinityTrials { addresses, ..AffinityTrials::default() };
    let (said, findings) = judged(&script(Trials::Affinity(knobs)), events);
    assert_eq!(said.len(), 1);
    (said["affinity"].clone(), findings)
}

#[test]
fn sessions_that_are_found_everywhere_hold() {
    let (one, findings) = said(1, &sessions(1, |_, _| true));
    assert_eq!(findings, [""; 0]);
    let expected = "held: all 60 calls on new connections found their session, from one address \
                    (affinity by address would not show)";
    assert_eq!(one, expected);
    let (three, _) = said(3, &sessions(3, |_, _| true));
    assert!(three.starts_with("held: all 180 calls") && three.ends_with("3 addresses"), "{three}");
}

#[test]
fn replicas_are_counted() {
    let cases: [(u32, &str); 4] = [
        (2, "30 of 60 calls on new connections found their session: 2 replicas (1.6 to 2.7)"),
        (3, "21 of 60 calls on new connections found their session: 3 replicas (2.1 to 4.1)"),
        (5, "12 of 60 calls on new connections found their session: 5 replicas (3.1 to 8.5)"),
        (20, "3 of 60 calls on new connections found their session: 20 replicas (7.3 to 58.3)"),
    ];
    for (replicas, expected) in cases {
        let (said, findings) = said(1, &sessions(1, |_, at| at % replicas == 0));
        assert_eq!(said, format!("broken: {expected}"));
        assert_eq!(findings, ["sessions-in-one-replica"]);
    }
    let (said, findings) = said(1, &sessions(1, |_, _| false));
    assert_eq!(findings, ["sessions-in-one-replica"]);
    assert!(said.contains("a session is its connection's, or there are at least 17"), "{said}");
}

#[test]
fn affinity_by_address_is_told_apart() {
    let (text, findings) = said(3, &sessions(3, |place, _| place != 2));
    assert_eq!(findings, ["sessions-bound-to-address"]);
    assert!(text.contains("from 2 others 60 of 120, and 1 of them hardly ever"), "{text}");
    // Replicas are what they are, wherever calls come from.
    let (_, findings) = said(3, &sessions(3, |_, at| at % 2 == 0));
    assert_eq!(findings, ["sessions-in-one-replica"]);
}

#[test]
fn a_few_losses_and_sessions_that_end_are_no_replicas() {
    let (text, findings) = said(1, &sessions(1, |_, at| at != 7));
    assert_eq!(findings, [""; 0]);
    assert!(text.starts_with("not enough to say: 3 of 60 calls"), "{text}");
    // Gone for good in the middle.
    let mut events = sessions(1, |_, at| at < 10);
    events.retain(
        |event| !matches!(event, Event::Tried(tried) if tried.what == What::Affinity(Trial::Kept)),
    );
    let (text, findings) = said(1, &events);
    assert_eq!(findings, [""; 0]);
    assert!(text.contains("none that was lost was found again"), "{text}");
    let (text, _) = said(1, &sessions(1, |_, _| true)[..15]);
    assert!(text.contains("14 calls on new connections were answered; 20 are needed"), "{text}");
    assert_eq!(said(1, &[]).0, "not checked: there are no sessions");
    let failed = tried(What::Affinity(Trial::Opened), (Outcome::Timeout, None), Duration::ZERO);
    assert!(said(1, &[failed]).0.contains("none of 1 sessions could be opened"));
}

#[test]
fn a_handshake_in_two_halves_has_to_work() {
    let mut events = sessions(1, |_, _| true);
    events.retain(|event| {
        !matches!(event, Event::Tried(tried)
            if matches!(tried.what, What::Affinity(Trial::Confirmed | Trial::Begun)))
    });
    events.extend((0..5).map(|_| told(Trial::Confirmed, false)));
    events.extend((0..5).map(|_| told(Trial::Begun, true)));
    let (text, findings) = said(1, &events);
    assert_eq!(findings, ["initialized-elsewhere-refused"]);
    assert!(text.contains("was taken 0 of 5 times, and 5 of 5 calls"), "{text}");
}
