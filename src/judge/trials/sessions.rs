//! `check-sessions`: what a target answers in sessions that are over or another's, and what many
//! sessions cost it.

use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::{self, Trend};
use crate::model::behaviour::SessionTrials;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::{Class, Outcome};
use crate::model::plan::invariant::Invariant;
use crate::model::trial::sessions::Trial;
use crate::model::trial::{Tried, What};

/// So many times what they took at first, handshakes take at last, before it is a leak.
const GROWTH: f64 = 1.5;
/// Less than this is nobody's trouble, in seconds.
const FELT: f64 = 0.002;

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
pub(super) const LEAK: Rule = Rule {
    id: "session-leak",
    severity: Severity::High,
    title: "Every session that is not ended makes the next handshake slower.",
    text: "Hosted clients open a session for nearly every call and end none: what it costs must not \
           grow with their number.",
    source: "observed: python-sdk issues 1283 and 2455, fastmcp pull request 3443, openai/codex issue \
             41600; Mann-Kendall, p < 0.001 in the series and in either half, growth by half or more",
    provenance: Provenance::Observed,
    what_to_do: "Look for lists that are walked at each handshake and for what is kept per session; \
                 end idle sessions after minutes, or go without sessions.",
};
pub(super) const EXHAUSTED: Rule = Rule {
    id: "sessions-exhausted",
    severity: Severity::High,
    title: "After so many sessions handshakes were refused.",
    text: "Hosted clients end no session: a bound on open ones is reached by anybody who goes on long \
           enough.",
    source: "observed: bookstack-mcp issue 155, Decenza issue 1494",
    provenance: Provenance::Observed,
    what_to_do: "End the session that was idle longest when there are too many, instead of refusing \
                 the newest, and raise the bound above a day's handshakes.",
};

/// What was seen.
#[derive(Debug)]
pub(super) struct Sessions {
    has_idle: bool,
    has_users: bool,
    live: (u64, u64),
    unknown: Seen,
    deleted: Seen,
    expired: Seen,
    foreign: Seen,
    deletes: Vec<Tail>,
    kept: Series,
    ended: Series,
}

type Tail = (Outcome, Option<u16>);

/// Requests of one kind that were to be refused.
#[derive(Debug, Default)]
struct Seen {
    served: u64,
    /// With 404.
    refused: u64,
    otherwise: Vec<Tail>,
    /// Nothing came that says anything.
    void: u64,
}

/// Handshakes one after another.
#[derive(Debug, Default)]
struct Series {
    seconds: Vec<f64>,
    /// After how many the first one was refused, and how, and how many were.
    refused: Option<(u64, Tail, u64)>,
}

impl Seen {
    fn add(&mut self, tried: &Tried) {
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

impl Series {
    fn add(&mut self, tried: &Tried) {
        if tried.is_served() {
            return self.seconds.push(tried.took().as_secs_f64());
        }
        let opened = self.seconds.len() as u64;
        let (_, _, count) = self.refused.get_or_insert((opened, (tried.outcome, tried.status), 0));
        *count += 1;
    }

    fn trend(&self) -> Option<Trend> {
        Trend::of(&self.seconds)
    }

    fn leaks(&self) -> bool {
        self.trend().is_some_and(|trend| trend.rises_to(GROWTH) && trend.rise >= FELT)
    }
}

impl Sessions {
    pub(super) fn new(knobs: &SessionTrials) -> Self {
        let SessionTrials { idle, has_users, .. } = *knobs;
        Self {
            has_idle: idle.is_some(),
            has_users,
            live: (0, 0),
            unknown: Seen::default(),
            deleted: Seen::default(),
            expired: Seen::default(),
            foreign: Seen::default(),
            deletes: Vec::new(),
            kept: Series::default(),
            ended: Series::default(),
        }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Session(trial) = tried.what else { return };
        match trial {
            Trial::Live => {
                self.live.0 += 1;
                self.live.1 += u64::from(tried.is_served());
            }
            Trial::Unknown => self.unknown.add(tried),
            Trial::Delete => self.deletes.push((tried.outcome, tried.status)),
            Trial::Deleted => self.deleted.add(tried),
            Trial::Foreign => self.foreign.add(tried),
            Trial::Expired => self.expired.add(tried),
            Trial::Opened => self.kept.add(tried),
            Trial::OpenedAndEnded => self.ended.add(tried),
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        let (made, served) = self.live;
        if made == 0 {
            return Said::moot("there are no sessions");
        }
        if served == 0 {
            return Said::too_little(format!("none of {made} calls in open sessions was served"));
        }
        match invariant {
            Invariant::ForeignSessions => self.foreign(),
            Invariant::EndedSessions => self.ends(),
            Invariant::SessionLeak => self.leak(),
            _ => self.stale(),
        }
    }

    fn stale(&self) -> Said {
        let kinds =
            [("never issued", &self.unknown), ("ended", &self.deleted), ("idle", &self.expired)];
        let seen = kinds.iter().filter(|(_, seen)| seen.count() > 0);
        let told: Vec<_> = seen.map(|(kind, seen)| told(kind, seen)).collect();
        if self.unknown.count() == 0 {
            return Said::too_little("no request with an id that was never issued was answered");
        }
        if self.has_idle && self.expired.count() == 0 {
            return Said::too_little("no request in a session that was idle was answered");
        }
        let otherwise: Vec<Tail> =
            kinds.iter().flat_map(|(_, seen)| seen.otherwise.iter().copied()).collect();
        let mut said = Said::held(told.join("; "));
        if !otherwise.is_empty() {
            said = said.and_broken(&OTHERWISE, otherwise.len() as u64, shown(&otherwise));
        }
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
                "nothing tells users apart here: [auth] gives them nothing of their own",
            );
        }
        let Seen { served, refused, otherwise, .. } = &self.foreign;
        let refused = refused + otherwise.len() as u64;
        match (*served, refused) {
            (0, 0) => Said::too_little("no request in another user's session was answered"),
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

    fn leak(&self) -> Said {
        let Self { kept, ended, .. } = self;
        let again = |series: &Series| match series.trend() {
            _ if series.refused.is_some() => "refused as well",
            Some(_) if series.leaks() => "slower as well",
            Some(_) => "no slower",
            None => "too few to say",
        };
        if let Some((opened, tail, count)) = &kept.refused {
            let how = shown(&[*tail]);
            let value = format!(
                "after {opened} sessions {count} handshakes were refused ({how}); with DELETE {}",
                again(ended)
            );
            return Said::broken(&EXHAUSTED, *count, value);
        }
        let Some(trend) = kept.trend() else {
            let needed = trend::LEAST * 2;
            let value = format!("{} handshakes; {needed} are needed at least", kept.seconds.len());
            return Said::too_little(value);
        };
        let ms = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
        let quarter = kept.seconds.len() / 4;
        let first = trend::median(&kept.seconds[..quarter]);
        let last = trend::median(&kept.seconds[kept.seconds.len() - quarter..]);
        let value = format!(
            "{} handshakes: {} at first, {} at last; with DELETE {}",
            kept.seconds.len(),
            ms(first),
            ms(last),
            again(ended)
        );
        if kept.leaks() {
            let value = format!("{value} (Mann-Kendall, p {})", p(trend.p));
            return Said::broken(&LEAK, 1, value);
        }
        Said::held(value)
    }
}

fn p(p: f64) -> String {
    if p < 1e-6 { "< 0.000001".to_owned() } else { format!("= {p:.6}") }
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

/// The distinct ends, in words.
fn shown(tails: &[Tail]) -> String {
    let mut words: Vec<String> = tails
        .iter()
        .map(|(outcome, status)| match (outcome, status) {
            (Outcome::Timeout, _) => "no answer".to_owned(),
            (Outcome::RpcError(code), Some(status)) => {
                format!("{status} and JSON-RPC error {code}")
            }
            (_, Some(status)) => status.to_string(),
            (outcome, None) => outcome.class().name().to_owned(),
        })
        .collect();
    words.sort();
    words.dedup();
    words.join(" or ")
}
