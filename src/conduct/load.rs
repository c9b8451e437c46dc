//! The load itself: users brought, watched, ended, and what became of it as a report.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::aside::Aside;
use super::beside::Meanwhile;
use super::described;
use super::endpoint::Endpoint;
use super::failure::RunError;
use super::health::Followed;
use super::kept;
use super::login::LoggedIn;
use super::look::way_of;
use super::metrics::{MetricsPage, tell_duplicates};
use super::outside::{self, Beside};
use super::run::{Around, Order, common};
use super::watch::{Course, Folds, Outcome, Watch};
use crate::chaos::outside::Outside;
use crate::chaos::path::Path;
use crate::chaos::weather::Forecast;
use crate::edge::clock::Clock;
use crate::edge::health;
use crate::engine::client::{Common, Scouted, Tool};
use crate::engine::crowd::{arrivals, users};
use crate::engine::recorder::Recorder;
use crate::engine::stop::{Phase, Stopper};
use crate::engine::user::Scene;
use crate::engine::weather::Weather;
use crate::judge::checks::{Before, Checks};
use crate::judge::rate_limit::{self, Limits};
use crate::judge::recovery::Watched;
use crate::judge::spoilt::Spoilt;
use crate::judge::storm::Storm;
use crate::judge::tokens::Tokens;
use crate::judge::trials::Examined;
use crate::model::event::{Event, Violation};
use crate::model::fault;
use crate::model::finding::{self, Finding};
use crate::model::outlook::{self, Outlook};
use crate::model::pace::{Pace, Users};
use crate::model::plan::Plan;
use crate::model::report::generator::{Effort, Generator};
use crate::model::report::planned::Planned;
use crate::model::report::{Expectations, Parts, Report};
use crate::model::summary::Summary;

/// A plan that ends this much before its time was ended by somebody.
const EARLY: Duration = Duration::from_secs(1);

/// What was found out before the load.
pub(super) struct Found<'a> {
    /// Where the target is.
    pub(super) endpoint: &'a Endpoint,
    /// What it offers.
    pub(super) scouted: Scouted,
    /// HTTP exchanges that finding out took.
    pub(super) exchanges: u64,
    /// Rules the target broke meanwhile.
    pub(super) violations: Vec<Violation>,
    /// What is not checked of it, for a person; not yet escaped.
    pub(super) notes: Vec<String>,
    /// Its health page, well so far.
    pub(super) health: Option<Followed>,
    /// Its metrics page.
    pub(super) metrics: Option<MetricsPage>,
    /// Everything that was told of the look and of logins before the load.
    pub(super) told: Box<Summary>,
    /// The users that logged in before.
    pub(super) logged_in: Option<LoggedIn>,
    /// What checks of tokens have to know of the look.
    pub(super) before: Before,
}

/// Makes the load, and the report of it.
pub(super) async fn load(
    order: Order,
    found: Found<'_>,
    tools: Vec<Tool>,
    outside: Option<Outside>,
) -> Result<Report, RunError> {
    let Order { mut plan, started_at, dashboard, stopper, interrupted, show, .. } = order;
    if found.before.is_open {
        plan.load.behaviour.forget_users();
    }
    let receipt = described::receipt(&plan, &found);
    let recorder = Arc::new(Recorder::default());
    for violation in found.violations {
        recorder.tell(0, Event::Violation(Box::new(violation)));
    }
    let folds = folds(&plan, &tools, found.scouted.protocol_version, found.before);
    let before = found.logged_in.as_ref();
    let around = around(&plan, before, outside.as_ref());
    let common = match common(&plan, found.endpoint, Arc::clone(&recorder), tools, &around) {
        Ok(common) => common,
        Err(error) => return Err(outside::given_up(outside.as_ref(), error).await),
    };
    let clock = common.wire.clock.clone();
    let faults = around.path.clone().map(|path| tokio::spawn(followed(path)));
    let stop = stopper.told();
    let cpu_before = health::cpu_time();
    let course = Course { load: plan.load.pace.length(), drain: plan.load.drain };
    let watch = Watch::begin(recorder, &clock, stop.clone(), folds, course, show);
    let meanwhile = Meanwhile {
        clock: clock.clone(),
        stop: stop.clone(),
        interrupted: Arc::clone(&interrupted),
    };
    let health = found.health.map(|page| tokio::spawn(page.follow(meanwhile.clone())));
    let metrics = found.metrics.map(|page| tokio::spawn(page.follow(meanwhile)));
    let aside = Aside::begin(&plan, &common, &stop);
    let outside = Beside::start(outside, &clock, stop.clone(), &interrupted);
    let behaviour = plan.load.behaviour.clone();
    let scene = Scene::new(Arc::clone(&common), behaviour, plan.load.speed, stop);
    let (pace, drain) = (plan.load.pace.clone(), plan.load.drain);
    let director = tokio::spawn(direct(
        clock.clone(),
        stopper.clone(),
        (pace, drain),
        Arc::clone(&interrupted),
    ));
    let brought = bring(scene, &plan, dashboard, &clock, &stopper).await;
    if let Pace::Closed(users) = &plan.load.pace {
        // The director may not have run before the last user was gone.
        note_early_end(users, &clock, &interrupted);
    }
    stopper.advance(Phase::Over);
    director.abort();
    if let Some(faults) = faults {
        faults.abort();
    }
    if let Err(error) = brought {
        return Err(outside.end_with(error).await);
    }
    common.wallet.close().await;
    let elapsed = clock.now();
    let Outcome { mut summary, mut expectations, rate_limits, loop_delay, faults, ended } =
        watch.end();
    let effort = Effort {
        cpu: health::cpu_time().saturating_sub(cpu_before),
        elapsed,
        cores: cores(),
        loop_delay: &loop_delay,
    };
    let outside = outside.end().await;
    expectations.findings.extend(outside::damage(&outside, (faults, ended), &mut summary));
    let heard = finished(metrics).await?.transpose()?.unwrap_or_default();
    let saved = kept::save(&plan, &common.wallet, &clock);
    let mut notes = found.notes;
    notes.extend(aside.end().await);
    notes.extend(saved.err().map(|error| format!("the grants could not be kept: {error}")));
    notes.extend(outside::notes(&outside));
    notes.extend(heard.note);
    notes.append(&mut expectations.notes);
    doubt(&plan, &common, &mut expectations).extend(finding::of_outside(&outside));
    let generator = judged(&plan, &common, &summary, effort);
    let health = finished(health).await?;
    let tools = u16::try_from(common.tools.len()).unwrap_or(u16::MAX);
    let outlook = outlook::of(&plan, plan.way(), tools);
    let mut report = Report::build(Parts {
        scenario: described::scenario(&plan, way_of(&found.scouted), notes),
        seed: plan.seed,
        target: described::target(&plan, &found.scouted),
        environment: described::environment(started_at),
        summary: &summary,
        thresholds: &plan.expect.thresholds,
        expectations,
        findings_limit: plan.expect.findings,
        generator,
        ending: described::ending(&summary, interrupted.load(Ordering::Relaxed)),
        plan: planned(&plan, &outlook, summary.series.width()),
        health,
        target_metrics: heard.metrics,
        receipt: Some(receipt),
        rate_limits,
    });
    outside::tell(outside, &mut report);
    tell_duplicates(heard.duplicates, &mut report);
    Ok(report)
}

/// What was to be expected of the load; of a script it is its own affair.
fn planned(plan: &Plan, outlook: &Outlook, width: Duration) -> Option<Planned> {
    let is_load = !plan.load.behaviour.is_script();
    is_load.then(|| Planned::of(outlook, &plan.load.pace, plan.seed, width))
}

/// Puts faults in force. Whoever else holds the path keeps its connections when the last one is over.
async fn followed(path: Arc<Path>) {
    path.follow().await;
}

/// What the events of the load are folded into.
fn folds(plan: &Plan, tools: &[Tool], revision: &'static str, before: Before) -> Folds {
    let names: Vec<_> = tools.iter().map(|tool| tool.name.clone()).collect();
    let checks = Checks::new(&plan.load.behaviour, plan.expect.checks, revision).after(before);
    let windows = fault::windows(&plan.faults, plan.load.pace.length() + plan.load.drain);
    let (behaviour, declared) = (&plan.load.behaviour, &plan.expect.rate_limits);
    let profile = &plan.clients.profile;
    let clients = rate_limit::Clients {
        addresses: plan.clients.addresses.len(),
        patience: profile.connect_timeout + profile.call_timeout,
        told_apart: plan.auth.tells_apart() && !before.is_open,
    };
    let always = plan.expect.invariants.iter().copied();
    let always = always.filter(|invariant| invariant.is_seen_by_storms(behaviour)).collect();
    Folds {
        storm: Storm::new(&names, &plan.faults, &windows).expecting(always),
        spoilt: Spoilt::new(&plan.faults, &windows),
        summary: Summary::new(names, vec![plan.clients.profile.name.clone()]),
        tokens: Tokens::new(plan.expect.tokens),
        checks,
        examined: Examined::new(behaviour, &plan.expect.invariants),
        limits: Limits::new(behaviour, declared, clients),
        faults: Watched::new(&plan.faults, windows),
    }
}

/// What the clients of the load have around them, its clock among it, which starts now.
fn around<'a>(plan: &Plan, before: Option<&'a LoggedIn>, outside: Option<&Outside>) -> Around<'a> {
    let clock = Clock::real();
    let end = plan.load.pace.length() + plan.load.drain;
    let (faults, sources) = ((&*plan.faults, end), &plan.clients.addresses);
    let path = Path::of(faults, sources, clock.clone(), plan.seed);
    let weather = Forecast::of(&plan.faults, end, sources, (plan.seed, clock.clone()));
    let weather = weather.map(|weather| Arc::new(weather) as Arc<dyn Weather>);
    let forces = outside.and_then(Outside::forces).cloned();
    Around { clock, before, ask: None, path, forces, weather }
}

/// What a task made, once it has ended.
async fn finished<T>(task: Option<JoinHandle<T>>) -> Result<Option<T>, RunError> {
    let Some(task) = task else { return Ok(None) };
    task.await.map(Some).map_err(|error| RunError::Ourselves(error.to_string()))
}

/// Exchanges that the ceiling of a foreign target held back.
fn held_back(common: &Common) -> u64 {
    common.wire.gate.as_ref().map_or(0, |gate| gate.held())
}

/// What is told by time says nothing where we waited for ourselves.
/// Gives the findings that are left.
fn doubt<'e>(
    plan: &Plan,
    common: &Common,
    expectations: &'e mut Expectations,
) -> &'e mut Vec<Finding> {
    let held = held_back(common);
    if held > 0 && plan.load.behaviour.is_timed() {
        expectations.hold_back(held);
    }
    &mut expectations.findings
}

/// The generator held to its limits, the ceiling of a foreign target among them.
fn judged(plan: &Plan, common: &Common, summary: &Summary, effort: Effort<'_>) -> Generator {
    let mut generator = Generator::judge(summary, effort, &plan.generator);
    let held = held_back(common);
    // Of a check only what is about time suffers, and says so itself.
    if held > 0 && !plan.load.behaviour.is_script() {
        generator.trustworthy = false;
        generator.reasons.push(format!(
            "max_rate under [target] held back {held} HTTP exchanges: the load was not the one \
             asked for; lower it, or raise max_rate if the target's owner agrees"
        ));
    }
    generator
}

pub(super) fn cores() -> u32 {
    u32::try_from(health::cores()).unwrap_or(1)
}

/// Brings the users, and completes when the last one has left.
async fn bring(
    scene: Scene,
    plan: &Plan,
    dashboard: Option<SocketAddr>,
    clock: &Clock,
    stopper: &Stopper,
) -> Result<(), RunError> {
    let scene = Arc::new(scene);
    match &plan.load.pace {
        Pace::Open(pace) => {
            let due = pace.due(plan.seed);
            arrivals::run(scene, due, plan.load.ceiling, clock, &stopper.told()).await;
        }
        Pace::Closed(pace) => users::run(scene, pace, dashboard, clock, stopper).await?,
    }
    Ok(())
}

/// Ends the load: arrivals stop when the pace is over, runs are cut when the drain is.
///
/// Users that were gone well before their plan was over were sent away by a person.
async fn direct(
    clock: Clock,
    stopper: Stopper,
    (pace, drain): (Pace, Duration),
    interrupted: Arc<AtomicBool>,
) {
    let stop = stopper.told();
    match pace {
        Pace::Open(pace) => tokio::select! {
            () = clock.sleep_until(pace.length()) => stopper.advance(Phase::Draining),
            () = stop.reached(Phase::Draining) => {}
        },
        // The crowd knows when its plan is over: a person may have changed it.
        Pace::Closed(users) => {
            stop.reached(Phase::Draining).await;
            note_early_end(&users, &clock, &interrupted);
        }
    }
    clock.sleep(drain).await;
    stopper.advance(Phase::Over);
}

fn note_early_end(users: &Users, clock: &Clock, interrupted: &AtomicBool) {
    if clock.now() + EARLY < users.length() {
        interrupted.store(true, Ordering::Relaxed);
    }
}
