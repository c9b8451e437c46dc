//! What befell a connection on its way: written by whoever is on that way, read by who uses it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::model::fault::Touched;
use crate::model::outcome::ConnectFailure;

/// What befell one connection.
#[derive(Debug, Default)]
pub struct Mark {
    /// Nothing has befallen it: the rest need not be looked at.
    is_marred: AtomicBool,
    story: Mutex<Story>,
    /// What befalls it with every other on the same way.
    way: OnceLock<Arc<Forces>>,
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

    /// It is on this way, and on no other.
    pub fn lies_on(&self, way: &Arc<Forces>) {
        let _only_one = self.way.set(Arc::clone(way)).is_ok();
    }

    /// The faults that touched it since then, or spoilt it for good before.
    pub fn touched_since(&self, then: Duration) -> Touched {
        let all = self.way.get().map_or(Touched::default(), |way| way.since(then));
        if !self.is_marred.load(Ordering::Acquire) {
            return all;
        }
        let story = self.story();
        all.and(story.since(then)).and(story.lasting)
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

/// The faults in force on a whole way, and when others were.
#[derive(Debug, Default)]
pub struct Forces {
    now: AtomicU64,
    /// When others were in force last.
    gone: Mutex<Vec<(u8, Duration)>>,
}

impl Forces {
    /// These are in force from now on, and no other.
    pub fn set(&self, faults: Touched, now: Duration) {
        let before = self.now.swap(faults.0, Ordering::Relaxed);
        let over = Touched(before & !faults.0);
        if over.is_any() {
            let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.retain(|(fault, _)| !over.has(*fault));
            gone.extend((0..64).filter(|fault| over.has(*fault)).map(|fault| (fault, now)));
        }
    }

    /// This one is in force from now on, too.
    pub fn begin(&self, fault: u8) {
        self.now.fetch_or(Touched::by(fault).0, Ordering::Relaxed);
    }

    /// This one is no more.
    pub fn end(&self, fault: u8, now: Duration) {
        let before = self.now.load(Ordering::Relaxed);
        self.set(Touched(before & !Touched::by(fault).0), now);
    }

    /// This one turned out not to have come into force.
    pub fn take_back(&self, fault: u8) {
        self.now.fetch_and(!Touched::by(fault).0, Ordering::Relaxed);
    }

    /// Those that have been in force since then.
    pub fn since(&self, then: Duration) -> Touched {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let late = gone.iter().filter(|(_, last)| *last >= then);
        let now = Touched(self.now.load(Ordering::Relaxed));
        late.fold(now, |all, (fault, _)| all.and(Touched::by(*fault)))
    }
}

/// Where the two ends of a connection find its mark, by the address it leaves from.
#[derive(Debug, Default)]
pub struct Marks(Mutex<HashMap<SocketAddr, Waiting>>);

/// The mark of an end that has asked first.
#[derive(Debug)]
struct Waiting {
    mark: Arc<Mark>,
    /// When that end was gone, if it is: only who was under way by then is its other end.
    left: Option<Duration>,
}

impl Marks {
    /// The mark of the connection that leaves from here and was begun then, for the end that began it.
    /// Each of its two ends asks once, in whatever order, and then it is forgotten here.
    pub fn meet_near(&self, from: SocketAddr, began: Duration) -> Arc<Mark> {
        self.meet(from, |left| left >= began)
    }

    /// The same for the end that it was accepted at.
    pub fn meet_far(&self, from: SocketAddr) -> Arc<Mark> {
        // An end that is gone was of another connection: this one has just come.
        self.meet(from, |_| false)
    }

    fn meet(&self, from: SocketAddr, is_other: impl Fn(Duration) -> bool) -> Arc<Mark> {
        let mut waiting = self.lock();
        match waiting.remove(&from) {
            Some(Waiting { mark, left }) if left.is_none_or(is_other) => mark,
            _ => {
                let mark = Arc::<Mark>::default();
                waiting.insert(from, Waiting { mark: Arc::clone(&mark), left: None });
                mark
            }
        }
    }

    /// The end that got this mark is gone now: whoever comes from the same place is another.
    pub fn leave(&self, from: SocketAddr, mine: &Arc<Mark>, now: Duration) {
        let mut waiting = self.lock();
        if let Some(waits) = waiting.get_mut(&from).filter(|it| Arc::ptr_eq(&it.mark, mine)) {
            waits.left = Some(now);
        }
    }

    /// Whoever has asked alone so far stays alone.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn what_is_on_the_whole_way_befalls_whatever_is_under_way() {
        let (mark, way) = (Mark::default(), Arc::<Forces>::default());
        mark.lies_on(&way);
        way.begin(2);
        assert_eq!(mark.touched_since(s(9)).0, 0b100, "it is in force whenever that began");
        way.begin(0);
        mark.touch(0b010, s(3));
        way.end(2, s(4));
        assert_eq!([2, 4, 5].map(|then| mark.touched_since(s(then)).0), [0b111, 0b101, 0b001]);
        way.take_back(0);
        way.begin(2);
        way.end(2, s(8));
        assert_eq!([7, 9].map(|then| mark.touched_since(s(then)).0), [0b100, 0]);
    }

    #[test]
    fn two_ends_meet_and_the_next_two_are_others() {
        let marks = Marks::default();
        let from: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let (near, far) = (marks.meet_near(from, s(1)), marks.meet_far(from));
        assert!(Arc::ptr_eq(&near, &far));
        let (far, near) = (marks.meet_far(from), marks.meet_near(from, s(1)));
        assert!(Arc::ptr_eq(&near, &far));
        let alone = marks.meet_near(from, s(1));
        assert!(!Arc::ptr_eq(&near, &alone));
        marks.leave(from, &near, s(2));
        assert!(Arc::ptr_eq(&alone, &marks.meet_far(from)), "somebody else's is left");
        let alone = marks.meet_near(from, s(1));
        marks.forget();
        assert!(!Arc::ptr_eq(&alone, &marks.meet_far(from)));
    }

    #[test]
    fn who_was_under_way_when_the_far_end_was_gone_still_meets_it() {
        let marks = Marks::default();
        let from: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let gone = || {
            let far = marks.meet_far(from);
            marks.leave(from, &far, s(5));
            far
        };
        assert!(Arc::ptr_eq(&gone(), &marks.meet_near(from, s(4))), "reset before it asked");
        let far = gone();
        let next = marks.meet_near(from, s(6));
        assert!(!Arc::ptr_eq(&far, &next), "the next one from the same port");
        assert!(Arc::ptr_eq(&next, &marks.meet_far(from)));
        let far = gone();
        let next = marks.meet_far(from);
        assert!(!Arc::ptr_eq(&far, &next));
        assert!(Arc::ptr_eq(&next, &marks.meet_near(from, s(6))));
    }
}
