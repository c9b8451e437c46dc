//! Tokens that end while a stream is open, processes that race from two addresses, and what the loser
//! of a race does.

use std::net::IpAddr;

use serde_json::json;

use super::eras::{modern, sound_modern};
use super::streams::two_ended;
use super::*;
use crate::engine::rehearsal::authority::{Authority, challenge, granted, granted_from, guarded};
use crate::engine::sources::Sources;
use crate::model::distribution::Distribution;
use crate::model::event::{GrantChange, Second};
use crate::model::profile::Connections;
use crate::model::profile::oauth::{Loser, OAuth};
use crate::protocol::era::Transport;

const LIFETIME: u64 = 30;
const AGAIN: GrantChange = GrantChange::Authorised { again: true };

fn profile() -> Profile {
    let oauth = OAuth { refresh_share: 0.2, ..pooled(plain()).oauth };
    Profile { oauth, ..pooled(plain()) }
}

fn racing(loser: Loser) -> Profile {
    let holder_gap = Distribution::constant(ms(700));
    Profile { oauth: OAuth { holders: 2, holder_gap, loser, ..profile().oauth }, ..profile() }
}

/// Which token a request carries, counted from 1.
fn number(seen: &Seen) -> usize {
    let bearer = seen.header("authorization").unwrap_or_default();
    bearer.strip_prefix("Bearer access-").map_or(0, |number| number.parse().unwrap())
}

/// A server whose streams end with the token that opened them.
fn cutting() -> Server {
    let issued = Mutex::new(Vec::new());
    guarded(&Authority::new(LIFETIME), move |seen| {
        let mut issued = issued.lock().unwrap();
        if seen.path == "/token" {
            issued.push(seen.at);
        }
        let is_stream = seen.path == "/mcp" && seen.what() == "GET" && number(seen) > 0;
        is_stream.then(|| {
            let end = issued[number(seen) - 1] + ms(LIFETIME * 1_000);
            if seen.at >= end {
                return vec![Do::Write(challenge(401, "error=\"invalid_token\""))];
            }
            vec![Do::Write(stream_head()), Do::After(end.saturating_sub(seen.at)), Do::Close]
        })
    })
}

/// The tokens that streams were opened with, and when, in seconds.
fn streams(server: &Server) -> Vec<(usize, u64)> {
    let seen = server.seen().into_iter();
    let gets = seen.filter(|seen| seen.path == "/mcp" && seen.what() == "GET");
    gets.map(|seen| (number(&seen), seen.at.as_secs())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_with_its_token_is_opened_with_the_next_one() {
    let streaming = Profile { stream_share: 1.0, stream_awaited: true, resumes: 2, ..profile() };
    // Idle, the token is renewed for the stream; busy, it was before, at 24 and 48 and 72 s.
    for (calls, expected) in
        [(1, [(1, 0), (2, 31), (3, 62), (4, 93)]), (100, [(1, 0), (2, 31), (3, 55), (4, 79)])]
    {
        let server = cutting();
        let client = Client::new(granted(&server, streaming.clone()), 0);
        let clock = client.common.wire.clock.clone();
        for second in 0..100 {
            if second < calls {
                client.call(clock.now(), ASK).await;
            }
            clock.sleep_until(ms((second + 1) * 1_000)).await;
        }
        assert_eq!(streams(&server), expected, "{calls}");
        let told = told(&client);
        assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
        assert!(told.grants.iter().all(|change| !matches!(change, GrantChange::Lost | &AGAIN)));
        assert!(told.refused.is_empty());
    }
}

/// A server of the modern era, whose streams of changes end with the token that opened them.
fn modern_and_cutting() -> Server {
    let issued = Mutex::new(Vec::new());
    guarded(&Authority::new(LIFETIME), move |seen| {
        let mut issued = issued.lock().unwrap();
        if seen.path == "/token" {
            issued.push(seen.at);
        }
        let end = issued.get(number(seen).wrapping_sub(1)).copied()? + ms(LIFETIME * 1_000);
        (seen.path == "/mcp" && seen.at < end).then(|| {
            if seen.what() != "subscriptions/listen" {
                return sound_modern(seen);
            }
            let (method, id) = ("notifications/subscriptions/acknowledged", &seen.json()["id"]);
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
            let params = json!({ "notifications": { "toolsListChanged": true }, "_meta": meta });
            let said = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string();
            let head = [stream_head(), chunk(&event(&said))].concat();
            vec![Do::Write(head), Do::After(end.saturating_sub(seen.at)), Do::Close]
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_changes_that_ends_with_its_token_is_asked_for_again() {
    let server = modern_and_cutting();
    let oauth = profile().oauth;
    let profile =
        Profile { stream_share: 1.0, stream_awaited: true, resumes: 2, oauth, ..modern() };
    let client = Client::new(granted(&server, profile), 0);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep_until(ms(100_000)).await;
    let seen = server.seen().into_iter().filter(|seen| seen.what() == "subscriptions/listen");
    let asked: Vec<_> = seen.map(|seen| (number(&seen), seen.at.as_secs())).collect();
    assert_eq!(asked, [(1, 0), (2, 31), (3, 62), (4, 93)]);
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Ok);
    assert!(told.violations.is_empty(), "{:?}", told.violations);
    assert!(told.refused.is_empty());
}

/// The stream of HTTP+SSE breaks, and the token with it: the session that follows gets another.
#[tokio::test(start_paused = true)]
async fn a_stream_of_two_ends_that_is_refused_is_asked_for_once_more() {
    let server = guarded(&Authority::new(3_600), |seen| {
        let is_mcp = seen.path == "/mcp" || seen.path.starts_with("/messages");
        let is_good = number(seen) > usize::from(seen.at >= ms(1_000));
        (is_mcp && number(seen) > 0).then(|| match seen.what().as_str() {
            _ if !is_good => vec![Do::Write(challenge(401, "error=\"invalid_token\""))],
            "tools/call" if seen.at < ms(1_000) => {
                vec![Do::Write(reply(202, &[], "")), Do::After(ms(30)), Do::HangUp]
            }
            _ => two_ended(seen),
        })
    });
    let mut common = granted(&server, profile());
    Arc::get_mut(&mut common).unwrap().wish.transport = Transport::HttpSse;
    let client = Client::new(common, 0);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep_until(ms(2_000)).await;
    client.call(ms(2_000), ASK).await;
    let bearers: Vec<_> = streams(&server).into_iter().map(|(number, _)| number).collect();
    assert_eq!(bearers, [0, 1, 1, 2]);
    let told = told(&client);
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::CutStream, Outcome::Ok]);
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_race_reads_the_new_tokens_or_logs_the_user_out() {
    for (loser, expected) in
        [(Loser::Reads, &[][..]), (Loser::LogsOut, &[GrantChange::Lost, AGAIN])]
    {
        let server = guarded(&Authority::new(LIFETIME), |_| None);
        let client = Client::new(granted(&server, racing(loser)), 0);
        let clock = client.common.wire.clock.clone();
        // Renewed at 24 s; the second process is refused 700 ms later.
        for _ in 0..30 {
            client.call(clock.now(), ASK).await;
            clock.sleep(ms(1_000)).await;
        }
        let told = told(&client);
        let is_of_loss = |change: &GrantChange| matches!(change, GrantChange::Lost | &AGAIN);
        let lost: Vec<_> = told.grants.into_iter().filter(is_of_loss).collect();
        assert_eq!(lost, expected, "{loser:?}");
        assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok), "{loser:?}");
    }
}

/// Both losers find the grant dead; the first one's login is told to wait, and the second waits, too.
#[tokio::test(start_paused = true)]
async fn who_loses_a_race_waits_as_long_as_the_one_before_was_told_to() {
    let server = guarded(&Authority::new(LIFETIME), |seen| {
        let is_login = seen.path == "/token" && seen.body.contains("authorization_code");
        let is_late = is_login && seen.at > ms(10_000);
        is_late.then(|| vec![Do::Write(reply(429, &["retry-after: 600"], ""))])
    });
    let oauth = OAuth { holders: 3, ..racing(Loser::LogsOut).oauth };
    let client = Client::new(granted(&server, Profile { oauth, ..profile() }), 0);
    let clock = client.common.wire.clock.clone();
    for _ in 0..40 {
        client.call(clock.now(), ASK).await;
        clock.sleep(ms(1_000)).await;
    }
    let seen = server.seen();
    let is_login = |seen: &&Seen| seen.path == "/token" && seen.body.contains("authorization_code");
    let logins = seen.iter().filter(is_login).count();
    assert_eq!(logins, 2, "the first, and one more");
    let grants = told(&client).grants;
    let lost = grants.iter().filter(|change| **change == GrantChange::Lost).count();
    assert_eq!(lost, 1, "{grants:?}");
}

#[tokio::test(start_paused = true)]
async fn users_and_their_processes_leave_from_addresses_in_turn() {
    let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 1, last]));
    for connections in [Connections::PerUser, Connections::Shared] {
        let server = guarded(&Authority::new(LIFETIME), |_| None);
        let profile = Profile { connections, ..racing(Loser::Reads) };
        let common = granted_from(&server, profile, Sources::new(&[one, two]));
        let first = Client::new(Arc::clone(&common), 0);
        let clock = common.wire.clock.clone();
        for _ in 0..26 {
            first.call(clock.now(), ASK).await;
            clock.sleep(ms(1_000)).await;
        }
        let from = |seen: &Seen| server.source(seen.connection).unwrap();
        let race: Vec<_> =
            server.seen().into_iter().filter(|seen| seen.body.contains("refresh-1")).collect();
        assert_eq!(race.iter().map(from).collect::<Vec<_>>(), [one, two]);
        let others = server.seen().into_iter().filter(|seen| !seen.body.contains("refresh-1"));
        assert!(others.map(|seen| from(&seen)).all(|address| address == one));
        assert!(told(&first).races.is_empty(), "nobody knows yet what became of it");
        let before = server.seen().len();
        let second = Client::new(common, 1);
        second.call(clock.now(), ASK).await;
        assert!(server.seen()[before..].iter().all(|seen| from(seen) == two), "{connections:?}");
        let (_stopper, stop) = stop::stop();
        first.leave(&stop).await;
        let races: Vec<_> = told(&first).races.iter().map(|race| race.second).collect();
        assert_eq!(races, [Second::Refused]);
    }
}
