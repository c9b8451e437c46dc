//! Answers to tokens that are to be refused, and whether the refusals are what clients act upon.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Answer, Wrong};
use super::rules::{NO_CHALLENGE, NO_METADATA, WRONG_STATUS};
use super::{LEAST, Told, told};
use crate::judge::rule::Rule;
use crate::model::event::{Challenged, Presented};
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::summary::evidence::FirstFew;

/// Statuses that are counted apart.
const MOST_KINDS: usize = 16;

/// What was answered.
#[derive(Debug)]
pub(super) struct Refusals {
    /// The 401 has to name the metadata of the resource.
    has_metadata: bool,
    /// What it is to be accepted with such a token.
    rule: &'static Rule,
    accepted: FirstFew<Told>,
    refused: u64,
    wrong: FirstFew<Told>,
    kinds: BTreeMap<Wrong, u64>,
    no_challenge: FirstFew<Told>,
    no_metadata: FirstFew<Told>,
}

impl Refusals {
    pub(super) fn new(rule: &'static Rule, has_metadata: bool) -> Self {
        Self {
            has_metadata,
            rule,
            accepted: FirstFew::default(),
            refused: 0,
            wrong: FirstFew::default(),
            kinds: BTreeMap::new(),
            no_challenge: FirstFew::default(),
            no_metadata: FirstFew::default(),
        }
    }

    /// Takes an answer to a token that was to be refused; `which` says what was wrong with it.
    pub(super) fn add(&mut self, presented: &Presented, answer: Answer, which: &str) {
        let Presented { user, sent, operation, .. } = *presented;
        let seen = |what: &str| -> Told {
            (sent, user, format!("{} with a token {which} {what}", operation.name()))
        };
        match answer {
            Answer::Accepted => self.accepted.add(seen("was answered")),
            Answer::Refused(challenge) => {
                self.refused += 1;
                match challenge {
                    Challenged::No => {
                        self.no_challenge.add(seen("got 401 without a Bearer challenge"));
                    }
                    Challenged::Bearer if self.has_metadata => {
                        self.no_metadata.add(seen("got 401 without resource_metadata"));
                    }
                    Challenged::Bearer | Challenged::WithMetadata => {}
                }
            }
            Answer::Wrong(wrong) => {
                self.wrong.add(seen(&format!("got {wrong}")));
                if self.kinds.len() < MOST_KINDS || self.kinds.contains_key(&wrong) {
                    *self.kinds.entry(wrong).or_default() += 1;
                }
            }
            Answer::Nothing => {}
        }
    }

    /// How many say something.
    pub(super) const fn count(&self) -> u64 {
        self.accepted.count + self.refused + self.wrong.count
    }

    pub(super) const fn accepted(&self) -> u64 {
        self.accepted.count
    }

    /// Whether all were refused as they must be; `has_control`: other tokens were accepted.
    pub(super) const fn held(&self, has_control: bool) -> Option<bool> {
        let is_odd = self.wrong.count + self.no_challenge.count + self.no_metadata.count > 0;
        match (self.accepted.count, has_control) {
            (1.., _) => Some(false),
            (0, false) => None,
            (0, true) if is_odd => Some(false),
            (0, true) if self.refused < LEAST => None,
            (0, true) => Some(true),
        }
    }

    /// What was answered, for a person.
    pub(super) fn shown(&self) -> String {
        let mut parts = vec![format!("{} with 401", figure::count(self.refused))];
        parts.extend(self.kinds.iter().map(|(wrong, count)| {
            let count = figure::count(*count);
            format!("{count} with {wrong}")
        }));
        for (seen, what) in
            [(&self.no_challenge, "a Bearer challenge"), (&self.no_metadata, "resource_metadata")]
        {
            if seen.count > 0 {
                parts.push(format!("{} of the 401 without {what}", figure::count(seen.count)));
            }
        }
        if !self.has_metadata {
            parts.push("resource_metadata is not asked of revisions before 2025-06-18".to_owned());
        }
        parts.join(", ")
    }

    /// A finding for each way in which they were not; nothing where no token was ever accepted, for
    /// then the refusals may be about something else.
    pub(super) fn findings(&self, has_control: bool) -> Vec<Finding> {
        let shape = [
            (&WRONG_STATUS, &self.wrong),
            (&NO_CHALLENGE, &self.no_challenge),
            (&NO_METADATA, &self.no_metadata),
        ];
        let shape = shape.into_iter().filter(|_| has_control);
        let all = std::iter::once((self.rule, &self.accepted)).chain(shape);
        let all = all.filter(|(_, seen)| seen.count > 0);
        all.map(|(rule, seen)| rule.finding(seen.count, seen.first.iter().map(told))).collect()
    }
}

/// A time before (below zero) or past something, in milliseconds.
pub(super) fn offset(at: Duration, end: Duration) -> i64 {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    millis(at) - millis(end)
}

/// The same for a person.
pub(super) fn past(millis: i64) -> String {
    let time = figure::duration(Duration::from_millis(millis.unsigned_abs()));
    format!("{time} {} its end", if millis < 0 { "before" } else { "past" })
}
