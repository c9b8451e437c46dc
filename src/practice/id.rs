//! Ids that nobody can guess: of sessions, and of requests to clients.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// An id; on the wire it is its 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(u128);

impl Id {
    /// The id as it travels: visible ASCII.
    pub fn text(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Reads an id; `None` is one that was never issued here.
    pub fn read(text: &[u8]) -> Option<Self> {
        let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.iter().all(digits) {
            return None;
        }
        u128::from_str_radix(str::from_utf8(text).ok()?, 16).ok().map(Self)
    }
}

/// Issues ids.
#[derive(Debug, Default)]
pub struct Ids {
    issued: AtomicU64,
    /// The process's own key: without it nobody can tell the next id from those issued.
    secret: RandomState,
}

impl Ids {
    /// The next id.
    pub fn issue(&self) -> Id {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let half = |which: u8| u128::from(self.secret.hash_one((number, which)));
        Id(half(0) << 64 | half(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_nothing_else_does() {
        let ids = Ids::default();
        let id = ids.issue();
        assert_eq!(Id::read(id.text().as_bytes()), Some(id));
        assert_ne!(ids.issue(), id);
        for other in ["", "1", &"g".repeat(32), &"A".repeat(32), &"+".repeat(32), &"0".repeat(33)] {
            assert_eq!(Id::read(other.as_bytes()), None, "{other}");
        }
    }
}
