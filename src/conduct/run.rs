//! One run from plan to report: target, first look, load, end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::before;
use super::endpoint::{self, Endpoint};
use super::failure::RunError;
use super::grants;
use super::load::load;
use super::login::LoggedIn;
use super::look::look;
use super::outside;
use super::watch::Show;
use crate::chaos::across::across;
use crate::chaos::path::Path;
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::health::descriptors;
use crate::edge::mark::Forces;
use crate::edge::net::Connect;
use crate::edge::process::{PracticeChild, spawn_practice};
use crate::engine::client::{Belief, Common, Tool};
use crate::engine::gate::Gate;
use crate::engine::realm::Ask;
use crate::engine::recorder::Recorder;
use crate::engine::sources::Sources;
use crate::engine::stop::{Phase, Stopper};
use crate::engine::weather::Weather;
use crate::engine::wire::Wire;
use crate::model::plan::{Plan, TargetUrl, Transport, Way};
use crate::model::profile::Era;
use crate::model::report::Report;
use crate::model::report::verdict::Verdict;
use crate::practice::knobs;
use crate::protocol::era::{self, Wish};
use crate::protocol::modern::result::TASKS;
use crate::protocol::serve::Declared;
use crate::protocol::{legacy, modern};

/// What is to be run.
pub struct Order {
    /// The plan.
    pub plan: Plan,
    /// A name that no other run has, of letters, digits and `-`.
    pub id: String,
    /// Where files say what is to be put back after a crash; nothing where nobody said.
    pub state: Option<PathBuf>,
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
    /// Asks a person to log in, if the plan wants that.
    pub ask: Ask,
}

/// Runs it.
pub async fn run(mut order: Order) -> Result<Report, RunError> {
    let endpoint = before::endpoint(&order.plan, descriptors())?;
    let mut child = match order.plan.target.url {
        TargetUrl::Practice => Some(spawn_practice(&knobs::arguments(&order.plan.practice)).await?),
        TargetUrl::Url(_) => None,
    };
    let target = &order.plan.target;
    let url = child.as_ref().map_or_else(String::new, |child| practice_url(&order.plan, child));
    let (mut endpoint, shown) = match endpoint {
        Some(endpoint) => (endpoint, target.shown.clone()),
        None => (Endpoint::of(&url, &url, &target.reach)?, url),
    };
    // Who the clients say they are is settled before anything is sent.
    order.plan.clients.profile = before::introduced(&order.plan);
    let upkeep = (order.id.as_str(), order.state.clone());
    let outside = outside::begin(&order.plan, &mut endpoint, upkeep).await?;
    let stop = order.stopper.told();
    let looked = tokio::select! {
        biased;
        () = stop.reached(Phase::Draining) => Err(RunError::Stopped),
        looked = look(&order.plan, &endpoint, &shown, &order.ask) => looked,
    };
    let (found, tools) = match looked {
        Ok(looked) => looked,
        Err(error) => return Err(outside::given_up(outside.as_ref(), error).await),
    };
    let mut report = Box::pin(load(order, found, tools, outside)).await?;
    if let Some(ended) = child.as_mut().and_then(PracticeChild::early_end) {
        blame_ourselves(&mut report, &ended.to_string());
    }
    stop_practice(child).await;
    Ok(report)
}

/// Where the practice target is asked: it announces its endpoint of Streamable HTTP.
pub(super) fn practice_url(plan: &Plan, child: &PracticeChild) -> String {
    if plan.may_speak(Way::Legacy) || plan.may_speak(Way::Modern) {
        return child.url.clone();
    }
    knobs::stream_url(&child.url)
}

/// A practice target that ended by itself during the load is a fault on our side of the test.
fn blame_ourselves(report: &mut Report, ended: &str) {
    report.verdict = Verdict::Untrustworthy;
    report.exit_code = 1;
    let why = format!("the practice target ended during the load ({ended}): no fault of a target");
    report.generator.trustworthy = false;
    report.generator.reasons.insert(0, why.clone());
    report.reasons.insert(0, why);
}

pub(super) async fn stop_practice(child: Option<PracticeChild>) {
    if let Some(child) = child {
        // It is ours and the report is made: how it ended changes nothing.
        let _ended = child.stop().await.is_ok();
    }
}

/// What clients have around them.
pub(super) struct Around<'a> {
    /// Their clock.
    pub(super) clock: Clock,
    /// What their users had before.
    pub(super) before: Option<&'a LoggedIn>,
    /// Asks a person to log in, where that may be.
    pub(super) ask: Option<&'a Ask>,
    /// Their way to the servers, where faults may befall it.
    pub(super) path: Option<Arc<Path>>,
    /// What lies on the whole way to the target, where something outside may.
    pub(super) forces: Option<Arc<Forces>>,
    /// What befalls them at their own end.
    pub(super) weather: Option<Arc<dyn Weather>>,
}

impl Default for Around<'_> {
    /// Nothing, and a clock that starts now.
    fn default() -> Self {
        let clock = Clock::real();
        Self { clock, before: None, ask: None, path: None, forces: None, weather: None }
    }
}

/// Clients of this plan.
pub(super) fn common(
    plan: &Plan,
    endpoint: &Endpoint,
    recorder: Arc<Recorder>,
    tools: Vec<Tool>,
    around: &Around<'_>,
) -> Result<Arc<Common>, RunError> {
    let clock = around.clock.clone();
    let profile = plan.clients.profile.clone();
    let headers =
        endpoint::identity_headers(endpoint, &profile.identity).map_err(RunError::Identity)?;
    let gate = plan.target.max_rate.map(|rate| Arc::new(Gate::new(rate)));
    let connect = connect(&endpoint.route, around)?;
    let declared = Declared::of(&profile.capabilities);
    let polls_tasks = profile.capabilities.contains(TASKS);
    let wire = Wire {
        connect,
        clock,
        recorder,
        address: endpoint.address.clone(),
        connect_timeout: profile.connect_timeout,
        sources: Sources::new(&plan.clients.addresses),
        gate,
    };
    let mut wallet = grants::wallet(plan, endpoint, &wire, around)?;
    if let Some(before) = around.before {
        wallet.inherit(&before.wallet, before.ahead_of(&wire.clock));
    }
    let lines = wire.sources.lines();
    Ok(Arc::new(Common {
        wallet,
        wire,
        profile,
        headers,
        tools,
        seed: plan.seed,
        lines,
        declared,
        polls_tasks,
        wish: wish(plan),
        belief: Belief::default(),
        listed_until: AtomicU64::default(),
        weather: around.weather.clone(),
    }))
}

/// What connects to the target.
fn connect(route: &Route, around: &Around<'_>) -> Result<Arc<dyn Connect>, RunError> {
    let way = match &around.path {
        Some(path) => path.through(route.clone(), None).map_err(RunError::NoProxy)?,
        None => Arc::new(Dial::new(route.clone(), around.clock.clone())),
    };
    Ok(across(way, around.forces.as_ref()))
}

/// What clients of this plan are ready to speak.
fn wish(plan: &Plan) -> Wish {
    let profile = &plan.clients.profile;
    let transport = match plan.target.transport {
        Transport::Auto => era::Transport::Auto,
        Transport::Streamable => era::Transport::StreamableHttp,
        Transport::HttpSse => era::Transport::HttpSse,
    };
    if let Some(name) = plan.target.protocol.as_deref() {
        let (modern, legacy) = (modern::Revision::named(name), legacy::Revision::named(name));
        return Wish { transport, modern, legacy };
    }
    let newest = modern::Revision::ALL.into_iter().max();
    let modern = newest.filter(|_| profile.era != Era::Legacy);
    let legacy = legacy::Revision::named(&profile.protocol_version);
    Wish { transport, modern, legacy: legacy.filter(|_| profile.era != Era::Modern) }
}
