//! A target that calls none of its tools read-only is not loaded before its tester says which may be.

use crate::squall::Place;
use crate::stranger::{Stranger, answer};

/// Two tools, one without annotations, one that says that it is not read-only.
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
    {"name":"echo","inputSchema":{"type":"object"}},
    {"name":"\u001b[31mdrop","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true}}
]}}"#;
const NO_TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25",
    "capabilities":{"tools":{}},"serverInfo":{"name":"bare","version":"1"}}}"#;

/// A server that answers by what the hosted client asks in turn: every id is 1.
fn bare(tools: &'static str) -> Stranger {
    let asked = std::sync::atomic::AtomicU32::new(0);
    Stranger::answering(move |_| {
        let body = match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => INITIALIZED,
            1 => return answer("202 Accepted", "application/json", ""),
            _ => tools,
        };
        answer("200 OK", "application/json", body)
    })
}

#[test]
fn the_list_of_tools_and_the_line_to_add() {
    let stranger = bare(TOOLS);
    let place = Place::new();
    let done = place.run("research-storm").target(&stranger.url()).go();
    let said = done.refused(2, &place);
    assert!(said.contains("\n  --set tools.allow='[\"echo\"]'\n"), "{said}");
    assert!(!said.contains('\u{1b}'), "a tool's name reached the terminal as it is");
    insta::assert_snapshot!(said);
}

#[test]
fn a_target_without_any_tool() {
    let stranger = bare(NO_TOOLS);
    let place = Place::new();
    let done = place.run("research-storm").target(&stranger.url()).go();
    insta::assert_snapshot!(done.refused(2, &place));
}
