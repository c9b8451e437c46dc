//! One grant for all users: shared by one process, or cloned; and what a person's time costs.

use super::*;
use crate::engine::grant::Grant;
use crate::engine::realm::{Consenting, Flow};
use crate::engine::rehearsal::authority::{Authority, granted_as, guarded, refused};
use crate::engine::stop;
use crate::model::event::GrantChange;
use crate::model::plan::auth::One;
use crate::model::profile::oauth::OAuth;
use crate::protocol::oauth::saved::Kept;

const LOCKED_OUT: GrantChange = GrantChange::LockedOut { again: true };
const REFRESHED: GrantChange = GrantChange::Refreshed { rotated: true };

/// One session, refreshes with a fifth of a token's life left.
fn profile() -> Profile {
    let oauth = OAuth { refresh_share: 0.2, ..pooled(plain()).oauth };
    Profile { oauth, ..pooled(plain()) }
}

/// So many users of a load, after a look at the target got the grant.
async fn users(server: &Server, one: One, count: u32) -> Vec<Arc<Client>> {
    let mut look = granted_as(server, profile(), None);
    Arc::get_mut(&mut look).unwrap().wallet.give_one(one, None);
    let scout = Client::new(Arc::clone(&look), crate::engine::realm::SCOUT);
    scout.call(ms(0), ASK).await;
    let nobody = Flow::Nobody("a person is asked before the load alone");
    let mut load = granted_as(server, profile(), Some(nobody));
    let shared = Arc::get_mut(&mut load).unwrap();
    shared.wallet.give_one(one, None);
    shared.wallet.inherit(&look.wallet, ms(0));
    (0..count).map(|user| Client::new(Arc::clone(&load), user)).collect()
}

fn asked(server: &Server, path: &str) -> usize {
    server.seen().iter().filter(|seen| seen.path.starts_with(path)).count()
}

async fn rounds(users: &[Arc<Client>], seconds: u64) {
    let clock = users[0].common.wire.clock.clone();
    for _ in 0..seconds {
        let due = clock.now();
        futures_util::future::join_all(users.iter().map(|user| user.call(due, ASK))).await;
        clock.sleep_until(due + ms(1_000)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_share_it_renew_it_once_a_lifetime() {
    let server = guarded(&Authority::new(30), |_| None);
    let users = users(&server, One::Shared, 3).await;
    rounds(&users, 60).await;
    let told = told(&users[0]);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
    assert_eq!((told.calls.len(), told.grants.as_slice()), (180, &[REFRESHED, REFRESHED][..]));
    // The one login, and at 24 s and 48 s, for all three.
    assert_eq!((asked(&server, "/authorize"), asked(&server, "/token")), (1, 3));
    let first = told.calls.iter().filter(|call| call.first_with_token).count();
    assert_eq!(first, 3, "of each token");
}

#[tokio::test(start_paused = true)]
async fn who_have_copies_race_for_it() {
    // Each refresh token is good once: of three copies one is renewed, and two are lost.
    let server = guarded(&Authority::new(30), |_| None);
    let users = users(&server, One::Cloned, 3).await;
    rounds(&users, 40).await;
    let told = told(&users[0]);
    let count = |change| told.grants.iter().filter(|told| **told == change).count();
    assert_eq!((count(REFRESHED), count(GrantChange::Lost)), (1, 2), "{:?}", told.grants);
    assert_eq!(count(GrantChange::LockedOut { again: true }), 2);
    assert_eq!(asked(&server, "/authorize"), 1, "nobody is asked during the load");
    let said = &told.refused[0].said;
    assert!(said.contains("refresh: http://localhost/token refused: invalid_grant"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_shared_one_is_lost_once_and_each_user_goes_without() {
    let authority = Authority::new(30);
    let server = guarded(&authority, |_| None);
    let users = users(&server, One::Shared, 3).await;
    rounds(&users, 2).await;
    told(&users[0]);
    authority.revoke(false);
    rounds(&users, 5).await;
    let told = told(&users[0]);
    let count = |change| told.grants.iter().filter(|told| **told == change).count();
    assert_eq!(count(GrantChange::Lost), 1);
    assert_eq!(count(GrantChange::LockedOut { again: true }), 3, "each of them, once");
    assert_eq!(told.refused.len(), 1, "why is told once");
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Unauthorised(401)));
}

#[tokio::test(start_paused = true)]
async fn what_was_issued_before_the_load_is_told_in_it() {
    let server = guarded(&Authority::new(30), |_| None);
    let users = users(&server, One::Shared, 2).await;
    let heard = |client: &Client| {
        let issued = told(client).issued.into_iter();
        let mut heard: Vec<_> = issued.map(|issued| (issued.user, issued.lifetime)).collect();
        heard.sort_unstable();
        heard
    };
    let lifetime = Some(ms(30_000));
    assert_eq!(heard(&users[0]), [(0, lifetime)], "what the look got is for all");

    let mut before = granted_as(&server, profile(), None);
    Arc::get_mut(&mut before).unwrap().wallet.keep();
    for user in [0, 2] {
        Client::new(Arc::clone(&before), user).call(ms(0), ASK).await;
    }
    let mut load = granted_as(&server, profile(), None);
    Arc::get_mut(&mut load).unwrap().wallet.inherit(&before.wallet, ms(0));
    assert_eq!(heard(&Client::new(load, 0)), [(0, lifetime), (2, lifetime)]);

    // Of tokens that were given nobody here heard it.
    let given = vec![Some(bare(r#"{"access":"a","refresh":"r","expires":60}"#))];
    let mut with = granted_as(&server, profile(), None);
    Arc::get_mut(&mut with).unwrap().wallet.give(given);
    let mut load = granted_as(&server, profile(), None);
    Arc::get_mut(&mut load).unwrap().wallet.inherit(&with.wallet, ms(0));
    assert_eq!(heard(&Client::new(load, 0)), []);
}

#[tokio::test(start_paused = true)]
async fn who_was_told_to_wait_before_the_load_waits_in_it() {
    let server = guarded(&Authority::new(30), |seen| {
        let is_limited = seen.path == "/register" && seen.at < ms(50_000);
        is_limited.then(|| vec![Do::Write(reply(429, &["retry-after: 100"], ""))])
    });
    let mut before = granted_as(&server, profile(), None);
    Arc::get_mut(&mut before).unwrap().wallet.keep();
    Client::new(Arc::clone(&before), 0).call(ms(0), ASK).await;
    assert_eq!(asked(&server, "/register"), 1);
    let mut load = granted_as(&server, profile(), None);
    Arc::get_mut(&mut load).unwrap().wallet.inherit(&before.wallet, ms(0));
    let [client, another] = [0, 0].map(|user| Client::new(Arc::clone(&load), user));
    let clock = client.common.wire.clock.clone();
    let sent = server.seen().len();
    for second in [60, 70, 99] {
        clock.sleep_until(ms(second * 1_000)).await;
        client.call(clock.now(), ASK).await;
        another.call(clock.now(), ASK).await;
    }
    let waiting = told(&client);
    assert!(waiting.calls.iter().all(|call| call.outcome == Outcome::Unauthorised(401)));
    assert_eq!(server.seen().len(), sent, "nothing is sent before its time");
    assert_eq!(waiting.grants, [GrantChange::LockedOut { again: false }], "once");
    assert!(waiting.refused.len() == 1 && waiting.refused[0].said.contains("/register"));
    clock.sleep_until(ms(101_000)).await;
    client.call(clock.now(), ASK).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_whose_end_nobody_knows_is_none_that_was_refused_early() {
    for (line, change) in [
        (r#"{"access":"a"}"#, GrantChange::Expired),
        (r#"{"access":"a","expires":1}"#, GrantChange::Expired),
        (r#"{"access":"a","expires":99}"#, GrantChange::RefusedEarly),
    ] {
        let server = guarded(&Authority::new(30), |_| None);
        let mut common = granted_as(&server, profile(), None);
        Arc::get_mut(&mut common).unwrap().wallet.give(vec![Some(bare(line))]);
        let client = Client::new(common, 0);
        let clock = client.common.wire.clock.clone();
        clock.sleep_until(ms(2_000)).await;
        client.call(clock.now(), ASK).await;
        assert_eq!(told(&client).grants[0], change, "{line}");
    }
}

/// A program that was to bring the callback, and does nothing: that is no fault of the server.
#[tokio::test(start_paused = true)]
async fn a_program_that_says_nothing_is_to_blame_itself() {
    let server = guarded(&Authority::new(30), |_| None);
    let command = ["/bin/sh", "-c", "sleep 600; exit"].map(str::to_owned).to_vec();
    let flow = Flow::Code(Consenting::Command(command));
    let client = Client::new(granted_as(&server, profile(), Some(flow)), 0);
    client.call(ms(0), ASK).await;
    let refused = told(&client).refused;
    let expected = "leads to auth.command, which printed no line within ";
    assert!(refused[0].said.contains(expected), "{}", refused[0].said);
    assert!(refused[0].what_to_do.starts_with("run this program by hand"), "and no browser");
}

/// Where nobody can consent, what the server said of the tokens is the end of the story.
#[tokio::test(start_paused = true)]
async fn why_tokens_are_no_longer_good_is_said_by_the_leg_that_found_out() {
    for (error, change) in
        [("invalid_grant", GrantChange::Lost), ("invalid_client", GrantChange::ClientForgotten)]
    {
        let authority = Authority::new(30);
        let server = guarded(&authority, move |seen| {
            seen.body.contains("grant_type=refresh_token").then(|| refused(400, error))
        });
        let users = users(&server, One::Shared, 1).await;
        authority.revoke(true);
        rounds(&users, 2).await;
        let told = told(&users[0]);
        assert_eq!(told.grants, [GrantChange::RefusedEarly, change, LOCKED_OUT]);
        let expected = format!("refresh: http://localhost/token refused: {error}");
        assert!(told.refused[0].said.contains(&expected), "{}", told.refused[0].said);
        assert!(told.refused[0].what_to_do.contains("RFC 6749 section 5.2"));
        assert_eq!(told.refused[0].operation, Operation::OauthRefresh);
    }
    // Without a refresh token nobody is asked but the target.
    let server = guarded(&Authority::new(30), |_| None);
    let nobody = Flow::Nobody("the tokens were given by the scenario");
    let mut common = granted_as(&server, profile(), Some(nobody));
    Arc::get_mut(&mut common).unwrap().wallet.give(vec![Some(bare(r#"{"access":"a"}"#))]);
    let client = Client::new(common, 0);
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(
        told.refused[0].said,
        "refresh: http://localhost/mcp refused the access token (invalid_token), there is \
         no refresh token, and the tokens were given by the scenario: RFC 6750 section 3.1"
    );
}

fn bare(line: &str) -> Grant {
    let kept = Kept::read(line, None).unwrap().unwrap();
    Grant::of(kept, &profile().oauth, (ms(0), ms(0))).unwrap()
}

/// The accesses that users have, by their numbers.
fn kept(common: &Common) -> Vec<Option<String>> {
    let kept = common.wallet.kept((common.wire.clock.now(), ms(0))).into_iter();
    let access = |kept: Kept| kept.granted.tokens.access.expose().to_owned();
    kept.map(|kept| kept.map(access)).collect()
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_its_grant_leaves_its_place_empty() {
    let server = guarded(&Authority::new(30), |_| None);
    let mut common = granted_as(&server, profile(), None);
    Arc::get_mut(&mut common).unwrap().wallet.keep();
    for user in [crate::engine::realm::SCOUT, 0, 2] {
        Client::new(Arc::clone(&common), user).call(ms(0), ASK).await;
    }
    let own = |number: u32| Some(format!("access-{number}"));
    // Only who looked had the first token.
    assert_eq!(kept(&common), [own(2), None, own(3)]);
    let times = (common.wire.clock.now(), ms(0));
    let given = common.wallet.kept(times).into_iter().map(|kept| {
        assert_eq!(kept.as_ref()?.target.as_deref(), Some("http://localhost/mcp"));
        Some(Grant::of(kept?, &profile().oauth, times).unwrap())
    });
    let mut next = granted_as(&server, profile(), None);
    let shared = Arc::get_mut(&mut next).unwrap();
    shared.wallet.give(given.collect());
    for user in 0..3 {
        Client::new(Arc::clone(&next), user).call(ms(0), ASK).await;
    }
    assert_eq!(kept(&next), [own(2), own(4), own(3)]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_does_not_end_what_others_wait_for() {
    let authority = Authority::new(30);
    let slow = Arc::clone(&authority);
    let server = guarded(&authority, move |seen| {
        let refreshes = seen.path == "/token" && seen.body.contains("refresh_token");
        refreshes.then(|| [vec![Do::After(ms(2_000))], slow.answer(seen)].concat())
    });
    let users = users(&server, One::Shared, 2).await;
    let clock = users[0].common.wire.clock.clone();
    rounds(&users, 1).await;
    clock.sleep_until(ms(25_000)).await;
    let (_stopper, stop) = stop::stop();
    let given_up = clock.by(clock.now() + ms(500), users[0].call(clock.now(), ASK));
    let leaving = async {
        assert_eq!(given_up.await, None);
        users[0].leave(&stop).await;
    };
    let waiting = Box::pin(users[1].call(clock.now(), ASK));
    futures_util::future::join(Box::pin(leaving), waiting).await;
    clock.sleep(ms(2_000)).await;
    users[1].call(clock.now(), ASK).await;
    users[1].common.wallet.close().await;
    assert!(told(&users[1]).grants.contains(&REFRESHED));
    assert_eq!(asked(&server, "/token"), 2);
}
