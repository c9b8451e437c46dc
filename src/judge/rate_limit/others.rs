//! Who else, and what else, is refused with the one that is: by what a limit counts.
//!
//! While one is refused, just before and just after, another is tried that differs in one thing.
//! What is refused is counted together with it; what is served all of the time is not.

use std::collections::BTreeMap;

use super::rules::{OTHERWISE, REPLICAS, TOKEN};
use crate::judge::said::Said;
use crate::model::behaviour::OTHERS;
use crate::model::finding::Finding;
use crate::model::limit_probe::{Part, Probe, Varied};
use crate::model::plan::limits::Per;

/// What trials of one variation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Trials {
    /// Served, all of it; refused, all of it.
    pub(super) apart: u32,
    pub(super) together: u32,
    /// Some served and some refused, of several at once.
    pub(super) mixed: u32,
    /// The one that should have been refused was not, or something else went wrong.
    pub(super) void: u32,
}

/// How a variation is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Apart,
    Together,
    /// It depends on the connection.
    Mixed,
}

impl Trials {
    const fn all(self) -> u32 {
        self.apart + self.together + self.mixed + self.void
    }

    /// What most of them say; `None` if none says anything, or they disagree.
    pub(super) const fn counted(self) -> Option<Counted> {
        let Self { apart, together, mixed, .. } = self;
        if apart > together + mixed {
            Some(Counted::Apart)
        } else if together > apart + mixed {
            Some(Counted::Together)
        } else if mixed > 0 {
            Some(Counted::Mixed)
        } else {
            None
        }
    }
}

/// All that were tried.
pub(super) type Others = BTreeMap<Varied, Trials>;

/// Reads them.
pub(super) fn others(probes: &[Probe]) -> Others {
    let mut others = Others::new();
    let mut at = 0;
    while let Some(before) = probes.get(at) {
        at += 1;
        if before.shot.part != Part::Before {
            continue;
        }
        let tried: Vec<_> = probes[at..]
            .iter()
            .take_while(|probe| matches!(probe.shot.part, Part::Another(_)))
            .collect();
        let after = probes.get(at + tried.len()).filter(|p| p.shot.part == Part::After);
        let (Some(first), Some(after)) = (tried.first(), after) else { continue };
        let Part::Another(varied) = first.shot.part else { continue };
        let served = tried.iter().filter(|probe| probe.is_served()).count();
        let refused = tried.iter().filter(|probe| probe.throttle().is_some()).count();
        let trials = others.entry(varied).or_default();
        if before.throttle().is_none() || after.throttle().is_none() || served + refused == 0 {
            trials.void += 1;
        } else if refused == 0 {
            trials.apart += 1;
        } else if served == 0 || tried.len() < OTHERS {
            trials.together += 1;
        } else {
            trials.mixed += 1;
        }
    }
    others
}

/// What it is counted by, as far as was seen; where replicas count for themselves, new connections
/// of the same user say nothing of it.
pub(super) fn per(others: &Others, replicas: bool) -> Option<Per> {
    let says = |varied: Varied| !replicas || matches!(varied, Varied::User | Varied::Tool);
    let of = |varied: Varied| {
        others.get(&varied).filter(|_| says(varied)).and_then(|trials| trials.counted())
    };
    let is = |varied, counted| of(varied) == Some(counted);
    if is(Varied::Session, Counted::Apart) {
        return Some(Per::Session);
    }
    let apart = |varied| is(varied, Counted::Apart);
    match (apart(Varied::User), apart(Varied::Address), apart(Varied::Tool)) {
        (true, false, false) => Some(Per::User),
        (false, true, false) => Some(Per::Address),
        (false, false, true) => Some(Per::Tool),
        // Everything that could be another one was refused with it.
        (false, false, false) => {
            let together = |varied| is(varied, Counted::Together);
            (together(Varied::User) && together(Varied::Address)).then_some(Per::All)
        }
        _ => None,
    }
}

/// How each variation has to be counted where this is declared, of those that tell.
fn expected(per: Per) -> &'static [(Varied, Counted)] {
    use Counted::{Apart, Together};
    use Varied::{Address, Session, Tool, User};
    match per {
        Per::User => &[(User, Apart), (Session, Together), (Address, Together), (Tool, Together)],
        Per::Session => &[(Session, Apart), (Tool, Together)],
        Per::Address => {
            &[(Address, Apart), (User, Together), (Session, Together), (Tool, Together)]
        }
        Per::Tool => &[(Tool, Apart), (User, Together), (Session, Together)],
        Per::All => &[(User, Together), (Session, Together), (Address, Together), (Tool, Together)],
    }
}

/// Holds them to what is declared.
pub(super) fn said(others: &Others, declared: Per, replicas: bool) -> Said {
    if others.is_empty() {
        return Said::too_little("no other one was tried: one that is refused is needed for that");
    }
    let (mut wrong, mut unknown, mut undecided, mut told) = (0, Vec::new(), Vec::new(), Vec::new());
    for (varied, counted) in expected(declared) {
        let trials = others.get(varied).copied().unwrap_or_default();
        match trials.counted() {
            None if others.contains_key(varied) => {
                undecided.push(format!("{} ({} trials)", name(*varied), trials.all()));
            }
            None => unknown.push(name(*varied)),
            Some(found) => {
                told.push(format!("{}: {}", name(*varied), shown(trials)));
                let may_vary = replicas || found == Counted::Mixed;
                let is_right = found == *counted || (may_vary && *counted == Counted::Together);
                wrong += u64::from(!is_right);
            }
        }
    }
    let value = told.join(", ");
    if wrong > 0 {
        return Said::broken(&OTHERWISE, wrong, value);
    }
    if !undecided.is_empty() {
        let undecided = undecided.join(", ");
        return Said::too_little(format!(
            "{value}; undecided: {undecided}; raise load.rate_limit.tries"
        ));
    }
    match unknown.as_slice() {
        [] => Said::held(value),
        [first, ..] if *first == name(expected(declared)[0].0) => {
            let value = format!("{} not tried{}", unknown.join(", "), lacks(declared));
            Said::too_little(value)
        }
        _ => Said::held(format!("{value}; {} not tried", unknown.join(", "))),
    }
}

/// What a scenario lacks to have tried it.
const fn lacks(declared: Per) -> &'static str {
    match declared {
        Per::User | Per::All => ": it needs users with credentials of their own, such as oauth",
        Per::Address => ": it needs two or more clients.addresses",
        Per::Tool => ": it needs two or more tools in tools.allow",
        Per::Session => "",
    }
}

/// What the trials of one variation came to, for a person.
pub(super) fn shown(trials: Trials) -> String {
    let Trials { apart, together, mixed, void } = trials;
    let all = apart + together + mixed;
    let mut shown = match trials.counted() {
        Some(Counted::Apart) => format!("counted apart ({apart} of {all})"),
        Some(Counted::Together) => format!("counted together ({together} of {all})"),
        Some(Counted::Mixed) => format!("served now and then ({mixed} of {all})"),
        None => format!("undecided ({all} trials)"),
    };
    if void > 0 {
        shown = format!("{shown}, {void} void");
    }
    shown
}

/// A variation, for a person.
pub(super) const fn name(varied: Varied) -> &'static str {
    match varied {
        Varied::User => "another user",
        Varied::Session => "another session",
        Varied::Address => "another address",
        Varied::Tool => "another tool",
        Varied::Handshake => "a handshake",
        Varied::List => "a list of tools",
        Varied::Refresh => "a refresh of tokens",
    }
}

/// Whether some new connections of the same user are served while it is refused, and some are not.
pub(super) fn depends_on_connection(others: &Others) -> bool {
    let of =
        [Varied::Session, Varied::Address].into_iter().filter_map(|varied| others.get(&varied));
    let (served, refused) = of.fold((0, 0), |(served, refused), trials| {
        (served + trials.apart + trials.mixed, refused + trials.together + trials.mixed)
    });
    served > 0 && refused > 0
}

/// Several counters, each as large as declared.
pub(super) fn replicas(count: u32) -> Said {
    let value = format!(
        "{count} times as many at once as declared, and another connection of the same user is \
         served while one is refused: about {count} counters"
    );
    Said::broken(&REPLICAS, u64::from(count), value)
}

/// The token endpoint refuses who is refused a call.
pub(super) fn shared_token(others: &Others) -> Option<Finding> {
    let trials = others.get(&Varied::Refresh)?;
    if trials.counted() != Some(Counted::Together) {
        return None;
    }
    let all = trials.together + trials.apart;
    let value = format!("{} of {all} refreshes were refused with the calls", trials.together);
    Some(TOKEN.finding(u64::from(trials.together), [value].into_iter()))
}
