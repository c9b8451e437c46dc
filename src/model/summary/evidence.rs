//! The first few of something that may be many, whatever the order it was told in.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::Violation;
use crate::model::operation::Operation;

/// How many are kept.
const KEPT: usize = 5;
/// Distinct keys kept by a [`Bounded`] count.
const KEYS: usize = 64;

/// A count, and the smallest few of what was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstFew<T> {
    /// How many there were.
    pub count: u64,
    /// The smallest few, ascending.
    pub first: Vec<T>,
}

impl<T> Default for FirstFew<T> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

impl<T: Ord + Clone> FirstFew<T> {
    /// Counts one.
    pub fn add(&mut self, item: T) {
        self.count += 1;
        self.keep(item);
    }

    fn keep(&mut self, item: T) {
        let at = self.first.partition_point(|kept| *kept <= item);
        if at < KEPT {
            self.first.insert(at, item);
            self.first.truncate(KEPT);
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        other.first.iter().for_each(|item| self.keep(item.clone()));
    }
}

/// One time a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// When.
    pub at: Duration,
    /// Which simulated user saw it; none in the look at the target before the load.
    pub user: Option<u32>,
    /// In which exchange.
    pub operation: Operation,
    /// What was expected and found.
    pub evidence: String,
}

impl Seen {
    /// What is kept of a violation.
    pub fn of(violation: &Violation) -> Self {
        Self {
            at: violation.at,
            user: violation.user,
            operation: violation.operation,
            evidence: violation.evidence.clone(),
        }
    }
}

/// Counts by a key that a target chooses, so that a hostile one cannot fill our memory: the
/// smallest keys keep a count of their own, all others share one.
///
/// A key that was pushed out by smaller ones never comes back, because the smallest keys only ever
/// get smaller; so the order of events changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded<K> {
    /// Counts of the smallest keys.
    pub counts: BTreeMap<K, u64>,
    /// Everything else.
    pub others: u64,
}

impl<K> Default for Bounded<K> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), others: 0 }
    }
}

impl<K: Ord + Copy> Bounded<K> {
    /// Counts `count` more of this key.
    pub fn add(&mut self, key: K, count: u64) {
        *self.counts.entry(key).or_default() += count;
        if self.counts.len() > KEYS {
            self.others += self.counts.pop_last().map_or(0, |(_, count)| count);
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().for_each(|(key, count)| self.add(*key, *count));
        self.others += other.others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_few_are_kept() {
        let mut seen = FirstFew::default();
        (0..20).rev().for_each(|number| seen.add(number));
        assert_eq!((seen.count, seen.first), (20, vec![0, 1, 2, 3, 4]));
    }

    #[test]
    fn a_thousand_keys_cost_sixty_four() {
        let (mut up, mut down) = (Bounded::default(), Bounded::default());
        (0..1000).for_each(|key| up.add(key, 1));
        (0..1000).rev().for_each(|key| down.add(key, 1));
        assert_eq!((up.counts.len(), up.others), (64, 936));
        assert_eq!(up, down);
    }
}
