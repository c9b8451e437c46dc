//! How late squall itself is when 5,000 calls a second come due, the target on the same cores; and
//! how late a bare thread is that wakes as often meanwhile, which is what this machine can do.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::measuring::{median, timed};
use super::target::{Order, Target, sound};

const RUNS: usize = 5;
const PERIOD: Duration = Duration::from_micros(200);
/// About as long as a run takes.
const WATCHED: Duration = Duration::from_secs(11);

pub(crate) fn run() {
    let (mut lags, mut floors) = (Vec::new(), Vec::new());
    println!();
    for run in 1..=RUNS {
        let target = Target::serve(&[]);
        let order = Order::new("lag.toml", &target);
        let bare = bare();
        let ended = timed(&order.command, &[]);
        let summary = sound(&ended.stdout);
        let lag = &summary["operations"]["tools/call"]["lag_us"];
        let figure = |name: &str| lag[name].as_f64().expect("a figure") / 1000.0;
        let floor = bare.join().expect("a thread that wakes");
        println!(
            "lag, run {run} of {RUNS}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {} calls; a bare \
             thread: p99 {floor:.2} ms",
            figure("p50"),
            figure("p99"),
            figure("max"),
            summary["calls"]
        );
        lags.push(figure("p99"));
        floors.push(floor);
    }
    let (lag, floor) = (median(lags), median(floors));
    println!("lag, median of the p99s: {lag:.2} ms; a bare thread's: {floor:.2} ms");
}

/// The p99 of how late a thread wakes that wants to every [`PERIOD`], in milliseconds.
fn bare() -> JoinHandle<f64> {
    thread::spawn(|| {
        // Refused on some systems; then it is 50 us later.
        let exact = std::num::NonZeroU64::new(1);
        let _refused = rustix::thread::set_current_timer_slack(exact).is_err();
        let began = Instant::now();
        let mut due = began;
        let mut late = Vec::new();
        while began.elapsed() < WATCHED {
            due += PERIOD;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            late.push(due.elapsed().as_secs_f64() * 1000.0);
        }
        late.sort_by(f64::total_cmp);
        late[late.len() * 99 / 100]
    })
}
