//! Storms of a few events.

use super::*;
use crate::model::event::{Call, Echo, Exchange, Instants, SessionChange, SessionEvent, Violation};
use crate::model::fault::outside::{Action, Hook};
use crate::model::fault::{Scope, Touched, What, When};
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome, Rule};
use crate::model::summary::sample;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn storm() -> Storm {
    Storm::new(&["search".to_owned()], &[], &[])
}

fn call(outcome: Outcome) -> Call {
    let instants = Instants { due: s(5), done: s(6), ..sample::call(0, 0, 5_000).instants };
    Call { instants, outcome, ..sample::call(0, 0, 5_000) }
}

fn exchange(operation: Operation, took: Duration, outcome: Outcome) -> Exchange {
    let (sent, end) = (s(1), s(1) + took);
    Exchange {
        operation,
        began: sent,
        sent: Some(sent),
        headers: Some(sent),
        answer: None,
        end,
        status: Some(200),
        outcome,
        ..sample::exchange(0, operation, 0)
    }
}

fn ids(storm: &Storm) -> Vec<String> {
    storm.findings().into_iter().map(|finding| finding.id).collect()
}

#[test]
fn calls_that_are_cut_or_never_answered_are_found_and_others_are_not() {
    let mut storm = storm();
    for outcome in [Outcome::Ok, Outcome::ToolError, Outcome::Status(500), Outcome::Unfinished] {
        storm.observe(&Event::Call(call(outcome)));
    }
    assert_eq!(ids(&storm), [""; 0]);
    storm.observe(&Event::Call(call(Outcome::CutStream)));
    storm.observe(&Event::Call(call(Outcome::Timeout)));
    assert_eq!(ids(&storm), ["answers-cut", "calls-hung"]);
    let evidence = &storm.findings()[1].evidence;
    assert_eq!(evidence, &["at 5s, user 0: given up after 1s"]);
}

#[test]
fn a_connection_that_closes_instead_of_an_answer_loses_it() {
    let found = |failure, sent| {
        let mut storm = storm();
        let mut lost = call(Outcome::Connect(failure));
        lost.instants.sent = sent;
        storm.observe(&Event::Call(lost));
        ids(&storm)
    };
    assert_eq!(found(ConnectFailure::Closed, Some(s(5))), ["answers-cut"]);
    // Nothing was asked yet.
    assert_eq!(found(ConnectFailure::Closed, None), [""; 0]);
    assert_eq!(found(ConnectFailure::Refused, None), [""; 0]);
}

#[test]
fn what_a_fault_touched_or_a_hook_may_have_is_none_of_the_targets() {
    let command = vec!["restart".to_owned()];
    let hook = Hook { action: Action::Command(command), timeout: s(1), cleanup: None };
    let when = When { at: s(4), lasts: Some(s(2)), every: None, repeat: None };
    let (name, scope, what) = ("restart".to_owned(), Scope::default(), What::Hook(hook));
    let faults = [Fault { name, kind: "hook", when, share: 1.0, scope, what }];
    let windows = crate::model::fault::windows(&faults, s(60));
    let mut storm = Storm::new(&[], &faults, &windows);
    let hung = call(Outcome::Timeout);
    storm.observe(&Event::Call(Call { touched: Touched::by(3), ..hung }));
    storm.observe(&Event::Call(hung));
    let change = SessionChange::Lost;
    storm.observe(&Event::Session(SessionEvent { user: 0, at: s(9), change }));
    assert_eq!(ids(&storm), [""; 0]);
    storm.observe(&Event::Session(SessionEvent { user: 0, at: s(3), change }));
    assert_eq!(ids(&storm), ["sessions-vanished"]);
}

#[test]
fn streams_that_end_after_the_same_time_have_one_cause() {
    let streams = |lives: &[u64]| {
        let mut storm = storm();
        for life in lives {
            let cut = exchange(Operation::Stream, s(*life), Outcome::CutStream);
            storm.observe(&Event::Exchange(cut));
        }
        storm.findings().first().map(|finding| finding.evidence[0].clone())
    };
    assert_eq!(streams(&[60, 60, 60, 60]), None, "too few");
    assert_eq!(streams(&[3, 3, 3, 3, 3, 3]), None, "too short to be idle");
    assert_eq!(streams(&[20, 31, 42, 53, 64, 75]), None, "no one cause");
    let alb = streams(&[60, 60, 61, 60, 60]).unwrap();
    let of_alb = "5 of 5 streams after 60s of silence, as an AWS ALB or nginx does";
    assert!(alb.starts_with(of_alb), "{alb}");
    let mine = streams(&[45, 45, 45, 45, 45, 12]).unwrap();
    assert_eq!(mine, "5 of 6 streams after 45s of silence");
}

#[test]
fn silence_is_told_from_age() {
    let cut = |operation, last, life, outcome| {
        let mut cut = exchange(operation, s(life), outcome);
        cut.last_bytes = Some(cut.headers.unwrap() + s(last));
        Event::Exchange(cut)
    };
    let found = |events: &mut dyn Iterator<Item = Event>| {
        let mut storm = storm();
        events.for_each(|event| storm.observe(&event));
        let found = storm.findings().into_iter();
        found.map(|finding| (finding.id, finding.evidence[0].clone())).collect::<Vec<_>>()
    };
    // Something came until then, at different times: only the silence is always the same.
    let lasts = [3, 50, 17, 31, 8];
    let stream = Operation::Stream;
    let mut idle = lasts.iter().map(|last| cut(stream, *last, last + 12, Outcome::CutStream));
    let idle = found(&mut idle);
    assert_eq!((idle.len(), idle[0].0.as_str()), (1, "idle-streams-cut"), "{idle:?}");
    // Something came just before: it is not the silence.
    let mut aged = lasts.iter().map(|_| cut(stream, 299, 300, Outcome::CutStream));
    let aged = found(&mut aged);
    let who = "5 of 5 after 5m 0s, the 300 s after which Railway cuts";
    assert_eq!(aged, [("streams-cut-by-age".to_owned(), who.to_owned())]);
    // A gateway that waits no longer for a call.
    let call = Operation::ToolsCall;
    let mut calls = lasts.iter().map(|_| cut(call, 0, 60, Outcome::Status(504)));
    let calls = found(&mut calls);
    assert!(
        calls[0].1.starts_with("5 of 5 calls after 60s of silence, as an AWS ALB"),
        "{calls:?}"
    );
}

#[test]
fn handshakes_have_a_budget_and_refreshes_a_larger_one() {
    let mut storm = storm();
    let all = [
        (Operation::Initialize, 9),
        (Operation::OauthRefresh, 29),
        (Operation::ToolsCall, 200),
        (Operation::Stream, 200),
    ];
    for (operation, took) in all {
        storm.observe(&Event::Exchange(exchange(operation, s(took), Outcome::Ok)));
    }
    assert_eq!(ids(&storm), [""; 0]);
    for (operation, took) in [(Operation::ToolsList, 11), (Operation::OauthRefresh, 31)] {
        storm.observe(&Event::Exchange(exchange(operation, s(took), Outcome::Ok)));
    }
    let found = &storm.findings()[0];
    assert_eq!((found.id.as_str(), found.count), ("over-budget", 2));
    assert_eq!(found.evidence[0], "2 of 4 such requests");
    assert_eq!(found.evidence[2], "at 1s, user 0: tools/list took 11s, of 10s");
}

#[test]
fn tools_whose_answers_tell_nothing_are_said_to_be_unchecked() {
    let said = |echoes: &[Echo]| {
        let mut storm = storm();
        for echo in echoes {
            storm.observe(&Event::Call(Call { echo: *echo, ..call(Outcome::Ok) }));
        }
        storm.unchecked()
    };
    assert_eq!(said(&[]), [""; 0]);
    assert_eq!(said(&[Echo::Silent, Echo::Own]), [""; 0], "one is enough to know that it echoes");
    let silent = said(&[Echo::Silent, Echo::Silent]);
    assert!(silent[0].contains("search gives (2 of them): they do not echo"), "{silent:?}");
    assert!(said(&[Echo::Unasked])[0].contains("no place for a nonce"));
}

/// What became of the invariants that every storm shows.
fn held(storm: &Storm) -> Vec<String> {
    let judged = storm.end().judged;
    let word = |passed| if passed { "held" } else { "not held" };
    judged.iter().map(|judged| format!("{}: {}", word(judged.passed), judged.value)).collect()
}

#[test]
fn invariants_that_are_named_are_judged_and_no_others() {
    let opened = |with_id| {
        let change = SessionChange::Opened { with_id };
        Event::Session(SessionEvent { user: 0, at: s(1), change })
    };
    let own = Event::Call(Call { tool: Some(0), echo: Echo::Own, ..call(Outcome::Ok) });
    let all = [Invariant::Isolation, Invariant::Delivery, Invariant::SessionsStay];
    let mut storm = storm().expecting(all.to_vec());
    assert_eq!(
        held(&storm),
        [
            "not held: not enough to say: none of 0 answers told whose they are",
            "not held: not enough to say: no call ended that met no fault",
            "not held: not checked: no session with an id was opened, or none before the first fault",
        ]
    );
    for event in [opened(true), opened(false), own.clone()] {
        storm.observe(&event);
    }
    let few = held(&storm).join("; ");
    assert!(few.contains("1 answers told whose they are; 20 are needed"), "{few}");
    assert!(few.contains("1 calls were answered; 20 are needed"), "{few}");
    assert!(few.contains("1 sessions with an id; 5 are needed"), "{few}");
    for event in [0; 19].map(|_| &own) {
        storm.observe(event);
    }
    for _ in 0..4 {
        storm.observe(&opened(true));
    }
    storm.observe(&Event::Call(Call { echo: Echo::Silent, ..call(Outcome::Ok) }));
    assert_eq!(
        held(&storm),
        [
            "held: 20 answers told whose they are, 1 did not",
            "held: 21 calls were answered, whole",
            "held: 5 sessions, of which none was gone",
        ]
    );
    let crossed = Violation {
        rule: Rule::OtherUsersAnswer,
        at: s(2),
        user: Some(0),
        operation: Operation::ToolsCall,
        evidence: String::new(),
        touched: Touched::default(),
    };
    let twice = crossed.clone();
    storm.observe(&Event::Violation(Box::new(crossed)));
    storm.observe(&Event::Call(call(Outcome::CutStream)));
    storm.observe(&Event::Call(call(Outcome::Timeout)));
    let change = SessionChange::Lost;
    storm.observe(&Event::Session(SessionEvent { user: 0, at: s(2), change }));
    assert_eq!(
        held(&storm),
        [
            "not held: 1 answers were another call's; 20 were the call's own",
            "not held: of 23 calls 1 were cut, and 1 never answered",
            "not held: 1 sessions were gone, of 5 with an id",
        ]
    );
    let second = Violation { rule: Rule::SecondAnswer, ..twice };
    storm.observe(&Event::Violation(Box::new(second)));
    assert!(held(&storm)[1].starts_with("not held: 1 messages came that no call waited for"));
    // The findings are those that every storm has, once each.
    let found: Vec<_> = storm.end().findings.into_iter().map(|finding| finding.id).collect();
    assert_eq!(found, ["answers-cut", "calls-hung", "sessions-vanished"]);
    assert_eq!(super::Storm::new(&[], &[], &[]).end().judged, []);
}

#[test]
fn the_readme_names_every_finding_and_no_other() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("## What holds in every storm").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(named, IDS);
}

#[test]
fn deletes_that_are_neither_taken_nor_declined_are_found() {
    let found = |answers: &[(u16, usize)]| {
        let mut storm = storm();
        let all = answers.iter().flat_map(|(status, times)| [*status].repeat(*times));
        for status in all {
            let delete = exchange(Operation::Delete, s(1), Outcome::Status(status));
            storm.observe(&Event::Exchange(Exchange { status: Some(status), ..delete }));
        }
        storm.findings().first().map(|finding| (finding.id.clone(), finding.evidence[0].clone()))
    };
    for sound in [200, 204, 405, 501, 404, 401, 429, 503] {
        assert_eq!(found(&[(sound, 50)]), None, "{sound}");
    }
    assert_eq!(found(&[(500, 4)]), None, "too few");
    assert_eq!(found(&[(500, 20), (200, 3)]), None, "some are taken");
    let refused = ("deletes-refused".to_owned(), "18 of 20 sessions".to_owned());
    assert_eq!(found(&[(200, 2), (400, 18), (404, 50)]), Some(refused));
}

/// A call of 500 ms that told so much, first after so long.
fn told(messages: u16, first: u64) -> Event {
    let bare = exchange(Operation::ToolsCall, s(1), Outcome::Ok);
    let at = |ms| Some(s(1) + Duration::from_millis(ms));
    Event::Exchange(Exchange { messages, first_event: at(first), answer: at(500), ..bare })
}

#[test]
fn progress_that_comes_with_the_answer_is_found() {
    let of = |all: &[(usize, Event)]| {
        let mut storm = storm().expecting(vec![Invariant::StreamsFlow]);
        for (times, event) in all {
            (0..*times).for_each(|_| storm.observe(event));
        }
        (ids(&storm).join(" "), held(&storm).join(" "))
    };
    let buffered = "stream-buffered".to_owned();
    let none = "not held: not checked: no call told its progress twice in 100 ms or more";
    assert_eq!(of(&[(90, told(1, 499)), (90, told(2, 499))]), (String::new(), none.to_owned()));
    let few = "not held: not enough to say: 19 calls told progress; 20 are needed";
    assert_eq!(of(&[(19, told(3, 490))]), (String::new(), few.to_owned()));
    let all = "not held: progress came with the answer in 20 of 20 calls";
    assert_eq!(of(&[(20, told(3, 490))]), (buffered, all.to_owned()));
    let held = "held: progress came before the answer in 10 of 50 calls";
    assert_eq!(of(&[(40, told(3, 490)), (10, told(3, 20))]), (String::new(), held.to_owned()));
}
