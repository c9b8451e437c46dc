//! How clients say who they are, and how users consent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::rehearsal::{CALLBACK, LOCAL, Stage, Told, form, stage, tokens};
use super::{CONFIDENTIAL, PUBLIC, SECRET, SIGNING};
use crate::model::plan::{Authorization, Consent};

#[tokio::test(start_paused = true)]
async fn a_client_with_a_secret_says_it_in_its_way_and_may_ask_for_itself() {
    let stage = stage(Authorization::default());
    let told = stage.register_with(&json!({"grant_types": ["client_credentials"]})).await.json();
    let (id, secret) =
        (told["client_id"].as_str().unwrap(), told["client_secret"].as_str().unwrap());
    let ask = |headers: Vec<(&'static str, String)>, pairs: Vec<(&'static str, String)>| {
        let stage = &stage;
        async move {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = form(&[&[("grant_type", "client_credentials")], &pairs[..]].concat());
            stage.send("POST", "/token", &headers, body, LOCAL).await.unwrap()
        }
    };
    let basic = |id: &str, secret: &str| {
        let both = STANDARD.encode(format!("{id}:{secret}"));
        vec![("authorization", format!("Basic {both}"))]
    };
    let post = |id: &str, secret: &str| {
        vec![("client_id", id.to_owned()), ("client_secret", secret.to_owned())]
    };
    let (access, refresh) = tokens(&ask(basic(id, secret), vec![]).await);
    assert_eq!((stage.call(&access, "echo").await.status, refresh.as_str()), (200, ""));
    let wrong = ask(basic(id, "x"), vec![]).await;
    assert_eq!(wrong.error(), (401, "invalid_client".into()));
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"practice\"");
    assert_eq!(ask(vec![], post(id, secret)).await.status, 401);
    assert_eq!(ask(vec![], vec![("client_id", id.to_owned())]).await.status, 401);
    // The one that is known from the start says it either way.
    assert_eq!(ask(basic(CONFIDENTIAL, SECRET), vec![]).await.status, 200);
    assert_eq!(ask(vec![], post(CONFIDENTIAL, SECRET)).await.status, 200);
    assert_eq!(
        ask(vec![], vec![("client_id", PUBLIC.to_owned())]).await.error().1,
        "unauthorized_client"
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_be_registered() {
    let stage = stage(Authorization::default());
    let redirects = json!([CALLBACK]);
    for (body, error) in [
        (json!({"redirect_uris": redirects}), ""),
        (json!({"redirect_uris": redirects, "jwks": null, "scope": null, "client_uri": null}), ""),
        (json!({"redirect_uris": ["cursor://callback"], "application_type": "native"}), ""),
        (json!({"redirect_uris": null, "grant_types": ["client_credentials"]}), ""),
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://other.example/"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://a.example/#x"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": vec![CALLBACK; 17]}), "invalid_redirect_uri"),
        (
            json!({"redirect_uris": redirects, "grant_types": ["implicit"]}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": redirects, "response_types": ["token"]}),
            "invalid_client_metadata",
        ),
        (json!({"redirect_uris": redirects, "application_type": "toy"}), "invalid_client_metadata"),
        (
            json!({"redirect_uris": redirects, "token_endpoint_auth_method": "private_key_jwt"}),
            "invalid_client_metadata",
        ),
        (json!([1]), "invalid_client_metadata"),
    ] {
        let told = stage.register_with(&body).await;
        let status = if error.is_empty() { 201 } else { 400 };
        assert_eq!(told.error(), (status, error.to_owned()), "{body}");
    }
    let told = stage.register_with(&json!({"redirect_uris": redirects})).await.json();
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(
        (&told["client_secret_expires_at"], &told["grant_types"][1]),
        (&json!(0), &Value::Null)
    );
    assert!(told["client_secret"].as_str().unwrap().len() >= 32);
}

/// A key pair: what signs, and its JWK.
fn key() -> (EncodingKey, Value) {
    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    );
    let signs = EncodingKey::from_ec_der(pair.unwrap().as_ref());
    let public = Jwk::from_encoding_key(&signs, Algorithm::ES256).unwrap();
    (signs, serde_json::to_value(public).unwrap())
}

#[tokio::test]
async fn a_client_with_a_key_signs_who_it_is() {
    let ((signs, public), (other, _)) = (key(), key());
    let jwks = json!({ "keys": [public] });
    let stage = stage(Authorization { jwks: jwks.to_string(), ..Authorization::default() });
    let body = json!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks,
    });
    let registered =
        stage.register_with(&body).await.json()["client_id"].as_str().unwrap().to_owned();
    let claims = |id: &str, name: &str, value: Value| {
        let token = "http://127.0.0.1:1/token";
        let mut claims = json!({"iss": id, "sub": id, "aud": token, "exp": 1u64 << 40, "jti": "1"});
        claims[name] = value;
        claims
    };
    let several = json!(["http://127.0.0.1:1", "https://other.example"]);
    for (claims, key, status) in [
        (claims(SIGNING, "jti", json!("a")), &signs, 200),
        (claims(SIGNING, "jti", json!("a")), &signs, 401),
        (claims(SIGNING, "aud", several), &signs, 200),
        (claims(&registered, "jti", json!("a")), &signs, 200),
        (claims(SIGNING, "jti", json!("b")), &other, 401),
        (claims(SIGNING, "aud", json!("https://other.example")), &signs, 401),
        (claims(SIGNING, "exp", json!(1)), &signs, 401),
        (claims(SIGNING, "iss", json!("x")), &signs, 401),
        (claims(SIGNING, "jti", Value::Null), &signs, 401),
        (claims("nobody", "jti", json!("a")), &signs, 401),
        (claims(PUBLIC, "jti", json!("a")), &signs, 401),
    ] {
        let header = Header::new(Algorithm::ES256);
        let assertion = jsonwebtoken::encode(&header, &claims, key).unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        let told = stage.post("/token", &pairs).await;
        assert_eq!(told.status, status, "{claims}: {}", told.text);
    }
}

/// Serves one body at a path of this machine; its URL.
#[expect(clippy::disallowed_methods, reason = "the test owns the socket")]
async fn serve(body: impl Fn(&str) -> String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/client.json", listener.local_addr().unwrap());
    let body = body(&url);
    let pages = axum::Router::new().route("/client.json", axum::routing::get(async || body));
    tokio::spawn(async { axum::serve(listener, pages).await });
    url
}

#[tokio::test]
async fn a_client_is_known_by_its_document_on_this_machine() {
    let stage = stage(Authorization::default());
    let metadata = |id: &str, method: &str| {
        json!({"client_id": id, "client_name": "<b>", "redirect_uris": [CALLBACK],
               "grant_types": ["authorization_code", "refresh_token"],
               "token_endpoint_auth_method": method})
    };
    let good = serve(|url| metadata(url, "none").to_string()).await;
    let (access, refresh) = stage.grant(&good, &[]).await;
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    assert_eq!(stage.refresh(&good, &refresh).await.status, 200);
    assert_eq!(stage.count("documents"), 1);
    let long = |url: &str| format!("{}{}", metadata(url, "none"), " ".repeat(65 << 10));
    for (id, why) in [
        (serve(|_| metadata("http://127.0.0.1/x", "none").to_string()).await, "not its URL"),
        (serve(|url| metadata(url, "client_secret_post").to_string()).await, "no secret"),
        (serve(|_| "<html>".to_owned()).await, "expected value"),
        (serve(long).await, "over 64 KiB"),
        (good.replace("client.json", "other.json"), "another status"),
        (good.replace("/client.json", "/"), "of this machine only"),
        ("http://10.0.0.1/client.json".to_owned(), "of this machine only"),
        ("https://127.0.0.1/client.json".to_owned(), "of this machine only"),
        ("http://127.0.0.1.other.example/client.json".to_owned(), "of this machine only"),
    ] {
        let told = stage.authorize(&id, &[]).await;
        assert!(told.status == 401 && told.text.contains(why), "{id}: {told:?}");
    }
    let none = Authorization { documents: false, ..Authorization::default() };
    assert_eq!(super::rehearsal::stage(none).authorize(&good, &[]).await.status, 401);
}

/// Nothing is fetched: these are documents of another host.
#[tokio::test(start_paused = true)]
async fn claudes_published_documents_are_known() {
    let stage = stage(Authorization::default());
    let hosted = "https://claude.ai/oauth/mcp-oauth-client-metadata";
    let code = "https://claude.ai/oauth/claude-code-client-metadata";
    let back = "https://claude.ai/api/mcp/auth_callback";
    for (id, callback, status) in [
        (hosted, back, 302),
        (hosted, CALLBACK, 400),
        (code, "http://localhost:3118/callback", 302),
        (code, "http://127.0.0.1:40000/callback", 302),
        (code, back, 400),
        ("https://claude.ai/oauth/other", back, 401),
    ] {
        let told = stage.authorize(id, &[("redirect_uri", callback)]).await;
        assert_eq!(told.status, status, "{id} {callback}: {told:?}");
    }
    let told = stage.authorize(hosted, &[("redirect_uri", back)]).await;
    assert!(told.parameter("code").is_some(), "{told:?}");
    assert_eq!(stage.count("documents"), 0);
}

/// The value of a hidden field or a cookie.
fn after<'a>(text: &'a str, mark: &str, end: char) -> &'a str {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark}: {text}"));
    rest.split(end).next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn consent_by_forms_needs_their_fields_and_cookies() {
    let stage = stage(Authorization { consent: Consent::Form, ..Authorization::default() });
    let client = stage.register().await;
    let page = stage.authorize(&client, &[]).await;
    assert!(page.text.contains("action=\"http://127.0.0.1:1/login\""), "{}", page.text);
    let flow = after(page.header("set-cookie"), "practice_flow=", ';').to_owned();
    let csrf = after(&page.text, "name=\"csrf\" value=\"", '"').to_owned();
    let send = |path: &'static str, cookie: String, pairs: Vec<(&'static str, String)>| {
        let stage = &stage;
        async move {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            stage.send("POST", path, &[("cookie", &cookie)], form(&pairs), LOCAL).await.unwrap()
        }
    };
    let cookie = format!("other=1; practice_flow={flow}");
    let user = |csrf: &str, password: &str| {
        let field = |name, value: &str| (name, value.to_owned());
        vec![field("csrf", csrf), field("username", "alice"), field("password", password)]
    };
    assert_eq!(send("/login", String::new(), user(&csrf, "x")).await.status, 403);
    assert_eq!(send("/login", cookie.clone(), user("x", "x")).await.status, 403);
    let early = vec![("csrf", csrf.clone()), ("decision", "allow".to_owned())];
    assert_eq!(send("/consent", cookie.clone(), early).await.status, 400);
    let again = send("/login", cookie.clone(), user(&csrf, "")).await;
    assert_eq!(again.status, 401);
    let csrf = after(&again.text, "name=\"csrf\" value=\"", '"').to_owned();
    let next = send("/login", cookie.clone(), user(&csrf, "x")).await;
    assert_eq!((next.status, next.header("location")), (303, "http://127.0.0.1:1/consent"));
    let session = after(next.header("set-cookie"), "practice_session=", ';').to_owned();
    let consent = |cookie: String| {
        let stage = &stage;
        async move { stage.send("GET", "/consent", &[("cookie", &cookie)], String::new(), LOCAL).await }
    };
    let page: Told = consent(cookie.clone()).await.unwrap();
    assert!(page.text.contains(" as alice?"), "{}", page.text);
    let csrf = after(&page.text, "name=\"csrf\" value=\"", '"').to_owned();
    let decide = |word: &str| vec![("csrf", csrf.clone()), ("decision", word.to_owned())];
    let back = send("/consent", cookie.clone(), decide("allow")).await;
    let (access, _) = tokens(&stage.exchange(&client, &back.parameter("code").unwrap()).await);
    assert_eq!(stage.call(&access, "echo").await.status, 200);
    assert_eq!(send("/consent", cookie, decide("allow")).await.status, 403);
    // Who is logged in is only asked for consent, and may say no.
    let path = format!("/authorize?{}", Stage::query(&client, &[]));
    let session = format!("practice_session={session}");
    let page =
        stage.send("GET", &path, &[("cookie", &session)], String::new(), LOCAL).await.unwrap();
    let flow = after(page.header("set-cookie"), "practice_flow=", ';').to_owned();
    let csrf = after(&page.text, "name=\"csrf\" value=\"", '"').to_owned();
    let pairs = vec![("csrf", csrf), ("decision", "deny".to_owned())];
    let back = send("/consent", format!("practice_flow={flow}"), pairs).await;
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
}
