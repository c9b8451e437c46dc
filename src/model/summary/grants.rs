//! What authorization servers gave users, and what became of it.

use super::calls::Tally;
use super::evidence::{FirstFew, Seen};
use super::races::Races;
use crate::model::event::{Call, GrantChange, Race, Refused};
use crate::model::histogram::Histogram;

/// Grants: how many there were, how they were renewed, how they were lost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grants {
    /// Clients registered.
    pub registered: u64,
    /// Consents that brought tokens.
    pub authorised: u64,
    /// Those of users that had consented before.
    pub authorised_again: u64,
    /// Refreshes that brought tokens.
    pub refreshed: u64,
    /// Those that brought a refresh token, too.
    pub rotated: u64,
    /// Grants that the authorization server no longer knew.
    pub lost: u64,
    /// Clients that it no longer knew.
    pub clients_forgotten: u64,
    /// 401 to tokens whose lifetime was over.
    pub expired: u64,
    /// 401 to tokens that by their lifetime still held.
    pub refused_early: u64,
    /// 403 that asked for more scope.
    pub scope_refused: u64,
    /// Times a user came to no tokens.
    pub locked_out: u64,
    /// Why.
    pub refusals: FirstFew<Seen>,
    /// Refresh tokens that were presented twice.
    pub races: Races,
    /// What users felt of the first call with each access token.
    pub first_call: Histogram,
    /// How those calls ended.
    pub first_calls: Tally,
}

impl Grants {
    pub(super) fn race(&mut self, race: &Race) {
        self.races.add(race);
    }

    pub(super) fn add(&mut self, change: GrantChange) {
        match change {
            GrantChange::Registered => self.registered += 1,
            GrantChange::Authorised { again } => {
                self.authorised += 1;
                self.authorised_again += u64::from(again);
            }
            GrantChange::Refreshed { rotated } => {
                self.refreshed += 1;
                self.rotated += u64::from(rotated);
            }
            GrantChange::Lost => self.lost += 1,
            GrantChange::ClientForgotten => self.clients_forgotten += 1,
            GrantChange::Expired => self.expired += 1,
            GrantChange::RefusedEarly => self.refused_early += 1,
            GrantChange::ScopeRefused { .. } => self.scope_refused += 1,
            GrantChange::LockedOut { .. } => self.locked_out += 1,
        }
    }

    pub(super) fn add_call(&mut self, call: &Call) {
        if call.first_with_token {
            self.first_call.record(call.instants.response());
            self.first_calls.add(call.outcome.class(), call.instants.sent.is_some());
        }
    }

    pub(super) fn refuse(&mut self, refused: &Refused) {
        self.refusals.add(Seen {
            at: refused.at,
            user: Some(refused.user),
            operation: refused.operation,
            evidence: refused.said.clone(),
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for ((_, mine), (_, theirs)) in self.slots().into_iter().zip(other.counts()) {
            *mine += theirs;
        }
        self.refusals.merge(&other.refusals);
        self.races.merge(&other.races);
        self.first_call.merge(&other.first_call);
        self.first_calls.merge(&other.first_calls);
    }

    /// Every count by its name in `run.json`.
    pub fn counts(&self) -> [(&'static str, u64); 11] {
        self.clone().slots().map(|(name, count)| (name, *count))
    }

    fn slots(&mut self) -> [(&'static str, &mut u64); 11] {
        [
            ("registered", &mut self.registered),
            ("authorised", &mut self.authorised),
            ("authorised_again", &mut self.authorised_again),
            ("refreshed", &mut self.refreshed),
            ("rotated", &mut self.rotated),
            ("lost", &mut self.lost),
            ("clients_forgotten", &mut self.clients_forgotten),
            ("expired", &mut self.expired),
            ("refused_early", &mut self.refused_early),
            ("scope_refused", &mut self.scope_refused),
            ("locked_out", &mut self.locked_out),
        ]
    }
}
