//! Answers that come on a stream of their own (HTTP+SSE), and streams that are taken up again.

use serde_json::json;

use super::*;
use crate::model::profile::Ids;
use crate::protocol::era::Transport;

/// What a sound server of revision 2024-11-05 does: a stream at the endpoint, which names
/// `/messages`; what is posted there is answered on the stream, a call after 100 ms.
pub(super) fn two_ended(seen: &Seen) -> Vec<Do> {
    if seen.verb == "GET" {
        let endpoint = "event: endpoint\ndata: /messages?sessionId=7\n\n";
        return vec![Do::Write(stream_head()), Do::Write(chunk(endpoint)), Do::Hear];
    }
    let accepted = Do::Write(reply(202, &[], "Accepted"));
    let result = match seen.what().as_str() {
        "initialize" => json!({
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "serverInfo": { "name": "old", "version": "0" },
        }),
        "tools/call" => {
            let answer = event(&answer(seen, &echoed()));
            return vec![accepted, Do::After(ms(100)), Do::Tell(answer)];
        }
        "tools/list" => json!({ "tools": [] }),
        _ => return vec![accepted],
    };
    vec![accepted, Do::Tell(event(&answer(seen, &result)))]
}

/// A client that speaks HTTP+SSE alone.
pub(super) fn old(server: &Server, profile: Profile) -> Arc<Client> {
    let mut common = common(server, profile, &Credential::None);
    Arc::get_mut(&mut common).unwrap().wish.transport = Transport::HttpSse;
    Client::new(common, 0)
}

pub(super) async fn left(client: &Arc<Client>) -> Told {
    let (_stopper, stop) = stop::stop();
    client.leave(&stop).await;
    told(client)
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_on_the_stream_the_session_stands_on() {
    let server = Server::new(two_ended);
    let client = old(&server, plain());
    let due = client.call(ms(0), ASK).await.1;
    let burst = (0..3).map(|_| client.call(due, ASK));
    futures_util::future::join_all(burst).await;
    let told = left(&client).await;
    let seen = server.seen();
    let to: Vec<_> = seen.iter().map(|seen| format!("{} {}", seen.verb, seen.path)).collect();
    assert_eq!(to[0], "GET /mcp");
    assert!(to[1..].iter().all(|to| to == "POST /messages?sessionId=7"), "{to:?}");
    let [call, rest @ ..] = &told.calls[..] else { panic!("no call") };
    assert_eq!((call.outcome, call.result_chars, call.exchanges), (Outcome::Ok, 2, 5));
    assert_eq!(call.instants.service(), Some(ms(100)), "from the POST to the event");
    assert!(rest.iter().all(|call| (call.outcome, call.exchanges) == (Outcome::Ok, 1)));
    assert!(rest.iter().all(|call| call.instants.service() == Some(ms(100))));
    assert_eq!(told.sessions, [SessionChange::Opened { with_id: false }, SessionChange::Closed]);
    assert!(told.violations.is_empty(), "{:?}", told.violations);
    assert_eq!(told.sent(), seen.len());
    assert!(told.exchanges.iter().all(|exchange| exchange.outcome == Outcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_takes_its_calls_and_its_session_along() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/call" if seen.at < ms(1_000) => {
            vec![Do::Write(reply(202, &[], "")), Do::After(ms(30)), Do::HangUp]
        }
        _ => two_ended(seen),
    });
    let client = old(&server, plain());
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep_until(ms(2_000)).await;
    client.call(ms(2_000), ASK).await;
    let told = left(&client).await;
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::CutStream, Outcome::Ok]);
    let opened = SessionChange::Opened { with_id: false };
    let all = [opened, SessionChange::Lost, opened, SessionChange::Closed];
    assert_eq!(told.sessions, all);
    assert_eq!(server.heard().iter().filter(|what| *what == "GET").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_the_endpoint_does_not_know_is_made_anew() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/call" if seen.at < ms(50) => {
            vec![Do::Write(reply(404, &[], "Could not find session"))]
        }
        _ => two_ended(seen),
    });
    let client = old(&server, plain());
    client.call(ms(0), ASK).await;
    let told = left(&client).await;
    assert_eq!(told.calls[0].outcome, Outcome::SessionLost(404), "at once: still before 50 ms");
    let client = old(&server, plain());
    client.common.wire.clock.sleep_until(ms(100)).await;
    client.call(ms(100), ASK).await;
    assert_eq!(left(&client).await.calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_on_the_stream_is_told() {
    let foreign = event(r#"{"jsonrpc":"2.0","id":77,"result":{}}"#);
    let server = Server::new(move |seen| {
        let mut script = two_ended(seen);
        if seen.what() == "tools/call" {
            let again = script.last().cloned().unwrap();
            script.extend([again, Do::Tell(foreign.clone())]);
        }
        script
    });
    let client = old(&server, plain());
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(1)).await;
    let told = left(&client).await;
    let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::SecondAnswer, Rule::WrongId]);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_elsewhere_is_never_posted_to() {
    let server = Server::new(|_| {
        let endpoint = "event: endpoint\ndata: http://evil.test/messages\n\n";
        vec![Do::Write(stream_head()), Do::Write(chunk(endpoint)), Do::Hear]
    });
    let client = old(&server, plain());
    client.call(ms(0), ASK).await;
    let told = left(&client).await;
    assert_eq!(told.calls[0].outcome, Outcome::Violation(Rule::ForeignEndpoint));
    assert_eq!(server.heard(), ["GET"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_post_is_asked_for_a_stream() {
    let server = Server::new(|seen| match (seen.verb.as_str(), seen.path.as_str()) {
        ("POST", "/mcp") => vec![Do::Write(reply(405, &[], ""))],
        _ => two_ended(seen),
    });
    let client = client(&server, plain());
    client.call(ms(0), ASK).await;
    assert_eq!(left(&client).await.calls[0].outcome, Outcome::Ok);
    assert_eq!(server.heard()[..2], ["initialize", "GET"]);
}

/// A server whose calls are answered on a stream that ends before the answer, after an event with
/// this id and this reconnection time; a GET behind that event brings the answer.
fn polled(id: &'static str, retry: &'static str) -> Server {
    Server::new(move |seen| match seen.what().as_str() {
        "tools/call" => {
            let primed = format!("{id}{retry}data:\n\n");
            vec![Do::Write([stream_head(), chunk(&primed), chunk("")].concat())]
        }
        "GET" if seen.header("last-event-id").is_some() => {
            let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": echoed() }).to_string();
            vec![
                Do::After(ms(20)),
                Do::Write([stream_head(), chunk(&event(&answer))].concat()),
                Do::Hang,
            ]
        }
        _ => sound(seen),
    })
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_taken_up_again_after_the_time_the_server_asked_for() {
    for (retry, pause) in [("retry: 500\n", 500), ("", 1_000)] {
        let server = polled("id: e-1\n", retry);
        let client = client(&server, Profile { resumes: 2, ..pooled(plain()) });
        client.call(ms(0), ASK).await;
        let told = left(&client).await;
        let call = told.calls[0];
        assert_eq!((call.outcome, call.exchanges, call.result_chars), (Outcome::Ok, 4, 2));
        assert_eq!(call.instants.service(), Some(ms(pause + 20)));
        let get = server.seen().into_iter().find(|seen| seen.verb == "GET").unwrap();
        assert_eq!(get.header("last-event-id"), Some("e-1"));
        assert_eq!(get.header("mcp-session-id"), Some("s0"));
        assert_eq!(get.header("accept"), Some("text/event-stream"));
        let of =
            |operation| told.exchanges.iter().find(|told| told.operation == operation).unwrap();
        assert_eq!(of(Operation::ToolsCall).outcome, Outcome::Ok, "it was ended to be polled");
        assert_eq!(of(Operation::Resume).outcome, Outcome::Ok);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_id_or_the_will_nothing_is_taken_up() {
    for (id, resumes) in [("", 2), ("id: e-1\n", 0)] {
        let server = polled(id, "retry: 500\n");
        let client = client(&server, Profile { resumes, ..pooled(plain()) });
        client.call(ms(0), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, Outcome::CutStream);
        assert!(!server.heard().contains(&"GET".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_for_ever_is_given_up() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/call" | "GET" => {
            let text = "id: 1\nretry: 10\ndata:\n\n";
            vec![Do::Write([stream_head(), chunk(text)].concat()), Do::Close]
        }
        _ => sound(seen),
    });
    let client = client(&server, Profile { resumes: 2, ..pooled(plain()) });
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!((told.calls[0].outcome, told.calls[0].exchanges), (Outcome::CutStream, 1_003));
    assert_eq!(server.heard().iter().filter(|what| *what == "GET").count(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn who_no_longer_waits_says_so() {
    for (cancels, expected) in [(true, 1), (false, 0)] {
        let server = answering(|_| vec![Do::Hang]);
        let client = client(&server, Profile { cancels, ..pooled(plain()) });
        client.call(ms(0), ASK).await;
        client.common.wire.clock.sleep(ms(1)).await;
        let said: Vec<_> = server
            .seen()
            .into_iter()
            .filter(|seen| seen.what() == "notifications/cancelled")
            .map(|seen| seen.json()["params"]["requestId"].clone())
            .collect();
        assert_eq!(said, vec![json!(1); expected]);
        assert_eq!(told(&client).calls[0].outcome, Outcome::Timeout);
    }
}

#[tokio::test(start_paused = true)]
async fn progress_is_heard_under_its_token_and_grows() {
    let notes = |seen: &Seen| {
        let token = seen.json()["params"]["_meta"]["progressToken"].clone();
        let note = |token: &serde_json::Value, progress: u32| {
            let params = json!({ "progressToken": token, "progress": progress });
            let note =
                json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
            event(&note.to_string())
        };
        [note(&token, 1), note(&token, 2), note(&token, 2), note(&json!("other"), 3)].concat()
    };
    let server = answering(move |seen| {
        let all = [notes(seen), event(&answer(seen, &echoed()))].concat();
        vec![Do::Write([stream_head(), chunk(&all), chunk("")].concat())]
    });
    let client = client(&server, Profile { progress: true, ..pooled(plain()) });
    client.call(ms(0), ASK).await;
    let told = told(&client);
    let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::ProgressGoesBack, Rule::ForeignProgress]);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn several_messages_at_once_are_of_one_revision_alone() {
    for (revision, expected) in
        [("2025-03-26", Outcome::Ok), ("2025-06-18", Outcome::Violation(Rule::NotJsonRpc))]
    {
        let server = Server::new(move |seen| match seen.what().as_str() {
            "initialize" => {
                let result = json!({ "protocolVersion": revision, "capabilities": {},
                    "serverInfo": { "name": "x", "version": "1" } });
                vec![Do::Write(json_reply(&answer(seen, &result)))]
            }
            "tools/call" => {
                let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
                vec![Do::Write(json_reply(&format!("[{note},{}]", answer(seen, &echoed()))))]
            }
            _ => sound(seen),
        });
        let client = client(&server, pooled(plain()));
        client.call(ms(0), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, expected, "{revision}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_behind_its_endpoint_keeps_nobody_waiting() {
    let server = Server::new(|seen| {
        if seen.verb != "GET" {
            return vec![Do::Write(reply(202, &[], ""))];
        }
        let endpoint = chunk("event: endpoint\ndata: /messages\n\n");
        vec![Do::Write([stream_head(), endpoint, chunk("")].concat())]
    });
    let client = old(&server, plain());
    let (_, done) = client.call(ms(0), ASK).await;
    let told = left(&client).await;
    assert_eq!((told.calls[0].outcome, done), (Outcome::CutStream, ms(0)));
    assert_eq!(server.heard(), ["GET"], "there is no stream for an answer to come on");
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_on_one_stream_have_ids_of_their_own() {
    let server = Server::new(two_ended);
    let client = old(&server, Profile { ids: Ids::Constant(1), ..plain() });
    let burst = (0..3).map(|_| client.call(ms(0), ASK));
    futures_util::future::join_all(burst).await;
    let told = left(&client).await;
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Ok; 3]);
    assert!(told.violations.is_empty(), "{:?}", told.violations);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_quoted_without_the_credential() {
    let server = Server::new(|seen| {
        let mut script = two_ended(seen);
        if seen.what() == "tools/call" {
            script.insert(1, Do::Tell(event("no: Bearer abc.def")));
        }
        script
    });
    let bearer = Credential::Bearer(Secret::new("abc.def"));
    let mut common = common(&server, plain(), &bearer);
    Arc::get_mut(&mut common).unwrap().wish.transport = Transport::HttpSse;
    let client = Client::new(common, 0);
    client.call(ms(0), ASK).await;
    let told = left(&client).await;
    assert_eq!(told.violations[0].rule, Rule::NotJson);
    assert!(told.violations[0].evidence.ends_with("no: Bearer ***"), "{:?}", told.violations);
}
