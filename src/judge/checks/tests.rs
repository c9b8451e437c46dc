//! Events by hand, and what is said of them.

use std::time::Duration;

use super::{Before, Checks};
use crate::model::behaviour::{Behaviour, Check, ExpiredToken, Foreign, Steady, WrongAudience};
use crate::model::event::{Challenged, Event, Exchange, Issued, Presented, Refused, Whose};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule, Signal, Throttle};
use crate::model::plan::checks::CheckLimits;
use crate::model::report::{Expectations, Trials};
use crate::model::summary::sample;

const NEWEST: &str = "2025-11-25";
const OLD: &str = "2025-03-26";
/// When every token here ends.
const END: f64 = 100.0;

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn expired() -> Behaviour {
    let (every, lasts) = (s(1.0), s(30.0));
    Behaviour::Check(Check::ExpiredToken(ExpiredToken { every, lasts, refusals: 3 }))
}

fn audience() -> Behaviour {
    let (every, foreign) = (s(1.0), Foreign::Elsewhere);
    Behaviour::Check(Check::WrongAudience(WrongAudience { calls: 3, every, foreign }))
}

fn limits() -> CheckLimits {
    CheckLimits { skew: Some(s(2.0)), ..CheckLimits::default() }
}

fn presented(token: Whose, sent: f64, status: u16, outcome: Outcome) -> Presented {
    let challenge = if status == 401 { Challenged::WithMetadata } else { Challenged::No };
    let (user, operation, status) = (1, Operation::ToolsCall, Some(status));
    Presented { user, operation, token, sent: s(sent), status, outcome, challenge }
}

/// An answer to a token that ends at [`END`].
fn own(sent: f64, status: u16) -> Presented {
    let outcome = match status {
        200 => Outcome::Ok,
        401 | 403 => Outcome::Unauthorised(status),
        302 => Outcome::Violation(Rule::Redirect),
        _ => Outcome::Status(status),
    };
    presented(Whose::Own { ends: Some(s(END)) }, sent, status, outcome)
}

fn foreign(status: u16) -> Presented {
    Presented { token: Whose::Foreign, ..own(1.0, status) }
}

/// Refused as it must be, so often.
fn refused(times: usize) -> Vec<Presented> {
    vec![own(103.0, 401); times]
}

fn judged(behaviour: &Behaviour, revision: &str, events: &[Event]) -> Expectations {
    judged_by(limits().asked_by(behaviour), behaviour, revision, events)
}

fn judged_by(
    limits: CheckLimits,
    behaviour: &Behaviour,
    revision: &str,
    events: &[Event],
) -> Expectations {
    let mut checks = Checks::new(behaviour, limits, revision);
    for event in events {
        checks.observe(event);
    }
    checks.end()
}

/// Whether the last expectation held, what was said of it, and the findings' names.
fn said(expectations: &Expectations) -> (Option<bool>, String, Vec<&str>) {
    let judged = expectations.judged.last().unwrap();
    assert!(!(judged.passed && judged.unproven));
    let held = (!judged.unproven).then_some(judged.passed);
    let findings = expectations.findings.iter().map(|finding| finding.id.as_str()).collect();
    (held, format!("{}: {}", judged.text, judged.value), findings)
}

/// Its name, what is seen, whether it held, and what is found.
type Case<'a> = (&'a str, Vec<Event>, Option<bool>, &'a [&'a str]);

fn of(all: impl IntoIterator<Item = Presented>) -> Vec<Event> {
    all.into_iter().map(Event::Presented).collect()
}

#[test]
fn a_token_is_good_until_its_end_and_refused_past_it() {
    let good = own(50.0, 200);
    let late = |answer: Presented| Presented { sent: s(102.0), ..answer };
    let with = |more: Vec<Presented>| of([good].into_iter().chain(more));
    let odd = |outcome| presented(Whose::Own { ends: Some(s(END)) }, 103.0, 200, outcome);
    let bare = Presented { challenge: Challenged::Bearer, ..own(103.0, 401) };
    let silent = Presented { challenge: Challenged::No, ..own(103.0, 401) };
    let lost = Presented { outcome: Outcome::SessionLost(404), ..own(103.0, 404) };
    let list = Presented { operation: Operation::Initialize, ..own(103.0, 200) };
    let stream = Presented { operation: Operation::Stream, ..own(103.0, 405) };
    let none = Presented { status: None, outcome: Outcome::Timeout, ..own(103.0, 200) };
    let accepted = ["expired-token-accepted"];
    let wrong = ["token-refused-wrongly"];
    let cases: Vec<Case<'_>> = vec![
        ("sound", with(refused(3)), Some(true), &[]),
        ("too few", with(refused(2)), None, &[]),
        ("nothing", Vec::new(), None, &[]),
        ("no control", of(refused(9)), None, &[]),
        ("refuses everything", of([own(50.0, 401), own(60.0, 401)]), None, &[]),
        ("500 to everything", of([own(50.0, 500), own(103.0, 500)]), None, &[]),
        // Within the skew both are right, before the end and past it.
        ("within", with(vec![own(98.0, 401), own(101.9, 200), own(101.0, 500)]), None, &[]),
        ("accepted", with(vec![late(own(0.0, 200))]), Some(false), &accepted),
        ("accepted, without control", of([late(own(0.0, 200))]), Some(false), &accepted),
        ("403", with(vec![own(103.0, 403)]), Some(false), &wrong),
        ("500", with(vec![own(103.0, 500)]), Some(false), &wrong),
        ("a redirect", with(vec![own(103.0, 302)]), Some(false), &wrong),
        ("a polite 200", with(vec![odd(Outcome::ToolError)]), Some(false), &wrong),
        ("a page", with(vec![odd(Outcome::Violation(Rule::WrongMediaType))]), Some(false), &wrong),
        ("no metadata", with(vec![bare; 3]), Some(false), &["no-resource-metadata"]),
        ("no challenge", with(vec![silent; 3]), Some(false), &["no-bearer-challenge"]),
        // These say nothing about the token.
        (
            "others",
            with(vec![lost, list, stream, none, own(103.0, 429), own(103.0, 503)]),
            None,
            &[],
        ),
    ];
    for (name, events, held, findings) in cases {
        let end = judged(&expired(), NEWEST, &events);
        let (was, text, found) = said(&end);
        assert_eq!((was, found.as_slice()), (held, findings), "{name}: {text}");
        assert!(text.starts_with("tokens.expired = \"refused\": "), "{text}");
        assert_eq!(text.contains("not enough to say"), held.is_none(), "{text}");
    }
}

#[test]
fn how_long_a_token_was_accepted_is_measured() {
    let all = [own(50.0, 200), own(100.4, 200), own(101.5, 200), own(101.8, 401)];
    let end = judged(&expired(), NEWEST, &of(all.into_iter().chain(refused(3))));
    let (held, text, _) = said(&end);
    assert_eq!(held, Some(true));
    let until = "accepted until 1.5s past its end; refused from 1.8s past its end on; 1 of 1";
    assert!(text.contains(until) && text.contains("0 of 3 from 2s past"), "{text}");
    let evidence = judged(&expired(), NEWEST, &of([own(50.0, 200), own(102.25, 200)]));
    assert_eq!(
        evidence.findings[0].evidence,
        ["at 102s, user 1: tools/call with a token 2.25s past its end was answered"]
    );
}

#[test]
fn revisions_before_the_metadata_do_not_miss_them() {
    let bare = Presented { challenge: Challenged::Bearer, ..own(103.0, 401) };
    let events = of([own(50.0, 200), bare, bare, bare]);
    let old = judged(&expired(), OLD, &events);
    let (held, text, findings) = said(&old);
    assert_eq!((held, findings.len()), (Some(true), 0));
    assert!(text.contains("not asked of revisions before 2025-06-18"), "{text}");
    assert_eq!(said(&judged(&expired(), "2025-06-18", &events)).0, Some(false));
}

#[test]
fn a_token_without_an_end_shows_nothing() {
    let endless = presented(Whose::Own { ends: None }, 103.0, 200, Outcome::Ok);
    let end = judged(&expired(), NEWEST, &of([endless]));
    let (held, text, _) = said(&end);
    assert_eq!(held, None);
    assert!(text.contains("1 with a token without expires_in"), "{text}");
}

#[test]
fn a_foreign_token_is_refused_while_the_own_one_is_good() {
    let good = own(50.0, 200);
    let cases: Vec<(Vec<Presented>, Option<bool>, &[&str])> = vec![
        (vec![good, foreign(401), foreign(401), foreign(401)], Some(true), &[]),
        (vec![good, foreign(401), foreign(401)], None, &[]),
        (vec![foreign(401), foreign(401), foreign(401)], None, &[]),
        (vec![good], None, &[]),
        (vec![good, foreign(401), foreign(200)], Some(false), &["foreign-token-accepted"]),
        (vec![good, foreign(403)], Some(false), &["token-refused-wrongly"]),
    ];
    for (number, (all, held, findings)) in cases.into_iter().enumerate() {
        let end = judged(&audience(), NEWEST, &of(all));
        let (was, text, found) = said(&end);
        assert_eq!((was, found.as_slice()), (held, findings), "{number}: {text}");
    }
}

#[test]
fn why_nothing_could_be_tried_is_said() {
    let untried = Refused {
        user: 4,
        at: s(2.0),
        operation: Operation::OauthAuthorize,
        said: "authorize: https://as.test/authorize refused: invalid_target".to_owned(),
        what_to_do: "",
    };
    let mut events = of([own(50.0, 200)]);
    events.push(Event::Untried(Box::new(untried)));
    let end = judged(&audience(), NEWEST, &events);
    let (held, text, findings) = said(&end);
    assert_eq!((held, findings.len()), (None, 0));
    let why = "could not be tried (once): at 2s, user 4: authorize: https://as.test/authorize \
               refused: invalid_target";
    assert!(text.contains("not enough to say") && text.contains(why), "{text}");
}

#[test]
fn tokens_last_as_long_as_declared() {
    let limits = CheckLimits { lifetime: Some(s(30.0)), ..limits() };
    let steady = Behaviour::Steady(Steady::default());
    let issued = |seconds: Option<f64>| {
        Event::Issued(Issued { user: 1, at: s(1.0), lifetime: seconds.map(s) })
    };
    let early = |sent| Event::Presented(own(sent, 401));
    let cases: Vec<(Vec<Event>, Option<bool>, &[&str])> = vec![
        (Vec::new(), None, &[]),
        (vec![issued(Some(30.0)), issued(Some(29.0))], Some(true), &[]),
        (vec![issued(Some(30.0)), issued(Some(28.0))], Some(false), &["other-lifetime"]),
        (vec![issued(None)], Some(false), &["no-expires-in"]),
        (vec![issued(Some(30.0)), early(97.9)], Some(false), &["ends-early"]),
        (vec![issued(Some(30.0)), early(98.0), early(120.0)], Some(true), &[]),
    ];
    for (number, (events, held, findings)) in cases.into_iter().enumerate() {
        let end = judged_by(limits, &steady, NEWEST, &events);
        let (was, text, found) = said(&end);
        assert_eq!((was, found.as_slice()), (held, findings), "{number}: {text}");
        assert!(text.starts_with("tokens.lifetime = \"30s\": "), "{text}");
    }
}

#[test]
fn what_a_load_cannot_show_is_not_checked() {
    let all = CheckLimits { expired: true, foreign: true, registrations: Some(20), ..limits() };
    let end = judged_by(all, &audience(), NEWEST, &of(vec![own(103.0, 200); 5]));
    let rows: Vec<_> =
        end.judged.iter().map(|judged| (judged.unchecked, judged.unproven)).collect();
    assert_eq!(rows, [(true, false), (false, true), (true, false)]);
    assert_eq!(end.judged[0].said(), "was not checked");
    assert!(!end.judged[0].is_broken() && end.judged[1].is_broken());
    assert_eq!((end.findings.len(), end.trials), (0, None));
}

fn registration(outcome: Outcome, status: Option<u16>) -> Event {
    let sent = sample::exchange(3, Operation::OauthRegistration, 0);
    Event::Exchange(Exchange { status, outcome, ..sent })
}

#[test]
fn a_flood_of_registrations_is_held_to_its_limit() {
    let flood = Behaviour::Check(Check::RegistrationFlood);
    let throttled = |retry_after| {
        let throttle = Throttle { signal: Signal::Http429, retry_after };
        registration(Outcome::Throttled(throttle), Some(429))
    };
    let (good, told) = (registration(Outcome::Ok, Some(201)), throttled(Some(s(60.0))));
    let broken = registration(Outcome::Status(500), Some(500));
    let silent = registration(Outcome::Timeout, None);
    let cut = registration(Outcome::Unfinished, None);
    let refused = registration(Outcome::Unauthorised(403), Some(403));
    let with = |number: usize, more: &[&Event]| {
        let all = std::iter::repeat_n(&good, number).chain(more.iter().copied());
        all.cloned().collect::<Vec<_>>()
    };
    let limits = CheckLimits { registrations: Some(3), ..limits() };
    let cases: Vec<(Vec<Event>, Option<bool>, &[&str])> = vec![
        (with(3, &[&told]), Some(true), &[]),
        (with(2, &[&told]), Some(true), &[]),
        (with(3, &[]), None, &[]),
        (with(3, &[&cut]), None, &[]),
        (with(4, &[]), Some(false), &["registrations-unlimited"]),
        (with(3, &[&throttled(None)]), Some(true), &["registration-without-retry-after"]),
        (with(3, &[&told, &broken]), Some(true), &["registration-breaks"]),
        (with(3, &[&silent]), None, &["registration-breaks"]),
        (with(0, &[&refused, &refused, &refused, &refused]), None, &[]),
        (with(3, &[&refused]), Some(true), &[]),
    ];
    for (number, (events, held, findings)) in cases.into_iter().enumerate() {
        let end = judged_by(limits, &flood, NEWEST, &events);
        let (was, text, found) = said(&end);
        assert_eq!((was, found.as_slice()), (held, findings), "{number}: {text}");
    }
    // Nothing was declared: what is wrong is found all the same, and it stands for calls.
    let end = judged_by(CheckLimits::default(), &flood, NEWEST, &with(4, &[&broken]));
    assert_eq!((end.judged.len(), end.findings[0].id.as_str()), (0, "registration-breaks"));
    assert_eq!(end.trials, Some(Trials { unit: "registration".into(), count: 5, good: 4 }));
}

#[test]
fn who_registered_before_the_load_is_one_of_those_that_may() {
    let flood = Behaviour::Check(Check::RegistrationFlood);
    let limits = CheckLimits { registrations: Some(3), ..limits() };
    let before = Before { registered: 1, is_open: false };
    let mut checks = Checks::new(&flood, limits, NEWEST).after(before);
    for _ in 0..3 {
        checks.observe(&registration(Outcome::Ok, Some(201)));
    }
    let end = checks.end();
    let (held, text, found) = said(&end);
    assert_eq!((held, found.as_slice()), (Some(false), &["registrations-unlimited"][..]));
    assert!(text.contains("3 of 3 registered, 1 before the load, 0 told to wait"), "{text}");
}

#[test]
fn a_target_that_asks_nobody_for_a_token_is_found() {
    let found = |is_open, events: &[Event]| {
        let before = Before { registered: 0, is_open };
        let mut checks = Checks::new(&expired(), limits(), NEWEST).after(before);
        for event in events {
            checks.observe(event);
        }
        let all = checks.end().findings;
        all.iter().map(|finding| finding.id.clone()).collect::<Vec<_>>()
    };
    let good = Event::Call(sample::call(1, 0, 0));
    let token = Event::Issued(Issued { user: 1, at: s(0.0), lifetime: None });
    assert_eq!(found(true, std::slice::from_ref(&good)), ["no-token-asked"]);
    for (is_open, events) in
        [(false, vec![good.clone()]), (true, vec![]), (true, vec![token, good])]
    {
        assert_eq!(found(is_open, &events), [""; 0]);
    }
}
