//! What a call on HTTP+SSE comes to, and costs, whichever of its two ends is late or fails.

use serde_json::json;

use super::streams::{left, old, two_ended};
use super::*;
use crate::model::profile::List;

/// A server whose calls are answered on the stream after 100 ms, and their POSTs so, later.
fn late(with_post: impl Fn() -> Vec<Do> + Send + Sync + 'static) -> Server {
    Server::new(move |seen| {
        if seen.what() != "tools/call" {
            return two_ended(seen);
        }
        let told = vec![Do::After(ms(100)), Do::Tell(event(&answer(seen, &echoed())))];
        [told, with_post()].concat()
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_the_stream_ends_a_call_whose_post_is_still_under_way() {
    let after = |pause, bytes| vec![Do::After(ms(pause)), Do::Write(bytes)];
    let cases = [
        ("late", after(400, reply(202, &[], "Accepted")), Outcome::Ok, Some(550)),
        ("failing", after(400, reply(500, &[], "")), Outcome::Status(500), Some(550)),
        ("cut", vec![Do::After(ms(400)), Do::Close], CLOSED, Some(550)),
        ("never", vec![Do::Hang], Outcome::Unfinished, None),
    ];
    for (what, script, posted, end) in cases {
        let server = late(move || script.clone());
        let client = old(&server, Profile { lists: Vec::new(), ..plain() });
        let (class, free) = client.call(ms(0), ASK).await;
        assert_eq!((class, free), (Class::Ok, ms(100)), "{what}");
        client.common.wire.clock.sleep_until(ms(1_000)).await;
        let second = old_call(&client, 1_000).await;
        assert_eq!(second, Class::Ok, "{what}: nothing of it is left behind");
        client.common.wire.clock.sleep_until(ms(2_000)).await;
        let told = left(&client).await;
        let call = told.calls[0];
        assert_eq!((call.instants.sent, call.instants.done), (Some(ms(0)), ms(100)), "{what}");
        assert_eq!((call.outcome, call.exchanges), (Outcome::Ok, 4), "{what}");
        let of_call = told.exchanges.iter().find(|told| told.operation == Operation::ToolsCall);
        let of_call = of_call.unwrap();
        assert_eq!(of_call.outcome, posted, "{what}");
        let ended = end.map_or(ms(2_000), |end| ms(end - 50));
        assert_eq!((of_call.sent, of_call.end), (Some(ms(0)), ended), "{what}");
        assert!(told.violations.is_empty(), "{what}: {:?}", told.violations);
        assert_eq!(told.sent(), server.seen().len(), "{what}");
    }
}

const CLOSED: Outcome = Outcome::Connect(ConnectFailure::Closed);

async fn old_call(client: &Arc<Client>, due: u64) -> Class {
    client.call(ms(due), ASK).await.0
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_late_gives_its_connection_back() {
    let server = late(|| vec![Do::After(ms(400)), Do::Write(reply(202, &[], ""))]);
    let client = old(&server, Profile { lists: Vec::new(), ..plain() });
    for due in [0, 1_000, 2_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        old_call(&client, due).await;
    }
    client.common.wire.clock.sleep_until(ms(3_000)).await;
    assert_eq!(server.connections(), 2, "the stream's and the POSTs'");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_has_what_its_post_has_cost() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/call" => vec![Do::Hang],
        _ => two_ended(seen),
    });
    let client = old(&server, Profile { lists: Vec::new(), cancels: true, ..plain() });
    let clock = &client.common.wire.clock;
    let mut call = Box::pin(client.call(ms(0), ASK));
    assert!(clock.by(ms(70), &mut call).await.is_none());
    client.ending.stopped();
    drop(call);
    clock.sleep(ms(1)).await;
    assert_eq!(server.heard().last().unwrap(), "notifications/cancelled");
    let told = left(&client).await;
    let call = told.calls[0];
    assert_eq!((call.instants.sent, call.exchanges), (Some(ms(0)), 4));
    assert_eq!(call.outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn progress_on_the_stream_is_held_to_its_rules() {
    let note = |token: &serde_json::Value, progress: u32| {
        let params = json!({ "progressToken": token, "progress": progress });
        let method = "notifications/progress";
        event(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string())
    };
    let server = Server::new(move |seen| {
        let mut script = two_ended(seen);
        if seen.what() == "tools/call" {
            let token = seen.json()["params"]["_meta"]["progressToken"].clone();
            let other = json!("other");
            let notes = [note(&token, 1), note(&token, 2), note(&token, 2), note(&other, 3)];
            script.splice(1..1, notes.map(Do::Tell));
        }
        script
    });
    let client = old(&server, Profile { progress: true, ..plain() });
    client.call(ms(0), ASK).await;
    let told = left(&client).await;
    let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::ProgressGoesBack, Rule::ForeignProgress]);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_is_part_of_what_its_call_cost() {
    let cases = [
        ("refused", vec![Do::Write(reply(500, &[], ""))], 1),
        ("silent", vec![Do::Write(stream_head()), Do::Hang], 1),
        ("closed", vec![Do::Close], 1),
    ];
    for (what, script, cost) in cases {
        let server = Server::new(move |_| script.clone());
        let client = old(&server, plain());
        client.call(ms(0), ASK).await;
        let told = left(&client).await;
        assert_eq!((told.calls[0].exchanges, told.sent()), (cost, 1), "{what}");
    }
    let refused = Server::behind(ms(0), ms(0), Some(ConnectFailure::Refused), |_| Vec::new());
    let client = old(&refused, plain());
    client.call(ms(0), ASK).await;
    assert_eq!(left(&client).await.calls[0].exchanges, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_a_post_is_answered_cuts_its_call() {
    for (status, posted) in [(202, Outcome::Ok), (500, Outcome::Status(500))] {
        let server = Server::new(move |seen| match seen.what().as_str() {
            "tools/call" => {
                let late = [Do::After(ms(400)), Do::Write(reply(status, &[], ""))];
                [vec![Do::After(ms(100)), Do::HangUp], late.to_vec()].concat()
            }
            _ => two_ended(seen),
        });
        let client = old(&server, Profile { lists: Vec::new(), ..plain() });
        client.call(ms(0), ASK).await;
        client.common.wire.clock.sleep_until(ms(1_000)).await;
        let told = left(&client).await;
        let call = told.calls[0];
        assert_eq!((call.outcome, call.instants.done), (Outcome::CutStream, ms(100)), "{status}");
        let of_call = told.exchanges.iter().find(|told| told.operation == Operation::ToolsCall);
        let of_call = of_call.unwrap();
        assert_eq!((of_call.outcome, of_call.end), (posted, ms(500)), "{status}");
        assert_eq!(told.sent(), server.seen().len(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn progress_of_what_did_not_ask_for_it_is_foreign() {
    let note = |seen: &Seen| {
        let params = json!({ "progressToken": seen.json()["id"], "progress": 1 });
        event(
            &json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
                .to_string(),
        )
    };
    let profile = || Profile { progress: true, lists: vec![List::Tools], ..pooled(plain()) };
    let server = Server::new(move |seen| match seen.what().as_str() {
        "tools/list" => {
            let page = event(&answer(seen, &json!({ "tools": [] })));
            vec![Do::Write([stream_head(), chunk(&note(seen)), chunk(&page), chunk("")].concat())]
        }
        _ => sound(seen),
    });
    let two = Server::new(move |seen| {
        let mut script = two_ended(seen);
        if seen.what() == "tools/list" {
            script.insert(1, Do::Tell(note(seen)));
        }
        script
    });
    for client in [client(&server, profile()), old(&two, profile())] {
        client.call(ms(0), ASK).await;
        let told = left(&client).await;
        let rules: Vec<_> = told.violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, [Rule::ForeignProgress]);
        assert_eq!(told.calls[0].outcome, Outcome::Ok);
    }
}
