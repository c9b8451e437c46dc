//! Synthetic events and summaries for tests: any events, and one small deterministic storm.

use proptest::prelude::*;

use super::*;
use crate::model::event::*;
use crate::model::fault::Touched;
use crate::model::outcome::*;

/// A summary of nothing, for two tools, the second with a hostile name.
pub(crate) fn empty() -> Summary {
    let tools = ["search", "<script>alert(1)</script>"].map(str::to_owned).to_vec();
    Summary::new(tools, vec!["free".to_owned(), "team".to_owned()])
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A call that went well, due at `due` ms, done 60 ms later, and admitted at once.
pub(crate) fn call(user: u32, tool: u16, due: u64) -> Call {
    let instants = Instants {
        due: ms(due.saturating_sub(50)),
        started: ms(due.saturating_sub(50)),
        admitted: Some(ms(due.saturating_sub(50))),
        sent: Some(ms(due.saturating_sub(20))),
        done: ms(due + 10),
    };
    Call {
        user,
        run: user,
        class: (user % 2) as u8,
        operation: Operation::ToolsCall,
        tool: Some(tool),
        instants,
        outcome: Outcome::Ok,
        exchanges: 3,
        result_chars: 400,
        over_cap: false,
        first_with_token: false,
        touched: Touched::default(),
        echo: Echo::Unasked,
    }
}

/// An exchange of 12 ms that went well and opened a connection.
pub(crate) fn exchange(user: u32, operation: Operation, began: u64) -> Exchange {
    Exchange {
        user,
        operation,
        began: ms(began),
        opened: Some(Opened { dns: ms(0), tcp: ms(1), tls: None, resumed: false, http2: false }),
        sent: Some(ms(began + 2)),
        headers: Some(ms(began + 9)),
        first_event: None,
        last_bytes: None,
        messages: 0,
        answer: Some(ms(began + 12)),
        end: ms(began + 12),
        status: Some(200),
        outcome: Outcome::Ok,
        unprocessed: 0,
        bytes_sent: 640,
        bytes_received: 2100,
        touched: Touched::default(),
    }
}

fn outcomes() -> Vec<Outcome> {
    let throttle = Throttle { signal: Signal::Http429, retry_after: Some(ms(2000)) };
    vec![
        Outcome::Ok,
        Outcome::ToolError,
        Outcome::RpcError(-32_603),
        Outcome::Throttled(throttle),
        Outcome::Status(502),
        Outcome::Timeout,
        Outcome::Connect(ConnectFailure::Refused),
        Outcome::Violation(Rule::WrongId),
        Outcome::NeverSent,
        Outcome::Unfinished,
    ]
}

/// Any event within 25 minutes, so that bins widen.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let at = 0u64..1_500_000;
    prop_oneof![
        (at.clone(), 0u32..9, 0u16..3, prop::sample::select(outcomes())).prop_map(
            |(due, user, tool, outcome)| Event::Call(Call { outcome, ..call(user, tool, due) })
        ),
        (
            at.clone(),
            prop::sample::select(Operation::ALL.to_vec()),
            prop::sample::select(outcomes())
        )
            .prop_map(|(began, operation, outcome)| Event::Exchange(Exchange {
                outcome,
                ..exchange(1, operation, began)
            })),
        (at.clone(), 0u32..50).prop_map(|(at, users)| Event::Sample(Sample {
            at: ms(at),
            users,
            in_flight: users / 2,
            sessions_open: users,
            cpu: 0.1
        })),
        (at.clone(), 0u32..9).prop_map(|(at, user)| Event::Violation(Box::new(Violation {
            rule: Rule::NotJson,
            at: ms(at),
            user: Some(user),
            operation: Operation::ToolsCall,
            evidence: format!("body {at}"),
            touched: crate::model::fault::Touched::default()
        }))),
        (at.clone(), 1u64..90_000, any::<bool>()).prop_map(|(due, took, cut)| Event::Run(run(
            7,
            due,
            took,
            if cut { Fate::Cut } else { Fate::Completed }
        ))),
        (at.clone(), 0u32..9, any::<bool>(), any::<bool>()).prop_map(
            |(at, user, refreshed, yes)| Event::Grant(GrantEvent {
                user,
                at: ms(at),
                change: if refreshed {
                    GrantChange::Refreshed { rotated: yes }
                } else {
                    GrantChange::Authorised { again: yes }
                },
            })
        ),
        (at.clone(), 0u32..9).prop_map(|(at, user)| Event::Refused(Box::new(Refused {
            user,
            at: ms(at),
            operation: Operation::OauthToken,
            said: format!("invalid_grant {at}"),
            what_to_do: "",
        }))),
        (at.clone(), 1u64..90_000).prop_map(|(began, took)| Event::Wave(Wave {
            user: 3,
            began: ms(began),
            ended: ms(began + took)
        })),
        at.prop_map(|due| Event::Dropped { due: ms(due) }),
    ]
}

/// A run of nine calls.
pub(crate) fn run(user: u32, due: u64, took: u64, fate: Fate) -> Run {
    Run {
        user,
        run: user,
        class: 0,
        due: ms(due),
        ended: ms(due + took),
        fate,
        calls: 9,
        exchanges: 27,
        subagents: 3,
        waves: 1,
        straggler: Some(ms(took / 5)),
    }
}

/// A storm of one minute in which the target slows down, throttles and breaks a rule twice.
pub(crate) fn storm() -> Summary {
    let mut summary = empty();
    for second in 0..60u64 {
        let strain = 20u64.saturating_sub(second.abs_diff(35)) * u64::from(second > 10);
        for number in 0..(6 + strain) {
            storm_call(&mut summary, second, number, strain);
        }
        let users = (second.min(20) * 3).min(120u64.saturating_sub(second)) as u32;
        summary.add(&Event::Sample(Sample {
            at: ms(second * 1000 + 500),
            users,
            in_flight: users / 4 + strain as u32,
            sessions_open: users / 3,
            cpu: 0.04 + strain as f32 / 400.0,
        }));
        // The last five runs began early and were still at work when the run ended.
        let (due, took, fate) = match second {
            55.. => (second * 1000 - 20_000, 80_000 - second * 1000, Fate::Cut),
            _ => (second * 1000, 4000 + strain * 180, Fate::Completed),
        };
        summary.add(&Event::Run(run(second as u32, due, took, fate)));
        if fate == Fate::Completed {
            let (began, ended) = (ms(due + 300), ms(due + took - 200));
            summary.add(&Event::Wave(Wave { user: second as u32, began, ended }));
        }
    }
    for (at, found) in [(31_200, "\"2\""), (33_900, "null"), (35_100, "<b>7</b>")] {
        summary.add(&Event::Violation(Box::new(Violation {
            rule: Rule::WrongId,
            at: ms(at),
            user: Some(12),
            operation: Operation::ToolsCall,
            evidence: format!("expected id 1, found {found}"),
            touched: crate::model::fault::Touched::default(),
        })));
    }
    summary.add(&Event::Dropped { due: ms(36_000) });
    summary
}

fn storm_call(summary: &mut Summary, second: u64, number: u64, strain: u64) {
    let due = second * 1000 + number * 37;
    let spread = (number * 7919 + second * 104_729) % 97;
    let user = (second * 3 + number) as u32 % 60;
    let operations = [Operation::Initialize, Operation::Initialized, Operation::ToolsCall];
    for (order, operation) in operations.into_iter().enumerate() {
        summary.add(&Event::Exchange(exchange(user, operation, due + 12 * order as u64)));
    }
    summary.add(&Event::Session(SessionEvent {
        user,
        at: ms(due + 12),
        change: SessionChange::Opened { with_id: true },
    }));
    let service = 30 + spread + strain * strain * 2 * (1 + spread / 60);
    let mut call = call(user, (number % 3 == 2).into(), due);
    call.instants = Instants {
        due: ms(due),
        started: ms(due) + Duration::from_micros(120 + spread * 9),
        admitted: Some(ms(due + 1)),
        sent: Some(ms(due + 25 + strain * 3)),
        done: ms(due + 25 + strain * 3 + service),
    };
    call.outcome = match (spread, strain) {
        (0..6, 12..) => outcomes()[3],
        (6..9, 8..) => Outcome::ToolError,
        (9..11, 15..) => Outcome::Timeout,
        (11, _) => Outcome::Status(502),
        _ => Outcome::Ok,
    };
    summary.add(&Event::Call(call));
}

/// The operations of a client that does much; none does all, as eras differ.
const OF_ONE_CLIENT: [Operation; 9] = [
    Operation::ToolsCall,
    Operation::Initialize,
    Operation::Initialized,
    Operation::ToolsList,
    Operation::ResourcesList,
    Operation::PromptsList,
    Operation::Response,
    Operation::Stream,
    Operation::Delete,
];

/// One hour of thirty tools: every step of the timeline is full, with every operation in it and
/// responses from a few milliseconds to half a minute, failing in every way there is.
pub(crate) fn hour() -> Summary {
    let tools = (0..30).map(|number| format!("tool_with_a_longer_name_{number}")).collect();
    let mut summary = Summary::new(tools, vec!["claude-ai-legacy@2026-09".to_owned()]);
    let outcomes = outcomes();
    for second in 0..3_600u64 {
        for operation in OF_ONE_CLIENT {
            summary.add(&Event::Exchange(exchange(second as u32 % 500, operation, second * 1000)));
        }
        for number in 0..6u64 {
            let mixed = (second * 6 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let took = 4 << (mixed % 13);
            let mut call = call(mixed as u32 % 500, (mixed % 30) as u16, second * 1000);
            call.instants.done = call.instants.due + ms(60 + took + mixed % took);
            call.class = 0;
            call.outcome =
                outcomes[usize::from(mixed % 7 == 0) * (mixed as usize / 7 % outcomes.len())];
            let (user, operation) = (call.user, Operation::ToolsCall);
            summary.add(&Event::Exchange(exchange(user, operation, second * 1000)));
            summary.add(&Event::Call(call));
        }
        summary.add(&Event::Sample(Sample {
            at: ms(second * 1000 + 500),
            users: 400 + (second % 97) as u32,
            in_flight: (second % 61) as u32,
            sessions_open: 300 + (second % 89) as u32,
            cpu: 0.2,
        }));
        summary.add(&Event::Run(run(
            second as u32,
            second * 1000,
            9_000 + second * 3,
            Fate::Completed,
        )));
    }
    summary
}
