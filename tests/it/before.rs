//! What the look at a target finds wrong with it stands in the report of its load.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::squall::{Place, Report};
use crate::stranger::{Stranger, answer};

/// A tool whose header no client can send, and one that can be called.
fn tools() -> Value {
    let argument = json!({ "type": "string", "x-mcp-header": "no token" });
    let good = json!({ "type": "object" });
    let bad = json!({ "type": "object", "properties": { "region": argument } });
    let tool = |name, schema| json!({ "name": name, "inputSchema": schema, "annotations": { "readOnlyHint": true } });
    json!({ "tools": [tool("by region", bad), tool("everywhere", good)] })
}

/// A modern server that forgets, the first time it is asked what it speaks, to say for how long.
fn forgetful() -> Stranger {
    let remembers = AtomicBool::new(false);
    Stranger::told(move |_, body| {
        let asked: Value = serde_json::from_str(body).unwrap();
        let mut result = match asked["method"].as_str().unwrap() {
            "server/discover" => {
                json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} } })
            }
            "tools/list" => tools(),
            "tools/call" => json!({ "content": [{ "type": "text", "text": "hi" }] }),
            other => panic!("asked for {other}"),
        };
        result["resultType"] = json!("complete");
        if asked["method"] != "server/discover" || remembers.swap(true, Ordering::SeqCst) {
            result["ttlMs"] = json!(60_000);
            result["cacheScope"] = json!("private");
        }
        let answered = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        answer("200 OK", "application/json", &answered.to_string())
    })
}

fn evidence(report: &Report, id: &str) -> Vec<Value> {
    let found = report.at("/findings").as_array().unwrap();
    let found = found.iter().find(|found| found["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}"))["evidence"].as_array().unwrap().clone()
}

#[test]
fn it_is_found_and_the_run_goes_on() {
    let target = forgetful();
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&target.url());
    let done = order.set("clients.profile", r#""claude-ai-modern""#).go();
    let report = done.exits(4).report();
    let hints = evidence(&report, "no-cache-hints");
    assert_eq!(hints, ["before the load, server/discover: ttlMs or cacheScope is missing"]);
    let headers = evidence(&report, "invalid-param-header");
    let [header] = &headers[..] else { panic!("{headers:?}") };
    let header = header.as_str().unwrap();
    assert!(
        header.starts_with("before the load, tools/list: the tool \"by region\": "),
        "{header}"
    );
    assert_eq!(report.keys("/summary/tools"), ["everywhere"]);
    assert_eq!(report.outcomes(), ["ok"]);
}

/// Whatever is wrong with what a tool promises, it can be called: only its results are not checked.
#[test]
fn a_broken_promise_of_results_stops_nothing() {
    let target = Stranger::told(|_, body| {
        let asked: Value = serde_json::from_str(body).unwrap_or_default();
        let tool = |name, schema| {
            json!({ "name": name, "outputSchema": schema,
            "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } })
        };
        let result = match asked["method"].as_str().unwrap_or_default() {
            "initialize" => json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                "serverInfo": { "name": "promising", "version": "1" } }),
            "tools/list" => json!({ "tools": [
                tool("broken", json!({ "type": "object", "required": "all" })),
                tool("none", json!("text")),
                tool("modest", json!({ "type": "object", "unevaluatedProperties": false })),
            ] }),
            "tools/call" => json!({ "content": [], "structuredContent": { "a": 1 } }),
            _ => return answer("202 Accepted", "text/plain", ""),
        };
        let answered = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        answer("200 OK", "application/json", &answered.to_string())
    });
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&target.url());
    let order = order
        .set("clients.override.stream_share", "0.0")
        .set("expect.findings", r#""none above medium""#);
    let report = order.go().exits(0).report();
    assert_eq!(report.outcomes(), ["ok"]);
    assert_eq!(report.keys("/summary/tools"), ["broken", "modest", "none"]);
    let found = evidence(&report, "invalid-output-schema");
    let such = |tool: &str, why: &str| {
        format!("before the load, tools/list: the tool {tool:?}, outputSchema: {why}")
    };
    assert_eq!(
        found,
        [such("broken", "/required is no such keyword's value"), such("none", "it is no object")]
    );
    let notes = report.at("/scenario/notes").as_array().unwrap();
    let note = "structuredContent of the tool \"modest\" is not checked: its outputSchema uses \
                unevaluatedProperties";
    assert!(notes.contains(&json!(note)), "{notes:?}");
}

#[test]
fn a_tool_that_every_client_drops_cannot_be_called() {
    let target = forgetful();
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&target.url());
    let order = order.set("clients.profile", r#""claude-ai-modern""#);
    let done = order.set("tools.allow", r#"["by region"]"#).go();
    insta::assert_snapshot!(done.refused(2, &place));
}
