//! What an open stream costs: 5,000 users, each with one, while calls go on beside them.

use std::time::Duration;

use super::crowd::Crowd;
use super::eras::{WAYS, Way, order};
use super::target::Target;

const USERS: u32 = 5_000;
const CROWD: Crowd = Crowd {
    users: USERS,
    rate: 500,
    ramp: Duration::from_secs(15),
    settling: Duration::from_secs(12),
    hold: Duration::from_secs(10),
};

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
    let order = order("users.toml", &target, way).set("clients.override.stream_share", streams);
    let present = CROWD.bring(order);
    let kb = present.kb();
    let summary = present.end();
    let lag = &summary["operations"]["tools/call"]["lag_us"]["p99"];
    Held {
        kb,
        calls: summary["calls"].as_u64().expect("a count"),
        lag_ms: lag.as_f64().expect("a figure") / 1000.0,
    }
}
