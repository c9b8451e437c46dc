//! Streams that break: how often each break is worth another attempt, and what is asked for then.

use serde_json::json;

use super::streams::left;
use super::*;

fn resuming(resumes: u32) -> Profile {
    Profile { resumes, stream_share: 1.0, ..pooled(plain()) }
}

/// A part of a stream that ends behind it.
fn ending(text: &str) -> Vec<Do> {
    vec![Do::Write([stream_head(), chunk(text), chunk("")].concat())]
}

/// A server whose calls are answered with a stream that breaks behind the event `1`, and whose
/// GETs after it are answered in turn: after the last one, with the answer.
fn breaking(then: Vec<Vec<Do>>) -> Server {
    let then = Mutex::new(then.into_iter());
    Server::new(move |seen| match seen.what().as_str() {
        "tools/call" => ending("id: 1\nretry: 10\ndata:\n\n"),
        "GET" if seen.header("last-event-id").is_some() => {
            let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": echoed() }).to_string();
            then.lock().unwrap().next().unwrap_or_else(|| ending(&event(&answer)))
        }
        _ => sound(seen),
    })
}

fn asked_behind(server: &Server) -> Vec<String> {
    let behind = |seen: &Seen| seen.header("last-event-id").map(str::to_owned);
    server.seen().iter().filter_map(behind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_open_may_break_again() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    let further = |id: u32| ending(&format!("id: {id}\ndata:\n\n"));
    let (same, gone) = (ending("id: 9\ndata:\n\n"), vec![Do::Write(reply(503, &[], ""))]);
    let brings = vec![further(2), further(3), further(4), ending(&event(note)), ending("")];
    for (then, outcome) in [
        (brings.clone(), Outcome::Ok),
        ([brings.clone(), vec![same.clone(); 2]].concat(), Outcome::Ok),
        ([brings.clone(), vec![same.clone(); 9]].concat(), Outcome::Ok),
        ([brings, vec![same], vec![gone; 2]].concat(), Outcome::CutStream),
    ] {
        let server = breaking(then);
        let client = client(&server, Profile { stream_share: 0.0, ..resuming(2) });
        client.call(ms(0), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, outcome);
        assert_eq!(asked_behind(&server)[..6], ["1", "2", "3", "4", "4", "4"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_one_of_several() {
    let status = |status: u16| vec![Do::Write(reply(status, &[], ""))];
    let cases = [
        (vec![status(503), vec![Do::Close]], Outcome::Ok, 3),
        (vec![status(409), status(429)], Outcome::Ok, 3),
        (vec![status(503), vec![Do::Close], status(500)], Outcome::CutStream, 3),
        (vec![status(405)], Outcome::CutStream, 1),
        (vec![status(401)], Outcome::Unauthorised(401), 1),
    ];
    for (then, outcome, gets) in cases {
        let shown = format!("{then:?}");
        let server = breaking(then);
        let client = client(&server, Profile { stream_share: 0.0, ..resuming(3) });
        client.call(ms(0), ASK).await;
        let told = told(&client);
        assert_eq!(told.calls[0].outcome, outcome, "{shown}");
        assert_eq!(asked_behind(&server), vec!["1"; gets], "{shown}");
        assert_eq!(usize::from(told.calls[0].exchanges), 3 + gets, "{shown}");
        assert_eq!(told.sent(), server.seen().len(), "{shown}");
    }
}

/// A server whose standalone streams are these, in turn; the last one for ever.
fn standing(streams: Vec<Vec<Do>>) -> Server {
    let streams = Mutex::new(streams.into_iter());
    Server::new(move |seen| match seen.what().as_str() {
        "GET" => {
            let next = streams.lock().unwrap().next();
            next.unwrap_or_else(|| vec![Do::Write(stream_head()), Do::Hang])
        }
        _ => sound(seen),
    })
}

/// What became of the streams of a client that stays for a minute after its call.
async fn stayed(server: &Server, profile: Profile) -> Vec<(Operation, Outcome)> {
    let client = client(server, profile);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep_until(ms(60_000)).await;
    let told = left(&client).await;
    let is_stream =
        |told: &&Exchange| matches!(told.operation, Operation::Stream | Operation::Resume);
    let streams = told.exchanges.iter().filter(is_stream);
    streams.map(|told| (told.operation, told.outcome)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_standing_stream_without_ids_is_opened_anew() {
    let ping = event(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let cut = vec![Do::Write([stream_head(), chunk(&ping)].concat()), Do::Close];
    let ok = (Operation::Stream, Outcome::Ok);
    let server = standing(vec![ending(&ping), cut, ending(""), ending(&ping)]);
    let ended = stayed(&server, resuming(2)).await;
    assert_eq!(ended, [ok, (Operation::Stream, Outcome::CutStream), ok, ok, ok]);
    let gets = server.seen().into_iter().filter(|seen| seen.verb == "GET");
    let (at, behind): (Vec<_>, Vec<_>) =
        gets.map(|seen| (seen.at.as_millis(), seen.header("last-event-id").is_some())).unzip();
    assert_eq!(at, [50, 1_050, 2_050, 3_050, 4_050]);
    assert_eq!(behind, [false; 5]);

    let silent = standing(vec![ending(""); 9]);
    assert_eq!(stayed(&silent, resuming(2)).await, [ok; 10], "as often as it opens");
    let gone = vec![Do::Write(reply(503, &[], ""))];
    let gone = standing([vec![ending("")], vec![gone; 9]].concat());
    let failed = (Operation::Stream, Outcome::Status(503));
    assert_eq!(stayed(&gone, resuming(2)).await, [ok, failed, failed], "twice, and no further");
    assert_eq!(stayed(&standing(vec![ending(""); 9]), resuming(0)).await, [ok]);
    let asking = standing(vec![ending("retry: 20000\n\n")]);
    stayed(&asking, resuming(2)).await;
    let last = asking.seen().into_iter().rfind(|seen| seen.verb == "GET").unwrap();
    assert_eq!(last.at, ms(20_050), "after the time the server asked for");
}

#[tokio::test(start_paused = true)]
async fn a_standing_stream_that_is_not_offered_is_not_asked_for_again() {
    for (status, outcome) in [(405, Outcome::Ok), (409, Outcome::Ok), (500, Outcome::Status(500))] {
        let server = standing(vec![vec![Do::Write(reply(status, &[], ""))]]);
        let ended = stayed(&server, resuming(2)).await;
        assert_eq!(ended, [(Operation::Stream, outcome)], "{status}");
    }
    let lost = vec![ending(""), vec![Do::Write(reply(404, &[], ""))]];
    let ended = stayed(&standing(lost), resuming(2)).await;
    assert_eq!(ended[1..], [(Operation::Stream, Outcome::SessionLost(404))]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_taken_up_and_ended_by_the_client_was_a_good_one() {
    let first = ending("id: e-1\nretry: 10\ndata:\n\n");
    let failing = vec![Do::Write(reply(503, &[], ""))];
    let server = standing(vec![first, failing]);
    let ended = stayed(&server, resuming(2)).await;
    let expected = [
        (Operation::Stream, Outcome::Ok),
        (Operation::Resume, Outcome::Status(503)),
        (Operation::Resume, Outcome::Ok),
    ];
    assert_eq!(ended, expected);
    assert_eq!(asked_behind(&server), ["e-1", "e-1"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_the_answer_of_a_stream_taken_up_is_told() {
    let text = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "result": echoed() }).to_string();
    let all = [text(1), text(1), r#"{"jsonrpc":"2.0","id":"s","method":"ping"}"#.to_owned()];
    let all: String = all.iter().map(|text| event(text)).collect();
    let server = breaking(vec![ending(&all)]);
    let client = client(&server, Profile { stream_share: 0.0, ..resuming(2) });
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(1)).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
    let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::SecondAnswer]);
    assert_eq!(server.heard().last().unwrap(), "answer", "and what is asked there is answered");
}
