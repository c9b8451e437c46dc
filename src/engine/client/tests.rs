//! One call against a scripted server, on paused time: its instants, its cost, its outcome.

use std::sync::Mutex;

use super::*;
use crate::engine::rehearsal::{
    Do, Seen, Server, Told, answer, chunk, common, echoed, event, fresh, json_reply, ms, plain,
    pooled, reply, sound, stream_head,
};
use crate::engine::stop;
use crate::model::behaviour::Ask;
use crate::model::event::{Call, Exchange};
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Rule, Signal, Throttle};
use crate::model::plan::Credential;
use crate::model::profile::{Elicitation, ServerRequests};
use crate::model::secret::Secret;

mod beliefs;
mod checks;
mod consents;
mod eras;
mod expiring;
mod grants;
mod headers;
mod hostile;
mod late;
mod legs;
mod mischief;
mod nonsense;
mod one_grant;
mod requests;
mod resumption;
mod secrets;
mod sessions;
mod skewed;
mod standing;
mod step_ups;
mod streams;
mod tasks;

const ASK: Ask = Ask { tool: 0, variation: 1 };

/// A client of `profile` before its first call.
fn client(server: &Server, profile: Profile) -> Arc<Client> {
    Client::new(common(server, profile, &Credential::None), 0)
}

fn told(client: &Client) -> Told {
    Told::by(&client.common.wire.recorder)
}

/// A server that does `with_call` with every call, and is sound besides.
fn answering(with_call: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> Server {
    Server::new(move |seen| if seen.what() == "tools/call" { with_call(seen) } else { sound(seen) })
}

/// One call of a plain pooled client, answered by `with_call`.
async fn call(with_call: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> (Call, Told) {
    let client = client(&answering(with_call), pooled(plain()));
    client.call(ms(0), ASK).await;
    let told = told(&client);
    (told.calls[0], told)
}

/// How a call ends that is answered with these bytes.
async fn outcome_of(bytes: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Outcome {
    call(move |seen| vec![Do::Write(bytes(seen))]).await.0.outcome
}

#[tokio::test(start_paused = true)]
async fn the_five_instants_of_a_call_in_a_fresh_session() {
    // Connecting 30 ms, initialize 50 ms, initialized 0 ms, the call 100 ms; the task ran 5 ms late.
    let client = client(&Server::behind(ms(10), ms(20), None, sound), fresh());
    client.common.wire.clock.sleep(ms(1_005)).await;
    let (class, done) = client.call(ms(1_000), ASK).await;
    let call = told(&client).calls[0];
    let at = call.instants;
    assert_eq!((class, done), (Class::Ok, ms(1_185)));
    assert_eq!((at.due, at.started, at.admitted), (ms(1_000), ms(1_005), Some(ms(1_005))));
    assert_eq!((at.sent, at.done), (Some(ms(1_085)), ms(1_185)));
    assert_eq!((at.lag(), at.held(), at.preparation()), (ms(5), Some(ms(0)), Some(ms(80))));
    assert_eq!((at.service(), at.response()), (Some(ms(100)), ms(185)));
    let parts = at.lag() + at.held().unwrap() + at.preparation().unwrap() + at.service().unwrap();
    assert_eq!(at.response(), parts);
    assert_eq!((call.exchanges, call.result_chars, call.outcome), (3, 2, Outcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_done_with_its_answer_not_with_the_end_of_its_stream() {
    let (call, told) = call(|seen| {
        let result = event(&answer(seen, &echoed()));
        vec![Do::After(ms(100)), Do::Write([stream_head(), chunk(&result)].concat()), Do::Hang]
    })
    .await;
    let exchange = told.exchanges.last().unwrap();
    assert_eq!(call.instants.service(), Some(ms(100)));
    assert_eq!((exchange.answer, exchange.end), (Some(ms(150)), ms(170)));
    assert_eq!(call.outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_done_before_its_session_is_deleted() {
    let slow = |seen: &Seen| match seen.verb.as_str() {
        "DELETE" => [vec![Do::After(ms(40))], sound(seen)].concat(),
        _ => sound(seen),
    };
    let client = client(&Server::new(slow), Profile { delete_share: 1.0, ..fresh() });
    let (_, free) = client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].instants.done, ms(150));
    assert_eq!((told.calls[0].exchanges, told.exchanges.len()), (4, 4));
    assert_eq!(free, ms(190), "who waits for the client waits until it is free again");
}

#[tokio::test(start_paused = true)]
async fn only_a_delete_that_was_taken_closes_a_session() {
    let abandoned = SessionChange::Abandoned;
    let rows = [
        (Do::Write(reply(204, &[], "")), SessionChange::Closed),
        (Do::Write(reply(405, &[], "")), abandoned),
        (Do::Write(reply(500, &[], "")), abandoned),
        (Do::Close, abandoned),
        (Do::Hang, abandoned),
    ];
    for (with_delete, expected) in rows {
        let shown = format!("{with_delete:?}");
        let server = Server::new(move |seen| match seen.what().as_str() {
            "DELETE" => vec![with_delete.clone()],
            _ => sound(seen),
        });
        let client = client(&server, Profile { delete_share: 1.0, ..fresh() });
        client.call(ms(0), ASK).await;
        assert_eq!(
            told(&client).sessions,
            [SessionChange::Opened { with_id: true }, expected],
            "{shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_shares_one_handshake() {
    let server = Server::new(sound);
    let client = client(&server, pooled(plain()));
    let burst = (0..5).map(|_| client.call(ms(0), ASK));
    futures_util::future::join_all(burst).await;
    let told = told(&client);
    assert_eq!(server.heard().iter().filter(|what| *what == "initialize").count(), 1);
    let mut costs: Vec<_> = told.calls.iter().map(|call| call.exchanges).collect();
    costs.sort_unstable();
    assert_eq!(costs, [1, 1, 1, 1, 3], "who made the handshake paid for it");
    for call in &told.calls {
        assert_eq!(call.instants.preparation(), Some(ms(50)));
        assert_eq!(call.instants.response(), ms(150));
    }
    let ids: std::collections::BTreeSet<_> =
        server.seen()[2..].iter().map(|seen| seen.json()["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=5).collect());
}

#[tokio::test(start_paused = true)]
async fn the_eighth_call_is_held_until_the_first_is_done() {
    let client = client(&Server::new(sound), fresh());
    let burst = (0..8).map(|_| client.call(ms(0), ASK));
    futures_util::future::join_all(burst).await;
    let calls = told(&client).calls;
    let first = calls[0].instants;
    let eighth = calls.last().unwrap().instants;
    assert_eq!(first.done, ms(150));
    assert_eq!(eighth.held(), Some(first.done));
    assert_eq!((eighth.response(), eighth.lag()), (ms(300), ms(0)));
    let at_once = calls.iter().filter(|call| call.instants.held() == Some(ms(0))).count();
    assert_eq!(at_once, 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_queued_too_long_is_never_sent() {
    let server = answering(|_| vec![Do::Hang]);
    let client = client(&server, fresh());
    let burst = (0..8).map(|_| client.call(ms(0), ASK));
    futures_util::future::join_all(burst).await;
    let told = told(&client);
    let never = told.calls[0];
    assert_eq!((never.outcome, never.exchanges), (Outcome::NeverSent, 0));
    assert_eq!((never.instants.admitted, never.instants.sent), (None, None));
    assert_eq!(never.instants.done, Duration::from_secs(180));
    for call in &told.calls[1..] {
        assert_eq!((call.outcome, call.instants.done), (Outcome::Timeout, ms(300_000)));
    }
    assert_eq!(server.heard().iter().filter(|what| *what == "tools/call").count(), 7);
}

#[tokio::test(start_paused = true)]
async fn patience_begins_with_admission_and_nothing_is_tried_again() {
    let server = answering(|_| vec![Do::Hang]);
    let client = client(&server, fresh());
    client.call(ms(0), ASK).await;
    let call = told(&client).calls[0];
    assert_eq!((call.outcome, call.instants.done), (Outcome::Timeout, ms(300_000)));
    assert_eq!(server.heard(), ["initialize", "notifications/initialized", "tools/call"]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_budget_of_its_own() {
    let client = client(&Server::new(|_| vec![Do::Hang]), fresh());
    client.call(ms(0), ASK).await;
    let call = told(&client).calls[0];
    assert_eq!((call.outcome, call.instants.done), (Outcome::Timeout, ms(10_000)));
    assert_eq!((call.instants.sent, call.exchanges), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn what_never_left_costs_nothing() {
    let refused = ConnectFailure::Refused;
    let client = client(&Server::behind(ms(2), ms(0), Some(refused), sound), fresh());
    client.call(ms(0), ASK).await;
    let told = told(&client);
    let call = told.calls[0];
    assert_eq!((call.outcome, call.instants.sent), (Outcome::Connect(refused), None));
    assert_eq!((call.exchanges, told.exchanges.len(), told.sent()), (0, 1, 0));
    assert_eq!(client.exchanges_of_run(), 0);
}

#[tokio::test(start_paused = true)]
async fn answers_come_to_their_outcomes() {
    let json = "content-type: application/json";
    let error = |code: i64, message: &str| {
        let message = message.to_owned();
        move |seen: &Seen| {
            let id = &seen.json()["id"];
            let error = format!("{{\"code\":{code},\"message\":{message:?}}}");
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
        }
    };
    let rpc = error(-32602, "Unknown tool");
    assert_eq!(outcome_of(move |seen| json_reply(&rpc(seen))).await, Outcome::RpcError(-32602));
    let failed = serde_json::json!({ "content": [], "isError": true });
    let failed = outcome_of(move |seen| json_reply(&answer(seen, &failed))).await;
    assert_eq!(failed, Outcome::ToolError);

    let limited = |signal, seconds| {
        Outcome::Throttled(Throttle { signal, retry_after: Some(Duration::from_secs(seconds)) })
    };
    let http = outcome_of(|_| reply(429, &["retry-after: 7"], "slow down")).await;
    assert_eq!(http, limited(Signal::Http429, 7));
    let rpc = error(-32000, "Rate limit exceeded");
    let both = outcome_of(move |seen| reply(429, &[json, "retry-after: 9"], &rpc(seen))).await;
    assert_eq!(both, limited(Signal::Http429Rpc, 9));

    for (status, expected) in [
        (401, Outcome::Unauthorised(401)),
        (403, Outcome::Unauthorised(403)),
        (500, Outcome::Status(500)),
        (502, Outcome::Status(502)),
    ] {
        assert_eq!(outcome_of(move |_| reply(status, &[], "")).await, expected);
    }
    let violations = [
        (reply(202, &[], ""), Rule::AcceptedRequest),
        (reply(200, &["content-type: text/html"], "<h1>Hi</h1>"), Rule::WrongMediaType),
        (reply(307, &["location: /elsewhere"], ""), Rule::Redirect),
        (json_reply("{"), Rule::NotJson),
        (json_reply("{}"), Rule::NotJsonRpc),
    ];
    for (bytes, rule) in violations {
        assert_eq!(outcome_of(move |_| bytes.clone()).await, Outcome::Violation(rule));
    }
    let cut = [stream_head(), chunk(": nothing\n\n"), chunk("")].concat();
    assert_eq!(outcome_of(move |_| cut.clone()).await, Outcome::CutStream);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_answer_is_told_with_its_evidence() {
    for streamed in [false, true] {
        let foreign = r#"{"jsonrpc":"2.0","id":77,"result":{"content":[]}}"#;
        let bytes = if streamed {
            [stream_head(), chunk(&event(foreign)), chunk("")].concat()
        } else {
            json_reply(foreign)
        };
        let (call, told) = call(move |_| vec![Do::Write(bytes.clone())]).await;
        assert_eq!(call.outcome, Outcome::Violation(Rule::WrongId));
        let [violation] = &told.violations[..] else { panic!("{:?}", told.violations) };
        assert_eq!((violation.rule, violation.operation), (Rule::WrongId, Operation::ToolsCall));
        assert!(violation.evidence.contains(foreign), "{}", violation.evidence);
        assert!(violation.evidence.contains("HTTP 200"), "{}", violation.evidence);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_longer_than_the_client_reads_is_said_so() {
    let text = "x".repeat(200);
    let result = serde_json::json!({ "content": [{ "type": "text", "text": text }] });
    let bytes = move |seen: &Seen| vec![Do::Write(json_reply(&answer(seen, &result)))];
    let profile = Profile { result_cap: Some(199), ..fresh() };
    let client = client(&answering(bytes), profile);
    client.call(ms(0), ASK).await;
    let call = told(&client).calls[0];
    assert_eq!((call.result_chars, call.over_cap, call.outcome), (200, true, Outcome::Ok));
}

/// A stream with all that may come before the answer.
fn talkative(seen: &Seen) -> Vec<Do> {
    let before = [
        ": keep-alive\n\n".to_owned(),
        "id: 1\nretry: 500\ndata:\n\n".to_owned(),
        event(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#),
        event(r#"{"jsonrpc":"2.0","id":"p-1","method":"ping"}"#),
        event(r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#),
    ];
    let mut script = vec![Do::Write(stream_head())];
    for text in before {
        script.extend([Do::Write(chunk(&text)), Do::After(ms(10))]);
    }
    let result = event(&answer(seen, &echoed()));
    script.extend([Do::Write(chunk(&result)), Do::Write(chunk(""))]);
    script
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_before_its_answer_is_answered_beside() {
    let pong = r#"{"jsonrpc":"2.0","id":"p-1","result":{}}"#;
    let roots = r#"{"jsonrpc":"2.0","id":5,"result":{"roots":[]}}"#;
    let cases = [
        (ServerRequests::Answer(Elicitation::Refuse), vec![pong, roots]),
        (ServerRequests::PingOnly, vec![pong]),
        (ServerRequests::Ignore, vec![]),
    ];
    for (server_requests, expected) in cases {
        let server = answering(talkative);
        let client = client(&server, Profile { server_requests, ..pooled(plain()) });
        client.call(ms(0), ASK).await;
        client.common.wire.clock.sleep(ms(1)).await;
        let answers: Vec<_> =
            server.seen().into_iter().filter(|seen| seen.what() == "answer").collect();
        assert_eq!(answers.iter().map(|seen| &seen.body).collect::<Vec<_>>(), expected);
        assert!(answers.iter().all(|seen| seen.header("mcp-session-id") == Some("s0")));
        let told = told(&client);
        let of_answers = |exchange: &&Exchange| exchange.operation == Operation::Response;
        let answered: Vec<_> = told.exchanges.iter().filter(of_answers).collect();
        assert_eq!(answered.len(), expected.len());
        assert!(answered.iter().all(|exchange| exchange.outcome == Outcome::Ok));
        let call = told.calls[0];
        assert_eq!((call.outcome, call.exchanges), (Outcome::Ok, 3));
        assert_eq!(call.instants.service(), Some(ms(50)));
        let of_call = told.exchanges.iter().find(|told| told.operation == Operation::ToolsCall);
        assert_eq!(of_call.unwrap().first_event, Some(ms(70)), "a comment is no event");
    }
}

#[tokio::test(start_paused = true)]
async fn the_credential_is_on_every_exchange() {
    let server = answering(talkative);
    let credential = Credential::Bearer(Secret::new("t0k3n"));
    let client = Client::new(common(&server, plain(), &credential), 0);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(1)).await;
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 8, "{:?}", server.heard());
    for seen in seen {
        assert_eq!(seen.header("authorization"), Some("Bearer t0k3n"), "{}", seen.what());
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_not_answered_with_events() {
    let wrong = |seen: &Seen| match seen.what().as_str() {
        "notifications/initialized" => {
            let events = event(r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
            vec![Do::Write([stream_head(), chunk(&events), chunk("")].concat())]
        }
        _ => sound(seen),
    };
    let client = client(&Server::new(wrong), fresh());
    client.call(ms(0), ASK).await;
    let told = told(&client);
    let initialized = told.exchanges[1];
    assert_eq!(initialized.outcome, Outcome::Violation(Rule::NotificationNotAccepted));
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
}
