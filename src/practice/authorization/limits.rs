//! Limits by address: so many requests in a window that begins with the first of them, as the
//! TypeScript SDK's handlers have them.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::bounded::Bounded;

/// Addresses that are counted at once; then the first one is forgotten.
const MOST_ADDRESSES: usize = 65_536;

/// One endpoint's limit.
#[derive(Debug)]
pub(super) struct Limit {
    /// 0 is no limit.
    most: u32,
    window: Duration,
    /// When each address's window began, and its requests since.
    seen: Mutex<Bounded<IpAddr, (Duration, u32)>>,
}

impl Limit {
    /// At most `most` requests of an address in each window; 0 is no limit.
    pub(super) fn new(most: u32, window: Duration) -> Self {
        Self { most, window, seen: Mutex::new(Bounded::of(MOST_ADDRESSES)) }
    }

    /// Counts a request; what is left of the window if it is one too many.
    pub(super) fn take(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        if self.most == 0 {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((began, requests)) = seen.get_mut(&address) else {
            seen.insert(address, (now, 1));
            return Ok(());
        };
        if now >= *began + self.window {
            (*began, *requests) = (now, 0);
        }
        if *requests >= self.most {
            return Err((*began + self.window).saturating_sub(now));
        }
        *requests += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn each_address_has_a_window_of_its_own() {
        let [one, two] = [1, 2].map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)));
        let s = Duration::from_secs;
        let limit = Limit::new(2, s(60));
        assert_eq!([0, 10, 20].map(|at| limit.take(one, s(at))), [Ok(()), Ok(()), Err(s(40))]);
        assert_eq!(limit.take(two, s(20)), Ok(()));
        assert_eq!([59, 60].map(|at| limit.take(one, s(at))), [Err(s(1)), Ok(())]);
        let none = Limit::new(0, s(60));
        assert!((0..100).all(|_| none.take(one, s(0)).is_ok()));
    }
}
