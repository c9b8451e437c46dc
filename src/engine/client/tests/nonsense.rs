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
        let changes = [GrantChange::Registered, AUTHORISED, GrantChange::LockedOut, AGAIN];
        assert_eq!(told.grants, changes, "{body}");
        let said = &told.refused[0].said;
        assert!(said.contains("refresh: http://localhost/token") && said.contains(why), "{said}");
    }
}
