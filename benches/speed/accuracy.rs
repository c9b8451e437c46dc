//! How true the figures are: a server whose latencies are known, and what squall says of them.
//!
//! After a freeze the target has to work off what it missed, so its figures come out a little above
//! those of a server that catches up in no time.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::measuring::timed;
use super::target::{Order, Target, sound};

/// How long the load lasts, and for how much of it the server is frozen.
const LOAD_S: f64 = 10.0;
const FREEZE_S: f64 = 2.0;
/// Into the load, so that a slow start of squall does not matter.
const FREEZE_AFTER: Duration = Duration::from_secs(4);

/// p50, p90 and p99, in milliseconds.
type Percentiles = [f64; 3];

/// The standard normal distribution at those percentiles.
const NORMAL: Percentiles = [0.0, 1.281_552, 2.326_348];
const SHARES: Percentiles = [0.5, 0.9, 0.99];

pub(crate) fn run() {
    println!(
        "\n{:<28} {:>9} {:>19} {:>19} {:>19}",
        "latency of the target", "time", "p50: true, told", "p90: true, told", "p99: true, told"
    );
    for (latency, truth) in [
        ("constant 20ms", [20.0; 3]),
        ("uniform 10ms 50ms", SHARES.map(|share| 10.0 + 40.0 * share)),
        ("lognormal 20ms 0.8", NORMAL.map(|z| 20.0 * (0.8 * z).exp())),
        ("pareto 10ms 1.5", SHARES.map(|share| 10.0 * (1.0 - share).powf(-1.0 / 1.5))),
    ] {
        let told = told(latency, None);
        row(latency, "service", truth, told.service);
    }
    let latency = "constant 20ms";
    let told = told(latency, Some(Duration::from_secs_f64(FREEZE_S)));
    let what = format!("{latency}, frozen {FREEZE_S} s");
    row(&what, "response", SHARES.map(frozen), told.response);
    row(&what, "service", [20.0; 3], told.service);
}

/// The response of a share of the arrivals, when those of the freeze wait for its end.
///
/// A constant rate brings as many in any second: the latest of the freeze wait for nothing, the
/// first for all of it, and the others not at all.
fn frozen(share: f64) -> f64 {
    let untouched = 1.0 - FREEZE_S / LOAD_S;
    20.0 + ((share - untouched).max(0.0) / (1.0 - untouched)) * FREEZE_S * 1000.0
}

struct Told {
    response: Percentiles,
    service: Percentiles,
}

fn told(latency: &str, freeze: Option<Duration>) -> Told {
    let target = Target::serve(&["--latency", latency]);
    let order = Order::new("accuracy.toml", &target);
    let process = target.process();
    let freezing = freeze.map(|lasts| {
        thread::spawn(move || {
            thread::sleep(FREEZE_AFTER);
            signal(process, "STOP");
            thread::sleep(lasts);
            signal(process, "CONT");
        })
    });
    let ended = timed(&order.command, &[]);
    if let Some(freezing) = freezing {
        freezing.join().expect("the target can be frozen");
    }
    let summary = sound(&ended.stdout);
    let of = |time: &str| {
        let figures = &summary["operations"]["tools/call"][time];
        ["p50", "p90", "p99"].map(|name| figures[name].as_f64().expect("a figure") / 1000.0)
    };
    Told { response: of("response_us"), service: of("service_us") }
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "the target is there");
}

fn row(latency: &str, time: &str, truth: Percentiles, told: Percentiles) {
    let cells: Vec<_> = truth
        .iter()
        .zip(told)
        .map(|(truth, told)| format!("{:>19}", format!("{truth:.1}, {told:.1} ms")))
        .collect();
    println!("{latency:<28} {time:>9} {}", cells.join(" "));
}
