//! Active checks of tokens: what a target answered to those that it must refuse, and to a flood of
//! registrations. Memory is bounded by what is counted, never by requests.

mod answer;
mod expired;
mod flood;
mod foreign;
mod lifetime;
mod refusals;
mod rules;

use std::time::Duration;

use self::answer::Answer;
use self::expired::Expired;
use self::flood::Flood;
use self::foreign::Foreign;
use self::lifetime::Lifetimes;
use self::rules::OPEN;
use crate::model::behaviour::{Behaviour, Check};
use crate::model::event::{Event, Presented, Refused};
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::outcome::Class;
use crate::model::plan::checks::{Active, CheckLimits, EXPIRED_TOKEN, FLOOD};
use crate::model::report::{Expectations, Judged};
use crate::model::summary::evidence::FirstFew;

/// The first revision whose 401 names the metadata of the resource.
const WITH_METADATA: &str = "2025-06-18";
/// Fewer requests with a token that is to be refused than these show nothing.
const LEAST: u64 = 3;

/// What it saw, and of whom: when, which user, and what.
type Told = (Duration, u32, String);

/// Holds a run against what it was to find out.
#[derive(Debug)]
pub struct Checks {
    limits: CheckLimits,
    active: Vec<Active>,
    check: Option<Check>,
    lifetimes: Option<Lifetimes>,
    expired: Expired,
    foreign: Foreign,
    flood: Flood,
    untried: FirstFew<Told>,
    /// The target asked nobody for a token, though users could get one.
    is_open: bool,
    served: u64,
}

/// What was seen before the load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Clients registered.
    pub registered: u64,
    /// The target answered without a token, though users could get one.
    pub is_open: bool,
}

/// What one expectation came to.
struct Said {
    /// `None`: too little was seen.
    held: Option<bool>,
    value: String,
    findings: Vec<Finding>,
}

impl Checks {
    /// Nothing seen yet of a load of this behaviour, whose target speaks this revision.
    pub fn new(behaviour: &Behaviour, limits: CheckLimits, revision: &str) -> Self {
        let has_metadata = revision >= WITH_METADATA;
        Self {
            limits,
            active: limits.active(behaviour),
            check: behaviour.check().cloned(),
            lifetimes: limits.lifetime.map(|lifetime| Lifetimes::new(lifetime, limits.skew())),
            expired: Expired::new(limits.skew(), has_metadata),
            foreign: Foreign::new(has_metadata),
            flood: Flood::default(),
            untried: FirstFew::default(),
            is_open: false,
            served: 0,
        }
    }

    /// The same, and this was seen before.
    #[must_use]
    pub fn after(mut self, before: Before) -> Self {
        self.flood.registered_before(before.registered);
        self.is_open = before.is_open;
        self
    }

    /// Takes one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Call(call) => self.served += u64::from(call.outcome.class() == Class::Ok),
            Event::Tried(tried) => self.served += u64::from(tried.is_served()),
            Event::Issued(issued) => {
                self.is_open = false;
                if let Some(lifetimes) = &mut self.lifetimes {
                    lifetimes.issued(issued);
                }
            }
            Event::Presented(presented) => self.presented(presented),
            Event::Exchange(exchange) if self.check == Some(Check::RegistrationFlood) => {
                self.flood.exchange(exchange);
            }
            Event::Untried(untried) => {
                let Refused { at, user, said, .. } = &**untried;
                self.untried.add((*at, *user, said.clone()));
            }
            _ => {}
        }
    }

    fn presented(&mut self, presented: &Presented) {
        let answer = Answer::of(presented);
        if let Some(lifetimes) = &mut self.lifetimes {
            lifetimes.presented(presented, answer);
        }
        match self.check {
            Some(Check::ExpiredToken(_)) => self.expired.add(presented, answer),
            Some(Check::WrongAudience(_)) => self.foreign.add(presented, answer),
            Some(Check::RegistrationFlood | Check::RateLimit(_) | Check::Script(_)) | None => {}
        }
    }

    /// What each expectation came to.
    pub fn end(&self) -> Expectations {
        let mut expectations = Expectations::default();
        let lifetimes = self.lifetimes.as_ref().map(Lifetimes::said);
        for (text, said) in self.limits.lifetime_written().into_iter().zip(lifetimes) {
            said.put(text, &mut expectations);
        }
        for active in &self.active {
            self.said_of(active).put_or_not(active, &mut expectations);
        }
        if self.check == Some(Check::RegistrationFlood) {
            expectations.trials = Some(self.flood.trials());
            expectations.findings.extend(self.flood.findings());
        }
        if self.is_open && self.served > 0 {
            let evidence = format!("{} calls were answered well without a token", self.served);
            expectations.findings.push(OPEN.finding(self.served, std::iter::once(evidence)));
        }
        expectations
    }

    fn said_of(&self, active: &Active) -> Said {
        let said = match active.needs {
            EXPIRED_TOKEN => self.expired.said(),
            FLOOD => self.flood.said(self.limits.registrations.unwrap_or(u32::MAX)),
            _ => self.foreign.said(),
        };
        match self.untried.first.first() {
            Some(why) if said.held != Some(false) => {
                let count = figure::times(self.untried.count);
                let value = format!("{}; could not be tried ({count}): {}", said.value, told(why));
                Said { held: None, value, ..said }
            }
            _ => said,
        }
    }
}

impl Said {
    fn put(self, text: String, expectations: &mut Expectations) {
        let Self { held, mut value, findings } = self;
        let (passed, unproven) = (held == Some(true), held.is_none());
        if unproven {
            value = format!("not enough to say: {value}");
        }
        expectations.findings.extend(findings);
        expectations.judged.push(Judged { text, passed, value, unproven, unchecked: false });
    }

    fn put_or_not(self, active: &Active, expectations: &mut Expectations) {
        let text = active.text.clone();
        if active.is_made {
            return self.put(text, expectations);
        }
        let value = format!("not checked: it needs load.behaviour = \"{}\"", active.needs);
        let (passed, unproven, unchecked) = (false, false, true);
        expectations.judged.push(Judged { text, passed, value, unproven, unchecked });
    }
}

fn told((at, user, what): &Told) -> String {
    format!("at {}, user {user}: {what}", figure::duration(*at))
}

#[cfg(test)]
mod tests;
