//! A proxy in front of one server: every connection to it goes on to the server, through two lanes.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::lane::{InForce, Lane};
use super::pipe::{Ended, carry};
use crate::edge::clock::Clock;
use crate::edge::dial::Dial;
use crate::edge::mark::{Forces, Mark, Marks};
use crate::edge::net::{listen_now, reset};
use crate::model::chance::{Key, Purpose};
use crate::model::fault::{Direction, Effect, Ending, Touched};

/// After a connection that could not be accepted, or a port that is still taken.
const PAUSE: Duration = Duration::from_millis(50);

/// What may befall connections, and which of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Force {
    /// The same for the same fault, below 64.
    pub id: u8,
    /// The share of connections that it befalls; 0 to 1.
    pub share: f64,
    /// What it does.
    pub does: Does,
}

/// What a force does.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// Something to what passes in one direction.
    Lane(Direction, Effect),
    /// New connections are reset as soon as they are there.
    Refuse,
    /// Nobody listens, and connections that are there are reset.
    Down,
}

/// News of what may befall connections.
pub type News = watch::Receiver<Arc<[Force]>>;

/// Where a proxy listens, and whom it leads to.
#[derive(Debug)]
pub struct Between {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where it goes on to, whatever TLS its route has.
    pub upstream: Arc<Dial>,
    /// The faults that it is about, a bit each.
    pub about: Touched,
    /// Whoever connects asks what befell the connection.
    pub is_marked: bool,
    /// It goes on from these addresses of this machine where a connection came from one.
    pub sources: Vec<IpAddr>,
}

/// One proxy; it ends, and its connections with it, when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    marks: Option<Arc<Marks>>,
    /// What may have kept somebody from connecting; one because of which nobody listens until somebody
    /// does.
    way: Arc<Forces>,
    accepting: JoinHandle<()>,
}

/// What all connections of a proxy share.
#[derive(Debug, Clone)]
struct Shared {
    upstream: Arc<Dial>,
    clock: Clock,
    seed: u64,
    about: Touched,
    sources: Arc<[IpAddr]>,
    news: News,
    marks: Option<Arc<Marks>>,
    way: Arc<Forces>,
}

impl Proxy {
    /// One that does to its connections what `news` tells; within a runtime.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn start(between: Between, clock: Clock, seed: u64, news: News) -> io::Result<Self> {
        let Between { listen, upstream, about, is_marked, sources } = between;
        let listener = listen_now(listen)?;
        let address = listener.local_addr()?;
        let marks = is_marked.then(Arc::<Marks>::default);
        let marked = marks.clone();
        let shared = Shared {
            upstream,
            clock,
            seed,
            about,
            sources: sources.into(),
            news,
            marks: marked,
            way: Arc::default(),
        };
        let way = Arc::clone(&shared.way);
        let accepting = tokio::spawn(serve(listener, address, shared));
        Ok(Self { address, marks, way, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and its connections with it; when this completes its port is free.
    pub async fn end(mut self) {
        self.accepting.abort();
        // Aborted or over: its listener is closed in either case.
        let _over = (&mut self.accepting).await.is_ok();
    }

    /// What befalls the connection that comes from here and was begun then; its other end asks, once.
    pub fn mark(&self, from: SocketAddr, began: Duration) -> Option<Arc<Mark>> {
        self.marks.as_ref().map(|marks| marks.meet_near(from, began))
    }

    /// The faults that were in force since then and may have kept somebody from connecting.
    pub fn in_the_way(&self, since: Duration) -> Touched {
        self.way.since(since)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// A connection is reset: who asks for its mark now asks for that of another.
    fn left(&self, from: SocketAddr, mark: &Arc<Mark>) {
        if let Some(marks) = &self.marks {
            marks.leave(from, mark, self.clock.now());
        }
    }

    /// The forces in force that befall connection `number`.
    fn befalling<'a>(
        &self,
        forces: &'a [Force],
        number: u64,
    ) -> impl Iterator<Item = &'a Force> + use<'a> {
        let (about, key) = (self.about, Key::of_run(self.seed, number));
        forces.iter().filter(move |force| {
            let mut chance = key.of_subagent(force.id.into()).draw(Purpose::Fault);
            about.has(force.id) && chance.happens(force.share)
        })
    }
}

async fn serve(listener: TcpListener, address: SocketAddr, mut shared: Shared) {
    let (mut listener, mut open, mut number) = (Some(listener), JoinSet::new(), 0);
    let mut closed_by = Touched::default();
    loop {
        let about = shared.about;
        let (mut faults, mut down) = (Touched::default(), Touched::default());
        for force in shared.news.borrow_and_update().iter().filter(|force| about.has(force.id)) {
            let fault = Touched::by(force.id);
            faults = faults.and(fault);
            if force.does == Does::Down {
                down = down.and(fault);
            }
        }
        let is_down = down.is_any();
        match &listener {
            Some(_) if is_down => {
                (listener, closed_by) = (None, down);
            }
            None if !is_down => {
                // Whoever came last to the port that was closed is not who comes next.
                if let Some(marks) = &shared.marks {
                    marks.forget();
                }
                listener = listen_now(address).ok();
            }
            _ => {}
        }
        let closed = if listener.is_none() { closed_by } else { Touched::default() };
        shared.way.set(faults.and(closed), shared.clock.now());
        let waits = !is_down && listener.is_none();
        tokio::select! {
            accepted = accept(listener.as_ref()) => match accepted {
                Ok((near, from)) => {
                    open.spawn(converse(near, from, number, shared.clone()));
                    number += 1;
                }
                Err(_) => shared.clock.sleep(PAUSE).await,
            },
            changed = shared.news.changed() => if changed.is_err() {
                // Nobody changes anything any more: its connections end by themselves.
                return;
            },
            () = shared.clock.sleep(PAUSE), if waits => {}
            Some(_ended) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// One connection, to its end.
async fn converse(mut near: TcpStream, from: SocketAddr, number: u64, shared: Shared) {
    // A refusal leaves the connection as it was: slower, and still a connection.
    let _refused = near.set_nodelay(true).is_err();
    let mark = shared.marks.as_ref().map(|marks| marks.meet_far(from)).unwrap_or_default();
    let refusal = {
        let forces = shared.news.borrow();
        let mut befalling = shared.befalling(&forces, number);
        befalling.find(|force| force.does == Does::Refuse).map(|force| force.id)
    };
    if let Some(fault) = refusal {
        mark.touch(Touched::by(fault).0, shared.clock.now());
        mark.end();
        shared.left(from, &mark);
        return reset(near);
    }
    let source = Some(from.ip()).filter(|source| shared.sources.contains(source));
    let mut far = match shared.upstream.plainly(source).await {
        Ok(far) => far,
        Err(failure) => {
            mark.fail(failure);
            // The nearest thing to a refusal: the connection is there already.
            return reset(near);
        }
    };
    let key = Key::of_run(shared.seed, number);
    let side = |direction: Direction| {
        let shared = &shared;
        move |forces: &[Force]| -> Vec<InForce> {
            let mine = shared.befalling(forces, number).filter_map(|force| {
                let effect = match &force.does {
                    Does::Lane(on, effect) => (*on == direction).then(|| effect.clone()),
                    Does::Refuse => None,
                    Does::Down => Some(Effect::EndAfter(Duration::ZERO, Ending::Reset)),
                };
                effect.map(|effect| InForce { id: force.id, effect })
            });
            mine.collect()
        }
    };
    let lane = |turn| Lane::new(key.at_turn(turn).draw(Purpose::Fault));
    let (mut up, mut down) = (lane(1), lane(2));
    let ended = {
        let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
        let told = (&shared.clock, &*mark);
        let news = || shared.news.clone();
        let upwards = carry(told, (near_in, far_out), &mut up, (news(), side(Direction::Upstream)));
        let downwards =
            carry(told, (far_in, near_out), &mut down, (news(), side(Direction::Downstream)));
        both(upwards, downwards).await
    };
    if matches!(ended, Ended::By(_)) {
        mark.end();
    }
    if matches!(ended, Ended::By(Ending::Reset) | Ended::Broken) {
        shared.left(from, &mark);
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
