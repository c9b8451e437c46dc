//! What a client presents, said back by the target: nowhere in what is told of it.

use serde_json::json;

use super::streams::{left, two_ended};
use super::*;
use crate::protocol::era::Transport;

#[tokio::test(start_paused = true)]
async fn what_a_target_echoes_is_hidden_wherever_it_stands() {
    let credential = Credential::Bearer(Secret::new("t0k3n-of-the-test"));
    let echoing = |seen: &Seen| match seen.what().as_str() {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "serverInfo": { "name": seen.header("authorization"), "version": "t0k3n-of-the-test" },
            });
            vec![Do::Write(json_reply(&answer(seen, &result)))]
        }
        "tools/list" => {
            let tool = json!({ "name": "t0k3n-of-the-test", "inputSchema": { "type": "object" } });
            vec![Do::Write(json_reply(&answer(seen, &json!({ "tools": [tool] }))))]
        }
        _ => sound(seen),
    };
    let client = Client::new(common(&Server::new(echoing), plain(), &credential), 0);
    let scouted = client.scout().await.unwrap();
    assert_eq!(
        (scouted.server.as_str(), scouted.tools[0].name.as_str()),
        ("Bearer *** ***", "***")
    );

    let late = Server::new(|seen| match seen.what().as_str() {
        "tools/call" => {
            let told = Do::Tell(event(&answer(seen, &echoed())));
            let page = reply(307, &[], seen.header("authorization").unwrap());
            vec![told, Do::After(ms(100)), Do::Write(page)]
        }
        _ => two_ended(seen),
    });
    let mut common = common(&late, Profile { lists: Vec::new(), ..plain() }, &credential);
    Arc::get_mut(&mut common).unwrap().wish.transport = Transport::HttpSse;
    let client = Client::new(common, 0);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(500)).await;
    let [violation] = &left(&client).await.violations[..] else { panic!("one redirect") };
    assert_eq!(violation.rule, Rule::Redirect);
    assert!(violation.evidence.ends_with("Bearer ***"), "{}", violation.evidence);
}
