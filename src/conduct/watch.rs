//! The run while it goes on: folds what the recorder was told, and shows how it stands.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::edge::clock::{Clock, every};
use crate::edge::health;
use crate::engine::recorder::{Observer, Recorder};
use crate::engine::stop::{Phase, Stop};
use crate::judge::checks::Checks;
use crate::judge::rate_limit::Limits;
use crate::judge::recovery::Watched;
use crate::judge::spoilt::Spoilt;
use crate::judge::storm::Storm;
use crate::judge::tokens::Tokens;
use crate::judge::trials::Examined;
use crate::model::event::{Event, Sample};
use crate::model::histogram::Histogram;
use crate::model::outcome::Class;
use crate::model::report::Expectations;
use crate::model::report::rate_limits::RateLimits;
use crate::model::summary::Summary;

/// How often shards are emptied.
const BEAT: Duration = Duration::from_millis(100);
/// Beats between two samples.
const SAMPLE_EVERY: u32 = 10;
/// Seconds the live percentiles look back.
const LOOK_BACK: usize = 5;
/// How often the event loop's delay is taken.
const LOOP_PERIOD: Duration = Duration::from_millis(20);

/// How a run stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// Since the start of the load.
    pub elapsed: Duration,
    /// Where it is on its way to the end.
    pub phase: Phase,
    /// Until the phase is over, at the latest.
    pub left: Duration,
    /// Users present.
    pub users: u32,
    /// Calls that came due and are not done.
    pub in_flight: u32,
    /// Calls ended.
    pub ended: u64,
    /// Of these, good ones.
    pub ok: u64,
    /// Errors.
    pub errors: u64,
    /// Throttled.
    pub throttled: u64,
    /// Median response of the last seconds, in microseconds.
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub p99_us: Option<u64>,
}

/// How long the phases of a run take, by its plan.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// Until the last arrival, or until the last user has left.
    pub load: Duration,
    /// How long runs may finish after that.
    pub drain: Duration,
}

/// What is shown the pulse once a second.
pub type Show = Box<dyn FnMut(&Pulse) + Send>;

/// The folding side of a run.
pub struct Watch {
    recorder: Arc<Recorder>,
    clock: Clock,
    stop: Stop,
    state: Mutex<State>,
    loop_delay: Mutex<Histogram>,
}

/// What events are folded into.
pub struct Folds {
    /// All figures.
    pub summary: Summary,
    /// What becomes of tokens.
    pub tokens: Tokens,
    /// What active checks of tokens find.
    pub checks: Checks,
    /// What is seen of rate limits.
    pub limits: Limits,
    /// What scripts of checks tried.
    pub examined: Examined,
    /// What faults do.
    pub faults: Watched,
    /// What holds in every storm.
    pub storm: Storm,
    /// What faults spoilt.
    pub spoilt: Spoilt,
}

/// What a run came to.
pub struct Outcome {
    /// All figures.
    pub summary: Summary,
    /// What else was expected, judged.
    pub expectations: Expectations,
    /// What was found out of the rate limit.
    pub rate_limits: Option<RateLimits>,
    /// How late a task of ours ran.
    pub loop_delay: Histogram,
    /// What faults did.
    pub faults: Watched,
    /// When the run ended, and when the load did.
    pub ended: (Duration, Duration),
}

struct State {
    folds: Folds,
    window: Window,
    spare: Vec<Event>,
    beats: u32,
    over: bool,
    cpu: (Duration, Duration),
    course: Course,
    /// When the drain was first seen.
    draining: Option<Duration>,
    show: Show,
}

impl Watch {
    /// Begins to watch: a thread that folds, and a task that feels the event loop's delay.
    pub fn begin(
        recorder: Arc<Recorder>,
        clock: &Clock,
        stop: Stop,
        folds: Folds,
        course: Course,
        show: Show,
    ) -> Arc<Self> {
        let state = State {
            folds,
            window: Window::default(),
            spare: Vec::new(),
            beats: 0,
            over: false,
            cpu: (clock.now(), health::cpu_time()),
            course,
            draining: None,
            show,
        };
        let watch = Arc::new(Self {
            recorder,
            clock: clock.clone(),
            stop,
            state: Mutex::new(state),
            loop_delay: Mutex::default(),
        });
        let beating = Arc::clone(&watch);
        every(BEAT, move || beating.beat());
        let feeling = Arc::clone(&watch);
        tokio::spawn(async move { feeling.feel_loop().await });
        watch
    }

    /// Folds what is left and hands out what it all came to.
    pub fn end(&self) -> Outcome {
        let elapsed = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.over = true;
        self.fold(&mut state);
        let load = state.course.load;
        let folds = &mut state.folds;
        let empty = Summary::new(Vec::new(), Vec::new());
        let summary = std::mem::replace(&mut folds.summary, empty);
        let faults = std::mem::replace(&mut folds.faults, Watched::new(&[], Vec::new()));
        let (limits, rate_limits) = folds.limits.end();
        let expectations = folds.expectations().and(limits);
        let loop_delay = self.loop_delay.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ended = (elapsed, load);
        Outcome { summary, expectations, rate_limits, loop_delay, faults, ended }
    }

    fn beat(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return false;
        }
        self.fold(&mut state);
        state.beats += 1;
        if state.beats.is_multiple_of(SAMPLE_EVERY) {
            self.sample(&mut state);
            let pulse = self.pulse(&mut state);
            (state.show)(&pulse);
            state.window.turn();
        }
        true
    }

    fn fold(&self, state: &mut State) {
        let State { folds, window, spare, .. } = state;
        self.recorder.drain(spare, &mut [folds, window]);
    }

    fn sample(&self, state: &mut State) {
        let (now, cpu) = (self.clock.now(), health::cpu_time());
        let (then, cpu_then) = std::mem::replace(&mut state.cpu, (now, cpu));
        let available = now.saturating_sub(then).as_secs_f64() * health::cores() as f64;
        let used = cpu.saturating_sub(cpu_then).as_secs_f64();
        let gauges = &self.recorder.gauges;
        state.folds.summary.add(&Event::Sample(Sample {
            at: now,
            users: gauges.users.load(Ordering::Relaxed),
            in_flight: gauges.exchanging.load(Ordering::Relaxed),
            sessions_open: gauges.sessions.load(Ordering::Relaxed),
            cpu: if available > 0.0 { (used / available) as f32 } else { 0.0 },
        }));
    }

    fn pulse(&self, state: &mut State) -> Pulse {
        let gauges = &self.recorder.gauges;
        let (elapsed, phase) = (self.clock.now(), self.stop.phase());
        let left = state.left(elapsed, phase);
        let window = &state.window;
        let recent = window.recent();
        let quantile = |q| (recent.count() > 0).then(|| recent.quantile(q));
        Pulse {
            elapsed,
            phase,
            left,
            users: gauges.users.load(Ordering::Relaxed),
            in_flight: gauges.in_flight.load(Ordering::Relaxed),
            ended: window.ended,
            ok: window.ok,
            errors: window.errors,
            throttled: window.throttled,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
        }
    }

    /// How late a task of ours runs that is due every 20 ms.
    async fn feel_loop(&self) {
        let mut due = self.clock.now();
        while self.stop.phase() != Phase::Over {
            due += LOOP_PERIOD;
            self.clock.sleep_until(due).await;
            let late = self.clock.now().saturating_sub(due);
            self.loop_delay.lock().unwrap_or_else(PoisonError::into_inner).record(late);
            // Beats that a stall swallowed are not counted again and again.
            due = due.max(self.clock.now().saturating_sub(LOOP_PERIOD));
        }
    }
}

impl State {
    /// Until the phase is over, at the latest.
    fn left(&mut self, elapsed: Duration, phase: Phase) -> Duration {
        let end = match phase {
            Phase::Running => self.course.load,
            Phase::Draining => *self.draining.get_or_insert(elapsed) + self.course.drain,
            Phase::Over => elapsed,
        };
        end.saturating_sub(elapsed)
    }
}

impl Folds {
    /// What the judges say.
    fn expectations(&self) -> Expectations {
        let judged = self.tokens.end().and(self.checks.end()).and(self.examined.end());
        judged.and(self.storm.end())
    }
}

impl Observer for Folds {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::Violation(violation) if self.spoilt.explains(violation)) {
            return;
        }
        self.summary.add(event);
        self.tokens.observe(event);
        self.checks.observe(event);
        self.limits.observe(event);
        self.examined.observe(event);
        self.faults.observe(event);
        // A check does what no storm does, and says itself what came of it.
        if !self.examined.is_script() {
            self.storm.observe(event);
        }
    }
}

/// What the live line looks at.
#[derive(Default)]
struct Window {
    seconds: VecDeque<Histogram>,
    now: Histogram,
    ended: u64,
    ok: u64,
    errors: u64,
    throttled: u64,
}

impl Window {
    fn turn(&mut self) {
        self.seconds.push_back(std::mem::take(&mut self.now));
        while self.seconds.len() > LOOK_BACK {
            self.seconds.pop_front();
        }
    }

    fn recent(&self) -> Histogram {
        let mut recent = self.now.clone();
        for second in &self.seconds {
            recent.merge(second);
        }
        recent
    }
}

impl Observer for Window {
    fn observe(&mut self, event: &Event) {
        let Event::Call(call) = event else { return };
        self.now.record(call.instants.response());
        self.ended += 1;
        let class = call.outcome.class();
        self.ok += u64::from(class == Class::Ok);
        self.errors += u64::from(class.is_error());
        self.throttled += u64::from(class == Class::Throttled);
    }
}
