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
fn table(peers: &[(&str, Kind)], check: impl Fn(Kind) -> Report + Sync) -> String {
    let check = &check;
    thread::scope(|scope| {
        let checks: Vec<_> = peers
            .iter()
            .map(|(name, kind)| {
                let checking = scope.spawn(move || found(&check(*kind)));
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
fn sessions_that_are_over() {
    insta::assert_snapshot!(table(&STATEFUL, sessions));
}
