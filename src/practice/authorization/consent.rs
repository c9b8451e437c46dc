//! Consent by forms: a page to log in, a page to consent, each with a field against forged
//! requests and a cookie that binds it to the browser.
//!
//! ```text
//! GET  /authorize  -> page, cookie of the flow        POST /login   csrf username password
//! GET  /consent    -> page, cookie of the session     POST /consent csrf decision
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::id::{Id, Ids};
use super::super::response::page;
use super::Authority;
use super::authorize::{Asked, name_of, redirected, told};
use super::bounded::Bounded;
use super::form::Form;
use super::refused::Refused;

const FLOW_COOKIE: &str = "practice_flow";
const SESSION_COOKIE: &str = "practice_session";
/// Flows and sessions that are kept.
const MOST: usize = 20_000;

/// One authorization between its first page and its end.
#[derive(Debug)]
struct Flow {
    asked: Asked,
    /// What the next form must bring.
    csrf: Id,
    user: Option<String>,
}

/// Flows and sessions. The lock is held for one look-up at a time.
#[derive(Debug)]
pub(super) struct Consents {
    flows: Mutex<Bounded<Id, Flow>>,
    /// Who is logged in.
    sessions: Mutex<Bounded<Id, String>>,
    ids: Ids,
}

impl Default for Consents {
    fn default() -> Self {
        Self {
            flows: Mutex::new(Bounded::of(MOST)),
            sessions: Mutex::new(Bounded::of(MOST)),
            ids: Ids::default(),
        }
    }
}

impl Consents {
    fn flows(&self) -> MutexGuard<'_, Bounded<Id, Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, Bounded<Id, String>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authority {
    /// The page that a flow begins with: to consent for who is logged in, else to log in.
    pub(super) fn first_page(&self, headers: &HeaderMap, asked: Asked) -> Response {
        let session = id_of(headers, SESSION_COOKIE);
        let user = session.and_then(|id| self.consents.sessions().get(&id).cloned());
        let (flow, csrf) = (self.consents.ids.issue(), self.consents.ids.issue());
        let response = match &user {
            Some(user) => consent_page(&asked, user, csrf),
            None => login_page(&asked, csrf, ""),
        };
        self.consents.flows().insert(flow, Flow { asked, csrf, user });
        with_cookie(response, FLOW_COOKIE, &flow.text())
    }

    /// Somebody logs in.
    pub(super) fn login(&self, headers: &HeaderMap, form: &Form) -> Response {
        let mut flows = self.consents.flows();
        let flow = match checked(&mut flows, headers, form) {
            Ok((_, flow)) => flow,
            Err(refused) => return told(&refused),
        };
        flow.csrf = self.consents.ids.issue();
        let (Some(user), Some(_)) = (form.get("username"), form.get("password")) else {
            let page = login_page(&flow.asked, flow.csrf, "<p>Name and password, please.</p>");
            return with_status(page, StatusCode::UNAUTHORIZED);
        };
        let user = name_of(user);
        flow.user = Some(user.clone());
        let next = flow.asked.place.endpoint("/consent");
        drop(flows);
        let session = self.consents.ids.issue();
        self.consents.sessions().insert(session, user);
        let response = redirected(StatusCode::SEE_OTHER, &next);
        with_cookie(response, SESSION_COOKIE, &session.text())
    }

    /// The page to consent.
    pub(super) fn consent_page(&self, headers: &HeaderMap) -> Response {
        let mut flows = self.consents.flows();
        let flow = id_of(headers, FLOW_COOKIE).and_then(|id| flows.get_mut(&id));
        match flow {
            Some(Flow { asked, csrf, user: Some(user) }) => consent_page(asked, user, *csrf),
            _ => told(&Refused::request("nobody has logged in here")),
        }
    }

    /// Somebody consents, or does not.
    pub(super) fn decide(&self, headers: &HeaderMap, form: &Form) -> Response {
        let mut flows = self.consents.flows();
        let id = match checked(&mut flows, headers, form) {
            Ok((id, Flow { user: Some(_), .. })) => id,
            Ok(_) => return told(&Refused::request("nobody has logged in here")),
            Err(refused) => return told(&refused),
        };
        let flow = flows.remove(&id);
        drop(flows);
        match flow {
            Some(Flow { asked, user: Some(user), .. }) => match form.get("decision") {
                Some("allow") => self.consented(&asked, &user),
                _ => self.denied(&asked, "the user did not consent"),
            },
            _ => told(&Refused::request("this was decided already")),
        }
    }
}

/// What a person finds who comes without a client.
pub(super) fn stranger() -> Response {
    html("<title>Sign in</title><p>Please sign in from where you came.</p>")
}

/// The browser's flow, if the form comes from its page.
fn checked<'a>(
    flows: &'a mut Bounded<Id, Flow>,
    headers: &HeaderMap,
    form: &Form,
) -> Result<(Id, &'a mut Flow), Refused> {
    let forbidden = |what| Refused::request(what).with(StatusCode::FORBIDDEN);
    let id =
        id_of(headers, FLOW_COOKIE).ok_or_else(|| forbidden("the flow's cookie is missing"))?;
    let flow = flows.get_mut(&id).ok_or_else(|| forbidden("no such flow, or it is over"))?;
    if form.get("csrf").and_then(|csrf| Id::read(csrf.as_bytes())) != Some(flow.csrf) {
        return Err(forbidden("`csrf` is not the one of the page"));
    }
    Ok((id, flow))
}

fn login_page(asked: &Asked, csrf: Id, says: &str) -> Response {
    let action = escaped(&asked.place.endpoint("/login"));
    html(&format!(
        "<title>Log in</title>{says}<form method=\"post\" action=\"{action}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{}\">\
         <label>Name <input name=\"username\" autocomplete=\"username\"></label>\
         <label>Password <input type=\"password\" name=\"password\"></label>\
         <button type=\"submit\">Log in</button></form>",
        csrf.text()
    ))
}

fn consent_page(asked: &Asked, user: &str, csrf: Id) -> Response {
    let action = escaped(&asked.place.endpoint("/consent"));
    let (name, scopes) = (escaped(&asked.client.name), escaped(&asked.scopes.join(", ")));
    html(&format!(
        "<title>Consent</title><p>May {name} do {scopes} as {}?</p>\
         <form method=\"post\" action=\"{action}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{}\">\
         <button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\
         <button type=\"submit\" name=\"decision\" value=\"deny\">Deny</button></form>",
        escaped(user),
        csrf.text()
    ))
}

fn html(body: &str) -> Response {
    let text = format!("<!doctype html><html><meta charset=\"utf-8\">{body}</html>");
    let mut response = page("text/html; charset=utf-8", text);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

/// A text in HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A cookie that the browser brings.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

fn id_of(headers: &HeaderMap, name: &str) -> Option<Id> {
    Id::read(cookie(headers, name)?.as_bytes())
}

/// The response with a cookie for the browser; a value that no cookie can have is left out.
pub(super) fn with_cookie(mut response: Response, name: &str, value: &str) -> Response {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'\\');
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if value.bytes().all(plain)
        && let Ok(cookie) = HeaderValue::from_str(&cookie)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
