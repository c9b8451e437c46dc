//! The first request, without a credential; then a session in each way that the target offers.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use url::Url;

use super::attempts::anonymous;
use super::{Prober, called};
use crate::conduct::unreachable::{Asked, what_and_hint};
use crate::engine::client::{Refusal, Sitting};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::plan::{Credential, Way};
use crate::model::probe::facts::{Answer, Attempted, Opened, Tried};
use crate::protocol::era::{Transport, Wish};
use crate::protocol::{legacy, modern};

/// The sessions that were begun.
#[derive(Default)]
pub(super) struct Seats {
    pub(super) modern: Option<Sitting>,
    pub(super) legacy: Option<Sitting>,
    pub(super) two_ends: Option<Sitting>,
}

impl Seats {
    /// The one that tools are looked at in: that of the era which most clients speak.
    pub(super) fn main(&self) -> Option<&Sitting> {
        self.legacy.as_ref().or(self.modern.as_ref()).or(self.two_ends.as_ref())
    }

    pub(super) fn into_all(self) -> impl Iterator<Item = Sitting> {
        [self.modern, self.legacy, self.two_ends].into_iter().flatten()
    }
}

impl Prober<'_> {
    /// The first request: `server/discover` of somebody without a credential.
    pub(super) async fn without_token(&mut self) {
        const NAME: &str = "no token";
        let (headers, body) = self.first_request();
        let tried = self.attempt(anonymous(headers, body)).await;
        let took = match &tried {
            Tried::Answer(answer) => Some(answer.took),
            Tried::Nothing { after, .. } => Some(*after),
            Tried::Not(_) => None,
        };
        self.facts.is_guarded =
            tried.answer().is_some_and(|answer| matches!(answer.status, 401 | 403));
        match &tried {
            Tried::Answer(answer) => self.first_answer(NAME, answer),
            Tried::Nothing { outcome: Outcome::Timeout, .. } => self.failed(
                NAME,
                took,
                "server/discover is not answered",
                "if initialize below is answered, refuse methods that you do not know with -32601, or \
                 clients of both eras wait here; if it is not, the server is stuck or still starting",
            ),
            Tried::Nothing { outcome, .. } => {
                let (found, what_to_do) = self.unanswered(*outcome).await;
                self.failed(NAME, took, found, what_to_do);
                self.end("there was no answer");
            }
            Tried::Not(why) => self.not_tried(NAME, *why),
        }
        self.facts.attempts.insert(Attempted::Anonymous, tried);
        if self.facts.is_guarded {
            let (mut headers, body) = self.first_request();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer squall-never-issued"));
            let tried = self.attempt(anonymous(headers, body)).await;
            self.facts.attempts.insert(Attempted::BadToken, tried);
        }
    }

    /// `server/discover`, as nobody who has a session.
    fn first_request(&self) -> (http::HeaderMap, Vec<u8>) {
        let revision = modern::Revision::V2026_07_28;
        self.client.unseated(revision).asking(&json!(0), "server/discover", Value::Null)
    }

    fn first_answer(&mut self, name: &'static str, answer: &Answer) {
        let (status, took) = (answer.status, Some(answer.took));
        let to = answer.headers.get("location").cloned();
        match (status, to) {
            (401, _) => self.ok(name, took, "HTTP 401: who has no token is not let in"),
            (403, _) => self.failed(
                name,
                took,
                "HTTP 403",
                "answer 401 to who has no token: clients log in for no other status",
            ),
            (300..=399, Some(to)) => {
                let what_to_do = self.redirected(&to);
                self.failed(name, took, format!("HTTP {status}: it redirects to {to}"), what_to_do);
            }
            (429, _) => self.failed(
                name,
                took,
                "HTTP 429: it says \"too much\" to the first request",
                "wait until its limit allows more, or probe from another address; hosted clients \
                 share a few addresses among all their users",
            ),
            (502..=504, _) => self.failed(
                name,
                took,
                format!("HTTP {status}"),
                "a proxy answers, and the server behind it does not: is it running?",
            ),
            (500.., _) => self.failed(
                name,
                took,
                format!("HTTP {status}"),
                "see what the server logged; a method that it does not know is refused with -32601",
            ),
            _ => {
                let found =
                    format!("none is asked for (server/discover is answered with HTTP {status})");
                self.ok(name, took, found);
            }
        }
    }

    /// What helps where the endpoint redirects: to its own path in another form, or to a page.
    fn redirected(&self, to: &str) -> String {
        let here = self.endpoint.address.path.path().trim_end_matches('/');
        let there = Url::parse("http://base.invalid").and_then(|base| base.join(to));
        if there.is_ok_and(|there| there.path().trim_end_matches('/') == here) {
            return format!(
                "give users the URL that answers, which is {to}: hosted clients do not follow a \
                 redirect of a POST"
            );
        }
        "if that is a page to log in at, answer 401 with WWW-Authenticate instead, for no client can \
         log in on a page; if MCP is spoken there, give users that URL"
            .to_owned()
    }

    /// Sits down in every way that there is.
    pub(super) async fn sit_down(&mut self) -> Seats {
        let mut seats = Seats::default();
        let (modern, legacy) = (Some(modern::Revision::V2026_07_28), self.newest());
        let hangs = matches!(
            self.facts.of(Attempted::Anonymous),
            Tried::Nothing { outcome: Outcome::Timeout, .. }
        );
        let transport = Transport::StreamableHttp;
        let mut refusals = Vec::new();
        if hangs {
            self.not_tried("2026-07-28", "server/discover is not answered");
        } else if self.allows("2026-07-28", Way::Modern) {
            let wish = Wish { transport, modern, legacy: None };
            match self.sit("2026-07-28", Operation::Discover, wish).await {
                Ok(seat) => seats.modern = Some(seat),
                Err(refusal) => refusals.push(("2026-07-28", refusal)),
            }
        }
        if self.ended.is_none() && self.allows("initialize", Way::Legacy) {
            let wish = Wish { transport, modern: None, legacy };
            match self.sit("initialize", Operation::Initialize, wish).await {
                Ok(seat) => {
                    self.facts.has_sessions = seat.id().is_some();
                    seats.legacy = Some(seat);
                }
                Err(refusal) => refusals.push(("initialize", refusal)),
            }
        }
        if self.ended.is_none() {
            self.look_for_sse(&mut seats, &mut refusals).await;
        }
        if !self.steps.iter().any(|step| step.name == "token") {
            self.legs();
        }
        self.declined(refusals, seats.main().is_some());
        seats
    }

    /// The newest revision with a handshake that is to be spoken.
    fn newest(&self) -> Option<legacy::Revision> {
        let named = self.plan.target.protocol.as_deref();
        named.map_or(Some(legacy::Revision::V2025_11_25), legacy::Revision::named)
    }

    fn allows(&mut self, name: &'static str, way: Way) -> bool {
        let is_allowed = self.plan.may_speak(way);
        if !is_allowed {
            self.not_tried(name, "the scenario names another protocol or transport");
        }
        is_allowed
    }

    async fn sit(
        &mut self,
        name: &'static str,
        with: Operation,
        wish: Wish,
    ) -> Result<Sitting, (Refusal, Duration)> {
        let began = self.now();
        let client = self.client.clone();
        let sat = Box::pin(client.sit(wish)).await;
        let whole = self.now().saturating_sub(began);
        let is_first = !self.steps.iter().any(|step| step.name == "token");
        let legs_before = self.noted_legs();
        if is_first {
            self.legs();
        }
        // What OAuth took is no part of the handshake.
        let took = whole.saturating_sub(self.noted_legs().saturating_sub(legs_before));
        match sat {
            Ok(seat) => {
                let session = match (with, seat.id()) {
                    (Operation::Initialize, Some(_)) => ", with a session",
                    (Operation::Initialize, None) => ", without a session",
                    _ => "",
                };
                let version = if name == seat.version { "offered" } else { seat.version };
                let old = match with {
                    Operation::Stream => "; the directory asks for Streamable HTTP",
                    _ => "",
                };
                let found = format!("{version}{session}; {}{old}", called(&seat));
                self.ok(name, Some(took), found);
                self.facts.ways.push(Opened { with, took });
                Ok(seat)
            }
            Err(refusal) => Err((refusal, took)),
        }
    }

    /// HTTP+SSE is looked for with a GET; it is sat down in where there is no other way.
    async fn look_for_sse(
        &mut self,
        seats: &mut Seats,
        refusals: &mut Vec<(&'static str, (Refusal, Duration))>,
    ) {
        const NAME: &str = "http+sse";
        let tried = self.attempt(self.get()).await;
        let offers = tried.answer().is_some_and(|answer| answer.is_endpoint);
        let took = tried.answer().map(|answer| answer.took);
        self.facts.attempts.insert(Attempted::Get, tried);
        if !self.allows(NAME, Way::HttpSse) {
            return;
        }
        if !offers {
            self.none(NAME, took, "not offered at this URL");
        } else if seats.main().is_some() {
            self.ok(NAME, took, "offered at the same URL, for clients of 2024-11-05");
        } else {
            let (transport, legacy) = (Transport::HttpSse, self.newest());
            let wish = Wish { transport, modern: None, legacy };
            match self.sit(NAME, Operation::Stream, wish).await {
                Ok(seat) => seats.two_ends = Some(seat),
                Err(refusal) => refusals.push((NAME, refusal)),
            }
        }
    }

    /// Says of the ways that led nowhere what that means: where another one led somewhere, a
    /// refusal is none of it.
    fn declined(&mut self, refusals: Vec<(&'static str, (Refusal, Duration))>, is_reached: bool) {
        let has_legacy = refusals.iter().any(|(name, _)| *name == "initialize");
        for (name, (refusal, took)) in refusals {
            if self.facts.no_tokens.is_some() {
                continue;
            }
            let status = self.status_without_token();
            if refusal.outcome == Outcome::Unauthorised(403) && status == Some(403) {
                self.not_tried(name, "it refuses with HTTP 403, as above");
                continue;
            }
            let is_outage = is_outage(&refusal);
            let is_last = !is_reached && (name == "initialize" || !has_legacy);
            let (found, what_to_do) = self.declined_with(&refusal);
            if is_outage || is_last {
                self.failed(name, Some(took), found, what_to_do);
            } else {
                self.none(name, Some(took), format!("not offered ({})", briefly(&refusal)));
            }
        }
        if !is_reached {
            self.end("there was no session");
        }
    }

    /// The status that somebody without a token was answered with.
    pub(super) fn status_without_token(&self) -> Option<u16> {
        self.facts.of(Attempted::Anonymous).answer().map(|answer| answer.status)
    }

    /// Whether what is presented was given, and nothing else can be had.
    fn presents_something_fixed(&self) -> bool {
        !matches!(self.plan.auth, Credential::None | Credential::Granted(_))
    }

    /// Why a session, or a list, was not given, and what helps.
    pub(super) fn declined_with(&self, refusal: &Refusal) -> (String, String) {
        let (what, hint) = what_and_hint(refusal, &Asked::of(self.plan));
        let code = refusal.code.map_or_else(String::new, |code| format!(", JSON-RPC error {code}"));
        let said = refusal.said.trim();
        let said =
            if said.is_empty() || code.is_empty() { String::new() } else { format!(": {said}") };
        let what = match refusal.status {
            Some(status) if !what.contains("HTTP") => format!("HTTP {status}: {what}{code}{said}"),
            _ => format!("{what}{code}{said}"),
        };
        let hint = match refusal.outcome {
            Outcome::Unauthorised(_) if self.presents_something_fixed() => {
                "what was presented is refused: is it of this server, has it expired, and may it do \
                 that?"
            }
            Outcome::Unauthorised(_) => {
                "give a token with --bearer-env NAME, log in with --login, or name what stands in \
                 [auth] of a scenario with --scenario FILE"
            }
            Outcome::Violation(Rule::Redirect) => {
                "give users the URL that it leads to: hosted clients do not follow a redirect of a \
                 POST"
            }
            _ => hint,
        };
        (what, hint.to_owned())
    }
}

/// A refusal that is none of a failure, in few words.
fn briefly(refusal: &Refusal) -> String {
    if !refusal.supported.is_empty() {
        return format!("it speaks {}", refusal.supported.join(", "));
    }
    let status = refusal.status.map(|status| format!("HTTP {status}"));
    let code = refusal.code.map(|code| format!("JSON-RPC error {code}"));
    let said: Vec<_> = status.into_iter().chain(code).collect();
    if said.is_empty() { refusal.outcome.class().name().to_owned() } else { said.join(", ") }
}

/// Whether a refusal says that something is broken, rather than that the way is not offered.
fn is_outage(refusal: &Refusal) -> bool {
    match refusal.outcome {
        Outcome::Timeout
        | Outcome::Connect(_)
        | Outcome::CutStream
        | Outcome::Unauthorised(_)
        | Outcome::Throttled(_) => true,
        _ => refusal.status.is_some_and(|status| status >= 500),
    }
}
