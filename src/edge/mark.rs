//! What befell a connection on its way: written by whoever is on that way, read by who uses it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::fault::Touched;
use crate::model::outcome::ConnectFailure;

/// What befell one connection.
#[derive(Debug, Default)]
pub struct Mark {
    /// Nothing has befallen it: the rest need not be looked at.
    is_marred: AtomicBool,
    story: Mutex<Story>,
}

#[derive(Debug, Default)]
struct Story {
    /// When each fault last touched it.
    touched: Vec<(u8, Duration)>,
    /// What ended it, or lost a part of it: whatever is sent on it afterwards meets that.
    lasting: Touched,
    /// Why there was no way on to the target.
    failed: Option<ConnectFailure>,
}

impl Mark {
    /// These faults, a bit each, did something to it now.
    pub fn touch(&self, faults: u64, now: Duration) {
        let mut story = self.story();
        for fault in (0..64).filter(|fault| Touched(faults).has(*fault)) {
            match story.touched.iter_mut().find(|(known, _)| *known == fault) {
                Some((_, last)) => *last = now,
                None => story.touched.push((fault, now)),
            }
        }
        self.is_marred.store(true, Ordering::Release);
    }

    /// These faults lost a part of what passed: it never comes right again.
    pub fn lose(&self, faults: u64) {
        let mut story = self.story();
        story.lasting = story.lasting.and(Touched(faults));
    }

    /// The faults that touched it last ended it.
    pub fn end(&self) {
        let mut story = self.story();
        let last = story.touched.iter().map(|(_, last)| *last).max().unwrap_or_default();
        story.lasting = story.lasting.and(story.since(last));
    }

    /// The way on to the target failed so.
    pub fn fail(&self, failure: ConnectFailure) {
        self.story().failed = Some(failure);
        self.is_marred.store(true, Ordering::Release);
    }

    /// The faults that touched it since then, or spoilt it for good before.
    pub fn touched_since(&self, then: Duration) -> Touched {
        if !self.is_marred.load(Ordering::Acquire) {
            return Touched::default();
        }
        let story = self.story();
        story.since(then).and(story.lasting)
    }

    /// Why there was no way on to the target, if that is so.
    pub fn failure(&self) -> Option<ConnectFailure> {
        if !self.is_marred.load(Ordering::Acquire) {
            return None;
        }
        self.story().failed
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Story {
    fn since(&self, then: Duration) -> Touched {
        let since = self.touched.iter().filter(|(_, last)| *last >= then);
        since.fold(Touched::default(), |all, (fault, _)| all.and(Touched::by(*fault)))
    }
}

/// Where the two ends of a connection find its mark, by the address it leaves from.
#[derive(Debug, Default)]
pub struct Marks(Mutex<HashMap<SocketAddr, Arc<Mark>>>);

impl Marks {
    /// The mark of the connection that leaves from here: each of its two ends asks once, in
    /// whatever order, and then it is forgotten here.
    pub fn meet(&self, from: SocketAddr) -> Arc<Mark> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&from) {
            Some(mark) => mark,
            None => Arc::clone(waiting.entry(from).or_default()),
        }
    }

    /// The end that got this mark is gone: whoever comes from the same place is another.
    pub fn leave(&self, from: SocketAddr, mine: &Arc<Mark>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.get(&from).is_some_and(|waits| Arc::ptr_eq(waits, mine)) {
            waiting.remove(&from);
        }
    }

    /// Whoever has asked alone so far stays alone.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_mark_knows_since_when() {
        let mark = Mark::default();
        assert_eq!((mark.touched_since(s(0)), mark.failure()), (Touched::default(), None));
        mark.touch(0b101, s(2));
        mark.touch(0b001, s(5));
        let since = [0, 3, 6].map(|at| mark.touched_since(s(at)).0);
        assert_eq!(since, [0b101, 0b001, 0]);
        mark.end();
        assert_eq!(mark.touched_since(s(6)).0, 0b001, "what is sent later meets what ended it");
        assert_eq!(mark.touched_since(s(0)).0, 0b101);
        mark.fail(ConnectFailure::Refused);
        assert_eq!(mark.failure(), Some(ConnectFailure::Refused));
        let mark = Mark::default();
        mark.touch(0b11, s(2));
        mark.lose(0b10);
        assert_eq!(mark.touched_since(s(6)).0, 0b10, "what is lost is missed for ever");
    }

    #[test]
    fn two_ends_meet_and_the_next_two_are_others() {
        let marks = Marks::default();
        let from: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let (near, far) = (marks.meet(from), marks.meet(from));
        assert!(Arc::ptr_eq(&near, &far));
        let alone = marks.meet(from);
        assert!(!Arc::ptr_eq(&near, &alone));
        marks.leave(from, &near);
        assert!(Arc::ptr_eq(&alone, &marks.meet(from)), "somebody else's is left");
        let alone = marks.meet(from);
        marks.leave(from, &alone);
        assert!(!Arc::ptr_eq(&alone, &marks.meet(from)));
        let alone = marks.meet(from);
        marks.forget();
        assert!(!Arc::ptr_eq(&alone, &marks.meet(from)));
    }
}
