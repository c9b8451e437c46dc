//! Users that do with their tokens what no client should.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::engine::grant::Grant;
use crate::engine::holder::{Habit, Source};
use crate::engine::rehearsal::authority::{
    Authority, challenge, checking, granted, guarded, refused,
};
use crate::engine::rehearsal::json_reply;
use crate::model::event::{Challenged, GrantChange, Whose};
use crate::protocol::oauth::saved::Kept;

fn user(server: &Server, habit: Habit) -> Arc<Client> {
    Client::new(checking(server, pooled(plain()), habit), 0)
}

fn bearers(server: &Server, path: &str) -> Vec<String> {
    let seen = server.seen().into_iter().filter(|seen| seen.path == path);
    seen.filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect()
}

#[tokio::test(start_paused = true)]
async fn who_clings_presents_the_same_token_past_its_end_and_renews_nothing() {
    let server = guarded(&Authority::new(4), |_| None);
    let client = user(&server, Habit::Clinging);
    let clock = client.common.wire.clock.clone();
    for second in 0..8 {
        clock.sleep_until(ms(second * 1_000)).await;
        client.call(clock.now(), ASK).await;
    }
    let told = told(&client);
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    let (good, bad) = outcomes.split_at(4);
    assert!(good.iter().all(|outcome| *outcome == Outcome::Ok), "{outcomes:?}");
    assert!(bad.iter().all(|outcome| *outcome == Outcome::Unauthorised(401)), "{outcomes:?}");
    let calls = told.presented.iter().filter(|one| one.operation == Operation::ToolsCall);
    let calls: Vec<_> = calls.map(|one| (one.sent, one.status, one.challenge)).collect();
    let Whose::Own { ends: Some(ends) } = told.presented[0].token else { panic!("it has an end") };
    assert_eq!(ends, ms(4_000), "nothing takes any time here");
    assert_eq!(calls.len(), 8);
    for (second, (sent, status, challenge)) in calls.iter().enumerate().skip(1) {
        assert_eq!(*sent, ms(second as u64 * 1_000));
        let is_late = *sent >= ends;
        assert_eq!(*status, Some(if is_late { 401 } else { 200 }), "{second}");
        let expected = if is_late { Challenged::WithMetadata } else { Challenged::No };
        assert_eq!(*challenge, expected);
    }
    assert!(told.presented.iter().all(|one| one.token == Whose::Own { ends: Some(ends) }));
    let same = bearers(&server, "/mcp").iter().all(|bearer| bearer == "Bearer access-1");
    assert!(same && bearers(&server, "/token").is_empty());
    let tokens = server.seen().iter().filter(|seen| seen.path == "/token").count();
    assert_eq!(tokens, 1, "nothing was renewed");
    assert_eq!(told.grants[2..], [GrantChange::Expired; 4]);
}

/// A token from before the load that is over, that is missing, and whose end nobody knows.
#[tokio::test(start_paused = true)]
async fn who_clings_begins_with_a_token_that_is_good() {
    let changes: [fn(&mut Kept); 3] =
        [|_| {}, |kept| kept.granted.tokens.access = Secret::new(""), |kept| kept.expires = None];
    for (number, change) in changes.into_iter().enumerate() {
        let server = guarded(&Authority::new(4), |_| None);
        let mut before = granted(&server, pooled(plain()));
        Arc::get_mut(&mut before).unwrap().wallet.keep();
        Client::new(Arc::clone(&before), 0).call(ms(0), ASK).await;
        let clock = before.wire.clock.clone();
        clock.sleep_until(ms(10_000)).await;
        let times = (clock.now(), ms(1_000_000));
        let mut kept = before.wallet.kept(times).remove(0).unwrap();
        change(&mut kept);
        let grant = Grant::of(kept, &pooled(plain()).oauth, times).unwrap();
        let mut common = checking(&server, pooled(plain()), Habit::Clinging);
        Arc::get_mut(&mut common).unwrap().wallet.give(vec![Some(grant)]);
        let client = Client::new(common, 0);
        for second in 10..18 {
            clock.sleep_until(ms(second * 1_000)).await;
            client.call(clock.now(), ASK).await;
        }
        let told = told(&client);
        let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
        let (good, bad) = outcomes.split_at(4);
        assert!(good.iter().all(|outcome| *outcome == Outcome::Ok), "{number}: {outcomes:?}");
        let no = Outcome::Unauthorised(401);
        assert!(bad.iter().all(|outcome| *outcome == no), "{number}: {outcomes:?}");
        let ends = Some(ms(14_000));
        assert!(told.presented.iter().all(|one| one.token == Whose::Own { ends }), "{number}");
        let tokens = server.seen().iter().filter(|seen| seen.path == "/token").count();
        assert_eq!(tokens, 2, "{number}: it was renewed once");
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_plain_load_only_refusals_are_told() {
    let authority = Authority::new(3_600);
    let server = guarded(&authority, |_| None);
    let client = user(&server, Habit::Renewing);
    client.call(ms(0), ASK).await;
    assert_eq!(told(&client).presented, []);
    authority.revoke(true);
    client.call(ms(1_000), ASK).await;
    let told = told(&client);
    let statuses: Vec<_> = told.presented.iter().map(|one| one.status).collect();
    assert_eq!((statuses, told.calls[0].outcome), (vec![Some(401)], Outcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn who_strays_presents_a_token_for_another_resource_in_a_new_session() {
    let server = guarded(&Authority::new(3_600), |seen| {
        let is_foreign = seen.header("authorization") == Some("Bearer access-2");
        is_foreign.then(|| vec![Do::Write(challenge(401, "error=\"invalid_token\""))])
    });
    let source = Source::Resource("https://other.test/mcp".to_owned());
    let client = user(&server, Habit::Straying(source));
    client.call(ms(0), ASK).await;
    assert!(client.stray().await);
    for _ in 0..2 {
        client.call(ms(1_000), ASK).await;
    }
    let told = told(&client);
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    let no = Outcome::Unauthorised(401);
    assert_eq!(outcomes, [Outcome::Ok, no, no]);
    let foreign: Vec<_> = told
        .presented
        .iter()
        .filter(|one| one.token == Whose::Foreign)
        .map(|one| (one.operation, one.status))
        .collect();
    assert_eq!(foreign, [(Operation::Initialize, Some(401)); 2]);
    let asked = server.seen().into_iter().filter(|seen| seen.path.starts_with("/authorize"));
    let asked: Vec<_> = asked.map(|seen| seen.path).collect();
    assert!(asked[0].contains("resource=http%3A%2F%2Flocalhost%2Fmcp"), "{asked:?}");
    assert!(asked[1].contains("resource=https%3A%2F%2Fother.test%2Fmcp"), "{asked:?}");
    assert!(!client.holder.hide("it is access-2".to_owned()).contains("access-2"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_issued_is_told_and_nothing_is_presented() {
    let server = guarded(&Authority::new(3_600), |seen| {
        let is_foreign = seen.path == "/token" && seen.body.contains("other.test");
        is_foreign.then(|| refused(400, "invalid_target"))
    });
    let source = Source::Resource("https://other.test/mcp".to_owned());
    let client = user(&server, Habit::Straying(source));
    client.call(ms(0), ASK).await;
    assert!(!client.stray().await);
    let told = told(&client);
    assert!(told.untried[0].said.contains("invalid_target"), "{:?}", told.untried);
    assert_eq!(told.refused, [], "its user is not locked out");
}

/// An authorization server that does not know `resource` gives a token that must be accepted.
#[tokio::test(start_paused = true)]
async fn a_token_for_the_same_audience_is_none_for_another_resource() {
    // {"aud":"mcp","jti":"1"} and {"aud":["mcp"],"jti":"2"}: no two tokens are the same.
    let tokens =
        ["e30.eyJhdWQiOiJtY3AiLCJqdGkiOiIxIn0.s", "e30.eyJhdWQiOlsibWNwIl0sImp0aSI6IjIifQ.s"];
    let given = AtomicUsize::new(0);
    let server = guarded(&Authority::new(3_600), move |seen| {
        let is_token = seen.path == "/token";
        is_token.then(|| {
            let token = tokens[given.fetch_add(1, Ordering::Relaxed)];
            let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
            vec![Do::Write(json_reply(&body))]
        })
    });
    let client = user(&server, Habit::Straying(Source::Resource("https://other.test/".to_owned())));
    client.call(ms(0), ASK).await;
    assert!(!client.stray().await);
    let untried = told(&client).untried.remove(0);
    assert!(untried.said.contains("for the audience of the user's own token"), "{}", untried.said);
}

#[tokio::test(start_paused = true)]
async fn a_file_gives_each_user_its_foreign_token() {
    let server = guarded(&Authority::new(3_600), |_| None);
    let given = vec![Kept::read(r#"{"access":"theirs"}"#, None).unwrap()];
    let common = checking(&server, pooled(plain()), Habit::Straying(Source::Given(given)));
    let [first, second] = [0, 1].map(|user| Client::new(Arc::clone(&common), user));
    for client in [&first, &second] {
        client.call(ms(0), ASK).await;
    }
    assert!(first.stray().await && !second.stray().await);
    first.call(ms(1_000), ASK).await;
    assert_eq!(bearers(&server, "/mcp").last().unwrap(), "Bearer theirs");
    assert!(told(&second).untried[0].said.contains("has no token for user 1"));
}

#[tokio::test(start_paused = true)]
async fn a_registration_is_all_that_a_flood_does() {
    let limited = |seen: &Seen| {
        let many = seen.path == "/register" && seen.at >= ms(1_000);
        many.then(|| vec![Do::Write(reply(429, &["retry-after: 10"], ""))])
    };
    let server = guarded(&Authority::new(3_600), limited);
    let client = user(&server, Habit::Renewing);
    client.register().await;
    client.common.wire.clock.sleep_until(ms(1_000)).await;
    client.register().await;
    let told = told(&client);
    assert_eq!((told.grants, told.refused), (vec![GrantChange::Registered], Vec::new()));
    assert_eq!(told.untried, [], "a refusal is an answer");
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/register").count(), 2);
    assert!(!paths.iter().any(|path| path.starts_with("/authorize") || path == "/mcp"));
}

#[tokio::test(start_paused = true)]
async fn a_server_where_nobody_can_register_is_not_flooded() {
    let server = guarded(&Authority::new(3_600), |seen| {
        seen.path.contains("well-known").then(|| vec![Do::Write(reply(500, &[], ""))])
    });
    let client = user(&server, Habit::Renewing);
    client.register().await;
    assert_eq!(told(&client).untried.len(), 1);
}
