//! Results that are ready later: what is asked about a task, and when.

use serde_json::{Value, json};

use super::eras::{modern, sound_modern, typed};
use super::*;
use crate::model::profile::{Elicitation, Ids};
use crate::protocol::modern::result::TASKS;

/// What was asked from the call on, and in which millisecond.
fn asked(server: &Server) -> Vec<(String, u128)> {
    let asked = server.seen().into_iter().map(|seen| (seen.what(), seen.at.as_millis()));
    asked.skip_while(|(what, _)| what != "tools/call").collect()
}

fn times(expected: &[(&str, u128)]) -> Vec<(String, u128)> {
    expected.iter().map(|(what, at)| ((*what).to_owned(), *at)).collect()
}

/// A client that looks at nothing, and polls modern tasks.
fn polling() -> Profile {
    Profile {
        capabilities: format!(r#"{{"elicitation":{{}},"extensions":{{"{TASKS}":{{}}}}}}"#),
        server_requests: ServerRequests::Answer(Elicitation::AcceptDefaults),
        lists: Vec::new(),
        input_rounds: 3,
        cancels: true,
        call_timeout: ms(5_000),
        ..modern()
    }
}

/// A modern server whose calls become tasks, which stand as this says.
fn tasked(standing: impl Fn(&Seen) -> Value + Send + Sync + 'static) -> Server {
    Server::new(move |seen| match seen.what().as_str() {
        "tools/call" => {
            let task = json!({ "resultType": "task", "taskId": "t1", "status": "working",
                "pollIntervalMs": 300 });
            vec![Do::After(ms(100)), Do::Write(typed(seen, task))]
        }
        "tasks/get" => vec![Do::Write(typed(seen, standing(seen)))],
        "tasks/update" | "tasks/cancel" => vec![Do::Write(typed(seen, json!({})))],
        _ => sound_modern(seen),
    })
}

/// A task that stands so.
fn task(status: &str, more: &Value) -> Value {
    let mut task = json!({ "taskId": "t1", "status": status });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

#[tokio::test(start_paused = true)]
async fn a_modern_task_is_polled_as_its_server_asks_for() {
    let server = tasked(|seen| match seen.at.as_millis() {
        ..1_000 => task("working", &json!({ "pollIntervalMs": 700 })),
        _ => task("completed", &json!({ "result": echoed() })),
    });
    let client = client(&server, polling());
    let (class, done) = client.call(ms(0), ASK).await;
    assert_eq!((class, done), (Class::Ok, ms(1_150)));
    // Discovery takes 50 ms, the call 100 ms.
    let expected = [("tools/call", 50), ("tasks/get", 450), ("tasks/get", 1_150)];
    assert_eq!(asked(&server), times(&expected));
    let call = told(&client).calls[0];
    assert_eq!((call.outcome, call.result_chars, call.exchanges), (Outcome::Ok, 2, 4));
    assert_eq!(call.instants.service(), Some(ms(1_100)), "all of it is the call's service");
    let seen = server.seen();
    let get = seen.iter().find(|seen| seen.what() == "tasks/get").unwrap();
    assert_eq!(get.json()["params"]["taskId"], "t1");
    assert_eq!((get.header("mcp-method"), get.header("mcp-name")), (Some("tasks/get"), Some("t1")));
}

#[tokio::test(start_paused = true)]
async fn a_modern_task_ends_in_every_way() {
    let malformed = Outcome::Violation(Rule::MalformedResult);
    let failing = json!({ "content": [{ "type": "text", "text": "no" }], "isError": true });
    let cases = [
        (
            task("failed", &json!({ "error": { "code": -32000, "message": "x" } })),
            Outcome::RpcError(-32000),
        ),
        (task("completed", &json!({ "result": failing })), Outcome::ToolError),
        (task("cancelled", &json!({})), Outcome::ToolError),
        (task("failed", &json!({})), malformed),
        (task("completed", &json!({})), malformed),
        (task("completed", &json!({ "result": { "content": 5 } })), malformed),
        (task("input_required", &json!({})), malformed),
        (task("done", &json!({})), malformed),
        (
            task("completed", &json!({ "resultType": "x" })),
            Outcome::Violation(Rule::UnknownResultType),
        ),
    ];
    for (standing, outcome) in cases {
        let standing_there = standing.clone();
        let server = tasked(move |_| standing_there.clone());
        let client = client(&server, polling());
        client.call(ms(0), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, outcome, "{standing}");
        let expected = [("tools/call", 50), ("tasks/get", 450)];
        assert_eq!(asked(&server), times(&expected), "{standing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_task_that_asks_is_answered() {
    let server = tasked(|seen| match seen.at.as_millis() {
        ..500 => {
            let params = json!({ "message": "Who?", "requestedSchema": { "type": "object",
                "properties": { "name": { "type": "string", "default": "Ann" } } } });
            let requests = json!({ "n": { "method": "elicitation/create", "params": params } });
            task("input_required", &json!({ "inputRequests": requests, "pollIntervalMs": 200 }))
        }
        _ => task("completed", &json!({ "result": echoed() })),
    });
    let client = client(&server, polling());
    client.call(ms(0), ASK).await;
    let expected =
        [("tools/call", 50), ("tasks/get", 450), ("tasks/update", 450), ("tasks/get", 650)];
    assert_eq!(asked(&server), times(&expected));
    assert_eq!(told(&client).calls[0].outcome, Outcome::Ok);
    let seen = server.seen();
    let update = seen.iter().find(|seen| seen.what() == "tasks/update").unwrap().json();
    let answered = json!({ "n": { "action": "accept", "content": { "name": "Ann" } } });
    assert_eq!(
        (&update["params"]["taskId"], &update["params"]["inputResponses"]),
        (&json!("t1"), &answered)
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_without_end_is_cancelled_when_patience_ends() {
    for cancels in [true, false] {
        let server = tasked(|_| task("working", &json!({ "pollIntervalMs": 2_000 })));
        let client = client(&server, Profile { cancels, ..polling() });
        client.call(ms(0), ASK).await;
        client.common.wire.clock.sleep(ms(1)).await;
        let told = told(&client);
        assert_eq!(told.calls[0].outcome, Outcome::Timeout);
        // Patience begins when the call is admitted, at 0 ms.
        let polls =
            [("tools/call", 50), ("tasks/get", 450), ("tasks/get", 2_450), ("tasks/get", 4_450)];
        let cancelled = cancels.then_some(("tasks/cancel", 5_000));
        let expected: Vec<_> = polls.into_iter().chain(cancelled).collect();
        assert_eq!(asked(&server), times(&expected));
        assert_eq!(told.calls[0].exchanges, 5, "the goodbye is not the call's");
        let last = server.seen().pop().unwrap().json();
        assert_eq!(last["params"]["taskId"], "t1");
        assert_eq!(last["id"], json!(if cancels { 6 } else { 5 }), "and every id is new");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_not_asked_for_is_of_an_unknown_type() {
    let server = tasked(|_| task("completed", &json!({ "result": echoed() })));
    let client = client(&server, Profile { capabilities: "{}".into(), ..polling() });
    client.call(ms(0), ASK).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Violation(Rule::UnknownResultType));
    assert_eq!(asked(&server), times(&[("tools/call", 50)]));
}

/// A server of 2025-11-25 with tasks, the first of which stand as this says.
fn old_tasked(
    offers: bool,
    result: impl Fn(&Seen) -> Value + Send + Sync + 'static,
    standing: impl Fn(&Seen) -> &'static str + Send + Sync + 'static,
) -> Server {
    let written = |seen: &Seen, result: &Value| vec![Do::Write(json_reply(&answer(seen, result)))];
    Server::new(move |seen| match seen.what().as_str() {
        "initialize" => {
            let tasks = json!({ "requests": { "tools": { "call": {} } } });
            let capabilities = if offers { json!({ "tasks": tasks }) } else { json!({}) };
            let result = json!({
                "protocolVersion": "2025-11-25",
                "capabilities": capabilities,
                "serverInfo": { "name": "scripted", "version": "1" },
            });
            written(seen, &result)
        }
        "tools/call" if seen.json()["params"].get("task").is_some() => {
            let task = json!({ "taskId": "t1", "status": "working", "createdAt": "x",
                "lastUpdatedAt": "x", "ttl": 5_000, "pollInterval": 400 });
            written(seen, &json!({ "task": task }))
        }
        "tasks/get" => {
            let task = json!({ "taskId": "t1", "status": standing(seen), "ttl": null,
                "pollInterval": 250 });
            written(seen, &task)
        }
        "tasks/result" => written(seen, &result(seen)),
        "tasks/cancel" => written(seen, &json!({ "taskId": "t1", "status": "cancelled" })),
        _ => sound(seen),
    })
}

/// A client whose one tool needs tasks.
fn needing(server: &Server) -> Arc<Client> {
    let profile =
        Profile { call_timeout: ms(1_000), cancels: true, ids: Ids::Counter(0), ..pooled(plain()) };
    let mut common = common(server, profile, &Credential::None);
    Arc::get_mut(&mut common).unwrap().tools[0].needs_task = true;
    Client::new(common, 0)
}

#[tokio::test(start_paused = true)]
async fn a_legacy_tool_that_needs_a_task_gets_one() {
    let turns = |seen: &Seen| if seen.at < ms(500) { "working" } else { "completed" };
    let server = old_tasked(true, |_| echoed(), turns);
    let client = needing(&server);
    client.call(ms(0), ASK).await;
    let expected =
        [("tools/call", 0), ("tasks/get", 400), ("tasks/get", 650), ("tasks/result", 650)];
    assert_eq!(asked(&server), times(&expected));
    let told = told(&client);
    let call = told.calls[0];
    assert_eq!((call.outcome, call.result_chars, call.exchanges), (Outcome::Ok, 2, 6));
    let seen = server.seen();
    let bodies: Vec<_> = seen[2..].iter().map(Seen::json).collect();
    assert_eq!(bodies[0]["params"]["task"], json!({ "ttl": 1_000 }), "as long as it is waited for");
    assert!(bodies[1..].iter().all(|body| body["params"] == json!({ "taskId": "t1" })));
    assert_eq!(bodies.iter().map(|body| &body["id"]).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(seen[2..].iter().all(|seen| seen.header("mcp-method").is_none()));
    assert!(told.violations.is_empty(), "{:?}", told.violations);
}

#[tokio::test(start_paused = true)]
async fn a_legacy_task_ends_in_every_way() {
    let failing = || json!({ "content": [{ "type": "text", "text": "no" }], "isError": true });
    let cases: [(&'static str, Outcome, &[&str]); 4] = [
        ("failed", Outcome::ToolError, &["tasks/get", "tasks/result"]),
        ("input_required", Outcome::ToolError, &["tasks/get", "tasks/result"]),
        ("cancelled", Outcome::ToolError, &["tasks/get"]),
        ("done", Outcome::Violation(Rule::MalformedResult), &["tasks/get"]),
    ];
    for (standing, outcome, expected) in cases {
        let server = old_tasked(true, move |_| failing(), move |_| standing);
        let client = needing(&server);
        client.call(ms(0), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, outcome, "{standing}");
        let asked: Vec<_> = asked(&server).into_iter().skip(1).map(|(what, _)| what).collect();
        assert_eq!(asked, expected, "{standing}");
    }
    let endless = old_tasked(true, |_| echoed(), |_| "working");
    let client = needing(&endless);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(1)).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Timeout);
    let polls = [("tools/call", 0), ("tasks/get", 400), ("tasks/get", 650), ("tasks/get", 900)];
    let expected: Vec<_> = polls.into_iter().chain([("tasks/cancel", 1_000)]).collect();
    assert_eq!(
        asked(&endless),
        times(&expected),
        "no notifications/cancelled: that is not for tasks"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_tasks_is_not_asked_for_one() {
    let server = old_tasked(false, |_| echoed(), |_| "working");
    let client = needing(&server);
    client.call(ms(0), ASK).await;
    assert_eq!(asked(&server), times(&[("tools/call", 0)]));
    assert_eq!(server.seen()[2].json()["params"].get("task"), None);
    assert_eq!(told(&client).calls[0].outcome, Outcome::Ok);
}
