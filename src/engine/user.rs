//! One simulated user: drives a behaviour through a client, run by run.

mod cast;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use self::cast::Cast;
use super::client::{Client, Common};
use super::crowd::Stage;
use super::stop::{Phase, Stop};
use super::trials::{self, Stand};
use crate::model::behaviour::{Agent, Ask, Behaviour, Lead, Step};
use crate::model::chance::{self, Key, Purpose};
use crate::model::event::{Event, Fate, Run, Wave};
use crate::model::limit_probe::{Probe, What};
use crate::model::outcome::Class;

/// What all users of a load do.
#[derive(Debug)]
pub struct Scene {
    /// What their clients share.
    pub common: Arc<Common>,
    /// What a run does.
    pub behaviour: Behaviour,
    /// Divides think times.
    pub speed: f64,
    /// When to end.
    pub stop: Stop,
    runs: AtomicU32,
}

/// One simulated user.
#[derive(Debug)]
pub struct User {
    number: u32,
    client: Arc<Client>,
    turns: u32,
}

impl Scene {
    /// The scene before the first user.
    pub fn new(common: Arc<Common>, behaviour: Behaviour, speed: f64, stop: Stop) -> Self {
        Self { common, behaviour, speed, stop, runs: AtomicU32::new(0) }
    }
}

impl Stage for Scene {
    type User = User;

    fn enter(&self, number: u32) -> User {
        self.common.wire.recorder.gauges.users.fetch_add(1, Ordering::Relaxed);
        User { number, client: Client::new(Arc::clone(&self.common), number), turns: 0 }
    }

    async fn turn(&self, user: &mut User, due: Duration) {
        let key = Key::of_run(self.common.seed, chance::run_number(user.number, user.turns));
        user.turns += 1;
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        user.client.begin_run(number);
        let lead = self.behaviour.run(key, self.common.tool_count(), self.speed);
        let stopped_after = lead.stops_after();
        let course = Course::new(&user.client, key);
        let mut play = Box::pin(course.lead(lead, due));
        let clock = &self.common.wire.clock;
        let fate = tokio::select! {
            biased;
            () = &mut play => None,
            () = until(clock, stopped_after.map(|after| due + after)) => Some(Fate::Stopped),
            () = self.stop.reached(Phase::Over) => Some(Fate::Cut),
        };
        match fate {
            Some(Fate::Stopped) => user.client.ending.stopped(),
            Some(_) => user.client.ending.cut(),
            None => {}
        }
        // What is still in flight is dropped here, and counted as what was just said.
        drop(play);
        let fate = fate.unwrap_or_else(|| course.own_end());
        let ended = clock.now();
        // The end of its session is part of what a run costs, not of how long it took.
        user.client.end_run(&self.stop).await;
        course.tell(number, (due, ended), fate);
    }

    async fn leave(&self, user: User) {
        user.client.leave(&self.stop).await;
        self.common.wire.recorder.gauges.users.fetch_sub(1, Ordering::Relaxed);
    }

    fn dropped(&self, due: Duration) {
        self.common.wire.recorder.tell(0, Event::Dropped { due });
    }

    fn panicked(&self, message: &str) {
        let at = self.common.wire.clock.now();
        self.common.wire.recorder.tell(0, Event::Panicked { at, message: message.into() });
    }
}

async fn until(clock: &crate::edge::clock::Clock, due: Option<Duration>) {
    match due {
        Some(due) => clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The course of one run, and what it came to.
struct Course<'a> {
    client: &'a Arc<Client>,
    key: Key,
    calls: AtomicU32,
    answered: AtomicU32,
    subagents: AtomicU32,
    waves: AtomicU32,
    /// Microseconds, plus one; 0 is none.
    straggler: AtomicU32,
}

impl<'a> Course<'a> {
    fn new(client: &'a Arc<Client>, key: Key) -> Self {
        let zero = || AtomicU32::new(0);
        let (calls, answered) = (zero(), zero());
        let (subagents, waves, straggler) = (zero(), zero(), zero());
        Self { client, key, calls, answered, subagents, waves, straggler }
    }

    /// Plays the lead's part to its end.
    async fn lead(&self, mut lead: Lead, start: Duration) {
        let (mut due, mut turn, mut classes) = (start, 0, Vec::new());
        let mut wave = Vec::new();
        let mut cast = None;
        loop {
            match lead.next(&classes) {
                Step::Think(pause) => due = self.think(due, pause).await,
                Step::Burst(asks) => {
                    due = self.burst(self.key.at_turn(turn), due, &asks, &mut classes).await;
                    turn += 1;
                    continue;
                }
                Step::Fork(agents) => wave = agents,
                Step::Join => due = self.wave(std::mem::take(&mut wave), due).await,
                Step::Stray => {
                    let has_strayed = self.client.stray().await;
                    due = self.client.common.wire.clock.now();
                    classes.clear();
                    if !has_strayed {
                        classes.push(Class::NeverSent);
                    }
                    continue;
                }
                Step::Register => due = self.client.register().await,
                Step::Volley(shots) => {
                    // Rare and large: in boxes, so that a user does not keep room for it.
                    let cast = cast.get_or_insert_with(|| Box::new(Cast::of(self.client)));
                    let probes = Box::pin(cast.fire(due, &shots)).await;
                    self.tell_probes(&probes);
                    lead.hear(&probes);
                    due = self.client.common.wire.clock.now();
                }
                Step::Try(trials) => {
                    let stand = Stand::new(self.client, self.key);
                    Box::pin(trials::play(&trials, &stand)).await;
                    let (tried, served) = stand.counted();
                    self.calls.fetch_add(tried, Ordering::Relaxed);
                    self.answered.fetch_add(served, Ordering::Relaxed);
                    due = self.client.common.wire.clock.now();
                }
                Step::End => return,
            }
            classes.clear();
        }
    }

    /// Plays a subagent's part; returns when it was done.
    async fn agent(&self, mut agent: Agent, number: u32, start: Duration) -> Duration {
        let key = self.key.of_subagent(number);
        let (mut due, mut turn, mut classes) = (start, 0, Vec::new());
        loop {
            match agent.next(&classes) {
                Step::Think(pause) => {
                    due = self.think(due, pause).await;
                    classes.clear();
                }
                Step::Burst(asks) => {
                    due = self.burst(key.at_turn(turn), due, &asks, &mut classes).await;
                    turn += 1;
                }
                // A subagent starts no subagents of its own.
                Step::Fork(_)
                | Step::Join
                | Step::Stray
                | Step::Register
                | Step::Volley(_)
                | Step::Try(_)
                | Step::End => {
                    return due;
                }
            }
        }
    }

    /// All subagents of a wave, and the barrier behind them.
    async fn wave(&self, agents: Vec<Agent>, due: Duration) -> Duration {
        let first = self.subagents.fetch_add(agents.len() as u32, Ordering::Relaxed) + 1;
        self.waves.fetch_add(1, Ordering::Relaxed);
        let numbered = agents.into_iter().zip(first..);
        let mut ends =
            join_all(numbered.map(|(agent, number)| self.agent(agent, number, due))).await;
        ends.sort_unstable();
        let Some(last) = ends.last().copied() else { return due };
        let wave = Wave { user: self.client.user, began: due, ended: last };
        self.client.common.wire.recorder.tell(wave.user, Event::Wave(wave));
        if ends.len() > 1 {
            let held = last.saturating_sub(ends[(ends.len() - 1) / 2]);
            let micros = u32::try_from(held.as_micros()).unwrap_or(u32::MAX - 1) + 1;
            self.straggler.fetch_max(micros, Ordering::Relaxed);
        }
        last
    }

    async fn think(&self, due: Duration, pause: Duration) -> Duration {
        let over = due + pause;
        if !pause.is_zero() {
            self.client.common.wire.clock.sleep_until(over).await;
        }
        over
    }

    /// Calls fired together; returns when the last one was done.
    async fn burst(
        &self,
        key: Key,
        due: Duration,
        asks: &[Ask],
        classes: &mut Vec<Class>,
    ) -> Duration {
        classes.clear();
        let last = if let [ask] = asks {
            let (class, done) = self.call(due, *ask).await;
            classes.push(class);
            done
        } else {
            let mut chance = key.draw(Purpose::Stagger);
            let stagger = self.client.common.profile.stagger;
            let delays = std::iter::once(Duration::ZERO)
                .chain(std::iter::repeat_with(|| stagger.draw(&mut chance)));
            let calls = asks.iter().zip(delays).map(|(ask, delay)| self.delayed(due + delay, *ask));
            let ends = join_all(calls).await;
            classes.extend(ends.iter().map(|(class, _)| *class));
            ends.iter().map(|(_, done)| *done).max().unwrap_or(due)
        };
        let answered = classes.iter().filter(|class| **class == Class::Ok).count();
        self.answered.fetch_add(answered as u32, Ordering::Relaxed);
        last
    }

    async fn delayed(&self, due: Duration, ask: Ask) -> (Class, Duration) {
        self.client.common.wire.clock.sleep_until(due).await;
        self.call(due, ask).await
    }

    /// Tells what came of a volley, in its order.
    fn tell_probes(&self, probes: &[Probe]) {
        let calls = probes.iter().filter(|probe| probe.shot.what == What::Call);
        let answered = calls.clone().filter(|probe| probe.is_served()).count();
        self.calls.fetch_add(calls.count() as u32, Ordering::Relaxed);
        self.answered.fetch_add(answered as u32, Ordering::Relaxed);
        for probe in probes {
            let event = Event::Probe(Box::new(*probe));
            self.client.common.wire.recorder.tell(self.client.user, event);
        }
    }

    /// One call. A call that the stagger held back until the run was over never came due.
    async fn call(&self, due: Duration, ask: Ask) -> (Class, Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.client.call(due, ask).await
    }

    /// How a run ended that came to its own end.
    fn own_end(&self) -> Fate {
        let calls = self.calls.load(Ordering::Relaxed);
        let answered = self.answered.load(Ordering::Relaxed);
        if calls > 0 && answered == 0 { Fate::Failed } else { Fate::Completed }
    }

    fn tell(&self, number: u32, (due, ended): (Duration, Duration), fate: Fate) {
        let straggler = self.straggler.load(Ordering::Relaxed).checked_sub(1);
        let run = Run {
            user: self.client.user,
            run: number,
            class: self.client.class,
            due,
            ended,
            fate,
            calls: self.calls.load(Ordering::Relaxed),
            exchanges: self.client.exchanges_of_run(),
            subagents: self.subagents.load(Ordering::Relaxed) as u16,
            waves: self.waves.load(Ordering::Relaxed) as u16,
            straggler: straggler.map(|micros| Duration::from_micros(u64::from(micros))),
        };
        self.client.common.wire.recorder.tell(self.client.user, Event::Run(run));
    }
}

#[cfg(test)]
mod tests;
