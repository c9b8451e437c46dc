//! The practice authorization server of the real binary: one user's way from a refusal to a refresh
//! whose answer is lost, by requests written by hand.

use std::io;

use serde_json::{Value, json};

use crate::http;
use crate::practice::Practice;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:9/callback";

fn json_of(answer: &(u16, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs).finish()
}

/// A target with an authorization server, and a client that is registered there.
struct Target {
    practice: Practice,
    client: String,
}

impl Target {
    fn with(auth: &str) -> Self {
        let practice = Practice::with(&["--sessions", "stateless", "--auth", auth]);
        let target = Self { practice, client: String::new() };
        let registered = target.post(
            "/register",
            &json!({
                "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
            })
            .to_string(),
        );
        let registered = registered.unwrap();
        assert_eq!(registered.0, 201, "{registered:?}");
        let client = json_of(&registered)["client_id"].as_str().unwrap().to_owned();
        Self { client, ..target }
    }

    fn post(&self, path: &str, body: &str) -> io::Result<(u16, String)> {
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let headers = if path == "/register" { http::JSON } else { form };
        http::ask_with(self.practice.address(), "POST", path, headers, body)
    }

    fn code(&self) -> String {
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", &self.practice.url()),
        ]);
        let path = format!("/authorize?{query}");
        let (status, head) = http::head(self.practice.address(), "GET", &path, "", "").unwrap();
        assert_eq!(status, 302, "{head}");
        let location = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
        let url = url::Url::parse(location).unwrap();
        url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    fn granted(&self) -> (String, String) {
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client),
            ("code", &self.code()),
            ("code_verifier", VERIFIER),
        ]);
        tokens(&self.post("/token", &body).unwrap())
    }

    fn refreshed(&self, token: &str) -> io::Result<(u16, String)> {
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.client),
            ("refresh_token", token),
        ]);
        self.post("/token", &body)
    }

    /// Status and head of an answer at the MCP endpoint.
    fn call(&self, access: &str) -> (u16, String) {
        let header = format!("{}authorization: Bearer {access}\r\n", http::JSON);
        http::head(self.practice.address(), "POST", "/mcp", &header, CALL).unwrap()
    }
}

fn tokens(answer: &(u16, String)) -> (String, String) {
    assert_eq!(answer.0, 200, "{answer:?}");
    let answer = json_of(answer);
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[test]
fn a_user_gets_in_and_stays_in() {
    let target = Target::with("{ access = '60s', register_limit = 1 }");
    let (status, head) = target.call("bad");
    let metadata = "/.well-known/oauth-protected-resource/mcp";
    assert_eq!(status, 401);
    assert!(
        head.contains(&format!("{}{metadata}\"", target.practice.url().trim_end_matches("/mcp")))
    );
    let document: Value =
        serde_json::from_str(&http::page(target.practice.address(), metadata)).unwrap();
    assert_eq!(document["resource"], target.practice.url());
    let (access, refresh) = target.granted();
    assert_eq!(target.call(&access).0, 200);
    let (access, second) = tokens(&target.refreshed(&refresh).unwrap());
    assert_eq!((target.call(&access).0, second == refresh), (200, false));
    assert_eq!(target.post("/register", "{}").unwrap().0, 429);
    for (name, count) in
        [("registrations", 1), ("tokens", 2), ("unauthorized", 1), ("throttled", 1)]
    {
        assert_eq!(
            target.practice.counted(&format!("practice_auth_{name}_total ")),
            count,
            "{name}"
        );
    }
    let refused = "practice_requests_total{method=\"unread\",status=\"401\"} ";
    assert_eq!(target.practice.counted(refused), 1);
}

#[test]
fn a_lost_answer_is_a_closed_connection_and_a_done_refresh() {
    let target = Target::with("{ defects = ['loses-answer'] }");
    let (_, refresh) = target.granted();
    assert!(target.refreshed(&refresh).is_err());
    assert_eq!(target.practice.counted("practice_auth_refreshes_total "), 1);
    let (access, second) = tokens(&target.refreshed(&refresh).unwrap());
    assert_eq!((target.call(&access).0, second == refresh), (200, false));
}

#[test]
fn without_it_nothing_is_asked_for() {
    let target = Practice::with(&["--sessions", "stateless"]);
    assert_eq!(http::head(target.address(), "POST", "/mcp", http::JSON, CALL).unwrap().0, 200);
    assert_eq!(http::ask(target.address(), "POST", "/token", "").unwrap().0, 404);
    assert!(!target.page().contains("practice_auth"));
}
