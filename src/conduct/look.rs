//! The look at a target before the load: whether it is well, how it speaks, what it offers, and
//! whether the load that was planned fits what was found.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::before;
use super::choice::{self, Chosen, Dropped, Unchecked};
use super::diagnosis;
use super::endpoint::Endpoint;
use super::failure::RunError;
use super::grants;
use super::health::HealthPage;
use super::kept;
use super::load::Found;
use super::login::{LoggedIn, Told, log_in};
use super::metrics::MetricsPage;
use super::run::{Around, common};
use super::unreachable::Asked;
use crate::edge::health::descriptors;
use crate::engine::client::{Client, Scouted, Tool};
use crate::engine::realm::{Ask, SCOUT};
use crate::engine::recorder::{Observer, Recorder};
use crate::judge::checks::Before;
use crate::model::arguments::Unfit;
use crate::model::event::{Event, GrantChange, Refused, Violation};
use crate::model::operation::Operation;
use crate::model::outcome::Rule;
use crate::model::plan::{Plan, Way};
use crate::model::summary::Summary;

/// Evidence is cut after so many characters.
const EVIDENCE: usize = 300;

/// Everything that must be right before the load.
pub(super) async fn look<'a>(
    plan: &Plan,
    endpoint: &'a Endpoint,
    shown: &str,
    ask: &Ask,
) -> Result<(Found<'a>, Vec<Tool>), RunError> {
    let well = match HealthPage::of(plan, endpoint)? {
        Some(page) => Some(page.must_be_well().await),
        None => None,
    };
    let looked = scout(plan, endpoint, shown, ask).await;
    let health = match well.transpose() {
        Ok(health) => health,
        // A target that cannot be connected to says better what is wrong than its page does.
        Err(unwell) => {
            return Err(looked.err().filter(RunError::is_about_connecting).unwrap_or(unwell));
        }
    };
    let Seen { scouted, exchanges, mut violations, looked, before, told: mut told_before } =
        looked?;
    let (scouted, Chosen { tools, dropped, unchecked }) = choose(scouted, plan).await?;
    let holder = grants::checked(plan)?.holder(SCOUT);
    let told = |text: String| holder.hide(text).chars().take(EVIDENCE).collect::<String>();
    let (wrong, notes) = wrong_tools(&dropped, unchecked, told);
    violations.extend(wrong);
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    before::check_thresholds(plan, Some(&names))?;
    // What was planned for a target of another way of speaking may not fit this one.
    let way = way_of(&scouted);
    before::check_files(plan, way, descriptors())?;
    before::check_rate(plan, way, u16::try_from(tools.len()).unwrap_or(u16::MAX))?;
    let mut metrics = MetricsPage::of(plan, endpoint, way)?;
    if let Some(metrics) = &mut metrics {
        metrics.before().await?;
    }
    let logged_in = log_in(plan, endpoint, shown, looked, &mut told_before).await?;
    let found = Found {
        endpoint,
        scouted,
        exchanges,
        violations,
        notes,
        health,
        metrics,
        told: told_before,
        logged_in,
        before,
    };
    Ok((found, tools))
}

/// How the target turned out to be spoken to.
pub(super) const fn way_of(scouted: &Scouted) -> Way {
    if scouted.has_two_ends {
        Way::HttpSse
    } else if scouted.is_modern {
        Way::Modern
    } else {
        Way::Legacy
    }
}

/// The rules that the target broke with these tools, and notes of what is not checked, both as they
/// are `told`.
pub(super) fn wrong_tools(
    dropped: &[Dropped],
    unchecked: Vec<Unchecked>,
    told: impl Fn(String) -> String,
) -> (Vec<Violation>, Vec<String>) {
    let (wrong, unchecked): (Vec<_>, Vec<_>) =
        unchecked.into_iter().partition(|unchecked| matches!(unchecked.why, Unfit::Broken(_)));
    let headers = dropped.iter().map(|tool| (Rule::InvalidParamHeader, tool.to_string()));
    let schemas = wrong.iter().map(|tool| (Rule::InvalidOutputSchema, tool.to_string()));
    let wrongs = headers.chain(schemas).map(|(rule, tool)| listed_wrongly(rule, told(tool)));
    (wrongs.collect(), unchecked.iter().map(|unchecked| told(unchecked.to_string())).collect())
}

/// A tool that is not listed as it must be, as what that is: a rule that the target broke.
fn listed_wrongly(rule: Rule, evidence: String) -> Violation {
    Violation {
        rule,
        at: Duration::ZERO,
        user: None,
        operation: Operation::ToolsList,
        evidence,
        touched: crate::model::fault::Touched::default(),
    }
}

/// Chooses the tools beside the event loop: whatever their schemas ask for, Ctrl-C is heard.
pub(super) async fn choose(scouted: Scouted, plan: &Plan) -> Result<(Scouted, Chosen), RunError> {
    let asked = plan.tools.clone();
    let choosing = tokio::task::spawn_blocking(move || {
        choice::choose(&scouted, &asked).map(|chosen| (scouted, chosen))
    });
    Ok(choosing.await.map_err(|panicked| RunError::Ourselves(panicked.to_string()))??)
}

/// What the look at the target brought.
struct Seen {
    scouted: Scouted,
    /// HTTP exchanges that it took.
    exchanges: u64,
    /// Rules that the target broke.
    violations: Vec<Violation>,
    /// What users have after it.
    looked: LoggedIn,
    /// What checks of tokens have to know of it.
    before: Before,
    /// Everything that was told of it.
    told: Box<Summary>,
}

/// Keeps the broken rules of what was told, and why a user came to no tokens; the look is no
/// user's, and before the load's time.
#[derive(Default)]
struct Broken {
    rules: Vec<Violation>,
    without_tokens: Option<Box<Refused>>,
    has_logged_in: bool,
    registered: u64,
}

impl Observer for Broken {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::Violation(violation) => {
                let before = Violation { at: Duration::ZERO, user: None, ..(**violation).clone() };
                self.rules.push(before);
            }
            Event::Grant(grant) => match grant.change {
                GrantChange::Authorised { .. } => self.has_logged_in = true,
                GrantChange::Registered => self.registered += 1,
                _ => {}
            },
            Event::Refused(refused) => self.without_tokens = Some(refused.clone()),
            _ => {}
        }
    }
}

/// Looks at the target once, outside what is measured.
async fn scout(plan: &Plan, endpoint: &Endpoint, shown: &str, ask: &Ask) -> Result<Seen, RunError> {
    let recorder = Arc::new(Recorder::default());
    let around = Around { ask: Some(ask), ..Around::default() };
    let common = common(plan, endpoint, Arc::clone(&recorder), Vec::new(), &around)?;
    // Where tokens were given there is no user but those who have them.
    let scout = if grants::are_given(plan) { 0 } else { SCOUT };
    let scouted = Client::new(Arc::clone(&common), scout).scout().await;
    let exchanges = recorder.gauges.exchanges.load(Ordering::Relaxed);
    let mut broken = Broken::default();
    let mut told = Box::<Summary>::default();
    recorder.drain(&mut Vec::new(), &mut [&mut broken, &mut Told(&mut told)]);
    let has_one = plan.auth.granted().is_some_and(|granted| granted.one.is_some());
    if has_one {
        // Whatever becomes of this run: nobody has to log in once more for the next.
        let saved = kept::save(plan, &common.wallet, &common.wire.clock);
        saved.map_err(RunError::GrantsFile)?;
    }
    match scouted {
        Ok(scouted) => {
            let (wallet, clock) = (common.wallet.clone(), common.wire.clock.clone());
            let users = u32::from(has_one && broken.has_logged_in);
            let looked = LoggedIn { wallet, clock, users, exchanges: 0 };
            let has_consent = plan.auth.granted().is_some() && !grants::are_given(plan);
            let before = Before {
                registered: broken.registered,
                is_open: has_consent && !broken.has_logged_in,
            };
            Ok(Seen { scouted, exchanges, violations: broken.rules, looked, before, told })
        }
        Err(refusal) => {
            if let Some(refused) = broken.without_tokens {
                let Refused { said, what_to_do, .. } = *refused;
                return Err(RunError::NoTokens { url: shown.to_owned(), said, what_to_do });
            }
            let refusal = diagnosis::explained(&endpoint.route, refusal).await;
            let (url, asked) = (shown.to_owned(), Asked::of(plan));
            Err(RunError::Unreachable { url, refusal: Box::new(refusal), asked })
        }
    }
}
