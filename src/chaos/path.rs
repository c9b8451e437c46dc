//! The way of a load to its servers: through a proxy wherever a fault of the network may befall it,
//! and what is in force on it, by the timeline.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::proxy::{Between, Does, Force, News, Proxy};
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::mark::Mark;
use crate::edge::net::{Connect, Link};
use crate::model::fault::{Fault, Mischief, Network, Touched, What, Window, windows};
use crate::model::leg::Leg;
use crate::model::outcome::ConnectFailure;

/// All proxies of a load, and what is in force on them.
#[derive(Debug)]
pub struct Path {
    faults: Vec<Fault>,
    windows: Vec<Window>,
    clock: Clock,
    seed: u64,
    /// Where the load's connections leave from, if it says so.
    sources: Vec<IpAddr>,
    forces: watch::Sender<Arc<[Force]>>,
    proxies: Mutex<Vec<(Stretch, Arc<Proxy>)>>,
}

/// What a proxy is in front of, and which faults it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    host: String,
    port: u16,
    instead: Option<SocketAddr>,
    about: Touched,
}

impl Path {
    /// The way of a load that lasts until `end` at most, its connections leaving from `sources`;
    /// nothing where no fault is on the network.
    pub fn of(
        (faults, end): (&[Fault], Duration),
        sources: &[IpAddr],
        clock: Clock,
        seed: u64,
    ) -> Option<Arc<Self>> {
        let hops = faults.iter().flat_map(|fault| match &fault.what {
            What::Mischief(Mischief::Hop(addresses)) => addresses.as_slice(),
            _ => &[],
        });
        faults.iter().any(|fault| matches!(fault.what, What::Network(_))).then(|| {
            Arc::new(Self {
                windows: windows(faults, end),
                faults: faults.to_vec(),
                clock,
                seed,
                sources: sources.iter().chain(hops).copied().collect(),
                forces: watch::channel(Arc::from([])).0,
                proxies: Mutex::default(),
            })
        })
    }

    /// The faults that may befall exchanges of this leg of OAuth, or of MCP.
    pub fn about(&self, leg: Option<Leg>) -> Touched {
        let numbered = (0..).zip(&self.faults);
        let about = numbered.filter(|(_, fault)| {
            matches!(fault.what, What::Network(_)) && fault.scope.traffic.means(leg)
        });
        about.fold(Touched::default(), |all, (number, _)| all.and(Touched::by(number)))
    }

    /// What connects to `route` for exchanges of this leg, or of MCP.
    ///
    /// # Errors
    /// When this machine has no port left.
    pub fn through(
        self: &Arc<Self>,
        route: Route,
        leg: Option<Leg>,
    ) -> io::Result<Arc<dyn Connect>> {
        let about = self.about(leg);
        if !about.is_any() {
            return Ok(Arc::new(Dial::new(route, self.clock.clone())));
        }
        let proxy = self.proxy(&route, about)?;
        let instead = Some(proxy.address());
        let dial = Dial::new(Route { instead, ..route }, self.clock.clone());
        Ok(Arc::new(Through { dial, proxy, path: Arc::clone(self) }))
    }

    fn proxy(&self, route: &Route, about: Touched) -> io::Result<Arc<Proxy>> {
        let Route { host, port, instead, .. } = route.clone();
        let stretch = Stretch { host, port, instead, about };
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, proxy)) = proxies.iter().find(|(known, _)| *known == stretch) {
            return Ok(Arc::clone(proxy));
        }
        let is_six = self.sources.first().is_some_and(IpAddr::is_ipv6);
        let here: IpAddr =
            if is_six { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let between = Between {
            listen: SocketAddr::new(here, 0),
            upstream: Arc::new(Dial::new(route.clone(), self.clock.clone())),
            about,
            is_marked: true,
            sources: self.sources.clone(),
        };
        let number = u64::try_from(proxies.len()).unwrap_or_default();
        let seed = self.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let news: News = self.forces.subscribe();
        let proxy = Arc::new(Proxy::start(between, self.clock.clone(), seed, news)?);
        proxies.push((stretch, Arc::clone(&proxy)));
        Ok(proxy)
    }

    /// Puts in force what is, whenever that changes; completes when nothing more will.
    pub async fn follow(&self) {
        let mut changes: Vec<_> = self
            .windows
            .iter()
            .flat_map(|window| [Some(window.from), window.until])
            .flatten()
            .collect();
        changes.sort_unstable();
        changes.dedup();
        for change in changes {
            self.clock.sleep_until(change).await;
            self.forces.send_replace(self.in_force(change));
        }
    }

    fn in_force(&self, now: Duration) -> Arc<[Force]> {
        let open = self.windows.iter().filter(|window| window.is_open(now));
        let forces = open.filter_map(|window| {
            let fault = self.faults.get(usize::from(window.fault))?;
            let What::Network(network) = &fault.what else { return None };
            let does = match network {
                Network::Lane(lane) => lane
                    .iter()
                    .map(|(direction, effect)| Does::Lane(*direction, effect.clone()))
                    .collect(),
                Network::Refuse => vec![Does::Refuse],
                Network::Down => vec![Does::Down],
            };
            let force = move |does| Force { id: window.fault, share: fault.share, does };
            Some(does.into_iter().map(force))
        });
        forces.flatten().collect()
    }
}

/// Connects through a proxy, and asks it what befalls the connection.
#[derive(Debug)]
struct Through {
    dial: Dial,
    proxy: Arc<Proxy>,
    /// Its proxies hear the news as long as this is there.
    path: Arc<Path>,
}

impl Through {
    /// The connection, with what befalls it on the path.
    fn marked(&self, link: Link, began: Duration) -> Link {
        // One that was reset already has no port any more: nobody meets it, and it is known why.
        let from = link.io.leaves_from().filter(|from| from.port() != 0);
        let mark = from.and_then(|from| self.proxy.mark(from, began)).unwrap_or_else(|| {
            let mark = Mark::default();
            mark.touch(self.proxy.in_the_way(began).0, self.path.clock.now());
            mark.end();
            Arc::new(mark)
        });
        Link { mark: Some(mark), ..link }
    }
}

impl Connect for Through {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        self.connect_from(None)
    }

    fn connect_from(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async move {
            let began = self.path.clock.now();
            Ok(self.marked(self.dial.connect_from(from).await?, began))
        })
    }

    fn connect_narrow(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async move {
            let began = self.path.clock.now();
            Ok(self.marked(self.dial.connect_narrow(from).await?, began))
        })
    }

    fn in_the_way(&self, since: Duration) -> Touched {
        self.proxy.in_the_way(since)
    }

    fn may_multiplex(&self) -> bool {
        self.dial.may_multiplex()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::edge::net::listen;
    use crate::model::fault::{Direction, Effect, Ending, Scope, Traffic, When};
    use crate::model::plan::Http;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn fault(network: Network, at: Duration, traffic: Traffic) -> Fault {
        let when = When { at, lasts: Some(ms(300)), every: None, repeat: None };
        let scope = Scope { traffic, ..Scope::default() };
        let (name, what) = (String::new(), What::Network(network));
        Fault { name, kind: "", when, share: 1.0, scope, what }
    }

    /// A server that says back what it is told, and the way to it with these faults on it.
    async fn echo(faults: &[Fault]) -> (Arc<Path>, Arc<dyn Connect>, SocketAddr) {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(say_back(listener));
        let path = Path::of((faults, ms(9_000)), &[], Clock::real(), 7).unwrap();
        let connect = path.through(route(address), None).unwrap();
        let following = Arc::clone(&path);
        tokio::spawn(async move { following.follow().await });
        (path, connect, address)
    }

    fn route(to: SocketAddr) -> Route {
        Route {
            host: to.ip().to_string(),
            port: to.port(),
            instead: None,
            tls: None,
            http: Http::One,
            public_only: false,
        }
    }

    async fn say_back(listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ended = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    }

    /// What comes back of one word, and the faults that befell the connection.
    async fn ask(link: &mut Link) -> (Option<String>, Touched) {
        let mut buffer = [0; 5];
        let came = match link.io.write_all(b"hello").await {
            Ok(()) => link.io.read_exact(&mut buffer).await.map(drop),
            Err(error) => Err(error),
        };
        let touched = link.mark.as_ref().unwrap().touched_since(Duration::ZERO);
        (came.ok().map(|()| String::from_utf8_lossy(&buffer).into_owned()), touched)
    }

    #[tokio::test]
    async fn a_connection_knows_what_befell_it_and_the_next_one_is_well() {
        let reset = Network::Lane(vec![(
            Direction::Downstream,
            Effect::EndAfter(Duration::ZERO, Ending::Reset),
        )]);
        let (path, connect, _) = echo(&[fault(reset, ms(400), Traffic::All)]).await;
        let mut link = connect.connect().await.unwrap();
        assert_eq!(ask(&mut link).await, (Some("hello".to_owned()), Touched::default()));
        path.clock.sleep_until(ms(450)).await;
        assert_eq!(ask(&mut link).await, (None, Touched::by(0)));
        assert_eq!(connect.in_the_way(ms(420)), Touched::by(0));
        path.clock.sleep_until(ms(750)).await;
        let mut link = connect.connect().await.unwrap();
        assert_eq!(ask(&mut link).await, (Some("hello".to_owned()), Touched::default()));
        assert_eq!(connect.in_the_way(ms(740)), Touched::default());
        assert_eq!(connect.in_the_way(ms(420)), Touched::by(0), "it was when it began");
    }

    #[tokio::test]
    async fn a_connection_that_lost_bytes_never_comes_right() {
        let hole = Network::Lane(vec![(Direction::Upstream, Effect::Discard(0))]);
        let (path, connect, _) = echo(&[fault(hole, ms(200), Traffic::All)]).await;
        let mut links = [connect.connect().await.unwrap(), connect.connect().await.unwrap()];
        path.clock.sleep_until(ms(250)).await;
        links[0].io.write_all(b"hello").await.unwrap();
        path.clock.sleep_until(ms(550)).await;
        let touched = links.map(|link| link.mark.unwrap().touched_since(ms(540)));
        assert_eq!(touched, [Touched::by(0), Touched::default()]);
    }

    #[tokio::test]
    async fn nobody_listens_while_it_is_down_and_the_same_port_does_again() {
        let (path, connect, _) = echo(&[fault(Network::Down, ms(300), Traffic::All)]).await;
        let clock = path.clock.clone();
        // Who uses the way is enough to keep it.
        drop(path);
        let mut link = connect.connect().await.unwrap();
        assert!(ask(&mut link).await.0.is_some());
        clock.sleep_until(ms(400)).await;
        assert_eq!(ask(&mut link).await, (None, Touched::by(0)));
        assert_eq!(connect.connect().await.unwrap_err(), ConnectFailure::Refused);
        clock.sleep_until(ms(800)).await;
        let mut link = connect.connect().await.unwrap();
        assert!(ask(&mut link).await.0.is_some());
    }

    #[tokio::test]
    async fn new_connections_are_reset_and_old_ones_are_not() {
        let (path, connect, _) = echo(&[fault(Network::Refuse, ms(300), Traffic::All)]).await;
        let mut old = connect.connect().await.unwrap();
        assert!(ask(&mut old).await.0.is_some());
        path.clock.sleep_until(ms(400)).await;
        let mut new = connect.connect().await.unwrap();
        assert_eq!(ask(&mut new).await, (None, Touched::by(0)));
        assert_eq!(ask(&mut old).await, (Some("hello".to_owned()), Touched::default()));
    }

    #[tokio::test]
    async fn each_leg_has_its_own_way_and_one_without_faults_has_no_proxy() {
        let fault = fault(Network::Refuse, ms(0), Traffic::Leg(Leg::Token));
        let (path, connect, address) = echo(&[fault]).await;
        assert!(connect.connect().await.unwrap().mark.is_none());
        for (leg, is_marked) in [(Leg::Token, true), (Leg::Refresh, false)] {
            let connect = path.through(route(address), Some(leg)).unwrap();
            assert_eq!(connect.connect().await.unwrap().mark.is_some(), is_marked);
        }
    }

    #[tokio::test]
    async fn the_target_sees_the_address_that_a_user_has() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 4, last]));
        let late = fault(Network::Refuse, ms(8_000), Traffic::All);
        let path = Path::of((&[late], ms(9_000)), &[one, two], Clock::real(), 7).unwrap();
        let connect = path.through(route(address), None).unwrap();
        for from in [two, one] {
            let _link = connect.connect_from(Some(from)).await.unwrap();
            let (_stream, came) = listener.accept().await.unwrap();
            assert_eq!(came.ip(), from);
        }
    }

    #[tokio::test]
    async fn a_target_that_refuses_is_not_taken_for_a_proxy_that_does() {
        let (path, _, _) = echo(&[fault(Network::Refuse, ms(8_000), Traffic::All)]).await;
        let closed = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let nowhere = closed.local_addr().unwrap();
        drop(closed);
        let connect = path.through(route(nowhere), None).unwrap();
        let mut link = connect.connect().await.unwrap();
        assert_eq!(ask(&mut link).await, (None, Touched::default()));
        assert_eq!(link.mark.unwrap().failure(), Some(ConnectFailure::Refused));
    }
}
