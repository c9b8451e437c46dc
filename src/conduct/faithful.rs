//! The wire of every shipped profile, held by snapshot: every way in which one connect, one call
//! and a goodbye look to each kind of server, so that drift is a visible diff.
//!
//! The profiles are the shipped files, read as a run reads them; the servers are scripted, at the
//! end of a pipe in memory, on paused time.

use std::sync::Arc;

use serde_json::{Value, json};

use super::before;
use super::endpoint::Endpoint;
use super::run::{Around, common};
use crate::engine::client::{Client, Tool};
use crate::engine::rehearsal::{
    Do, Seen, Server, Told, answer, chunk, echoed, event, json_reply, reply, stream_head,
};
use crate::engine::stop;
use crate::model::arguments::Maker;
use crate::model::behaviour::Ask;
use crate::model::plan::Plan;
use crate::scenario::profiles::{SHIPPED, Shipped};
use crate::scenario::{self, Input};

/// So many users show every way that the chances of a profile have.
const USERS: u32 = 40;

/// A kind of server: its name, and what it does with a request.
type Kind = (&'static str, fn(&Seen) -> Vec<Do>);

const SERVERS: [Kind; 3] = [("legacy", legacy), ("modern", modern), ("http+sse", two_ends)];

/// What a server with one of everything offers.
fn capabilities() -> Value {
    json!({ "tools": {}, "resources": {}, "prompts": {}, "completions": {} })
}

/// What every server here answers to what both eras ask.
fn result(seen: &Seen) -> Option<Value> {
    let messages =
        json!([{ "role": "user", "content": { "type": "text", "text": "Say something." } }]);
    let result = match seen.what().as_str() {
        "tools/list" => {
            json!({ "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] })
        }
        "tools/call" => echoed(),
        "resources/list" => json!({ "resources": [{ "uri": "test://a", "name": "a" }] }),
        "resources/templates/list" => {
            json!({ "resourceTemplates": [{ "uriTemplate": "test://{id}", "name": "any" }] })
        }
        "resources/read" => json!({ "contents": [{ "uri": "test://a", "text": "a" }] }),
        "prompts/list" => {
            json!({ "prompts": [{ "name": "say", "arguments": [{ "name": "what" }] }] })
        }
        "prompts/get" => json!({ "messages": messages }),
        "completion/complete" => json!({ "completion": { "values": ["a"] } }),
        _ => return None,
    };
    Some(result)
}

/// The answer to `initialize`.
fn introduction(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": capabilities(),
        "serverInfo": { "name": "scripted", "version": "1" },
    })
}

/// A server of 2025-11-25.
fn legacy(seen: &Seen) -> Vec<Do> {
    if let Some(result) = result(seen) {
        return vec![Do::Write(json_reply(&answer(seen, &result)))];
    }
    let answered = match seen.what().as_str() {
        "initialize" => {
            let body = answer(seen, &introduction("2025-11-25"));
            reply(200, &["content-type: application/json", "mcp-session-id: the-session"], &body)
        }
        "server/discover" => reply(400, &[], "Bad Request: Server not initialized"),
        "GET" => return vec![Do::Write(stream_head()), Do::Hang],
        "DELETE" => reply(200, &[], ""),
        _ => reply(202, &[], ""),
    };
    vec![Do::Write(answered)]
}

/// A server of 2026-07-28 alone.
fn modern(seen: &Seen) -> Vec<Do> {
    let typed = |mut result: Value| {
        let more = json!({ "resultType": "complete", "ttlMs": 60_000, "cacheScope": "private" });
        result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        vec![Do::Write(json_reply(&answer(seen, &result)))]
    };
    let id = &seen.json()["id"];
    match seen.what().as_str() {
        "server/discover" => typed(json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": capabilities(),
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "new", "version": "2" } },
        })),
        "subscriptions/listen" => {
            let params = json!({
                "notifications": { "toolsListChanged": true },
                "_meta": { "io.modelcontextprotocol/subscriptionId": id },
            });
            let told = json!({
                "jsonrpc": "2.0",
                "method": "notifications/subscriptions/acknowledged",
                "params": params,
            });
            let told = chunk(&event(&told.to_string()));
            vec![Do::Write([stream_head(), told].concat()), Do::Hang]
        }
        "initialize" => {
            let data = json!({ "supported": ["2026-07-28"], "requested": "2025-11-25" });
            let error = json!({ "code": -32022, "message": "Unsupported version", "data": data });
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string();
            vec![Do::Write(reply(400, &["content-type: application/json"], &body))]
        }
        _ => match result(seen) {
            Some(result) => typed(result),
            None => vec![Do::Write(reply(405, &[], ""))],
        },
    }
}

/// A server of 2024-11-05.
fn two_ends(seen: &Seen) -> Vec<Do> {
    if seen.verb == "GET" {
        let endpoint = chunk("event: endpoint\ndata: /messages?session=1\n\n");
        return vec![Do::Write([stream_head(), endpoint].concat()), Do::Hear];
    }
    if seen.path == "/mcp" {
        return vec![Do::Write(reply(405, &[], ""))];
    }
    let accepted = Do::Write(reply(202, &[], "Accepted"));
    let answered = match seen.what().as_str() {
        "initialize" => Some(introduction("2024-11-05")),
        _ => result(seen),
    };
    match answered {
        Some(result) => vec![accepted, Do::Tell(event(&answer(seen, &result)))],
        None => vec![accepted],
    }
}

/// The plan of a run with this profile, as its scenario is read.
fn plan(profile: &str) -> Plan {
    let mut plan = scenario::read(&Input {
        text: include_str!("../../scenarios/steady.toml"),
        file: "steady.toml",
        overrides: &[format!("clients.profile={profile:?}")],
        target: Some("http://127.0.0.1:7/mcp"),
        authorised: false,
        environment: &|_| None,
        files: &|_| Err("there is no such file".to_owned()),
    })
    .unwrap();
    plan.clients.profile = before::introduced(&plan);
    plan
}

/// One user's connect, call and goodbye: how the call ended, and every request of it.
async fn spoken(plan: &Plan, user: u32, kind: fn(&Seen) -> Vec<Do>) -> String {
    let server = Server::new(kind);
    let endpoint =
        Endpoint::of("http://127.0.0.1:7/mcp", "the target", &plan.target.reach).unwrap();
    let maker = Maker::from_fixtures(&[json!({ "text": "hi" })]).unwrap();
    let tools = vec![Tool::new("echo".into(), maker)];
    let mut common = common(plan, &endpoint, Arc::default(), tools, &Around::default()).unwrap();
    let parts = Arc::get_mut(&mut common).unwrap();
    parts.wire.connect = Arc::new(server.clone());
    parts.wire.clock = server.clock();
    let client = Client::new(Arc::clone(&common), user);
    client.begin_run(0);
    client.call(common.wire.clock.now(), Ask { tool: 0, variation: 0 }).await;
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.leave(&stop).await;
    let told = Told::by(&common.wire.recorder);
    let violations: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert!(violations.is_empty(), "{violations:?}");
    let requests: Vec<_> = server.seen().iter().map(written).collect();
    format!("The call: {:?}.\n\n{}", told.calls[0].outcome, requests.join("\n"))
}

/// A request as it is held: the order of headers means nothing.
fn written(seen: &Seen) -> String {
    let Seen { verb, path, headers, body, .. } = seen;
    format!("{verb} {path}\n{}\n\n{}", headers.join("\n"), pretty(body))
}

/// JSON over several lines, nothing else about it changed: members keep their order, numbers and
/// strings their spelling.
fn pretty(json: &str) -> String {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0, false, false);
    let mut before = ' ';
    for char in json.chars() {
        if in_string {
            out.push(char);
            in_string = char != '"' || escaped;
            escaped = char == '\\' && !escaped;
            before = char;
            continue;
        }
        let closes = matches!(char, '}' | ']');
        depth -= usize::from(closes);
        let is_first = matches!(before, '{' | '[');
        if before == ',' || is_first != closes {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
        out.push(char);
        if char == ':' {
            out.push(' ');
        }
        depth += usize::from(matches!(char, '{' | '['));
        in_string = char == '"';
        before = char;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

#[test]
fn what_is_spread_over_lines_is_the_same_json() {
    let json = r#"{"b":[],"a":{},"c":[1.0,{"d":"},\"[ ,"}],"e":"\\","f":null}"#;
    let expected = "{\n  \"b\": [],\n  \"a\": {},\n  \"c\": [\n    1.0,\n    {\n      \"d\": \
                    \"},\\\"[ ,\"\n    }\n  ],\n  \"e\": \"\\\\\",\n  \"f\": null\n}\n";
    assert_eq!(pretty(json), expected);
    assert_eq!(pretty(""), "");
}

#[tokio::test(start_paused = true)]
async fn the_wire_of_every_profile() {
    for Shipped { name: profile, date, .. } in SHIPPED {
        let profile = format!("{profile}@{date}");
        let plan = plan(&profile);
        for (name, kind) in SERVERS {
            let mut ways: Vec<(String, Vec<u32>)> = Vec::new();
            for user in 0..USERS {
                let spoken = spoken(&plan, user, kind).await;
                match ways.iter_mut().find(|(way, _)| *way == spoken) {
                    Some((_, users)) => users.push(user),
                    None => ways.push((spoken, vec![user])),
                }
            }
            let ways: Vec<_> = ways
                .iter()
                .map(|(way, users)| format!("== {} of {USERS} users ==\n{way}", users.len()))
                .collect();
            let name = format!("{profile}-to-{}", name.replace('+', "-"));
            insta::assert_snapshot!(name, ways.join("\n"));
        }
    }
}
