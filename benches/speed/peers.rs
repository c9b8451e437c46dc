//! Those who make the same load: how each is started, and how many requests it says it made.

use std::process::Command;

use serde_json::Value;

use super::measuring::{Ended, timed};
use super::target::{Order, Target, beside, sound};

/// What the peers post: raw, with an id that never changes, so the target keeps no sessions.
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"the quick brown fox jumps over the lazy dog"}}}"#;
const ACCEPT: &str = "accept: application/json, text/event-stream";
const CONTENT: &str = "content-type: application/json";

/// A generator of load.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What it does, for the table.
    pub(crate) does: &'static str,
    /// Microseconds of CPU a request, and requests.
    measure: fn(&Target) -> (f64, f64),
    /// A command that succeeds where it is installed.
    probe: fn() -> Vec<String>,
}

pub(crate) const PEERS: [Peer; 6] = [
    Peer { name: "squall", does: "speaks MCP, records all", measure: squall, probe: ourselves },
    Peer { name: "wrk", does: "raw HTTP, lua body", measure: wrk, probe: || asking("wrk", "-v") },
    Peer { name: "oha", does: "raw HTTP", measure: oha, probe: || asking("oha", "--version") },
    Peer {
        name: "vegeta",
        does: "raw HTTP",
        measure: vegeta,
        probe: || asking("vegeta", "-version"),
    },
    Peer { name: "k6", does: "JavaScript", measure: k6, probe: || asking("k6", "version") },
    Peer {
        name: "locust",
        does: "Python, FastHttpUser",
        measure: locust,
        probe: || asking(&locust_path(), "--version"),
    },
];

impl Peer {
    pub(crate) fn is_installed(&self) -> bool {
        let probe = (self.probe)();
        let started = Command::new(&probe[0]).args(&probe[1..]).output();
        // wrk shows its version and ends with 1.
        started.is_ok()
    }

    /// Microseconds of CPU a request against this target.
    pub(crate) fn measured(&self, target: &Target) -> f64 {
        let before = target.calls();
        let (cpu_us, requests) = (self.measure)(target);
        let counted = (target.calls() - before) as f64;
        // A connection that is closed at the end may take an answered request with it.
        let agrees = (counted - requests).abs() <= 64.0 + requests / 1000.0;
        assert!(agrees, "{}: {requests} requests, and {counted} arrived", self.name);
        println!(
            "  {:<7}{:>8.1} us CPU a request, {requests:>7.0} requests",
            self.name,
            cpu_us / requests
        );
        cpu_us / requests
    }
}

fn ourselves() -> Vec<String> {
    vec![env!("CARGO_BIN_EXE_squall").to_owned(), "--version".to_owned()]
}

fn asking(program: &str, question: &str) -> Vec<String> {
    vec![program.to_owned(), question.to_owned()]
}

fn done(words: &[&str], target: &Target) -> Ended {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let environment = [("BODY", BODY), ("URL", &target.url), ("K6_NO_USAGE_REPORT", "true")];
    timed(&words, &environment)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

fn count(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no count: {value}"))
}

fn squall(target: &Target) -> (f64, f64) {
    let order = Order::new("calls.toml", target);
    let ended = timed(&order.command, &[]);
    (ended.cpu_us, count(&sound(&ended.stdout)["calls"]))
}

fn wrk(target: &Target) -> (f64, f64) {
    let script = beside("wrk.lua");
    let ended = done(&["wrk", "-t2", "-c64", "-d10s", "-s", &script, &target.url], target);
    assert!(!ended.stdout.contains("Non-2xx"), "{}", ended.stdout);
    let line = ended.stdout.lines().find_map(|line| line.split_once(" requests in "));
    let (requests, _) = line.unwrap_or_else(|| panic!("no count: {}", ended.stdout));
    (ended.cpu_us, requests.trim().parse().expect("a count"))
}

fn oha(target: &Target) -> (f64, f64) {
    let ended = done(
        &[
            "oha",
            "-c",
            "64",
            "-z",
            "10s",
            "-m",
            "POST",
            "-d",
            BODY,
            "-H",
            CONTENT,
            "-H",
            ACCEPT,
            "--no-tui",
            "--output-format",
            "json",
            &target.url,
        ],
        target,
    );
    let statuses = json(&ended.stdout)["statusCodeDistribution"].clone();
    assert_eq!(statuses.as_object().map(serde_json::Map::len), Some(1), "{statuses}");
    (ended.cpu_us, count(&statuses["200"]))
}

/// As fast as 64 workers can; not tried against a real one.
fn vegeta(target: &Target) -> (f64, f64) {
    let folder = std::env::temp_dir();
    let at = |name: &str| folder.join(format!("squall-{}-{name}", std::process::id()));
    let (body, list, results) = (at("body"), at("targets"), at("results"));
    let targets = format!("POST {}\n{CONTENT}\n{ACCEPT}\n@{}\n", target.url, body.display());
    std::fs::write(&body, BODY).expect("a temporary file");
    std::fs::write(&list, targets).expect("a temporary file");
    let (list, results) = (list.display().to_string(), results.display().to_string());
    let attack = ["vegeta", "attack", "-rate=0", "-workers=64", "-max-workers=64", "-duration=10s"];
    let files = [format!("-targets={list}"), format!("-output={results}")];
    let ended = done(&[&attack[..], &[&files[0], &files[1]]].concat(), target);
    let report = json(&done(&["vegeta", "report", "-type=json", &results], target).stdout);
    for file in [&list, &results, &body.display().to_string()] {
        std::fs::remove_file(file).expect("it was just written");
    }
    assert_eq!(report["success"], 1.0, "{report}");
    (ended.cpu_us, count(&report["requests"]))
}

/// Not tried against a real one.
fn k6(target: &Target) -> (f64, f64) {
    let ended = done(&["k6", "run", "--quiet", &beside("k6.js")], target);
    let summary = json(&ended.stdout);
    assert_eq!(summary["failed"], 0.0, "{summary}");
    (ended.cpu_us, count(&summary["requests"]))
}

fn locust(target: &Target) -> (f64, f64) {
    let (program, file) = (locust_path(), beside("locustfile.py"));
    let load = ["--headless", "-u", "64", "-r", "64", "-t", "10s", "--json", "--host", &target.url];
    let ended = done(&[&[program.as_str(), "-f", &file][..], &load].concat(), target);
    assert!(ended.succeeded, "{}", ended.stdout);
    (ended.cpu_us, count(&json(&ended.stdout)[0]["num_requests"]))
}

/// `LOCUST`, or the one in the folder of the peers, or the one on the path.
fn locust_path() -> String {
    if let Ok(path) = std::env::var("LOCUST") {
        return path;
    }
    let venv = concat!(env!("CARGO_TARGET_TMPDIR"), "/../peers/locust/bin/locust");
    if std::path::Path::new(venv).exists() { venv.to_owned() } else { "locust".to_owned() }
}
