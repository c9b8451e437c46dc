//! `check-rate-limit`: one run that sends for many users, sessions and addresses, and so knows who
//! asked what when.
//!
//! ```text
//! warm  calm  [rest burst obey|early]...  [press edge]...  [spend before another after]...  fair
//!       below to a refusal, and when it   more than is     who else, and what else, is      one
//!       it    was told to come again      allowed, evenly  refused with the one that is     noisy
//! ```
//! Without a declaration the first bursts tell how much that is. No more requests than `max_requests`
//! are sent, whatever is found.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::chance::Key;
use crate::model::limit_probe::{Part, Probe, Shot, Varied, What, Who};

use super::caller::Caller;
use super::{Ask, NO_REACTION, Step};

mod knobs;
mod spread;

pub use knobs::RateLimit;

/// A `Retry-After` is in whole seconds, rounded up: it may be so much more than is needed.
pub const ROUNDING: Duration = Duration::from_secs(1);
/// Earlier than the rounding explains.
const CLEARLY: Duration = Duration::from_millis(50);
/// A burst is given up past so many times what is declared.
const FAR: u32 = 4;
/// Volleys after which they double.
const PATIENT: u32 = 8;
/// Requests of another one that is tried.
pub const OTHERS: usize = 3;
/// Of what is allowed, so much may come back during one call that is to use it up.
const QUICK: f64 = 0.5;
/// A wait for nobody knows how long begins with this, and doubles.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// What is to be done.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Handshakes of these users, from this number on, or of one more.
    Warm {
        first: u16,
        count: u16,
    },
    WarmOne(Who),
    Calm {
        left: u32,
    },
    /// Nothing, for so many times the window.
    Rest,
    /// Until a window is over that began before.
    Settle,
    /// Volleys until one is wholly refused.
    Volleys {
        who: Who,
        part: Part,
        round: u16,
        sent: u32,
        volleys: u32,
    },
    /// Waits as told, or less, and asks once.
    Obey {
        round: u16,
    },
    TooEarly {
        round: u16,
    },
    /// Asks once at that time.
    At {
        due: Duration,
        part: Part,
        round: u16,
    },
    /// Asks, and waits longer each time, until it is served.
    Until {
        wait: Duration,
        asks: bool,
    },
    /// Learns from what was seen how much is allowed, and plans the rest.
    Plan,
    Press {
        left: u32,
        round: u16,
        next: Duration,
    },
    Edge {
        round: u16,
        step: u8,
    },
    Another {
        varied: Varied,
        who: Who,
        round: u16,
        step: u8,
    },
    Fair {
        left: u32,
        next: Duration,
        first: u16,
        turn: u32,
    },
}

#[derive(Debug)]
pub(super) struct Machine {
    knobs: RateLimit,
    caller: Caller,
    tools: u16,
    tasks: VecDeque<Task>,
    /// What came of the last volley.
    heard: Vec<Probe>,
    /// The last call that was refused.
    refused: Option<Probe>,
    /// When service came back while more was asked for than is allowed.
    edge: Option<Duration>,
    was_served: bool,
    now: Duration,
    sent: u32,
    /// Served in the first burst.
    first: u32,
    /// What the last call took.
    took: Duration,
    /// Who is refused while others are tried: it has one connection.
    lone: Who,
    /// Requests a second, and the window, as declared or learnt.
    rate: f64,
    window: Duration,
    /// The first instant that nothing was left, and calls served since.
    empty: Option<(Duration, u32)>,
    users: u16,
    sessions: u16,
}

const BASE: Who = Who { user: 0, session: 0, place: 0 };

impl Machine {
    pub(super) fn new(knobs: &RateLimit, key: Key, tools: u16) -> Self {
        let mut tasks = VecDeque::new();
        if tools > 0 {
            // All users log in now: later one may be refused that.
            let users = if knobs.has_users { knobs.tries + knobs.quiet } else { 0 };
            let count = u16::try_from(users).map_or(u16::MAX, |users| users.saturating_add(1));
            if knobs.allow.is_some() {
                // Whatever came before is not this run's.
                tasks.push_back(Task::Settle);
            }
            tasks.push_back(Task::Warm { first: 0, count });
            if knobs.allow.is_some() {
                tasks.push_back(Task::Calm { left: knobs.calm.0 });
                tasks.push_back(Task::Rest);
            }
            tasks.push_back(Task::burst(0));
            tasks.push_back(Task::Obey { round: 0 });
            if knobs.allow.is_none() {
                tasks.push_back(Task::Until { wait: FIRST_WAIT, asks: true });
                tasks.push_back(Task::spend(BASE, 0));
            }
            tasks.push_back(Task::Plan);
        }
        let (rate, window) =
            knobs.allow.map_or((0.0, Duration::ZERO), |allow| (allow.rate(), allow.window));
        Self {
            knobs: *knobs,
            caller: Caller::new(key, NO_REACTION, tools),
            tools,
            tasks,
            heard: Vec::new(),
            refused: None,
            edge: None,
            was_served: true,
            now: Duration::ZERO,
            sent: 0,
            first: 0,
            took: Duration::ZERO,
            lone: Who { session: 1, ..BASE },
            rate,
            window,
            empty: None,
            users: 1,
            sessions: 2,
        }
    }

    /// What came of the last volley.
    pub(super) fn hear(&mut self, probes: &[Probe]) {
        self.heard.clear();
        self.heard.extend_from_slice(probes);
        for probe in probes {
            self.now = self.now.max(probe.done);
            self.took = probe.done.saturating_sub(probe.sent);
            if probe.shot.who != BASE || probe.shot.what != What::Call {
                continue;
            }
            if probe.shot.part == Part::Burst && probe.is_served() && self.empty.is_none() {
                self.first += 1;
            }
            if probe.throttle().is_some() {
                self.refused = Some(*probe);
            }
            if probe.shot.part == Part::Press {
                if probe.is_served() && !self.was_served {
                    self.edge = Some(probe.done);
                }
                self.was_served = probe.is_served();
            }
            if let (true, Some((_, served))) = (probe.is_served(), &mut self.empty) {
                *served += 1;
            }
        }
    }

    pub(super) fn next(&mut self) -> Step {
        loop {
            let Some(task) = self.tasks.pop_front() else { return Step::End };
            let heard = std::mem::take(&mut self.heard);
            let Some(step) = self.step(task, &heard) else { continue };
            if let Step::Volley(shots) = &step {
                let more = u32::try_from(shots.len()).unwrap_or(u32::MAX);
                if self.sent.saturating_add(more) > self.knobs.max_requests {
                    self.tasks.clear();
                    return Step::End;
                }
                self.sent += more;
            }
            if let Step::Think(pause) = &step {
                self.now += *pause;
            }
            return step;
        }
    }

    /// A task's next step; `None` when it is done.
    fn step(&mut self, task: Task, heard: &[Probe]) -> Option<Step> {
        match task {
            Task::Warm { first, count } => {
                let who = |user| Who { user, ..BASE };
                Some(self.volley((first..first + count).map(who), What::Handshake, Part::Warm, 0))
            }
            Task::WarmOne(who) => Some(self.volley([who], What::Handshake, Part::Warm, 0)),
            Task::Calm { left } => self.calm(left),
            Task::Rest => Some(Step::Think(self.rest())),
            Task::Settle => Some(Step::Think(self.knobs.rest.unwrap_or(self.window + FIRST_WAIT))),
            Task::Volleys { who, part, round, sent, volleys } => {
                self.volleys(who, part, round, (sent, volleys), heard)
            }
            Task::Obey { round } => self.ask_again(Part::Obeyed, round),
            Task::TooEarly { round } => self.ask_again(Part::TooEarly, round),
            Task::At { due, part, round } => Some(self.at(due, part, round)),
            Task::Until { wait, asks } => self.until(wait, asks, heard),
            Task::Plan => {
                self.plan();
                None
            }
            Task::Press { left, round, next } => self.press(left, round, next),
            Task::Edge { round, step } => self.around_edge(round, step),
            Task::Another { varied, who, round, step } => self.another(varied, who, round, step),
            Task::Fair { left, next, first, turn } => self.fair(left, next, first, turn),
        }
    }

    /// Requests sent together.
    fn volley(
        &mut self,
        who: impl IntoIterator<Item = Who>,
        what: What,
        part: Part,
        round: u16,
    ) -> Step {
        let tool = u16::from(part == Part::Another(Varied::Tool));
        let shots = who.into_iter().map(|who| {
            let drawn = self.caller.burst(1, 0);
            let variation = drawn.first().map_or(0, |ask| ask.variation);
            Shot { who, what, ask: Ask { tool, variation }, part, round }
        });
        Step::Volley(shots.collect())
    }

    fn calm(&mut self, left: u32) -> Option<Step> {
        if left == 0 {
            return None;
        }
        // A pause and a call, in turn.
        self.tasks.push_front(Task::Calm { left: left - 1 });
        if left.is_multiple_of(2) {
            let pause = 1.0 / (self.rate * self.knobs.calm.1);
            return Some(Step::Think(Duration::try_from_secs_f64(pause).unwrap_or_default()));
        }
        Some(self.volley([BASE], What::Call, Part::Calm, 0))
    }

    fn rest(&self) -> Duration {
        self.knobs.rest.unwrap_or(self.window * 2 + FIRST_WAIT)
    }

    fn volleys(
        &mut self,
        who: Who,
        part: Part,
        round: u16,
        (sent, volleys): (u32, u32),
        heard: &[Probe],
    ) -> Option<Step> {
        let is_over = volleys > 0 && !heard.iter().any(Probe::is_served);
        if is_over {
            if self.empty.is_none() {
                self.empty = Some((self.now, 0));
            }
            return None;
        }
        let most = match self.knobs.allow {
            Some(_) => self.knobs.at_once.saturating_mul(FAR),
            None => self.knobs.max_requests / FAR,
        };
        if sent > most.max(self.knobs.together) {
            return None;
        }
        // One after another keeps to one connection, where that is quick enough.
        let refills = self.rate * self.took.as_secs_f64();
        let size = match self.knobs.together << (volleys / PATIENT).min(5) {
            _ if who != BASE && refills < QUICK => 1,
            size => size,
        };
        let (sent, volleys) = (sent + size, volleys + 1);
        self.tasks.push_front(Task::Volleys { who, part, round, sent, volleys });
        Some(self.volley((0..size).map(|_| who), What::Call, part, round))
    }

    /// Asks when it was told to, or clearly earlier.
    fn ask_again(&mut self, part: Part, round: u16) -> Option<Step> {
        let refused = self.refused?;
        let told = refused.throttle()?.retry_after?;
        let due = refused.done + told;
        let due = match part {
            Part::TooEarly => due.checked_sub(ROUNDING + CLEARLY).filter(|due| *due > self.now)?,
            _ => due,
        };
        // Nobody waits for an hour to see whether it is true: whether less is enough is to be seen.
        let (due, part) = match self.now + self.longest() {
            latest if due > latest + ROUNDING + CLEARLY => (latest, Part::TooEarly),
            _ => (due, part),
        };
        Some(self.at(due, part, round))
    }

    fn at(&mut self, due: Duration, part: Part, round: u16) -> Step {
        if due > self.now {
            self.tasks.push_front(Task::At { due, part, round });
            return Step::Think(due.saturating_sub(self.now));
        }
        self.volley([BASE], What::Call, part, round)
    }

    /// The longest that one refusal is waited for.
    fn longest(&self) -> Duration {
        match self.knobs.allow {
            Some(allow) => self.knobs.patience.min(allow.window + allow.window / 10),
            None => self.knobs.patience,
        }
    }

    fn until(&mut self, wait: Duration, asks: bool, heard: &[Probe]) -> Option<Step> {
        let was_served = heard.last().is_some_and(Probe::is_served);
        if was_served || wait > self.knobs.patience || self.refused.is_none() {
            return None;
        }
        self.tasks
            .push_front(Task::Until { wait: if asks { wait } else { wait * 2 }, asks: !asks });
        Some(if asks { self.volley([BASE], What::Call, Part::Until, 0) } else { Step::Think(wait) })
    }
}

impl Task {
    const fn burst(round: u16) -> Self {
        all(BASE, Part::Burst, round)
    }

    const fn spend(who: Who, round: u16) -> Self {
        all(who, Part::Spent, round)
    }
}

/// All there is.
const fn all(who: Who, part: Part, round: u16) -> Task {
    Task::Volleys { who, part, round, sent: 0, volleys: 0 }
}
