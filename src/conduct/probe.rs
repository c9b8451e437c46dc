//! One careful client of a target: step by step from its name to one call of a read-only tool, then
//! the requests that the readiness list asks about.

mod attempts;
mod connection;
mod legs;
mod sessions;
mod tools;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::legs::Noted;
use super::before;
use super::endpoint::Endpoint;
use super::failure::RunError;
use super::grants;
use super::run::{Around, common, practice_url, stop_practice};
use crate::edge::process::spawn_practice;
use crate::engine::client::{Client, Common, Sitting};
use crate::engine::realm::{Ask, SCOUT};
use crate::engine::recorder::Recorder;
use crate::judge::readiness;
use crate::model::finding;
use crate::model::plan::{Plan, TargetUrl};
use crate::model::probe::facts::{Facts, Link};
use crate::model::probe::{Found, Probed, State, Step};
use crate::practice::knobs;

/// What is to be probed.
pub struct Order {
    /// The plan: its target, what is presented there, and which tool may be called. Nothing of its
    /// load is brought.
    pub plan: Plan,
    /// Asks a person to log in, if the plan wants that.
    pub ask: Ask,
}

/// Probes it.
///
/// # Errors
/// When nothing can be asked, whatever the target does. What the target does wrong is in the
/// document.
pub async fn probe(order: Order) -> Result<Probed, RunError> {
    let Order { mut plan, ask } = order;
    let endpoint = before::endpoint(&plan, None)?;
    let child = match plan.target.url {
        TargetUrl::Practice => Some(spawn_practice(&knobs::arguments(&plan.practice)).await?),
        TargetUrl::Url(_) => None,
    };
    let (endpoint, shown) = match (endpoint, &child) {
        (Some(endpoint), _) => (endpoint, plan.target.shown.clone()),
        (None, Some(child)) => {
            let url = practice_url(&plan, child);
            (Endpoint::of(&url, &url, &plan.target.reach)?, url)
        }
        (None, None) => return Err(RunError::Ourselves("there is no endpoint".to_owned())),
    };
    plan.clients.profile = before::introduced(&plan);
    let mut prober = Prober::new(&plan, &endpoint, &ask)?;
    prober.all().await?;
    let probed = prober.document(shown);
    stop_practice(child).await;
    Ok(probed)
}

/// The steps' names, in their order: those that were not come to are said at the end.
const NAMES: [&str; 14] = [
    "dns",
    "tcp",
    "tls",
    "http",
    "no token",
    "discovery",
    "registration",
    "authorization",
    "token",
    "2026-07-28",
    "initialize",
    "http+sse",
    "tools/list",
    "tools/call",
];

/// A probe under way.
struct Prober<'a> {
    plan: &'a Plan,
    endpoint: &'a Endpoint,
    common: Arc<Common>,
    client: Arc<Client>,
    noted: Noted,
    facts: Facts,
    steps: Vec<Step>,
    /// Why what comes later is not tried.
    ended: Option<String>,
}

impl<'a> Prober<'a> {
    fn new(plan: &'a Plan, endpoint: &'a Endpoint, ask: &Ask) -> Result<Self, RunError> {
        let around = Around { ask: Some(ask), ..Around::default() };
        let recorder = Arc::new(Recorder::default());
        let common = common(plan, endpoint, recorder, Vec::new(), &around)?;
        let user = if grants::are_given(plan) { 0 } else { SCOUT };
        let client = Client::new(Arc::clone(&common), user);
        let link = match (&endpoint.route.tls, plan.target.is_loopback()) {
            (Some(_), _) => Link::Tls,
            (None, true) => Link::Here,
            (None, false) => Link::Plain,
        };
        let facts = Facts { link, ..Facts::default() };
        let (noted, steps, ended) = (Noted::default(), Vec::new(), None);
        Ok(Self { plan, endpoint, common, client, noted, facts, steps, ended })
    }

    async fn all(&mut self) -> Result<(), RunError> {
        self.health().await?;
        self.survey().await;
        if self.ended.is_none() {
            self.without_token().await;
        }
        if self.ended.is_some() {
            return Ok(());
        }
        let seats = self.sit_down().await;
        if let Some(main) = seats.main() {
            self.look_at_tools(main).await?;
        }
        self.try_out(&seats).await;
        for seat in seats.into_all() {
            seat.leave().await;
        }
        self.note();
        Ok(())
    }

    /// Takes note of what was told since the last time.
    fn note(&mut self) {
        self.common.wire.recorder.drain(&mut Vec::new(), &mut [&mut self.noted]);
    }

    fn now(&self) -> Duration {
        self.common.wire.clock.now()
    }

    fn ok(&mut self, name: &'static str, took: Option<Duration>, found: impl Into<String>) {
        self.step(name, State::Ok, took, found.into(), None);
    }

    /// There is no such thing at this target.
    fn none(&mut self, name: &'static str, took: Option<Duration>, found: impl Into<String>) {
        self.step(name, State::None, took, found.into(), None);
    }

    fn not_tried(&mut self, name: &'static str, why: impl Into<String>) {
        self.step(name, State::NotTried, None, why.into(), None);
    }

    fn failed(
        &mut self,
        name: &'static str,
        took: Option<Duration>,
        found: impl Into<String>,
        what_to_do: impl Into<String>,
    ) {
        self.step(name, State::Failed, took, found.into(), Some(what_to_do.into()));
    }

    fn step(
        &mut self,
        name: &'static str,
        state: State,
        took: Option<Duration>,
        found: String,
        what_to_do: Option<String>,
    ) {
        self.steps.push(Step { name, state, took, found, what_to_do });
    }

    /// Everything that comes later is not tried.
    fn end(&mut self, why: impl Into<String>) {
        self.ended.get_or_insert(why.into());
    }

    fn document(mut self, target: String) -> Probed {
        let why = self.ended.take().unwrap_or_else(|| "there was no session".to_owned());
        for name in NAMES {
            if !self.steps.iter().any(|step| step.name == name) {
                self.not_tried(name, why.clone());
            }
        }
        let place = |step: &Step| NAMES.iter().position(|name| *name == step.name);
        self.steps.sort_by_key(place);
        let is_reached = !self.facts.ways.is_empty();
        let checks = readiness::judge(&self.facts);
        let mut findings = finding::findings(&self.noted.told, Vec::new());
        // A probe is not followed by any.
        for evidence in findings.iter_mut().flat_map(|finding| &mut finding.evidence) {
            if let Some(said) = evidence.strip_prefix(finding::BEFORE) {
                *evidence = said.to_owned();
            }
        }
        let found = Found { steps: self.steps, checks, findings };
        let requests = self.common.wire.recorder.gauges.exchanges.load(Ordering::Relaxed);
        Probed::of(target, requests, is_reached, found)
    }
}

/// What a server calls itself, where it says so.
fn called(seat: &Sitting) -> String {
    let server = seat.server.trim();
    if server.is_empty() {
        "a server that does not say its name".to_owned()
    } else {
        server.to_owned()
    }
}
