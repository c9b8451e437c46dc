//! A map that never grows past its bound: the oldest entry goes first.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A map with at most so many entries.
#[derive(Debug)]
pub(in super::super) struct Bounded<K, V> {
    /// Each with the number of its coming.
    entries: HashMap<K, (u64, V)>,
    /// Every coming, the oldest first; also of some entries that are gone.
    order: VecDeque<(u64, K)>,
    came: u64,
    most: usize,
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    /// An empty map of at most `most` entries.
    pub(in super::super) fn of(most: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), came: 0, most }
    }

    /// Puts an entry in, and the oldest out if there are too many.
    pub(in super::super) fn insert(&mut self, key: K, value: V) {
        self.came += 1;
        self.entries.insert(key.clone(), (self.came, value));
        self.order.push_back((self.came, key));
        while self.entries.len() > self.most
            && let Some((came, oldest)) = self.order.pop_front()
        {
            if self.entries.get(&oldest).is_some_and(|(at, _)| *at == came) {
                self.entries.remove(&oldest);
            }
        }
        if self.order.len() > 2 * self.most {
            let entries = &self.entries;
            self.order.retain(|(came, key)| entries.get(key).is_some_and(|(at, _)| at == came));
        }
    }

    /// An entry.
    pub(in super::super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// An entry, to change it.
    pub(in super::super) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Takes an entry out.
    pub(in super::super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_what_was_removed_takes_no_room() {
        let mut map = Bounded::of(2);
        for key in 0..3 {
            map.insert(key, key);
        }
        assert_eq!((map.get(&0), map.get(&1), map.get(&2)), (None, Some(&1), Some(&2)));
        map.remove(&2);
        map.insert(3, 3);
        assert_eq!((map.get(&1), map.get(&3)), (Some(&1), Some(&3)));
        for _ in 0..100 {
            map.insert(9, 9);
            map.remove(&9);
        }
        assert!(map.order.len() <= 5, "{}", map.order.len());
    }
}
