//! The exact requests of the shipped profiles.

use std::sync::atomic::AtomicUsize;

use serde_json::json;

use super::eras::{modern, sound_modern};
use super::*;

/// A request as text: verb and path, headers, body.
fn written(seen: &Seen) -> String {
    format!("{} {}\n{}\n{}", seen.verb, seen.path, seen.headers.join("\n"), seen.body)
}

fn post(length: usize, session: &str, agent: &str, body: &str) -> String {
    let version = if session.is_empty() { "" } else { "mcp-protocol-version: 2025-11-25\n" };
    let session =
        if session.is_empty() { String::new() } else { format!("mcp-session-id: {session}\n") };
    format!(
        "POST /mcp\naccept: application/json, text/event-stream\ncontent-length: {length}\n\
         content-type: application/json\nhost: tools.test\n{version}{session}user-agent: {agent}\n\
         {body}"
    )
}

fn posted(session: &str, agent: &str, body: &str) -> String {
    post(body.len(), session, agent, body)
}

#[tokio::test(start_paused = true)]
async fn a_hosted_client_makes_a_handshake_for_every_call() {
    let server = Server::new(sound);
    let client = client(&server, fresh());
    for due in [0, 150] {
        client.call(ms(due), ASK).await;
    }
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.leave(&stop).await;
    let agent = "Claude-User";
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"Anthropic/ClaudeAI","version":"1.0.0"}}}"#;
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#;
    let expected: Vec<_> = ["s0", "s150"]
        .into_iter()
        .flat_map(|session| {
            [
                posted("", agent, initialize),
                posted(session, agent, initialized),
                posted(session, agent, call),
            ]
        })
        .collect();
    assert_eq!(server.seen().iter().map(written).collect::<Vec<_>>(), expected);
    assert!(server.seen().iter().all(|seen| seen.connection == 1), "one after another");
    let told = told(&client);
    let opened = SessionChange::Opened { with_id: true };
    let both = [opened, SessionChange::Abandoned, opened, SessionChange::Abandoned];
    assert_eq!(told.sessions, both);
    assert_eq!(told.calls.iter().map(|call| call.exchanges).collect::<Vec<_>>(), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_correct_client_keeps_its_session_and_ends_it() {
    let server = Server::new(sound);
    let client = client(&server, plain());
    let mut due = ms(0);
    for _ in 0..2 {
        due = client.call(due, ASK).await.1;
    }
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    let agent = "squall";
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"squall","version":"1.0.0"}}}"#;
    let call = |id| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"hi"}}}}}}"#
        )
    };
    let bodyless = |verb: &str, accept: &str, rest: &str| {
        format!(
            "{verb} /mcp\n{accept}{rest}host: tools.test\nmcp-protocol-version: 2025-11-25\n\
             mcp-session-id: s0\nuser-agent: squall\n"
        )
    };
    let expected = [
        posted("", agent, initialize),
        posted("s0", agent, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
        posted("s0", agent, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
        bodyless("GET", "accept: text/event-stream\n", ""),
        posted("s0", agent, &call(2)),
        posted("s0", agent, &call(3)),
        bodyless("DELETE", "", ""),
    ];
    let mut seen: Vec<_> = server.seen().iter().map(written).collect();
    // The stream is opened beside: only that it comes after the handshake is promised.
    let stream = seen.iter().position(|text| text.starts_with("GET")).unwrap();
    assert!((2..4).contains(&stream));
    let stream = seen.remove(stream);
    seen.insert(3, stream);
    assert_eq!(seen, expected);
    let told = told(&client);
    assert_eq!(told.sessions, [SessionChange::Opened { with_id: true }, SessionChange::Closed]);
    assert!(told.exchanges.iter().all(|exchange| exchange.outcome == Outcome::Ok));
    // initialize, initialized, tools/list and itself; then itself alone. The stream is beside.
    assert_eq!(told.calls.iter().map(|call| call.exchanges).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(told.calls[0].instants.preparation(), Some(ms(100)));
    assert_eq!((told.sent(), client.exchanges_of_run()), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_is_heard_and_ended_by_the_client() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "GET" => {
            let ping = event(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
            vec![Do::Write(stream_head()), Do::After(ms(200)), Do::Write(chunk(&ping)), Do::Hang]
        }
        _ => sound(seen),
    });
    let client = client(&server, plain());
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(500)).await;
    assert_eq!(server.heard().last().unwrap(), "answer");
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.common.wire.clock.sleep(ms(1)).await;
    assert_eq!(server.heard().last().unwrap(), "DELETE");
    let told = told(&client);
    let stream = told.exchanges.iter().find(|told| told.operation == Operation::Stream).unwrap();
    assert_eq!((stream.outcome, stream.status), (Outcome::Ok, Some(200)));
    assert_eq!((stream.sent, stream.first_event), (Some(ms(50)), Some(ms(250))));
    assert_eq!(told.sent(), server.seen().len());
}

/// What the first look ends as at a server whose so many pages of tools have so many of `tool` each.
async fn looked(last: usize, tools: usize, tool: &'static str) -> (Outcome, String, usize) {
    let asked = AtomicUsize::new(0);
    let server = Server::new(move |seen| match seen.what().as_str() {
        "tools/list" => {
            let page = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let next = if page < last { json!(page.to_string()) } else { json!(null) };
            let list = vec![tool.to_owned(); tools].join(",");
            let id = &seen.json()["id"];
            let page = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{list}],"nextCursor":{next}}}}}"#
            );
            vec![Do::Write(json_reply(&page))]
        }
        _ => sound(seen),
    });
    let client = client(&server, plain());
    let refusal = client.scout().await.unwrap_err();
    let pages = server.seen().iter().filter(|seen| seen.what() == "tools/list").count();
    (refusal.outcome, refusal.said, pages)
}

#[tokio::test(start_paused = true)]
async fn a_list_of_tools_has_bounds() {
    let small = r#"{"name":"a","inputSchema":{}}"#;
    let large: &str = Box::leak(
        format!(r#"{{"name":"a","inputSchema":{{}},"description":"{}"}}"#, "x".repeat(4 << 20))
            .into_boxed_str(),
    );
    let too_large = Outcome::Violation(Rule::TooLarge);
    let (outcome, said, pages) = looked(9, 1, large).await;
    assert_eq!((outcome, pages), (too_large, 4), "{said}");
    assert!(said.starts_with("4 pages of 167"), "{said}");
    let (outcome, said, pages) = looked(3, 667, small).await;
    assert_eq!((outcome, pages, &*said), (too_large, 3, "2001 tools, of at most 2000"));
    let (outcome, _, pages) = looked(1_000, 1, small).await;
    assert_eq!((outcome, pages), (Outcome::Violation(Rule::EndlessPages), 200));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_not_refused_with_a_code_of_before() {
    let refusal = |seen: &Seen, code: i64| {
        let error = json!({ "code": code, "message": "no such resource" });
        json!({ "jsonrpc": "2.0", "id": seen.json()["id"], "error": error }).to_string()
    };
    let json = ["content-type: application/json"];
    for (code, expected) in [(-32002, vec![Rule::ForbiddenCode]), (-32602, vec![])] {
        for streamed in [false, true] {
            let server = Server::new(move |seen| match seen.what().as_str() {
                "subscriptions/listen" if streamed => {
                    let said = chunk(&event(&refusal(seen, code)));
                    vec![Do::Write([stream_head(), said].concat()), Do::Hang]
                }
                "subscriptions/listen" => vec![Do::Write(reply(400, &json, &refusal(seen, code)))],
                _ => sound_modern(seen),
            });
            let client = client(&server, Profile { stream_share: 1.0, ..modern() });
            client.call(ms(0), ASK).await;
            client.common.wire.clock.sleep(ms(1_000)).await;
            let told = told(&client);
            let rules: Vec<_> = told.violations.iter().map(|broken| broken.rule).collect();
            assert_eq!(rules, expected, "{code}, streamed: {streamed}");
            let listened = |told: &&Exchange| told.operation == Operation::Listen;
            let outcome = told.exchanges.iter().find(listened).unwrap().outcome;
            assert_eq!(outcome, Outcome::RpcError(code), "streamed: {streamed}");
        }
    }
}
