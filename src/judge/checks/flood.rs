//! Registrations of many clients by one address.

use std::borrow::Cow;

use super::rules::{BREAKS, NO_RETRY_AFTER, UNLIMITED};
use super::{Said, Told, told};
use crate::model::event::Exchange;
use crate::model::finding::Finding;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::report::Trials;
use crate::model::summary::evidence::FirstFew;

/// What registrations were answered.
#[derive(Debug, Default)]
pub(super) struct Flood {
    sent: u64,
    accepted: u64,
    /// Told to wait, and for how long.
    throttled: u64,
    /// Told to wait, and not for how long.
    unsaid: FirstFew<Told>,
    /// Refused in another way.
    refused: u64,
    /// A failure of the server, or no answer.
    failed: FirstFew<Told>,
    /// Registered before the load, from the same address.
    before: u64,
}

impl Flood {
    /// So many more were registered by this address before.
    pub(super) fn registered_before(&mut self, count: u64) {
        self.before = count;
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let Exchange { user, operation, outcome, status, end, .. } = *exchange;
        let is_over = matches!(outcome, Outcome::Unfinished | Outcome::Cancelled);
        if operation != Operation::OauthRegistration || exchange.sent.is_none() || is_over {
            return;
        }
        self.sent += 1;
        match (outcome, status) {
            (Outcome::Throttled(throttle), _) if throttle.retry_after.is_some() => {
                self.throttled += 1;
            }
            (Outcome::Throttled(_), status) => {
                let status = status.unwrap_or_default();
                self.unsaid.add((end, user, format!("got {status} without Retry-After")));
            }
            (Outcome::Ok, _) => self.accepted += 1,
            (_, Some(status @ 500..)) => self.failed.add((end, user, format!("got {status}"))),
            (_, Some(_)) => self.refused += 1,
            (_, None) => self.failed.add((end, user, "got no answer".to_owned())),
        }
    }

    /// What stands for the calls of a load that makes none.
    pub(super) const fn trials(&self) -> Trials {
        Trials { unit: Cow::Borrowed("registration"), count: self.sent, good: self.accepted }
    }

    /// Holds those that were accepted to the most there may be.
    pub(super) fn said(&self, most: u32) -> Said {
        let registered = self.accepted + self.before;
        let is_over = registered > u64::from(most);
        let throttled = self.throttled + self.unsaid.count;
        // Refused for another reason, all would be.
        let is_tried = throttled > 0 || self.refused > 0 && registered > 0;
        let held = is_over.then_some(false).or(is_tried.then_some(true));
        let before = match self.before {
            0 => String::new(),
            count => format!(", {count} before the load"),
        };
        let value = format!(
            "{} of {} registered{before}, {throttled} told to wait ({} with Retry-After), {} \
             refused, {} failed",
            self.accepted, self.sent, self.throttled, self.refused, self.failed.count
        );
        let over = registered.saturating_sub(u64::from(most));
        let finding = || UNLIMITED.finding(over, std::iter::once(value.clone()));
        let findings = if is_over { vec![finding()] } else { Vec::new() };
        Said { held, value, findings }
    }

    /// What is wrong whatever was declared.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let all = [(&BREAKS, &self.failed), (&NO_RETRY_AFTER, &self.unsaid)];
        let all = all.into_iter().filter(|(_, seen)| seen.count > 0);
        all.map(|(rule, seen)| rule.finding(seen.count, seen.first.iter().map(told))).collect()
    }
}
