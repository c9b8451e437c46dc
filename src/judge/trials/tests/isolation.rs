//! `check-isolation` on fixed trials.

use super::*;
use crate::model::behaviour::IsolationTrials;
use crate::model::outcome::Rule;
use crate::model::trial::isolation::{Among, Means, Numbered, Trial, Whose};

const CROSSED: How = (Outcome::Violation(Rule::OtherCallsAnswer), Some(200));
const CONFLICT: How = (Outcome::Status(409), Some(409));
const HUNG: How = (Outcome::Timeout, None);

fn told(trial: Trial, how: How) -> Event {
    tried(What::Isolation(trial), how, Duration::from_millis(5))
}

/// What was learnt of a tool whose call took so many milliseconds.
fn learnt(tool: &str, means: Means, took: u64) -> Event {
    let trial = Trial::Learnt(tool.to_owned(), means);
    tried(What::Isolation(trial), OK, Duration::from_micros(took))
}

fn together(among: Among, whose: Whose, how: How, count: usize) -> Vec<Event> {
    (0..count).map(|_| told(Trial::Together(among, whose), how)).collect()
}

fn numbered(id: &'static str, again: bool, answer: Option<&str>, how: How) -> Event {
    let answer = answer.map(str::to_owned);
    told(Trial::Numbered(Numbered { id, again, answer }), how)
}

fn behaviour(has_users: bool) -> Behaviour {
    script(Trials::Isolation(IsolationTrials { has_users, ..IsolationTrials::default() }))
}

fn sound() -> Vec<Event> {
    let mut events = vec![learnt("search", Means::Echo, 50_000)];
    for among in [Among::Session, Among::Sessions, Among::Users] {
        events.extend(together(among, Whose::Own, OK, 16));
    }
    events.push(numbered("4711", false, Some("4711"), OK));
    events.push(numbered("0", true, Some("0"), OK));
    events.push(numbered("\"a\"", false, Some("\"a\""), OK));
    events
}

#[test]
fn own_answers_hold_and_refused_ids_in_flight_are_sound() {
    let (said, findings) = judged(&behaviour(true), &sound());
    assert_eq!(findings, [""; 0]);
    insta::assert_debug_snapshot!(said);
    let mut events = sound();
    events.retain(|event| {
        !matches!(event, Event::Tried(tried)
            if tried.what == What::Isolation(Trial::Together(Among::Session, Whose::Own)))
    });
    events.extend(together(Among::Session, Whose::Own, OK, 2));
    events.extend(together(Among::Session, Whose::Untold, CONFLICT, 14));
    let (said, findings) = judged(&behaviour(true), &events);
    assert_eq!(findings, [""; 0]);
    assert!(said.values().all(|said| said.starts_with("held")), "{said:?}");
    assert!(said["isolation"].contains("in one session: 2 told, 14 calls refused"), "{said:?}");
}

#[test]
fn an_answer_of_another_is_the_protocols_finding_and_a_call_without_one_is_ours() {
    let mut events = sound();
    events.extend(together(Among::Session, Whose::Other, CROSSED, 2));
    let (said, findings) = judged(&behaviour(true), &events);
    assert_eq!(findings, [""; 0], "the violation was told");
    assert!(said["isolation"].starts_with("broken: 2 of 50 answers"), "{said:?}");
    assert!(said["delivery"].starts_with("held"), "{said:?}");
    let mut events = sound();
    events.extend(together(Among::Session, Whose::Untold, HUNG, 3));
    let (said, findings) = judged(&behaviour(true), &events);
    assert_eq!(findings, ["same-id-unanswered"]);
    assert_eq!(said["delivery"], "broken: never answered in one session: 3 of 19");
    assert!(said["isolation"].starts_with("held"), "{said:?}");
}

#[test]
fn each_way_to_treat_ids_badly_has_a_name() {
    let bad = (Outcome::Status(400), Some(400));
    let rounded = Some("9007199254740992");
    let cases = [
        (numbered("9007199254740991", false, rounded, OK), "ids-changed"),
        (numbered("1", false, Some("\"1\""), OK), "ids-changed"),
        (numbered("1", false, None, bad), "ids-refused"),
        (numbered("1", false, None, HUNG), "ids-refused"),
        // Another id that had been used was served.
        (numbered("1", true, None, bad), "ids-refused"),
    ];
    for (event, finding) in cases {
        let mut events = sound();
        events.push(event);
        let (said, findings) = judged(&behaviour(true), &events);
        assert_eq!(findings, [finding]);
        assert!(said["id-fidelity"].starts_with("broken"), "{said:?}");
    }
    // Its first use was served, whatever became of that of the handshake's id.
    let mut events = sound();
    events.push(numbered("\"a\"", true, None, bad));
    let (said, findings) = judged(&behaviour(true), &events);
    assert_eq!(findings, ["reused-id-refused"], "{said:?}");
}

#[test]
fn what_no_answer_tells_is_no_pass() {
    let (said, findings) = judged(&behaviour(true), &[]);
    assert_eq!(findings, [""; 0]);
    assert!(said.values().all(|said| said.starts_with("not enough to say")), "{said:?}");
    let events = together(Among::Sessions, Whose::Untold, OK, 40);
    let tools = vec![learnt("fetch", Means::Changing, 5_000), learnt("echo", Means::Echo, 5_000)];
    let (said, _) = judged(&behaviour(false), &[tools, events].concat());
    let isolation = &said["isolation"];
    assert!(isolation.contains("0 answers to calls in several sessions told"), "{isolation}");
    assert!(isolation.contains("not checked: fetch, which says nothing"), "{isolation}");
    assert!(isolation.contains("echo answers within 5ms: its calls hardly meet"), "{isolation}");
    assert!(isolation.contains("nothing tells users apart here"), "{isolation}");
    let throttled = (Outcome::Status(503), Some(503));
    let (said, _) = judged(&behaviour(false), &[numbered("4711", false, None, throttled)]);
    assert!(said["id-fidelity"].ends_with("was not served (503)"), "{said:?}");
}

#[test]
fn calls_that_never_met_say_nothing() {
    let at_once = |among| together(among, Whose::Own, OK, 16);
    let said = |took| {
        let tools =
            vec![learnt("echo", Means::Echo, took), learnt("fetch", Means::Changing, 90_000)];
        let (session, sessions) = (at_once(Among::Session), at_once(Among::Sessions));
        let (said, findings) = judged(&behaviour(false), &[tools, session, sessions].concat());
        assert_eq!(findings, [""; 0]);
        said["isolation"].clone()
    };
    let never = said(14);
    assert!(never.starts_with("not enough to say: every call was answered within 14us"), "{never}");
    assert!(said(300).starts_with("held: 32 answers"), "{}", said(300));
}

#[test]
fn where_answers_come_by_their_ids_sessions_are_held_apart_all_the_same() {
    let events = together(Among::Sessions, Whose::Own, OK, 16);
    let (said, findings) = judged(&behaviour(false), &events);
    assert_eq!(findings, [""; 0]);
    assert!(said["isolation"].starts_with("held: 16 answers"), "{said:?}");
    assert!(said["isolation"].contains("in one session: not tried"), "{said:?}");
    assert!(said["id-fidelity"].starts_with("not checked"), "{said:?}");
}
