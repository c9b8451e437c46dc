//! The weather at the clients' end: which faults of a scenario are in force, and whom they befall.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::edge::clock::Clock;
use crate::engine::weather::{Again, By, Hold, Leave, Spell, Tag, Weather};
use crate::model::chance::{Key, Purpose};
use crate::model::fault::{self, Fault, Left, Mischief, OnStream, Scope, Skew, What, Window};
use crate::model::operation::Operation;

/// The faults of a scenario that act at the clients' end, over one load.
#[derive(Debug)]
pub struct Forecast {
    clock: Clock,
    seed: u64,
    fronts: Vec<Front>,
}

/// One fault.
#[derive(Debug)]
struct Front {
    number: u8,
    share: f64,
    scope: Scope,
    acts: Acts,
    /// By their beginning.
    windows: Vec<Window>,
    /// Whose turn it is, where something is taken in turn.
    turn: AtomicUsize,
}

/// What a fault befalls or not. The numbers are part of what a seed means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Befalls {
    Exchanges = 0,
    Calls = 1,
    Processes = 2,
}

/// What it does.
#[derive(Debug)]
enum Acts {
    Stream(OnStream),
    Mischief(Mischief),
}

impl Forecast {
    /// Of these faults, with windows that begin before `end`; `addresses` are those that the clients
    /// have. None where no fault acts at the clients' end.
    pub fn of(
        faults: &[Fault],
        end: Duration,
        addresses: &[IpAddr],
        (seed, clock): (u64, Clock),
    ) -> Option<Self> {
        let windows = fault::windows(faults, end);
        let numbered = faults.iter().zip(0_u8..);
        let front = |(fault, number): (&Fault, u8)| {
            let acts = match &fault.what {
                What::Stream(stream) => Acts::Stream(*stream),
                What::Mischief(Mischief::Hop(own)) if own.is_empty() => {
                    Acts::Mischief(Mischief::Hop(addresses.to_vec()))
                }
                What::Mischief(Mischief::HalfOpen(_))
                | What::Network(_)
                | What::Toxic(_)
                | What::Hook(_) => return None,
                What::Mischief(mischief) => Acts::Mischief(mischief.clone()),
            };
            let own = |window: &&Window| window.fault == number;
            Some(Front {
                number,
                share: fault.share,
                scope: fault.scope.clone(),
                acts,
                windows: windows.iter().filter(own).copied().collect(),
                turn: AtomicUsize::new(0),
            })
        };
        let fronts: Vec<_> = numbered.filter_map(front).collect();
        (!fronts.is_empty()).then_some(Self { clock, seed, fronts })
    }

    /// Whether chance lets it befall this one of a user's.
    fn befalls(&self, front: &Front, user: u32, number: u32) -> bool {
        if front.share >= 1.0 {
            return true;
        }
        let key = Key::of_run(self.seed, user.into());
        let key = key.of_subagent(front.number.into()).at_turn(number);
        key.draw_at(Purpose::Fault, front.befalls() as u32).happens(front.share)
    }
}

impl Front {
    /// The window that is open now.
    fn window(&self, now: Duration) -> Option<&Window> {
        let begun = self.windows.partition_point(|window| window.from <= now);
        let last = self.windows.get(begun.checked_sub(1)?)?;
        last.is_open(now).then_some(last)
    }

    /// The beginning of the next window.
    fn next(&self, now: Duration) -> Option<Duration> {
        let begun = self.windows.partition_point(|window| window.from <= now);
        self.windows.get(begun).map(|window| window.from)
    }

    const fn befalls(&self) -> Befalls {
        match self.acts {
            Acts::Mischief(Mischief::CancelHerd | Mischief::Retry { .. }) => Befalls::Calls,
            Acts::Mischief(Mischief::ClockSkew(_)) => Befalls::Processes,
            Acts::Stream(_) | Acts::Mischief(_) => Befalls::Exchanges,
        }
    }

    /// Whether it may befall what has this tag.
    fn means(&self, tag: &Tag<'_>) -> bool {
        let Scope { operation, tool, .. } = &self.scope;
        operation.or_else(|| self.usual()).is_none_or(|meant| meant == tag.operation)
            && tool.as_deref().is_none_or(|meant| tag.tool == Some(meant))
    }

    /// What it befalls where nothing is said.
    const fn usual(&self) -> Option<Operation> {
        match self.acts {
            Acts::Mischief(
                Mischief::Abandon { .. }
                | Mischief::CancelHerd
                | Mischief::Retry { .. }
                | Mischief::IdleStreams(_),
            ) => Some(Operation::ToolsCall),
            Acts::Mischief(Mischief::StrayInitialized) => Some(Operation::Initialized),
            Acts::Stream(_) | Acts::Mischief(_) => None,
        }
    }

    const fn by<T: Copy>(&self, what: T) -> By<T> {
        By { fault: self.number, what }
    }

    /// Adds to a spell what it does to an exchange in this window. Of two faults that do the same,
    /// the first one counts.
    fn cast(&self, spell: &mut Spell, window: &Window) {
        match &self.acts {
            Acts::Stream(OnStream::Cut(cut)) => spell.cut = spell.cut.or(Some(self.by(*cut))),
            Acts::Stream(OnStream::Hold(silence)) => {
                let until = window.until.map_or(Hold::Ever, Hold::Until);
                spell.hold = spell.hold.or(Some(self.by(silence.map_or(until, Hold::For))));
            }
            Acts::Stream(OnStream::Drip(rate)) => spell.drip = spell.drip.or(Some(self.by(*rate))),
            Acts::Mischief(Mischief::Abandon { after, parting }) => {
                let leave = Leave { after: *after, parting: *parting };
                spell.leave = spell.leave.or(Some(self.by(leave)));
            }
            Acts::Mischief(Mischief::SlowRead(rate)) => {
                spell.slow = spell.slow.or(Some(self.by(*rate)));
            }
            Acts::Mischief(Mischief::Twice) => spell.twice = spell.twice.or(Some(self.by(()))),
            Acts::Mischief(Mischief::Without(Left::Session)) => {
                spell.no_session = spell.no_session.or(Some(self.by(())));
            }
            Acts::Mischief(Mischief::Without(Left::Version)) => {
                spell.no_version = spell.no_version.or(Some(self.by(())));
            }
            Acts::Mischief(Mischief::Hop(addresses)) => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let from = addresses.get(turn % addresses.len().max(1)).copied();
                spell.alone = spell.alone.or(Some(self.by(from)));
            }
            Acts::Mischief(Mischief::StrayInitialized) => {
                spell.no_session = spell.no_session.or(Some(self.by(())));
                spell.alone = spell.alone.or(Some(self.by(None)));
            }
            Acts::Mischief(Mischief::IdleStreams(keep)) => {
                spell.idle = spell.idle.or(Some(self.by(*keep)));
            }
            Acts::Mischief(
                Mischief::CancelHerd
                | Mischief::Retry { .. }
                | Mischief::HalfOpen(_)
                | Mischief::ClockSkew(_),
            ) => {}
        }
    }
}

impl Weather for Forecast {
    fn over_exchange(&self, tag: &Tag<'_>) -> Option<Spell> {
        let now = self.clock.now();
        let mut spell = None;
        let of_exchanges = |front: &&Front| front.befalls() == Befalls::Exchanges;
        for front in self.fronts.iter().filter(of_exchanges) {
            if let Some(window) = front.window(now)
                && front.means(tag)
                && self.befalls(front, tag.user, tag.number)
            {
                front.cast(spell.get_or_insert_default(), window);
            }
        }
        spell
    }

    fn cancels(&self, tag: &Tag<'_>) -> Option<By<Duration>> {
        let now = self.clock.now();
        let herds = self.fronts.iter().filter(|front| {
            let is_herd = matches!(front.acts, Acts::Mischief(Mischief::CancelHerd));
            is_herd && front.means(tag) && self.befalls(front, tag.user, tag.number)
        });
        let next = herds.filter_map(|front| Some(front.by(front.next(now)?)));
        next.min_by_key(|cancel| cancel.what)
    }

    fn retries(&self, tag: &Tag<'_>) -> Option<By<Again>> {
        let now = self.clock.now();
        self.fronts.iter().find_map(|front| {
            let Acts::Mischief(Mischief::Retry { times, pause }) = front.acts else { return None };
            front.window(now)?;
            let meant = front.means(tag) && self.befalls(front, tag.user, tag.number);
            meant.then(|| front.by(Again { times, pause }))
        })
    }

    fn skews(&self, user: u32) -> Option<By<Skew>> {
        let now = self.clock.now();
        self.fronts.iter().find_map(|front| {
            let Acts::Mischief(Mischief::ClockSkew(skew)) = front.acts else { return None };
            front.window(now)?;
            self.befalls(front, user, 0).then(|| front.by(skew))
        })
    }
}

#[cfg(test)]
mod tests;
