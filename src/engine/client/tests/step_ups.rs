//! Users whose tokens have too little scope: who asks for more, how often, and when no longer.

use super::grants::{AGAIN, AUTHORISED, HOUR, count, profile, user};
use super::*;
use crate::engine::rehearsal::authority::{Authority, challenge, granted, guarded};
use crate::model::event::GrantChange;
use crate::model::profile::oauth::OAuth;

#[tokio::test(start_paused = true)]
async fn more_scope_is_asked_for_as_often_as_the_profile_says() {
    let endless = |seen: &Seen| {
        let scope = format!("error=\"insufficient_scope\", scope=\"scope-{}\"", seen.at.as_nanos());
        (seen.what() == "tools/call")
            .then(|| vec![Do::Write(challenge(403, &scope)), Do::After(ms(1))])
    };
    let server = guarded(&Authority::new(HOUR), endless);
    let oauth = OAuth { step_ups: 3, ..profile().oauth };
    let client = Client::new(granted(&server, Profile { oauth, ..profile() }), 0);
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Unauthorised(403));
    assert_eq!(count(&server, "/authorize"), 1 + 3);
    let last = server.seen().into_iter().rfind(|seen| seen.path.starts_with("/authorize")).unwrap();
    assert!(last.path.contains("scope=read+scope-"), "the union: {}", last.path);
}

#[tokio::test(start_paused = true)]
async fn the_same_refusal_of_scope_twice_is_final() {
    let same = |seen: &Seen| {
        let scope = "error=\"insufficient_scope\", scope=\"write\"";
        (seen.what() == "tools/call").then(|| vec![Do::Write(challenge(403, scope))])
    };
    let server = guarded(&Authority::new(HOUR), same);
    let oauth = OAuth { step_ups: 3, ..profile().oauth };
    let client = Client::new(granted(&server, Profile { oauth, ..profile() }), 0);
    for second in 0..5 {
        client.call(ms(1_000 * second), ASK).await;
    }
    let told = told(&client);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Unauthorised(403)));
    // The first call consents and asks once more; every other one asks once.
    assert_eq!((count(&server, "/authorize"), count(&server, "tools/call")), (2, 2 + 4));
    let (widens, not) =
        (GrantChange::ScopeRefused { widens: true }, GrantChange::ScopeRefused { widens: false });
    let all = [GrantChange::Registered, AUTHORISED, widens, AGAIN, not, not, not, not, not];
    assert_eq!(told.grants, all);
}

#[tokio::test(start_paused = true)]
async fn a_step_up_that_the_servers_put_off_is_made_later_and_a_new_login_begins_anew() {
    let authority = Authority::new(HOUR);
    let good = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        let is_busy = seen.path == "/token" && (ms(1_000)..ms(9_000)).contains(&seen.at);
        let scope = "error=\"insufficient_scope\", scope=\"write\"";
        let is_call = good.admits(seen) && seen.what() == "tools/call";
        match seen.at >= ms(1_000) {
            true if is_busy => Some(vec![Do::Write(reply(429, &["retry-after: 10"], ""))]),
            true if is_call => Some(vec![Do::Write(challenge(403, scope))]),
            _ => None,
        }
    });
    let client = user(&server);
    let clock = client.common.wire.clock.clone();
    let mut consents = Vec::new();
    for at in [0, 1_000, 5_000, 12_000, 13_000] {
        clock.sleep_until(ms(at)).await;
        client.call(ms(at), ASK).await;
        consents.push(count(&server, "/authorize"));
    }
    assert_eq!(consents, [1, 2, 2, 3, 3]);
    authority.revoke(false);
    client.call(clock.now(), ASK).await;
    assert_eq!(count(&server, "/authorize"), 3 + 2, "a login, and its step-up");
}
