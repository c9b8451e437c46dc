//! Loads made up to the millisecond, and who was refused in them.

use super::*;
use crate::judge::rate_limit::Limits;
use crate::model::behaviour::{Behaviour, Steady};
use crate::model::event::{Event, Instants};
use crate::model::operation::Operation;
use crate::model::outcome::{Signal, Throttle};
use crate::model::plan::limits::{Allowance, Says};
use crate::model::summary::sample;

const SERVICE: Duration = Duration::from_millis(2);
const CLIENTS: Clients =
    Clients { addresses: 2, patience: Duration::from_secs(20), told_apart: true };

fn declared() -> Declared {
    Declared {
        allow: Allowance { count: 20, window: Duration::from_secs(2) },
        burst: Some(20),
        per: Some(Per::User),
        retry_after: true,
        signal: Some(Says::Status429),
    }
}

/// A call of a load: of which user, when it was sent in milliseconds, whether it was refused.
type Sent = (u32, u64, bool);

fn told(call: &Sent, took: Duration, touched: Touched) -> [Event; 2] {
    let (user, at, is_refused) = *call;
    let at = Duration::from_millis(at);
    let throttle = Throttle { signal: Signal::Http429, retry_after: Some(Duration::from_secs(2)) };
    let mut call = sample::call(user, 0, 1);
    let (due, started, done) = (at, at, at + took);
    call.instants = Instants { due, started, admitted: Some(at), sent: Some(at), done };
    call.outcome = if is_refused { Outcome::Throttled(throttle) } else { Outcome::Ok };
    call.touched = touched;
    let mut exchange = sample::exchange(user, Operation::ToolsCall, 1);
    (exchange.sent, exchange.end, exchange.touched) = (Some(at), done, touched);
    exchange.headers = Some(done);
    [Event::Exchange(exchange), Event::Call(call)]
}

/// What parts of a limit came to, and which findings there are.
fn loaded(
    limit: Declared,
    clients: Clients,
    events: impl IntoIterator<Item = Event>,
) -> (Vec<(bool, bool)>, Vec<String>) {
    let behaviour = Behaviour::Steady(Steady::default());
    let mut limits = Limits::new(&behaviour, &[limit], clients);
    events.into_iter().for_each(|event| limits.observe(&event));
    let (expectations, found) = limits.end();
    assert_eq!(found.unwrap().probes, 0);
    let rows = expectations.judged.iter().map(|row| (row.passed, row.unchecked)).collect();
    (rows, expectations.findings.into_iter().map(|finding| finding.id).collect())
}

fn storm(limit: Declared, calls: &[Sent]) -> (Vec<(bool, bool)>, Vec<String>) {
    let events = calls.iter().flat_map(|call| told(call, SERVICE, Touched::default()));
    loaded(limit, CLIENTS, events)
}

#[test]
fn a_load_shows_who_is_refused_below_the_limit_and_no_more() {
    let (held, unseen, broken) = ((true, false), (false, true), (false, false));
    // Thirty at once: twenty served, ten refused; by windows and by buckets that is right.
    let above: Vec<_> = (0..30).map(|call| (0, 5_000 + call, call >= 20)).collect();
    let (rows, ids) = storm(declared(), &above);
    assert_eq!((rows, ids.len()), (vec![held, unseen, unseen, held, held], 0));
    // One a second, of which every other one is refused: nothing explains that.
    let below: Vec<_> = (0..30).map(|call| (0, call * 1_000, call % 2 == 1)).collect();
    let (rows, ids) = storm(declared(), &below);
    assert_eq!((rows[0], ids), (broken, vec!["refused-below-limit".to_owned()]));
    // Refused because of what others asked: by user it is wrong, of all together it is not.
    let shared: Vec<_> =
        (0..45).map(|call| (call % 3, 5_000 + u64::from(call), call >= 20)).collect();
    let all = Declared { per: Some(Per::All), ..declared() };
    assert_eq!(storm(all, &shared).1, [""; 0]);
    assert_eq!(storm(Declared { per: None, ..declared() }, &shared).1, [""; 0]);
    assert_eq!(storm(declared(), &shared).1, ["refused-below-limit"]);
    // Users without credentials of their own are one user.
    let (one, events) = (Clients { told_apart: false, ..CLIENTS }, shared.iter());
    let events = events.flat_map(|call| told(call, SERVICE, Touched::default()));
    assert_eq!(loaded(declared(), one, events).1, [""; 0]);
    // A fixed window that is used up refuses until its end: that may be right.
    let fixed: Vec<_> = (0..20).map(|call| (0, call * 10, false)).collect();
    let late = [fixed, vec![(0, 1_700, true), (0, 1_950, true)]].concat();
    assert_eq!(storm(declared(), &late).1, [""; 0]);
    // Too few calls, and none refused: no pass.
    let few: Vec<_> = (0..3).map(|call| (0, call * 1_000, false)).collect();
    let (rows, ids) = storm(declared(), &few);
    assert_eq!((rows, ids.len()), (vec![broken, unseen, unseen, broken, broken], 0));
}

#[test]
fn what_is_told_late_and_what_was_held_back_explain_refusals() {
    let none = Touched::default();
    // Twenty are served and one is refused, which is told last of all, and long after; meanwhile
    // others go on, slowly.
    let spent = (0..20).map(|call| (0, 100 + call, false));
    let slow = (1..10).map(|call| (0, call * 2_000, false));
    let mut events: Vec<_> =
        spent.chain(slow).flat_map(|call| told(&call, SERVICE, none)).collect();
    events.extend(told(&(0, 200, true), CLIENTS.patience, none));
    events.extend((11..30).flat_map(|call| told(&(0, call * 2_000, false), SERVICE, none)));
    assert_eq!(loaded(declared(), CLIENTS, events).1, [""; 0]);
    // A fault holds three requests back: when they arrived nobody knows, nor what came then.
    let met = Touched::by(0);
    let held = [0, 500, 1_000].into_iter();
    let held: Vec<_> = held
        .flat_map(|at| told(&(0, at, false), Duration::from_secs(3), met))
        .chain(told(&(0, 3_500, true), SERVICE, none))
        .chain((5..20).flat_map(|at| told(&(0, at * 1_000, false), SERVICE, none)))
        .collect();
    assert_eq!(loaded(declared(), CLIENTS, held.clone()).1, [""; 0]);
    // So do streams, which go on long after they were asked for, only where they begin.
    let mut stream = sample::exchange(0, Operation::Stream, 1);
    (stream.sent, stream.touched) = (Some(Duration::from_secs(25)), met);
    (stream.headers, stream.end) = (stream.sent, Duration::from_secs(600));
    let refused = told(&(0, 40_000, true), SERVICE, none);
    let calls = (10..40).flat_map(|at| told(&(0, at * 1_000, false), SERVICE, none));
    let events: Vec<_> = calls.chain(refused).chain([Event::Exchange(stream)]).collect();
    assert_eq!(loaded(declared(), CLIENTS, events).1, ["refused-below-limit"]);
    // A minute later it explains nothing.
    let late = held.into_iter().chain(told(&(0, 63_500, true), SERVICE, none));
    assert_eq!(loaded(declared(), CLIENTS, late).1, ["refused-below-limit"]);
}
