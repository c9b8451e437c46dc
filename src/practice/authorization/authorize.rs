//! The authorization endpoint: what is asked, who consents, and the way back to the client.
//! (RFC 6749 section 4.1, RFC 7636, RFC 8707, RFC 9207.)

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use url::Url;

use super::super::response::{empty, page};
use super::Authority;
use super::clients::Client;
use super::codes::Code;
use super::consent::{cookie, with_cookie};
use super::counts::one;
use super::form::Form;
use super::grants::Granted;
use super::place::Place;
use super::refused::Refused;
use crate::model::plan::{Consent, Defect};

/// The browser's user, where consent is instant.
const USER_COOKIE: &str = "practice_user";
/// Longer names are cut.
const LONGEST_NAME: usize = 64;
/// Longer requests are not kept.
const LONGEST_QUERY: usize = 8 << 10;
/// A SHA-256 in base64url.
const CHALLENGE_CHARS: usize = 43;

/// A request for authorization that is what it should be.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) client: Arc<Client>,
    pub(super) redirect: String,
    pub(super) place: Place,
    pub(super) scopes: Vec<String>,
    state: Option<String>,
    challenge: String,
    audience: String,
}

/// Where a refusal is sent: back to the client, once it is known where that is.
enum Refusal {
    Page(Refused),
    Callback(Response),
}

impl Authority {
    /// Answers a request at the authorization endpoint.
    pub(super) async fn authorize(
        &self,
        headers: &HeaderMap,
        query: &str,
        place: Place,
    ) -> Response {
        let query = query.as_bytes();
        let long = || Refused::request("the query is over 8 KiB");
        let form = if query.len() > LONGEST_QUERY { Err(long()) } else { Form::read(query) };
        let read = match form {
            Ok(form) => self.asked(&form, place).await.map(|asked| (form, asked)),
            Err(refused) => Err(Refusal::Page(refused)),
        };
        match read {
            Err(Refusal::Page(refused)) => told(&refused),
            Err(Refusal::Callback(response)) => response,
            Ok((form, asked)) => match self.knobs.consent {
                Consent::Instant => self.at_once(headers, &form, &asked),
                Consent::Form => self.first_page(headers, asked),
            },
        }
    }

    async fn asked(&self, form: &Form, place: Place) -> Result<Asked, Refusal> {
        let id = form.need("client_id").map_err(Refusal::Page)?;
        let client = self.client(id).await.map_err(Refusal::Page)?;
        let redirect = match form.get("redirect_uri") {
            Some(uri) if client.redirects_to(uri) => uri.to_owned(),
            Some(_) => {
                let wrong = "`redirect_uri` is none that the client registered";
                return Err(Refusal::Page(Refused::request(wrong)));
            }
            None if client.redirects.len() == 1 => client.redirects[0].clone(),
            None => return Err(Refusal::Page(Refused::request("`redirect_uri` is missing"))),
        };
        let state = form.get("state").map(str::to_owned);
        match self.rest(form, &client, &place) {
            Ok((scopes, challenge, audience)) => {
                Ok(Asked { client, redirect, place, scopes, state, challenge, audience })
            }
            Err(refused) => {
                let says =
                    [("error", refused.error), ("error_description", refused.description.as_ref())];
                let back = self.callback(&redirect, state.as_deref(), &place, &says);
                Err(Refusal::Callback(back))
            }
        }
    }

    /// Scopes, challenge and audience.
    fn rest(
        &self,
        form: &Form,
        client: &Client,
        place: &Place,
    ) -> Result<(Vec<String>, String, String), Refused> {
        if form.need("response_type")? != "code" {
            let only = "the only response type is `code`";
            return Err(Refused::new("unsupported_response_type", only));
        }
        if !client.uses("authorization_code") {
            let not = "the client did not register for authorization_code";
            return Err(Refused::new("unauthorized_client", not));
        }
        if form.get("code_challenge_method") != Some("S256") {
            return Err(Refused::request("`code_challenge_method` must be S256 (RFC 7636)"));
        }
        let challenge = form.need("code_challenge")?.to_owned();
        if challenge.len() != CHALLENGE_CHARS {
            return Err(Refused::request("`code_challenge` is not 43 characters (RFC 7636)"));
        }
        let scopes = self.scopes(form.get("scope"))?;
        Ok((scopes, challenge, audience(form, place)?))
    }

    /// The scopes that are asked for, or those that are given to who asks for none.
    pub(super) fn scopes(&self, asked: Option<&str>) -> Result<Vec<String>, Refused> {
        let Some(asked) = asked else {
            let first = self.knobs.scope.iter().cloned().collect();
            return Ok(if self.knobs.scope.is_some() { first } else { self.knobs.scopes.clone() });
        };
        let scopes: Vec<_> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
        if scopes.iter().all(|scope| self.knobs.scopes.iter().any(|known| known == scope)) {
            return Ok(scopes.into_iter().map(str::to_owned).collect());
        }
        Err(Refused::new("invalid_scope", "a scope that the metadata does not list"))
    }

    fn at_once(&self, headers: &HeaderMap, form: &Form, asked: &Asked) -> Response {
        let hinted = form.get("login_hint").or_else(|| cookie(headers, USER_COOKIE));
        let user = match hinted.filter(|name| !name.is_empty()) {
            Some(name) => name_of(name),
            None => self.next_user(),
        };
        with_cookie(self.consented(asked, &user), USER_COOKIE, &user)
    }

    /// The user consented: the way back to the client, with a code.
    pub(super) fn consented(&self, asked: &Asked, user: &str) -> Response {
        let may = self.knobs.scopes_of(user);
        let scopes: Vec<_> =
            asked.scopes.iter().filter(|scope| may.contains(scope)).map(String::as_str).collect();
        if scopes.is_empty() {
            return self.denied(asked, "the user has none of these scopes");
        }
        let granted = Granted {
            user: user.into(),
            client: asked.client.id.clone(),
            scope: scopes.join(" ").into(),
            resource: asked.audience.as_str().into(),
        };
        let (redirect, challenge) = (asked.redirect.clone(), asked.challenge.clone());
        let (granted, grant) = (Arc::new(granted), self.grants.id());
        let code = Code { granted, grant, redirect, challenge };
        let code = self.codes.issue(code, self.now());
        one(&self.counts.authorizations);
        self.back(asked, &[("code", &code)])
    }

    /// The user did not consent.
    pub(super) fn denied(&self, asked: &Asked, why: &str) -> Response {
        self.back(asked, &[("error", "access_denied"), ("error_description", why)])
    }

    fn back(&self, asked: &Asked, says: &[(&str, &str)]) -> Response {
        self.callback(&asked.redirect, asked.state.as_deref(), &asked.place, says)
    }

    /// Sends the browser to the client's callback.
    fn callback(
        &self,
        redirect: &str,
        state: Option<&str>,
        place: &Place,
        says: &[(&str, &str)],
    ) -> Response {
        let Ok(mut url) = Url::parse(redirect) else {
            return told(&Refused::request("`redirect_uri` is no URL"));
        };
        let has = |defect| self.knobs.has(defect);
        let issuer =
            if has(Defect::IssWrong) { "https://other.example".into() } else { place.issuer() };
        let state = state.filter(|_| !has(Defect::StateDropped)).map(|state| ("state", state));
        let issuer = (!has(Defect::IssMissing)).then_some(("iss", issuer.as_str()));
        url.query_pairs_mut().extend_pairs(says.iter().copied().chain(state).chain(issuer));
        redirected(StatusCode::FOUND, url.as_str())
    }
}

/// A user's name, as long as it is kept.
pub(super) fn name_of(user: &str) -> String {
    user.chars().take(LONGEST_NAME).collect()
}

/// The audience that is asked for. (RFC 8707 section 2.)
pub(super) fn audience(form: &Form, place: &Place) -> Result<String, Refused> {
    let mut resources = form.all("resource");
    let audience = place.audience(resources.next());
    let target = |what| Refused::new("invalid_target", what);
    match (audience, resources.next()) {
        (Some(audience), None) => Ok(audience),
        (_, Some(_)) => Err(target("one resource at a time")),
        (None, None) => Err(target("a resource that this server issues no tokens for")),
    }
}

/// A redirect.
pub(super) fn redirected(status: StatusCode, to: &str) -> Response {
    let mut response = empty(status);
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}

/// What a person is told who cannot be sent back.
pub(super) fn told(refused: &Refused) -> Response {
    let text = format!("{}: {}\n", refused.error, refused.description);
    let mut response = page("text/plain; charset=utf-8", text);
    *response.status_mut() = refused.status;
    response
}
