//! Why the first look at a target failed, where one more connection can tell.

use std::time::Duration;

use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::tls::Tls;
use crate::engine::client::Refusal;
use crate::model::outcome::{ConnectFailure, Outcome, Rule, TlsFailure};
use crate::model::plan::{self, Http};

/// What has not answered by then tells nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// The refusal, with what more can be found out about it.
pub(super) async fn explained(route: &Route, mut refusal: Refusal) -> Refusal {
    let clock = Clock::real();
    let dial = Dial::new(route.clone(), clock.clone());
    match (&route.tls, refusal.outcome) {
        // A server of HTTP/1.1 may simply hang up on the preface of HTTP/2.
        (None, Outcome::Connect(ConnectFailure::Closed)) if route.http == Http::Two => {
            refusal.outcome = Outcome::Connect(ConnectFailure::NotHttp);
        }
        (None, outcome) if may_be_tls(outcome) => {
            let asked = clock.by(PATIENCE, speaks_tls(&dial, &route.host)).await;
            if asked == Some(true) {
                refusal.outcome = Outcome::Connect(ConnectFailure::Tls(TlsFailure::Expected));
            }
        }
        (Some(tls), Outcome::Connect(ConnectFailure::Tls(_))) => {
            let asked = clock.by(PATIENCE, complaint(&dial, tls)).await;
            refusal.said = asked.flatten().unwrap_or_default();
        }
        _ => {}
    }
    refusal
}

/// How ports that speak TLS answer plain HTTP: an alert, an end, or the page of a server that saw
/// through it.
const fn may_be_tls(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Connect(ConnectFailure::NotHttp | ConnectFailure::Closed)
            | Outcome::Status(400)
            | Outcome::Violation(Rule::WrongMediaType | Rule::Redirect)
            | Outcome::CutStream
    )
}

async fn speaks_tls(dial: &Dial, host: &str) -> bool {
    // Without roots nothing can be asked: then the first failure stands as it is.
    let Ok(tls) = Tls::new(&plan::Tls::default(), host, Http::Negotiated) else { return false };
    match dial.plainly(None).await {
        Ok(stream) => tls.is_spoken_on(stream).await,
        Err(_) => false,
    }
}

async fn complaint(dial: &Dial, tls: &Tls) -> Option<String> {
    tls.complaint_on(dial.plainly(None).await.ok()?).await
}
