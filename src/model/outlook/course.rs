//! A load on paper: every run in its time, and what of it is done when the drain ends.
//!
//! ```text
//!          load                drain
//! |---------------------|--------------|
//!    due      c     c   |    c     c   |  c  c        a run, and its calls
//!    |---------------------------------x- - - - -     cut: four calls are made of six
//! 0                                    end
//! ```
//!
//! A call is made when it begins at the end or before; a run that lasts longer is cut there, as the
//! crowd does it (`engine/crowd`, `conduct/load`). What a call and a session cost in HTTP exchanges
//! is counted in the step of time in which the call, or the first call of the session, begins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::chance::run_number;
use crate::model::pace::{Arrivals, Herd, RateStage, Spacing, Users};
use crate::model::plan::auth::{Consent, Flow, Granted, Login};
use crate::model::plan::{Plan, Way};
use crate::model::profile::oauth::Registration;
use crate::model::profile::{Connections, Profile};

use super::sketch::{Sketch, Sketches};

/// Bursts that are looked at one by one; of a plan with more, every second or third run and so on.
const MOST_BURSTS: f64 = 3e6;
/// Steps of time at most.
const MOST_STEPS: u128 = 1_000_000;
/// Runs looked at to see how large a plan is.
const FIRST_LOOK: u64 = 16;

/// What calls and sessions cost in HTTP exchanges, in the mean of all users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// A call, with the handshake and the end of a session made for it alone.
    pub(super) call: f64,
    /// The beginning and the end of the session that is kept for a run, if one is...
    run: (f64, f64),
    /// ... and of the one that is kept for a user's stay.
    stay: (f64, f64),
}

impl Cost {
    /// Of a plan's clients, if they speak in this way.
    pub(super) fn of(plan: &Plan, way: Way) -> Self {
        let profile = &plan.clients.profile;
        let mut cost = Self::speaking(profile, way);
        cost.stay.0 += plan.auth.granted().map_or(0.0, |granted| login(granted, profile));
        cost
    }

    fn speaking(profile: &Profile, way: Way) -> Self {
        match way {
            Way::Modern => Self::modern(profile),
            Way::Legacy => Self::sessions(profile, 2.0, 2.0 + profile.stream_share, 1.0),
            // The stream, and a handshake on it; it ends with the stream.
            Way::HttpSse => Self::sessions(profile, 3.0, 3.0, 0.0),
        }
    }

    /// What a handshake for one call costs at most, one for a kept session, and a DELETE.
    fn sessions(profile: &Profile, for_call: f64, to_keep: f64, delete: f64) -> Self {
        let weights = profile.sessions;
        let all = weights.fresh + weights.unechoed + weights.pooled + weights.echo;
        let share = |weight: f64| weight / all.max(f64::MIN_POSITIVE);
        let left_out = f64::from(u8::from(!profile.initialized_when_fresh));
        let ends = delete * profile.delete_share;
        let one_call = for_call - left_out + ends;
        let begun = to_keep + profile.lists.len() as f64;
        let kept = |share: f64| (share * begun, share * ends);
        Self {
            call: 1.0 + share(weights.fresh + weights.unechoed) * one_call,
            run: kept(share(weights.echo)),
            stay: kept(share(weights.pooled)),
        }
    }

    /// There is no session; what one of a broker's users has found out is known to all.
    fn modern(profile: &Profile) -> Self {
        let is_shared = profile.connections == Connections::Shared;
        let found_out = f64::from(u8::from(!is_shared));
        let lists = if is_shared && profile.honours_ttl { 0 } else { profile.lists.len() };
        let begun = found_out + lists as f64 + profile.stream_share;
        Self { call: 1.0, run: (0.0, 0.0), stay: (begun, 0.0) }
    }
}

/// What a user's way to tokens costs: the request that is refused, two documents of metadata, a
/// registration if there is to be one, the pages of the consent, the token.
fn login(granted: &Granted, profile: &Profile) -> f64 {
    let registers = granted.client.is_none() && profile.oauth.registration != Registration::Once;
    let begun = 3.0 + f64::from(u8::from(registers));
    if granted.one.is_some() {
        // It was got before the load.
        return 0.0;
    }
    match (&granted.flow, granted.login) {
        (_, Login::Before { .. }) | (Flow::Tokens(_), _) => 0.0,
        (Flow::ClientCredentials, _) => 4.0,
        (Flow::Code(Consent::Redirect), _) => begun + 2.0,
        (Flow::Code(Consent::Command(_) | Consent::Browser(_)), _) => begun + 1.0,
        (Flow::Code(Consent::Form(pages)), _) => begun + 2.0 + pages.len() as f64,
    }
}

/// What a load comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Runs that start.
    pub(super) runs: f64,
    /// Arrivals that find the ceiling reached.
    pub(super) dropped: f64,
    /// Runs that are cut at the end of the drain.
    pub(super) cut: f64,
    /// Calls that are made.
    pub(super) calls: f64,
    /// How many more or fewer they may be with other seeds: two standard deviations of their sum.
    pub(super) spread: f64,
    /// Most users at once.
    pub(super) at_once: f64,
    /// When the last run would end if none were cut.
    pub(super) last_end: Duration,
    /// HTTP exchanges, and those of the busiest second.
    pub(super) exchanges: (f64, f64),
}

/// A load while it is looked at.
struct Paper {
    end: Duration,
    cost: Cost,
    /// How many runs each that is looked at stands for.
    weight: f64,
    step: Duration,
    steps: Vec<f64>,
    course: Course,
}

/// What became of one run.
struct Made {
    calls: u32,
    first: Option<Duration>,
    ends: Duration,
    cut: bool,
}

impl Paper {
    /// An empty one; each run stands for `weight`, so that a step must be as much longer than a
    /// second for the busiest one to be as busy by chance as a second is.
    fn new(end: Duration, cost: Cost, weight: f64) -> Self {
        let seconds = end.as_nanos().div_ceil(1_000_000_000 * MOST_STEPS).max(1) as u64;
        let step = Duration::from_secs(seconds.max(weight.ceil() as u64));
        let steps = vec![0.0; (end.as_nanos() / step.as_nanos()) as usize + 1];
        let course = Course {
            runs: 0.0,
            dropped: 0.0,
            cut: 0.0,
            calls: 0.0,
            spread: 0.0,
            at_once: 0.0,
            last_end: Duration::ZERO,
            exchanges: (0.0, 0.0),
        };
        Self { end, cost, weight, step, steps, course }
    }

    fn exchange(&mut self, at: Duration, count: f64) {
        let step = (at.as_nanos() / self.step.as_nanos()) as usize;
        if let Some(step) = self.steps.get_mut(step) {
            *step += count * self.weight;
        }
    }

    /// A run that is due by the end, with its own session where one is kept for a run.
    fn play(&mut self, run: &Sketch, due: Duration) -> Made {
        let made = run.by(self.end.saturating_sub(due));
        let calls = made.iter().map(|(_, calls)| calls).sum();
        let ends = due.saturating_add(run.lasts);
        let cut = ends > self.end;
        let first = made.first().map(|(offset, _)| due + *offset);
        for (offset, calls) in made {
            self.exchange(due + *offset, self.cost.call * f64::from(*calls));
        }
        self.session(self.cost.run, first, (!cut).then_some(ends));
        self.course.runs += self.weight;
        self.course.calls += self.weight * f64::from(calls);
        self.course.cut += if cut { self.weight } else { 0.0 };
        self.course.last_end = self.course.last_end.max(ends);
        Made { calls, first, ends, cut }
    }

    /// A session from its first call to its end; one that is cut is not ended.
    fn session(
        &mut self,
        (begun, ended): (f64, f64),
        from: Option<Duration>,
        to: Option<Duration>,
    ) {
        let Some(from) = from else { return };
        self.exchange(from, begun);
        if let Some(to) = to {
            self.exchange(to, ended);
        }
    }

    fn done(mut self) -> Course {
        let busiest = self.steps.iter().copied().fold(0.0, f64::max);
        self.course.exchanges = (self.steps.iter().sum(), busiest / self.step.as_secs_f64());
        self.course
    }
}

/// The course of an open load, with what its runs are made from.
pub(super) fn open(
    (plan, way): (&Plan, Way),
    arrivals: &Arrivals,
    sketches: &mut Sketches<'_>,
) -> Course {
    let end = arrivals.length() + plan.load.drain;
    let runs = arrivals.expected() as f64;
    let looked_at = thinned(arrivals, (runs * size_of_a_run(plan, end).1 / MOST_BURSTS).max(1.0));
    let weight = runs / looked_at.expected().max(1) as f64;
    let mut paper = Paper::new(end, Cost::of(plan, way), weight);
    let ceiling = (f64::from(plan.load.ceiling) / weight).ceil() as usize;
    let (mut present, mut counts) = (BinaryHeap::new(), Counts::default());
    for (number, due) in (0..).zip(looked_at.due(plan.seed)) {
        while present.peek().is_some_and(|Reverse(ends)| *ends <= due) {
            present.pop();
        }
        if present.len() >= ceiling {
            paper.course.dropped += weight;
            continue;
        }
        let made = paper.play(sketches.run(number), due);
        // A user has one run, and what is kept for its stay is kept for that.
        paper.session(paper.cost.stay, made.first, (!made.cut).then_some(made.ends));
        present.push(Reverse(made.ends));
        paper.course.at_once = paper.course.at_once.max(present.len() as f64 * weight);
        counts.add(f64::from(made.calls));
    }
    let same_dues = arrivals.spacing == Spacing::Even;
    paper.course.spread = 2.0 * (runs * counts.variance(same_dues)).sqrt();
    paper.done()
}

/// The course of a closed load: each user takes one run after another while its stay lasts. A run
/// under way at the end of a stay goes on, but not beyond the end of the drain.
pub(super) fn closed(
    (plan, way): (&Plan, Way),
    users: &Users,
    sketches: &mut Sketches<'_>,
) -> Course {
    let end = users.length() + plan.load.drain;
    let stays = stays(users);
    let at_work: f64 = stays.iter().map(|(from, to)| to.saturating_sub(*from).as_secs_f64()).sum();
    let (seconds, bursts) = size_of_a_run(plan, end);
    let runs = stays.len() as f64 + at_work / seconds.max(1e-3);
    let every = (runs * bursts / MOST_BURSTS).ceil().max(1.0) as usize;
    let weight = stays.len() as f64 / stays.len().div_ceil(every).max(1) as f64;
    let mut paper = Paper::new(end, Cost::of(plan, way), weight);
    for (user, (from, to)) in (0..).zip(&stays).step_by(every) {
        let (mut due, mut first, mut cut) = (*from, None, false);
        for turn in 0.. {
            let made = paper.play(sketches.run(run_number(user, turn)), due);
            (first, cut) = (first.or(made.first), made.cut);
            // A run that takes no time would never let the stay end.
            let over = made.ends >= *to || made.ends == due;
            due = made.ends;
            if over {
                break;
            }
        }
        paper.session(paper.cost.stay, first, (!cut).then_some(due));
    }
    paper.course.at_once = f64::from(users.peak());
    paper.done()
}

/// Seconds and bursts of a run, in the mean of the first few.
fn size_of_a_run(plan: &Plan, end: Duration) -> (f64, f64) {
    let mut sketches = Sketches::of(plan, 1, end);
    let bursts = (0..FIRST_LOOK).map(|number| sketches.run(number).bursts.len()).sum::<usize>();
    (sketches.per_run().seconds, (bursts as f64 / FIRST_LOOK as f64).max(1.0))
}

/// The same curve with so many times fewer arrivals.
fn thinned(arrivals: &Arrivals, times: f64) -> Arrivals {
    if times <= 1.0 {
        return arrivals.clone();
    }
    let stage = |stage: &RateStage| RateStage { to: stage.to / times, ..*stage };
    let herd = |herd: &Herd| {
        let arrivals = (f64::from(herd.arrivals) / times).round() as u32;
        Herd { arrivals, ..*herd }
    };
    Arrivals {
        from: arrivals.from / times,
        stages: arrivals.stages.iter().map(stage).collect(),
        spacing: arrivals.spacing,
        herds: arrivals.herds.iter().map(herd).collect(),
    }
}

/// From when to when each user is there, in the order of their coming. As goose has it, the first
/// of a ramp comes or goes at its beginning, the others at even steps, and nobody at its end.
fn stays(users: &Users) -> Vec<(Duration, Duration)> {
    let (mut stays, mut present) = (Vec::new(), Vec::new());
    let (mut begin, mut height) = (Duration::ZERO, 0_u32);
    for stage in &users.stages {
        let step = |number: u32| {
            let share = f64::from(number) / f64::from(stage.to.abs_diff(height));
            begin + stage.over.mul_f64(share)
        };
        for number in 0..stage.to.saturating_sub(height) {
            present.push(stays.len());
            stays.push((step(number), users.length()));
        }
        for number in 0..height.saturating_sub(stage.to) {
            if let Some(user) = present.pop() {
                stays[user].1 = step(number);
            }
        }
        (begin, height) = (begin + stage.over, stage.to);
    }
    stays
}

/// How far the calls of runs differ, run by run.
#[derive(Debug, Default)]
struct Counts {
    count: f64,
    sum: f64,
    squares: f64,
    last: Option<f64>,
    /// Squares of the differences between each and the one before.
    differences: f64,
}

impl Counts {
    fn add(&mut self, calls: f64) {
        let last = self.last.replace(calls).unwrap_or(calls);
        self.count += 1.0;
        self.sum += calls;
        self.squares += calls * calls;
        self.differences += (calls - last).powi(2);
    }

    /// The variance of one run from seed to seed. Where every seed has the same dues, those who
    /// come late and are cut early differ from the others without any chance: neighbours do not,
    /// and half the mean square of their differences is the variance that chance alone makes.
    fn variance(&self, same_dues: bool) -> f64 {
        if self.count < 2.0 {
            return 0.0;
        }
        if same_dues {
            return self.differences / (self.count - 1.0) / 2.0;
        }
        let mean = self.sum / self.count;
        (self.squares / self.count - mean * mean).max(0.0)
    }
}
