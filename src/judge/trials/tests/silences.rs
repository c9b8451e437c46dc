//! `check-idle-streams` on fixed series of trials.

use super::*;
use crate::model::behaviour::SilenceTrials;
use crate::model::trial::silences::{Held, Kind, Told, Trial};

const CUT: How = (Outcome::CutStream, Some(200));
const NOT_OFFERED: How = (Outcome::Status(405), Some(405));
const SECOND: Duration = Duration::from_secs(1);

/// Something that was held for so long, and ended so after as long or less; what kept it alive came
/// so long before its end.
fn held(kind: Kind, silence: u64, how: How, life: f64, alive: Option<f64>) -> Event {
    held_so((kind, false), silence, how, life, alive)
}

/// The same for the first time, or again.
fn held_so(
    (kind, again): (Kind, bool),
    silence: u64,
    how: How,
    life: f64,
    alive: Option<f64>,
) -> Event {
    let life = Duration::from_secs_f64(life);
    let last = alive.map(|before| (SECOND + life).saturating_sub(Duration::from_secs_f64(before)));
    let beats = if alive.is_some() { 4 } else { 0 };
    let (silence, opened) = (Duration::from_secs(silence), Some(SECOND));
    let held = Held { kind, silence, opened, beats, last, resumes: false, again };
    tried(What::Silence(Trial::Held(held)), how, life)
}

/// Two of each, of which all are cut that last longer than this; and the shortest of these again.
fn streams(kind: Kind, how: How, cut: f64, alive: Option<f64>) -> Vec<Event> {
    const ALL: [u64; 6] = [30, 60, 100, 125, 300, 350];
    let all = ALL.into_iter().flat_map(|silence| [silence; 2]);
    let first = ALL.into_iter().find(|silence| *silence as f64 > cut);
    let again = first.map(|silence| {
        let life = cut + silence as f64 / 1e3;
        [0; 2].map(|_| held_so((kind, true), silence, how, life, alive))
    });
    let once = all.map(|silence| {
        if silence as f64 > cut {
            held(kind, silence, how, cut + silence as f64 / 1e3, alive)
        } else {
            held(kind, silence, OK, silence as f64, None)
        }
    });
    once.chain(again.into_iter().flatten()).collect()
}

fn told(first: u64, whole: u64, messages: u32) -> Event {
    let at = |millis| Some(SECOND + Duration::from_millis(millis));
    let told = Told { messages, first: at(first), answered: at(whole) };
    tried(What::Silence(Trial::Told(told)), OK, Duration::from_millis(whole))
}

fn said(events: &[Event]) -> (BTreeMap<String, String>, Vec<String>) {
    judged(&script(Trials::Silences(SilenceTrials::default())), events)
}

fn idle(events: &[Event]) -> (String, Vec<String>) {
    let (said, findings) = said(events);
    (said["idle-streams"].clone(), findings)
}

#[test]
fn what_stays_is_well() {
    let mut events = streams(Kind::Get, CUT, 400.0, None);
    events.extend(streams(Kind::Call, CUT, 400.0, None));
    let (value, findings) = idle(&events);
    assert_eq!(findings, [""; 0]);
    insta::assert_snapshot!(value);
    // One of many that is cut has some cause of its own.
    events.push(held(Kind::Get, 350, CUT, 7.0, None));
    assert_eq!(idle(&events).1, [""; 0]);
    let one = [held(Kind::Get, 350, CUT, 340.0, None), held(Kind::Get, 30, OK, 30.0, None)];
    assert_eq!(idle(&one).1, [""; 0]);
}

#[test]
fn what_is_cut_says_by_whom() {
    let gateway = (Outcome::Status(504), Some(504));
    let mut both = streams(Kind::Get, CUT, 59.5, None);
    both.extend(streams(Kind::Call, gateway, 59.5, None));
    let kept_alive = streams(Kind::Get, CUT, 299.9, Some(12.0));
    let mut values = Vec::new();
    for events in [both, kept_alive, streams(Kind::Listen, CUT, 200.0, None)] {
        let (value, findings) = idle(&events);
        assert_eq!(findings, ["idle-stream-cut"]);
        values.push(value);
    }
    insta::assert_debug_snapshot!(values);
    // What waited in a queue was not cut, and nobody can tell.
    let (value, findings) = idle(&streams(Kind::Call, (Outcome::Timeout, None), 349.0, None));
    assert_eq!(findings, [""; 0]);
    assert!(value.starts_with("not enough to say") && value.contains("no answer"), "{value}");
    // A network that failed once.
    let mut once = streams(Kind::Get, CUT, 59.5, None);
    once.truncate(12);
    once.extend([0; 2].map(|_| held_so((Kind::Get, true), 60, OK, 60.0, None)));
    let (value, findings) = idle(&once);
    assert_eq!(findings, [""; 0]);
    assert!(value.contains("cut once, and not when held again"), "{value}");
}

#[test]
fn what_is_not_offered_decides_nothing() {
    let refused: Vec<_> = (0..4).map(|_| held(Kind::Get, 30, NOT_OFFERED, 0.0, None)).collect();
    let (value, findings) = idle(&refused);
    assert_eq!(findings, [""; 0]);
    assert!(value.starts_with("not checked: GET streams are not offered"), "{value}");
    let calls = streams(Kind::Call, CUT, 400.0, None);
    let (value, _) = idle(&[refused, calls].concat());
    assert!(value.starts_with("held: 12 calls were held"), "{value}");
    let polled = Held {
        kind: Kind::Get,
        silence: SECOND * 30,
        opened: Some(SECOND),
        beats: 1,
        last: Some(SECOND),
        resumes: true,
        again: false,
    };
    let polled = tried(What::Silence(Trial::Held(polled)), CUT, SECOND);
    let (value, findings) = idle(&[polled.clone(), polled]);
    assert_eq!(findings, [""; 0]);
    assert!(value.contains("2 were ended to be asked for again"), "{value}");
}

#[test]
fn events_come_when_they_are_sent() {
    let flow = |events: &[Event]| {
        let (said, findings) = said(events);
        (said["streams-flow"].clone(), findings)
    };
    let five = |first, whole, messages| [0; 5].map(|_| told(first, whole, messages)).to_vec();
    let (value, findings) = flow(&five(950, 1_000, 3));
    assert_eq!(findings, ["stream-buffered"], "{value}");
    for events in [five(10, 1_000, 3), five(800, 1_000, 3)] {
        let (value, findings) = flow(&events);
        assert!(findings.is_empty() && value.starts_with("held"), "{value}");
    }
    // A machine that was busy is none that buffers.
    let mut busy = five(1_000, 1_000, 3);
    busy[3] = told(500, 1_000, 3);
    assert_eq!(flow(&busy).1, [""; 0]);
    // One message says nothing, nor does what takes no time.
    for events in [five(1_000, 1_000, 1), five(40, 40, 3)] {
        assert!(flow(&events).0.starts_with("not checked: none of 5 calls"));
    }
    assert!(flow(&five(1_000, 1_000, 3)[..2]).0.starts_with("not enough to say: 2 calls"));
}
