//! What a plan amounts to, modelled, without a single request.

use std::time::Duration;

use super::behaviour::Behaviour;
use super::operation::Operation;
use super::pace::Pace;
use super::plan::{Load, Plan, Way};
use super::profile::{Confidence, Era, List, Profile};

pub mod connections;
mod course;
mod sketch;

use course::{Cost, Course};
use sketch::Sketches;

/// From this share of runs cut on, a load asks for much less than its runs would.
const MUCH_CUT: f64 = 0.1;

/// A plan on paper: every call answered after 0.8 s, nothing failing, and only what begins by the
/// end of the drain.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// How the target is taken to be spoken to.
    pub way: Way,
    /// Until the last arrival, or the end of the last stage.
    pub load: Duration,
    /// After it.
    pub drain: Duration,
    /// Runs that start or are dropped; in a closed model as many as users get through, modelled.
    pub runs: u64,
    /// Runs that are still under way at the end of the drain.
    pub cut: f64,
    /// Arrivals that find the ceiling of users reached.
    pub dropped: f64,
    /// Tool calls in all.
    pub calls: f64,
    /// Between which numbers of calls 19 of 20 storms of other seeds lie; `None` where the number
    /// of runs is modelled itself.
    pub calls_range: Option<(f64, f64)>,
    /// HTTP exchanges in all.
    pub exchanges: f64,
    /// HTTP exchanges a call costs.
    pub exchanges_per_call: f64,
    /// HTTP exchanges in the busiest second, of the whole seconds since the start. Exchanges count
    /// where their call begins. Plans of more than 3 million bursts or eleven days are looked at in
    /// longer steps, and this is the busiest step's mean.
    pub peak_rate: f64,
    /// Most users at once, in a closed model.
    pub peak_users: Option<u32>,
    /// Mean of one run.
    pub per_run: PerRun,
    /// Arrivals, or users, in each of these stretches of time.
    pub over_time: Vec<(Duration, f64)>,
    /// What `over_time` counts.
    pub unit: &'static str,
    /// Most users at once, modelled.
    pub at_once: f64,
    /// The shortest drain, in whole seconds, that cuts no run.
    pub whole_drain: Duration,
}

/// Means of one run that nobody cuts or stops, every call answered after 0.8 s.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerRun {
    /// Tool calls.
    pub calls: f64,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Subagents.
    pub subagents: f64,
    /// Most calls in flight at once, over all runs looked at.
    pub peak_in_flight: u32,
}

impl Outlook {
    /// Share of the runs that are cut, if it is so large that the load is another one than its
    /// runs suggest.
    pub fn much_cut(&self) -> Option<f64> {
        let share = self.cut / (self.runs as f64 - self.dropped).max(1.0);
        (share > MUCH_CUT).then_some(share)
    }
}

/// The outlook of a plan whose target is spoken to in this way, and has so many tools.
pub fn of(plan: &Plan, way: Way, tools: u16) -> Outlook {
    let (load, drain) = (plan.load.pace.length(), plan.load.drain);
    let mut sketches = Sketches::of(plan, tools, load + drain);
    let (course, runs, peak_users, unit) = match &plan.load.pace {
        Pace::Open(arrivals) => {
            let course = course::open((plan, way), arrivals, &mut sketches);
            (course, arrivals.expected(), None, "arrivals")
        }
        Pace::Closed(users) => {
            let course = course::closed((plan, way), users, &mut sketches);
            let runs = course.runs.round() as u64;
            (course, runs, Some(users.peak()), "users")
        }
    };
    if runs == 0 {
        // Even a plan of no run says what one would be.
        let _one = sketches.run(0);
    }
    let Course { cut, dropped, calls, spread, at_once, last_end, exchanges, .. } = course;
    let call = Cost::of(plan, way).call;
    Outlook {
        way,
        load,
        drain,
        runs,
        cut,
        dropped,
        calls,
        calls_range: peak_users
            .is_none()
            .then(|| ((calls - spread).max(0.0).floor(), (calls + spread).ceil())),
        exchanges: exchanges.0,
        exchanges_per_call: if calls > 0.0 { exchanges.0 / calls } else { call },
        peak_rate: exchanges.1,
        peak_users,
        per_run: sketches.per_run(),
        over_time: over_time(&plan.load, plan.seed, load),
        unit,
        at_once,
        whole_drain: Duration::from_secs(last_end.saturating_sub(load).as_secs_f64().ceil() as u64),
    }
}

/// Arrivals or users in twenty equal stretches.
fn over_time(load: &Load, seed: u64, length: Duration) -> Vec<(Duration, f64)> {
    const STRETCHES: u32 = 20;
    let width = length / STRETCHES;
    if width.is_zero() {
        return Vec::new();
    }
    let mut stretches: Vec<_> = (0..STRETCHES).map(|index| (width * index, 0.0)).collect();
    match &load.pace {
        Pace::Open(arrivals) => {
            for due in arrivals.due(seed).take(1_000_000) {
                let index = (due.as_nanos() / width.as_nanos()) as usize;
                stretches[index.min(STRETCHES as usize - 1)].1 += 1.0;
            }
        }
        Pace::Closed(users) => {
            for (start, count) in &mut stretches {
                *count = f64::from(users.users_at(*start + width / 2));
            }
        }
    }
    stretches
}

/// Whether a client of this plan ever performs the operation.
pub fn may_occur(operation: Operation, plan: &Plan) -> bool {
    let profile = &plan.clients.profile;
    let (legacy, modern) = (plan.may_speak(Way::Legacy), plan.may_speak(Way::Modern));
    let old = plan.may_speak(Way::HttpSse);
    let keeps = profile.sessions.pooled + profile.sessions.echo > 0.0;
    let lists = |list| (keeps || modern) && profile.lists.contains(&list);
    match operation {
        Operation::ToolsCall | Operation::Response => true,
        Operation::Initialize => legacy || old,
        Operation::Initialized => (legacy || old) && (keeps || profile.initialized_when_fresh),
        Operation::ToolsList => lists(List::Tools),
        Operation::ResourcesList => lists(List::Resources),
        Operation::TemplatesList => lists(List::Templates),
        Operation::PromptsList => lists(List::Prompts),
        Operation::ResourcesRead => lists(List::Resources) && profile.reads > 0,
        Operation::PromptsGet | Operation::Complete => lists(List::Prompts) && profile.reads > 0,
        Operation::Discover
        | Operation::TaskGet
        | Operation::TaskResult
        | Operation::TaskCancel
        | Operation::TaskUpdate => modern,
        Operation::Cancelled => profile.cancels,
        Operation::Resume => profile.resumes > 0,
        Operation::Listen => modern && profile.stream_share > 0.0,
        Operation::Stream => old || (legacy && keeps && profile.stream_share > 0.0),
        Operation::Delete => legacy && profile.delete_share > 0.0,
        Operation::Ping => false,
        Operation::OauthDiscovery
        | Operation::OauthRegistration
        | Operation::OauthAuthorize
        | Operation::OauthToken
        | Operation::OauthRefresh => plan.auth.granted().is_some(),
    }
}

/// The keys of the plan's profile whose values nobody has observed, of those that clients who speak
/// in this way go by.
pub fn modelled(plan: &Plan, way: Way) -> Vec<&str> {
    let profile = &plan.clients.profile;
    let logs_in = plan.auth.granted().is_some();
    let inferred = profile.sources.iter().filter(|(key, source)| {
        source.confidence == Confidence::Modelled
            && goes_by(way, key, profile)
            && (logs_in || !key.starts_with("oauth."))
    });
    inferred.map(|(key, _)| key.as_str()).collect()
}

/// Whether clients who speak in this way go by that key of their profile.
fn goes_by(way: Way, key: &str, profile: &Profile) -> bool {
    match key {
        "protocol_version"
        | "sessions"
        | "initialized_when_fresh"
        | "on_session_404"
        | "on_session_400" => way != Way::Modern,
        "delete_share" => way == Way::Legacy,
        // Over HTTP+SSE a session is its stream: there is none to open, and none to wait for.
        "stream_share" | "stream_awaited" => way != Way::HttpSse,
        "honours_ttl" | "input_rounds" => way == Way::Modern,
        "probe_lasts" => profile.era != Era::Legacy,
        _ => true,
    }
}

/// The behaviour's name, as scenarios write it.
pub fn behaviour_name(behaviour: &Behaviour) -> &'static str {
    match behaviour {
        Behaviour::Steady(_) => "steady",
        Behaviour::Chat(_) => "chat",
        Behaviour::Research(research) if research.classes.len() == 1 => "research-advanced",
        Behaviour::Research(_) => "research",
        Behaviour::Check(check) => check.name(),
    }
}

#[cfg(test)]
mod tests;
