//! `check-affinity`: how many of the calls on new connections find their session. Where it is in one
//! of n replicas and each connection goes to any of them, that is one in n.

use std::collections::BTreeMap;

use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::P;
use crate::model::behaviour::AffinityTrials;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Class;
use crate::model::trial::affinity::Trial;
use crate::model::trial::{Tried, What};

/// Fewer calls on new connections from one address show nothing.
const LEAST: u64 = 20;
/// Sessions that are lost for other reasons are fewer than this share of calls.
const ELSEWISE: f64 = 0.05;
/// A share that is lost below this is not the work of replicas: the second of two has at least so
/// much of the traffic.
const FELT: f64 = 0.2;
/// The interval that is told has the true share in it in 95 of 100 cases.
const Z: f64 = 1.96;
/// Of so many sessions that began on two connections, none may have.
const HALVES: u64 = 3;

pub(super) const REPLICAS: Rule = Rule {
    id: "sessions-in-one-replica",
    severity: Severity::High,
    title: "A session is found on some connections and lost on others.",
    text: "Clients open new connections in a session at any time: each has to find it.",
    source: "observed: fastmcp issues 482 and 1003, ruby-sdk issue 297; a success share that is below \
             one by 0.2 at least, p < 0.001 against 5 % of losses, in two sessions or more",
    provenance: Provenance::Observed,
    what_to_do: "Keep sessions where every replica finds them, route by Mcp-Session-Id, or do without \
                 sessions. Cookies do not help: hosted clients send none.",
};
pub(super) const ADDRESS: Rule = Rule {
    id: "sessions-bound-to-address",
    severity: Severity::High,
    title: "A session is found from the address that opened it, and lost from others.",
    text: "Hosted clients come from changing addresses within one session: affinity by address does \
           not hold.",
    source: "observed: Claude's hosted clients leave from a range of addresses (160.79.104.0/21); \
             fastmcp issue 1003",
    provenance: Provenance::Observed,
    what_to_do: "Route by Mcp-Session-Id instead of the address, keep sessions where every replica \
                 finds them, or do without.",
};
pub(super) const HALF: Rule = Rule {
    id: "initialized-elsewhere-refused",
    severity: Severity::Medium,
    title: "A session whose second half of the handshake came on another connection did not begin.",
    text: "Which connection a message of a session comes on means nothing.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; observed: hosted clients send \
             initialize and notifications/initialized on connections of a pool",
    provenance: Provenance::Observed,
    what_to_do: "Find the session by its id alone, for notifications as for calls.",
};

/// What was seen.
#[derive(Debug)]
pub(super) struct Affinity {
    addresses: u32,
    opened: (u64, u64),
    /// By the number of the address: calls on new connections.
    fresh: BTreeMap<u32, Share>,
    kept: Share,
    /// Since the last session was opened, one was lost.
    is_losing: bool,
    /// Sessions of which calls from home lost one.
    losing: u64,
    is_losing_at_home: bool,
    /// The same from another address, and how many sessions were lost there.
    is_losing_away: bool,
    losing_away: u64,
    /// Found after it had been lost.
    returned: u64,
    confirmed: Share,
    begun: Share,
}

/// How many found their session.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    found: u64,
    lost: u64,
}

impl Share {
    const fn all(self) -> u64 {
        self.found + self.lost
    }

    /// Whether sessions are lost more often than by chance, and so that it is felt.
    fn loses(self) -> bool {
        let lost = self.lost as f64 / self.all().max(1) as f64;
        lost >= FELT && tail(self.lost, self.all(), ELSEWISE) < P
    }

    /// The interval of Wilson in which the share that is found lies (E. B. Wilson, JASA 22, 1927).
    fn interval(self) -> (f64, f64) {
        let n = self.all() as f64;
        let (share, z2) = (self.found as f64 / n, Z * Z);
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        (middle - half, middle + half)
    }

    /// How many replicas there are, if each connection goes to any of them.
    fn replicas(self) -> String {
        let (low, high) = self.interval();
        if self.found == 0 {
            return format!("at least {:.0} replicas", 1.0 / high);
        }
        let about = self.all() as f64 / self.found as f64;
        format!("{about:.0} replicas ({:.1} to {:.1})", 1.0 / high, 1.0 / low)
    }
}

/// How likely it is that so many of `all` or more are hit, each with this chance.
fn tail(hit: u64, all: u64, chance: f64) -> f64 {
    let odds = chance / (1.0 - chance);
    let mut term = (1.0 - chance).powf(all as f64);
    let mut sum = 0.0;
    for count in 0..=all {
        if count >= hit {
            sum += term;
        }
        term *= odds * (all - count) as f64 / (count + 1) as f64;
    }
    sum
}

impl Affinity {
    pub(super) fn new(knobs: &AffinityTrials) -> Self {
        Self {
            addresses: knobs.addresses,
            opened: (0, 0),
            fresh: BTreeMap::new(),
            kept: Share::default(),
            is_losing: false,
            losing: 0,
            is_losing_at_home: false,
            is_losing_away: false,
            losing_away: 0,
            returned: 0,
            confirmed: Share::default(),
            begun: Share::default(),
        }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Affinity(trial) = tried.what else { return };
        let is_found = match trial {
            Trial::Confirmed | Trial::Begun => taken(tried),
            Trial::Opened | Trial::Fresh(_) | Trial::Kept => found(tried),
        };
        let Some(is_found) = is_found else {
            self.opened.0 += u64::from(trial == Trial::Opened);
            return;
        };
        let share = match trial {
            Trial::Opened => {
                self.opened.0 += 1;
                self.opened.1 += u64::from(is_found);
                (self.is_losing, self.is_losing_at_home) = (false, false);
                self.is_losing_away = false;
                return;
            }
            Trial::Fresh(place) => self.fresh.entry(place).or_default(),
            Trial::Kept => &mut self.kept,
            Trial::Confirmed => &mut self.confirmed,
            Trial::Begun => &mut self.begun,
        };
        share.found += u64::from(is_found);
        share.lost += u64::from(!is_found);
        if !matches!(trial, Trial::Fresh(_) | Trial::Kept) {
            return;
        }
        self.returned += u64::from(is_found && self.is_losing);
        self.is_losing |= !is_found;
        if matches!(trial, Trial::Fresh(1..)) && !is_found && !self.is_losing_away {
            self.is_losing_away = true;
            self.losing_away += 1;
        }
        if trial == Trial::Fresh(0) && !is_found && !self.is_losing_at_home {
            self.is_losing_at_home = true;
            self.losing += 1;
        }
    }

    pub(super) fn said(&self) -> Said {
        let (made, opened) = self.opened;
        if opened == 0 && made > 0 {
            return Said::too_little(format!("none of {made} sessions could be opened"));
        }
        let home = self.fresh.get(&0).copied().unwrap_or_default();
        let others: Vec<Share> =
            self.fresh.iter().filter(|(at, _)| **at > 0).map(|(_, of)| *of).collect();
        let away = others.iter().fold(Share::default(), |sum, of| Share {
            found: sum.found + of.found,
            lost: sum.lost + of.lost,
        });
        if self.fresh.is_empty() && self.kept.all() == 0 {
            return Said::moot("there are no sessions");
        }
        if home.all() < LEAST {
            let value = format!("{} calls on new connections were answered", home.all());
            return Said::too_little(format!("{value}; {LEAST} are needed"));
        }
        let bound = others.iter().filter(|of| of.loses()).count();
        let value = format!(
            "{} of {} calls on new connections found their session",
            home.found,
            home.all()
        );
        if home.loses() && self.losing >= 2 {
            return self.scattered(home, &value);
        }
        if home.lost == 0 && self.kept.lost == 0 && bound > 0 && self.losing_away >= 2 {
            let of = others.len();
            let value = format!(
                "from the address that opened them all {} calls on new connections found their \
                 sessions; from {of} others {} of {}, and {bound} of them hardly ever do",
                home.all(),
                away.found,
                away.all()
            );
            return Said::broken(&ADDRESS, away.lost, value);
        }
        let all = Share { found: home.found + away.found, lost: home.lost + away.lost };
        if all.lost > 0 {
            let (lost, all) = (all.lost, all.all());
            let value = format!("{lost} of {all} calls on new connections lost their session");
            return Said::too_little(format!("{value}, which is too few to say why"));
        }
        let from = match self.addresses {
            1 => "one address (affinity by address would not show)".to_owned(),
            addresses => format!("{addresses} addresses"),
        };
        let value =
            format!("all {} calls on new connections found their session, from {from}", all.all());
        self.with_halves(Said::held(value))
    }

    /// Sessions are lost at home.
    fn scattered(&self, home: Share, value: &str) -> Said {
        let kept = self.kept;
        if self.returned == 0 {
            let value = format!("{value}, and none that was lost was found again: they end");
            return Said::too_little(value);
        }
        if home.found == 0 && kept.lost == 0 {
            let value = format!(
                "{value}, all {} on the connections that opened them did: a session is its \
                 connection's, or there are {}",
                kept.all(),
                home.replicas()
            );
            return Said::broken(&REPLICAS, home.lost, value);
        }
        Said::broken(&REPLICAS, home.lost, format!("{value}: {}", home.replicas()))
    }

    /// The same with what became of sessions that began on two connections.
    fn with_halves(&self, said: Said) -> Said {
        let Self { confirmed, begun, .. } = *self;
        let refused = |share: Share| share.all() >= HALVES && share.found == 0;
        if !refused(confirmed) && !refused(begun) {
            return said;
        }
        let value = format!(
            "notifications/initialized on another connection than initialize was taken {} of {} \
             times, and {} of {} calls after it served",
            confirmed.found,
            confirmed.all(),
            begun.found,
            begun.all()
        );
        said.and_broken(&HALF, confirmed.lost.max(begun.lost), value)
    }
}

/// Whether the session was found; nothing if that cannot be told.
fn found(tried: &Tried) -> Option<bool> {
    match (tried.outcome.class(), tried.status) {
        (Class::SessionLost, _) | (_, Some(404)) => Some(false),
        // Whatever else is wrong with an answer, it came out of the session.
        (Class::Ok | Class::ToolError, _) | (_, Some(200 | 202)) => Some(true),
        _ => None,
    }
}

/// Whether it went well; nothing if that cannot be told.
fn taken(tried: &Tried) -> Option<bool> {
    match tried.outcome.class() {
        Class::Ok | Class::ToolError => Some(true),
        Class::Connect | Class::Throttled | Class::Unauthorised | Class::Unfinished => None,
        _ => Some(false),
    }
}
