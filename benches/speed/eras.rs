//! What a call costs in each way of speaking: the same closed loop, in turns, against one target.

use super::measuring::{median, timed};
use super::target::{Order, Target, sound};

const ROUNDS: usize = 3;

/// A way of speaking, and what of the scenario it changes.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Where it is spoken.
    pub(crate) path: &'static str,
    pub(crate) keys: [(&'static str, &'static str); 2],
}

/// The first is what the others are compared with.
pub(crate) const WAYS: [Way; 3] = [
    Way { name: "2025-11-25", path: "/mcp", keys: keys(r#""streamable-http""#, r#""2025-11-25""#) },
    Way { name: "2026-07-28", path: "/mcp", keys: keys(r#""streamable-http""#, r#""2026-07-28""#) },
    Way { name: "HTTP+SSE", path: "/sse", keys: keys(r#""http+sse""#, r#""2024-11-05""#) },
];

const fn keys(
    transport: &'static str,
    protocol: &'static str,
) -> [(&'static str, &'static str); 2] {
    [("target.transport", transport), ("target.protocol", protocol)]
}

/// `squall run` of a scenario beside this file, in this way.
pub(crate) fn order(scenario: &str, target: &Target, way: &Way) -> Order {
    let order = Order::at(scenario, &target.at(way.path));
    way.keys.iter().fold(order, |order, (key, value)| order.set(key, value))
}

pub(crate) fn run() {
    let target = Target::serve(&["--sessions", "stateless"]);
    let mut turns = WAYS.map(|_| Vec::new());
    for round in 1..=ROUNDS {
        println!("ways of speaking, round {round} of {ROUNDS}");
        for (way, turns) in WAYS.iter().zip(&mut turns) {
            let ended = timed(&order("calls.toml", &target, way).command, &[]);
            let calls = sound(&ended.stdout)["calls"].as_f64().expect("a count");
            let cost = ended.cpu_us / calls;
            println!("  {:<10} {cost:>8.1} us CPU a call, {calls:>7.0} calls", way.name);
            turns.push(cost);
        }
    }
    let costs = turns.map(median);
    println!("\n| way | us CPU a call | to {} |", WAYS[0].name);
    println!("| --- | ---: | ---: |");
    for (way, cost) in WAYS.iter().zip(costs) {
        println!("| {} | {cost:.1} | {:.2} |", way.name, cost / costs[0]);
    }
}
