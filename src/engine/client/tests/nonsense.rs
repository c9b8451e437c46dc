//! Token endpoints that answer a refresh with what no client can use.

use super::*;
use crate::engine::rehearsal::authority::{Authority, granted, guarded};
use crate::model::event::GrantChange;
use crate::model::profile::oauth::OAuth;

const AUTHORISED: GrantChange = GrantChange::Authorised { again: false };
const AGAIN: GrantChange = GrantChange::Authorised { again: true };

/// One session, refreshes with a fifth of a token's life left.
fn profile() -> Profile {
    let oauth = OAuth { refresh_share: 0.2, ..pooled(plain()).oauth };
    Profile { oauth, ..pooled(plain()) }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_nothing_helps_is_named_and_no_grant_that_was_lost() {
    let odd = |body: &'static str| {
        move |seen: &Seen| {
            let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
            let is_odd = refreshes && seen.at < ms(30_000);
            is_odd.then(|| vec![Do::Write(reply(400, &["content-type: application/json"], body))])
        }
    };
    for (body, why) in [
        (r#"{"error":"unsupported_grant_type"}"#, "refused: unsupported_grant_type"),
        (r#"{"error":"invalid_target"}"#, "refused: invalid_target"),
        ("{}", "answered 400"),
    ] {
        let server = guarded(&Authority::new(30), odd(body));
        let client = Client::new(granted(&server, profile()), 0);
        let clock = client.common.wire.clock.clone();
        // Due at 24 s; a person notices a minute later, and logs in anew.
        for second in 0..90 {
            clock.sleep_until(ms(second * 1_000)).await;
            client.call(clock.now(), ASK).await;
        }
        let told = told(&client);
        let refused = |call: &&Call| call.outcome == Outcome::Unauthorised(401);
        assert_eq!(told.calls.iter().filter(refused).count(), 60, "{body}");
        assert_eq!(told.calls.last().unwrap().outcome, Outcome::Ok, "{body}");
        let changes =
            [GrantChange::Registered, AUTHORISED, GrantChange::LockedOut { again: true }, AGAIN];
        assert_eq!(told.grants, changes, "{body}");
        let said = &told.refused[0].said;
        assert!(said.contains("refresh: http://localhost/token") && said.contains(why), "{said}");
    }
}

/// Servers quote what they were told: no secret of a leg is in what is said of it.
#[tokio::test(start_paused = true)]
async fn what_a_server_quotes_of_a_leg_is_hidden() {
    let quoting = |seen: &Seen| {
        let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
        refreshes.then(|| {
            let form: Vec<_> = url::form_urlencoded::parse(seen.body.as_bytes()).collect();
            let token = &form.iter().find(|(name, _)| name == "refresh_token").unwrap().1;
            let body = format!(
                r#"{{"error":"unsupported_{token}","error_description":"the token {token} is odd"}}"#
            );
            vec![Do::Write(reply(400, &["content-type: application/json"], &body))]
        })
    };
    let server = guarded(&Authority::new(30), quoting);
    let client = Client::new(granted(&server, profile()), 0);
    let clock = client.common.wire.clock.clone();
    for second in [0, 40] {
        clock.sleep_until(ms(second * 1_000)).await;
        client.call(clock.now(), ASK).await;
    }
    let said = &told(&client).refused[0].said;
    assert!(said.contains("refused: unsupported_*** (the token *** is odd)"), "{said}");
}

/// A server that is slow to say that it cannot is left alone from when it has said so.
#[tokio::test(start_paused = true)]
async fn a_pause_begins_with_the_answer_that_asks_for_it() {
    let slow = |seen: &Seen| {
        let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
        let busy = Do::Write(reply(503, &["retry-after: 3"], ""));
        refreshes.then(|| vec![Do::After(ms(6_000)), busy])
    };
    let server = guarded(&Authority::new(60), slow);
    let client = Client::new(granted(&server, profile()), 0);
    let clock = client.common.wire.clock.clone();
    for second in 0..59 {
        clock.sleep_until(ms(second * 1_000)).await;
        client.call(clock.now(), ASK).await;
    }
    let seen = server.seen().into_iter();
    let refreshes =
        seen.filter(|seen| seen.path == "/token" && seen.body.contains("refresh_token"));
    let at: Vec<_> = refreshes.map(|seen| seen.at).collect();
    // Due at 48 s, answered at 54 s, and not again before 57 s.
    assert_eq!(at, [ms(48_000), ms(57_000)]);
}

/// The server has replaced the tokens by the time its user leaves: they are what is kept.
#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_of_a_refresh_keeps_what_it_brings() {
    let authority = Authority::new(30);
    let slow = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
        refreshes.then(|| [vec![Do::After(ms(3_000))], slow.answer(seen)].concat())
    });
    let client = Client::new(granted(&server, profile()), 0);
    let clock = client.common.wire.clock.clone();
    client.call(ms(0), ASK).await;
    clock.sleep_until(ms(25_000)).await;
    let cut = clock.by(ms(26_000), client.call(ms(25_000), ASK)).await;
    assert!(cut.is_none(), "it waits for the refresh");
    client.holder.leave().await;
    let changes = told(&client).grants;
    assert_eq!(changes.last(), Some(&GrantChange::Refreshed { rotated: true }), "{changes:?}");
}
