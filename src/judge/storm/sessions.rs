//! A session that the server issued stays until somebody ends it.

use super::{Told, shown};
use crate::judge::rule::Rule;
use crate::model::event::{SessionChange, SessionEvent};
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::summary::evidence::FirstFew;

pub(super) const VANISHED: Rule = Rule {
    id: "sessions-vanished",
    severity: Severity::Medium,
    title: "Sessions were forgotten while their clients used them.",
    text: "A server may end a session; clients then have to begin anew, and what was under way is \
           lost.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"; observed: sessions in the \
             memory of one replica (fastmcp issues 482 and 1003, ruby-sdk issue 297)",
    provenance: Provenance::Observed,
    what_to_do: "Keep sessions where every replica finds them, or do without: Claude's hosted clients \
                 come from changing addresses, so that affinity by address does not hold.",
};

/// Sessions that went away by themselves.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    opened: u64,
    /// Of these, with an id.
    named: u64,
    lost: FirstFew<Told>,
}

impl Sessions {
    pub(super) fn session(&mut self, session: &SessionEvent) {
        match session.change {
            SessionChange::Opened { with_id } => {
                self.opened += 1;
                self.named += u64::from(with_id);
            }
            SessionChange::Lost => {
                self.lost.add((session.at, session.user, "its session was gone".to_owned()));
            }
            SessionChange::Closed | SessionChange::Abandoned => {}
        }
    }

    /// How many sessions with an id there were, and how many were gone.
    pub(super) fn counted(&self) -> (u64, u64) {
        (self.named, self.lost.count)
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        let lost = &self.lost;
        let evidence = lost.first.iter().map(shown);
        let all = format!("{} of {} sessions", lost.count, self.opened);
        (lost.count > 0).then(|| VANISHED.finding(lost.count, std::iter::once(all).chain(evidence)))
    }
}
