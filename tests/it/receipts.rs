//! Receipts: the target's own count equals the report's, to the request, under faults of the client.
//!
//! A request counts as sent when its first byte left. A client that takes it away in the same
//! moment leaves the target one of three things, and each is counted:
//!
//! - a POST whose body was read: counted under its method, whether it was answered or abandoned;
//! - a POST whose head alone was read when the connection's end came: `unread`, `abandoned`;
//! - a GET or a DELETE that arrived together with the connection's end: not counted. The target's
//!   HTTP library looks for that end before it hands over a request without a body. So runs that
//!   are ended anywhere are compared here without these two, and all others with them.

use std::time::{Duration, Instant};

use crate::practice::Practice;
use crate::squall::{Order, Place, Report};
use crate::storm::{QUICK, adds_up};

const POSTS: [&str; 4] = ["initialize", "notifications/initialized", "tools/list", "tools/call"];

/// The report's operations without a body, and what the target calls them.
const BODILESS: [(&str, &str); 2] = [("GET stream", "GET"), ("DELETE session", "DELETE")];

/// Neither streams nor DELETE.
const POSTS_ONLY: [(&str, &str); 2] =
    [("clients.override.stream_share", "0"), ("clients.override.delete_share", "0")];

/// Requests of one method that the target counted.
fn seen(practice: &Practice, method: &str) -> u64 {
    practice.counted(&format!("practice_requests_total{{method={method:?},"))
}

/// Requests of one operation that the report counts, those of the look before the load included:
/// a handshake, a list, and with some profiles a DELETE.
fn sent(report: &Report, operation: &str) -> u64 {
    let before = report.count("/receipt/exchanges_before_the_load");
    let looked = match operation {
        "DELETE session" => before - 3,
        "GET stream" | "tools/call" => 0,
        _ => 1,
    };
    let load = report.at("/summary/exchanges").get(operation);
    looked + load.map_or(0, count)
}

fn count(value: &serde_json::Value) -> u64 {
    value.as_u64().unwrap()
}

/// Waits until the target has read what the ended load left in its sockets.
fn settle(practice: &Practice, expected: u64) {
    let until = Instant::now() + Duration::from_secs(30);
    let busy = || practice.counted("practice_in_flight ") > 0;
    while (practice.counted("practice_requests_total") < expected || busy())
        && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Holds the target's count against the report's.
#[track_caller]
fn agree(report: &Report, practice: &Practice) {
    adds_up(report);
    settle(practice, report.exchanges());
    let shown = || format!("{:#}\n{}", report.at("/summary/exchanges"), practice.page());
    // To the request: in all, and by operation but for bodies that the target never got to read.
    assert_eq!(practice.counted("practice_requests_total"), report.exchanges(), "{}", shown());
    let abandoned = r#"practice_requests_total{method="unread",status="abandoned"}"#;
    let unread = practice.counted(abandoned);
    assert_eq!(seen(practice, "unread"), unread, "{}", shown());
    let missing = POSTS.map(|operation| {
        let (sent, seen) = (sent(report, operation), seen(practice, operation));
        sent.checked_sub(seen).unwrap_or_else(|| panic!("more {operation} than sent: {}", shown()))
    });
    assert_eq!(missing.iter().sum::<u64>(), unread, "{}", shown());
    for (operation, method) in BODILESS {
        assert_eq!(sent(report, operation), seen(practice, method), "{}", shown());
    }
    // Calls: each that was sent, once. A call that gave up while it connected counts as an attempt
    // on the target, which never heard of it.
    let calls = practice.counted("practice_tool_calls_total");
    assert_eq!(calls, seen(practice, "tools/call"), "{}", shown());
    let attempts = report.count("/summary/calls_sent");
    let reached = attempts - report.at("/summary/outcomes").get("connect_failure").map_or(0, count);
    assert_eq!(reached, sent(report, "tools/call"), "{}", shown());
    assert_eq!(reached, calls + missing[3], "{}", shown());
    // Sessions: the target issued one for each handshake it answered. Those whose answer the
    // client never read are handshakes it sent and took away.
    let opened = report.count("/summary/sessions/opened") + 1;
    let issued = practice.counted("practice_sessions_opened_total");
    let answered = r#"practice_requests_total{method="initialize",status="200"}"#;
    assert_eq!(issued, practice.counted(answered), "{}", shown());
    assert!((opened..=sent(report, "initialize")).contains(&issued), "{}", shown());
    let closed = report.count("/summary/sessions/closed")
        + (report.count("/receipt/exchanges_before_the_load") - 3);
    assert_eq!(practice.counted("practice_sessions_closed_total"), closed, "{}", shown());
}

/// A storm of forty runs in two seconds, against a target of its own.
fn storm<'a>(place: &'a Place, practice: &Practice, profile: &str) -> Order<'a> {
    let order = place.run("research-storm").patient().target(&practice.url()).sets([
        ("load.from", r#""20/s""#),
        ("load.stages", r#"[{ over = "2s", to = "20/s" }]"#),
        ("load.speed", "200"),
        ("tools.allow", QUICK),
        ("expect.thresholds", "[]"),
    ]);
    order.set("clients.profile", &format!("{profile:?}"))
}

#[test]
fn runs_that_their_people_stop() {
    for profile in ["claude-ai-legacy", "plain"] {
        let practice = Practice::with(&["--latency", "50ms"]);
        let place = Place::new();
        let order = storm(&place, &practice, profile).sets(POSTS_ONLY);
        let order = order.sets([("load.research.stopped", "1.0"), ("load.drain", r#""60s""#)]);
        let report = order.go().exits(0).report();
        agree(&report, &practice);
        assert!(report.count("/summary/run/stopped") > 0, "{profile}");
        assert!(report.count("/summary/outcomes/cancelled") > 0, "{profile}");
    }
}

#[test]
fn clients_that_lose_patience() {
    for (profile, answers) in [("claude-ai-legacy", "sse"), ("plain", "json")] {
        // Nine of ten calls take longer than the clients wait.
        let flags = ["--latency", "uniform 10ms 500ms", "--answers", answers];
        let practice = Practice::with(&flags);
        let place = Place::new();
        let order = storm(&place, &practice, profile);
        let order = order
            .sets([("clients.override.call_timeout", r#""60ms""#), ("load.drain", r#""60s""#)]);
        let report = order.go().report();
        agree(&report, &practice);
        assert!(report.count("/summary/outcomes/timeout") > 0, "{profile}");
    }
}

#[test]
fn runs_cut_in_the_middle_of_whatever_they_did() {
    for profile in ["claude-ai-legacy", "plain"] {
        let practice = Practice::with(&["--latency", "20ms"]);
        let place = Place::new();
        let order = storm(&place, &practice, profile).sets(POSTS_ONLY);
        let report = order.set("load.drain", r#""50ms""#).go().exits(0).report();
        agree(&report, &practice);
        assert!(report.count("/summary/runs_cut") > 0, "{profile}");
    }
}

#[test]
fn runs_cut_while_the_target_hangs() {
    // Every run hangs in its first call, with its stream open: the cut takes all of them away.
    let practice = Practice::with(&["--latency", "1h"]);
    let place = Place::new();
    let order = storm(&place, &practice, "plain").sets([
        ("load.behaviour", r#""steady""#),
        ("load.steady", r#"{ calls = 3, think = "0s" }"#),
        ("load.drain", r#""1s""#),
    ]);
    // Nothing ended well, which is a failed run.
    let report = order.go().exits(4).report();
    agree(&report, &practice);
    assert_eq!(report.count("/summary/runs_cut"), 40);
    assert_eq!(report.count("/summary/unfinished"), 40);
    let abandoned = r#"practice_requests_total{method="tools/call",status="abandoned"}"#;
    assert_eq!(practice.counted(abandoned), 40);
    assert_eq!(report.count("/summary/sessions/closed"), 0);
}
