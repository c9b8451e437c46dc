//! What a grant was to be widened by: a challenge that comes again after a step-up is final for it.
//!
//! A server may withhold a scope from a user. Without this memory each of that user's calls would
//! lead to a consent that changes nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Different challenges that lead to a step-up of one grant, at most.
const MOST: usize = 16;

/// The step-ups of one grant.
#[derive(Debug, Default)]
pub(super) struct Widenings(Mutex<Vec<Widening>>);

#[derive(Debug)]
struct Widening {
    /// The scopes of the challenge, sorted.
    scopes: Vec<String>,
    /// When it may be tried again; `None`: it has been answered.
    again: Option<Duration>,
}

impl Widenings {
    /// Whether a challenge with these scopes leads to a step-up, which then begins.
    pub(super) fn begin(&self, scopes: &[String], now: Duration) -> bool {
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        let mut widenings = self.lock();
        let before = widenings.iter().position(|one| one.scopes == scopes);
        let begins = match before {
            Some(number) => widenings[number].again.is_some_and(|again| now >= again),
            None => widenings.len() < MOST,
        };
        if begins {
            // The last one is under way.
            before.map(|number| widenings.remove(number));
            widenings.push(Widening { scopes, again: None });
        }
        begins
    }

    /// The one under way was not answered: the same challenge leads to another one from then on.
    pub(super) fn put_off(&self, until: Duration) {
        if let Some(last) = self.lock().last_mut() {
            last.again = Some(until);
        }
    }

    /// The user has another grant, of which nothing was asked yet.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Widening>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_challenge_leads_to_one_step_up_and_all_of_them_to_a_few() {
        let (widenings, now) = (Widenings::default(), Duration::from_secs(1));
        let begin = |scopes: &[&str], now| {
            let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            widenings.begin(&scopes, now)
        };
        assert!(begin(&["a", "b"], now) && !begin(&["b", "a"], now));
        assert!(begin(&["a"], now) && !begin(&["a"], now) && !begin(&["a", "b"], now));
        // One that was not answered may be tried again, and once.
        let later = Duration::from_secs(9);
        widenings.put_off(later);
        assert!(!begin(&["a"], later.saturating_sub(Duration::from_nanos(1))));
        assert!(begin(&["a"], later) && !begin(&["a"], later));
        assert!((2..MOST).all(|number| begin(&[&number.to_string()], now)));
        assert!(!begin(&["more"], now));
        widenings.forget();
        assert!(begin(&["a", "b"], now));
    }
}
