//! How late squall itself is when 5,000 calls a second come due, the target on the same cores.

use super::measuring::{median, timed};
use super::target::{Order, Target, sound};

const RUNS: usize = 5;

pub(crate) fn run() {
    let mut lags = Vec::new();
    println!();
    for run in 1..=RUNS {
        let target = Target::serve(&[]);
        let order = Order::new("lag.toml", &target);
        let ended = timed(&order.command, &[]);
        let summary = sound(&ended.stdout);
        let lag = &summary["operations"]["tools/call"]["lag_us"];
        let figure = |name: &str| lag[name].as_f64().expect("a figure") / 1000.0;
        println!(
            "lag, run {run} of {RUNS}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {} calls",
            figure("p50"),
            figure("p99"),
            figure("max"),
            summary["calls"]
        );
        lags.push(figure("p99"));
    }
    println!("lag, median of the p99s: {:.2} ms", median(lags));
}
