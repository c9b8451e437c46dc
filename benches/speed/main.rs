//! What a tool call costs the generator, beside a raw HTTP generator in the same run.
//!
//! squall and `oha` take turns against one practice target of latency 0 in a process of its own:
//! 64 connections, the same body. CPU is user and system time of the generator's whole process,
//! report included, over the requests it made. Only the ratio of one run says anything: the
//! machine's own speed drifts.
#![expect(clippy::disallowed_methods, reason = "a benchmark touches the world without ceremony")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on panics")]
#![expect(clippy::print_stdout, reason = "its result is printed")]
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const SQUALL: &str = env!("CARGO_BIN_EXE_squall");
const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/closed-loop.toml");
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"the quick brown fox jumps over the lazy dog"}}}"#;
const ROUNDS: usize = 3;

fn main() {
    let mut costs = Vec::new();
    for answers in ["json", "sse"] {
        let (mut target, url) = serve(answers);
        let rounds: Vec<_> = (0..ROUNDS).map(|_| (squall(&url), oha(&url))).collect();
        target.kill().expect("the practice target is running");
        let ours = median(rounds.iter().map(|(ours, _)| *ours));
        let raw = rounds.iter().filter_map(|(_, raw)| *raw).collect::<Vec<_>>();
        println!("{answers}: squall {ours:.1} us CPU a call");
        if raw.is_empty() {
            println!("{answers}: oha is not installed (cargo install --locked oha): no ratio");
        } else {
            let raw = median(raw.into_iter());
            println!("{answers}: oha    {raw:.1} us CPU a request; ratio {:.2}", ours / raw);
        }
        costs.push(ours);
    }
    println!("SSE over JSON: {:.2}", costs[1] / costs[0]);
}

fn serve(answers: &str) -> (Child, String) {
    let mut child = Command::new(SQUALL)
        .args(["serve", "--sessions", "stateless", "--until-stdin-closes", "--answers", answers])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("squall serve starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("standard output is piped");
    BufReader::new(out).read_line(&mut line).expect("it announces its address");
    let url = line.trim().trim_start_matches("listening on ").to_owned();
    (child, url)
}

/// Microseconds of CPU a call.
fn squall(url: &str) -> f64 {
    let out = std::env::temp_dir().join(format!("squall-bench-{}", std::process::id()));
    let _absent = std::fs::remove_dir_all(&out).is_err();
    let folder = out.to_str().expect("a temporary folder with a plain name");
    let (cpu, json) = timed(&[SQUALL, "run", SCENARIO, "--target", url, "--out", folder, "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&json).expect("a summary");
    let _removed = std::fs::remove_dir_all(&out).is_err();
    assert_eq!(summary["errors"], 0, "{summary}");
    let calls = summary["calls"].as_f64().expect("a count");
    let seconds = summary["elapsed_s"].as_f64().expect("a time");
    println!("  squall: {:.0} calls a second", calls / seconds);
    cpu / calls
}

/// Microseconds of CPU a request, if it is installed.
fn oha(url: &str) -> Option<f64> {
    Command::new("oha").arg("--version").output().ok()?;
    let accept = "accept: application/json, text/event-stream";
    let (cpu, json) = timed(&[
        "oha",
        "-c",
        "64",
        "-z",
        "10s",
        "-m",
        "POST",
        "-d",
        BODY,
        "-T",
        "application/json",
        "-H",
        accept,
        "--no-tui",
        "--output-format",
        "json",
        url,
    ]);
    let summary: serde_json::Value = serde_json::from_str(&json).expect("oha's summary");
    let rate = summary["summary"]["requestsPerSec"].as_f64().expect("a rate");
    let seconds = summary["summary"]["total"].as_f64().expect("a time");
    println!("  oha:    {rate:.0} requests a second");
    Some(cpu / (rate * seconds))
}

/// Runs a command; its CPU in microseconds, user and system, and its standard output.
fn timed(command: &[&str]) -> (f64, String) {
    let output = Command::new("bash")
        .args(["-c", "TIMEFORMAT='cpu %U %S'; time \"$@\" 2>/dev/null", "bash"])
        .args(command)
        .output()
        .expect("bash runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = told.lines().rfind(|line| line.starts_with("cpu ")).expect("bash times it");
    let seconds: f64 = line[4..].split(' ').map(|part| part.parse::<f64>().expect("a time")).sum();
    (seconds * 1e6, String::from_utf8_lossy(&output.stdout).into_owned())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
