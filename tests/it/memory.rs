//! What judges keep of a load is bounded by what they look at, never by calls.

use std::fs;
use std::time::Duration;

use ::squall::judge::recovery::Watched;
use ::squall::judge::storm::Storm;
use ::squall::judge::tokens::Tokens;
use ::squall::model::event::{Call, Echo, Event, Exchange, Instants, SessionChange, SessionEvent};
use ::squall::model::fault::Touched;
use ::squall::model::operation::Operation;
use ::squall::model::outcome::Outcome;
use ::squall::model::plan::tokens::TokenLimits;

/// Calls before memory is looked at first, and after.
const SETTLING: u32 = 100_000;
const CALLS: u32 = 1_000_000;
/// A byte a call would be more.
const MOST_KB: u64 = 900;

/// Memory of this process in use, in kB.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    size.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Those of a call in a load of twenty seconds, in which all goes wrong in turn.
fn events(number: u32) -> [Event; 3] {
    let due = Duration::from_micros(u64::from(number) % 20_000_000);
    let done = due + Duration::from_millis(u64::from(number % 50));
    let ends = [Outcome::Ok, Outcome::CutStream, Outcome::Timeout, Outcome::Status(500)];
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
    [Event::Exchange(exchange), Event::Call(call), Event::Session(session)]
}

#[test]
fn what_is_kept_does_not_grow_with_calls() {
    let mut storm = Storm::new(&["echo".to_owned()], &[], &[]);
    let mut tokens = Tokens::new(TokenLimits::default());
    let mut faults = Watched::new(&[], Vec::new());
    let mut fold = |numbers: std::ops::Range<u32>| {
        for event in numbers.flat_map(events) {
            storm.observe(&event);
            tokens.observe(&event);
            faults.observe(&event);
        }
    };
    fold(0..SETTLING);
    let before = resident_kb();
    fold(SETTLING..SETTLING + CALLS);
    let grown = resident_kb().saturating_sub(before);
    assert!(grown < MOST_KB, "{grown} kB more after {CALLS} calls");
    assert!(storm.findings().len() >= 3, "there was something to keep");
}
