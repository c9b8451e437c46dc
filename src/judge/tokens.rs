//! What becomes of users when their tokens end: who needed a new login, how long nobody served
//! them, what that cost the servers, and how races for a refresh token went.
//!
//! Memory is bounded by users, never by calls: five bits for each of the first 16 million users, and
//! an entry for each of at most 100,000 that wait at one time.

mod races;
pub(super) mod rules;
mod said;
mod users;

use std::collections::BTreeMap;
use std::time::Duration;

use self::races::Races;
use self::users::Users;
use crate::model::event::{Call, Event, Exchange, GrantChange, GrantEvent};
use crate::model::operation::Operation;
use crate::model::outcome::{Class, Outcome};
use crate::model::plan::tokens::TokenLimits;
use crate::model::summary::evidence::FirstFew;

/// Users that wait to be served again, at most: no more are followed.
const MOST_WAITING: usize = 100_000;

/// What it saw, and of whom: when, which user, and what.
type Told = (Duration, u32, &'static str);

/// Holds a run against what must hold of its tokens.
#[derive(Debug)]
pub struct Tokens {
    limits: TokenLimits,
    /// Users that called.
    users: Users,
    /// Users that needed a new login.
    lost: Users,
    /// Users on their way to a wider scope: their next consent is none that was lost.
    widening: Users,
    /// Users whose tokens were refused for want of scope: a 403 to them is no end of a token.
    narrow: Users,
    /// Users with a new token that no call was answered with yet.
    renewed: Users,
    logins_lost: FirstFew<Told>,
    early: FirstFew<Told>,
    waiting: BTreeMap<u32, Wait>,
    /// Users that were not followed, because too many waited.
    unfollowed: u64,
    /// Times that a user was served again.
    recoveries: u64,
    /// Who waited longest: for how long, which user, since when.
    longest: Option<(Duration, u32, Duration)>,
    traffic: Traffic,
    races: Races,
}

/// A user that was refused, and not served since.
#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Duration,
    /// When the last call ended that was not answered well; a user without one has left.
    failed: Option<Duration>,
}

/// What was sent, and what it brought.
#[derive(Debug, Default)]
struct Traffic {
    /// Requests at the token endpoint.
    asked: u64,
    /// Those of further processes that share a grant, by the scenario's own wish.
    raced: u64,
    /// Tokens that came of them.
    brought: u64,
    /// Refreshes among these.
    refreshed: u64,
    /// Those that replaced the refresh token.
    rotated: u64,
    /// Requests at the MCP endpoint.
    requests: u64,
    /// Those that were answered 401. A 403 leads to no other token, or to one of more scope.
    refused: u64,
    /// Users' first logins, each of which begins with a 401.
    logins: u64,
    /// Clients that the authorization server no longer knew.
    forgotten: u64,
    /// Tokens whose end was noticed.
    ended: u64,
}

impl Tokens {
    /// Nothing seen yet.
    pub fn new(limits: TokenLimits) -> Self {
        Self {
            limits,
            users: Users::default(),
            lost: Users::default(),
            widening: Users::default(),
            narrow: Users::default(),
            renewed: Users::default(),
            logins_lost: FirstFew::default(),
            early: FirstFew::default(),
            waiting: BTreeMap::new(),
            unfollowed: 0,
            recoveries: 0,
            longest: None,
            traffic: Traffic::default(),
            races: Races::new(limits.grace),
        }
    }

    /// Takes one event. Those of one user come in their order.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Call(call) => self.call(call),
            Event::Exchange(exchange) => self.traffic.exchange(exchange),
            Event::Grant(grant) => self.grant(grant),
            Event::Race(race) => {
                self.traffic.raced += 1;
                self.races.add(race);
            }
            _ => {}
        }
    }

    fn grant(&mut self, grant: &GrantEvent) {
        let GrantEvent { user, at, change } = *grant;
        match change {
            GrantChange::Authorised { again } => {
                self.traffic.brought += 1;
                self.traffic.logins += u64::from(!again);
                let is_wider = self.widening.remove(user);
                if again {
                    self.renewed.insert(user);
                }
                if again && !is_wider {
                    self.lose(user, at, "had to log in again");
                }
            }
            GrantChange::Refreshed { rotated } => {
                self.traffic.brought += 1;
                self.traffic.refreshed += 1;
                self.renewed.insert(user);
                self.traffic.rotated += u64::from(rotated);
            }
            GrantChange::Lost => {
                self.lose(user, at, "was told that its grant is no longer good");
                self.wait(user, at);
            }
            GrantChange::LockedOut { again } => {
                // Who never had a grant has lost none.
                if again {
                    self.lose(user, at, "came to no tokens any more");
                }
                self.wait(user, at);
            }
            GrantChange::ClientForgotten => {
                self.traffic.forgotten += 1;
                self.wait(user, at);
            }
            GrantChange::Expired => {
                self.traffic.ended += 1;
                self.wait(user, at);
            }
            GrantChange::RefusedEarly => {
                self.early.add((at, user, "was refused a token whose time was not over"));
                self.traffic.ended += 1;
                self.wait(user, at);
            }
            GrantChange::ScopeRefused { widens } => {
                self.narrow.insert(user);
                if widens {
                    self.widening.insert(user);
                }
            }
            GrantChange::Registered => {}
        }
    }

    fn lose(&mut self, user: u32, at: Duration, how: &'static str) {
        if self.lost.insert(user) {
            self.logins_lost.add((at, user, how));
        }
    }

    fn wait(&mut self, user: u32, since: Duration) {
        if self.waiting.len() < MOST_WAITING || self.waiting.contains_key(&user) {
            self.waiting.entry(user).or_insert(Wait { since, failed: None });
        } else {
            self.unfollowed += 1;
        }
    }

    fn call(&mut self, call: &Call) {
        let Call { user, instants, outcome, .. } = *call;
        self.users.insert(user);
        match outcome.class() {
            Class::Ok => self.served(call),
            // The end of the load, or the person, cut it: it says nothing.
            Class::Unfinished | Class::Cancelled => {}
            _ => {
                let wants_scope =
                    outcome == Outcome::Unauthorised(403) && self.narrow.contains(user);
                if matches!(outcome, Outcome::Unauthorised(_)) && !wants_scope {
                    self.wait(user, instants.started);
                }
                if let Some(wait) = self.waiting.get_mut(&user) {
                    wait.failed = wait.failed.max(Some(instants.done));
                }
            }
        }
    }

    /// A good answer ends the wait, if it is one to a request sent since, or with a new token. The
    /// first one with a new token may have waited for it alone, without a refusal.
    fn served(&mut self, call: &Call) {
        let Call { user, instants, .. } = *call;
        let is_first = call.first_with_token && self.renewed.remove(user);
        let since = match self.waiting.get(&user) {
            Some(wait) => wait.since,
            None if is_first => instants.started,
            None => return,
        };
        let is_later = instants.sent.is_some_and(|sent| sent >= since);
        if instants.done < since || !(is_later || is_first) {
            return;
        }
        let waited = instants.done.saturating_sub(since);
        self.longest = self.longest.max(Some((waited, user, since)));
        self.recoveries += 1;
        self.waiting.remove(&user);
    }
}

impl Traffic {
    fn exchange(&mut self, exchange: &Exchange) {
        if exchange.sent.is_none() {
            return;
        }
        match exchange.operation {
            Operation::OauthToken | Operation::OauthRefresh => self.asked += 1,
            Operation::OauthDiscovery
            | Operation::OauthRegistration
            | Operation::OauthAuthorize => {}
            _ => {
                self.requests += 1;
                self.refused += u64::from(exchange.status == Some(401));
            }
        }
    }

    /// How often a token ended or was renewed: without one a run says nothing of that.
    const fn turns(&self) -> u64 {
        self.refreshed + self.ended + self.forgotten
    }
}

#[cfg(test)]
mod tests;
