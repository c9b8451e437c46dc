//! One run from plan to report: target, first look, load, end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::choice;
use super::endpoint::{self, Endpoint};
use super::failure::RunError;
use super::watch::{Show, Watch};
use crate::edge::clock::Clock;
use crate::edge::health;
use crate::edge::net::Tcp;
use crate::edge::process::{PracticeChild, spawn_practice};
use crate::engine::client::{Client, Common, Scouted, Tool};
use crate::engine::control::Control;
use crate::engine::crowd::{arrivals, users};
use crate::engine::holder::Holder;
use crate::engine::recorder::Recorder;
use crate::engine::stop::{Phase, Stopper};
use crate::engine::user::Scene;
use crate::engine::wire::Wire;
use crate::model::outlook;
use crate::model::pace::Pace;
use crate::model::plan::{IdentityMode, Plan, TargetUrl};
use crate::model::report::generator::{Effort, Generator};
use crate::model::report::verdict::Ending;
use crate::model::report::{Environment, Parts, Report, Scenario, Target};
use crate::model::summary::Summary;
use crate::practice::knobs;

/// The number of the client that looks at the target before the load; no user has it.
const SCOUT: u32 = u32::MAX;

/// What is to be run.
pub struct Order {
    /// The plan.
    pub plan: Plan,
    /// The time it began, RFC 3339.
    pub started_at: String,
    /// Where goose's page is shown (closed model).
    pub dashboard: Option<SocketAddr>,
    /// Ends the run early: once to drain, twice to cut.
    pub stopper: Stopper,
    /// Set when it was a person who ended it.
    pub interrupted: Arc<AtomicBool>,
    /// Is shown how the run stands, once a second.
    pub show: Show,
}

/// Runs it.
pub async fn run(mut order: Order) -> Result<Report, RunError> {
    let child = match order.plan.target.url {
        TargetUrl::Practice => Some(spawn_practice(&knobs::arguments(&order.plan.practice)).await?),
        TargetUrl::Url(_) => None,
    };
    let url = match (&child, &order.plan.target.url) {
        (Some(child), _) => child.url.clone(),
        (None, TargetUrl::Url(url)) => url.clone(),
        (None, TargetUrl::Practice) => String::new(),
    };
    let endpoint = Endpoint::parse(&url)?;
    introduce(&mut order.plan);
    let health = HealthPage::of(&order.plan, &endpoint)?;
    if let Some(health) = &health {
        health.must_be_well().await?;
    }
    let (scouted, scouting) = scout(&order.plan, &endpoint, &url).await?;
    let tools = choice::choose(&scouted.tools, &order.plan.tools)?;
    check_thresholds(&order.plan, &tools)?;
    check_rate(&order.plan, tools.len())?;
    let report = load(order, &endpoint, tools, &scouted, scouting, health).await?;
    stop_practice(child).await;
    Ok(report)
}

/// Who the clients say they are, settled before anything is sent.
fn introduce(plan: &mut Plan) {
    let by_place =
        if plan.target.url.is_loopback() { IdentityMode::Genuine } else { IdentityMode::Honest };
    let mode = plan.clients.identity.unwrap_or(by_place);
    plan.clients.profile = endpoint::introduced(plan.clients.profile.clone(), mode);
}

async fn stop_practice(child: Option<PracticeChild>) {
    if let Some(child) = child {
        // It is ours and the report is made: how it ended changes nothing.
        let _ended = child.stop().await.is_ok();
    }
}

/// The health page, asked before, during and after.
struct HealthPage {
    control: Control,
    url: String,
    expected: u16,
}

impl HealthPage {
    fn of(plan: &Plan, endpoint: &Endpoint) -> Result<Option<Self>, RunError> {
        let Some(health) = &plan.target.health else { return Ok(None) };
        let url = endpoint.page(&health.url);
        Ok(Some(Self { control: Control::new()?, url, expected: health.status }))
    }

    async fn must_be_well(&self) -> Result<(), RunError> {
        let found = self.control.status(&self.url).await?;
        if found == self.expected {
            return Ok(());
        }
        Err(RunError::Unhealthy { url: self.url.clone(), found, expected: self.expected })
    }

    async fn is_well(&self) -> bool {
        self.control.status(&self.url).await.is_ok_and(|found| found == self.expected)
    }

    /// Asks every five seconds until the run is over: how often it asked, and was well.
    async fn follow(self, clock: Clock, stop: crate::engine::stop::Stop) -> (u32, u32, bool) {
        let (mut asked, mut well) = (0, 0);
        loop {
            tokio::select! {
                () = clock.sleep(Duration::from_secs(5)) => {}
                () = stop.reached(Phase::Over) => return (asked, well, self.is_well().await),
            }
            asked += 1;
            well += u32::from(self.is_well().await);
        }
    }
}

/// Clients of this plan, on a clock that starts now.
fn common(
    plan: &Plan,
    endpoint: &Endpoint,
    recorder: Arc<Recorder>,
    tools: Vec<Tool>,
) -> Result<Arc<Common>, RunError> {
    let clock = Clock::real();
    let profile = plan.clients.profile.clone();
    let headers =
        endpoint::identity_headers(endpoint, &profile.identity).map_err(RunError::Identity)?;
    let connect = Arc::new(Tcp::new(&endpoint.host, endpoint.port, clock.clone()));
    Ok(Arc::new(Common {
        wire: Wire { connect, clock, recorder, uri: endpoint.uri.clone() },
        profile,
        headers,
        holder: Holder::of(&plan.auth)?,
        tools,
        seed: plan.seed,
        lines: Arc::default(),
    }))
}

/// Looks at the target once, outside what is measured. Says how many exchanges that took.
async fn scout(plan: &Plan, endpoint: &Endpoint, url: &str) -> Result<(Scouted, u64), RunError> {
    let recorder = Arc::new(Recorder::default());
    let common = common(plan, endpoint, Arc::clone(&recorder), Vec::new())?;
    let scouted = Client::new(common, SCOUT).scout().await;
    let asked = recorder.gauges.exchanges.load(Ordering::Relaxed);
    let unreachable = |refusal| RunError::Unreachable { url: url.to_owned(), refusal };
    Ok((scouted.map_err(unreachable)?, asked))
}

fn check_thresholds(plan: &Plan, tools: &[Tool]) -> Result<(), RunError> {
    for threshold in &plan.expect.thresholds {
        let refers = threshold.refers_to();
        let never = |about: String| {
            Err(RunError::NeverMeasured { threshold: threshold.text.clone(), about })
        };
        if let Some(name) = refers.tool
            && !tools.iter().any(|tool| tool.name == name)
        {
            return never(format!("the tool {name:?}"));
        }
        if let Some(operation) = refers.operation
            && !outlook::may_occur(operation, &plan.clients.profile)
        {
            return never(operation.name().to_owned());
        }
    }
    Ok(())
}

fn check_rate(plan: &Plan, tools: usize) -> Result<(), RunError> {
    let Some(allowed) = plan.target.max_rate else { return Ok(()) };
    let planned = outlook::of(plan, u16::try_from(tools).unwrap_or(u16::MAX)).peak_rate();
    if planned > allowed { Err(RunError::TooFast { planned, allowed }) } else { Ok(()) }
}

/// The load itself, and the report of it.
async fn load(
    order: Order,
    endpoint: &Endpoint,
    tools: Vec<Tool>,
    scouted: &Scouted,
    scouting: u64,
    health: Option<HealthPage>,
) -> Result<Report, RunError> {
    let Order { plan, started_at, dashboard, stopper, interrupted, show } = order;
    let recorder = Arc::new(Recorder::default());
    let names = tools.iter().map(|tool| tool.name.clone()).collect();
    let class = plan.clients.profile.name.clone();
    let summary = Summary::new(names, vec![class]);
    let common = common(&plan, endpoint, Arc::clone(&recorder), tools)?;
    let clock = common.wire.clock.clone();
    let stop = stopper.told();
    let cpu_before = health::cpu_time();
    let watch = Watch::begin(recorder, &clock, stop.clone(), summary, show);
    let following = health.map(|page| tokio::spawn(page.follow(clock.clone(), stop.clone())));
    let scene = Scene::new(common, plan.load.behaviour.clone(), plan.load.speed, stop.clone());
    let director = tokio::spawn(direct(
        clock.clone(),
        stopper.clone(),
        plan.load.pace.clone(),
        plan.load.drain,
    ));
    bring(scene, &plan, dashboard, &clock, &stopper).await?;
    stopper.advance(Phase::Over);
    director.abort();
    let elapsed = clock.now();
    let (summary, loop_delay) = watch.end();
    let cpu = health::cpu_time().saturating_sub(cpu_before);
    let cores = u32::try_from(health::cores()).unwrap_or(1);
    let effort = Effort { cpu, elapsed, cores, loop_delay: &loop_delay };
    let generator = Generator::judge(&summary, effort, &plan.generator);
    let mut receipt = serde_json::json!({ "exchanges_before_the_load": scouting });
    if let Some(following) = following {
        let (asked, well, after) =
            following.await.map_err(|error| RunError::Ourselves(error.to_string()))?;
        receipt["health"] = serde_json::json!({ "before": true, "during": { "asked": asked, "well": well }, "after": after });
    }
    let ending = ending(&summary, interrupted.load(Ordering::Relaxed));
    let environment = Environment {
        os: health::system(),
        cores,
        squall: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
    };
    Ok(Report::build(Parts {
        scenario: described(&plan),
        seed: plan.seed,
        target: Target { url: shown(&plan), server: Some(scouted.server.clone()) },
        environment,
        summary: &summary,
        thresholds: &plan.expect.thresholds,
        findings_limit: plan.expect.findings,
        generator,
        ending,
        receipt: Some(receipt),
    }))
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
async fn direct(clock: Clock, stopper: Stopper, pace: Pace, drain: Duration) {
    let stop = stopper.told();
    match pace {
        Pace::Open(pace) => tokio::select! {
            () = clock.sleep_until(pace.length()) => stopper.advance(Phase::Draining),
            () = stop.reached(Phase::Draining) => {}
        },
        // The crowd knows when its plan is over: a person may have changed it.
        Pace::Closed(_) => stop.reached(Phase::Draining).await,
    }
    clock.sleep(drain).await;
    stopper.advance(Phase::Over);
}

/// A load whose every handshake failed reached nobody.
fn ending(summary: &Summary, interrupted: bool) -> Ending {
    if summary.calls.tally.count() > 0 && summary.sessions.opened == 0 {
        Ending::Unreachable
    } else if interrupted {
        Ending::Stopped
    } else {
        Ending::Finished
    }
}

/// The target as reports show it: a practice target's free port says nothing to anybody.
fn shown(plan: &Plan) -> String {
    match &plan.target.url {
        TargetUrl::Practice => "practice".to_owned(),
        TargetUrl::Url(url) => url.split('?').next().unwrap_or_default().to_owned(),
    }
}

fn described(plan: &Plan) -> Scenario {
    let profile = &plan.clients.profile;
    let modelled = outlook::modelled(profile);
    let mut notes = Vec::new();
    if (plan.load.speed - 1.0).abs() > f64::EPSILON {
        notes.push(format!("think times are divided by {}", plan.load.speed));
    }
    if plan.tools.arguments.is_empty() {
        notes.push("arguments are made from each tool's inputSchema".to_owned());
    }
    if !modelled.is_empty() {
        notes.push(format!("inferred, not observed, in the profile: {}", modelled.join(", ")));
    }
    Scenario {
        name: plan.name.clone(),
        text: plan.source.clone(),
        profile: format!("{}@{}", profile.name, profile.date),
        behaviour: outlook::behaviour_name(&plan.load.behaviour).to_owned(),
        notes,
    }
}
