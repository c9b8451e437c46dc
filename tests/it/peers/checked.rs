//! What checks find of servers that we did not write, a line for each thing that must hold. What
//! depends on how fast a machine is stands in none of them.

use std::thread;

use crate::peer::{Kind, Peer};
use crate::squall::{Place, Report};

use super::ECHO;

/// Servers with sessions.
const STATEFUL: [(&str, Kind); 5] = [
    ("Python SDK v1", Kind::PythonV1("stateful")),
    ("Python SDK v2", Kind::PythonV2("stateful")),
    ("TypeScript SDK v2", Kind::TypescriptV2("stateful")),
    ("server-everything", Kind::Everything("streamableHttp")),
    ("rmcp", Kind::Rmcp("stateful")),
];

/// The check against each of them, all at once; a table of what it found.
fn table(
    peers: &[(&str, Kind)],
    check: impl Fn(Kind) -> Report + Sync,
    told: fn(&Report) -> String,
) -> String {
    let check = &check;
    thread::scope(|scope| {
        let checks: Vec<_> = peers
            .iter()
            .map(|(name, kind)| {
                let checking = scope.spawn(move || told(&check(*kind)));
                (name, checking)
            })
            .collect();
        let told =
            checks.into_iter().map(|(name, check)| format!("{name}\n{}", check.join().unwrap()));
        told.collect::<Vec<_>>().join("\n")
    })
}

/// What was found: each thing that was to hold, and the names of what is wrong.
fn found(report: &Report) -> String {
    let judged = report.at("/expectations").as_array().unwrap().iter().map(|judged| {
        let told = judged["value"].as_str().unwrap();
        let is = |key: &str| judged[key] == true;
        let word = match (is("passed"), is("unchecked"), is("unproven")) {
            (true, ..) => "holds:",
            (_, true, _) | (_, _, true) => "is",
            _ => "is broken:",
        };
        (judged["text"].as_str().unwrap(), format!("{word} {told}"))
    });
    // Those that need a number that a machine can give were asked for nothing.
    let lines = judged.filter(|(text, _)| *text != "invariants: session-leak");
    let lines = lines.map(|(text, told)| {
        let text = text.trim_start_matches("invariants: ");
        // How long it took is none of a server's.
        let told = told.split(" within ").next().unwrap();
        format!("  {text} {told}\n")
    });
    let findings = report.at("/findings").as_array().unwrap().iter();
    let findings = findings.map(|finding| {
        format!(
            "  {} ({})\n",
            finding["id"].as_str().unwrap(),
            finding["severity"].as_str().unwrap()
        )
    });
    lines.chain(findings).collect()
}

/// Servers with sessions and a tool that takes its time, by its name.
const SLOW: [(&str, Kind); 4] = [
    ("Python SDK v1", Kind::PythonV1("stateful-slow")),
    ("Python SDK v2", Kind::PythonV2("stateful-slow")),
    ("TypeScript SDK v2", Kind::TypescriptV2("stateful-slow")),
    ("server-everything", Kind::Everything("streamableHttp")),
];

/// A check of a server whose tool takes so many seconds, with other knobs.
fn with_a_slow_tool(kind: Kind, check: &str, seconds: f64, knobs: &[(&str, &str)]) -> Report {
    let (peer, place) = (Peer::start(kind), Place::new());
    let (tool, arguments) = match kind {
        Kind::Everything(_) => {
            let arguments = format!("[{{ duration = {seconds}, steps = 1 }}]");
            ("trigger-long-running-operation", arguments)
        }
        _ => ("wait", format!("[{{ seconds = {seconds:?} }}]")),
    };
    let (allow, at) = (format!("[{tool:?}, \"echo\"]"), format!("tools.arguments.{tool}"));
    let order = place.run(check).patient_alone().target(&peer.url()).sets([
        ("auth", "{}"),
        ("expect", "{}"),
        ("target.protocol", r#""2025-11-25""#),
        ("tools.arguments", "{}"),
        ("tools.allow", allow.as_str()),
        (at.as_str(), arguments.as_str()),
    ]);
    order.sets(knobs.iter().copied()).go().report()
}

/// The same, with what depends on milliseconds left out.
fn brief(report: &Report) -> String {
    let of_race = |line: &&str| !line.trim_start().starts_with("cancel-race");
    let lines = found(report);
    let word = |line| format!("{line}:").split_once(':').map(|(word, _)| word.to_owned());
    let words: Vec<String> = lines.lines().filter(of_race).filter_map(word).collect();
    words.join("\n") + "\n"
}

/// Sessions that are over, and those that are open while the server is killed and started anew.
fn sessions(kind: Kind) -> Report {
    let (peer, place) = (Peer::start(kind), Place::new());
    let order = place.run("check-sessions").patient_alone().target(&peer.url());
    let order = order.sets([
        ("auth", "{}"),
        ("tools.allow", ECHO),
        ("expect", "{}"),
        ("load.sessions.cycles", "0"),
        ("target.protocol", r#""2025-11-25""#),
    ]);
    if matches!(kind, Kind::Rmcp(_)) {
        return order.go().report();
    }
    let restart = peer.restart();
    let hook = format!(
        "[{{ kind = \"hook\", at = \"3s\", lasts = \"1s\", timeout = \"2m\", command = {} }}]",
        restart.command()
    );
    let order = order.set("fault", &hook).set("load.sessions.survivors", "3");
    order.set("load.sessions.patience", r#""2m""#).go().report()
}

#[test]
fn sessions_from_everywhere() {
    let affinity = |kind| {
        let (peer, place) = (Peer::start(kind), Place::new());
        let order = place.run("check-affinity").patient_alone().target(&peer.url());
        let sets = [("auth", "{}"), ("expect", "{}"), ("tools.allow", ECHO)];
        order.sets(sets).set("target.protocol", r#""2025-11-25""#).go().report()
    };
    insta::assert_snapshot!(table(&STATEFUL, affinity, brief));
}

#[test]
fn calls_that_are_cancelled() {
    let cancel = |kind| {
        let tool = if matches!(kind, Kind::Everything(_)) {
            r#""trigger-long-running-operation""#
        } else {
            r#""wait""#
        };
        let knobs =
            [("load.cancel.tool", tool), ("load.cancel.calls", "3"), ("load.cancel.sweeps", "1")];
        let knobs = [&knobs[..], &[("load.cancel.workers", "0")]].concat();
        with_a_slow_tool(kind, "check-cancel", 2.0, &knobs)
    };
    insta::assert_snapshot!(table(&SLOW, cancel, brief));
}

#[test]
fn calls_that_are_left() {
    let aborts = |kind| with_a_slow_tool(kind, "check-abort-liveness", 0.3, &[]);
    insta::assert_snapshot!(table(&SLOW, aborts, brief));
}

#[test]
fn sessions_that_are_over() {
    insta::assert_snapshot!(table(&STATEFUL, sessions, found));
}
