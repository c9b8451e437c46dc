//! A proxy in front of one server: every connection to it goes on to the server, through two lanes.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::lane::{InForce, Lane};
use super::pipe::{Ended, News, carry};
use crate::edge::clock::Clock;
use crate::edge::dial::Dial;
use crate::edge::net::{listen, reset};
use crate::model::chance::{Key, Purpose};
use crate::model::fault::{Direction, Ending};

/// After a connection that could not be accepted: descriptors in use come back.
const PAUSE: Duration = Duration::from_millis(50);

/// What may befall connections: an effect, and which of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Force {
    /// What it does.
    pub effect: InForce,
    /// Which direction it is in.
    pub direction: Direction,
    /// The share of connections that it befalls; 0 to 1.
    pub share: f64,
}

/// One proxy; it ends, and its connections with it, when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    forces: watch::Sender<Arc<[Force]>>,
    accepting: JoinHandle<()>,
}

/// What all connections of a proxy share.
#[derive(Debug, Clone)]
struct Shared {
    upstream: Arc<Dial>,
    clock: Clock,
    seed: u64,
    news: News,
}

impl Proxy {
    /// One that listens at `address`, and goes on to `upstream`, whatever TLS its route has.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(
        address: SocketAddr,
        upstream: Arc<Dial>,
        clock: Clock,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let (forces, news) = watch::channel(Arc::from([]));
        let shared = Shared { upstream, clock, seed, news };
        let accepting = tokio::spawn(accept(listener, shared));
        Ok(Self { address, forces, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this is in force, in this order.
    pub fn set(&self, forces: Vec<Force>) {
        self.forces.send_replace(forces.into());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let mut open = JoinSet::new();
    for number in 0.. {
        let near = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((near, _)) => break near,
                    Err(_) => shared.clock.sleep(PAUSE).await,
                },
                Some(_ended) = open.join_next(), if !open.is_empty() => {}
            }
        };
        open.spawn(converse(near, number, shared.clone()));
    }
}

/// One connection, to its end.
async fn converse(mut near: TcpStream, number: u64, shared: Shared) {
    // A refusal leaves the connection as it was: slower, and still a connection.
    let _refused = near.set_nodelay(true).is_err();
    let Shared { upstream, clock, seed, news } = shared;
    let Ok(mut far) = upstream.plainly().await else {
        // The nearest thing to a refusal: the connection is there already.
        return reset(near);
    };
    let key = Key::of_run(seed, number);
    let side = |direction: Direction| {
        move |forces: &[Force]| -> Vec<InForce> {
            let mine = forces.iter().filter(|force| force.direction == direction);
            let befalls = |force: &&Force| {
                key.of_subagent(force.effect.id.into()).draw(Purpose::Fault).happens(force.share)
            };
            mine.filter(befalls).map(|force| force.effect.clone()).collect()
        }
    };
    let lane = |turn| Lane::new(key.at_turn(turn).draw(Purpose::Fault));
    let (mut up, mut down) = (lane(1), lane(2));
    let ended = {
        let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
        let upwards =
            carry(&clock, (near_in, far_out), &mut up, (news.clone(), side(Direction::Upstream)));
        let downwards =
            carry(&clock, (far_in, near_out), &mut down, (news, side(Direction::Downstream)));
        both(upwards, downwards).await
    };
    if matches!(ended, Ended::By(Ending::Reset) | Ended::Broken) {
        reset(near);
        reset(far);
    }
}

/// Both directions: until both have finished, or one ends the connection.
async fn both(one: impl Future<Output = Ended>, other: impl Future<Output = Ended>) -> Ended {
    let (mut one, mut other) = (pin!(one), pin!(other));
    tokio::select! {
        ended = &mut one => if ended == Ended::Finished { other.await } else { ended },
        ended = &mut other => if ended == Ended::Finished { one.await } else { ended },
    }
}
