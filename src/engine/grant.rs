//! What an authorization server gave one user: the newest tokens, and all that renewing them takes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use url::Url;

use crate::model::profile::oauth::OAuth;
use crate::model::secret::Secret;
use crate::protocol::oauth::grant::{Granted, Known};
use crate::protocol::oauth::saved::{self, Kept};
use crate::protocol::oauth::token::Tokens;

/// Secrets of a user that are known again when a server says them back.
const REMEMBERED: usize = 16;

/// A user's grant. Everything in it changes at once: nobody sees a new access token beside an old
/// refresh token.
#[derive(Debug, Default)]
pub struct Grant(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<Token>>,
    known: Known,
    scopes: Vec<String>,
    generation: u64,
    /// The user has consented before.
    consented: bool,
    issued: VecDeque<Secret>,
}

/// An access token, and what replaces it.
#[derive(Debug)]
pub struct Token {
    /// Counts the tokens of the grant, from 1.
    pub generation: u64,
    /// `Authorization` with it.
    pub header: HeaderValue,
    /// What renews it.
    pub refresh: Option<Secret>,
    /// From when it is renewed unasked.
    pub renew: Option<Duration>,
    /// Its end.
    pub expires: Option<Duration>,
    /// How long it was good for when it was issued.
    pub lifetime: Lifetime,
    used: AtomicBool,
}

/// What was said of a token's lifetime when it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It is this.
    Said(Duration),
    /// Nothing.
    Unsaid,
    /// Nobody here heard it: the token was kept, or given.
    Unheard,
}

impl Token {
    /// Whether nothing has carried it before.
    pub fn is_first_use(&self) -> bool {
        !self.used.swap(true, Ordering::Relaxed)
    }

    /// Whether something has carried it.
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// The access token itself.
    pub fn access(&self) -> Option<Secret> {
        self.header.to_str().ok()?.strip_prefix("Bearer ").map(Secret::new)
    }

    /// Whether only what renews it was kept, and it is none itself.
    pub fn is_missing(&self) -> bool {
        self.access().is_none_or(|access| access.expose().is_empty())
    }

    /// Whether it is renewed before it is used again.
    pub fn is_due(&self, now: Duration) -> bool {
        self.refresh.is_some() && self.renew.is_some_and(|renew| now >= renew)
    }

    /// Whether its lifetime is over.
    pub fn is_over(&self, now: Duration) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

/// Where the next attempt goes on from.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// What is known of servers and client.
    pub known: Known,
    /// The scopes of the tokens.
    pub scopes: Vec<String>,
}

impl Grant {
    /// The newest token.
    pub fn token(&self) -> Option<Arc<Token>> {
        self.lock().token.clone()
    }

    /// A grant that was kept, at `now` by the run's clock and `unix` since 1970. An access token that
    /// is missing or over is renewed before anything is sent.
    ///
    /// # Errors
    /// When no header can carry the access token.
    pub fn of(kept: Kept, oauth: &OAuth, (now, unix): (Duration, Duration)) -> Result<Self, Unfit> {
        let Kept { mut granted, expires, .. } = kept;
        let is_missing = granted.tokens.access.expose().is_empty();
        granted.tokens.expires_in = match expires {
            _ if is_missing => Some(Duration::ZERO),
            Some(end) => Some(end.saturating_sub(unix)),
            None => None,
        };
        let grant = Self::default();
        grant.put(granted, oauth, now, |_| Lifetime::Unheard)?;
        Ok(grant)
    }

    /// The same as something to be kept for this `target`; nothing where there are no tokens.
    pub fn kept(&self, target: &Url, (now, unix): (Duration, Duration)) -> Option<Kept> {
        let state = self.lock();
        let token = state.token.as_ref()?;
        let tokens = Tokens {
            access: token.access()?,
            refresh: token.refresh.clone(),
            expires_in: None,
            scopes: None,
        };
        let (scopes, known) = (state.scopes.clone(), state.known.clone());
        let expires = token.expires.map(|end| unix + end.saturating_sub(now));
        let granted = Granted { tokens, scopes, known };
        Some(Kept { granted, expires, target: Some(saved::target(target)) })
    }

    /// How many tokens there were; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Whether the user has consented before.
    pub fn has_consented(&self) -> bool {
        self.lock().consented
    }

    /// What is known so far.
    pub fn standing(&self) -> Standing {
        let state = self.lock();
        Standing { known: state.known.clone(), scopes: state.scopes.clone() }
    }

    /// Replaces everything by what was granted at `now`.
    ///
    /// # Errors
    /// When no header can carry the access token.
    pub fn store(&self, granted: Granted, oauth: &OAuth, now: Duration) -> Result<(), Unfit> {
        self.put(granted, oauth, now, |said| said.map_or(Lifetime::Unsaid, Lifetime::Said))
    }

    fn put(
        &self,
        granted: Granted,
        oauth: &OAuth,
        now: Duration,
        heard: fn(Option<Duration>) -> Lifetime,
    ) -> Result<(), Unfit> {
        let Granted { tokens, scopes, known } = granted;
        let bearer = format!("Bearer {}", tokens.access.expose());
        let mut header = HeaderValue::from_str(&bearer).map_err(|_| Unfit)?;
        header.set_sensitive(true);
        let mut state = self.lock();
        state.generation += 1;
        let lifetime = tokens.expires_in;
        let token = Token {
            generation: state.generation,
            header,
            refresh: tokens.refresh.clone(),
            renew: lifetime.map(|life| now + life.saturating_sub(oauth.refresh_before(life))),
            expires: lifetime.map(|life| now + life),
            lifetime: heard(lifetime),
            used: AtomicBool::new(false),
        };
        state.token = Some(Arc::new(token));
        (state.known, state.scopes, state.consented) = (known, scopes, true);
        for secret in [Some(tokens.access), tokens.refresh].into_iter().flatten() {
            state.issued.push_back(secret);
        }
        let surplus = state.issued.len().saturating_sub(REMEMBERED);
        state.issued.drain(..surplus);
        Ok(())
    }

    /// The same with every time so much earlier: by a clock that began later.
    #[must_use]
    pub fn earlier(&self, by: Duration) -> Self {
        let state = self.lock();
        let token = state.token.as_ref().map(|token| {
            Arc::new(Token {
                generation: token.generation,
                header: token.header.clone(),
                refresh: token.refresh.clone(),
                renew: token.renew.map(|renew| renew.saturating_sub(by)),
                expires: token.expires.map(|expires| expires.saturating_sub(by)),
                lifetime: token.lifetime,
                used: AtomicBool::new(false),
            })
        });
        Self(Mutex::new(State {
            token,
            known: state.known.clone(),
            scopes: state.scopes.clone(),
            generation: state.generation,
            consented: state.consented,
            issued: state.issued.clone(),
        }))
    }

    /// The tokens are dead. What is known of the servers stays; the client only `with_client`.
    pub fn drop_tokens(&self, with_client: bool) {
        let mut state = self.lock();
        state.token = None;
        if !with_client {
            state.known.client = None;
        }
    }

    /// Secrets that were issued of late.
    pub fn issued(&self) -> Vec<Secret> {
        self.lock().issued.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An access token that no header can carry (RFC 6750, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;

    fn granted(access: &str, refresh: Option<&str>, seconds: Option<u64>) -> Granted {
        let tokens = Tokens {
            access: Secret::new(access),
            refresh: refresh.map(Secret::new),
            expires_in: seconds.map(Duration::from_secs),
            scopes: None,
        };
        Granted { tokens, scopes: vec!["read".to_owned()], known: Known::default() }
    }

    #[test]
    fn a_token_is_renewed_before_its_end_and_no_earlier_than_its_share() {
        let oauth = OAuth {
            refresh_margin: Duration::from_secs(300),
            refresh_share: 0.2,
            ..sample::oauth()
        };
        for (lifetime, renew) in [(30, 24), (60, 48), (3600, 3300)] {
            let grant = Grant::default();
            let at = Duration::from_secs(100);
            grant.store(granted("a", Some("r"), Some(lifetime)), &oauth, at).unwrap();
            let token = grant.token().unwrap();
            let after = |seconds| at + Duration::from_secs(seconds);
            assert!(
                !token.is_due(after(renew).saturating_sub(Duration::from_nanos(1))),
                "{lifetime}"
            );
            assert!(token.is_due(after(renew)) && !token.is_over(after(renew)));
            assert!(token.is_over(after(lifetime)));
        }
    }

    #[test]
    fn what_has_no_end_or_cannot_be_renewed_is_never_due() {
        for (refresh, lifetime) in [(None, Some(30)), (Some("r"), None)] {
            let grant = Grant::default();
            grant.store(granted("a", refresh, lifetime), &sample::oauth(), Duration::ZERO).unwrap();
            assert!(!grant.token().unwrap().is_due(Duration::from_secs(1_000_000)));
        }
    }

    #[test]
    fn generations_count_and_secrets_are_remembered_for_a_while() {
        let grant = Grant::default();
        for number in 0..20 {
            let tokens = granted(&format!("a{number}"), Some("r"), Some(30));
            grant.store(tokens, &sample::oauth(), Duration::ZERO).unwrap();
        }
        assert_eq!((grant.generation(), grant.issued().len()), (20, REMEMBERED));
        assert!(grant.issued().contains(&Secret::new("a19")));
        grant.drop_tokens(true);
        assert!(grant.token().is_none() && grant.has_consented());
        assert_eq!(grant.generation(), 20, "a new one is none of the old");
    }

    #[test]
    fn what_was_kept_goes_on_by_another_clock() {
        let (oauth, second) = (sample::oauth(), Duration::from_secs);
        let grant = Grant::default();
        grant.store(granted("a", Some("r"), Some(30)), &oauth, second(5)).unwrap();
        // 20 s later by one clock, whose start the other does not know.
        let target = Url::parse("https://h/mcp?key=k").unwrap();
        let kept = grant.kept(&target, (second(25), second(1_000))).unwrap();
        assert_eq!(kept.expires, Some(second(1_010)));
        assert_eq!(kept.target.as_deref(), Some("https://h/mcp"));
        let later = Grant::of(kept, &oauth, (second(2), second(1_004))).unwrap().token().unwrap();
        assert!(!later.is_over(second(7)) && later.is_over(second(8)));
        assert_eq!(later.lifetime, Lifetime::Unheard, "30 s, and nobody wrote that down");
        assert_eq!((later.header.to_str().unwrap(), later.refresh.is_some()), ("Bearer a", true));
        let bare = Kept { granted: granted("", Some("r"), None), expires: None, target: None };
        let bare = Grant::of(bare, &oauth, (second(2), second(1))).unwrap().token().unwrap();
        assert!(bare.is_over(second(2)) && bare.is_due(second(2)));
        assert!(bare.is_missing() && !later.is_missing(), "no clock makes a good token of none");
        assert_eq!(Grant::default().kept(&target, (second(1), second(1))), None);
    }

    #[test]
    fn by_a_clock_that_began_later_everything_was_earlier() {
        let (grant, oauth) = (Grant::default(), sample::oauth());
        let at = Duration::from_secs(10);
        grant.store(granted("a", Some("r"), Some(30)), &oauth, at).unwrap();
        let token = grant.earlier(Duration::from_secs(25)).token().unwrap();
        assert!(!token.is_over(Duration::from_millis(14_999)));
        assert!(token.is_over(Duration::from_secs(15)));
        assert_eq!(token.lifetime, Lifetime::Said(Duration::from_secs(30)));
        assert!(grant.earlier(Duration::from_secs(99)).token().unwrap().is_over(Duration::ZERO));
    }

    #[test]
    fn the_first_use_is_told_once() {
        let grant = Grant::default();
        grant.store(granted("a", None, None), &sample::oauth(), Duration::ZERO).unwrap();
        let token = grant.token().unwrap();
        assert!(token.is_first_use() && !token.is_first_use());
        assert_eq!(
            grant.store(granted("a\n", None, None), &sample::oauth(), Duration::ZERO),
            Err(Unfit)
        );
    }
}
