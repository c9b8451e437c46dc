//! A person who logs in before the load, in a browser on this machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::Realm;
use crate::edge::loopback::Loopback;
use crate::engine::legs::Journey;
use crate::model::figure;
use crate::model::leg::Leg;
use crate::protocol::oauth::authorization::Consent;
use crate::protocol::oauth::refusal::{Refusal, What};

/// Shows a person the URL to open, and opens it where that can be done. The URL holds no secret but
/// `state`, which is good for this login alone.
pub type Ask = Arc<dyn Fn(&Url) + Send + Sync>;

/// Where the person comes back to, and how it is asked.
#[derive(Clone)]
pub struct Person {
    /// What the browser comes back to.
    pub loopback: Arc<Loopback>,
    /// How long the person has.
    pub within: Duration,
    /// Asks it.
    pub ask: Ask,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({:?})", self.loopback)
    }
}

impl Person {
    /// Has the person consent, and says in its browser how that ended. Whoever comes without the
    /// `state` that was sent is told so, and disturbs nobody.
    ///
    /// # Errors
    /// When nobody comes back in time.
    pub(super) async fn bring(
        &self,
        realm: &Realm,
        journey: &mut Journey,
        consent: &Consent,
    ) -> Result<Url, Refusal> {
        let refused = |what| Refusal::new(Leg::Authorize, &consent.url, what);
        let said = |said: String| refused(What::Consent(said));
        // It is listened there, so it is one.
        let callback = Url::parse(&consent.callback)
            .map_err(|error| said(format!("has a callback: {error}")))?;
        let (mut visits, mut strays) = (self.loopback.visits(), 0u32);
        let asked = realm.clock.now();
        (self.ask)(&consent.url);
        let ours = async {
            while let Some(visit) = visits.recv().await {
                let mut back = callback.clone();
                back.set_query(Some(&visit.query));
                if consent.is_ended_by(&back) {
                    return Some((visit, back));
                }
                strays = strays.saturating_add(1);
                let stray = refused(What::OtherState);
                let text =
                    format!("This is not the end of the login that squall waits for. {stray}.");
                visit.answer(false, &text).await;
            }
            None
        };
        let ours = realm.clock.by(asked + self.within, ours).await;
        journey.waited += realm.clock.now().saturating_sub(asked);
        let Some(Some((visit, back))) = ours else {
            return Err(said(self.nobody(&consent.callback, strays)));
        };
        // From now on nobody waits.
        drop(visits);
        match consent.judged(&back) {
            Ok(()) => visit.answer(true, "You are logged in. You can close this window.").await,
            Err(what) => {
                let said = refused(what);
                let said = format!("The login did not succeed. {said}. You can close this window.");
                visit.answer(false, &said).await;
            }
        }
        Ok(back)
    }

    /// What to say where nobody came back, or only those who were not meant.
    fn nobody(&self, callback: &str, strays: u32) -> String {
        let within = figure::duration(self.within);
        if strays > 0 {
            let visits = if strays == 1 { "visit" } else { "visits" };
            return format!(
                "was shown to a person, and no browser came back to {callback} within {within} with \
                 the state that was sent; {strays} {visits} came without it, or with another, and \
                 ended nothing (RFC 6749 section 10.12): have the server send `state` back as it \
                 came"
            );
        }
        format!(
            "was shown to a person, and no browser came back to {callback} within {within}: open the \
             URL that squall prints in a browser on this machine, give more time \
             (auth.login_within), or keep the grant of an earlier login (auth.grants)"
        )
    }
}
