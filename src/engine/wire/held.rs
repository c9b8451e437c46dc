//! What the answers under way hold in memory, all users' together: bounded, as each one is.

use std::sync::atomic::{AtomicU64, Ordering};

/// All answers together hold no more than this, in bytes: an answer that would is refused.
pub(super) const MEMORY_LIMIT: u64 = 1024 * 1024 * 1024;
/// What one answer may hold uncounted, in bytes: nearly all do, and cost nothing here.
const UNCOUNTED: usize = 64 * 1024;

/// The room one answer takes; given back when dropped.
#[derive(Debug)]
pub(super) struct Held<'g> {
    all: &'g AtomicU64,
    counted: u64,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl<'g> Held<'g> {
    /// Nothing yet, of what all answers hold.
    pub(super) const fn new(all: &'g AtomicU64) -> Self {
        Self { all, counted: 0 }
    }

    /// The answer holds so many bytes from now on.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        if bytes <= UNCOUNTED && self.counted == 0 {
            return Ok(());
        }
        let bytes = bytes as u64;
        if let Some(less) = self.counted.checked_sub(bytes) {
            self.all.fetch_sub(less, Ordering::Relaxed);
        } else {
            let more = bytes - self.counted;
            if self.all.fetch_add(more, Ordering::Relaxed) + more > MEMORY_LIMIT {
                self.all.fetch_sub(more, Ordering::Relaxed);
                return Err(Full);
            }
        }
        self.counted = bytes;
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.counted > 0 {
            self.all.fetch_sub(self.counted, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_beyond_what_is_small_and_given_back() {
        let all = AtomicU64::new(0);
        let count = || all.load(Ordering::Relaxed);
        let mut one = Held::new(&all);
        assert_eq!((one.grow(UNCOUNTED), count()), (Ok(()), 0));
        assert_eq!((one.grow(UNCOUNTED + 1), count()), (Ok(()), UNCOUNTED as u64 + 1));
        assert_eq!((one.grow(3), count()), (Ok(()), 3));
        let mut other = Held::new(&all);
        assert_eq!(other.grow(MEMORY_LIMIT as usize - 2), Err(Full));
        assert_eq!(count(), 3, "who is refused holds nothing");
        assert_eq!(other.grow(MEMORY_LIMIT as usize - 3), Ok(()));
        assert_eq!(one.grow(4), Err(Full));
        drop(one);
        assert_eq!(count(), MEMORY_LIMIT - 3);
        drop(other);
        assert_eq!(count(), 0);
    }
}
