//! `check-sessions`: what a target answers in sessions that are over or another's, and what many
//! sessions cost it.

use super::leak::Leak;
use super::restart::Restart;
use super::tail::{Tail, shown};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::behaviour::SessionTrials;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::{Class, Outcome};
use crate::model::plan::invariant::Invariant;
use crate::model::trial::sessions::Trial;
use crate::model::trial::{Tried, What};

pub(super) const OTHERWISE: Rule = Rule {
    id: "lost-session-otherwise",
    severity: Severity::High,
    title: "A request in a session that is not open was refused with something else than 404.",
    text: "A server that receives the id of a session that it ended MUST answer 404; a client that \
           hears that MUST begin a new session.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; observed: clients that stay \
             broken after 400 or 200 (claude-code issue 27425)",
    provenance: Provenance::Spec,
    what_to_do: "Answer 404 to every request whose Mcp-Session-Id is not of an open session, before \
                 anything else is looked at. Clients begin anew upon nothing else.",
};
pub(super) const UNKNOWN_SERVED: Rule = Rule {
    id: "unknown-session-served",
    severity: Severity::Medium,
    title: "A request with a session id that was never issued was served.",
    text: "The id of a session is issued by the server; any other is of no session.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; basic/security_best_practices, \
             \"Session Hijacking\"",
    provenance: Provenance::Modelled,
    what_to_do: "If the server keeps nothing for a session, issue no ids; else refuse ids that you \
                 did not issue with 404.",
};
pub(super) const ENDED_SERVED: Rule = Rule {
    id: "ended-session-served",
    severity: Severity::Medium,
    title: "A session went on after its DELETE was accepted.",
    text: "DELETE with the session's id ends the session; what follows in it is answered 404.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; observed: python-sdk issue 3300",
    provenance: Provenance::Spec,
    what_to_do: "Forget the session, and all that is kept for it, when DELETE comes; or answer DELETE \
                 with 405.",
};
pub(super) const DELETE_FAILS: Rule = Rule {
    id: "delete-fails",
    severity: Severity::Medium,
    title: "DELETE of an open session failed.",
    text: "A server takes DELETE, or answers 405 where clients may not end sessions.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"",
    provenance: Provenance::Spec,
    what_to_do: "Answer 2xx to DELETE with an open session's id, or 405.",
};
pub(super) const EXPIRED_SERVED: Rule = Rule {
    id: "idle-session-served",
    severity: Severity::Low,
    title: "A session was still there past the time that it is said to be kept.",
    text: "load.sessions.idle says how long an unused session is kept.",
    source: "the scenario; observed: python-sdk issue 2455, 224 sessions opened and none removed in \
             18 hours",
    provenance: Provenance::Modelled,
    what_to_do: "See that idle sessions are looked for and ended, and how often: until then each costs \
                 memory.",
};
pub(super) const FOREIGN_SERVED: Rule = Rule {
    id: "foreign-session-served",
    severity: Severity::Critical,
    title: "A user was served in another user's session.",
    text: "Servers SHOULD bind session ids to the user; an id alone MUST NOT authenticate anybody.",
    source: "MCP 2025-11-25, basic/security_best_practices, \"Session Hijacking\"; observed: \
             CVE-2026-25536",
    provenance: Provenance::Spec,
    what_to_do: "Keep the token's subject with the session and answer 404 to everybody else.",
};
/// Fewer refusals show nothing.
const LEAST: u64 = 3;

/// What was seen.
#[derive(Debug)]
pub(super) struct Sessions {
    has_idle: bool,
    has_users: bool,
    /// The target issues no ids.
    has_none: bool,
    live: (u64, u64),
    unknown: Seen,
    deleted: Seen,
    expired: Seen,
    foreign: Seen,
    deletes: Vec<Tail>,
    survivors: Option<Restart>,
    leak: Leak,
}

/// Requests of one kind that were to be refused.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) served: u64,
    /// With 404.
    pub(super) refused: u64,
    pub(super) otherwise: Vec<Tail>,
    /// Nothing came that says anything.
    pub(super) void: u64,
}

impl Seen {
    pub(super) fn add(&mut self, tried: &Tried) {
        match tried.outcome.class() {
            Class::Ok | Class::ToolError => self.served += 1,
            _ if tried.status == Some(404) => self.refused += 1,
            Class::Connect | Class::Throttled | Class::NeverSent | Class::Unfinished => {
                self.void += 1;
            }
            _ => self.otherwise.push((tried.outcome, tried.status)),
        }
    }

    /// Those that said something.
    fn count(&self) -> u64 {
        self.served + self.refused + self.otherwise.len() as u64
    }
}

impl Sessions {
    pub(super) fn new(knobs: &SessionTrials) -> Self {
        let SessionTrials { idle, has_users, .. } = *knobs;
        Self {
            has_idle: idle.is_some(),
            has_users,
            has_none: false,
            live: (0, 0),
            unknown: Seen::default(),
            deleted: Seen::default(),
            expired: Seen::default(),
            foreign: Seen::default(),
            deletes: Vec::new(),
            survivors: (knobs.survivors > 0).then(Restart::default),
            leak: Leak::default(),
        }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Session(trial) = tried.what else { return };
        match trial {
            Trial::Live => {
                self.live.0 += 1;
                self.live.1 += u64::from(tried.is_served());
            }
            Trial::Nameless => self.has_none = true,
            Trial::Unknown => self.unknown.add(tried),
            Trial::Delete if tried.is_void() => {}
            Trial::Delete => self.deletes.push((tried.outcome, tried.status)),
            Trial::Deleted => self.deleted.add(tried),
            Trial::Foreign => self.foreign.add(tried),
            Trial::Expired => self.expired.add(tried),
            Trial::Survivor | Trial::Reopened => {
                if let Some(restart) = &mut self.survivors {
                    restart.add(trial, tried);
                }
            }
            Trial::Opened(_) | Trial::OpenedAndEnded => self.leak.add(trial, tried),
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        let (made, served) = self.live;
        if self.has_none {
            return Said::moot("the target issues no session ids");
        }
        if served == 0 {
            return Said::too_little(format!("none of {made} calls in open sessions was served"));
        }
        match invariant {
            Invariant::ForeignSessions => self.foreign(),
            Invariant::EndedSessions => self.ends(),
            Invariant::SessionLeak => self.leak.said(),
            Invariant::RestartSurvival => match &self.survivors {
                Some(restart) => restart.said(),
                None => {
                    Said::moot("load.sessions.survivors is 0: no session was open over a restart")
                }
            },
            _ => self.stale(),
        }
    }

    fn stale(&self) -> Said {
        let kinds =
            [("never issued", &self.unknown), ("ended", &self.deleted), ("idle", &self.expired)];
        let seen = kinds.iter().filter(|(_, seen)| seen.count() > 0);
        let told: Vec<_> = seen.map(|(kind, seen)| told(kind, seen)).collect();
        let asked = self.unknown.count();
        if asked < LEAST {
            let value = format!("{asked} requests with an id that was never issued were answered");
            return Said::too_little(format!("{value}; {LEAST} are needed"));
        }
        if self.has_idle && self.expired.count() == 0 {
            return Said::too_little("no request in a session that was idle was answered");
        }
        let otherwise: Vec<Tail> =
            kinds.iter().flat_map(|(_, seen)| seen.otherwise.iter().copied()).collect();
        let told = told.join("; ");
        let mut said = match otherwise.len() as u64 {
            0 => Said::held(told),
            count => Said::broken(&OTHERWISE, count, told),
        };
        let served = |count: u64| format!("{count} requests were served");
        for (rule, count) in
            [(&UNKNOWN_SERVED, self.unknown.served), (&EXPIRED_SERVED, self.expired.served)]
        {
            if count > 0 {
                said = said.and_broken(rule, count, served(count));
            }
        }
        said
    }

    fn foreign(&self) -> Said {
        if !self.has_users {
            return Said::moot(
                "nothing tells users apart here: [auth] gives them nothing of their own, or the \
                 target asks for nothing",
            );
        }
        let Seen { served, refused, otherwise, .. } = &self.foreign;
        let refused = refused + otherwise.len() as u64;
        match (*served, refused) {
            (0, refused @ 0..LEAST) => {
                let value = format!("{refused} requests in another user's session were answered");
                Said::too_little(format!("{value}; {LEAST} are needed"))
            }
            (0, refused) => {
                Said::held(format!("{refused} requests in another user's session were refused"))
            }
            (served, _) => {
                let value = format!("{served} requests in another user's session were served");
                Said::broken(&FOREIGN_SERVED, served, value)
            }
        }
    }

    fn ends(&self) -> Said {
        let taken = self.deletes.iter().filter(|(outcome, _)| *outcome == Outcome::Ok).count();
        let refuses = |(_, status): &&Tail| *status == Some(405);
        if self.deletes.is_empty() {
            return Said::too_little("no session could be opened to be ended");
        }
        if self.deletes.iter().filter(refuses).count() == self.deletes.len() {
            return Said::moot("clients cannot end sessions here: DELETE is answered 405");
        }
        let failed: Vec<Tail> =
            self.deletes.iter().filter(|(outcome, _)| *outcome != Outcome::Ok).copied().collect();
        let value = format!("{taken} of {} DELETEs were taken", self.deletes.len());
        let mut said = match (self.deleted.served, self.deleted.count()) {
            (0, 0) => Said::too_little(format!("{value}, and nothing was answered after them")),
            (0, after) => Said::held(format!("{value}, and {after} requests after them refused")),
            (served, _) => {
                let value = format!("{value}, and {served} requests after them served");
                Said::broken(&ENDED_SERVED, served, value)
            }
        };
        if !failed.is_empty() {
            said = said.and_broken(&DELETE_FAILS, failed.len() as u64, shown(&failed));
        }
        said
    }
}

fn told(kind: &str, seen: &Seen) -> String {
    let Seen { served, refused, otherwise, void } = seen;
    let mut parts = vec![format!("{refused} with 404")];
    if !otherwise.is_empty() {
        parts.push(format!("{} with {}", otherwise.len(), shown(otherwise)));
    }
    if *served > 0 {
        parts.push(format!("{served} not at all"));
    }
    if *void > 0 {
        parts.push(format!("{void} say nothing"));
    }
    format!("sessions {kind} are refused {}", parts.join(", "))
}
