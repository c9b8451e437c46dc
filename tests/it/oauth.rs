//! Each shipped profile's whole way from a 401 to tokens, and every trap of the official
//! conformance suite's auth scenarios, without a socket: what is sent, in order, byte for byte.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use url::Url;

use squall::model::leg::Leg;
use squall::model::profile::oauth::OAuth;
use squall::model::secret::Secret;
use squall::protocol::oauth::authorization::{Authorization, Begin, Step};
use squall::protocol::oauth::challenge::Challenge;
use squall::protocol::oauth::chance::Chance;
use squall::protocol::oauth::client::Identity;
use squall::protocol::oauth::endpoint::Network;
use squall::protocol::oauth::exchange::{Exchange, Heard, Response};
use squall::protocol::oauth::grant::{Granted, Known};
use squall::protocol::oauth::refresh::Refresh;
use squall::scenario::clients;

const CHANCE: Chance = Chance { verifier: [1; 32], state: [2; 16], jti: [3; 16] };
const TOKENS: &str =
    r#"{"access_token":"at","token_type":"Bearer","expires_in":60,"refresh_token":"rt"}"#;

fn profile(name: &str) -> OAuth {
    clients::shipped(name).unwrap().oauth
}

fn challenge(value: &str) -> Challenge {
    let mut headers = HeaderMap::new();
    headers.append(http::header::WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
    Challenge::read(&headers)
}

/// A server and its authorization server: documents by URL, everything else is a 404.
struct World {
    documents: HashMap<String, String>,
    /// Query parameters that the callback carries besides `code` and `state`.
    back: String,
}

impl World {
    /// One whose metadata are at these URLs.
    fn new(
        target: &str,
        (prm, prm_more): (&str, &str),
        (issuer, server, more): (&str, &str, &str),
    ) -> Self {
        let origin = issuer.trim_end_matches('/');
        let documents = [
            (
                prm.to_owned(),
                format!(
                    r#"{{"resource":"{target}","authorization_servers":["{issuer}"]{prm_more}}}"#
                ),
            ),
            (
                server.to_owned(),
                format!(
                    r#"{{"issuer":"{issuer}","authorization_endpoint":"{origin}/authorize",
                        "token_endpoint":"{origin}/token","registration_endpoint":"{origin}/register",
                        "code_challenge_methods_supported":["S256"]{more}}}"#
                ),
            ),
            (
                format!("{origin}/register"),
                r#"{"client_id":"registered","client_secret":"cs"}"#.to_owned(),
            ),
            (format!("{origin}/token"), TOKENS.to_owned()),
        ];
        Self { documents: documents.into(), back: String::new() }
    }

    fn answer(&self, exchange: &Exchange, told: impl FnOnce(&Heard<'_>)) {
        let headers = HeaderMap::new();
        let document = self.documents.get(exchange.url.as_str());
        let (status, body) = document.map_or((404, ""), |body| (200, body.as_str()));
        told(&Heard::Answer(Response { status, headers: &headers, body: body.as_bytes() }));
    }

    /// Goes the whole way; every exchange and the consent are written down by `note`.
    fn walk(&self, begin: Begin, mut note: impl FnMut(Noted<'_>)) -> Result<Box<Granted>, String> {
        let mut way = Authorization::begin(begin);
        for _ in 0..20 {
            match way.step(Duration::ZERO) {
                Step::Send(exchange) => {
                    note(Noted::Sent(&exchange));
                    self.answer(&exchange, |heard| way.heard(heard));
                }
                Step::Consent(consent) => {
                    note(Noted::Consent(&consent.url));
                    let state = parameter(&consent.url, "state").unwrap();
                    let back = format!("{}?code=k&state={state}{}", consent.callback, self.back);
                    way.heard(&Heard::Callback(&Url::parse(&back).unwrap()));
                }
                Step::Done(granted) => return Ok(granted),
                Step::Failed(refusal) => return Err(refusal.to_string()),
            }
        }
        panic!("it goes round and round");
    }
}

enum Noted<'a> {
    Sent(&'a Exchange),
    Consent(&'a Url),
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn begin(profile: OAuth, target: &str, challenge: Challenge) -> Begin {
    let target = Url::parse(target).unwrap();
    Begin {
        profile: Arc::new(profile),
        network: Network::of_url(&target, &[]),
        target,
        challenge,
        identity: None,
        scopes: None,
        held: Vec::new(),
        known: Known::default(),
        chance: CHANCE,
    }
}

fn written(exchange: &Exchange) -> String {
    let mut text = format!("{} {} {}\n", exchange.leg, exchange.method, exchange.url);
    for (name, value) in &exchange.headers {
        writeln!(text, "  {name}: {}", value.to_str().unwrap()).unwrap();
    }
    if !exchange.body.is_empty() {
        writeln!(text, "  {}", String::from_utf8_lossy(&exchange.body)).unwrap();
    }
    text
}

/// The way of a profile through a server of 2026, its refresh included.
fn course(name: &str) -> String {
    let target = "https://tools.test/a/mcp";
    let prm = "https://tools.test/.well-known/oauth-protected-resource/a/mcp";
    let world = World::new(
        target,
        (prm, r#","scopes_supported":["read","write"]"#),
        (
            "https://as.test/t1",
            "https://as.test/.well-known/oauth-authorization-server/t1",
            r#","scopes_supported":["read","write","offline_access"],
                "token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]"#,
        ),
    );
    let profile = profile(name);
    let challenge =
        challenge(&format!(r#"Bearer error="invalid_token", resource_metadata="{prm}""#));
    let start = begin(profile.clone(), target, challenge);
    let mut text = String::new();
    let granted = world
        .walk(start.clone(), |noted| match noted {
            Noted::Sent(exchange) => text += &written(exchange),
            Noted::Consent(url) => {
                writeln!(text, "authorize {}", url.as_str().split('?').next().unwrap()).unwrap();
                for (name, value) in url.query_pairs() {
                    writeln!(text, "  {name} = {value}").unwrap();
                }
            }
        })
        .unwrap();
    let token = granted.tokens.refresh.clone().unwrap();
    let refresh =
        Refresh::begin(start.profile, start.target, granted.known, token, granted.scopes, CHANCE);
    let Step::Send(exchange) = refresh.step(Duration::ZERO) else { panic!() };
    text + &written(&exchange)
}

#[test]
fn what_each_profile_sends() {
    for name in ["claude-ai-legacy", "claude-ai-modern", "plain", "spec"] {
        insta::assert_snapshot!(name, course(name));
    }
}

/// A way in short: legs with their paths, what was asked at the consent, how it ended.
fn short(world: &World, begin: Begin) -> (Vec<String>, Result<Box<Granted>, String>) {
    let mut lines = Vec::new();
    let end = world.walk(begin, |noted| {
        lines.push(match noted {
            Noted::Sent(exchange) => format!("{} {}", exchange.leg, exchange.url.path()),
            Noted::Consent(url) => {
                let of = |name| parameter(url, name).unwrap_or_else(|| "-".to_owned());
                format!("{} {} scope {}", Leg::Authorize, of("client_id"), of("scope"))
            }
        });
    });
    (lines, end)
}

const TARGET: &str = "http://localhost:9/mcp";
const ISSUER: &str = "http://localhost:9";
const PRM: &str = "http://localhost:9/.well-known/oauth-protected-resource/mcp";
const ROOT_PRM: &str = "http://localhost:9/.well-known/oauth-protected-resource";
const AS: &str = "http://localhost:9/.well-known/oauth-authorization-server";

fn spec() -> OAuth {
    profile("spec")
}

fn world(more: &str) -> World {
    World::new(TARGET, (PRM, ""), (ISSUER, AS, more))
}

/// Metadata of the resource, issuer, its metadata, what the challenge names, paths asked for.
type Case<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Vec<String>);

/// auth/metadata-default and -var1 to -var3: nothing is asked for beyond what was found.
#[test]
fn metadata_are_found_and_nothing_else_is_asked_for() {
    let oidc = "http://localhost:9/.well-known/openid-configuration";
    let tenant = "http://localhost:9/tenant1";
    let tenant_as = "http://localhost:9/.well-known/oauth-authorization-server/tenant1";
    let tenant_oidc = "http://localhost:9/tenant1/.well-known/openid-configuration";
    let custom = "http://localhost:9/custom/metadata/location.json";
    let paths = "/.well-known/oauth-protected-resource";
    let cases: [Case<'_>; 4] = [
        (
            PRM,
            ISSUER,
            AS,
            Some(PRM),
            vec![format!("{paths}/mcp"), "/.well-known/oauth-authorization-server".into()],
        ),
        (
            PRM,
            ISSUER,
            oidc,
            None,
            vec![
                format!("{paths}/mcp"),
                "/.well-known/oauth-authorization-server".into(),
                "/.well-known/openid-configuration".into(),
            ],
        ),
        (
            ROOT_PRM,
            tenant,
            tenant_as,
            None,
            vec![
                format!("{paths}/mcp"),
                paths.into(),
                "/.well-known/oauth-authorization-server/tenant1".into(),
            ],
        ),
        (
            custom,
            tenant,
            tenant_oidc,
            Some(custom),
            vec![
                "/custom/metadata/location.json".into(),
                "/.well-known/oauth-authorization-server/tenant1".into(),
                "/.well-known/openid-configuration/tenant1".into(),
                "/tenant1/.well-known/openid-configuration".into(),
            ],
        ),
    ];
    for (prm, issuer, server, named, expected) in cases {
        let world = World::new(TARGET, (prm, ""), (issuer, server, ""));
        let challenge = named.map_or_else(Challenge::default, |named| {
            challenge(&format!("Bearer resource_metadata=\"{named}\""))
        });
        let (lines, end) = short(&world, begin(spec(), TARGET, challenge));
        assert!(end.is_ok(), "{end:?}");
        let asked: Vec<_> =
            lines.iter().filter_map(|line| line.strip_prefix("discovery ")).collect();
        assert_eq!(asked, expected);
    }
}

/// auth/2025-03-26-oauth-metadata-backcompat and -oauth-endpoint-fallback.
#[test]
fn servers_of_march_2025_are_still_found() {
    let mut old = world("");
    old.documents.remove(PRM);
    let (lines, end) = short(&old, begin(spec(), TARGET, Challenge::default()));
    assert!(end.is_ok(), "{end:?}");
    let found = [
        "discovery /.well-known/oauth-protected-resource/mcp",
        "discovery /.well-known/oauth-protected-resource",
        "discovery /.well-known/oauth-authorization-server",
        "registration /register",
        "authorize registered scope -",
        "token /token",
    ];
    assert_eq!(lines, found);
    old.documents.remove(AS);
    let (lines, end) = short(&old, begin(spec(), TARGET, Challenge::default()));
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(lines, found);
}

/// auth/scope-from-www-authenticate, -from-scopes-supported, -omitted-when-undefined, and
/// auth/offline-access-scope, -not-supported.
#[test]
fn scopes_are_chosen_by_their_rank() {
    let listed = r#","scopes_supported":["read","write"]"#;
    let offline = r#","scopes_supported":["offline_access","read"]"#;
    let cases = [
        (r#"Bearer scope="read""#, listed, "", "read"),
        ("Bearer", listed, "", "read write"),
        ("Bearer", "", "", "-"),
        (r#"Bearer scope="read""#, "", offline, "read offline_access"),
        (r#"Bearer scope="read""#, "", listed, "read"),
    ];
    for (header, of_resource, of_server, expected) in cases {
        let world = World::new(TARGET, (PRM, of_resource), (ISSUER, AS, of_server));
        let (lines, _) = short(&world, begin(spec(), TARGET, challenge(header)));
        let asked = lines.iter().find(|line| line.starts_with("authorize")).unwrap();
        assert_eq!(*asked, format!("authorize registered scope {expected}"));
    }
}

/// auth/scope-step-up: the second authorization asks for both, as the client that is known.
#[test]
fn a_step_up_neither_discovers_nor_registers_again() {
    let world = world("");
    let start = begin(spec(), TARGET, challenge(r#"Bearer scope="read""#));
    let granted = world.walk(start.clone(), |_| {}).unwrap();
    let missing = challenge(r#"Bearer error="insufficient_scope", scope="admin""#);
    assert!(missing.insufficient_scope());
    let again = Begin { challenge: missing, held: granted.scopes, known: granted.known, ..start };
    let (lines, end) = short(&world, again);
    assert_eq!(lines, ["authorize registered scope read admin", "token /token"]);
    assert_eq!(end.unwrap().scopes, ["read", "admin"]);
}

/// auth/token-endpoint-auth-basic, -post and -none.
#[test]
fn the_token_endpoint_is_told_who_asks_as_it_supports() {
    let cases = [
        (r#"["client_secret_basic"]"#, "Basic cmVnaXN0ZXJlZDpjcw==", ""),
        (r#"["client_secret_post"]"#, "-", "&client_id=registered&client_secret=cs"),
        (r#"["none"]"#, "-", "&client_id=registered"),
    ];
    for (methods, header, proof) in cases {
        let world = world(&format!(r#","token_endpoint_auth_methods_supported":{methods}"#));
        let mut sent = Vec::new();
        let start = begin(spec(), TARGET, Challenge::default());
        let end = world.walk(start, |noted| {
            if let Noted::Sent(exchange) = noted {
                sent.push(exchange.clone());
            }
        });
        assert!(end.is_ok(), "{end:?}");
        let token = sent.pop().unwrap();
        let found = token.headers.get("authorization").map_or("-", |it| it.to_str().unwrap());
        assert_eq!(found, header, "{methods}");
        let body = String::from_utf8(token.body).unwrap();
        let resource = "&resource=http%3A%2F%2Flocalhost%3A9%2Fmcp";
        assert!(body.ends_with(&format!("{proof}{resource}")), "{body}");
        assert_eq!(body.contains("client_secret"), proof.contains("client_secret"), "{body}");
        assert_eq!(body.contains("client_id"), proof.contains("client_id"), "{body}");
    }
}

/// auth/pre-registration and auth/basic-cimd: no registration.
#[test]
fn a_client_that_is_known_is_not_registered() {
    let given =
        Identity { id: "pre".to_owned(), method: None, secret: Some(Secret::new("s")), key: None };
    let start = begin(spec(), TARGET, Challenge::default());
    let (lines, _) = short(&world(""), Begin { identity: Some(Arc::new(given)), ..start });
    assert!(lines.contains(&"authorize pre scope -".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("registration")), "{lines:?}");

    let document = "https://client.test/client.json";
    let described = OAuth { metadata_document: Some(document.to_owned()), ..spec() };
    let supported = world(r#","client_id_metadata_document_supported":true"#);
    let (lines, _) = short(&supported, begin(described, TARGET, Challenge::default()));
    assert!(lines.contains(&format!("authorize {document} scope -")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("registration")), "{lines:?}");
}

/// auth/authorization-server-migration: another issuer is told nothing of the one before.
#[test]
fn another_authorization_server_is_registered_with_anew() {
    let before = begin(spec(), TARGET, Challenge::default());
    let mut granted = world("").walk(before.clone(), |_| {}).unwrap();
    granted.known.server = None;
    let moved = "http://localhost:9/moved";
    let server = "http://localhost:9/.well-known/oauth-authorization-server/moved";
    let world = World::new(TARGET, (PRM, ""), (moved, server, ""));
    let (lines, end) = short(&world, Begin { known: granted.known.clone(), ..before.clone() });
    assert!(end.is_ok(), "{end:?}");
    assert!(lines.contains(&"registration /moved/register".to_owned()), "{lines:?}");
    // And the same one is not.
    let (lines, _) = short(&self::world(""), Begin { known: granted.known, ..before });
    assert!(!lines.iter().any(|line| line.starts_with("registration")), "{lines:?}");
}

/// auth/resource-mismatch, auth/metadata-issuer-mismatch, auth/iss-*: nobody is asked to consent,
/// or no code is redeemed.
#[test]
fn what_does_not_agree_ends_it() {
    let promised = r#","authorization_response_iss_parameter_supported":true"#;
    let foreign = World::new("https://evil.test/mcp", (PRM, ""), (ISSUER, AS, ""));
    let other_issuer = World::new(TARGET, (PRM, ""), ("http://localhost:9/x", AS, ""));
    let iss = |more: &str, back: &str| World { back: back.to_owned(), ..world(more) };
    let same = "&iss=http%3A%2F%2Flocalhost%3A9";
    let cases = [
        ("resource-mismatch", foreign, Some("metadata of the resource https://evil.test/mcp")),
        ("metadata-issuer-mismatch", other_issuer, Some("has no metadata")),
        ("iss-supported", iss(promised, same), None),
        ("iss-not-advertised", iss("", ""), None),
        ("iss-supported-missing", iss(promised, ""), Some("without iss")),
        (
            "iss-wrong-issuer",
            iss(promised, "&iss=https%3A%2F%2Fevil.test"),
            Some("came back with iss"),
        ),
        ("iss-unexpected", iss("", "&iss=https%3A%2F%2Fevil.test"), Some("came back with iss")),
        ("iss-normalized", iss(promised, &format!("{same}%2F")), Some("came back with iss")),
    ];
    for (name, world, expected) in cases {
        let (lines, end) = short(&world, begin(spec(), TARGET, Challenge::default()));
        match expected {
            None => assert!(end.is_ok(), "{name}: {end:?}"),
            Some(words) => {
                let refusal = end.unwrap_err();
                assert!(refusal.contains(words), "{name}: {refusal}");
                assert!(!lines.iter().any(|line| line.starts_with("token")), "{name}: {lines:?}");
            }
        }
    }
}
