//! Each defect does what it says, and the sound server does not.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::rehearsal::{Stage, defective, stage, tokens};
use crate::edge::clock::Clock;
use crate::model::plan::{Authorization, Defect};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What is seen of a server: the same steps for each defect, those it does not touch included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen(Vec<(&'static str, String)>);

impl Seen {
    fn note(&mut self, what: &'static str, found: impl std::fmt::Display) {
        self.0.push((what, format!("{found}")));
    }
}

async fn metadata(stage: &Stage, seen: &mut Seen) {
    for (what, path) in [
        ("resource metadata", "/.well-known/oauth-protected-resource/mcp"),
        ("server metadata", "/.well-known/oauth-authorization-server"),
    ] {
        let told = stage.get(path).await;
        seen.note(what, format!("{} {}", told.status, told.header("content-type")));
        seen.note("a mebibyte", told.text.len() > 1 << 20);
        seen.note("back to itself", told.header("location") == path);
        let document: Value = serde_json::from_str(&told.text).unwrap_or_default();
        for name in ["resource", "issuer", "token_endpoint"] {
            seen.note(name, &document[name]);
        }
    }
}

async fn refusals(stage: &Stage, seen: &mut Seen) {
    let told = stage.call("bad", "echo").await;
    seen.note("a bad token", told.status);
    seen.note("named", told.header("www-authenticate").contains("resource_metadata"));
    seen.note("polite", told.text.contains("\"isError\":true") && told.text.contains("\"id\":7"));
    seen.note("elsewhere", told.header("location"));
    assert!(stage.get("/login").await.text.contains("Please sign in"));
}

/// Everything that can be seen of a server in two minutes.
async fn seen(knobs: Authorization) -> Seen {
    let knobs = Authorization { access: s(30), grace: s(10), forget_after: s(100), ..knobs };
    let (stage, mut seen) = (stage(knobs), Seen::default());
    metadata(&stage, &mut seen).await;
    refusals(&stage, &mut seen).await;
    let client = stage.register().await;
    let back = stage.authorize(&client, &[]).await;
    seen.note("state", back.parameter("state").unwrap_or_default());
    seen.note("iss", back.parameter("iss").unwrap_or_default());
    let clock = Clock::of_runtime();
    let (access, refresh) =
        tokens(&stage.exchange(&client, &back.parameter("code").unwrap()).await);
    seen.note("token took", clock.now().as_secs());
    seen.note("a good token", stage.call(&access, "echo").await.status);
    let elsewhere = [("resource", "http://127.0.0.1:1/elsewhere")];
    let (foreign, _) = stage.grant(&client, &elsewhere).await;
    seen.note("a token for elsewhere", stage.call(&foreign, "echo").await.status);
    advance(s(40)).await;
    seen.note("an expired token", stage.call(&access, "echo").await.status);
    refreshes(&stage, &client, &refresh, &mut seen).await;
    advance(s(60)).await;
    seen.note("the client later", stage.refresh(&client, "x").await.status);
    seen
}

async fn refreshes(stage: &Stage, client: &str, first: &str, seen: &mut Seen) {
    let refreshed = stage.try_refresh(client, first).await;
    seen.note("the first refresh is answered", refreshed.is_some());
    let refreshed = match refreshed {
        Some(told) => told,
        None => stage.refresh(client, first).await,
    };
    let (_, second) = tokens(&refreshed);
    seen.note("rotated", !second.is_empty());
    let (_, raced) = stage.grant(client, &[]).await;
    let both = async {
        tokio::join!(stage.try_refresh(client, &raced), stage.try_refresh(client, &raced))
    };
    let (one, other) = both.await;
    let status = |told: Option<super::rehearsal::Told>| told.map_or(0, |told| told.status);
    seen.note("a race", format!("{} {}", status(one), status(other)));
    advance(s(11)).await;
    let old = stage.try_refresh(client, first).await;
    seen.note("the old refresh token", status(old));
}

/// What each defect changes of what is seen, in the order in which it is.
const DIFFERENCES: [(Defect, &[(&str, &str)]); Defect::WORDS.len()] = [
    (Defect::AcceptsExpired, &[("an expired token", "200")]),
    (
        Defect::RefusesWith403,
        &[("a bad token", "403"), ("a token for elsewhere", "403"), ("an expired token", "403")],
    ),
    (
        Defect::RefusesWith500,
        &[
            ("a bad token", "500"),
            ("named", "false"),
            ("a token for elsewhere", "500"),
            ("an expired token", "500"),
        ],
    ),
    (
        Defect::RefusesWith200,
        &[
            ("a bad token", "200"),
            ("named", "false"),
            ("polite", "true"),
            ("a token for elsewhere", "200"),
            ("an expired token", "200"),
        ],
    ),
    (
        Defect::RefusesWithRedirect,
        &[
            ("a bad token", "302"),
            ("named", "false"),
            ("elsewhere", "http://127.0.0.1:1/login"),
            ("a token for elsewhere", "302"),
            ("an expired token", "302"),
        ],
    ),
    (Defect::NoResourceMetadata, &[("named", "false")]),
    (Defect::NoRotation, &[("rotated", "false"), ("the old refresh token", "200")]),
    (Defect::AcceptsOldRefresh, &[("the old refresh token", "200")]),
    (Defect::RaceKillsGrant, &[("a race", "200 400")]),
    (Defect::ForgetsClients, &[("the client later", "401")]),
    (Defect::IgnoresResource, &[("a token for elsewhere", "200")]),
    (Defect::ParallelRefresh500, &[("a race", "200 500")]),
    (Defect::SlowToken, &[("token took", "12")]),
    (Defect::LosesAnswer, &[("the first refresh is answered", "false"), ("a race", "0 200")]),
    (
        Defect::MetadataHtml,
        &[
            ("resource metadata", "200 text/html; charset=utf-8"),
            ("resource", "null"),
            ("server metadata", "200 text/html; charset=utf-8"),
            ("issuer", "null"),
            ("token_endpoint", "null"),
        ],
    ),
    (Defect::MetadataOversized, &[("a mebibyte", "true"), ("a mebibyte", "true")]),
    (
        Defect::MetadataLoops,
        &[
            ("resource metadata", "302 "),
            ("back to itself", "true"),
            ("resource", "null"),
            ("server metadata", "302 "),
            ("back to itself", "true"),
            ("issuer", "null"),
            ("token_endpoint", "null"),
        ],
    ),
    (Defect::MetadataOtherIssuer, &[("issuer", "\"https://other.example\"")]),
    (Defect::MetadataOtherResource, &[("resource", "\"https://other.example/mcp\"")]),
    (Defect::MetadataPrivateAddress, &[("token_endpoint", "\"http://10.0.0.1/token\"")]),
    (Defect::MetadataPlainHttp, &[("token_endpoint", "\"http://other.example/token\"")]),
    (Defect::IssMissing, &[("iss", "")]),
    (Defect::IssWrong, &[("iss", "https://other.example")]),
    (Defect::StateDropped, &[("state", "")]),
];

#[tokio::test(start_paused = true)]
async fn each_defect_is_seen_and_nothing_else() {
    let sound = seen(Authorization::default()).await;
    let found = |what: &str, seen: &Seen| {
        seen.0.iter().find(|(known, _)| *known == what).unwrap().1.clone()
    };
    for (what, value) in [
        ("a bad token", "401"),
        ("named", "true"),
        ("a token for elsewhere", "401"),
        ("an expired token", "401"),
        ("rotated", "true"),
        ("a race", "200 200"),
        ("the old refresh token", "400"),
        ("the client later", "400"),
    ] {
        assert_eq!(found(what, &sound), value, "{what}");
    }
    for (defect, differences) in DIFFERENCES {
        let seen = seen(defective(defect)).await;
        let changed: Vec<_> = seen
            .0
            .iter()
            .zip(&sound.0)
            .filter(|(now, before)| now != before)
            .map(|((what, now), _)| (*what, now.as_str()))
            .collect();
        assert_eq!(changed, differences, "{defect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_are_forgotten_at_a_moment() {
    let stage =
        stage(Authorization { forget_at: Some(s(10)), ..defective(Defect::ForgetsClients) });
    let early = stage.register().await;
    advance(s(9)).await;
    assert_eq!(stage.refresh(&early, "x").await.status, 400);
    advance(s(1)).await;
    assert_eq!(stage.refresh(&early, "x").await.error(), (401, "invalid_client".into()));
    let late = stage.register().await;
    advance(s(3_600)).await;
    assert_eq!(stage.refresh(&late, "x").await.status, 400);
    assert_eq!(stage.authorize(&early, &[]).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn every_nth_answer_is_lost_after_the_refresh_was_done() {
    let stage = stage(Authorization { lose_every: 2, ..defective(Defect::LosesAnswer) });
    let client = stage.register().await;
    let (_, first) = stage.grant(&client, &[]).await;
    let (_, second) = tokens(&stage.refresh(&client, &first).await);
    assert!(stage.try_refresh(&client, &second).await.is_none());
    advance(s(20)).await;
    // It was done: past the grace the token was used before.
    assert_eq!(stage.refresh(&client, &second).await.error(), (400, "invalid_grant".into()));
    assert_eq!(["lost", "refreshes", "reuses"].map(|name| stage.count(name)), [1, 2, 1]);
    assert_eq!(json!(stage.count("revoked")), 1);
}
