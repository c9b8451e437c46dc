//! A session that the server issued stays until somebody ends it, and ends when its client says so.

use super::{Told, shown};
use crate::judge::rule::Rule;
use crate::model::event::{Exchange, SessionChange, SessionEvent};
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
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

pub(super) const DELETES: Rule = Rule {
    id: "deletes-refused",
    severity: Severity::Low,
    title: "Clients could not end their sessions.",
    text: "A client that no longer needs a session SHOULD send DELETE; a server that does not let \
           clients end sessions answers 405.",
    source: "MCP 2025-11-25, basic/transports, \"Session Management\"",
    provenance: Provenance::Spec,
    what_to_do: "Answer DELETE with 200 or 204 and forget the session, or with 405; what is not ended \
                 by its client has to be ended by time.",
};

/// Fewer of them show nothing; and so many of all that were sent.
const LEAST: u64 = 5;
const MOST: f64 = 0.9;

/// Sessions that went away by themselves.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    opened: u64,
    /// Of these, with an id.
    named: u64,
    lost: FirstFew<Told>,
    /// How many were to be ended, and how many times that was neither done nor declined.
    ended: u64,
    refused: FirstFew<Told>,
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

    /// Takes an answer to a DELETE.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (Operation::Delete, Some(sent)) = (exchange.operation, exchange.sent) else { return };
        let said = match (exchange.outcome, exchange.status) {
            // Whose session it was is another's question, and so is a limit.
            (_, Some(401 | 404 | 429 | 503)) | (Outcome::Unfinished, _) => return,
            (Outcome::Timeout, _) => Some("DELETE was not answered".to_owned()),
            (_, Some(status @ (400 | 403 | 500..=599))) if status != 501 => {
                Some(format!("DELETE was answered {status}"))
            }
            (_, Some(_)) => None,
            _ => return,
        };
        self.ended += 1;
        if let Some(said) = said {
            self.refused.add((sent, exchange.user, said));
        }
    }

    /// How many sessions with an id there were, and how many were gone.
    pub(super) fn counted(&self) -> (u64, u64) {
        (self.named, self.lost.count)
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        let Self { lost, refused, opened, ended, .. } = self;
        let are_refused = refused.count >= LEAST && refused.count as f64 >= MOST * *ended as f64;
        let of = |rule: &Rule, seen: &FirstFew<Told>, all: String| {
            rule.finding(seen.count, std::iter::once(all).chain(seen.first.iter().map(shown)))
        };
        let vanished = (lost.count > 0)
            .then(|| of(&VANISHED, lost, format!("{} of {opened} sessions", lost.count)));
        let refused = are_refused
            .then(|| of(&DELETES, refused, format!("{} of {ended} sessions", refused.count)));
        vanished.into_iter().chain(refused)
    }
}
