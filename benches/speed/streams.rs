//! What an open stream costs: 5,000 users, each with one, while calls go on beside them.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::eras::{WAYS, Way, order};
use super::measuring::resident_kb;
use super::target::{Target, sound};

const USERS: u32 = 5_000;
/// Calls a second, all users together.
const RATE: u32 = 500;
const RAMP: Duration = Duration::from_secs(15);
const SETTLING: Duration = Duration::from_secs(12);
const HOLD: Duration = Duration::from_secs(10);

pub(crate) fn run() {
    println!("\n| {USERS} users | kB a user | kB a stream | calls | lag p99 |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for way in &WAYS {
        let is_two_ended = way.path == "/sse";
        // What HTTP+SSE would be without its stream cannot be measured.
        let without = (!is_two_ended).then(|| held(way, "0.0"));
        let with = held(way, "1.0");
        let stream = without.map_or_else(
            || "-".to_owned(),
            |without| format!("{:.1}", (with.kb - without.kb) / f64::from(USERS)),
        );
        println!(
            "| {} | {:.1} | {stream} | {} | {:.2} ms |",
            way.name,
            with.kb / f64::from(USERS),
            with.calls,
            with.lag_ms
        );
    }
}

struct Held {
    kb: f64,
    calls: u64,
    lag_ms: f64,
}

fn held(way: &Way, streams: &str) -> Held {
    let target = Target::serve(&[]);
    let stay = (SETTLING + HOLD).as_secs();
    let stages = format!(
        "[{{ over = \"{}s\", to = {USERS} }}, {{ over = \"{stay}s\", to = {USERS} }}]",
        RAMP.as_secs()
    );
    let think = format!("\"exponential {}ms\"", USERS * 1000 / RATE);
    let order = order("users.toml", &target, way)
        .set("load.stages", &stages)
        .set("load.steady.think", &think)
        .set("clients.override.stream_share", streams);
    let child = Command::new(&order.command[0])
        .args(&order.command[1..])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("squall run starts");
    sleep(RAMP + SETTLING);
    let kb = resident_kb(child.id());
    let output = child.wait_with_output().expect("it ends");
    let summary = sound(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(summary["users"], USERS, "{summary}");
    let lag = &summary["operations"]["tools/call"]["lag_us"]["p99"];
    Held {
        kb,
        calls: summary["calls"].as_u64().expect("a count"),
        lag_ms: lag.as_f64().expect("a figure") / 1000.0,
    }
}
