//! Headers that a modern server misses: looked up in its list of tools, and sent once more.

use serde_json::json;

use super::eras::{modern, sound_modern, typed};
use super::*;

/// A modern server that has begun to want a header, and says so `times` times; its list names it.
fn wanting_a_header(times: usize) -> Server {
    let left = Mutex::new(times);
    Server::new(move |seen| match seen.what().as_str() {
        "tools/list" => {
            let text = json!({ "type": "string", "x-mcp-header": "Text" });
            let schema = json!({ "type": "object", "properties": { "text": text } });
            let tools = json!({ "tools": [{ "name": "echo", "inputSchema": schema }] });
            vec![Do::Write(typed(seen, tools))]
        }
        "tools/call" => {
            let mut left = left.lock().unwrap();
            let is_refused = *left > 0 || seen.header("mcp-param-text").is_none();
            if !is_refused {
                return sound_modern(seen);
            }
            *left = left.saturating_sub(1);
            let id = &seen.json()["id"];
            let error = json!({ "code": -32020, "message": "Header mismatch" });
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string();
            vec![Do::Write(reply(400, &["content-type: application/json"], &body))]
        }
        _ => sound_modern(seen),
    })
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_missing_is_looked_up_and_sent_once_more() {
    let (discover, list, call) = ("server/discover", "tools/list", "tools/call");
    for (times, first, heard) in [
        (1, Outcome::Ok, vec![discover, call, list, call, call]),
        (2, Outcome::RpcError(-32020), vec![discover, call, list, call, call]),
        (3, Outcome::RpcError(-32020), vec![discover, call, list, call, call, list, call]),
    ] {
        let server = wanting_a_header(times);
        let client = client(&server, Profile { lists: Vec::new(), ..modern() });
        client.call(ms(0), ASK).await;
        let answered = told(&client).calls[0];
        assert_eq!((answered.outcome, answered.exchanges), (first, 4), "{times}");
        client.call(ms(10_000), ASK).await;
        assert_eq!(told(&client).calls[0].outcome, Outcome::Ok, "{times}: what was learnt is kept");
        assert_eq!(server.heard(), heard, "{times}");
        let sent: Vec<_> = server.seen().into_iter().filter(|seen| seen.what() == call).collect();
        assert_eq!(sent[0].header("mcp-param-text"), None);
        assert!(sent[1..].iter().all(|seen| seen.header("mcp-param-text") == Some("hi")));
        let ids: std::collections::BTreeSet<_> =
            sent.iter().map(|seen| seen.json()["id"].as_u64()).collect();
        assert_eq!(ids.len(), sent.len(), "each has an id of its own");
    }
    let legacy = answering(|seen| {
        let id = &seen.json()["id"];
        let error = json!({ "code": -32020, "message": "x" });
        let body = json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string();
        vec![Do::Write(json_reply(&body))]
    });
    let client = client(&legacy, pooled(plain()));
    client.call(ms(0), ASK).await;
    assert!(!legacy.heard().contains(&list.to_owned()), "in another era the code means nothing");
    assert_eq!(told(&client).calls[0].outcome, Outcome::RpcError(-32020));
}
