//! The steps to a connection: the name, TCP, TLS, the version of HTTP.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::Prober;
use crate::conduct::diagnosis;
use crate::conduct::failure::RunError;
use crate::edge::clock;
use crate::edge::dial::Dial;
use crate::edge::tls::Shown;
use crate::engine::client::Refusal;
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome};
use crate::model::probe::facts::Health;

/// A connection that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);
const DAY: i64 = 24 * 3600;

impl Prober<'_> {
    /// Opens a connection and looks at it.
    pub(super) async fn survey(&mut self) {
        let route = &self.endpoint.route;
        let began = self.now();
        let dial = Dial::new(route.clone(), self.common.wire.clock.clone());
        let surveyed = self.common.wire.clock.by(began + PATIENCE, dial.survey()).await;
        let surveyed = surveyed.unwrap_or(Err(ConnectFailure::TimedOut));
        let took = self.now().saturating_sub(began);
        let (opened, peer, shown) = match surveyed {
            Ok(surveyed) => surveyed,
            Err(failure) => return self.unconnected(failure, took).await,
        };
        let is_literal = route.instead.is_some() || route.host.parse::<IpAddr>().is_ok();
        let peer = peer.map_or_else(|| "?".to_owned(), |peer| peer.to_string());
        if is_literal {
            self.none("dns", None, "the address was given");
        } else {
            self.ok("dns", Some(opened.dns), format!("{} is {peer}", route.host));
        }
        self.ok("tcp", Some(opened.tcp), format!("connected to {peer}"));
        match &shown {
            Some(shown) => {
                self.facts.days_left = shown.not_after.map(days_left);
                self.ok("tls", opened.tls, described(shown));
            }
            None => self.none("tls", None, "plain HTTP: the URL begins with http://"),
        }
        let version = if opened.http2 { "HTTP/2" } else { "HTTP/1.1" };
        self.ok("http", None, version);
    }

    async fn unconnected(&mut self, failure: ConnectFailure, took: Duration) {
        let at = match failure {
            ConnectFailure::Dns | ConnectFailure::Private => "dns",
            ConnectFailure::Tls(_) => "tls",
            _ => "tcp",
        };
        for (name, found) in [("dns", "the name has an address"), ("tcp", "connected")] {
            if name == at {
                break;
            }
            self.ok(name, None, found);
        }
        let refusal = self.refused_to_connect(failure).await;
        let said =
            if refusal.said.is_empty() { String::new() } else { format!(" ({})", refusal.said) };
        self.failed(at, Some(took), format!("{}{said}", failure.name()), failure.hint());
        self.end("there was no connection");
    }

    async fn refused_to_connect(&self, failure: ConnectFailure) -> Refusal {
        let (operation, outcome) = (Operation::Discover, Outcome::Connect(failure));
        let (supported, said) = (Vec::new(), String::new());
        let refusal = Refusal { operation, outcome, status: None, code: None, supported, said };
        diagnosis::explained(&self.endpoint.route, refusal).await
    }

    /// Why a connection that was made brought no answer, in words, and what helps.
    pub(super) async fn unanswered(&self, outcome: Outcome) -> (String, &'static str) {
        match outcome {
            Outcome::Connect(failure) => {
                let refusal = self.refused_to_connect(failure).await;
                let failure = match refusal.outcome {
                    Outcome::Connect(failure) => failure,
                    _ => failure,
                };
                let hint = match failure {
                    ConnectFailure::Closed => {
                        "see what it logged; a proxy with nothing behind it does that, too"
                    }
                    ConnectFailure::NotHttp => "is that the right port?",
                    other => other.hint(),
                };
                (failure.name().to_owned(), hint)
            }
            Outcome::CutStream => (
                "the answer ended before it was whole".to_owned(),
                "see what the server, or the proxy before it, logged",
            ),
            other => {
                (format!("it ended as {}", other.class().name()), "see what the server logged")
            }
        }
    }

    /// Asks the page of health, where one was named.
    ///
    /// # Errors
    /// When it has a URL that cannot be asked.
    pub(super) async fn health(&mut self) -> Result<(), RunError> {
        let Some(health) = &self.plan.target.health else { return Ok(()) };
        let page = self.endpoint.page(&health.url, &health.shown)?;
        let found = page.status(PATIENCE).await.map_err(|error| error.reason().to_owned());
        let (url, expected) = (health.shown.clone(), health.status);
        self.facts.health = Some(Health { url, expected, found });
        Ok(())
    }
}

fn described(shown: &Shown) -> String {
    let Shown { version, chain, not_after } = shown;
    let s = if *chain == 1 { "" } else { "s" };
    let left = match not_after.map(days_left) {
        Some(days) => format!("{days} days left"),
        None => "of which the end cannot be read".to_owned(),
    };
    format!("{version}, {chain} certificate{s} sent, {left}")
}

fn days_left(not_after: i64) -> i64 {
    let now = clock::wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (not_after - i64::try_from(now.as_secs()).unwrap_or(i64::MAX)).div_euclid(DAY)
}
