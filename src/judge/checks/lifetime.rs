//! How long access tokens are said to last, and whether they do.

use std::time::Duration;

use super::answer::Answer;
use super::refusals::{offset, past};
use super::rules::{ENDS_EARLY, NO_LIFETIME, OTHER_LIFETIME};
use super::{Said, Told, told};
use crate::model::event::{Issued, Presented, Whose};
use crate::model::figure;
use crate::model::summary::evidence::FirstFew;

/// Servers take it from an end in whole seconds.
const WHOLE: Duration = Duration::from_secs(1);

/// Lifetimes against the declared one.
#[derive(Debug)]
pub(super) struct Lifetimes {
    declared: Duration,
    skew: Duration,
    issued: u64,
    other: FirstFew<Told>,
    without: FirstFew<Told>,
    early: FirstFew<Told>,
}

impl Lifetimes {
    pub(super) fn new(declared: Duration, skew: Duration) -> Self {
        let (other, without, early) =
            (FirstFew::default(), FirstFew::default(), FirstFew::default());
        Self { declared, skew, issued: 0, other, without, early }
    }

    pub(super) fn issued(&mut self, issued: &Issued) {
        let Issued { user, at, lifetime } = *issued;
        self.issued += 1;
        match lifetime {
            None => self.without.add((at, user, "was issued a token without expires_in".into())),
            Some(lifetime) if lifetime.abs_diff(self.declared) > WHOLE => {
                let lifetime = figure::duration(lifetime);
                self.other.add((at, user, format!("was issued a token for {lifetime}")));
            }
            Some(_) => {}
        }
    }

    pub(super) fn presented(&mut self, presented: &Presented, answer: Answer) {
        let Presented { user, sent, token, .. } = *presented;
        if let (Whose::Own { ends: Some(ends) }, Answer::Refused(_)) = (token, answer)
            && sent + self.skew < ends
        {
            let when = past(offset(sent, ends));
            self.early.add((sent, user, format!("was refused a token {when}")));
        }
    }

    pub(super) fn said(&self) -> Said {
        let (other, without) = (self.other.count, self.without.count);
        let as_said = self.issued.saturating_sub(other + without);
        let value = format!(
            "{as_said} of {} tokens said to last so long, {other} another time, {without} without \
             expires_in; {} refused before their end",
            self.issued, self.early.count
        );
        let rules = [
            (&OTHER_LIFETIME, &self.other),
            (&NO_LIFETIME, &self.without),
            (&ENDS_EARLY, &self.early),
        ];
        let broken = rules.into_iter().filter(|(_, seen)| seen.count > 0);
        let findings: Vec<_> = broken
            .map(|(rule, seen)| rule.finding(seen.count, seen.first.iter().map(told)))
            .collect();
        let held = match (findings.is_empty(), self.issued) {
            (false, _) => Some(false),
            (true, 0) => None,
            (true, _) => Some(true),
        };
        Said { held, value, findings }
    }
}
