//! Streams that stand beside the calls: whether they were good ones, and what they say of lists.

use serde_json::json;

use super::eras::{modern, sound_modern};
use super::streams::{left, old, two_ended};
use super::*;
use crate::model::profile::List;

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_opened_is_no_good_one() {
    let ended = Outcome::Unfinished;
    for (what, script, outcome) in [
        ("silent", vec![Do::Hang], ended),
        ("refused, slowly", vec![Do::Write(half_of_a_refusal()), Do::Hang], ended),
        ("open", vec![Do::Write(stream_head()), Do::Hang], Outcome::Ok),
    ] {
        let get = script.clone();
        let server = Server::new(move |seen| match seen.what().as_str() {
            "GET" => get.clone(),
            _ => sound(seen),
        });
        let client = client(&server, Profile { stream_share: 1.0, ..pooled(plain()) });
        client.call(ms(0), ASK).await;
        assert_eq!(stream_of(&left(&client).await), outcome, "{what}");
        let server = Server::new(move |_| script.clone());
        let client = old(&server, plain());
        client.call(ms(0), ASK).await;
        assert_eq!(stream_of(&left(&client).await), outcome, "{what}, HTTP+SSE");
    }
}

fn half_of_a_refusal() -> Vec<u8> {
    b"HTTP/1.1 500 X\r\ncontent-length: 9\r\n\r\n".to_vec()
}

fn stream_of(told: &Told) -> Outcome {
    let is_stream = |told: &&Exchange| told.operation == Operation::Stream;
    told.exchanges.iter().find(is_stream).unwrap().outcome
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changed_is_listed_again_by_the_next_call() {
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let other = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    for (note, lists) in [(changed, 2), (other, 1)] {
        let profile = || Profile { lists: vec![List::Tools], stream_share: 1.0, ..pooled(plain()) };
        let server = Server::new(move |seen| match seen.what().as_str() {
            "GET" => vec![Do::Write([stream_head(), chunk(&event(note))].concat()), Do::Hang],
            _ => sound(seen),
        });
        assert_eq!(listed(&server, &client(&server, profile())).await, lists, "{note}");
        let server = Server::new(move |seen| {
            let after = match seen.what().as_str() {
                "tools/call" if seen.at < ms(1_000) => vec![Do::Tell(event(note))],
                _ => Vec::new(),
            };
            [two_ended(seen), after].concat()
        });
        assert_eq!(listed(&server, &old(&server, profile())).await, lists, "{note}, HTTP+SSE");
    }
}

/// How often the tools are listed within three calls of one session.
async fn listed(server: &Server, client: &Arc<Client>) -> usize {
    for due in [0, 2_000, 4_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    server.heard().iter().filter(|what| *what == "tools/list").count()
}

#[tokio::test(start_paused = true)]
async fn a_modern_list_that_changed_is_listed_again_by_the_next_call() {
    for (method, lists) in [("tools/list_changed", 2), ("tasks", 1)] {
        let server = Server::new(move |seen| {
            if seen.what() != "subscriptions/listen" {
                return sound_modern(seen);
            }
            let id = seen.json()["id"].clone();
            let told = |method: &str| {
                let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
                let method = format!("notifications/{method}");
                let params = json!({ "notifications": {}, "_meta": meta });
                let told = json!({ "jsonrpc": "2.0", "method": method, "params": params });
                Do::Write(chunk(&event(&told.to_string())))
            };
            let open = [Do::Write(stream_head()), told("subscriptions/acknowledged")];
            [open.to_vec(), vec![Do::After(ms(1_000)), told(method), Do::Hang]].concat()
        });
        let profile =
            Profile { lists: vec![List::Tools], stream_share: 1.0, honours_ttl: true, ..modern() };
        assert_eq!(listed(&server, &client(&server, profile)).await, lists, "{method}");
    }
}
