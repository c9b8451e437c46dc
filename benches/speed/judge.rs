//! What judging adds to a call: the fold of its events by every judge beside the figures' alone, and the
//! nonce in its arguments and its answer, of 1 kB, beside a load without one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use squall::conduct::watch::Folds;
use squall::engine::recorder::Observer;
use squall::judge::checks::Checks;
use squall::judge::rate_limit::{Clients, Limits};
use squall::judge::recovery::Watched;
use squall::judge::spoilt::Spoilt;
use squall::judge::storm::Storm;
use squall::judge::tokens::Tokens;
use squall::judge::trials::Examined;
use squall::model::behaviour::{Behaviour, Steady};
use squall::model::distribution::Distribution;
use squall::model::event::{Call, Echo, Event, Exchange, Instants};
use squall::model::fault::Touched;
use squall::model::operation::Operation;
use squall::model::outcome::Outcome;
use squall::model::plan::checks::CheckLimits;
use squall::model::plan::tokens::TokenLimits;
use squall::model::summary::Summary;

use super::measuring::{median, timed};
use super::target::{Order, Target, sound};

const ROUNDS: usize = 5;
/// Calls that are folded at a time.
const CALLS: u32 = 400_000;
/// Characters of a message.
const BODY: usize = 1_000;

pub(crate) fn run() {
    let (mut figures, mut judged) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        println!("folding, round {round} of {ROUNDS}");
        figures.push(folded(&mut Alone(summary())));
        judged.push(folded(&mut folds()));
    }
    let (figures, judged) = (median(figures), median(judged));
    let target = Target::serve(&["--sessions", "stateless"]);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        println!("nonces, round {round} of {ROUNDS}");
        without.push(loaded(&target, ""));
        with.push(loaded(&target, "{nonce}"));
    }
    let more: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with - without).collect();
    let (call, nonce) = (median(without), median(more));
    println!("\n| us CPU a call of {BODY} B | | of a call |");
    println!("| --- | ---: | ---: |");
    let judges = judged - figures;
    // The load is made with its judges: without them it would cost so much less.
    let bare = call - judges;
    for (name, cost) in [
        ("without nonces and judges", bare),
        ("figures of its events", figures),
        ("judges of its events", judges),
        ("nonces", nonce),
        ("judging in all", judges + nonce),
    ] {
        println!("| {name} | {cost:.2} | {:.1}% |", cost / bare * 100.0);
    }
}

/// Only figures.
struct Alone(Summary);

impl Observer for Alone {
    fn observe(&mut self, event: &Event) {
        self.0.add(event);
    }
}

fn summary() -> Summary {
    Summary::new(vec!["echo".to_owned()], vec!["plain".to_owned()])
}

fn folds() -> Folds {
    let clients = Clients { addresses: 1, patience: Duration::from_secs(60), told_apart: false };
    let steady = Steady { calls: 1, think: Distribution::constant(Duration::ZERO) };
    let behaviour = Behaviour::Steady(steady);
    let limits = CheckLimits::default();
    Folds {
        summary: summary(),
        tokens: Tokens::new(TokenLimits::default()),
        checks: Checks::new(&behaviour, limits, "2025-11-25"),
        limits: Limits::new(&behaviour, &[], clients),
        examined: Examined::new(&behaviour, &[]),
        faults: Watched::new(&[], Vec::new()),
        storm: Storm::new(&["echo".to_owned()], &[], &[]),
        spoilt: Spoilt::new(&[], &[]),
    }
}

/// Microseconds that a call's events take.
fn folded(observer: &mut impl Observer) -> f64 {
    let began = Instant::now();
    for number in 0..CALLS {
        let due = Duration::from_micros(u64::from(number) * 25);
        for event in events(number, due) {
            observer.observe(black_box(&event));
        }
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

/// Those of a good call on a connection that was open.
fn events(number: u32, due: Duration) -> [Event; 2] {
    let (user, done) = (number % 64, due + Duration::from_micros(800 + u64::from(number % 97)));
    let instants = Instants { due, started: due, admitted: Some(due), sent: Some(due), done };
    let touched = Touched::default();
    let exchange = Exchange {
        user,
        operation: Operation::ToolsCall,
        began: due,
        opened: None,
        sent: Some(due),
        headers: Some(done),
        first_event: None,
        last_bytes: None,
        answer: Some(done),
        end: done,
        status: Some(200),
        outcome: Outcome::Ok,
        messages: 1,
        unprocessed: 0,
        bytes_sent: 1_400,
        bytes_received: 1_300,
        touched,
    };
    let call = Call {
        user,
        run: number,
        class: 0,
        operation: Operation::ToolsCall,
        tool: Some(0),
        instants,
        outcome: Outcome::Ok,
        exchanges: 1,
        result_chars: 1_000,
        over_cap: false,
        first_with_token: false,
        touched,
        echo: Echo::Own,
    };
    [Event::Exchange(exchange), Event::Call(call)]
}

/// Microseconds of CPU a call whose message ends so.
fn loaded(target: &Target, end: &str) -> f64 {
    let message = format!("{}{end}", "lorem ipsum ".repeat(BODY / 12));
    let arguments = format!("{{ echo = [{{ message = {message:?} }}] }}");
    let order = Order::new("calls.toml", target).set("tools.arguments", &arguments);
    let ended = timed(&order.command, &[]);
    ended.cpu_us / sound(&ended.stdout)["calls"].as_f64().expect("a count")
}
