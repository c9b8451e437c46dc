//! What a restart does to those who have a session: the part of `check-sessions` about it.

use std::time::Duration;

use super::sessions::Seen;
use super::tail::shown;
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::figure;
use crate::model::finding::{Provenance, Severity};
use crate::model::trial::Tried;
use crate::model::trial::sessions::Trial;

pub(super) const STRANDS: Rule = Rule {
    id: "restart-strands-clients",
    severity: Severity::High,
    title: "After a restart old sessions are answered with neither their answers nor 404.",
    text: "A request with the id of a session that the server no longer has is answered 404; clients \
           begin anew upon nothing else.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; observed: clients that stay \
             broken after a deployment (claude-code issue 27425)",
    provenance: Provenance::Spec,
    what_to_do: "Answer 404 to ids that are not known, from the first request after a start on; or keep \
                 sessions where a restart does not end them.",
};
pub(super) const LOST: Rule = Rule {
    id: "restart-not-survived",
    severity: Severity::High,
    title: "Clients that began anew after a restart were not served in time.",
    text: "Who is told that a session is gone begins a new one, and is served in it.",
    source: "load.sessions.patience of the scenario",
    provenance: Provenance::Modelled,
    what_to_do: "Look at what a start takes, and at what happens when everybody begins anew at once.",
};

/// Those who had a session before.
#[derive(Debug, Default)]
pub(super) struct Restart {
    old: Seen,
    /// How long it took each that began anew.
    anew: Vec<Duration>,
    never: u64,
    /// Those that a rate limit or the like did not let in.
    kept_out: u64,
}

impl Restart {
    pub(super) fn add(&mut self, trial: Trial, tried: &Tried) {
        match trial {
            Trial::Reopened if tried.is_served() => self.anew.push(tried.took()),
            Trial::Reopened if tried.is_void() => self.kept_out += 1,
            Trial::Reopened => self.never += 1,
            _ => self.old.add(tried),
        }
    }

    pub(super) fn said(&self) -> Said {
        let Seen { served, refused, otherwise, void } = &self.old;
        let had = served + refused + void + otherwise.len() as u64;
        if had == 0 {
            return Said::too_little("no session was open over a restart");
        }
        let anew = self.anew.iter().max().map(|longest| {
            let longest = figure::duration(*longest);
            format!("; {} clients were served anew within {longest}", self.anew.len())
        });
        let anew = anew.unwrap_or_default();
        let value = format!("{had} sessions: {served} went on, {refused} were told 404{anew}");
        let mut said = Said::held(value);
        if !otherwise.is_empty() {
            let count = otherwise.len() as u64;
            let value = format!("{count} were answered {}", shown(otherwise));
            said = said.and_broken(&STRANDS, count, value);
        }
        let never = self.never.max(*void);
        if never > 0 {
            let value = format!("{never} clients were not served again");
            said = said.and_broken(&LOST, never, value);
        }
        if self.kept_out > 0 {
            let value = format!("{} clients were kept out by a limit", self.kept_out);
            said = said.and(Said::too_little(value));
        }
        said
    }
}
