//! Events by hand, and what is said of them.

use std::time::Duration;

use super::Tokens;
use crate::model::event::{Call, Event, Exchange, GrantChange, GrantEvent, Instants, Race, Second};
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::plan::tokens::{Most, TokenLimits};
use crate::model::summary::sample;

const NONE: TokenLimits = TokenLimits {
    lost: None,
    served_again: None,
    amplification: None,
    refused_early: None,
    grace: None,
    rotation: false,
    winner_alive: false,
};

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn grant(user: u32, at: f64, change: GrantChange) -> Event {
    Event::Grant(GrantEvent { user, at: s(at), change })
}

/// A call that was sent and done then.
fn call(user: u32, sent: f64, done: f64, outcome: Outcome, first_with_token: bool) -> Event {
    let instants = Instants {
        due: s(sent),
        started: s(sent),
        admitted: Some(s(sent)),
        sent: Some(s(sent)),
        done: s(done),
    };
    let plain = sample::call(user, 0, 0);
    Event::Call(Call { instants, outcome, first_with_token, ..plain })
}

fn exchange(operation: Operation, status: u16) -> Event {
    let status = Some(status);
    Event::Exchange(Exchange { status, ..sample::exchange(0, operation, 0) })
}

fn race(gap: f64, second: Second, first_alive: Option<bool>) -> Event {
    let (gap, within) = (s(gap), (s(gap), s(gap)));
    Event::Race(Race { user: 1, at: s(1.0), gap, within, second, first_alive })
}

/// Whether the one expectation held, what was said of it, and the findings' names.
fn said(limits: TokenLimits, events: &[Event]) -> (Option<bool>, String, Vec<String>) {
    let mut tokens = Tokens::new(limits);
    for event in events {
        tokens.observe(event);
    }
    let end = tokens.end();
    assert_eq!(end.judged.len(), 1);
    let judged = &end.judged[0];
    assert!(!(judged.passed && judged.unproven));
    let held = (!judged.unproven).then_some(judged.passed);
    let findings = end.findings.iter().map(|finding| finding.id.clone()).collect();
    (held, format!("{}: {}", judged.text, judged.value), findings)
}

#[test]
fn a_user_that_logs_in_again_has_lost_its_grant_once() {
    let none = TokenLimits { lost: Some(Most::Users(0)), ..NONE };
    let ok = |user| call(user, 0.0, 0.1, Outcome::Ok, false);
    let dead = [
        ok(1),
        ok(2),
        grant(1, 1.0, GrantChange::Lost),
        grant(1, 1.1, GrantChange::Authorised { again: true }),
        grant(2, 1.2, GrantChange::Refreshed { rotated: true }),
    ];
    let (held, text, findings) = said(none, &dead);
    assert_eq!(held, Some(false));
    assert_eq!(text, "tokens.lost = 0: 1 of 2 users (50%) needed a new login");
    assert_eq!(findings, ["grants-lost"]);
    let half = TokenLimits { lost: Some(Most::Share(0.5)), ..NONE };
    assert_eq!(said(half, &dead).0, Some(true));
    // A first login and one for a wider scope are none that was lost.
    let sound = [
        ok(1),
        grant(1, 0.0, GrantChange::Authorised { again: false }),
        grant(1, 1.0, GrantChange::ScopeRefused { widens: true }),
        grant(1, 1.1, GrantChange::Authorised { again: true }),
        grant(1, 1.2, GrantChange::Refreshed { rotated: true }),
    ];
    assert_eq!(said(none, &sound).0, Some(true));
    assert_eq!(said(none, &[grant(3, 1.0, GrantChange::LockedOut { again: true })]).0, Some(false));
    // Who never came to a grant has lost none.
    let never = [grant(3, 1.0, GrantChange::LockedOut { again: false }), ok(1)];
    let (held, text, findings) = said(none, &never);
    assert_eq!((held, findings), (None, Vec::new()));
    assert!(text.contains("0 of 1 users"), "{text}");
    // No token ended: that is no pass.
    let (held, text, findings) = said(none, &[ok(1)]);
    assert_eq!((held, findings), (None, Vec::new()));
    assert!(text.contains("not enough to say"), "{text}");
}

#[test]
fn a_wait_ends_with_an_answer_to_a_request_sent_since() {
    let limit = TokenLimits { served_again: Some(s(5.0)), ..NONE };
    let refused = grant(1, 10.0, GrantChange::RefusedEarly);
    let renewed = || grant(1, 10.5, GrantChange::Refreshed { rotated: true });
    let cases = [
        // Sent before, and answered after: not yet served again.
        (vec![call(1, 9.0, 20.0, Outcome::Ok, false)], Some(true)),
        (vec![call(1, 11.0, 12.0, Outcome::Ok, false)], Some(true)),
        (vec![renewed(), call(1, 9.0, 12.0, Outcome::Ok, true)], Some(true)),
        (vec![renewed(), call(1, 9.0, 16.0, Outcome::Ok, true)], Some(false)),
        (vec![call(1, 11.0, 16.0, Outcome::Ok, false)], Some(false)),
        // Another user's answer is none of this one's.
        (
            vec![
                call(2, 11.0, 12.0, Outcome::Ok, true),
                call(1, 11.0, 16.0, Outcome::Unauthorised(401), false),
            ],
            Some(false),
        ),
        // It waits, and not yet too long.
        (vec![call(1, 11.0, 12.0, Outcome::Unauthorised(401), false)], None),
        (vec![call(1, 11.0, 30.0, Outcome::Unfinished, false)], Some(true)),
    ];
    for (number, (calls, expected)) in cases.into_iter().enumerate() {
        let events: Vec<_> = [refused.clone()].into_iter().chain(calls).collect();
        let (held, text, findings) = said(limit, &events);
        assert_eq!(held, expected, "{number}: {text}");
        let broken: &[&str] = if held == Some(false) { &["not-served-again"] } else { &[] };
        assert_eq!(findings, broken, "{number}");
    }
    assert_eq!(said(limit, &[call(1, 0.0, 1.0, Outcome::Ok, false)]).0, None);
    // Nor did anybody wait for a token whose scope is too little, whoever asks for more.
    let refused = call(1, 0.0, 1.0, Outcome::Unauthorised(403), false);
    let again = call(1, 7.0, 8.0, Outcome::Unauthorised(403), false);
    for widens in [true, false] {
        let narrow = grant(1, 0.5, GrantChange::ScopeRefused { widens });
        assert_eq!(said(limit, &[narrow, refused.clone(), again.clone()]).0, None);
    }
    assert_eq!(said(limit, &[refused, again]).0, Some(false));
    // A call that waited for a refresh waited, though nothing refused it; a first login is another.
    let long = call(1, 10.0, 16.0, Outcome::Ok, true);
    assert_eq!(said(limit, &[renewed(), long.clone()]).0, Some(false));
    let first = grant(1, 10.5, GrantChange::Authorised { again: false });
    assert_eq!(said(limit, &[first, long]).0, None);
}

#[test]
fn requests_are_held_against_a_plain_course() {
    let limit = TokenLimits { amplification: Some(2.0), ..NONE };
    let run = |refreshes: usize, brought: usize, good: usize, refused: usize| {
        let refresh = exchange(Operation::OauthRefresh, 200);
        let mut events = vec![refresh; refreshes];
        let renewed = grant(1, 1.0, GrantChange::Refreshed { rotated: true });
        events.extend(vec![renewed; brought]);
        events.extend(vec![exchange(Operation::ToolsCall, 200); good]);
        events.extend(vec![exchange(Operation::ToolsCall, 401); refused]);
        said(limit, &events)
    };
    assert_eq!(run(20, 10, 10, 10).0, Some(true));
    assert_eq!(run(21, 10, 10, 0).0, Some(false));
    assert_eq!(run(10, 10, 10, 11).0, Some(false));
    assert_eq!(run(10, 0, 10, 0).0, Some(false));
    assert_eq!(run(9, 9, 10, 0).0, None);
    assert_eq!(run(10, 10, 9, 0).0, None);
    assert_eq!(run(21, 10, 10, 0).2, ["token-amplification"]);
    // A user without a scope is refused every time: no token ended.
    let narrow = |status: u16| {
        let mut events = vec![exchange(Operation::OauthToken, 200); 10];
        events.extend(vec![grant(1, 0.0, GrantChange::Authorised { again: false }); 10]);
        events.extend(vec![exchange(Operation::ToolsCall, status); 69]);
        said(limit, &events).0
    };
    assert_eq!((narrow(403), narrow(401)), (Some(true), Some(false)));
    // What further processes ask for is the scenario's own wish: 31 requests, 11 of them theirs.
    let raced = |races: usize| {
        let mut events = vec![exchange(Operation::OauthRefresh, 200); 31];
        events.extend(vec![grant(1, 1.0, GrantChange::Refreshed { rotated: true }); 10]);
        events.extend(vec![exchange(Operation::ToolsCall, 200); 10]);
        events.extend(vec![race(1.0, Second::Granted, None); races]);
        said(limit, &events)
    };
    assert_eq!(raced(11).0, Some(true));
    assert_eq!(raced(10).0, Some(false));
    assert!(raced(11).1.contains("token endpoint 2.00x"), "{}", raced(11).1);
}

#[test]
fn a_token_is_good_as_long_as_it_was_said_to_be() {
    let limit = TokenLimits { refused_early: Some(1), ..NONE };
    let early = grant(1, 1.0, GrantChange::RefusedEarly);
    assert_eq!(said(limit, &[]).0, None);
    assert_eq!(said(limit, &[grant(1, 1.0, GrantChange::Expired)]).0, Some(true));
    assert_eq!(said(limit, std::slice::from_ref(&early)).0, Some(true));
    let (held, text, findings) = said(limit, &[early.clone(), early]);
    assert_eq!((held, findings.as_slice()), (Some(false), &["refused-early".to_owned()][..]));
    assert_eq!(text, "tokens.refused_early = 1: 2 tokens refused before their end");
}

#[test]
fn races_are_held_against_the_declared_grace() {
    let grace = TokenLimits { grace: Some(s(10.0)), ..NONE };
    let rotated = grant(1, 0.0, GrantChange::Refreshed { rotated: true });
    let within = race(10.0, Second::Granted, Some(true));
    let of = |races: &[Event]| said(grace, &[std::slice::from_ref(&rotated), races].concat());
    assert_eq!(of(&[]).0, None);
    let (held, text, _) = of(std::slice::from_ref(&within));
    assert_eq!(held, Some(true));
    assert!(text.contains("within it 1 of 1 accepted, after it none was tried; gaps"), "{text}");
    let (held, _, findings) = of(&[within.clone(), race(1.0, Second::Refused, None)]);
    assert_eq!((held, findings), (Some(false), vec!["refresh-grace".to_owned()]));
    let (held, text, findings) = of(&[within.clone(), race(1.0, Second::Broken, None)]);
    assert_eq!((held, findings), (Some(false), vec!["refresh-broken-by-race".to_owned()]));
    assert!(text.contains("1 answered 500; within it 1 of 1 accepted"), "{text}");
    // Who was asked to wait, or got no answer, shows nothing of the grace.
    assert_eq!(of(&[race(1.0, Second::Failed, None)]).0, None);
    // A slow answer may have been one of after the grace.
    let slow = Race {
        user: 1,
        at: s(1.0),
        gap: s(9.0),
        within: (s(8.0), s(10.5)),
        second: Second::Refused,
        first_alive: Some(false),
    };
    assert_eq!(of(&[within.clone(), Event::Race(slow)]).0, Some(true));
    // After it the old one is refused; its edge says nothing.
    let late = race(11.0, Second::Granted, None);
    assert_eq!(of(&[within.clone(), late.clone()]).0, Some(false));
    let edge = [race(10.5, Second::Granted, None), race(10.9, Second::Refused, None)];
    let (held, text, findings) = of(&edge);
    assert_eq!((held, findings), (None, Vec::new()));
    let about =
        "within it none was tried, after it none was tried, about its end 1 of 2, which says";
    assert!(text.contains("not enough to say") && text.contains(about), "{text}");
    let (held, text, _) = of(&[within.clone(), race(12.0, Second::Refused, None)]);
    assert_eq!(held, Some(true));
    assert!(text.contains("within it 1 of 1 accepted, after it 0 of 1;"), "{text}");
    assert!(text.ends_with("safe up to 10s, 1 of 1; the shortest that was not is 12s"), "{text}");
    // Where nothing is rotated there is no old one.
    let kept = grant(1, 0.0, GrantChange::Refreshed { rotated: false });
    let (held, text, findings) = said(grace, &[kept, within, late]);
    assert_eq!((held, findings), (None, Vec::new()));
    assert!(text.ends_with("the refresh token is never replaced: there is no old one"), "{text}");
}

#[test]
fn each_refresh_replaces_the_refresh_token() {
    let limit = TokenLimits { rotation: true, ..NONE };
    let refreshed = |rotated| grant(1, 1.0, GrantChange::Refreshed { rotated });
    assert_eq!(said(limit, &[]).0, None);
    assert_eq!(said(limit, &[refreshed(true)]).0, Some(true));
    let (held, text, findings) = said(limit, &[refreshed(true), refreshed(false)]);
    assert_eq!((held, findings), (Some(false), vec!["no-rotation".to_owned()]));
    assert_eq!(text, "tokens.rotation = true: 1 of 2 refreshes replaced the refresh token");
    let (_, text, _) = said(limit, &[refreshed(false)]);
    assert!(text.ends_with("the refresh token is never replaced, in 1 refresh"), "{text}");
}

#[test]
fn the_winner_of_a_race_keeps_its_tokens() {
    let alive = TokenLimits { winner_alive: true, ..NONE };
    let good = race(0.0, Second::Granted, Some(true));
    let bad = race(0.0, Second::Refused, Some(false));
    assert_eq!(said(alive, &[race(0.0, Second::Granted, None)]).0, None);
    assert_eq!(said(alive, std::slice::from_ref(&good)).0, Some(true));
    let (held, _, findings) = said(alive, &[good.clone(), bad.clone()]);
    assert_eq!((held, findings), (Some(false), vec!["race-kills-winner".to_owned()]));
    // Past the declared grace a grant may end with a second use of its token.
    let late = race(12.0, Second::Refused, Some(false));
    let graced = TokenLimits { grace: Some(s(10.0)), ..alive };
    let mut tokens = Tokens::new(graced);
    let rotated = grant(1, 0.0, GrantChange::Refreshed { rotated: true });
    for event in [rotated, good, late] {
        tokens.observe(&event);
    }
    assert!(tokens.end().judged.iter().all(|judged| judged.passed));
}
