//! What a plan amounts to, modelled, without a single request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::behaviour::Behaviour;
use super::chance::Key;
use super::operation::Operation;
use super::pace::Pace;
use super::plan::{Load, Plan};
use super::profile::{Confidence, Era, List, Profile};

pub mod connections;

/// Runs modelled one by one; more are scaled from these.
const MODELLED_RUNS: u64 = 2_000;
/// Time a call is modelled to take, as in the model of Research runs.
const SERVICE: Duration = Duration::from_millis(800);

/// A plan on paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Until the last arrival, or the end of the last stage.
    pub load: Duration,
    /// After it.
    pub drain: Duration,
    /// Runs that start; in a closed model as many as users get through, modelled.
    pub runs: u64,
    /// Most users at once, in a closed model.
    pub peak_users: Option<u32>,
    /// Mean of one run.
    pub per_run: PerRun,
    /// HTTP exchanges a call costs.
    pub exchanges_per_call: f64,
    /// Arrivals, or users, in each of these stretches of time.
    pub over_time: Vec<(Duration, f64)>,
    /// What `over_time` counts.
    pub unit: &'static str,
    /// Most users at once, modelled.
    pub at_once: f64,
    /// Largest share of all runs that are due within one second.
    peak_arrivals: f64,
}

/// Means of one run, every call answered after 0.8 s.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerRun {
    /// Tool calls.
    pub calls: f64,
    /// Their standard deviation from run to run.
    pub calls_deviation: f64,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Subagents.
    pub subagents: f64,
    /// Most calls in flight at once, over all runs looked at.
    pub peak_in_flight: u32,
}

impl Outlook {
    /// Tool calls in all.
    pub fn calls(&self) -> f64 {
        self.runs as f64 * self.per_run.calls
    }

    /// Between which numbers of calls 19 of 20 storms of other seeds lie: two standard deviations
    /// of the sum; `None` where the number of runs is modelled itself.
    pub fn calls_range(&self) -> Option<(f64, f64)> {
        let spread = 2.0 * self.per_run.calls_deviation * (self.runs as f64).sqrt();
        let calls = self.calls();
        self.peak_users
            .is_none()
            .then(|| ((calls - spread).max(0.0).floor(), (calls + spread).ceil()))
    }

    /// HTTP exchanges in all.
    pub fn exchanges(&self) -> f64 {
        self.calls() * self.exchanges_per_call
    }

    /// HTTP exchanges a second at the height of the load: runs under way times what each asks.
    pub fn peak_rate(&self) -> f64 {
        let a_second = self.per_run.calls / self.per_run.seconds.max(1.0) * self.exchanges_per_call;
        let at_once = match self.peak_users {
            Some(users) => f64::from(users),
            None => self.peak_arrivals * self.per_run.seconds.max(1.0),
        };
        a_second * at_once
    }
}

/// The outlook of a plan whose target has so many tools.
pub fn of(plan: &Plan, tools: u16) -> Outlook {
    let (load, peak_users, unit) = match &plan.load.pace {
        Pace::Open(arrivals) => (arrivals.length(), None, "arrivals"),
        Pace::Closed(users) => (users.length(), Some(users.peak()), "users"),
    };
    let over_time = over_time(&plan.load, plan.seed, load);
    let peak_arrivals = match &plan.load.pace {
        Pace::Open(_) => {
            let seconds = (load.as_secs_f64() / over_time.len().max(1) as f64).max(1e-3);
            over_time.iter().map(|(_, arrivals)| arrivals / seconds).fold(0.0, f64::max)
        }
        Pace::Closed(_) => 0.0,
    };
    let (runs, per_run, at_once) = match &plan.load.pace {
        Pace::Open(arrivals) => {
            let runs = arrivals.expected();
            let (per_run, lengths) = modelled_runs(plan, tools, runs);
            let at_once = if lengths.len() as u64 == runs {
                overlap(arrivals.due(plan.seed), &lengths) as f64
            } else {
                peak_arrivals * per_run.seconds
            };
            (runs, per_run, at_once.min(f64::from(plan.load.ceiling)))
        }
        Pace::Closed(users) => {
            let (per_run, _) = modelled_runs(plan, tools, MODELLED_RUNS);
            let at_work = over_time.iter().map(|(_, users)| users).sum::<f64>();
            let user_seconds = at_work * load.as_secs_f64() / over_time.len().max(1) as f64;
            let runs = (user_seconds / per_run.seconds.max(1e-3)).round() as u64;
            (runs, per_run, f64::from(users.peak()))
        }
    };
    Outlook {
        load,
        drain: plan.load.drain,
        runs,
        peak_users,
        exchanges_per_call: exchanges_per_call(&plan.clients.profile, per_run.calls),
        per_run,
        over_time,
        unit,
        at_once,
        peak_arrivals,
    }
}

/// The mean of runs that are looked at, and how long each of them takes.
fn modelled_runs(plan: &Plan, tools: u16, runs: u64) -> (PerRun, Vec<Duration>) {
    let looked_at = runs.clamp(1, MODELLED_RUNS);
    let (mut sum, mut squares, mut lengths) = (PerRun::default(), 0.0, Vec::new());
    for run in 0..looked_at {
        let key = Key::of_run(plan.seed, run);
        let outline = plan.load.behaviour.outline(key, tools.max(1), plan.load.speed, SERVICE);
        sum.calls += f64::from(outline.calls);
        squares += f64::from(outline.calls).powi(2);
        sum.seconds += outline.duration.as_secs_f64();
        sum.subagents += f64::from(outline.subagents);
        sum.peak_in_flight = sum.peak_in_flight.max(outline.peak_in_flight);
        lengths.push(outline.duration);
    }
    let count = looked_at as f64;
    let calls = sum.calls / count;
    let mean = PerRun {
        calls,
        calls_deviation: (squares / count - calls * calls).max(0.0).sqrt(),
        seconds: sum.seconds / count,
        subagents: sum.subagents / count,
        peak_in_flight: sum.peak_in_flight,
    };
    (mean, lengths)
}

/// Most runs under way at once, of runs that begin in this order and take so long.
fn overlap(due: impl Iterator<Item = Duration>, lengths: &[Duration]) -> usize {
    let mut ends = BinaryHeap::new();
    let mut most = 0;
    for (due, length) in due.zip(lengths) {
        while ends.peek().is_some_and(|Reverse(end)| *end <= due) {
            ends.pop();
        }
        ends.push(Reverse(due + *length));
        most = most.max(ends.len());
    }
    most
}

/// What a call costs in exchanges: its own, and its share of handshakes, lists, streams, goodbyes.
fn exchanges_per_call(profile: &Profile, calls_per_run: f64) -> f64 {
    let weights = profile.sessions;
    let total = weights.fresh + weights.unechoed + weights.pooled + weights.echo;
    let initialized = f64::from(u8::from(profile.initialized_when_fresh));
    let one_call = 1.0 + initialized + profile.delete_share;
    let lists = profile.lists.len() as f64;
    let kept = 2.0 + lists + profile.stream_share + profile.delete_share;
    let per_call = (weights.fresh + weights.unechoed) * one_call
        + (weights.pooled + weights.echo) * kept / calls_per_run.max(1.0);
    1.0 + per_call / total.max(f64::MIN_POSITIVE)
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

/// Whether a client of this profile ever performs the operation.
pub fn may_occur(operation: Operation, profile: &Profile) -> bool {
    let keeps = profile.sessions.pooled + profile.sessions.echo > 0.0;
    let lists = |list| keeps && profile.lists.contains(&list);
    match operation {
        Operation::ToolsCall | Operation::Response => true,
        Operation::Initialize => profile.era != Era::Modern,
        Operation::Discover => profile.era != Era::Legacy,
        Operation::Initialized => keeps || profile.initialized_when_fresh,
        Operation::ToolsList => lists(List::Tools),
        Operation::ResourcesList => lists(List::Resources),
        Operation::TemplatesList => lists(List::Templates),
        Operation::PromptsList => lists(List::Prompts),
        Operation::ResourcesRead => lists(List::Resources) && profile.reads > 0,
        Operation::PromptsGet | Operation::Complete => lists(List::Prompts) && profile.reads > 0,
        Operation::TaskGet
        | Operation::TaskResult
        | Operation::TaskCancel
        | Operation::TaskUpdate => profile.era != Era::Legacy,
        Operation::Ping => false,
        Operation::Cancelled => profile.cancels,
        Operation::Resume => profile.resumes > 0,
        Operation::Listen => profile.era != Era::Legacy && profile.stream_share > 0.0,
        Operation::Stream => keeps && profile.stream_share > 0.0,
        Operation::Delete => profile.delete_share > 0.0,
    }
}

/// The profile's keys whose values nobody has observed.
pub fn modelled(profile: &Profile) -> Vec<&str> {
    let inferred = |(key, source): (&'_ String, &'_ super::profile::Source)| {
        source.confidence == Confidence::Modelled && !key.is_empty()
    };
    let keys = profile.sources.iter().filter(|(key, source)| inferred((key, source)));
    keys.map(|(key, _)| key.as_str()).collect()
}

/// The behaviour's name, as scenarios write it.
pub fn behaviour_name(behaviour: &Behaviour) -> &'static str {
    match behaviour {
        Behaviour::Steady(_) => "steady",
        Behaviour::Chat(_) => "chat",
        Behaviour::Research(research) if research.classes.len() == 1 => "research-advanced",
        Behaviour::Research(_) => "research",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_overlap_while_they_last() {
        let s = Duration::from_secs;
        let due = [0, 1, 2, 5, 5].map(s);
        assert_eq!(overlap(due.into_iter(), &[9, 1, 1, 1, 1].map(s)), 3);
        assert_eq!(overlap(due.into_iter(), &[1; 5].map(s)), 2);
    }
}
