//! A target with an authorization server, asked without sockets and on the runtime's time, for the
//! tests of this room.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::server::{Target, authorization, mcp, method};
use super::{Authority, Reply};
use crate::edge::clock::Clock;
use crate::model::plan::{Authorization, Defect, Practice, Sessions};

pub(super) const HOST: &str = "127.0.0.1:1";
pub(super) const CALLBACK: &str = "http://127.0.0.1:5/callback";
/// The example of RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A target.
pub(super) struct Stage(pub(super) Arc<Target>);

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and OAuth error.
    pub(super) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A parameter of the URL that it redirects to.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.header("location")).ok()?;
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

pub(super) fn defective(defect: Defect) -> Authorization {
    Authorization { defects: [defect].into_iter().collect(), ..Authorization::default() }
}

pub(super) fn stage(knobs: Authorization) -> Stage {
    let practice = Practice { sessions: Sessions::Stateless, ..Practice::default() };
    let mut target = Arc::into_inner(Target::new(practice.clone(), true).unwrap()).unwrap();
    let authority = Authority::new(knobs, &practice, Clock::of_runtime()).unwrap();
    target.authority = Some(Box::new(authority));
    Stage(Arc::new(target))
}

/// A form.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Stage {
    /// Sends a request; `None`: the connection was cut.
    pub(super) async fn send(
        &self,
        http: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        from: IpAddr,
    ) -> Option<Told> {
        let mut request = Request::builder().method(http).uri(path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if http == "POST" && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(body)).unwrap();
        let (path, target) = (request.uri().path().to_owned(), Arc::clone(&self.0));
        let response = if let Some(endpoint) = target.endpoint(&path) {
            let received = target.metrics.received(method(request.method()));
            mcp(target, endpoint, request, received).await
        } else {
            let Some(page) = target.authority.as_ref().unwrap().page(&path) else {
                let (status, headers) = (404, HeaderMap::new());
                return Some(Told { status, headers, text: String::new() });
            };
            match authorization(target, page, request, from).await {
                Reply::Whole(response) => response,
                Reply::Cut => return None,
            }
        };
        let (parts, body) = response.into_parts();
        // A stream that was let in goes on; nobody waits for its end here.
        let is_stream = parts.headers.get("content-type").is_some_and(|v| v == "text/event-stream");
        let body = if is_stream { Body::empty() } else { body };
        let text = String::from_utf8(to_bytes(body, 8 << 20).await.unwrap().to_vec()).unwrap();
        Some(Told { status: parts.status.as_u16(), headers: parts.headers, text })
    }

    pub(super) async fn get(&self, path: &str) -> Told {
        self.send("GET", path, &[], String::new(), LOCAL).await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Told {
        self.send("POST", path, &[], form(pairs), LOCAL).await.unwrap()
    }

    pub(super) async fn register_with(&self, body: &Value) -> Told {
        let headers = [("content-type", "application/json")];
        self.send("POST", "/register", &headers, body.to_string(), LOCAL).await.unwrap()
    }

    /// Registers a public client; its id.
    pub(super) async fn register(&self) -> String {
        let body = json!({
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let told = self.register_with(&body).await;
        assert_eq!(told.status, 201, "{}", told.text);
        told.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// The query of a request for authorization, with these parameters in place of the usual.
    pub(super) fn query(client: &str, other: &[(&str, &str)]) -> String {
        let usual = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "st"),
            ("resource", "http://127.0.0.1:1/mcp"),
        ];
        let kept = usual.iter().filter(|(name, _)| !other.iter().any(|(known, _)| known == name));
        form(&kept.chain(other).copied().collect::<Vec<_>>())
    }

    pub(super) async fn authorize(&self, client: &str, other: &[(&str, &str)]) -> Told {
        self.get(&format!("/authorize?{}", Self::query(client, other))).await
    }

    pub(super) async fn exchange(&self, client: &str, code: &str) -> Told {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &pairs).await
    }

    /// A grant of a new user: access and refresh token.
    pub(super) async fn grant(&self, client: &str, other: &[(&str, &str)]) -> (String, String) {
        let code = self.authorize(client, other).await.parameter("code").unwrap();
        tokens(&self.exchange(client, &code).await)
    }

    pub(super) async fn try_refresh(&self, client: &str, token: &str) -> Option<Told> {
        let pairs =
            [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        self.send("POST", "/token", &[], form(&pairs), LOCAL).await
    }

    pub(super) async fn refresh(&self, client: &str, token: &str) -> Told {
        self.try_refresh(client, token).await.unwrap()
    }

    /// Calls a tool; an empty token is none.
    pub(super) async fn call(&self, access: &str, tool: &str) -> Told {
        let params = json!({"name": tool, "arguments": {"message": "hi", "id": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
        let bearer = format!("Bearer {access}");
        let headers = mcp_headers(&bearer);
        let headers = if access.is_empty() { &headers[1..] } else { &headers };
        self.send("POST", "/mcp", headers, body.to_string(), LOCAL).await.unwrap()
    }

    /// A count of the metrics page.
    pub(super) fn count(&self, name: &str) -> u64 {
        let page = self.0.authority.as_ref().unwrap().metrics();
        let series = format!("practice_auth_{name}_total ");
        page.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok()).unwrap()
    }
}

pub(super) fn mcp_headers(bearer: &str) -> [(&str, &str); 3] {
    let both = "application/json, text/event-stream";
    [("authorization", bearer), ("accept", both), ("content-type", "application/json")]
}

pub(super) fn tokens(told: &Told) -> (String, String) {
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let told = told.json();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    (text("access_token"), text("refresh_token"))
}
