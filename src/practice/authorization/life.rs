//! The authorization server when nothing is wrong with it: one user's life, and each knob.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::rehearsal::{CALLBACK, LOCAL, VERIFIER, form, stage, tokens};
use super::{CONFIDENTIAL, PUBLIC};
use crate::edge::clock::Clock;
use crate::model::plan::{Authorization, Discovery, Outage};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn short() -> Authorization {
    Authorization { access: s(30), refresh: s(600), grace: s(5), ..Authorization::default() }
}

#[tokio::test(start_paused = true)]
async fn one_users_life() {
    let stage = stage(short());
    let refused = stage.call("", "echo").await;
    let metadata = "http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp";
    let challenge = format!("Bearer resource_metadata=\"{metadata}\"");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, challenge.as_str()));

    let resource = stage.get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(resource["resource"], "http://127.0.0.1:1/mcp");
    assert_eq!(resource["authorization_servers"], json!(["http://127.0.0.1:1"]));
    let server = stage.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(server["issuer"], "http://127.0.0.1:1");
    assert_eq!(server["token_endpoint"], "http://127.0.0.1:1/token");

    let client = stage.register().await;
    let back = stage.authorize(&client, &[]).await;
    assert!(back.header("location").starts_with(CALLBACK), "{back:?}");
    let parameter = |name| back.parameter(name).unwrap();
    assert_eq!((back.status, parameter("state").as_str()), (302, "st"));
    assert_eq!(parameter("iss"), "http://127.0.0.1:1");
    let issued = stage.exchange(&client, &parameter("code")).await;
    assert_eq!(issued.header("cache-control"), "no-store");
    assert_eq!(issued.json()["expires_in"], 30);
    let (access, refresh) = tokens(&issued);
    assert_eq!(stage.call(&access, "echo").await.status, 200);

    advance(s(31)).await;
    let late = stage.call(&access, "echo").await;
    assert!(late.header("www-authenticate").starts_with("Bearer error=\"invalid_token\", "));
    assert_eq!((late.status, stage.count("expired")), (401, 1));
    let (access, second) = tokens(&stage.refresh(&client, &refresh).await);
    assert_ne!(refresh, second);
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    advance(s(5)).await;
    assert_eq!(tokens(&stage.refresh(&client, &refresh).await).1, second);
    advance(s(1)).await;
    assert_eq!(stage.refresh(&client, &refresh).await.error(), (400, "invalid_grant".into()));
    assert_eq!(stage.refresh(&client, &second).await.error(), (400, "invalid_grant".into()));
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    let counted = ["registrations", "authorizations", "tokens", "refreshes", "graced", "reuses"];
    assert_eq!(counted.map(|name| stage.count(name)), [1, 1, 3, 2, 1, 1]);
    let counted = ["revoked", "unauthorized"];
    assert_eq!(counted.map(|name| stage.count(name)), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn every_way_of_speaking_is_guarded() {
    let stage = stage(short());
    for (http, path, resource) in [
        ("POST", "/mcp", "/mcp"),
        ("GET", "/mcp", "/mcp"),
        ("DELETE", "/mcp", "/mcp"),
        ("PUT", "/mcp", "/mcp"),
        ("GET", "/sse", "/sse"),
        ("POST", "/messages?sessionId=1", "/sse"),
    ] {
        let headers = [("accept", "text/event-stream"), ("mcp-protocol-version", "2026-07-28")];
        for headers in [&headers[..1], &headers] {
            let told = stage.send(http, path, headers, String::new(), LOCAL).await.unwrap();
            assert_eq!(told.status, 401, "{http} {path}");
            let metadata = format!("oauth-protected-resource{resource}\"");
            assert!(told.header("www-authenticate").contains(&metadata), "{told:?}");
        }
    }
    let client = stage.register().await;
    let (access, _) = stage.grant(&client, &[]).await;
    let bearer = format!("bearer {access}");
    let headers = [("accept", "text/event-stream"), ("authorization", bearer.as_str())];
    let open = |path| stage.send("GET", path, &headers, String::new(), LOCAL);
    // The token is for /mcp alone; one for the origin is for both.
    assert_eq!(open("/sse").await.unwrap().status, 401);
    let (access, _) = stage.grant(&client, &[("resource", "")]).await;
    let bearer = format!("Bearer {access}");
    let headers = [("accept", "text/event-stream"), ("authorization", bearer.as_str())];
    let told = stage.send("GET", "/sse", &headers, String::new(), LOCAL).await.unwrap();
    assert_eq!(told.status, 200);
}

#[tokio::test(start_paused = true)]
async fn discovery_is_where_each_revision_looks() {
    let issuer = "/tenant".to_owned();
    let paths = [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/sse",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
        "/tenant/jwks",
        "/jwks",
    ];
    for (discovery, found) in [
        (Discovery::Full, [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]),
        (Discovery::Openid, [1, 1, 1, 0, 0, 0, 1, 1, 1, 0]),
        (Discovery::Origin, [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
        (Discovery::None, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ] {
        let stage = stage(Authorization { issuer: issuer.clone(), discovery, ..short() });
        for (path, found) in paths.into_iter().zip(found) {
            let status = stage.get(path).await.status;
            assert_eq!(status == 200, found == 1, "{discovery:?} {path}");
        }
        let named = stage.call("", "echo").await.header("www-authenticate").contains("metadata");
        assert_eq!(named, discovery.has_resource());
    }
    let stage = stage(Authorization { issuer, documents: false, registration: false, ..short() });
    let server = stage.get("/.well-known/oauth-authorization-server/tenant").await.json();
    assert_eq!(server["issuer"], "http://127.0.0.1:1/tenant");
    assert_eq!(server["client_id_metadata_document_supported"], false);
    assert_eq!(server["registration_endpoint"], Value::Null);
    assert_eq!(stage.get("/tenant/register").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_the_token_endpoint_refuses() {
    let stage = stage(short());
    let client = stage.register().await;
    let code = || async { stage.authorize(&client, &[]).await.parameter("code").unwrap() };
    let usual = |code: &str, name: &str, value: &str| {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let kept = pairs.iter().filter(|(known, _)| *known != name).copied();
        form(&kept.chain([(name, value)]).collect::<Vec<_>>())
    };
    for (name, value, error) in [
        ("code_verifier", "", (400, "invalid_request")),
        (
            "code_verifier",
            "another-one-that-is-long-enough-to-be-a-verifier",
            (400, "invalid_grant"),
        ),
        ("redirect_uri", "http://127.0.0.1:6/callback", (400, "invalid_grant")),
        ("client_id", PUBLIC, (400, "invalid_grant")),
        ("client_id", "nobody", (401, "invalid_client")),
        ("client_id", CONFIDENTIAL, (401, "invalid_client")),
        ("grant_type", "password", (400, "unsupported_grant_type")),
        ("grant_type", "client_credentials", (400, "unauthorized_client")),
        ("resource", "http://127.0.0.1:1/sse", (400, "invalid_target")),
        ("resource", "https://other.example/", (400, "invalid_target")),
        ("code", "0", (400, "invalid_grant")),
        ("scope&code", "x", (200, "")),
    ] {
        let body = usual(&code().await, name, value);
        let told = stage.send("POST", "/token", &[], body, LOCAL).await.unwrap();
        assert_eq!(told.error(), (error.0, error.1.to_owned()), "{name}={value}");
    }
    let twice = format!("{}&code=1", usual("1", "", ""));
    let told = stage.send("POST", "/token", &[], twice, LOCAL).await.unwrap();
    assert_eq!(told.error(), (400, "invalid_request".into()));
    let json = [("content-type", "application/json")];
    let told = stage.send("POST", "/token", &json, "{}".into(), LOCAL).await.unwrap();
    assert_eq!(told.error(), (400, "invalid_request".into()));
    assert_eq!(stage.get("/token").await.status, 405);
    // A code that comes back ends what it gave.
    let code = code().await;
    let (access, refresh) = tokens(&stage.exchange(&client, &code).await);
    assert_eq!(stage.exchange(&client, &code).await.error(), (400, "invalid_grant".into()));
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    assert_eq!(stage.refresh(&client, &refresh).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn what_the_authorization_endpoint_refuses() {
    let stage = stage(short());
    let client = stage.register().await;
    for (name, value, page, error) in [
        ("client_id", "nobody", 401, ""),
        ("redirect_uri", "https://evil.example/", 400, ""),
        ("response_type", "token", 302, "unsupported_response_type"),
        ("code_challenge", "", 302, "invalid_request"),
        ("code_challenge", "short", 302, "invalid_request"),
        ("code_challenge_method", "plain", 302, "invalid_request"),
        ("scope", "mcp:read other", 302, "invalid_scope"),
        ("resource", "https://other.example/mcp", 302, "invalid_target"),
        // Any port of this machine is the one that was registered.
        ("redirect_uri", "http://127.0.0.1:9/callback", 302, ""),
    ] {
        let told = stage.authorize(&client, &[(name, value)]).await;
        let found = told.parameter("error").unwrap_or_default();
        assert_eq!((told.status, found.as_str()), (page, error), "{name}={value}");
        assert_eq!(told.parameter("state").is_some(), page == 302, "{name}={value}");
    }
}

#[tokio::test(start_paused = true)]
async fn scopes_of_users_and_of_tools() {
    let text = str::to_owned;
    let stage = stage(Authorization {
        scope: Some(text("mcp:read")),
        users: [(text("reader"), vec![text("mcp:read")]), (text("nobody"), vec![])].into(),
        tools: [(text("delete_document"), text("mcp:write"))].into(),
        ..short()
    });
    let refused = stage.call("", "echo").await;
    assert!(refused.header("www-authenticate").ends_with(", scope=\"mcp:read\""), "{refused:?}");
    let client = stage.register().await;
    let (access, _) = stage.grant(&client, &[]).await;
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    let more = stage.call(&access, "delete_document").await;
    let needs = "Bearer error=\"insufficient_scope\", resource_metadata=\"http://127.0.0.1:1/.well-known/\
                 oauth-protected-resource/mcp\", scope=\"mcp:write\"";
    assert_eq!((more.status, more.header("www-authenticate")), (403, needs));
    let both = ("scope", "mcp:read mcp:write");
    let (access, refresh) = stage.grant(&client, &[both]).await;
    assert_eq!(stage.call(&access, "delete_document").await.status, 200);
    let (access, _) = stage.grant(&client, &[both, ("login_hint", "reader")]).await;
    assert_eq!(stage.call(&access, "delete_document").await.status, 403);
    let denied = stage.authorize(&client, &[("login_hint", "nobody")]).await;
    assert_eq!(denied.parameter("error").as_deref(), Some("access_denied"));
    // A refresh may narrow, never widen.
    let base =
        [("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", &refresh)];
    let narrow = stage.post("/token", &[&base[..], &[("scope", "mcp:read")]].concat()).await;
    assert_eq!(stage.call(&tokens(&narrow).0, "delete_document").await.status, 403);
    let wide = stage.post("/token", &[&base[..], &[("scope", "other")]].concat()).await;
    assert_eq!(wide.error(), (400, "invalid_scope".into()));
    assert_eq!(stage.count("insufficient"), 3);
}

#[tokio::test(start_paused = true)]
async fn limits_by_address() {
    let stage = stage(Authorization { register_limit: 2, token_limit: 1, ..short() });
    let client = stage.register().await;
    stage.register().await;
    advance(s(10)).await;
    let many = stage.register_with(&json!({})).await;
    assert_eq!(many.error(), (429, "too_many_requests".into()));
    assert_eq!(many.header("retry-after"), "3590");
    let other = "127.0.0.2".parse().unwrap();
    let told = stage
        .send("POST", "/register", &[("content-type", "application/json")], "{}".into(), other)
        .await
        .unwrap();
    assert_eq!(told.status, 400);
    stage.grant(&client, &[]).await;
    let many = stage.refresh(&client, "x").await;
    assert_eq!((many.status, many.header("retry-after")), (429, "900"));
    advance(s(900)).await;
    assert_eq!(stage.refresh(&client, "x").await.status, 400);
    assert_eq!(stage.count("throttled"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_and_the_end_of_all_grants_come_when_they_were_said_to() {
    let outage = Some(Outage { at: s(10), lasts: s(5) });
    let stage = stage(Authorization { outage, revoke_at: Some(s(20)), ..short() });
    let client = stage.register().await;
    let (access, refresh) = stage.grant(&client, &[]).await;
    advance(s(10)).await;
    let down = stage.refresh(&client, &refresh).await;
    assert_eq!(down.error(), (503, "temporarily_unavailable".into()));
    assert_eq!(down.header("retry-after"), "5");
    advance(s(5)).await;
    let (_, refresh) = tokens(&stage.refresh(&client, &refresh).await);
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    advance(s(5)).await;
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    assert_eq!(stage.refresh(&client, &refresh).await.error(), (400, "invalid_grant".into()));
    let (access, _) = stage.grant(&client, &[]).await;
    assert_eq!(stage.call(&access, "echo").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn lifetimes_skew_latency_and_no_rotation() {
    let latency = "250ms".parse().unwrap();
    let stage = stage(Authorization { skew: s(2), rotate: false, latency, ..short() });
    let client = stage.register().await;
    let clock = Clock::of_runtime();
    let (access, refresh) = stage.grant(&client, &[]).await;
    assert_eq!(clock.now(), Duration::from_millis(250));
    advance(s(31)).await;
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    advance(s(2)).await;
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    let told = stage.refresh(&client, &refresh).await;
    assert_eq!(told.json()["refresh_token"], Value::Null);
    advance(s(600)).await;
    assert_eq!(stage.refresh(&client, &refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test(start_paused = true)]
async fn all_access_tokens_end_at_the_cliff() {
    let stage = stage(Authorization { expire_at: Some(s(20)), ..short() });
    let client = stage.register().await;
    let (first, refresh) = stage.grant(&client, &[]).await;
    advance(s(15)).await;
    let code = stage.authorize(&client, &[]).await.parameter("code").unwrap();
    let told = stage.exchange(&client, &code).await;
    assert_eq!(told.json()["expires_in"], 5);
    let (second, _) = tokens(&told);
    for (later, status) in [(s(4), 200), (s(2), 401)] {
        advance(later).await;
        assert_eq!(stage.call(&first, "echo").await.status, status);
        assert_eq!(stage.call(&second, "echo").await.status, status);
    }
    let told = stage.refresh(&client, &refresh).await;
    assert_eq!(told.json()["expires_in"], 30);
    assert_eq!(stage.call(&tokens(&told).0, "echo").await.status, 200);
}

#[tokio::test]
async fn each_of_a_crowd_has_a_grant_of_its_own() {
    let stage = stage(short());
    let one = || async {
        let client = stage.register().await;
        let (access, refresh) = stage.grant(&client, &[]).await;
        assert_eq!(stage.call(&access, "echo").await.status, 200);
        refresh
    };
    let refreshes = futures_util::future::join_all((0..200).map(|_| one())).await;
    let different: std::collections::HashSet<_> =
        refreshes.iter().map(|token| &token[..32]).collect();
    assert_eq!(different.len(), 200);
    let counted = ["registrations", "authorizations", "tokens", "unauthorized"];
    assert_eq!(counted.map(|name| stage.count(name)), [200, 200, 200, 0]);
}

#[tokio::test(start_paused = true)]
async fn tokens_can_be_revoked() {
    let stage = stage(short());
    let client = stage.register().await;
    let (access, refresh) = stage.grant(&client, &[]).await;
    let revoke = |token: String, client: String| {
        let stage = &stage;
        async move { stage.post("/revoke", &[("token", &token), ("client_id", &client)]).await }
    };
    // Somebody else's is none of the client's business, and none is an error.
    assert_eq!(revoke(refresh.clone(), PUBLIC.to_owned()).await.status, 200);
    assert_eq!(revoke("x".to_owned(), client.clone()).await.status, 200);
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    assert_eq!(revoke(access.clone(), client.clone()).await.status, 200);
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    let (access, refresh) = tokens(&stage.refresh(&client, &refresh).await);
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    assert_eq!(revoke(refresh.clone(), client.clone()).await.status, 200);
    assert_eq!(stage.call(&access, "echo").await.status, 401);
    assert_eq!(stage.refresh(&client, &refresh).await.status, 400);
    assert_eq!(revoke(refresh, "nobody".to_owned()).await.status, 401);
}
