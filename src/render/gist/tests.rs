//! Which sentences are said of which run.

use std::time::Duration;

use super::*;
use crate::model::damage::Damage;
use crate::model::event::{Call, Event, Refused, Violation};
use crate::model::finding::findings;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule, Signal, Throttle};
use crate::model::report::sample;
use crate::model::summary::{self, Summary};

/// A call: when it was due and how long it was held, prepared and served, in milliseconds.
fn call(due: u64, [held, preparation, service]: [u64; 3], outcome: Outcome) -> Event {
    let ms = Duration::from_millis;
    let mut call: Call = summary::sample::call(0, 0, 0);
    call.outcome = outcome;
    call.instants.due = ms(due);
    call.instants.started = ms(due);
    call.instants.admitted = Some(ms(due + held));
    call.instants.sent = Some(ms(due + held + preparation));
    call.instants.done = ms(due + held + preparation + service);
    Event::Call(call)
}

/// How long the n-th call is held, prepared and served.
type Parts = fn(u64) -> [u64; 3];

/// Twenty seconds of twenty calls each.
fn run(parts: Parts, outcome: fn(u64) -> Outcome) -> Summary {
    let mut summary = summary::sample::empty();
    for number in 0..400 {
        summary.add(&call(number * 50, parts(number), outcome(number)));
    }
    summary
}

fn said(summary: &Summary, thresholds: &[&str]) -> Vec<String> {
    sentences(&sample::of(summary, thresholds))
}

fn ok(_: u64) -> Outcome {
    Outcome::Ok
}

#[test]
fn a_run_that_passed() {
    let calm = run(|_| [0, 2, 40], ok);
    assert_eq!(
        said(&calm, &["p99(response, tools/call) < 2s"]),
        [
            "Users waited 42ms for a tool call at the median and 42ms at p99; p99(response, \
             tools/call) < 2s held.",
            "The time is the target's own: 95.2% of the mean response is service, from a \
             request's first byte to its answer's last.",
        ]
    );
}

#[test]
fn a_tool_that_makes_the_tail() {
    // One call in four is of the second tool.
    let of = |second: u64, outcome: Outcome| {
        let mut summary = summary::sample::empty();
        for number in 0..400 {
            let is_second = number % 4 == 0;
            let service = if is_second { second } else { 40 };
            let Event::Call(mut call) = call(number * 50, [0, 0, service], outcome) else {
                panic!()
            };
            call.tool = Some(u16::from(is_second));
            summary.add(&Event::Call(call));
        }
        said(&summary, &[])[0].clone()
    };
    assert_eq!(
        of(900, Outcome::Ok),
        "Users waited 40ms for a tool call at the median and 900ms at p99 because of the tool \
         \"<script>alert(1)</script>\", every other tool's p99 being at most 40ms."
    );
    for (second, outcome) in [(100, Outcome::Ok), (900, Outcome::Timeout)] {
        assert!(!of(second, outcome).contains("because"), "{second} {outcome:?}");
    }
}

#[test]
fn a_limit_that_did_not_hold() {
    // From the tenth second on every call takes 900 ms.
    let slow = run(|number| [0, 2, if number < 200 { 40 } else { 900 }], ok);
    let first = &said(&slow, &["p99(response, tools/call) < 500ms"])[0];
    assert!(first.ends_with(
        "; p99(response, tools/call) < 500ms did not hold, it was exceeded in 11 of 21 seconds, first after 10s."
    ), "{first}");
    // Without a limit the worst second is named when it stands out.
    let spike = run(|number| [0, 2, if number / 20 == 7 { 400 } else { 40 }], ok);
    let first = &said(&spike, &[])[0];
    assert!(first.contains("; it was worst after 7s, with a p99 of 40"), "{first}");
}

#[test]
fn what_limits_is_the_largest_part_of_the_wait() {
    let table: [(Parts, &str); 4] = [
        (
            |_| [0, 70, 30],
            "preparation: connecting and handshakes before a call's own request take 70% of it; the target itself took 30ms of a mean response of 100ms",
        ),
        (|_| [300, 10, 90], "a queue in the client, whose cap on calls at once takes 75% of it"),
        (|_| [5, 5, 90], "The time is the target's own: 90% of the mean response is service"),
        (|_| [30, 35, 35], ""),
    ];
    for (parts, words) in table {
        let said = said(&run(parts, ok), &[]);
        assert!(said.iter().any(|sentence| sentence.contains(words)), "{words}: {said:?}");
        assert_eq!(said.len(), if words.is_empty() { 1 } else { 2 }, "{said:?}");
    }
}

#[test]
fn time_that_faults_added_is_not_said_to_be_the_targets_own() {
    let mut report = sample::of(&run(|_| [5, 5, 90], ok), &[]);
    report.faults = vec![Damage::default()];
    let said = sentences(&report);
    assert!(said[1].starts_with("The time is the target's and the faults': 90% of"), "{said:?}");
}

fn failing(number: u64) -> Outcome {
    match number {
        100 => Outcome::Status(502),
        200.. if number.is_multiple_of(5) => Outcome::ToolError,
        _ => Outcome::Ok,
    }
}

fn refusing(number: u64) -> Outcome {
    let throttle = Throttle { signal: Signal::Http429, retry_after: None };
    if number >= 300 { Outcome::Throttled(throttle) } else { Outcome::Ok }
}

#[test]
fn what_went_wrong_is_counted_and_dated() {
    let said_of_errors = said(&run(|_| [0, 2, 40], failing), &[]);
    assert_eq!(
        said_of_errors[1],
        "10.2% of the calls sent (41) ended in an error, most as tool error (40); the first HTTP \
         status came after 5s."
    );
    let said_of_refusals = said(&run(|_| [0, 2, 40], refusing), &[]);
    assert_eq!(
        said_of_refusals[1],
        "25% of the calls sent (100) were refused as too many, never saying for how long; the first \
         refusal came after 15s."
    );
}

#[test]
fn a_broken_rule_comes_before_slowness() {
    let mut broken = run(|_| [0, 2, 40], ok);
    for (rule, at) in [(Rule::WrongId, 1), (Rule::WrongId, 2)] {
        broken.add(&Event::Violation(Box::new(Violation {
            rule,
            at: Duration::from_secs(at),
            user: Some(1),
            operation: Operation::ToolsCall,
            evidence: "found 7".to_owned(),
            touched: crate::model::fault::Touched::default(),
        })));
    }
    let said = said(&broken, &[]);
    assert!(said[0].starts_with("Worst finding (high): "), "{said:?}");
    assert!(said[0].ends_with(", seen 2 times in a run of 400 tool calls."), "{said:?}");
    assert!(said[1].starts_with("Users waited "), "{said:?}");
}

#[test]
fn what_makes_figures_doubtful_comes_first() {
    let mut report = sample::of(&run(|_| [0, 2, 40], ok), &[]);
    report.verdict = Verdict::Stopped;
    assert_eq!(
        sentences(&report)[0],
        "The run was stopped after 20s, so it says nothing of what comes later."
    );
    report.generator.trustworthy = false;
    report.generator.reasons = vec!["calls started late: p99 90ms, limit 20ms".to_owned()];
    let said = sentences(&report);
    assert_eq!(said[0], "Do not rely on these figures: calls started late: p99 90ms, limit 20ms.");
    assert!(said[1].starts_with("Users waited "));
}

#[test]
fn what_was_not_measured_is_not_said() {
    assert_eq!(
        sentences(&sample::nothing()),
        ["Nothing was measured: not one tool call was made."]
    );
    let mut report = sample::of(&run(|_| [0, 2, 40], ok), &[]);
    report.verdict = Verdict::Unreachable;
    for (protocol, transport, words) in [
        ("2025-11-25", "streamable-http", "no handshake with the target succeeded"),
        ("2024-11-05", "http+sse", "no stream to the target came to a handshake"),
        ("2026-07-28", "streamable-http", "the target answered neither server/discover nor a call"),
    ] {
        report.target.protocol = Some(protocol.to_owned());
        report.target.transport = Some(transport.to_owned());
        assert_eq!(sentences(&report), [format!("Nothing was measured: {words}.")]);
    }
    // Where users were kept out by an authorization server, it is named.
    let mut summary = summary::sample::empty();
    let why = "token: http://h.test/token refused: invalid_target".to_owned();
    let (at, operation) = (Duration::ZERO, Operation::OauthToken);
    let refused = Refused { user: 0, at, operation, said: why, what_to_do: "" };
    summary.add(&Event::Refused(Box::new(refused)));
    report.findings = findings(&summary, Vec::new());
    let expected = "Users came to no access token, first at 0s, user 0, oauth/token: token: \
                    http://h.test/token refused: invalid_target.";
    assert_eq!(sentences(&report)[1], expected);
    let mut single = summary::sample::empty();
    single.add(&call(0, [0, 2, 40], Outcome::Ok));
    let said_of_one = said(&single, &[]);
    assert!(said_of_one[1].starts_with("Only one tool call was made"), "{said_of_one:?}");
    // One in fifty was given up at 5 s: nobody knows how long it would have taken.
    let hung = run(
        |number| [0, 0, if number % 50 == 0 { 5_000 } else { 40 }],
        |number| if number % 50 == 0 { Outcome::Timeout } else { Outcome::Ok },
    );
    let first = said(&hung, &[])[0].clone();
    assert!(
        first.starts_with("Users waited 40ms for a tool call at the median and at least 5s at p99"),
        "{first}"
    );
}

#[test]
fn never_more_than_three() {
    let storm = sample::storm();
    assert_eq!(sentences(&storm).len(), MOST);
    assert!(sentences(&storm).iter().all(|sentence| sentence.ends_with('.')));
}

#[test]
fn a_limit_that_cannot_be_said_to_hold_is_not_called_broken() {
    let hung = run(
        |number| [0, 0, if number % 50 == 0 { 5_000 } else { 40 }],
        |number| if number % 50 == 0 { Outcome::Unfinished } else { Outcome::Ok },
    );
    let [unproven, broken] = ["p99(response) < 6s", "p99(response) < 4s"];
    let mut report = sample::of(&hung, &[unproven]);
    assert_eq!(
        report.reasons,
        ["p99(response) < 6s cannot be said to hold: 8 of 400 calls were never answered (at \
             least 5s)"]
    );
    assert_eq!((report.exit_code, report.thresholds[0].unproven), (4, true));
    let first = &sentences(&report)[0];
    assert!(first.contains("; p99(response) < 6s cannot be said to hold"), "{first}");
    assert!(!first.contains("exceeded"), "{first}");
    // Whichever comes first, the one that is surely broken is told.
    report = sample::of(&hung, &[unproven, broken]);
    let first = &sentences(&report)[0];
    assert!(first.contains("; p99(response) < 4s did not hold, it was exceeded"), "{first}");
    assert!(!report.thresholds[1].unproven && report.reasons[1].contains("< 4s did not hold: "));
}
