//! What judges keep of a load, and what is summed up of it, is bounded by what they look at, never by
//! calls.

use std::fs;
use std::time::Duration;

use ::squall::judge::checks::Checks;
use ::squall::judge::rate_limit::{Clients, Limits};
use ::squall::judge::recovery::Watched;
use ::squall::judge::storm::Storm;
use ::squall::judge::tokens::Tokens;
use ::squall::model::behaviour::{Behaviour, Steady};
use ::squall::model::event::{
    Call, Echo, Event, Exchange, Fate, Instants, Run, SessionChange, SessionEvent,
};
use ::squall::model::fault::{self, Fault, Network, Scope, Touched, What, When};
use ::squall::model::operation::Operation;
use ::squall::model::outcome::{Outcome, Signal, Throttle};
use ::squall::model::plan::checks::CheckLimits;
use ::squall::model::plan::limits::{Allowance, Declared, Per};
use ::squall::model::plan::tokens::TokenLimits;
use ::squall::model::summary::Summary;

/// Calls before memory is looked at first, and after.
const SETTLING: u32 = 50_000;
const CALLS: u32 = 1_000_000;
/// Calls of the load that is over after a time, in its hundred seconds.
const SPAN: u32 = 10_000;
/// A byte a call would be more.
const MOST_KB: u64 = 900;

/// Memory of this process in use, in kB.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    size.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Those of a call in a load of a hundred calls a second, in which all goes wrong in turn.
fn events(number: u32) -> [Event; 4] {
    let due = Duration::from_millis(10) * number;
    let done = due + Duration::from_millis(u64::from(number % 50));
    let refused = Throttle { signal: Signal::Http429, retry_after: None };
    let ends = [
        Outcome::Ok,
        Outcome::CutStream,
        Outcome::Timeout,
        Outcome::Status(500),
        Outcome::Throttled(refused),
    ];
    let outcome = ends[number as usize % ends.len()];
    let (user, touched) = (number % 500, Touched::default());
    let instants = Instants { due, started: due, admitted: Some(due), sent: Some(due), done };
    let echo = if number.is_multiple_of(2) { Echo::Own } else { Echo::Silent };
    let exchange = Exchange {
        user,
        operation: Operation::ALL[number as usize % Operation::ALL.len()],
        began: due,
        opened: None,
        sent: Some(due),
        headers: Some(done),
        first_event: None,
        last_bytes: None,
        answer: Some(done),
        end: done + Duration::from_secs(u64::from(number % 70)),
        status: Some(200),
        outcome,
        messages: 1,
        unprocessed: 0,
        bytes_sent: 900,
        bytes_received: 900,
        touched,
    };
    let call = Call {
        user,
        run: number,
        class: 0,
        operation: Operation::ToolsCall,
        tool: Some(0),
        instants,
        outcome,
        exchanges: 1,
        result_chars: 100,
        over_cap: false,
        first_with_token: false,
        touched,
        echo,
    };
    let session = SessionEvent { user, at: done, change: SessionChange::Lost };
    let run = Run {
        user,
        run: number,
        class: 0,
        due,
        ended: done,
        fate: Fate::Completed,
        calls: 1,
        exchanges: 1,
        subagents: 0,
        waves: 0,
        straggler: None,
    };
    [Event::Exchange(exchange), Event::Call(call), Event::Session(session), Event::Run(run)]
}

/// A fault early in that load.
fn refusing() -> Fault {
    let (at, lasts) = (Duration::from_secs(40), Some(Duration::from_secs(20)));
    Fault {
        name: "refused".to_owned(),
        kind: "drop",
        when: When { at, lasts, every: None, repeat: None },
        share: 1.0,
        scope: Scope::default(),
        what: What::Network(Network::Refuse),
    }
}

/// A limit that each user keeps well below.
fn declared() -> Declared {
    let allow = Allowance { count: 100, window: Duration::from_secs(2) };
    Declared { allow, burst: None, per: Some(Per::User), retry_after: true, signal: None }
}

/// How much more is kept, in kB, after all calls than after the first.
fn grown(numbered: fn(u32) -> u32, mut take: impl FnMut(&Event)) -> u64 {
    let mut fold = |numbers: std::ops::Range<u32>| {
        numbers.flat_map(|number| events(numbered(number))).for_each(|event| take(&event));
    };
    fold(0..SETTLING);
    let before = resident_kb();
    fold(SETTLING..SETTLING + CALLS);
    resident_kb().saturating_sub(before)
}

#[test]
fn what_is_kept_does_not_grow_with_calls() {
    let (tools, classes) = (vec!["echo".to_owned()], vec!["hosted".to_owned()]);
    let (faults, behaviour) = ([refusing()], Behaviour::Steady(Steady::default()));
    let windows = fault::windows(&faults, Duration::from_secs(100));
    let mut storm = Storm::new(&tools, &faults, &windows);
    let mut watched = Watched::new(&faults, windows);
    let mut tokens = Tokens::new(TokenLimits::default());
    let mut checks = Checks::new(&behaviour, CheckLimits::default(), "2025-11-25");
    let mut summary = Summary::new(tools, classes);
    let grown = grown(
        |number| number % SPAN,
        |event| {
            storm.observe(event);
            tokens.observe(event);
            watched.observe(event);
            checks.observe(event);
            summary.add(event);
        },
    );
    assert!(grown < MOST_KB, "{grown} kB more after {CALLS} calls");
    assert!(storm.findings().len() >= 3, "there was something to keep");
}

/// Those that keep bins over time have as many after hours as after minutes; they are not among
/// these.
#[test]
fn what_is_kept_does_not_grow_with_time() {
    let behaviour = Behaviour::Steady(Steady::default());
    let mut storm = Storm::new(&["echo".to_owned()], &[], &[]);
    let mut tokens = Tokens::new(TokenLimits::default());
    let patience = Duration::from_secs(60);
    let clients = Clients { addresses: 1, patience, told_apart: true };
    let mut limits = Limits::new(&behaviour, &[declared()], clients);
    let grown = grown(
        |number| number,
        |event| {
            storm.observe(event);
            tokens.observe(event);
            limits.observe(event);
        },
    );
    assert!(grown < MOST_KB, "{grown} kB more after {CALLS} calls");
    let below = limits.end().0.findings;
    let refused = u64::from(SETTLING + CALLS) / 5;
    assert_eq!(below[0].count, refused, "every refusal was looked at");
}
