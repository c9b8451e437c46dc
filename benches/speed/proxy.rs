//! What the fault proxy on the way costs while no fault is in force: the same load with it and
//! without it, in turns, against one target.

use std::time::Duration;

use super::crowd::Crowd;
use super::measuring::{median, timed};
use super::target::{Order, Target, sound};

const ROUNDS: usize = 3;
/// A fault that would begin when the load is over: its proxy is there, and nothing befalls anybody.
const LATE: &str = r#"[{ kind = "latency", at = "15900ms", latency = "1ms" }]"#;
/// The same behind the crowd of `users.toml`.
const LATER: &str = r#"[{ kind = "latency", at = "37900ms", latency = "1ms" }]"#;
const CROWD: Crowd = Crowd {
    users: 5_000,
    rate: 500,
    ramp: Duration::from_secs(15),
    settling: Duration::from_secs(12),
    hold: Duration::from_secs(10),
};

/// What the two loads came to: CPU a call in microseconds, and calls.
struct Pair {
    without: (f64, f64),
    with: (f64, f64),
}

pub(crate) fn run() {
    let rows = [("0 ms", pairs("0ms")), ("20 ms", pairs("20ms"))];
    println!("\n| service | us CPU a call | with the proxy | more | calls, to those without it |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (service, pairs) in rows {
        let of = |what: fn(&Pair) -> f64| median(pairs.iter().map(what));
        println!(
            "| {service} | {:.1} | {:.1} | {:.1} | {:.3} |",
            of(|pair| pair.without.0),
            of(|pair| pair.with.0),
            of(|pair| pair.with.0 - pair.without.0),
            of(|pair| pair.with.1 / pair.without.1),
        );
    }
    println!("\n| {} users, a connection each | kB a user | calls | lag p99 |", CROWD.users);
    println!("| --- | ---: | ---: | ---: |");
    for (name, faults) in [("without", None), ("with the proxy", Some(LATER))] {
        let target = Target::serve(&[]);
        let present = CROWD.bring(faulty(Order::new("users.toml", &target), faults));
        let kb = present.kb() / f64::from(CROWD.users);
        let summary = present.end();
        let lag = summary["operations"]["tools/call"]["lag_us"]["p99"].as_f64().expect("a figure");
        println!("| {name} | {kb:.1} | {} | {:.2} ms |", summary["calls"], lag / 1000.0);
    }
}

fn pairs(latency: &str) -> Vec<Pair> {
    let target = Target::serve(&["--sessions", "stateless", "--latency", latency]);
    let pair = |round| {
        println!("the proxy at {latency}, round {round} of {ROUNDS}");
        let pair = Pair { without: cost(&target, None), with: cost(&target, Some(LATE)) };
        for (name, (cost, calls)) in [("without", pair.without), ("with", pair.with)] {
            println!("  {name:<8} {cost:>8.1} us CPU a call, {calls:>7.0} calls");
        }
        pair
    };
    (1..=ROUNDS).map(pair).collect()
}

fn cost(target: &Target, faults: Option<&str>) -> (f64, f64) {
    let ended = timed(&faulty(Order::new("calls.toml", target), faults).command, &[]);
    let calls = sound(&ended.stdout)["calls"].as_f64().expect("a count");
    (ended.cpu_us / calls, calls)
}

fn faulty(order: Order, faults: Option<&str>) -> Order {
    match faults {
        Some(faults) => order.set("fault", faults),
        None => order,
    }
}
