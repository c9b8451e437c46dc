//! Users with tokens of their own: how they come to them, renew them, lose them.

use super::*;
use crate::engine::rehearsal::authority::{Authority, challenge, granted, guarded, refused};
use crate::model::distribution::Distribution;
use crate::model::event::{GrantChange, Second};
use crate::model::profile::oauth::{OAuth, Registration};

pub(super) const AUTHORISED: GrantChange = GrantChange::Authorised { again: false };
pub(super) const AGAIN: GrantChange = GrantChange::Authorised { again: true };
const REFRESHED: GrantChange = GrantChange::Refreshed { rotated: true };
pub(super) const HOUR: u64 = 3600;

/// One session, refreshes with a fifth of a token's life left.
pub(super) fn profile() -> Profile {
    let oauth = OAuth { refresh_share: 0.2, ..pooled(plain()).oauth };
    Profile { oauth, ..pooled(plain()) }
}

pub(super) fn user(server: &Server) -> Arc<Client> {
    Client::new(granted(server, profile()), 0)
}

/// What each request was: the leg by its path, else the method.
fn heard(server: &Server) -> Vec<String> {
    let name = |seen: &Seen| match seen.path.split('?').next() {
        Some("/mcp") => seen.what(),
        path => path.unwrap_or_default().trim_start_matches("/.well-known/").to_owned(),
    };
    server.seen().iter().map(name).collect()
}

pub(super) fn count(server: &Server, what: &str) -> usize {
    heard(server).iter().filter(|heard| *heard == what).count()
}

/// One call a second, for so many seconds.
async fn calls(client: &Arc<Client>, seconds: u64) -> Vec<Outcome> {
    let clock = &client.common.wire.clock;
    for _ in 0..seconds {
        let due = clock.now();
        client.call(due, ASK).await;
        clock.sleep_until(due + ms(1_000)).await;
    }
    told(client).calls.iter().map(|call| call.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn a_first_call_is_refused_and_leads_to_tokens() {
    let server = guarded(&Authority::new(HOUR), |_| None);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    let way = [
        "initialize",
        "oauth-protected-resource/mcp",
        "oauth-authorization-server",
        "/register",
        "/authorize",
        "/token",
        "initialize",
        "notifications/initialized",
        "tools/call",
    ];
    assert_eq!(heard(&server), way);
    let told = told(&client);
    assert_eq!(told.grants, [GrantChange::Registered, AUTHORISED]);
    let call = told.calls[0];
    assert_eq!((call.outcome, call.exchanges, call.first_with_token), (Outcome::Ok, 9, true));
    assert_eq!((told.exchanges[0].outcome, told.sent()), (Outcome::Ok, 9));
    client.call(ms(200), ASK).await;
    let next = super::told(&client);
    assert_eq!((next.calls[0].exchanges, next.calls[0].first_with_token), (1, false));
    let bearer = server.seen().last().unwrap().header("authorization").map(str::to_owned);
    assert_eq!(bearer.as_deref(), Some("Bearer access-1"));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_once_a_lifetime_and_never_refused() {
    for (lifetime, refreshes) in [(30, 4), (60, 2)] {
        let server = guarded(&Authority::new(lifetime), |_| None);
        let client = user(&server);
        // Renewed every 24 s, or every 48 s.
        let outcomes = calls(&client, 100).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Ok), "{outcomes:?}");
        assert_eq!(count(&server, "/token"), 1 + refreshes, "{lifetime} s");
        let seen = server.seen();
        let bare = seen.iter().filter(|seen| seen.path == "/mcp");
        let bare = bare.filter(|seen| seen.header("authorization").is_none());
        assert_eq!(bare.count(), 1, "the first request of all");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_early_is_renewed_and_the_call_made_once_more() {
    let authority = Authority::new(HOUR);
    let server = guarded(&authority, |_| None);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    told(&client);
    authority.revoke(true);
    client.call(ms(1_000), ASK).await;
    let told = told(&client);
    assert_eq!(told.grants, [GrantChange::RefusedEarly, REFRESHED]);
    let call = told.calls[0];
    assert_eq!((call.outcome, call.exchanges, call.first_with_token), (Outcome::Ok, 3, true));
    let outcomes: Vec<_> = told.exchanges.iter().map(|exchange| exchange.outcome).collect();
    assert!(outcomes.contains(&Outcome::Unauthorised(401)), "the refusal stays one: {outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_renews_once() {
    let authority = Authority::new(HOUR);
    let server = guarded(&authority, |_| None);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    authority.revoke(true);
    futures_util::future::join_all((0..10).map(|_| client.call(ms(1_000), ASK))).await;
    let told = told(&client);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok), "{:?}", told.calls);
    assert_eq!(count(&server, "/token"), 2);
    assert_eq!(told.calls.iter().filter(|call| call.first_with_token).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_grant_is_consented_anew() {
    let authority = Authority::new(HOUR);
    let server = guarded(&authority, |_| None);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    told(&client);
    authority.revoke(false);
    client.call(ms(1_000), ASK).await;
    let told = told(&client);
    assert_eq!(told.grants, [GrantChange::RefusedEarly, GrantChange::Lost, AGAIN]);
    assert_eq!((told.calls[0].outcome, count(&server, "/register")), (Outcome::Ok, 1));
}

#[tokio::test(start_paused = true)]
async fn each_registration_is_what_the_profile_says() {
    for (registration, expected) in
        [(Registration::PerConnection, 4), (Registration::PerUser, 2), (Registration::Once, 1)]
    {
        let authority = Authority::new(HOUR);
        let server = guarded(&authority, |_| None);
        let oauth = OAuth { registration, ..profile().oauth };
        let common = granted(&server, Profile { oauth, ..profile() });
        let users = [0, 1].map(|number| Client::new(Arc::clone(&common), number));
        for _ in 0..2 {
            for user in &users {
                user.call(ms(0), ASK).await;
                authority.revoke(false);
            }
        }
        assert_eq!(count(&server, "/register"), expected, "{registration:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_forgotten_is_registered_anew_once() {
    let forgotten = |seen: &Seen| {
        let stale = seen.path == "/token" && seen.body.contains("client-1");
        (stale && seen.at >= ms(500)).then(|| refused(401, "invalid_client"))
    };
    let authority = Authority::new(HOUR);
    let server = guarded(&authority, forgotten);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    told(&client);
    authority.revoke(true);
    client.common.wire.clock.sleep_until(ms(1_000)).await;
    client.call(ms(1_000), ASK).await;
    let told = told(&client);
    let changes =
        [GrantChange::RefusedEarly, GrantChange::ClientForgotten, GrantChange::Registered, AGAIN];
    assert_eq!((told.grants.as_slice(), told.calls[0].outcome), (&changes[..], Outcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_client_has_one_registered_once_more_and_no_oftener() {
    // One that never knew any, and one that forgets them all: each try ends with the second refusal.
    for (from, registered) in [(ms(0), 2), (ms(500), 2)] {
        let authority = Authority::new(HOUR);
        let server = guarded(&authority, move |seen| {
            let is_refused = seen.path == "/token" && seen.at >= from;
            is_refused.then(|| refused(401, "invalid_client"))
        });
        let client = user(&server);
        client.call(ms(0), ASK).await;
        authority.revoke(true);
        client.common.wire.clock.sleep_until(ms(1_000)).await;
        client.call(ms(1_000), ASK).await;
        assert_eq!(told(&client).calls[1].outcome, Outcome::Unauthorised(401), "{from:?}");
        assert_eq!(count(&server, "/register"), registered, "{from:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_all_users_that_was_forgotten_is_registered_once_for_all() {
    let forgotten = |seen: &Seen| {
        let stale = seen.path == "/token" && seen.body.contains("client-1");
        (stale && seen.at >= ms(500)).then(|| refused(401, "invalid_client"))
    };
    let authority = Authority::new(HOUR);
    let server = guarded(&authority, forgotten);
    let oauth = OAuth { registration: Registration::Once, ..profile().oauth };
    let common = granted(&server, Profile { oauth, ..profile() });
    let users = [0, 1, 2, 3].map(|number| Client::new(Arc::clone(&common), number));
    for user in &users {
        user.call(ms(0), ASK).await;
    }
    authority.revoke(true);
    common.wire.clock.sleep_until(ms(1_000)).await;
    for user in &users {
        // Each finds out alone, and all but the first when there is a new client already.
        user.call(ms(1_000), ASK).await;
    }
    let told = told(&users[0]);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok), "{:?}", told.calls);
    assert_eq!(count(&server, "/register"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_token_endpoint_keeps_the_tokens() {
    // Due at 24 s, gone at 30 s; the outage lasts from 20 s to 28 s.
    let outage = |seen: &Seen| {
        let is_out = (ms(20_000)..ms(28_000)).contains(&seen.at);
        (is_out && seen.path == "/token").then(|| refused(503, "temporarily_unavailable"))
    };
    let server = guarded(&Authority::new(30), outage);
    let client = user(&server);
    let outcomes = calls(&client, 40).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Ok), "{outcomes:?}");
    // At 24 s, and after the pause of 5 s at 29 s.
    assert_eq!(count(&server, "/token"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_goes_on_when_its_call_is_given_up() {
    let authority = Authority::new(30);
    let slow = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
        refreshes.then(|| [vec![Do::After(ms(2_000))], slow.answer(seen)].concat())
    });
    let client = user(&server);
    client.call(ms(0), ASK).await;
    let clock = client.common.wire.clock.clone();
    clock.sleep_until(ms(29_999)).await;
    // Its time is near: the call waits for the renewal, and is given up in the middle of it.
    let given_up = clock.by(clock.now() + ms(500), client.call(clock.now(), ASK)).await;
    assert_eq!(given_up, None);
    clock.sleep_until(ms(33_000)).await;
    told(&client);
    client.call(clock.now(), ASK).await;
    let told = told(&client);
    assert_eq!((told.calls[0].outcome, told.grants.len()), (Outcome::Ok, 0));
    assert_eq!(count(&server, "/token"), 2, "the server's rotation was not lost");
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_after_new_tokens_is_final() {
    let server = guarded(&Authority::new(HOUR), |seen| {
        (seen.what() == "tools/call").then(|| vec![Do::Write(challenge(401, "error=\"x\""))])
    });
    let client = user(&server);
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Unauthorised(401));
    assert_eq!((count(&server, "tools/call"), count(&server, "/token")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_comes_to_no_tokens_tries_again_when_it_may() {
    let limited = |seen: &Seen| {
        let limited = seen.path == "/register" && seen.at < ms(5_000);
        limited.then(|| vec![Do::Write(reply(429, &["retry-after: 10"], ""))])
    };
    let server = guarded(&Authority::new(HOUR), limited);
    let client = user(&server);
    let outcomes = calls(&client, 12).await;
    let (before, after) = outcomes.split_at(10);
    assert!(before.iter().all(|outcome| *outcome == Outcome::Unauthorised(401)), "{outcomes:?}");
    assert_eq!(after, [Outcome::Ok, Outcome::Ok]);
    assert_eq!(count(&server, "/register"), 2, "nothing is asked meanwhile");
}

#[tokio::test(start_paused = true)]
async fn why_a_user_comes_to_no_tokens_is_told_without_secrets() {
    let denied = |seen: &Seen| (seen.path == "/token").then(|| refused(400, "invalid_target"));
    let server = guarded(&Authority::new(HOUR), denied);
    let client = user(&server);
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.grants, [GrantChange::Registered, GrantChange::LockedOut { again: false }]);
    let said = &told.refused[0].said;
    assert!(said.contains("token: http://localhost/token refused: invalid_target"), "{said}");
    let throttled = told.exchanges.iter().filter(|one| one.operation == Operation::OauthToken);
    assert_eq!(throttled.map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Status(400)]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_refused_is_asked_for_once_more() {
    let authority = Authority::new(HOUR);
    let revoking = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        if seen.what() == "GET" && !seen.path.contains("known") && seen.path == "/mcp" {
            if seen.header("authorization") == Some("Bearer access-1") {
                revoking.revoke(true);
                return Some(vec![Do::Write(challenge(401, "error=\"invalid_token\""))]);
            }
            return Some(vec![Do::Write(stream_head()), Do::Hang]);
        }
        None
    });
    let profile = Profile { stream_share: 1.0, stream_awaited: true, ..profile() };
    let client = Client::new(granted(&server, profile), 0);
    client.call(ms(0), ASK).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Ok);
    let streams =
        server.seen().into_iter().filter(|seen| seen.path == "/mcp" && seen.what() == "GET");
    let bearers: Vec<_> =
        streams.map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(bearers, ["Bearer access-1", "Bearer access-2"]);
}

/// A profile of two processes, the second so much later.
fn racing(gap: u64) -> Profile {
    let holder_gap = Distribution::constant(ms(gap));
    Profile { oauth: OAuth { holders: 2, holder_gap, ..profile().oauth }, ..profile() }
}

#[tokio::test(start_paused = true)]
async fn a_second_process_presents_the_same_refresh_token_and_its_answer_is_told() {
    // Each refresh token is good once: the second process is refused, and nobody is logged out.
    let server = guarded(&Authority::new(30), |_| None);
    let client = Client::new(granted(&server, racing(700)), 0);
    let clock = client.common.wire.clock.clone();
    for _ in 0..60 {
        client.call(clock.now(), ASK).await;
        clock.sleep(ms(1_000)).await;
    }
    let told = told(&client);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
    // Renewed at 24 and 48 s; the first race was settled by the second renewal.
    let race = told.races[0];
    assert_eq!((race.gap, race.second, race.first_alive), (ms(700), Second::Refused, Some(true)));
    assert_eq!((told.races.len(), count(&server, "/token")), (1, 5));
    let refreshes: Vec<_> =
        server.seen().into_iter().filter(|seen| seen.body.contains("refresh-1")).collect();
    assert_eq!(refreshes[1].at, refreshes[0].at + ms(700));
    let (_stopper, stop) = stop::stop();
    client.leave(&stop).await;
    let last = super::told(&client).races;
    assert_eq!((last.len(), last[0].first_alive), (1, None), "nobody knows what became of it");
}

#[tokio::test(start_paused = true)]
async fn a_race_that_kills_the_first_ones_tokens_is_told() {
    let authority = Authority::new(30);
    let strict = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        // The first refresh token for the second time: everything that came of it is revoked.
        let again = seen.body.contains("refresh-1") && seen.at > ms(24_500);
        again.then(|| {
            strict.revoke(false);
            refused(400, "invalid_grant")
        })
    });
    let client = Client::new(granted(&server, racing(700)), 0);
    let clock = client.common.wire.clock.clone();
    for _ in 0..30 {
        client.call(clock.now(), ASK).await;
        clock.sleep(ms(1_000)).await;
    }
    let told = told(&client);
    let race = told.races[0];
    assert_eq!((race.second, race.first_alive), (Second::Refused, Some(false)));
    let changes = [GrantChange::RefusedEarly, GrantChange::Lost, AGAIN];
    assert!(told.grants.ends_with(&changes), "{:?}", told.grants);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_login_that_fails_does_not_try_it_again() {
    let limited = |seen: &Seen| (seen.path == "/register").then(|| refused(429, "slow_down"));
    let server = guarded(&Authority::new(HOUR), limited);
    let client = user(&server);
    futures_util::future::join_all((0..10).map(|_| client.call(ms(0), ASK))).await;
    assert_eq!(count(&server, "/register"), 1);
    assert_eq!(told(&client).refused.len(), 1);
}
