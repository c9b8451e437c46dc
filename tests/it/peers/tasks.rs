//! A tool of a real server that can only be called as a task: polled, asked back, answered.

use super::{SPEC, Speaking, no_violation, receipts, storm};
use crate::peer::{Kind, Peer};
use crate::squall::Place;

const TOOL: &str = "simulate-research-query";

/// The server asks what was meant, on the stream of the result, and goes on once it is told.
#[test]
fn a_tool_that_needs_a_task() {
    let peer = Peer::start(Kind::Everything("streamableHttp"));
    let place = Place::new();
    let order = storm(&place, &peer.url(), Speaking::Legacy, SPEC).sets([
        ("tools.allow", r#"["simulate-research-query"]"#),
        ("tools.arguments", r#"{ simulate-research-query = [{ topic = "a", ambiguous = true }] }"#),
        ("load.from", r#""1/s""#),
        ("load.stages", r#"[{ over = "1s", to = "1/s" }]"#),
    ]);
    let report = order.go().exits(0).report();
    assert_eq!((report.keys("/summary/tools"), report.outcomes()), (vec![TOOL], vec!["ok"]));
    no_violation(&report);
    let calls = report.count("/summary/calls");
    assert!(calls > 0);
    for once in ["tools~1call", "tasks~1result"] {
        assert_eq!(report.count(&format!("/summary/exchanges/{once}")), calls, "{once}");
    }
    // It may ask for the roots of the client, too.
    assert!(report.count("/summary/exchanges/response") >= calls);
    // It works for four seconds, and wants to be asked once a second.
    assert!(report.count("/summary/exchanges/tasks~1get") >= 2 * calls);
    receipts(&peer, 0, &report);
}
