//! The modern era, and how a client finds out which era a server is of.

use serde_json::{Value, json};

use super::*;
use crate::model::profile::{Elicitation, Era};
use crate::protocol::era::Transport;

/// A hosted client that asks `server/discover` first.
pub(super) fn modern() -> Profile {
    Profile { era: Era::Auto, ids: crate::model::profile::Ids::Counter(1), ..fresh() }
}

/// A result as a modern server sends it.
pub(super) fn typed(seen: &Seen, mut result: Value) -> Vec<u8> {
    let members = result.as_object_mut().unwrap();
    members.entry("resultType").or_insert(json!("complete"));
    members.insert("ttlMs".into(), json!(60_000));
    members.insert("cacheScope".into(), json!("public"));
    json_reply(&answer(seen, &result))
}

/// What a sound modern server does: each answer takes 50 ms, a call's 100 ms.
pub(super) fn sound_modern(seen: &Seen) -> Vec<Do> {
    match seen.what().as_str() {
        "server/discover" => {
            let result = json!({
                "supportedVersions": ["2026-07-28"],
                "capabilities": { "tools": {} },
                "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "new", "version": "2" } },
            });
            vec![Do::After(ms(50)), Do::Write(typed(seen, result))]
        }
        "tools/list" => {
            let tool = json!({ "name": "echo", "inputSchema": { "type": "object" } });
            vec![Do::After(ms(50)), Do::Write(typed(seen, json!({ "tools": [tool] })))]
        }
        "tools/call" => vec![Do::After(ms(100)), Do::Write(typed(seen, echoed()))],
        _ => vec![Do::Write(reply(405, &[], ""))],
    }
}

/// A server of which this is known: it answers `discover` so, and is sound besides.
pub(super) fn discovered_as(bytes: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::new(move |seen| match seen.what().as_str() {
        "server/discover" => vec![Do::Write(bytes(seen))],
        _ => sound(seen),
    })
}

fn written(seen: &Seen) -> String {
    format!("{} {}\n{}\n{}", seen.verb, seen.path, seen.headers.join("\n"), seen.body)
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_asks_once_and_every_request_says_all() {
    let server = Server::new(sound_modern);
    let client = client(&server, modern());
    for due in [0, 200] {
        client.call(ms(due), ASK).await;
    }
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.leave(&stop).await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"Anthropic/ClaudeAI","version":"1.0.0"}}"#;
    let request = |about: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /mcp\naccept: application/json, text/event-stream\ncontent-length: {length}\n\
             content-type: application/json\nhost: tools.test\n{about}\
             mcp-protocol-version: 2026-07-28\nuser-agent: Claude-User\n{body}"
        )
    };
    let call = |id: u64| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"hi"}},{meta}}}}}"#
        );
        request("mcp-method: tools/call\nmcp-name: echo\n", &body)
    };
    let plain = |id: u64, method: &str| {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{meta}}}}}"#);
        request(&format!("mcp-method: {method}\n"), &body)
    };
    let expected = [plain(1, "server/discover"), plain(2, "tools/list"), call(3), call(4)];
    assert_eq!(server.seen().iter().map(written).collect::<Vec<_>>(), expected);
    let told = told(&client);
    assert_eq!(told.sessions, [], "there is no session to count");
    assert_eq!(told.calls.iter().map(|call| call.exchanges).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(told.calls[0].instants.preparation(), Some(ms(100)));
    assert_eq!(told.calls[0].instants.service(), Some(ms(100)));
    assert!(told.violations.is_empty(), "{:?}", told.violations);
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_initialised_and_not_probed_again() {
    let unknown =
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}}"#;
    let answers: [fn(&Seen) -> Vec<u8>; 4] = [
        |_| reply(400, &[], "Bad Request: Server not initialized"),
        |_| reply(404, &[], ""),
        |seen| json_reply(&seen.body),
        |_| reply(200, &["content-type: text/html"], "<h1>Hi</h1>"),
    ];
    for bytes in answers {
        let server = discovered_as(bytes);
        let client = client(&server, Profile { era: Era::Auto, ..plain() });
        let mut due = ms(0);
        for _ in 0..2 {
            due = client.call(due, ASK).await.1;
        }
        let probes = server.heard().iter().filter(|what| *what == "server/discover").count();
        assert_eq!(probes, 1, "{:?}", server.heard());
        let told = told(&client);
        let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
        assert_eq!(outcomes, [Outcome::Ok, Outcome::Ok]);
    }
    let server = discovered_as(move |_| json_reply(unknown));
    let client = client(&server, Profile { era: Era::Modern, ..plain() });
    client.call(ms(0), ASK).await;
    assert_eq!(server.heard(), ["server/discover"], "a modern client never initialises");
    assert_eq!(told(&client).calls[0].outcome, Outcome::RpcError(-32601));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_no_evidence() {
    for (bytes, outcome) in [
        (reply(503, &[], ""), Outcome::Status(503)),
        (reply(401, &[], ""), Outcome::Unauthorised(401)),
    ] {
        let server = discovered_as(move |_| bytes.clone());
        let client = client(&server, modern());
        client.call(ms(0), ASK).await;
        assert_eq!(server.heard(), ["server/discover"]);
        assert_eq!(told(&client).calls[0].outcome, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_out_is_believed_for_its_time() {
    let lasts = Some(Duration::from_secs(60));
    let server = Server::new(sound_modern);
    let client = client(&server, Profile { probe_lasts: lasts, ..modern() });
    for due in [0, 30_000, 61_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    let heard = server.heard();
    let probes: Vec<_> =
        heard.iter().enumerate().filter(|(_, what)| *what == "server/discover").collect();
    assert_eq!(probes.len(), 2, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_turns_old_is_found_out_within_the_call() {
    let rolled_back = Duration::from_secs(10);
    let server = Server::new(move |seen| {
        let is_modern = seen.header("mcp-method").is_some();
        if seen.at < rolled_back {
            sound_modern(seen)
        } else if is_modern {
            vec![Do::Write(reply(400, &[], "Bad Request: No valid session ID provided"))]
        } else {
            sound(seen)
        }
    });
    let client = client(&server, modern());
    for due in [0, 20_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    let told = told(&client);
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Ok, Outcome::Ok]);
    let after: Vec<_> = server.heard().split_off(3);
    let call = "tools/call";
    let initialized = "notifications/initialized";
    assert_eq!(after, [call, "server/discover", "initialize", initialized, call]);
    assert_eq!(told.calls[1].exchanges, 5);
}

/// A server that asks back `rounds` times before it answers a call.
fn asking_back(rounds: usize) -> Server {
    Server::new(move |seen| {
        let asked = seen.json()["params"]["requestState"].as_str().map_or(0, str::len);
        if seen.what() != "tools/call" || asked == rounds {
            return sound_modern(seen);
        }
        let result = json!({
            "resultType": "input_required",
            "inputRequests": { "name": { "method": "elicitation/create", "params": {
                "message": "Who?",
                "requestedSchema": { "type": "object", "properties": {
                    "name": { "type": "string", "default": "Ann" } } } } } },
            "requestState": "x".repeat(asked + 1),
        });
        vec![Do::After(ms(10)), Do::Write(typed(seen, result))]
    })
}

#[tokio::test(start_paused = true)]
async fn rounds_are_one_call() {
    let profile = Profile {
        input_rounds: 3,
        capabilities: r#"{"elicitation":{}}"#.into(),
        server_requests: ServerRequests::Answer(Elicitation::AcceptDefaults),
        ..modern()
    };
    let server = asking_back(2);
    let client = client(&server, profile.clone());
    client.call(ms(0), ASK).await;
    let call = told(&client).calls[0];
    assert_eq!((call.outcome, call.exchanges), (Outcome::Ok, 5));
    assert_eq!(call.instants.service(), Some(ms(120)));
    let seen = server.seen();
    let params = |at: usize| seen[at].json()["params"].clone();
    let answered = json!({ "name": { "action": "accept", "content": { "name": "Ann" } } });
    assert_eq!(params(2).get("inputResponses"), None);
    assert_eq!(
        (&params(3)["inputResponses"], &params(3)["requestState"]),
        (&answered, &json!("x"))
    );
    assert_eq!(params(4)["requestState"], json!("xx"));
    let ids: Vec<_> = (2..5).map(|at| seen[at].json()["id"].clone()).collect();
    assert_eq!(ids, [3, 4, 5], "every round has an id of its own");

    let endless = asking_back(100);
    let client = super::client(&endless, profile);
    client.call(ms(0), ASK).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Violation(Rule::TooManyRounds));
    let calls = endless.heard().iter().filter(|what| *what == "tools/call").count();
    assert_eq!(calls, 4, "the first one, and three rounds");
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_must_not_ask() {
    let asked = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let server = Server::new(move |seen| {
        if seen.what() != "tools/call" {
            return sound_modern(seen);
        }
        let result = event(&answer(seen, &echoed()));
        let all = [event(asked), event(changed), result.clone(), result].concat();
        vec![Do::Write([stream_head(), chunk(&all), chunk("")].concat())]
    });
    let client = client(&server, modern());
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
    let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::ModernServerRequest, Rule::WrongStream, Rule::SecondAnswer]);
    assert!(!server.heard().contains(&"answer".to_owned()), "and it is not answered");
}

/// With which status it comes does not matter, and whether an old server says it matters not either.
#[tokio::test(start_paused = true)]
async fn a_modern_server_must_not_use_the_old_code() {
    let gone = |seen: &Seen| {
        let id = &seen.json()["id"];
        let error = json!({ "code": -32002, "message": "Resource not found" });
        json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
    };
    // After a 404 the client looks again how the server speaks, and calls once more.
    for (status, calls) in [(200, 1), (404, 2)] {
        let server = Server::new(move |seen| {
            if seen.what() != "tools/call" {
                return sound_modern(seen);
            }
            let headers = ["content-type: application/json"];
            vec![Do::Write(reply(status, &headers, &gone(seen)))]
        });
        let client = client(&server, modern());
        client.call(ms(0), ASK).await;
        let told = told(&client);
        assert_eq!(told.calls[0].outcome, Outcome::RpcError(-32002));
        let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, vec![Rule::ForbiddenCode; calls], "{status}");
        assert!(told.violations[0].evidence.contains("Resource not found"));
    }
    let old = Server::new(move |seen| match seen.what().as_str() {
        "server/discover" | "tools/call" => vec![Do::Write(json_reply(&gone(seen)))],
        _ => sound(seen),
    });
    let client = client(&old, modern());
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::RpcError(-32002));
    assert!(told.violations.is_empty(), "{:?}", told.violations);
}

#[tokio::test(start_paused = true)]
async fn lists_hold_for_their_time() {
    let server = Server::new(sound_modern);
    let client = client(&server, Profile { honours_ttl: true, ..modern() });
    for (run, due) in [0, 30_000, 61_000, 62_000].into_iter().enumerate() {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.begin_run(u32::try_from(run).unwrap());
        client.call(ms(due), ASK).await;
    }
    let lists = server.heard().iter().filter(|what| *what == "tools/list").count();
    assert_eq!(lists, 2, "once, and once more when the minute was over: {:?}", server.heard());
    // Another user behind the same broker knows the list already: it may be kept by everybody.
    let other = Client::new(Arc::clone(&client.common), 1);
    other.call(ms(62_000), ASK).await;
    assert_eq!(server.heard().last().unwrap(), "tools/call");
    assert_eq!(told(&other).calls.last().unwrap().exchanges, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_changes_is_opened_and_ended_by_the_client() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "subscriptions/listen" => {
            let id = &seen.json()["id"];
            let told = |method: &str| {
                let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
                let params =
                    json!({ "notifications": { "toolsListChanged": true }, "_meta": meta });
                event(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string())
            };
            let first = told("notifications/subscriptions/acknowledged");
            let second = told("notifications/tools/list_changed");
            let events = [stream_head(), chunk(&first), chunk(&second)].concat();
            vec![Do::Write(events), Do::Hang]
        }
        _ => sound_modern(seen),
    });
    let profile = Profile { stream_share: 1.0, stream_awaited: true, ..modern() };
    let client = client(&server, profile);
    client.call(ms(0), ASK).await;
    assert!(server.heard().contains(&"subscriptions/listen".to_owned()));
    let (_stopper, stop) = stop::stop();
    client.leave(&stop).await;
    let told = told(&client);
    let listen = told.exchanges.iter().find(|told| told.operation == Operation::Listen).unwrap();
    assert_eq!((listen.outcome, listen.status), (Outcome::Ok, Some(200)));
    assert!(told.violations.is_empty(), "{:?}", told.violations);
    assert_eq!(told.sent(), server.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_was_asked_for_is_the_only_one() {
    let server = Server::new(|_| vec![Do::Write(reply(404, &[], ""))]);
    let mut common = common(&server, modern(), &Credential::None);
    Arc::get_mut(&mut common).unwrap().wish.transport = Transport::StreamableHttp;
    let client = Client::new(common, 0);
    client.call(ms(0), ASK).await;
    assert_eq!(server.heard(), ["server/discover", "initialize"]);
}
