//! Whole runs against the practice target: what the shipped scenarios leave behind, and that it adds up.

use std::fs;

use crate::practice::Practice;
use crate::report::DRAWN;
use crate::squall::{Place, Report, root};
use crate::{check_defects, faults, rate_limit, token_checks, token_defects};

/// Tools of the practice target that answer at once.
pub(crate) const QUICK: &str = r#"["search", "fetch", "echo"]"#;

/// Holds the figures of a report against each other.
pub(crate) fn adds_up(report: &Report) {
    let calls = report.count("/summary/calls");
    assert!(calls > 0);
    assert_eq!(report.sum("/summary/outcomes"), calls);
    assert_eq!(report.count("/summary/operations/tools~1call/count"), calls);
    assert_eq!(report.sum("/summary/exchanges"), report.count("/summary/http_exchanges"));
    let tools = report.keys("/summary/tools");
    let by_tool = tools.iter().map(|tool| report.count(&format!("/summary/tools/{tool}/count")));
    assert_eq!(by_tool.sum::<u64>(), calls);
    let fates = ["completed", "stopped", "cut", "failed"];
    let fates = fates.iter().map(|fate| report.count(&format!("/summary/run/{fate}")));
    assert_eq!(fates.sum::<u64>(), report.count("/summary/runs"));
    assert_eq!(report.count("/summary/run/cut"), report.count("/summary/runs_cut"));
    let seconds = report.at("/timeline").as_array().unwrap();
    let done: u64 = seconds.iter().filter_map(|second| second["done"].as_u64()).sum();
    assert_eq!(done, calls, "calls over time");
}

#[test]
fn the_shipped_storm_leaves_a_whole_report() {
    let place = Place::new();
    let done = place.run("research-storm").short().go();
    let report = done.exits(0).report();
    adds_up(&report);
    assert_eq!(report.at("/schema"), "squall.run/1");
    assert_eq!(report.at("/verdict"), "passed");
    assert_eq!(report.at("/seed"), 7);
    assert_eq!(report.count("/summary/runs"), 4);
    assert_eq!(report.outcomes(), ["ok"]);
    let mut files: Vec<_> = fs::read_dir(place.path().join("report"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut expected: Vec<_> = DRAWN.into_iter().chain(["run.json"]).collect();
    expected.sort_unstable();
    assert_eq!(files, expected);
    assert_eq!(place.names(), ["report"]);
    assert!(done.stdout.starts_with("PASSED  research storm"), "{}", done.stdout);
    let page = fs::read_to_string(place.path().join("report/report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    let picture = fs::read(place.path().join("report/timeline.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n"));
}

#[test]
fn the_target_counted_what_the_report_says() {
    for (profile, answers) in [("claude-ai-legacy", "sse"), ("plain", "json")] {
        let practice = Practice::with(&["--answers", answers, "--latency", "2ms"]);
        let place = Place::new();
        let order = place.run("research-storm").short().target(&practice.url());
        let profile = format!("{profile:?}");
        let done = order.set("tools.allow", QUICK).set("clients.profile", &profile).go();
        let report = done.exits(0).report();
        adds_up(&report);
        let calls = report.count("/summary/calls");
        assert_eq!(practice.counted("practice_tool_calls_total"), calls, "{profile}");
        assert_eq!(practice.counted("practice_requests_total"), report.exchanges(), "{profile}");
        // The look before the load opened one session too.
        let opened = report.count("/summary/sessions/opened") + 1;
        assert_eq!(practice.counted("practice_sessions_opened_total"), opened, "{profile}");
        let looked = report.count("/receipt/exchanges_before_the_load") - 3;
        let closed = report.count("/summary/sessions/closed") + looked;
        assert_eq!(practice.counted("practice_sessions_closed_total"), closed, "{profile}");
    }
}

#[test]
fn a_target_without_sessions_is_as_good() {
    let place = Place::new();
    let order = place.run("research-storm").short().set("tools.allow", QUICK);
    let done = order.set("practice.sessions", r#""stateless""#).go();
    let report = done.exits(0).report();
    adds_up(&report);
    assert_eq!(report.count("/summary/sessions/with_id"), 0);
    assert!(!report.keys("/summary/exchanges").contains(&"DELETE session"));
}

#[test]
fn the_seed_decides_who_arrives_and_what_is_asked() {
    let calls = |seed: &str| {
        let place = Place::new();
        let order = place.run("research-storm").short().set("tools.allow", QUICK);
        let report = order.args(["--seed", seed]).go().exits(0).report();
        let tools = ["search", "fetch", "echo"]
            .map(|tool| report.count(&format!("/summary/tools/{tool}/count")));
        (report.count("/seed"), tools)
    };
    let first = calls("11");
    assert_eq!(first.0, 11);
    assert_eq!(calls("11"), first);
    assert_ne!(calls("12").1, first.1);
}

/// Its load is shorter; its tools and what it expects are as shipped.
#[test]
fn every_shipped_scenario_passes() {
    for entry in fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_theirs = |scenarios: &[&str]| scenarios.contains(&name);
        let tokens = [&token_defects::SCENARIOS[..], &token_checks::SCENARIOS];
        if is_theirs(&[rate_limit::SCENARIO])
            || tokens.into_iter().any(is_theirs)
            || is_theirs(&faults::SCENARIOS)
            || is_theirs(check_defects::CHECKS)
        {
            continue;
        }
        let place = Place::new();
        let order = place.run(name);
        let order = match name {
            "research-storm" | "modern-storm" => order.short(),
            "chat-morning" => order
                .short()
                .set("load.herds", r#"[{ at = "1s", users = 5, within = "500ms" }]"#)
                .set("load.from", r#""5/s""#),
            "steady" => order.short_closed(),
            other => panic!("say here how scenarios/{other}.toml is made short"),
        };
        adds_up(&order.go().exits(0).report());
    }
}

#[test]
fn a_broken_threshold_is_exit_4_and_says_which() {
    let place = Place::new();
    let order = place.run("research-storm").short().set("tools.allow", QUICK);
    let done = order.set("expect.thresholds", r#"["exchanges_per_call < 0.5"]"#).go();
    let report = done.exits(4).report();
    assert_eq!(report.at("/verdict"), "failed");
    assert_eq!(report.at("/thresholds/0/passed"), false);
    assert!(done.stdout.contains("exchanges_per_call < 0.5 did not hold"), "{}", done.stdout);
}

#[test]
fn a_generator_past_its_limits_is_exit_5_with_a_banner() {
    let place = Place::new();
    let order = place.run("research-storm").short().set("tools.allow", QUICK);
    // No process uses a ten-millionth of the machine only.
    let done = order.set("generator.cpu", "0.0000001").go();
    let report = done.exits(5).report();
    assert_eq!(report.at("/verdict"), "untrustworthy");
    assert_eq!(report.at("/generator/trustworthy"), false);
    assert!(done.stdout.starts_with("UNTRUSTWORTHY  research storm"), "{}", done.stdout);
}

#[test]
fn json_prints_the_summary_alone() {
    let place = Place::new();
    let done = place.run("research-storm").short().set("tools.allow", QUICK).arg("--json").go();
    let printed: serde_json::Value = serde_json::from_str(&done.exits(0).stdout).unwrap();
    assert_eq!(printed, *done.report().at("/summary"));
}

#[test]
fn the_practice_target_is_asked_where_its_stream_is() {
    let place = Place::new();
    let order = place.run("steady").short_closed().set("target.transport", r#""http+sse""#);
    let report = order.go().exits(0).report();
    adds_up(&report);
    assert!(report.count("/summary/exchanges/GET stream") > 0);
}

#[test]
fn an_endpoint_of_the_other_transport_is_told_apart() {
    let practice = Practice::with(&["--latency", "2ms"]);
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&practice.url());
    let done = order.set("target.transport", r#""http+sse""#).go();
    done.exits(3);
    let hint = "endpoints of HTTP+SSE often end in /sse";
    assert!(done.stderr.contains(hint), "{}", done.stderr);
}
