//! The token endpoint: forms that ask, answers that grant or refuse (RFC 6749, sections 4 to 6).

use std::time::Duration;

use http::header::AUTHORIZATION;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::assertion::Occasion;
use super::authorization::Step;
use super::client::Client;
use super::exchange::{Exchange, Heard, Response};
use super::metadata::{self, text};
use super::refusal::{Refusal, What};
use super::{reading, scope};
use crate::model::leg::Leg;
use crate::model::profile::oauth::OAuth;
use crate::model::secret::Secret;
use crate::protocol::throttle::{self, wait};

/// Longest lifetime believed, so that arithmetic with it cannot overflow.
const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;
/// Most bytes of a token, so that it still fits into a header.
const MOST_TOKEN_BYTES: usize = 64 << 10;

/// What the token endpoint gave (RFC 6749, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `access_token`.
    pub access: Secret,
    /// `refresh_token`; absent in the answer to a refresh: the old one stays.
    pub refresh: Option<Secret>,
    /// `expires_in`, from when the answer came.
    pub expires_in: Option<Duration>,
    /// `scope`; absent: as asked.
    pub scopes: Option<Vec<String>>,
}

/// A form under way (application/x-www-form-urlencoded).
#[derive(Default)]
pub(super) struct Form(String);

impl Form {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        form_urlencoded::Serializer::for_suffix(&mut self.0, 0).append_pair(name, value);
    }

    pub(super) fn add_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn body(self) -> (&'static str, Vec<u8>) {
        ("application/x-www-form-urlencoded", self.0.into_bytes())
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(***)")
    }
}

/// What is asked of a token endpoint.
#[derive(Debug)]
pub(super) enum Ask<'a> {
    /// Tokens for a code (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    Code { code: &'a Secret, verifier: &'a Secret },
    /// New tokens (RFC 6749, section 6).
    Refresh { token: &'a Secret },
    /// Tokens for the client itself (RFC 6749, section 4.4).
    Client { scopes: &'a [String] },
}

/// Where a question goes and who asks.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) profile: &'a OAuth,
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a Url,
    pub(super) resource: Option<&'a str>,
    pub(super) occasion: Occasion<'a>,
}

/// The request.
pub(super) fn request(ask: &Ask<'_>, asked: &Asked<'_>) -> Result<Exchange, What> {
    let Asked { profile, client, endpoint, resource, occasion } = asked;
    let mut form = Form::default();
    match ask {
        Ask::Code { code, verifier } => {
            form.add("grant_type", "authorization_code");
            form.add("code", code.expose());
            form.add("redirect_uri", &profile.callback);
            form.add("code_verifier", verifier.expose());
        }
        Ask::Refresh { token } => {
            form.add("grant_type", "refresh_token");
            form.add("refresh_token", token.expose());
        }
        Ask::Client { scopes } => {
            form.add("grant_type", "client_credentials");
            form.add_if("scope", scope_text(scopes).as_deref());
        }
    }
    let authorization = client.prove(&mut form, &client.issuer, occasion).map_err(What::Key)?;
    form.add_if("resource", *resource);
    let leg = if matches!(ask, Ask::Refresh { .. }) { Leg::Refresh } else { Leg::Token };
    let url = (*endpoint).clone();
    let headers = &profile.token_headers;
    let mut exchange = Exchange::post(leg, url, &profile.user_agent, headers, form.body());
    if let Some(authorization) = authorization {
        exchange.headers.insert(AUTHORIZATION, authorization);
    }
    Ok(exchange)
}

/// Scopes as a parameter; none: the parameter is left out.
pub(super) fn scope_text(scopes: &[String]) -> Option<String> {
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

impl Asked<'_> {
    /// The request as a step of this leg.
    pub(super) fn step(&self, leg: Leg, ask: &Ask<'_>) -> Step {
        match request(ask, self) {
            Ok(exchange) => Step::Send(exchange),
            Err(what) => Step::Failed(Refusal::new(leg, self.endpoint, what)),
        }
    }
}

/// What came of the request: tokens, or why there are none.
pub(super) fn heard(heard: &Heard<'_>) -> Result<Tokens, What> {
    match heard {
        Heard::Answer(response) => read(response),
        Heard::Lost(lost) => Err(What::Lost(*lost)),
        Heard::Callback(_) => Err(What::OutOfTurn),
    }
}

/// Reads an answer of the token endpoint. Tolerated as SDKs do: any 2xx, numbers as text, null for
/// absent, no `token_type`. A 200 that holds `error` and no token is that error.
pub(super) fn read(response: &Response<'_>) -> Result<Tokens, What> {
    const RULE: &str = "RFC 6749 section 5.1";
    if !(200..300).contains(&response.status) {
        return Err(refused(response, RULE));
    }
    let document = metadata::document(response, RULE)?;
    let token = |name| {
        text(&document, name).filter(|token| {
            token.len() <= MOST_TOKEN_BYTES
                && token.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        })
    };
    let Some(access) = token("access_token") else {
        return Err(denied(&document, response).unwrap_or(What::Missing("access_token", RULE)));
    };
    Ok(Tokens {
        access: Secret::new(access),
        refresh: token("refresh_token").map(Secret::new),
        expires_in: seconds(document.get("expires_in")),
        scopes: text(&document, "scope").map(|text| scope::split(&text)),
    })
}

/// What an answer that is no 2xx says, from any endpoint of an authorization server.
pub(super) fn refused(response: &Response<'_>, rule: &'static str) -> What {
    let Response { status, headers, body } = *response;
    if (300..400).contains(&status) {
        return redirect(response, rule);
    }
    if body.len() > super::exchange::MOST_BYTES {
        return What::Oversized(body.len());
    }
    let document = metadata::document(response, rule).unwrap_or_default();
    if let Some(denied) = denied(&document, response) {
        return denied;
    }
    if let Some(throttle) = throttle::of_status(status, headers, body, None) {
        return What::Throttled { status, after: throttle.retry_after };
    }
    if status >= 500 || status == 408 {
        return What::Unavailable { status, after: wait::retry_after(headers) };
    }
    if metadata::is_page(headers, body) { What::Page(rule) } else { What::Status(status, rule) }
}

/// A redirect where none is followed.
pub(super) fn redirect(response: &Response<'_>, rule: &'static str) -> What {
    let location = response.headers.get(http::header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
    let shown = Url::parse(location).map_or_else(
        |_| reading::cut(location.split(['?', '#']).next().unwrap_or_default(), 200),
        |url| super::exchange::shown(&url),
    );
    What::Redirect(shown, rule)
}

/// The error that a document names; a 429 is a limit whatever it names.
fn denied(document: &Map<String, Value>, response: &Response<'_>) -> Option<What> {
    let Response { status, headers, body } = *response;
    let after = || throttle::of_status(status, headers, body, None).and_then(|it| it.retry_after);
    if status == 429 {
        return Some(What::Throttled { status, after: after() });
    }
    let error = text(document, "error")?;
    Some(What::Denied {
        error: reading::cut(&error, 80),
        description: text(document, "error_description")
            .map_or_else(String::new, |text| reading::cut(&text, 200)),
        after: after().or_else(|| wait::retry_after(headers)),
    })
}

/// Seconds as a number or as text; what is negative, absent or absurd is not a lifetime.
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::refusal::{Reaction, Refusal};
    use crate::protocol::oauth::rehearsal::{headers, url};

    type Pairs = &'static [(&'static str, &'static str)];

    fn heard(status: u16, pairs: Pairs, body: &str) -> Result<Tokens, What> {
        read(&Response { status, headers: &headers(pairs), body: body.as_bytes() })
    }

    #[test]
    fn what_is_tolerated() {
        let life = |body: &str| {
            let body = format!(r#"{{"access_token":"t",{body}"x":1}}"#);
            heard(200, &[], &body).unwrap().expires_in.map(|life| life.as_secs())
        };
        let cases = [
            (r#""expires_in":3600,"#, Some(3_600)),
            (r#""expires_in":"3600","#, Some(3_600)),
            (r#""expires_in":59.9,"#, Some(59)),
            (r#""expires_in":0,"#, Some(0)),
            (r#""expires_in":null,"#, None),
            (r#""expires_in":-1,"#, None),
            (r#""expires_in":"soon","#, None),
            (r#""expires_in":"NaN","#, None),
            (r#""expires_in":1e300,"#, Some(316_224_000)),
            (r#""expires_in":[60],"#, None),
            ("", None),
        ];
        for (body, expected) in cases {
            assert_eq!(life(body), expected, "{body}");
        }
        let whole =
            r#"{"access_token":"t","token_type":"Bearer","refresh_token":"r","scope":"a b"}"#;
        let tokens = heard(201, &[], whole).unwrap();
        assert_eq!(tokens.refresh, Some(Secret::new("r")));
        assert_eq!(tokens.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
        let nulls = r#"{"access_token":"t","token_type":null,"refresh_token":null,"scope":""}"#;
        let tokens = heard(200, &[("content-type", "text/html")], nulls).unwrap();
        assert_eq!((tokens.refresh, tokens.scopes), (None, None));
    }

    /// What an answer means for the grant: protocol.md's table of errors, and what is worse.
    #[test]
    fn what_each_answer_means() {
        use Reaction::{Dead, FewerScopes, Forgotten, GiveUp, Later};
        const JSON: (&str, &str) = ("content-type", "application/json");
        const HTML: (&str, &str) = ("content-type", "text/html");
        let after = |seconds| Later(Some(Duration::from_secs(seconds)));
        let cases: &[(u16, Pairs, &str, Reaction)] = &[
            (400, &[JSON], r#"{"error":"invalid_grant"}"#, Dead),
            (401, &[JSON], r#"{"error":"invalid_grant","error_description":null}"#, Dead),
            (200, &[JSON], r#"{"error":"invalid_grant"}"#, Dead),
            (401, &[JSON], r#"{"error":"invalid_client"}"#, Forgotten),
            (400, &[JSON], r#"{"error":"invalid_client"}"#, Forgotten),
            (400, &[JSON], r#"{"error":"unauthorized_client"}"#, Forgotten),
            (400, &[JSON], r#"{"error":"invalid_scope"}"#, FewerScopes),
            (400, &[JSON], r#"{"error":"invalid_target"}"#, GiveUp),
            (400, &[JSON], r#"{"error":"invalid_request"}"#, GiveUp),
            (400, &[JSON], r#"{"error":"unsupported_grant_type"}"#, GiveUp),
            (400, &[JSON], r#"{"error":"temporarily_unavailable"}"#, Later(None)),
            (
                503,
                &[JSON, ("retry-after", "7")],
                r#"{"error":"temporarily_unavailable"}"#,
                after(7),
            ),
            (400, &[("retry-after", "7")], r#"{"error":"server_error"}"#, after(7)),
            (500, &[JSON], r#"{"error":"server_error"}"#, Later(None)),
            (429, &[JSON], r#"{"error":"too_many_requests"}"#, Later(None)),
            (429, &[JSON, ("retry-after", "900")], r#"{"error":"invalid_request"}"#, after(900)),
            (429, &[("ratelimit-reset", "30")], "", after(30)),
            (429, &[HTML], "<h1>slow down</h1>", Later(None)),
            (400, &[], "Too many requests, try again in 5 seconds", after(5)),
            (500, &[], "", Later(None)),
            (502, &[HTML], "<h1>Bad gateway</h1>", Later(None)),
            (503, &[("retry-after", "120")], "", after(120)),
            (408, &[], "", Later(None)),
            (403, &[HTML], "<h1>Blocked</h1>", GiveUp),
            (404, &[], "", GiveUp),
            (400, &[], "not json", GiveUp),
            (302, &[("location", "https://as.test/login?x=secret")], "", GiveUp),
            (200, &[HTML], "<h1>Log in</h1>", GiveUp),
            (200, &[], "", GiveUp),
            (200, &[], "[]", GiveUp),
            (200, &[], r#"{"access_token":""}"#, GiveUp),
            (200, &[], "{\"access_token\":\"a\\nb\"}", GiveUp),
            (200, &[], r#"{"access_token":7}"#, GiveUp),
        ];
        for (status, pairs, body, expected) in cases {
            let what = heard(*status, pairs, body).unwrap_err();
            let refusal = Refusal::new(Leg::Token, &url("https://as.test/token?tenant=7"), what);
            assert_eq!(refusal.reaction(), *expected, "{status} {pairs:?} {body}: {refusal}");
        }
        let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(MOST_TOKEN_BYTES + 1));
        assert!(matches!(heard(200, &[], &long), Err(What::Missing("access_token", _))));
        let huge = " ".repeat(super::super::exchange::MOST_BYTES + 1);
        assert!(matches!(heard(200, &[], &huge), Err(What::Oversized(1_048_577))));
        assert!(matches!(heard(400, &[], &huge), Err(What::Oversized(1_048_577))));
    }

    #[test]
    fn a_refusal_says_where_what_and_which_rule() {
        let cases: &[(u16, Pairs, &str, &str)] = &[
            (
                400,
                &[],
                r#"{"error":"invalid_grant","error_description":"gone\u001b[2J"}"#,
                "token: https://as.test/token refused: invalid_grant (gone?[2J)",
            ),
            (
                429,
                &[("retry-after", "9")],
                "",
                "token: https://as.test/token answered 429 and asks to wait, try again after 9 s",
            ),
            (
                200,
                &[],
                "<!doctype html>",
                "token: https://as.test/token answered with a web page, expected JSON: \
                 RFC 6749 section 5.1",
            ),
            (
                307,
                &[("location", "https://u:p@evil.test/x?code=secret")],
                "",
                "token: https://as.test/token redirects to https://evil.test/x, which is not \
                 followed: RFC 6749 section 5.1",
            ),
            (
                200,
                &[],
                "{\"access_token\":",
                "token: https://as.test/token did not answer with a JSON object (EOF while parsing \
                 a value at line 1 column 16): RFC 6749 section 5.1",
            ),
        ];
        for (status, pairs, body, expected) in cases {
            let what = heard(*status, pairs, body).unwrap_err();
            let at = url("https://u:p@as.test/token?tenant=secret");
            assert_eq!(Refusal::new(Leg::Token, &at, what).to_string(), *expected);
        }
    }
}
