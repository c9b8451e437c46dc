//! A set of users, a bit each.

/// Users with higher numbers are not kept.
const MOST: u32 = 1 << 24;

/// A set of users.
#[derive(Debug, Default)]
pub(super) struct Users {
    bits: Vec<u64>,
    count: u64,
}

impl Users {
    /// Puts one in; whether it was new.
    pub(super) fn insert(&mut self, user: u32) -> bool {
        if user >= MOST {
            return false;
        }
        let (word, bit) = place(user);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Takes one out; whether it was in.
    pub(super) fn remove(&mut self, user: u32) -> bool {
        let (word, bit) = place(user);
        let Some(bits) = self.bits.get_mut(word).filter(|bits| **bits & bit != 0) else {
            return false;
        };
        *bits &= !bit;
        self.count -= 1;
        true
    }

    /// Whether this one is in.
    pub(super) fn contains(&self, user: u32) -> bool {
        let (word, bit) = place(user);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }
}

const fn place(user: u32) -> (usize, u64) {
    ((user / 64) as usize, 1 << (user % 64))
}
