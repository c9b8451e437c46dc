//! What acts outside in a run: made ready before the load, kept beside it, told in its report.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::endpoint::Endpoint;
use super::failure::RunError;
use super::grants;
use crate::chaos::outside::{Load, Outside};
use crate::chaos::prepare::{self, Hands};
use crate::edge::clock::Clock;
use crate::edge::tls::Tls;
use crate::engine::control;
use crate::engine::realm::SCOUT;
use crate::engine::stop::{Phase, Stop};
use crate::judge::recovery::{self, Watched};
use crate::model::damage::Damage;
use crate::model::fault::What;
use crate::model::fault::outside::{Action, HookReport, Outcome, ToxicReport};
use crate::model::finding::Finding;
use crate::model::plan::{self, Http, Plan};
use crate::model::report::Report;
use crate::model::summary::Summary;

/// Makes what acts outside ready, and lets connections to the target go through a proxy of
/// Toxiproxy's where faults are to be on the path.
pub(super) async fn begin(
    plan: &Plan,
    endpoint: &mut Endpoint,
    (run, folder): (&str, Option<PathBuf>),
) -> Result<Option<Outside>, RunError> {
    if !plan.faults.iter().any(|fault| matches!(fault.what, What::Toxic(_) | What::Hook(_))) {
        return Ok(None);
    }
    let tls = speaks_tls(plan).then(|| trusted(endpoint)).transpose()?;
    let client = control::client(tls.as_ref())?;
    let holder = grants::checked(plan)?.holder(SCOUT);
    let route = &endpoint.route;
    let upstream = match route.instead {
        Some(address) => address.to_string(),
        None if route.host.contains(':') => format!("[{}]:{}", route.host, route.port),
        None => format!("{}:{}", route.host, route.port),
    };
    let hands = Hands {
        client,
        hide: Arc::new(move |text| holder.hide(text)),
        upstream,
        run: run.to_owned(),
        folder,
    };
    let outside = prepare::begin(plan, hands).await?;
    if let Some(instead) = outside.as_ref().and_then(Outside::instead) {
        endpoint.route.instead = Some(instead);
    }
    Ok(outside)
}

/// Whether anything is asked over TLS.
fn speaks_tls(plan: &Plan) -> bool {
    let hooks = plan.faults.iter().filter_map(|fault| match &fault.what {
        What::Hook(hook) => match &hook.action {
            Action::Request(request) => Some(request.url.as_str()),
            Action::Command(_) => None,
        },
        _ => None,
    });
    let server = plan.toxiproxy.as_ref().map(|server| server.url.as_str());
    hooks.chain(server).any(|url| url.starts_with("https:"))
}

/// Whom the target's TLS trusts; the system's roots where it has none.
fn trusted(endpoint: &Endpoint) -> Result<Tls, RunError> {
    if let Some(tls) = &endpoint.route.tls {
        return Ok(tls.clone());
    }
    Ok(Tls::new(&plan::Tls::default(), "localhost", Http::One)?)
}

/// What acts outside, under way with the load.
pub(super) struct Beside(Option<JoinHandle<Outcome>>);

impl Beside {
    /// Begins with the load's clock.
    pub(super) fn start(
        outside: Option<Outside>,
        clock: &Clock,
        stop: Stop,
        interrupted: &Arc<AtomicBool>,
    ) -> Self {
        let Some(outside) = outside else { return Self(None) };
        let (tell, over) = watch::channel(false);
        tokio::spawn(async move {
            stop.reached(Phase::Over).await;
            // Nobody who waits any longer is no loss.
            let _heard = tell.send(true).is_ok();
        });
        let load = Load { over, interrupted: Arc::clone(interrupted) };
        Self(Some(tokio::spawn(outside.follow(clock.clone(), load))))
    }

    /// Waits until everything is put back; the load is over.
    pub(super) async fn end(self) -> Outcome {
        let Some(task) = self.0 else { return Outcome::default() };
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => {
                let lost = format!(
                    "a part of squall failed ({error}): `squall chaos restore` puts back what it left"
                );
                Outcome { left: vec![lost], ..Outcome::default() }
            }
        }
    }
}

impl Beside {
    /// As [`Beside::end`], for a load of which there is no report.
    pub(super) async fn end_with(self, error: RunError) -> RunError {
        with_left(error, &self.end().await.left)
    }
}

/// Puts back what was made ready for a load that is not made; why it is not, and what is left.
pub(super) async fn given_up(outside: Option<&Outside>, error: RunError) -> RunError {
    let Some(outside) = outside else { return error };
    let error = match error {
        RunError::Unreachable { .. } if outside.instead().is_some() => {
            RunError::Through(Box::new(error))
        }
        error => error,
    };
    with_left(error, &outside.put_back().await)
}

fn with_left(error: RunError, left: &[String]) -> RunError {
    if left.is_empty() {
        return error;
    }
    RunError::Left { error: Box::new(error), left: left.join("; ") }
}

/// Sums up what faults did: those of hooks from when they were done, if that was after their
/// windows. What the target did not recover from is found.
pub(super) fn damage(
    outcome: &Outcome,
    (mut faults, (elapsed, load)): (Watched, (Duration, Duration)),
    summary: &mut Summary,
) -> Vec<Finding> {
    for HookReport { window, run, .. } in &outcome.hooks {
        faults.over(window, Duration::from_micros(run.at_us.saturating_add(run.took_us)));
    }
    summary.damages = faults.end(elapsed, load);
    recovery::findings(&summary.damages)
}

/// Tells what became of it in the report of its run.
pub(super) fn tell(outcome: Outcome, report: &mut Report) {
    for hook in outcome.hooks {
        if let Some(damage) = window(report, &hook.window) {
            damage.hook = Some(hook);
        }
    }
    for toxic in outcome.toxics {
        if let Some(damage) = window(report, &toxic.window) {
            damage.toxic = Some(toxic);
        }
    }
    report.reasons.extend(outcome.left);
}

fn window<'r>(report: &'r mut Report, name: &str) -> Option<&'r mut Damage> {
    report.faults.iter_mut().find(|damage| damage.name == name)
}

/// Lines of the report about what did not go as it was asked.
pub(super) fn notes(outcome: &Outcome) -> impl Iterator<Item = String> {
    let hooks = outcome.hooks.iter().flat_map(HookReport::failures);
    let toxics = outcome.toxics.iter().flat_map(ToxicReport::failures);
    hooks.chain(toxics).chain(outcome.left.iter().cloned())
}
