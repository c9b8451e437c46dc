//! Processes whose clock is wrong when they look at their token: renewed early, or not before its 401.

use super::grants::{AGAIN, profile};
use super::*;
use crate::edge::clock::Clock;
use crate::engine::rehearsal::authority::{Authority, granted_under, guarded, refused};
use crate::engine::weather::{Again, By, Spell, Tag, Weather};
use crate::model::event::GrantChange;
use crate::model::fault::{Skew, Touched};

/// Seconds that a token is good for; it is renewed when a fifth of them is left.
const LIFETIME: u64 = 30;

/// Clocks are wrong until a moment.
#[derive(Debug)]
struct Wrong {
    clock: Clock,
    skew: Skew,
    until: Duration,
}

impl Weather for Wrong {
    fn over_exchange(&self, _: &Tag<'_>) -> Option<Spell> {
        None
    }

    fn cancels(&self, _: &Tag<'_>) -> Option<By<Duration>> {
        None
    }

    fn retries(&self, _: &Tag<'_>) -> Option<By<Again>> {
        None
    }

    fn skews(&self, user: u32) -> Option<By<Skew>> {
        let is_wrong = user == 0 && self.clock.now() < self.until;
        is_wrong.then_some(By { fault: 3, what: self.skew })
    }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A user whose clock is wrong until then.
fn user(server: &Server, skew: Skew, until: Duration) -> Arc<Client> {
    let wrong = Wrong { clock: Clock::of_runtime(), skew, until };
    Client::new(granted_under(server, profile(), Arc::new(wrong)), 0)
}

/// One call a second, for so many seconds.
async fn calls(client: &Arc<Client>, seconds: u64) -> Told {
    let clock = client.common.wire.clock.clone();
    for second in 0..seconds {
        clock.sleep_until(s(second)).await;
        client.call(s(second), ASK).await;
    }
    told(client)
}

/// When the calls were due that met the fault, in seconds.
fn met(told: &Told) -> Vec<u64> {
    let met = told.calls.iter().filter(|call| call.touched == Touched::by(3));
    met.map(|call| call.instants.due.as_secs()).collect()
}

/// When tokens were renewed, in seconds.
fn refreshes(server: &Server) -> Vec<u64> {
    let seen = server.seen().into_iter();
    let refreshes = seen.filter(|seen| seen.body.contains("grant_type=refresh_token"));
    refreshes.map(|seen| seen.at.as_secs()).collect()
}

fn all_went_well(told: &Told) {
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
    assert!(told.grants.iter().all(|change| !matches!(change, GrantChange::Lost | &AGAIN)));
}

#[tokio::test(start_paused = true)]
async fn whose_clock_is_ahead_renews_early_and_as_ever_after_it() {
    let server = guarded(&Authority::new(LIFETIME), |_| None);
    let client = user(&server, Skew::Ahead(s(10)), s(40));
    // Due at 24 s by the real clock: at 14, and so on until the clock is right again.
    let told = calls(&client, 80).await;
    assert_eq!(refreshes(&server), [14, 28, 52, 76]);
    assert_eq!(met(&told), [14, 28]);
    all_went_well(&told);
}

#[tokio::test(start_paused = true)]
async fn whose_clock_is_far_ahead_renews_for_every_exchange() {
    let server = guarded(&Authority::new(LIFETIME), |_| None);
    let client = user(&server, Skew::Ahead(s(90)), s(4));
    // The first call gets its token, and no clock makes that an old one.
    let told = calls(&client, 10).await;
    assert_eq!(refreshes(&server), [0, 0, 1, 2, 3]);
    assert_eq!(met(&told), [0, 1, 2, 3]);
    all_went_well(&told);
}

#[tokio::test(start_paused = true)]
async fn whose_clock_is_behind_presents_its_token_until_it_is_refused() {
    let server = guarded(&Authority::new(LIFETIME), |_| None);
    let client = user(&server, Skew::Behind(s(90)), s(40));
    let told = calls(&client, 60).await;
    // Renewed by its 401, and later by the real clock.
    assert_eq!(refreshes(&server), [30, 54]);
    // From when it was due, and with the 401 it met.
    assert_eq!(met(&told), (24..=30).collect::<Vec<_>>());
    let refused: Vec<_> = told
        .exchanges
        .iter()
        .filter(|exchange| exchange.outcome == Outcome::Unauthorised(401))
        .map(|exchange| (exchange.began.as_secs(), exchange.touched))
        .collect();
    assert_eq!(refused, [(0, Touched::default()), (30, Touched::by(3))]);
    let expired = told.grants.iter().filter(|change| **change == GrantChange::Expired).count();
    assert_eq!(expired, 1, "its time was over, whatever its process took it to be");
    all_went_well(&told);
}

#[tokio::test(start_paused = true)]
async fn who_throws_a_good_token_away_and_gets_no_other_has_none() {
    let server = guarded(&Authority::new(LIFETIME), |seen| {
        let refreshes = seen.body.contains("grant_type=refresh_token");
        (refreshes && seen.at >= s(1)).then(|| refused(503, "temporarily_unavailable"))
    });
    let client = user(&server, Skew::Ahead(s(90)), s(3));
    let told = calls(&client, 5).await;
    let outcomes: Vec<_> = told.calls.iter().map(|call| call.outcome).collect();
    let without = Outcome::Unauthorised(401);
    assert_eq!(outcomes, [Outcome::Ok, without, without, Outcome::Ok, Outcome::Ok]);
    assert_eq!(met(&told), [0, 1, 2], "the fault is why");
}

#[tokio::test(start_paused = true)]
async fn another_users_clock_is_right() {
    let server = guarded(&Authority::new(LIFETIME), |_| None);
    let wrong = Wrong { clock: Clock::of_runtime(), skew: Skew::Ahead(s(90)), until: s(60) };
    let client = Client::new(granted_under(&server, profile(), Arc::new(wrong)), 1);
    assert_eq!(met(&calls(&client, 20).await), [0; 0]);
    assert_eq!(refreshes(&server), [0; 0]);
}
