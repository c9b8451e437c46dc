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
    /// Has the person consent, and says in its browser how that ended.
    ///
    /// # Errors
    /// When nobody comes back in time.
    pub(super) async fn bring(
        &self,
        realm: &Realm,
        journey: &mut Journey,
        consent: &Consent,
    ) -> Result<Url, Refusal> {
        let visit = self.loopback.visit();
        let asked = realm.clock.now();
        (self.ask)(&consent.url);
        let visit = realm.clock.by(asked + self.within, visit).await;
        journey.waited += realm.clock.now().saturating_sub(asked);
        let refused = |said| Refusal::new(Leg::Authorize, &consent.url, What::Consent(said));
        let Some(Ok(visit)) = visit else {
            let within = figure::duration(self.within);
            return Err(refused(format!(
                "was shown to a person, and no browser came back to {} within {within}: open the \
                 URL that squall prints in a browser on this machine, give more time \
                 (auth.login_within), or keep the grant of an earlier login (auth.grants)",
                consent.callback
            )));
        };
        let callback = Url::parse(&consent.callback).map(|mut url| {
            url.set_query(Some(&visit.query));
            url
        });
        // It is listened there, so it is one.
        let callback = callback.map_err(|error| refused(format!("has a callback: {error}")))?;
        match consent.judged(&callback) {
            Ok(()) => visit.answer(true, "You are logged in. You can close this window.").await,
            Err(what) => {
                let said = Refusal::new(Leg::Authorize, &consent.url, what);
                let said = format!("The login did not succeed. {said}. You can close this window.");
                visit.answer(false, &said).await;
            }
        }
        Ok(callback)
    }
}
