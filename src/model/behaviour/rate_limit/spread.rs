//! What follows the first burst: how fast service comes back, where windows end, who else is
//! refused with the one that is, and who suffers for it.

use std::time::Duration;

use super::{BASE, FIRST_WAIT, Machine, OTHERS, Task, all};
use crate::model::behaviour::Step;
use crate::model::limit_probe::{Part, Varied, What, Who};

/// Requests of one who is tried beside another, its handshake among them, at most.
const EACH: u32 = 8;
/// Windows that are pressed on for, where nothing else is said.
const WINDOWS: u32 = 3;
/// Of a window's time: so much before its edge, and after it.
const BEFORE: f64 = 0.15;
const AFTER: f64 = 0.1;

impl Machine {
    /// The rest of what is to be done, now that it is known how much is allowed. A target that
    /// refused nothing has no limit that could be looked at.
    pub(super) fn plan(&mut self) {
        self.learn();
        if self.refused.is_none() || self.rate <= 0.0 {
            return;
        }
        let knobs = self.knobs;
        let rounds = |count: u32| 1..=u16::try_from(count).unwrap_or(u16::MAX);
        for round in rounds(knobs.bursts.saturating_sub(1)) {
            let asks = if round % 2 == 1 { Task::TooEarly { round } } else { Task::Obey { round } };
            let obeys = (round % 2 == 1).then_some(Task::Obey { round });
            self.tasks.extend([Task::Rest, Task::burst(round), asks].into_iter().chain(obeys));
        }
        self.tasks.push_back(Task::spend(BASE, 0));
        self.tasks.push_back(self.pressing(0));
        for round in rounds(knobs.edges) {
            if round > 1 {
                self.tasks.push_back(Task::spend(BASE, round));
                self.tasks.push_back(self.pressing(round));
            }
            self.tasks.push_back(Task::Edge { round, step: 0 });
        }
        self.others();
        if knobs.has_users && knobs.quiet > 0 {
            self.tasks.push_back(Task::Rest);
            let left = self.ticks(knobs.fair.unwrap_or(self.window * 2));
            let first = self.users;
            self.tasks.push_back(Task::Fair { left, next: Duration::ZERO, first, turn: 0 });
        }
    }

    /// Without a declaration: from where nothing was left to where nothing was left again.
    fn learn(&mut self) {
        let Some((since, served)) = self.empty.filter(|_| self.knobs.allow.is_none()) else {
            return;
        };
        let over = self.now.saturating_sub(since).max(FIRST_WAIT);
        self.rate = f64::from(served.max(1)) / over.as_secs_f64();
        let all = f64::from(self.first) / self.rate;
        let guess = Duration::try_from_secs_f64(all).unwrap_or(self.knobs.patience);
        self.window = guess.clamp(over, self.knobs.patience.max(over));
    }

    /// Requests that make up this time of asking for more than is allowed.
    fn ticks(&self, time: Duration) -> u32 {
        (time.as_secs_f64() * self.rate * self.knobs.press).ceil().min(f64::from(u32::MAX)) as u32
    }

    fn tick(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / (self.rate * self.knobs.press)).unwrap_or_default()
    }

    fn pressing(&self, round: u16) -> Task {
        let whole = self.knobs.pressing.unwrap_or(self.window * WINDOWS + self.window / 4);
        // Past one edge, to know where the next one is.
        let time = if round == 0 { whole } else { self.window + self.window / 4 };
        Task::Press { left: self.ticks(time), round, next: Duration::ZERO }
    }

    pub(super) fn press(&mut self, left: u32, round: u16, next: Duration) -> Option<Step> {
        let due = self.due(next);
        if left == 0 {
            return None;
        }
        if due > self.now {
            self.tasks.push_front(Task::Press { left, round, next });
            return Some(Step::Think(due.saturating_sub(self.now)));
        }
        self.tasks.push_front(Task::Press { left: left - 1, round, next: due + self.tick() });
        Some(self.volley([BASE], What::Call, Part::Press, round))
    }

    /// When the next one of an even series is due: at once for the first.
    fn due(&self, next: Duration) -> Duration {
        if next.is_zero() { self.now } else { next }
    }

    /// One call where a window may begin, all there is shortly before its edge, and all there is
    /// shortly after it.
    pub(super) fn around_edge(&mut self, round: u16, step: u8) -> Option<Step> {
        // Where it is not known how long a window is, nobody knows where the next edge is.
        let edge = self.edge.filter(|_| self.knobs.allow.is_some())?;
        let (window, part) = (self.window, |share: f64| self.window.mul_f64(share));
        let mut begin = edge;
        while begin + part(BEFORE) <= self.now && step == 0 {
            begin += window;
        }
        let wait = |due: Duration| due.saturating_sub(self.now);
        let (step, next) = match step {
            0 => {
                self.edge = Some(begin);
                (Step::Think(wait(begin + part(AFTER / 2.0))), 1)
            }
            1 => (self.volley([BASE], What::Call, Part::Spent, round), 2),
            2 => (Step::Think(wait((edge + window).saturating_sub(part(BEFORE)))), 3),
            3 => {
                self.tasks.push_front(Task::Edge { round, step: 4 });
                self.tasks.push_front(all(BASE, Part::EdgeBefore, round));
                return Some(Step::Think(Duration::ZERO));
            }
            4 => (Step::Think(wait(edge + window + part(AFTER))), 5),
            _ => {
                self.tasks.push_front(all(BASE, Part::EdgeAfter, round));
                return Some(Step::Think(Duration::ZERO));
            }
        };
        self.tasks.push_front(Task::Edge { round, step: next });
        Some(step)
    }

    /// Everybody and everything else that is tried while one is refused, each in its first session.
    fn others(&mut self) {
        let knobs = self.knobs;
        self.tasks.push_back(Task::WarmOne(self.lone));
        // A counter that another connection finds has to be full for that to show.
        self.tasks.push_back(Task::Rest);
        for round in 0..to_u16(knobs.tries) {
            for varied in [
                Varied::User,
                Varied::Session,
                Varied::Address,
                Varied::Tool,
                Varied::Handshake,
                Varied::List,
                Varied::Refresh,
            ] {
                let is_there = match varied {
                    Varied::User => knobs.has_users,
                    Varied::Address => knobs.addresses > 1,
                    Varied::Tool => self.tools > 1,
                    Varied::Refresh => knobs.has_tokens,
                    Varied::Session | Varied::Handshake | Varied::List => true,
                };
                if !is_there {
                    continue;
                }
                let who = self.another_one(varied, round);
                if varied == Varied::Address && self.may_have_spent(round) {
                    self.tasks.push_back(Task::Rest);
                }
                if matches!(varied, Varied::User | Varied::Session | Varied::Address) {
                    self.tasks.push_back(Task::WarmOne(who));
                }
                self.tasks.push_back(Task::spend(self.lone, round));
                self.tasks.push_back(Task::Another { varied, who, round, step: 0 });
            }
        }
    }

    /// Whether an address that was tried before may have used up its own share by that.
    fn may_have_spent(&self, round: u16) -> bool {
        let others = self.knobs.addresses.saturating_sub(1).max(1);
        let turns = u32::from(round) / others;
        let size = if self.knobs.allow.is_some() { self.knobs.at_once } else { self.first };
        turns > 0 && size < EACH * (turns + 1)
    }

    fn another_one(&mut self, varied: Varied, round: u16) -> Who {
        let mut session = || {
            self.sessions += 1;
            self.sessions - 1
        };
        match varied {
            Varied::User => {
                self.users += 1;
                Who { user: self.users - 1, ..BASE }
            }
            Varied::Session | Varied::Handshake => Who { session: session(), ..BASE },
            Varied::Address => {
                let others = to_u16(self.knobs.addresses).saturating_sub(1).max(1);
                Who { session: session(), place: 1 + round % others, ..BASE }
            }
            Varied::Tool | Varied::List | Varied::Refresh => self.lone,
        }
    }

    pub(super) fn another(
        &mut self,
        varied: Varied,
        who: Who,
        round: u16,
        step: u8,
    ) -> Option<Step> {
        let (step, next) = match step {
            0 => (self.volley([self.lone], What::Call, Part::Before, round), 1),
            1 => {
                let (what, times) = match varied {
                    Varied::Handshake => (What::Handshake, 1),
                    Varied::List => (What::List, 1),
                    Varied::Refresh => (What::Refresh, 1),
                    _ => (What::Call, OTHERS),
                };
                let shots = std::iter::repeat_n(who, times);
                (self.volley(shots, what, Part::Another(varied), round), 2)
            }
            2 => (self.volley([self.lone], What::Call, Part::After, round), 3),
            _ => return None,
        };
        self.tasks.push_front(Task::Another { varied, who, round, step: next });
        Some(step)
    }

    /// At each turn the noisy one asks, and one of the quiet ones.
    pub(super) fn fair(
        &mut self,
        left: u32,
        next: Duration,
        first: u16,
        turn: u32,
    ) -> Option<Step> {
        let due = self.due(next);
        if left == 0 {
            return None;
        }
        if due > self.now {
            self.tasks.push_front(Task::Fair { left, next, first, turn });
            return Some(Step::Think(due.saturating_sub(self.now)));
        }
        let next = due + self.tick();
        self.tasks.push_front(Task::Fair { left: left - 1, next, first, turn: turn + 1 });
        let quiet = Who { user: first + to_u16(turn % self.knobs.quiet), ..BASE };
        let Step::Volley(mut shots) = self.volley([BASE, quiet], What::Call, Part::Noisy, 0) else {
            return None;
        };
        if let Some(shot) = shots.last_mut() {
            shot.part = Part::Quiet;
        }
        Some(Step::Volley(shots))
    }
}

fn to_u16(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
