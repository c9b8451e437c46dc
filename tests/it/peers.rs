//! Storms against servers that we did not write, in every mode they have: nothing goes wrong, and
//! the server's own access log is the report's count, operation by operation.

mod answers;
mod checked;
mod granted;
mod isolation;
mod lost;
mod mischief;
mod restarted;
mod slow;
mod tasks;

use std::collections::BTreeMap;
use std::thread;

use crate::peer::{Kind, Peer};
use crate::squall::{Done, Order, Place, Report};

const ECHO: &str = r#"["echo"]"#;
const PLAIN: &str = r#""plain""#;
const CLAUDE: &str = r#""claude-ai-legacy""#;
const CLAUDE_MODERN: &str = r#""claude-ai-modern""#;
const SPEC: &str = r#""spec""#;

/// Four runs that begin within half a second.
const QUICKLY: [(&str, &str); 4] = [
    ("load.from", r#""8/s""#),
    ("load.stages", r#"[{ over = "500ms", to = "8/s" }]"#),
    ("load.speed", "400"),
    ("load.drain", r#""60s""#),
];

/// The era and the transport a storm is asked to speak.
#[derive(Debug, Clone, Copy)]
enum Speaking {
    Legacy,
    Modern,
    HttpSse,
    /// What the profile and the server agree on.
    Whatever,
}

impl Speaking {
    fn keys(self) -> [(&'static str, &'static str); 2] {
        let (transport, protocol) = match self {
            Self::Legacy => (r#""streamable-http""#, r#""2025-11-25""#),
            Self::Modern => (r#""streamable-http""#, r#""2026-07-28""#),
            Self::HttpSse => (r#""http+sse""#, r#""2024-11-05""#),
            Self::Whatever => (r#""auto""#, r#""auto""#),
        };
        [("target.transport", transport), ("target.protocol", protocol)]
    }
}

fn storm<'a>(place: &'a Place, url: &str, speaking: Speaking, profile: &str) -> Order<'a> {
    let order = place.run("research-storm").patient().target(url).sets(QUICKLY);
    order.sets(speaking.keys()).set("clients.profile", profile)
}

/// Storms that call `echo` alone, one for each profile: nothing goes wrong in any.
fn sound(kind: Kind, speaking: Speaking, profiles: &[&str]) -> Vec<Report> {
    let peer = Peer::start(kind);
    let mut before = 0;
    let storms = profiles.iter().map(|profile| {
        let place = Place::new();
        let done = storm(&place, &peer.url(), speaking, profile).set("tools.allow", ECHO).go();
        let report = done.exits(0).report();
        assert_eq!(report.outcomes(), ["ok"], "{kind:?} {profile}");
        no_violation(&report);
        assert_eq!(report.count("/summary/runs"), 4);
        assert_eq!(report.keys("/summary/tools"), ["echo"]);
        before += match speaking {
            // A server that refuses a request unread does not know what it asked for.
            Speaking::Whatever => counted(&peer, before, &report).len(),
            _ => receipts(&peer, before, &report).len(),
        };
        report
    });
    storms.collect()
}

/// Holds the server's access log against the report, from a line on; gives these lines.
#[track_caller]
fn receipts(peer: &Peer, from: usize, report: &Report) -> Vec<String> {
    let log = counted(peer, from, report);
    let kind = peer.kind();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &log {
        *seen.entry(operation(line)).or_default() += 1;
    }
    // What is left over is the look before the load: each operation once at most.
    for (operation, count) in report.at("/summary/exchanges").as_object().unwrap() {
        let of_load = count.as_u64().unwrap();
        let of_all = seen.remove(operation.as_str()).unwrap_or_default();
        let looked = of_all.checked_sub(of_load);
        assert!(matches!(looked, Some(0 | 1)), "{kind:?}: {of_load} {operation}, seen {of_all}");
    }
    assert!(seen.values().all(|count| *count == 1), "{kind:?}: {seen:?}");
    log
}

/// Holds the length of the server's access log against the report, from a line on.
#[track_caller]
fn counted(peer: &Peer, from: usize, report: &Report) -> Vec<String> {
    let sent = usize::try_from(report.exchanges()).unwrap();
    let log = peer.access_log(from + sent).split_off(from);
    let kind = peer.kind();
    assert_eq!(log.len(), sent, "{kind:?}: {log:#?}\n{:#}", report.at("/summary/exchanges"));
    log
}

/// What the report calls the operation of a line of an access log.
fn operation(line: &str) -> &str {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["GET", ..] => "GET stream",
        ["DELETE", ..] => "DELETE session",
        ["POST", _, "answer", _] => "response",
        ["POST", _, asked, _] => asked,
        _ => panic!("no line of an access log: {line}"),
    }
}

fn no_violation(report: &Report) {
    assert_eq!(report.at("/findings"), &serde_json::json!([]));
    assert!(!report.outcomes().contains(&"violation"));
}

/// What a server without annotations is refused with.
fn unannotated(kind: Kind) -> (Done, Vec<String>) {
    let peer = Peer::start(kind);
    let place = Place::new();
    let done = place.run("research-storm").target(&peer.url()).go();
    done.refused(2, &place);
    (done, peer.access_log(3))
}

#[test]
fn python_v1_annotates_nothing() {
    for mode in ["stateful", "stateless-json"] {
        let (done, log) = unannotated(Kind::PythonV1(mode));
        assert!(done.stderr.ends_with("\n  --set tools.allow='[\"echo\"]'\n"), "{}", done.stderr);
        insta::assert_snapshot!("python_v1_annotates_nothing", done.stderr);
        // initialize, initialized, tools/list, and perhaps a DELETE: never a call.
        assert!((3..=4).contains(&log.len()), "{mode}: {log:?}");
    }
}

/// Storms against several servers at the same time.
fn together(kinds: &[Kind], storms: fn(Kind)) {
    thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(move || storms(*kind));
        }
    });
}

/// As a client that follows the specification, and as hosted Claude.
fn both(kind: Kind) {
    sound(kind, Speaking::Legacy, &[PLAIN, CLAUDE]);
}

/// As a client that follows the specification, which ends each of its sessions.
fn plain(kind: Kind) {
    for report in sound(kind, Speaking::Legacy, &[PLAIN]) {
        assert_eq!(report.count("/summary/sessions/with_id"), 4, "{kind:?}");
        assert_eq!(report.count("/summary/sessions/opened"), 4, "{kind:?}");
        assert_eq!(report.count("/summary/sessions/closed"), 4, "{kind:?}");
    }
}

/// The same of a server that issues no session.
fn sessionless(kind: Kind) {
    for report in sound(kind, Speaking::Legacy, &[PLAIN, CLAUDE]) {
        assert_eq!(report.count("/summary/sessions/with_id"), 0, "{kind:?}");
    }
}

#[test]
fn python_with_sessions() {
    let modes = ["stateful", "stateful-json"];
    together(&[modes.map(Kind::PythonV1), modes.map(Kind::PythonV2)].concat(), plain);
}

#[test]
fn python_without_sessions() {
    let modes = ["stateless", "stateless-json"];
    together(&[modes.map(Kind::PythonV1), modes.map(Kind::PythonV2)].concat(), sessionless);
}

#[test]
fn typescript_with_sessions() {
    let mut kinds = ["stateful", "stateful-json"].map(Kind::TypescriptV2).to_vec();
    kinds.push(Kind::Everything("streamableHttp"));
    together(&kinds, both);
}

#[test]
fn typescript_without_sessions() {
    together(&["handler", "handler-json"].map(Kind::TypescriptV2), sessionless);
}

#[test]
fn rmcp() {
    together(&["stateful"].map(Kind::Rmcp), plain);
    together(&["stateless", "stateless-json"].map(Kind::Rmcp), sessionless);
}

/// In a pooled session these servers answer only one of two concurrent calls with the same id,
/// which hosted Claude sends. The other hangs until the run is cut, its stream ends without an
/// answer, or it gets the answer to the first one: which the nonces show.
#[test]
fn the_same_id_twice_ends_by_itself() {
    let kinds = [Kind::PythonV1("stateful"), Kind::PythonV2("stateful"), Kind::Rmcp("stateful")];
    together(&kinds, |kind| {
        let peer = Peer::start(kind);
        let place = Place::new();
        let order = storm(&place, &peer.url(), Speaking::Legacy, CLAUDE).set("tools.allow", ECHO);
        let done = order.set("load.drain", r#""4s""#).go();
        assert!([0, 4].contains(&done.code), "{done:?}");
        let report = done.report();
        for finding in report.at("/findings").as_array().unwrap() {
            let is_known =
                ["other-calls-answer", "answers-cut"].iter().any(|id| finding["id"] == *id);
            assert!(is_known, "{kind:?} {finding}");
        }
        for outcome in report.outcomes() {
            let known = ["ok", "unfinished", "cut_stream", "violation"];
            assert!(known.contains(&outcome), "{kind:?} {outcome}");
        }
        assert_eq!(report.count("/summary/runs"), 4);
        receipts(&peer, 0, &report);
    });
}

/// What it annotates as read-only is called, and nothing else; what it has is said.
#[test]
fn everything_is_taken_at_its_word() {
    let peer = Peer::start(Kind::Everything("streamableHttp"));
    let place = Place::new();
    let asking = || storm(&place, &peer.url(), Speaking::Legacy, PLAIN);
    let done = asking().set("tools.allow", r#"["nonsense"]"#).go();
    insta::assert_snapshot!(done.refused(2, &place));

    let read_only: Vec<&str> = done
        .stderr
        .lines()
        .filter_map(|line| line.strip_suffix(" (annotated read-only)"))
        .map(|name| name.trim().trim_matches('"'))
        .collect();
    assert!(read_only.contains(&"echo"));
    // One of its read-only tools works for ten seconds: runs are cut, which is not the question.
    let order = asking().set("load.drain", r#""4s""#);
    let done = order.set("expect.thresholds", "[]").go();
    let report = done.report();
    no_violation(&report);
    for tool in report.keys("/summary/tools") {
        assert!(read_only.contains(&tool), "{tool} was called");
    }
}

/// As a client that follows the specification, and as hosted Claude since August 2026.
fn modern(kind: Kind) {
    sound(kind, Speaking::Modern, &[SPEC, CLAUDE_MODERN]);
}

#[test]
fn python_v2_modern() {
    let modes = ["stateful", "stateless", "stateful-json", "stateless-json"];
    together(&modes.map(Kind::PythonV2), modern);
}

#[test]
fn typescript_v2_modern() {
    together(&["handler", "handler-json", "modern-only"].map(Kind::TypescriptV2), modern);
}

#[test]
fn rmcp_modern() {
    together(&["stateful", "stateless", "stateless-json"].map(Kind::Rmcp), modern);
}

#[test]
fn http_sse() {
    let kinds = [Kind::PythonV1("sse"), Kind::PythonV2("sse"), Kind::Everything("sse")];
    together(&kinds, |kind| drop(sound(kind, Speaking::HttpSse, &[PLAIN])));
    lost::over_http_sse();
}

/// What a server is of is found out: the newest it speaks, over whatever it has.
#[test]
fn eras_are_found_out() {
    let kinds = [
        (Kind::PythonV1("stateless-json"), "initialize"),
        (Kind::PythonV1("sse"), "initialize"),
        (Kind::Everything("streamableHttp"), "initialize"),
        (Kind::PythonV2("stateless-json"), "server/discover"),
        (Kind::TypescriptV2("modern-only"), "server/discover"),
        (Kind::Rmcp("stateful"), "server/discover"),
    ];
    thread::scope(|scope| {
        for (kind, expected) in kinds {
            scope.spawn(move || {
                let report = sound(kind, Speaking::Whatever, &[SPEC]).remove(0);
                let asked = report.at("/summary/exchanges").as_object().unwrap();
                let initialised = asked.contains_key("initialize");
                assert_eq!(initialised, expected == "initialize", "{kind:?}: {asked:?}");
                assert!(asked.contains_key("server/discover"), "{kind:?}: it is asked first");
            });
        }
    });
}
