//! What is known of a server's era and lists: who finds it out, how long it is believed, who else
//! may know.

use serde_json::json;

use super::eras::{discovered_as, modern, sound_modern};
use super::*;
use crate::model::profile::List;

#[tokio::test(start_paused = true)]
async fn a_crowd_behind_one_broker_probes_once() {
    for (server, asked) in [
        (Server::new(sound_modern), vec!["server/discover"]),
        (discovered_as(|_| reply(400, &[], "")), vec!["server/discover"]),
    ] {
        let common = common(&server, modern(), &Credential::None);
        let users: Vec<_> = (0..20).map(|user| Client::new(Arc::clone(&common), user)).collect();
        let calls = users.iter().map(|user| user.call(ms(0), ASK));
        futures_util::future::join_all(calls).await;
        let probes = server.heard().into_iter().filter(|what| what == "server/discover");
        assert_eq!(probes.collect::<Vec<_>>(), asked);
        let told = Told::by(&common.wire.recorder);
        assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_does_not_queue_for_a_server_that_is_silent() {
    let server = Server::new(|_| vec![Do::Hang]);
    let common = common(&server, modern(), &Credential::None);
    let users: Vec<_> = (0..20).map(|user| Client::new(Arc::clone(&common), user)).collect();
    let calls = users.iter().map(|user| user.call(ms(0), ASK));
    futures_util::future::join_all(calls).await;
    let told = Told::by(&common.wire.recorder);
    let budget = common.profile.connect_timeout;
    let last = told.calls.iter().map(|call| call.instants.done).max();
    assert_eq!(last, Some(2 * budget), "the first one's, and then all at once");
}

#[tokio::test(start_paused = true)]
async fn what_an_old_server_is_known_as_is_asked_again_in_time_and_not_after_an_outage() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "server/discover" => vec![Do::Write(reply(404, &[], ""))],
        "initialize" if (ms(20_000)..ms(30_000)).contains(&seen.at) => {
            vec![Do::Write(reply(503, &[], ""))]
        }
        _ => sound(seen),
    });
    let lasts = Some(Duration::from_secs(60));
    let client = client(&server, Profile { probe_lasts: lasts, ..modern() });
    for due in [0, 15_000, 20_000, 31_000, 45_000, 61_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    let probes: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.what() == "server/discover")
        .map(|seen| seen.at.as_secs())
        .collect();
    assert_eq!(probes, [0, 61]);
    let outcomes: Vec<_> = told(&client).calls.iter().map(|call| call.outcome.class()).collect();
    assert_eq!(outcomes[2], Class::Status);
    assert_eq!(outcomes.iter().filter(|class| **class == Class::Ok).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_ones_own_is_not_known_to_others() {
    let server = Server::new(|seen| {
        let mut result = match seen.what().as_str() {
            "server/discover" => json!({
                "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {}, "prompts": {} },
            }),
            "tools/list" => json!({ "tools": [], "ttlMs": 90_000, "cacheScope": "private" }),
            "prompts/list" => json!({ "prompts": [] }),
            _ => return sound_modern(seen),
        };
        let members = result.as_object_mut().unwrap();
        for (name, value) in [("ttlMs", json!(60_000)), ("cacheScope", json!("public"))] {
            members.entry(name).or_insert(value);
        }
        vec![Do::Write(json_reply(&answer(seen, &result)))]
    });
    let lists = vec![List::Tools, List::Prompts];
    let client = client(&server, Profile { honours_ttl: true, lists, ..modern() });
    client.call(ms(0), ASK).await;
    Client::new(Arc::clone(&client.common), 1).call(ms(0), ASK).await;
    let lists = server.heard().iter().filter(|what| *what == "tools/list").count();
    assert_eq!(lists, 2, "each user's own: {:?}", server.heard());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_what_it_was_opened_for() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "subscriptions/listen" => vec![Do::Write(stream_head()), Do::Hang],
        _ => sound_modern(seen),
    });
    let lasts = Some(Duration::from_secs(60));
    let profile = Profile { stream_share: 1.0, probe_lasts: lasts, ..modern() };
    let client = client(&server, profile);
    for due in [0, 61_000, 122_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    let ended = told(&client).exchanges;
    let listened = ended.iter().filter(|told| told.operation == Operation::Listen);
    assert_eq!(listened.map(|told| told.outcome).collect::<Vec<_>>(), [Outcome::Ok; 2]);
    let asked = server.heard().iter().filter(|what| *what == "subscriptions/listen").count();
    assert_eq!(asked, 3, "the third one is still open");
}

#[tokio::test(start_paused = true)]
async fn lists_outlast_what_is_believed_of_the_era() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/list" => {
            let result = json!({
                "resultType": "complete", "tools": [], "ttlMs": 90_000, "cacheScope": "private",
            });
            vec![Do::Write(json_reply(&answer(seen, &result)))]
        }
        _ => sound_modern(seen),
    });
    let lasts = Some(Duration::from_secs(60));
    let profile = Profile { probe_lasts: lasts, honours_ttl: true, ..modern() };
    let client = client(&server, profile);
    for (run, due) in [0, 61_000, 91_000, 122_000].into_iter().enumerate() {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.begin_run(u32::try_from(run).unwrap());
        client.call(ms(due), ASK).await;
    }
    let asked = |method: &str| {
        let of = |seen: &Seen| (seen.what() == method).then_some(seen.at.as_secs());
        server.seen().iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(asked("server/discover"), [0, 61, 122]);
    assert_eq!(asked("tools/list"), [0, 91], "its own time is what counts");
}

#[tokio::test(start_paused = true)]
async fn a_server_found_out_anew_is_asked_for_its_lists_anew() {
    let replaced = Mutex::new(false);
    let server = Server::new(move |seen| {
        let mut replaced = replaced.lock().unwrap();
        if seen.what() == "tools/call" && seen.at > ms(1_000) && !*replaced {
            *replaced = true;
            return vec![Do::Write(reply(404, &[], ""))];
        }
        sound_modern(seen)
    });
    let client = client(&server, Profile { honours_ttl: true, ..modern() });
    for due in [0, 2_000] {
        client.common.wire.clock.sleep_until(ms(due)).await;
        client.call(ms(due), ASK).await;
    }
    assert_eq!(told(&client).calls[1].outcome, Outcome::Ok);
    let lists = server.heard().iter().filter(|what| *what == "tools/list").count();
    assert_eq!(lists, 2, "it may offer something else now: {:?}", server.heard());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_did_not_come_is_asked_for_by_the_next_call() {
    for (failures, honours_ttl, expected) in [
        (1, true, vec![0, 1]),
        (1, false, vec![0, 1]),
        (9, true, vec![0, 1, 4, 5]),
        (0, true, vec![0]),
    ] {
        let left = Mutex::new(failures);
        let server = Server::new(move |seen| {
            let mut left = left.lock().unwrap();
            if seen.what() == "tools/list" && *left > 0 {
                *left -= 1;
                return vec![Do::Write(reply(503, &[], ""))];
            }
            sound_modern(seen)
        });
        let client = client(&server, Profile { honours_ttl, ..modern() });
        for second in 0..8 {
            client.common.wire.clock.sleep_until(ms(second * 1_000)).await;
            if second % 4 == 0 {
                client.begin_run(u32::try_from(second / 4).unwrap());
            }
            client.call(ms(second * 1_000), ASK).await;
        }
        assert!(told(&client).calls.iter().all(|call| call.outcome == Outcome::Ok));
        let of = |seen: &Seen| (seen.what() == "tools/list").then_some(seen.at.as_secs());
        let asked: Vec<_> = server.seen().iter().filter_map(of).collect();
        assert_eq!(asked, expected, "{failures} failures, twice a run: {honours_ttl}");
    }
}
