//! How a user consents: redirects followed, forms filled in, a program or a person asked.

use std::collections::BTreeMap;
use std::time::Duration;

use cookie_store::CookieStore;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::person::Person;
use super::way::lost;
use super::{Realm, SCOUT};
use crate::edge::process;
use crate::engine::legs::{Arrived, Astray, Journey};
use crate::model::figure;
use crate::model::leg::Leg;
use crate::model::secret::Secret;
use crate::protocol::oauth::authorization::Consent;
use crate::protocol::oauth::callback::is_callback;
use crate::protocol::oauth::consent::{Act, submit};
use crate::protocol::oauth::exchange::{Exchange, shown};
use crate::protocol::oauth::refusal::{Refusal, What};

/// Pages and redirects of one consent.
const MOST_PAGES: usize = 30;
/// The `User-Agent` of the browser that users consent in.
const BROWSER: &str = concat!("Mozilla/5.0 (compatible; squall/", env!("CARGO_PKG_VERSION"), ")");
/// What stands for the user's number in a script.
const USER: &str = "{user}";

/// How users consent.
#[derive(Debug, Clone)]
pub enum Consenting {
    /// The server redirects, at once, to the callback.
    Redirect,
    /// One act a page.
    Form(Vec<Act>),
    /// A program and its arguments; the URL comes last, it prints the callback.
    Command(Vec<String>),
    /// A person, in a browser.
    Browser(Person),
}

/// Where a browser stands.
struct Browser {
    jar: CookieStore,
    url: Url,
    method: Method,
    body: Vec<u8>,
}

impl Consenting {
    /// Brings a user from the authorization endpoint to the callback, to which squall sends nothing.
    ///
    /// # Errors
    /// At which page it ended, and why.
    pub(super) async fn bring(
        &self,
        realm: &Realm,
        journey: &mut Journey,
        consent: &Consent,
        by: Duration,
    ) -> Result<Url, Refusal> {
        let acts = match self {
            Self::Redirect => &[][..],
            Self::Form(acts) => acts,
            Self::Command(command) => {
                return asked(realm, command, consent, by).await;
            }
            Self::Browser(person) => return person.bring(realm, journey, consent).await,
        };
        let mut done = 0;
        let mut browser = Browser::at(consent.url.clone());
        // Forms are written for who comes first, and is asked for a name.
        let keeps = matches!(self, Self::Redirect);
        if keeps {
            browser.jar = realm.shared.jars.take(journey.user);
        }
        for _ in 0..MOST_PAGES {
            let arrived = browser.load(realm, journey, by).await?;
            if (300..400).contains(&arrived.status) {
                let next = browser.redirected(&arrived)?;
                if is_callback(&next, &consent.callback) {
                    if keeps {
                        realm.shared.jars.keep(journey.user, browser.jar);
                    }
                    return Ok(next);
                }
                browser.follow(arrived.status, next);
            } else if arrived.is_success() {
                let again = || again(&arrived.body, &browser.url, &acts[..done]);
                let Some(act) = acts.get(done) else {
                    return Err(browser.refused(again().unwrap_or_else(|| self.no_redirect())));
                };
                let sent = submit(&arrived.body, &browser.url, &act_of(act, journey.user));
                let sent = sent.map_err(|misfit| {
                    browser.refused(again().unwrap_or_else(|| misfit.to_string()))
                })?;
                done += 1;
                (browser.url, browser.method, browser.body) = (sent.url, sent.method, sent.body);
            } else {
                let again = again(&arrived.body, &browser.url, &acts[..done]);
                let why = again.map_or_else(String::new, |again| format!(": {again}"));
                return Err(browser.refused(format!("answered {}{why}", arrived.status)));
            }
        }
        Err(browser.refused(format!("leads over more than {MOST_PAGES} pages and redirects")))
    }

    /// What to say of a page where a redirect was expected.
    fn no_redirect(&self) -> String {
        match self {
            Self::Form(acts) => format!(
                "shows one more page after the {} that auth.forms has a step for",
                acts.len()
            ),
            _ => "shows a page instead of redirecting to the callback (RFC 6749 section 4.1.2): \
                  set auth.consent to \"form\", which fills it in, to \"command\", for a program \
                  that does, or to \"browser\", where you log in once"
                .to_owned(),
        }
    }
}

impl Browser {
    fn at(url: Url) -> Self {
        Self { jar: CookieStore::default(), url, method: Method::GET, body: Vec::new() }
    }

    /// Loads the page it stands before, with the cookies that belong there.
    async fn load(
        &mut self,
        realm: &Realm,
        journey: &mut Journey,
        by: Duration,
    ) -> Result<Arrived, Refusal> {
        let exchange = Exchange {
            leg: Leg::Authorize,
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers(BROWSER),
            body: std::mem::take(&mut self.body),
        };
        let left = by.saturating_sub(realm.clock.now());
        let came = realm.legs.send(journey, exchange, left).await;
        let came = came.map_err(|said| self.with(What::NotGone(said)))?;
        let arrived = came.map_err(|Astray(outcome)| self.with(What::Lost(lost(outcome))))?;
        for cookie in arrived.headers.get_all(SET_COOKIE) {
            if let Ok(cookie) = cookie.to_str() {
                // One that does not belong here is not kept; browsers say nothing either.
                let _kept = self.jar.parse(cookie, &self.url).is_ok();
            }
        }
        Ok(arrived)
    }

    fn headers(&self, user_agent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: http::HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        add(http::header::USER_AGENT, user_agent);
        add(http::header::ACCEPT, "text/html,application/xhtml+xml");
        if self.method == Method::POST {
            add(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            // Sites that guard their forms look where a submission comes from.
            add(http::header::ORIGIN, &self.url.origin().ascii_serialization());
        }
        let pairs = self.jar.get_request_values(&self.url);
        let cookies: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty()
            && let Ok(mut value) = HeaderValue::from_str(&cookies.join("; "))
        {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        headers
    }

    /// Where a redirect leads.
    fn redirected(&self, arrived: &Arrived) -> Result<Url, Refusal> {
        let location = arrived.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| {
            self.refused(format!("answered {} without a Location", arrived.status))
        })?;
        let next = self.url.join(location);
        next.map_err(|_| self.refused("redirects to what is no URL".to_owned()))
    }

    /// Goes on as browsers do: 307 and 308 keep method and body (RFC 9110, section 15.4).
    fn follow(&mut self, status: u16, next: Url) {
        self.url = next;
        if !matches!(status, 307 | 308) {
            (self.method, self.body) = (Method::GET, Vec::new());
        }
    }

    fn refused(&self, said: String) -> Refusal {
        self.with(What::Consent(said))
    }

    fn with(&self, what: What) -> Refusal {
        Refusal::new(Leg::Authorize, &self.url, what)
    }
}

/// What to say of a page that the last act with fields of those `done` was meant for: what was filled
/// in there was not taken.
fn again(page: &[u8], url: &Url, done: &[Act]) -> Option<String> {
    let (step, act) = done.iter().enumerate().rfind(|(_, act)| !act.fields.is_empty())?;
    submit(page, url, act).is_ok().then(|| {
        let names: Vec<_> = act.fields.keys().map(|name| format!("{name:?}")).collect();
        format!(
            "shows the form again that step {} of auth.forms filled in ({}): it was not taken, as \
             with a wrong user name or password",
            step + 1,
            names.join(", "),
        )
    })
}

/// An act of one user. Accounts are numbered from 0: whoever looks at the target has the first.
fn act_of(act: &Act, user: u32) -> Act {
    let number = if user == SCOUT { 0 } else { user }.to_string();
    let own = |(name, value): (&String, &Secret)| {
        (name.clone(), Secret::new(value.expose().replace(USER, &number)))
    };
    let fields: BTreeMap<_, _> = act.fields.iter().map(own).collect();
    Act { fields, button: act.button.clone() }
}

/// Asks a program, which prints the callback's URL.
async fn asked(
    realm: &Realm,
    command: &[String],
    consent: &Consent,
    by: Duration,
) -> Result<Url, Refusal> {
    let said = |said| Refusal::new(Leg::Authorize, &consent.url, What::Command(said));
    let within = by.saturating_sub(realm.clock.now());
    let printed = process::first_line(command, consent.url.as_str());
    let printed = realm.clock.by(by, printed).await;
    // Not the server's fault, and not cured by waiting for it.
    let printed = printed.ok_or_else(|| {
        let within = figure::duration(within);
        said(format!("leads to auth.command, which printed no line within {within} and was ended"))
    })?;
    let line = printed.map_err(|error| said(format!("leads to auth.command, which {error}")))?;
    Url::parse(line.trim()).map_err(|_| {
        said(format!(
            "leads to auth.command, which printed no URL first (expected {}?code=...)",
            Url::parse(&consent.callback)
                .map_or_else(|_| consent.callback.clone(), |url| shown(&url)),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_its_account() {
        let fields = BTreeMap::from([("login".to_owned(), Secret::new("user-{user}"))]);
        let act = Act { fields, button: None };
        for (user, account) in [(0, "user-0"), (17, "user-17"), (SCOUT, "user-0")] {
            assert_eq!(act_of(&act, user).fields["login"].expose(), account);
        }
    }
}
