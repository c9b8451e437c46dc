//! What a person sees while a run goes on, and when its disk fills.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use regex::Regex;

use crate::squall::{Place, root};

/// A status line: time, phase, time left, figures.
fn status() -> Regex {
    let phase = r"(?m)^ *\d+:\d\d (load |drain|over ) +\d+:\d\d left";
    let times = r"due +\d+  in flight +\d+  p50 +\S+  p99 +\S+";
    let counts = r"ok +\d+  errors +\d+  throttled +\d+  users +\d+";
    Regex::new(&format!("{phase}  {times}  {counts}")).unwrap()
}

/// Arrivals for six seconds, so that a line every five seconds falls into them.
const SIX_SECONDS: [(&str, &str); 2] =
    [("load.stages", r#"[{ over = "6s", to = "1/s" }]"#), ("load.drain", r#""10s""#)];

#[test]
fn without_a_terminal_it_is_plain_lines_now_and_then() {
    let place = Place::new();
    let done = place.run("research-storm").short().sets(SIX_SECONDS).go();
    let lines: Vec<_> = done.exits(0).stderr.lines().collect();
    assert!(!lines.is_empty() && lines.len() < 6, "{lines:?}");
    for line in lines {
        assert!(status().is_match(line), "{line:?}");
    }
    assert!(!done.stderr.contains(['\r', '\u{1b}']), "{:?}", done.stderr);
}

#[test]
fn quiet_is_silent_until_the_summary() {
    let place = Place::new();
    let done = place.run("research-storm").short().sets(SIX_SECONDS).arg("--quiet").go();
    assert_eq!(done.exits(0).stderr, "");
    assert!(done.stdout.contains("PASSED"), "{}", done.stdout);
}

#[test]
fn on_a_terminal_one_line_changes() {
    let place = Place::new();
    let scenario = root().join("scenarios/research-storm.toml");
    let squall = env!("CARGO_BIN_EXE_squall");
    let stages = r#"load.stages=[{ over = "3s", to = "2/s" }]"#;
    let command = format!(
        "stty cols 200; exec {squall} run {} --out report --set '{stages}' --set load.speed=200 \
         --set 'generator.lag=\"60s\"' --set 'generator.loop_delay=\"60s\"' --set generator.cpu=1.0",
        scenario.display()
    );
    let seen = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(place.path())
        .output()
        .expect("script, which gives a command a terminal (Debian: bsdutils)");
    let text = String::from_utf8(seen.stdout).unwrap();
    let codes = Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap();
    let plain = codes.replace_all(&text, "").replace('\r', "\n");
    assert!(status().find_iter(&plain).count() >= 2, "{text:?}");
    assert!(text.contains('\r'), "the line is drawn in place: {text:?}");
    assert!(plain.contains("PASSED"), "{plain}");
}

/// `/dev/full` is a disk without room, whatever the test may do to the machine's own.
#[test]
fn a_disk_that_fills_leaves_the_summary() {
    let place = Place::new();
    let running = place.run("research-storm").short().start();
    let partial = place.path().join(".report.partial");
    let until = Instant::now() + Duration::from_secs(30);
    while !partial.join(".reserved").exists() {
        assert!(Instant::now() < until, "no folder: {:?}", place.names());
        std::thread::sleep(Duration::from_millis(5));
    }
    symlink("/dev/full", partial.join("run.json")).unwrap();
    let done = running.end();
    done.exits(1);
    assert!(done.stdout.contains("PASSED"), "no summary: {}", done.stdout);
    let words = "squall: cannot write the report folder report: No space left on device";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert_eq!(place.names(), [""; 0], "half a report");
}
