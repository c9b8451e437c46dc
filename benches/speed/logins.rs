//! What a user costs that authorises from nothing: metadata, registration, consent, token, one call.
//!
//! Few users first, so that what squall takes to start, to look at the target and to draw its report
//! is not counted as theirs; and users without OAuth beside them, whose sessions and calls are the
//! same. The official Python SDK's own client does the same in turns, where it is installed.

use super::measuring::{median, timed};
use super::target::{Order, Target, beside, sound};

const ROUNDS: usize = 3;
/// Users a second, and how long they come.
const RATE: u32 = 50;
const SECONDS: [u32; 2] = [1, 20];
/// Users of the Python SDK's client: few are enough, for each is dear.
const SDK_USERS: [u32; 2] = [5, 55];

/// What users cost, in ms of CPU each.
type Cost = fn(&Target) -> f64;

const ROWS: [(&str, bool, Cost); 4] = [
    ("without OAuth", false, |target| squall(target, "plain", "none")),
    ("plain", true, |target| squall(target, "plain", "oauth")),
    ("claude-ai-legacy", true, |target| squall(target, "claude-ai-legacy", "oauth")),
    ("Python SDK client", true, sdk),
];

pub(crate) fn run() {
    let targets = [Target::serve(&[]), Target::serve(&["--auth", "{}"])];
    let mut turns = ROWS.map(|_| Vec::new());
    for round in 1..=ROUNDS {
        println!("logins, round {round} of {ROUNDS}");
        for ((name, is_guarded, cost), turns) in ROWS.iter().zip(&mut turns) {
            if *name == ROWS[3].0 && !std::path::Path::new(PYTHON).exists() {
                continue;
            }
            turns.push(cost(&targets[usize::from(*is_guarded)]));
            println!("  {name:<18}{:>8.2} ms CPU a user", turns[turns.len() - 1]);
        }
    }
    println!("\n| users | ms CPU each | to plain |");
    println!("| --- | ---: | ---: |");
    let costs = turns.map(|turns| (!turns.is_empty()).then(|| median(turns)));
    let plain = costs[1].expect("it was measured");
    for ((name, ..), cost) in ROWS.iter().zip(costs) {
        match cost {
            Some(cost) => println!("| {name} | {cost:.2} | {:.2} |", cost / plain),
            None => println!("| {name} | not installed: `tests/run` does | - |"),
        }
    }
}

fn squall(target: &Target, profile: &str, auth: &str) -> f64 {
    let used = SECONDS.map(|seconds| {
        let stages = format!("[{{ over = \"{seconds}s\", to = \"{RATE}/s\" }}]");
        let order = Order::new("logins.toml", target)
            .set("clients.profile", &format!("\"{profile}\""))
            .set("auth.kind", &format!("\"{auth}\""))
            .set("load.stages", &stages);
        let ended = timed(&order.command, &[]);
        let summary = sound(&ended.stdout);
        let users = f64::from(RATE * seconds);
        assert_eq!(summary["ok"].as_f64(), Some(users), "{summary}");
        if auth == "oauth" {
            assert_eq!(summary["grants"]["authorised"].as_f64(), Some(users), "{summary}");
        }
        ended.cpu_us / 1000.0
    });
    (used[1] - used[0]) / f64::from(RATE * (SECONDS[1] - SECONDS[0]))
}

const PYTHON: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../peers/python-v1/bin/python");

fn sdk(target: &Target) -> f64 {
    let used = SDK_USERS.map(|users| {
        let command = [PYTHON.to_owned(), beside("logins.py")];
        let ended = timed(&command, &[("URL", &target.url), ("USERS", &users.to_string())]);
        assert_eq!(ended.stdout.trim(), users.to_string());
        ended.cpu_us / 1000.0
    });
    (used[1] - used[0]) / f64::from(SDK_USERS[1] - SDK_USERS[0])
}
