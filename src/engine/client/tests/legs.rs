//! Faults that legs of OAuth meet, and the calls that go without what a leg was to bring.

use futures_util::future::BoxFuture;
use http::HeaderValue;
use url::Url;

use super::grants::profile;
use super::*;
use crate::edge::clock::Clock;
use crate::edge::net::{Connect, Link};
use crate::engine::holder::Wallet;
use crate::engine::legs::{Legs, Reach};
use crate::engine::realm::Realm;
use crate::engine::rehearsal::authority::{Authority, guarded, realm, refused};
use crate::model::fault::Touched;
use crate::model::leg::Leg;

/// Seconds that a token is good for; it is renewed when a fifth of them is left.
const LIFETIME: u64 = 30;
const WITHOUT: Outcome = Outcome::Unauthorised(401);

/// Legs find nobody there while fault 3 is in force.
#[derive(Debug, Clone)]
struct Down {
    server: Server,
    clock: Clock,
    from: Duration,
    until: Duration,
}

impl Down {
    fn is_in_force(&self) -> bool {
        (self.from..self.until).contains(&self.clock.now())
    }
}

impl Reach for Down {
    fn way(&self, _: &Url, _: Leg) -> Result<(Arc<dyn Connect>, HeaderValue), String> {
        Ok((Arc::new(self.clone()), HeaderValue::from_static("localhost")))
    }
}

impl Connect for Down {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        if self.is_in_force() {
            return Box::pin(async { Err(ConnectFailure::Refused) });
        }
        self.server.connect()
    }

    fn in_the_way(&self, _: Duration) -> Touched {
        if self.is_in_force() { Touched::by(3) } else { Touched::default() }
    }
}

/// A user whose legs find nobody there between these seconds.
fn user(server: &Server, (from, until): (u64, u64)) -> Arc<Client> {
    let mut common = common(server, profile(), &Credential::None);
    let shared = Arc::get_mut(&mut common).unwrap();
    let (wire, server) = (&shared.wire, server.clone());
    let (from, until) = (Duration::from_secs(from), Duration::from_secs(until));
    let sound = realm(&server, profile().oauth, wire, None);
    let down = Down { server, clock: wire.clock.clone(), from, until };
    let realm = Realm { legs: Legs::new(Arc::new(down), wire), ..sound };
    shared.wallet = Wallet::of(&Credential::None, &[]).unwrap().granted_by(realm);
    Client::new(common, 0)
}

/// So many calls a second, in these seconds.
async fn calls(client: &Arc<Client>, seconds: impl IntoIterator<Item = u64>, each: usize) -> Told {
    let clock = client.common.wire.clock.clone();
    for second in seconds {
        let due = Duration::from_secs(second);
        clock.sleep_until(due).await;
        futures_util::future::join_all((0..each).map(|_| client.call(due, ASK))).await;
    }
    told(client)
}

/// When the calls were due that met the fault, and those that went without a token, in seconds.
fn met(told: &Told) -> (Vec<u64>, Vec<u64>) {
    let due = |is_one: fn(&Call) -> bool| {
        let those = told.calls.iter().filter(|call| is_one(call));
        those.map(|call| call.instants.due.as_secs()).collect()
    };
    assert!(told.calls.iter().all(|call| matches!(call.outcome, Outcome::Ok | WITHOUT)));
    (due(|call| call.touched == Touched::by(3)), due(|call| call.outcome == WITHOUT))
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_another_refresh_has_met_what_the_last_one_met() {
    let server = guarded(&Authority::new(LIFETIME), |_| None);
    // Tried when it is due, and twice more after a pause of five seconds each.
    let told = calls(&user(&server, (20, 32)), 0..40, 1).await;
    assert_eq!(met(&told), (vec![24, 29, 30, 31, 32, 33], vec![30, 31, 32, 33]));
}

#[tokio::test(start_paused = true)]
async fn who_is_locked_out_has_met_what_its_login_met() {
    let server = guarded(&Authority::new(900), |_| None);
    let told = calls(&user(&server, (0, 9)), [0, 1, 59, 60, 61], 2).await;
    assert_eq!(met(&told), (vec![0, 0, 1, 1, 59, 59], vec![0, 0, 1, 1, 59, 59]));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_once_the_fault_is_over_has_met_nothing() {
    let server = guarded(&Authority::new(900), |seen| {
        seen.path.starts_with("/token").then(|| refused(503, "temporarily_unavailable"))
    });
    let told = calls(&user(&server, (0, 9)), [0, 60, 61], 1).await;
    assert_eq!(met(&told), (vec![0], vec![0, 60, 61]));
}
