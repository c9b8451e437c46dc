//! What users' browsers keep from one login to the next.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cookie_store::CookieStore;

/// The cookies of each user's browser.
#[derive(Default)]
pub(super) struct Jars(Mutex<HashMap<u32, CookieStore>>);

impl Jars {
    /// Those that a user has.
    pub(super) fn take(&self, user: u32) -> CookieStore {
        self.lock().remove(&user).unwrap_or_default()
    }

    /// What a user's browser has when it is done.
    pub(super) fn keep(&self, user: u32, jar: CookieStore) {
        if jar.iter_any().next().is_some() {
            self.lock().insert(user, jar);
        }
    }

    /// Takes over what others kept.
    pub(super) fn inherit(&self, other: &Self) {
        let theirs = other.lock().clone();
        self.lock().extend(theirs);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, CookieStore>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cookies are secrets.
impl fmt::Debug for Jars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jars(***)")
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_browser_comes_again_with_what_it_got() {
        let jars = Jars::default();
        let here = Url::parse("http://127.0.0.1/authorize").unwrap();
        let mut jar = jars.take(3);
        jar.parse("who=ada", &here).unwrap();
        jars.keep(3, jar);
        jars.keep(4, CookieStore::default());
        assert!(!format!("{jars:?}").contains("ada"));
        let again = jars.take(3);
        assert_eq!(again.get_request_values(&here).collect::<Vec<_>>(), [("who", "ada")]);
        assert_eq!(jars.take(4).iter_any().count() + jars.lock().len(), 0);
    }
}
