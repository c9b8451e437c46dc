//! `squall report` draws a saved run again, byte for byte, and refuses one that cannot be trusted.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use crate::squall::{Done, Place, filtered, root};

/// What is drawn of a run, beside `run.json`.
pub(crate) const DRAWN: [&str; 5] =
    ["junit.xml", "latency.png", "report.html", "summary.md", "timeline.png"];

#[track_caller]
fn same(one: &Path, other: &Path) {
    for name in DRAWN {
        let (one, other) = (fs::read(one.join(name)).unwrap(), fs::read(other.join(name)).unwrap());
        assert!(one == other, "{name} differs");
    }
}

fn sample() -> String {
    fs::read_to_string(root().join("reports/sample/run.json")).unwrap()
}

#[test]
fn the_sample_is_what_its_run_draws() {
    let place = Place::new();
    let run = root().join("reports/sample/run.json");
    let done = place.squall().args(["report", run.to_str().unwrap(), "--out", "again/it"]).go();
    done.exits(0);
    assert_eq!(done.stderr, "");
    let mut said: Vec<_> = done.stdout.lines().collect();
    said.sort_unstable();
    assert_eq!(said, DRAWN.map(|name| format!("again/it/{name}")));
    same(&place.path().join("again/it"), &root().join("reports/sample"));
}

#[test]
fn a_fresh_run_is_drawn_the_same_and_nothing_else_is_touched() {
    let place = Place::new();
    place.run("research-storm").short().set("tools.allow", r#"["echo"]"#).go().exits(0);
    let mut made: Vec<_> = DRAWN.into_iter().chain(["run.json"]).collect();
    made.sort_unstable();
    let names = |folder: &str| {
        let entries = fs::read_dir(place.path().join(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("report"), made);
    place.squall().args(["report", "report", "--out", "again"]).go().exits(0);
    assert_eq!(names("again"), DRAWN);
    same(&place.path().join("report"), &place.path().join("again"));

    place.file("report/notes.txt", "mine");
    place.file("report/report.html", "old");
    place.squall().args(["report", "report"]).go().exits(0);
    same(&place.path().join("report"), &place.path().join("again"));
    assert_eq!(fs::read_to_string(place.path().join("report/notes.txt")).unwrap(), "mine");
}

fn drawn(place: &Place, run: &str) -> Done {
    place.file("run.json", run);
    place.squall().args(["report", "."]).go()
}

/// One message, exit code 2, and not a single file.
#[track_caller]
fn refused(run: &str) -> String {
    let place = Place::new();
    let done = drawn(&place, run);
    done.exits(2);
    assert_eq!(done.stdout, "");
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert_eq!(place.names(), ["run.json"]);
    // Where the sample is cut says nothing but how long it is.
    let place = Regex::new(r"line \d+,? column \d+").unwrap();
    place.replace_all(&filtered(&done.stderr), "line [N] column [N]").into_owned()
}

fn edited(pointer: &str, new: Value) -> String {
    let mut run: Value = serde_json::from_str(&sample()).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match run.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = new,
        parent => parent[name.replace("~1", "/")] = new,
    }
    run.to_string()
}

#[test]
fn a_run_that_cannot_be_trusted_is_refused() {
    let whole = sample();
    let cut: String = whole.chars().take(whole.chars().count() / 2).collect();
    let said = [
        refused(&cut),
        refused(""),
        refused("<html>\u{1b}[2J"),
        refused("{}"),
        refused(&edited("/schema", json!("squall.run/9\u{1b}[2J"))),
        refused(&edited("/summary/outcomes", json!([]))),
        refused(&edited("/summary/ok", json!(2000))),
        refused(&edited("/summary/tools/search/response_us/p99", json!(5))),
        refused(&edited("/histograms/tools~1call.response", json!("AAAA"))),
        refused(&edited("/thresholds/0/passed", json!(false))),
    ];
    insta::assert_snapshot!(said.join(""));
}

/// The sample with this done to it.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut run: Value = serde_json::from_str(&sample()).unwrap();
    change(&mut run);
    run.to_string()
}

#[test]
fn whichever_figure_is_edited_is_named() {
    let gone = |parent: &str, name: &str| {
        changed(|run| {
            let parent = run.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            assert!(parent.remove(name).is_some(), "{name}");
        })
    };
    let opened = "summary.connections.opened is";
    let table = [
        (gone("/summary/tools", "search"), "the sum of summary.tools is"),
        (gone("/summary/classes", "claude-ai-legacy"), "the sum of summary.classes is 0"),
        (edited("/generator/lag_us/p99", json!(1)), "generator.lag_us is not what the histogram"),
        (edited("/generator/cpu_share", json!(-0.1)), "generator.cpu_share is -0.1"),
        (edited("/generator/cpu_us_per_call", json!(-1)), "generator.cpu_us_per_call is -1"),
        (edited("/generator/reasons", json!(["slow"])), "generator.trustworthy and"),
        (
            edited("/generator/loop_delay_us/p50", json!(1_000_000_000)),
            "generator.loop_delay_us does",
        ),
        (edited("/summary/sessions/opened", json!(1)), "summary.sessions.opened is 1"),
        (edited("/summary/sessions/opened", json!(9999)), "summary.sessions.opened is 9999"),
        (edited("/summary/sessions/with_id", json!(9999)), "those with_id are 9999"),
        (edited("/summary/statuses/200", json!(1)), "the sum of summary.statuses is"),
        (edited("/summary/statuses/200", json!(99_999)), "the sum of summary.statuses is"),
        (edited("/summary/statuses", json!({ "fine": 7000 })), "\"fine\" is no HTTP status"),
        (edited("/summary/users", json!(1)), "summary.users is 1, there were"),
        (edited("/summary/users", json!(5000)), "summary.users is 5000"),
        (edited("/summary/bytes_sent", json!(0)), "summary.bytes_sent is 0"),
        (edited("/summary/bytes_received", json!(17)), "summary.bytes_received is 17"),
        (edited("/summary/connections/opened", json!(0)), opened),
        (edited("/summary/connections/opened", json!(1)), opened),
        (edited("/summary/connections/opened", json!(99_999)), opened),
        (edited("/summary/connections/http2", json!(9_999)), opened),
        (edited("/summary/connections/tls", json!(3)), "summary.connections.tls is 3"),
        (edited("/summary/connections/tcp_us/p50", json!(99_999)), "tcp_us does not ascend"),
        (edited("/summary/handshake_exchanges", json!(1)), "summary.handshake_exchanges is 1"),
        (edited("/summary/dropped", json!(1)), "summary.dropped 1"),
        (
            edited("/timeline/20/operations/tools~1call/service_us/p50", json!(9_999_999)),
            "timeline[20]: service_us of tools/call does not ascend",
        ),
        (edited("/timeline/20/exchanges", json!(77)), "the sum of the timeline's exchanges is"),
        (edited("/timeline/20/cpu", json!(-1)), "the cpu of a step of the timeline is -1"),
        (edited("/thresholds", json!([])), "thresholds are not those that scenario.text declares"),
        (edited("/thresholds/1/text", json!("errors < 9%")), "thresholds are not those"),
        (edited("/thresholds/0/unproven", json!(true)), "both held and unproven"),
    ];
    for (run, part) in table {
        let said = refused(&run);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_run_without_a_call_is_refused() {
    let mut run: Value = serde_json::from_str(&sample()).unwrap();
    for (name, value) in run["summary"].as_object_mut().unwrap() {
        if value.is_u64() {
            *value = json!(0);
        } else if name == "outcomes" {
            *value = json!({ "ok": 0 });
        }
    }
    assert!(refused(&run.to_string()).contains("it holds no tool call"));
}

#[test]
fn a_run_that_is_not_there_or_cannot_be_replaced() {
    let place = Place::new();
    let done = place.squall().args(["report", "gone"]).go();
    insta::assert_snapshot!(done.exits(2).stderr);
    fs::create_dir_all(place.path().join("out/report.html/full")).unwrap();
    place.file("run.json", &sample());
    let done = place.squall().args(["report", "run.json", "--out", "out"]).go();
    done.exits(1);
    assert!(done.stderr.contains("cannot write the report folder out"), "{}", done.stderr);
}
