//! Users that log in before the load, as those who added the connector long ago.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;

use super::endpoint::Endpoint;
use super::failure::RunError;
use super::grants;
use super::run::{Around, common};
use crate::edge::clock::Clock;
use crate::engine::client::Client;
use crate::engine::holder::Wallet;
use crate::engine::recorder::{Observer, Recorder};
use crate::model::event::{Event, Refused};
use crate::model::pace::Pace;
use crate::model::plan::Plan;
use crate::model::plan::auth::Login;
use crate::model::summary::Summary;

/// What the users had when the load began.
#[derive(Debug)]
pub(super) struct LoggedIn {
    /// Their tokens.
    pub(super) wallet: Wallet,
    /// By which their lifetimes count.
    pub(super) clock: Clock,
    /// How many came to tokens.
    pub(super) users: u32,
    /// HTTP exchanges that it took.
    pub(super) exchanges: u64,
}

/// Why the last user that came to no tokens came to none.
#[derive(Default)]
struct Last(Option<Box<Refused>>);

/// Everything that was told before the load.
pub(super) struct Told<'a>(pub(super) &'a mut Summary);

impl Observer for Told<'_> {
    fn observe(&mut self, event: &Event) {
        self.0.add(event);
    }
}

impl Observer for Last {
    fn observe(&mut self, event: &Event) {
        if let Event::Refused(refused) = event {
            self.0 = Some(refused.clone());
        }
    }
}

/// Logs in every user of the plan, if it wants that, and adds to what was `told` before the load;
/// nobody is left waiting when it is dropped.
///
/// # Errors
/// When not one of them comes to tokens.
pub(super) async fn log_in(
    plan: &Plan,
    endpoint: &Endpoint,
    shown: &str,
    looked: LoggedIn,
    told: &mut Summary,
) -> Result<Option<LoggedIn>, RunError> {
    let Some(Login::Before { over }) = plan.auth.granted().map(|granted| granted.login) else {
        // What the look renewed is no longer what the file says; and one grant it got for all.
        return Ok(grants::go_on(plan).then_some(looked));
    };
    let recorder = Arc::new(Recorder::default());
    let around = Around { before: Some(&looked), ..Around::default() };
    let mut shared = common(plan, endpoint, Arc::clone(&recorder), Vec::new(), &around)?;
    if let Some(shared) = Arc::get_mut(&mut shared) {
        shared.wallet.keep();
    }
    let (users, clock) = (users(plan), shared.wire.clock.clone());
    let mut logging_in = JoinSet::new();
    for user in 0..users {
        let (shared, clock) = (Arc::clone(&shared), clock.clone());
        let at = over.mul_f64(f64::from(user) / f64::from(users.max(1)));
        logging_in.spawn(async move {
            clock.sleep_until(at).await;
            // As adding a connector does: a connect, and a look at the tools.
            Client::new(shared, user).scout().await.is_ok()
        });
    }
    let came = logging_in.join_all().await.into_iter().filter(|came| *came).count();
    let came = u32::try_from(came).unwrap_or(u32::MAX);
    let exchanges = recorder.gauges.exchanges.load(Ordering::Relaxed);
    let mut last = Last::default();
    recorder.drain(&mut Vec::new(), &mut [&mut last, &mut Told(told)]);
    if came == 0 && users > 0 {
        let (said, what_to_do) = last.0.map_or_else(
            || ("no request with a token succeeded".to_owned(), "see what the server logged"),
            |refused| (refused.said, refused.what_to_do),
        );
        return Err(RunError::NoTokens { url: shown.to_owned(), said, what_to_do });
    }
    Ok(Some(LoggedIn { wallet: shared.wallet.clone(), clock, users: came, exchanges }))
}

/// How many users there are in all.
pub(super) fn users(plan: &Plan) -> u32 {
    match &plan.load.pace {
        Pace::Open(pace) => u32::try_from(pace.due(plan.seed).count()).unwrap_or(u32::MAX),
        Pace::Closed(users) => users.peak(),
    }
}

impl LoggedIn {
    /// How far its clock is ahead of one that starts now.
    pub(super) fn ahead_of(&self, clock: &Clock) -> Duration {
        self.clock.now().saturating_sub(clock.now())
    }
}
