//! Faults: what misbehaves, when, and whom it befalls.

mod mischief;
mod network;
pub mod outside;
mod stream;

use std::time::Duration;

pub use mischief::{Left, Mischief, Skew};
pub use network::{Direction, Effect, Ending, Network};
pub use stream::{Cut, OnStream, Parting, Point};

use self::outside::{Hook, Toxic};
use super::leg::Leg;
use super::operation::Operation;

/// Faults of a scenario, at most: each has a bit of its own.
pub const MOST: usize = 64;
/// Windows of a scenario, at most: each call is held against each of them.
pub const MOST_WINDOWS: usize = 500;

/// One fault of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Its name, unlike that of any other.
    pub name: String,
    /// The word of its kind.
    pub kind: &'static str,
    /// When it is in force.
    pub when: When,
    /// The share of connections, calls or requests that it befalls; 0 to 1.
    pub share: f64,
    /// Whom it may befall.
    pub scope: Scope,
    /// What it does.
    pub what: What,
}

/// What a fault does, and where.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// On the path to the target, to whole connections.
    Network(Network),
    /// At the client's end, to answers that come as events.
    Stream(OnStream),
    /// At the client's end, by the client itself.
    Mischief(Mischief),
    /// On a proxy of a Toxiproxy server, to every connection that passes it.
    Toxic(Toxic),
    /// Whatever a program or a request does.
    Hook(Hook),
}

/// The faults that something met, a bit each by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Touched(pub u64);

/// When a fault is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Since the start of the load.
    pub at: Duration,
    /// How long; to the end of the run where nothing is said.
    pub lasts: Option<Duration>,
    /// From the beginning of one window to that of the next.
    pub every: Option<Duration>,
    /// Windows in all; as many as there is time for where nothing is said.
    pub repeat: Option<u32>,
}

/// Whom a fault may befall: all that this names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Which exchanges, by what they carry.
    pub traffic: Traffic,
    /// Only exchanges of this operation.
    pub operation: Option<Operation>,
    /// Only calls of this tool.
    pub tool: Option<String>,
    /// Only users of this profile.
    pub profile: Option<String>,
}

/// What exchanges carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Traffic {
    /// Whatever it is.
    #[default]
    All,
    /// MCP.
    Mcp,
    /// Any leg of OAuth.
    Oauth,
    /// One leg of OAuth.
    Leg(Leg),
}

/// One time that a fault is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The fault's number among the scenario's.
    pub fault: u8,
    /// Counted from 0 for each fault.
    pub turn: u16,
    /// Its beginning, since the start of the load.
    pub from: Duration,
    /// Its end; open to the end of the run where there is none.
    pub until: Option<Duration>,
}

impl Touched {
    /// Every one.
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// Only this one; none for a number that no fault has.
    pub const fn by(fault: u8) -> Self {
        match 1_u64.checked_shl(fault as u32) {
            Some(bit) => Self(bit),
            None => Self(0),
        }
    }

    /// These, and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it met this one.
    pub const fn has(self, fault: u8) -> bool {
        self.0 & Self::by(fault).0 != 0
    }

    /// Whether it met any.
    pub const fn is_any(self) -> bool {
        self.0 != 0
    }
}

impl Traffic {
    /// Whether exchanges of this leg, or of MCP, are meant.
    pub fn means(self, leg: Option<Leg>) -> bool {
        match self {
            Self::All => true,
            Self::Mcp => leg.is_none(),
            Self::Oauth => leg.is_some(),
            Self::Leg(meant) => leg == Some(meant),
        }
    }
}

impl When {
    /// Its windows that begin before `end`, as beginnings and ends.
    pub fn windows(&self, end: Duration) -> impl Iterator<Item = (Duration, Option<Duration>)> {
        let Self { at, lasts, every, repeat } = *self;
        let turns = match (every, repeat) {
            (None, _) => 1,
            (Some(_), turns) => turns.unwrap_or(u32::MAX),
        };
        let every = every.unwrap_or_default();
        let begins = (0..turns).map(move |turn| at.saturating_add(every.saturating_mul(turn)));
        let begins = begins.take_while(move |from| *from < end).take(MOST_WINDOWS + 1);
        begins.map(move |from| (from, lasts.map(|lasts| from.saturating_add(lasts))))
    }
}

impl Fault {
    /// Whether nobody can tell which calls meet it: it acts outside of squall, and not on all that is on
    /// the way to the target.
    pub fn is_untold(&self) -> bool {
        match &self.what {
            What::Network(_) | What::Stream(_) | What::Mischief(_) => false,
            What::Toxic(toxic) => toxic.proxy.is_some() || self.share < 1.0,
            What::Hook(_) => true,
        }
    }

    /// Whether it has this name, or one of its windows that begin before `end`.
    pub fn is_called(&self, name: &str, end: Duration) -> bool {
        let Some(rest) = name.strip_prefix(&self.name) else { return false };
        let turn = rest.strip_prefix(" #").and_then(|turn| turn.parse::<usize>().ok());
        let turn = turn.filter(|_| self.when.every.is_some());
        rest.is_empty()
            || turn.is_some_and(|turn| turn > 0 && turn <= self.when.windows(end).count())
    }
}

impl What {
    /// Where it acts, for a person.
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Network(_) => "on the network, to whole connections",
            Self::Stream(_) => "at the client's end, to answers that come as events",
            Self::Mischief(Mischief::ClockSkew(_)) => "in clients' processes, to their clocks",
            Self::Mischief(_) => "at the client's end, by the client",
            Self::Toxic(_) => "on a proxy of Toxiproxy, to whole connections",
            Self::Hook(_) => "outside, by a program or a request",
        }
    }
}

/// All windows of these faults that begin before `end`, by their beginning.
pub fn windows(faults: &[Fault], end: Duration) -> Vec<Window> {
    let of = |(fault, Fault { when, .. }): (usize, &Fault)| {
        let fault = u8::try_from(fault).unwrap_or(u8::MAX);
        let turned = when.windows(end).zip(0..);
        let window = move |((from, until), turn)| Window { fault, turn, from, until };
        turned.map(window).collect::<Vec<_>>()
    };
    let mut windows: Vec<_> = faults.iter().enumerate().flat_map(of).collect();
    windows.sort_by_key(|window| (window.from, window.fault));
    windows
}

impl Window {
    /// Whether it is open at `now`.
    pub fn is_open(&self, now: Duration) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// Whether anything from `since` to `until` falls into it.
    pub fn overlaps(&self, since: Duration, until: Duration) -> bool {
        self.from <= until && self.until.is_none_or(|end| since < end)
    }

    /// Its name: the fault's, and which of its windows it is where there are several.
    pub fn name(&self, faults: &[Fault]) -> String {
        let fault = faults.get(usize::from(self.fault));
        let name = fault.map_or("", |fault| fault.name.as_str());
        match fault.and_then(|fault| fault.when.every) {
            Some(_) => format!("{name} #{}", self.turn + 1),
            None => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fault(name: &str, when: When) -> Fault {
        let what = What::Network(Network::Refuse);
        let name = name.to_owned();
        Fault { name, kind: "drop", when, share: 1.0, scope: Scope::default(), what }
    }

    #[test]
    fn windows_come_in_their_order_and_have_names() {
        let once = When { at: s(7), lasts: None, every: None, repeat: None };
        let often = When { at: s(5), lasts: Some(s(2)), every: Some(s(4)), repeat: None };
        let faults = [fault("once", once), fault("often", often)];
        let found = windows(&faults, s(14));
        let shown: Vec<_> =
            found.iter().map(|window| (window.name(&faults), window.from, window.until)).collect();
        let expected = [
            ("often #1".to_owned(), s(5), Some(s(7))),
            ("once".to_owned(), s(7), None),
            ("often #2".to_owned(), s(9), Some(s(11))),
            ("often #3".to_owned(), s(13), Some(s(15))),
        ];
        assert_eq!(shown, expected);
        assert!(found[0].is_open(s(5)) && !found[0].is_open(s(7)) && found[1].is_open(s(99)));
        let is_called = |name| {
            found.iter().any(|window| faults[usize::from(window.fault)].is_called(name, s(14)))
        };
        for (name, is) in [
            ("often", true),
            ("often #1", true),
            ("often #3", true),
            ("often #4", false),
            ("often #0", false),
            ("once #1", false),
            ("oftener", false),
        ] {
            assert_eq!(is_called(name), is, "{name}");
        }
        let twice = When { repeat: Some(2), ..often };
        assert_eq!(twice.windows(s(99)).count(), 2);
        assert_eq!(When { repeat: Some(2), ..once }.windows(s(99)).count(), 1);
        let dense = When { every: Some(Duration::from_nanos(1)), ..often };
        assert_eq!(dense.windows(s(99)).count(), MOST_WINDOWS + 1, "one more is too many");
    }

    #[test]
    fn traffic_is_of_mcp_or_of_a_leg() {
        let (mcp, token, refresh) = (None, Some(Leg::Token), Some(Leg::Refresh));
        for (traffic, means) in [
            (Traffic::All, [true, true, true]),
            (Traffic::Mcp, [true, false, false]),
            (Traffic::Oauth, [false, true, true]),
            (Traffic::Leg(Leg::Refresh), [false, false, true]),
        ] {
            assert_eq!([mcp, token, refresh].map(|leg| traffic.means(leg)), means);
        }
    }
}
