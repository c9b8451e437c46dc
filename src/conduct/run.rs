//! One run from plan to report: target, first look, load, end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::before;
use super::choice::{self, Chosen, Dropped};
use super::diagnosis;
use super::endpoint::{self, Endpoint};
use super::failure::RunError;
use super::health::HealthPage;
use super::load::{Found, load};
use super::metrics::MetricsPage;
use super::unreachable::Asked;
use super::watch::Show;
use crate::edge::clock::Clock;
use crate::edge::dial::Dial;
use crate::edge::health;
use crate::edge::process::{PracticeChild, spawn_practice};
use crate::engine::client::{Belief, Client, Common, Scouted, Tool};
use crate::engine::gate::Gate;
use crate::engine::holder::Holder;
use crate::engine::recorder::{Observer, Recorder};
use crate::engine::stop::{Phase, Stopper};
use crate::engine::wire::Wire;
use crate::model::event::{Event, Violation};
use crate::model::operation::Operation;
use crate::model::outcome::Rule;
use crate::model::plan::{Plan, TargetUrl, Transport};
use crate::model::profile::Era;
use crate::model::report::Report;
use crate::model::report::verdict::Verdict;
use crate::practice::knobs;
use crate::protocol::era::{self, Wish};
use crate::protocol::modern::result::TASKS;
use crate::protocol::serve::Declared;
use crate::protocol::{legacy, modern};

/// The number of the client that looks at the target before the load; no user has it.
const SCOUT: u32 = u32::MAX;
/// Evidence is cut after so many characters.
const EVIDENCE: usize = 300;

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
    let endpoint = before::endpoint(&order.plan, health::descriptors())?;
    let mut child = match order.plan.target.url {
        TargetUrl::Practice => Some(spawn_practice(&knobs::arguments(&order.plan.practice)).await?),
        TargetUrl::Url(_) => None,
    };
    let target = &order.plan.target;
    let url = child.as_ref().map_or_else(String::new, |child| child.url.clone());
    let (endpoint, shown) = match endpoint {
        Some(endpoint) => (endpoint, target.shown.clone()),
        None => (Endpoint::of(&url, &url, &target.reach)?, url),
    };
    // Who the clients say they are is settled before anything is sent.
    order.plan.clients.profile = before::introduced(&order.plan);
    let stop = order.stopper.told();
    let (found, tools) = tokio::select! {
        biased;
        () = stop.reached(Phase::Draining) => return Err(RunError::Stopped),
        looked = look(&order.plan, &endpoint, &shown) => looked?,
    };
    let mut report = load(order, found, tools).await?;
    if let Some(ended) = child.as_mut().and_then(PracticeChild::early_end) {
        blame_ourselves(&mut report, &ended.to_string());
    }
    stop_practice(child).await;
    Ok(report)
}

/// Everything that must be right before the load.
async fn look<'a>(
    plan: &Plan,
    endpoint: &'a Endpoint,
    shown: &str,
) -> Result<(Found<'a>, Vec<Tool>), RunError> {
    let well = match HealthPage::of(plan, endpoint)? {
        Some(page) => Some(page.must_be_well().await),
        None => None,
    };
    let looked = scout(plan, endpoint, shown).await;
    let health = match well.transpose() {
        Ok(health) => health,
        // A target that cannot be connected to says better what is wrong than its page does.
        Err(unwell) => {
            return Err(looked.err().filter(RunError::is_about_connecting).unwrap_or(unwell));
        }
    };
    let Seen { scouted, exchanges, mut violations } = looked?;
    let (scouted, Chosen { tools, dropped }) = choose(scouted, plan).await?;
    let holder = Holder::of(&plan.auth)?.knowing(&plan.environment);
    violations.extend(dropped.iter().map(|dropped| invalid(dropped, &holder)));
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    before::check_thresholds(plan, Some(&names))?;
    before::check_rate(plan, u16::try_from(tools.len()).unwrap_or(u16::MAX))?;
    let mut metrics = MetricsPage::of(plan, endpoint)?;
    if let Some(metrics) = &mut metrics {
        metrics.before().await?;
    }
    Ok((Found { endpoint, scouted, exchanges, violations, health, metrics }, tools))
}

/// A tool that no client may call, as what it is: a rule that the target broke.
fn invalid(dropped: &Dropped, holder: &Holder) -> Violation {
    let evidence = holder.hide(dropped.to_string());
    Violation {
        rule: Rule::InvalidParamHeader,
        at: Duration::ZERO,
        user: None,
        operation: Operation::ToolsList,
        evidence: evidence.chars().take(EVIDENCE).collect(),
    }
}

/// Chooses the tools beside the event loop: whatever their schemas ask for, Ctrl-C is heard.
async fn choose(scouted: Scouted, plan: &Plan) -> Result<(Scouted, Chosen), RunError> {
    let asked = plan.tools.clone();
    let choosing = tokio::task::spawn_blocking(move || {
        choice::choose(&scouted, &asked).map(|chosen| (scouted, chosen))
    });
    Ok(choosing.await.map_err(|panicked| RunError::Ourselves(panicked.to_string()))??)
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

async fn stop_practice(child: Option<PracticeChild>) {
    if let Some(child) = child {
        // It is ours and the report is made: how it ended changes nothing.
        let _ended = child.stop().await.is_ok();
    }
}

/// Clients of this plan, on a clock that starts now.
pub(super) fn common(
    plan: &Plan,
    endpoint: &Endpoint,
    recorder: Arc<Recorder>,
    tools: Vec<Tool>,
) -> Result<Arc<Common>, RunError> {
    let clock = Clock::real();
    let profile = plan.clients.profile.clone();
    let headers =
        endpoint::identity_headers(endpoint, &profile.identity).map_err(RunError::Identity)?;
    let gate = plan.target.max_rate.map(|rate| Arc::new(Gate::new(rate)));
    let connect = Arc::new(Dial::new(endpoint.route.clone(), clock.clone()));
    let declared = Declared::of(&profile.capabilities);
    let polls_tasks = profile.capabilities.contains(TASKS);
    Ok(Arc::new(Common {
        wire: Wire {
            connect,
            clock,
            recorder,
            address: endpoint.address.clone(),
            connect_timeout: profile.connect_timeout,
            gate,
        },
        profile,
        headers,
        holder: Holder::of(&plan.auth)?.knowing(&plan.environment),
        tools,
        seed: plan.seed,
        lines: Arc::default(),
        declared,
        polls_tasks,
        wish: wish(plan),
        belief: Belief::default(),
        listed_until: AtomicU64::default(),
    }))
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

/// What the look at the target brought.
struct Seen {
    scouted: Scouted,
    /// HTTP exchanges that it took.
    exchanges: u64,
    /// Rules that the target broke.
    violations: Vec<Violation>,
}

/// Keeps the broken rules of what was told; the look is no user's, and before the load's time.
#[derive(Default)]
struct Broken(Vec<Violation>);

impl Observer for Broken {
    fn observe(&mut self, event: &Event) {
        if let Event::Violation(violation) = event {
            let before = Violation { at: Duration::ZERO, user: None, ..(**violation).clone() };
            self.0.push(before);
        }
    }
}

/// Looks at the target once, outside what is measured.
async fn scout(plan: &Plan, endpoint: &Endpoint, shown: &str) -> Result<Seen, RunError> {
    let recorder = Arc::new(Recorder::default());
    let common = common(plan, endpoint, Arc::clone(&recorder), Vec::new())?;
    let scouted = Client::new(common, SCOUT).scout().await;
    let exchanges = recorder.gauges.exchanges.load(Ordering::Relaxed);
    let mut broken = Broken::default();
    recorder.drain(&mut Vec::new(), &mut [&mut broken]);
    match scouted {
        Ok(scouted) => Ok(Seen { scouted, exchanges, violations: broken.0 }),
        Err(refusal) => {
            let refusal = diagnosis::explained(&endpoint.route, refusal).await;
            let (url, asked) = (shown.to_owned(), Asked::of(plan));
            Err(RunError::Unreachable { url, refusal: Box::new(refusal), asked })
        }
    }
}
