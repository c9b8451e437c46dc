//! Storms against servers that we did not write, with JSON and SSE answers, with and without sessions.

use crate::peer::{Kind, Peer};
use crate::squall::{Done, Order, Place, Report};

const ECHO: &str = r#"["echo"]"#;

fn storm<'a>(place: &'a Place, peer: &Peer, profile: &str) -> Order<'a> {
    let order = place.run("research-storm").short().target(&peer.url());
    order.set("clients.profile", &format!("{profile:?}"))
}

/// A storm that calls `echo` alone; nothing goes wrong, and the server counted what we counted.
fn sound(kind: Kind, profile: &str) -> Report {
    let peer = Peer::start(kind);
    let before = peer.counted();
    let place = Place::new();
    let done = storm(&place, &peer, profile).set("tools.allow", ECHO).go();
    let report = done.exits(0).report();
    assert_eq!(report.outcomes(), ["ok"], "{kind:?} {profile}");
    no_violation(&report);
    assert_eq!(report.count("/summary/runs"), 4);
    assert_eq!(report.keys("/summary/tools"), ["echo"]);
    assert_eq!(peer.counted() - before, report.exchanges(), "{kind:?} {profile}");
    report
}

fn no_violation(report: &Report) {
    assert_eq!(report.at("/findings"), &serde_json::json!([]));
    assert!(!report.outcomes().contains(&"violation"));
}

/// What a server without annotations is refused with.
fn unannotated(kind: Kind) -> (Done, u64) {
    let peer = Peer::start(kind);
    let before = peer.counted();
    let place = Place::new();
    let done = place.run("research-storm").target(&peer.url()).go();
    done.refused(2, &place);
    (done, peer.counted() - before)
}

#[test]
fn python_v1_annotates_nothing() {
    for mode in ["stateful", "stateless-json"] {
        let (done, asked) = unannotated(Kind::PythonV1(mode));
        assert!(done.stderr.ends_with("\n  --set tools.allow='[\"echo\"]'\n"), "{}", done.stderr);
        insta::assert_snapshot!("python_v1_annotates_nothing", done.stderr);
        // initialize, initialized, tools/list, and perhaps a DELETE: never a call.
        assert!((3..=4).contains(&asked), "{mode}: {asked} requests");
    }
}

#[test]
fn python_v1_stateful_sse_plain() {
    let report = sound(Kind::PythonV1("stateful"), "plain");
    assert_eq!(report.count("/summary/sessions/opened"), 4);
    assert_eq!(report.count("/summary/sessions/closed"), 4);
}

#[test]
fn python_v1_stateful_json_plain() {
    sound(Kind::PythonV1("stateful-json"), "plain");
}

#[test]
fn python_v1_stateless_sse_plain() {
    sound(Kind::PythonV1("stateless"), "plain");
}

#[test]
fn python_v1_stateless_json_plain() {
    let report = sound(Kind::PythonV1("stateless-json"), "plain");
    assert_eq!(report.count("/summary/sessions/with_id"), 0);
}

#[test]
fn python_v1_stateless_json_claude() {
    sound(Kind::PythonV1("stateless-json"), "claude-ai-legacy");
}

#[test]
fn python_v1_stateless_sse_claude() {
    sound(Kind::PythonV1("stateless"), "claude-ai-legacy");
}

/// In a pooled session this server answers only one of two concurrent calls with the same id, which
/// hosted Claude sends. The other hangs until the run is cut, or its stream ends without an answer.
#[test]
fn python_v1_stateful_claude_ends_by_itself() {
    let peer = Peer::start(Kind::PythonV1("stateful"));
    let before = peer.counted();
    let place = Place::new();
    let order = storm(&place, &peer, "claude-ai-legacy").set("tools.allow", ECHO);
    let done = order.set("load.drain", r#""4s""#).go();
    assert!([0, 4].contains(&done.code), "{done:?}");
    let report = done.report();
    no_violation(&report);
    for outcome in report.outcomes() {
        assert!(["ok", "unfinished", "cut_stream"].contains(&outcome), "{outcome}");
    }
    assert_eq!(report.count("/summary/runs"), 4);
    assert_eq!(peer.counted() - before, report.exchanges());
}

/// What it annotates as read-only is called, and nothing else; what it has is said.
#[test]
fn everything_is_taken_at_its_word() {
    let peer = Peer::start(Kind::Everything);
    let place = Place::new();
    let done = storm(&place, &peer, "plain").set("tools.allow", r#"["nonsense"]"#).go();
    insta::assert_snapshot!(done.refused(2, &place));

    let read_only: Vec<&str> = done
        .stderr
        .lines()
        .filter_map(|line| line.strip_suffix(" (annotated read-only)"))
        .map(|name| name.trim().trim_matches('"'))
        .collect();
    assert!(read_only.contains(&"echo"));
    // One of its read-only tools works for ten seconds: runs are cut, which is not the question.
    let order = storm(&place, &peer, "plain").set("load.drain", r#""4s""#);
    let done = order.set("expect.thresholds", "[]").go();
    let report = done.report();
    no_violation(&report);
    for tool in report.keys("/summary/tools") {
        assert!(read_only.contains(&tool), "{tool} was called");
    }
}

#[test]
fn everything_plain() {
    sound(Kind::Everything, "plain");
}

#[test]
fn everything_claude() {
    sound(Kind::Everything, "claude-ai-legacy");
}
