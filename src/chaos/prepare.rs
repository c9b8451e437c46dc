//! What must be right before anything outside is changed, and the state file that comes first.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Client;
use url::Url;

use super::hook::{Hide, Means};
use super::outside::Outside;
use super::state::{Changes, Keeper, Put, SCHEMA, State};
use super::toxiproxy::{Failure, Shown, Toxiproxy};
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::mark::Forces;
use crate::model::fault::outside::{Hook, Toxic};
use crate::model::fault::{Fault, What};
use crate::model::outcome::ConnectFailure;
use crate::model::plan::{Http, Plan, TargetUrl};

/// Why nothing was changed and no load made.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The server does not answer, or is none.
    #[error(
        "Toxiproxy at {url} {failure}: start it, or correct url under [toxiproxy]; no load was made"
    )]
    Server {
        /// Its URL.
        url: String,
        /// What it did.
        failure: Failure,
    },
    /// A proxy that a fault names is not there.
    #[error(
        "Toxiproxy at {url} has no proxy {proxy}, which the fault {fault} names; it has {known}: \
         correct proxy, or make it first"
    )]
    NoProxy {
        /// The server.
        url: String,
        /// The proxy.
        proxy: String,
        /// The fault.
        fault: String,
        /// Those it has.
        known: String,
    },
    /// A proxy that a fault names is disabled.
    #[error(
        "the proxy {proxy} of Toxiproxy at {url} is disabled, and the fault {fault} would do nothing: \
         enable it first"
    )]
    Disabled {
        /// The server.
        url: String,
        /// The proxy.
        proxy: String,
        /// The fault.
        fault: String,
    },
    /// The name of our own proxy is another's.
    #[error(
        "Toxiproxy at {url} has a proxy {proxy} already: give another name under [toxiproxy], or \
         remove that proxy; one that a squall left which was killed is removed by `squall chaos \
         restore`"
    )]
    Taken {
        /// The server.
        url: String,
        /// The name.
        proxy: String,
    },
    /// Our own proxy cannot be had.
    #[error(
        "Toxiproxy at {url} {failure}, asked for a proxy at {listen} that leads to {upstream}: \
         correct listen under [toxiproxy]"
    )]
    Proxy {
        /// The server.
        url: String,
        /// What it did.
        failure: Failure,
        /// Where it was to listen.
        listen: String,
        /// Where it was to lead.
        upstream: String,
    },
    /// Our own proxy is nowhere that can be reached.
    #[error(
        "the proxy of Toxiproxy at {url} listens at {listen}, and is not reached from here ({why}): \
         correct listen under [toxiproxy]"
    )]
    Apart {
        /// The server.
        url: String,
        /// Where it listens.
        listen: String,
        /// Why it is not reached.
        why: &'static str,
    },
    /// There is nowhere to write down what is to be put back.
    #[error(
        "no folder to write down what is to be put back: set XDG_STATE_HOME or HOME; nothing was \
         changed"
    )]
    Nowhere,
    /// It cannot be written down.
    #[error("cannot write down in {folder} what is to be put back: {error}; nothing was changed")]
    State {
        /// Where.
        folder: String,
        /// What the system said.
        error: std::io::Error,
    },
}

/// A Toxiproxy server in a run.
#[derive(Debug)]
pub struct Server {
    pub(super) api: Toxiproxy,
    pub(super) changes: Changes,
    /// Where connections to the target go instead.
    pub(super) instead: Option<SocketAddr>,
    run: String,
}

impl Server {
    /// The proxy that a toxic is on.
    pub(super) fn proxy_of<'a>(&'a self, toxic: &'a Toxic) -> &'a str {
        toxic.proxy.as_deref().or(self.changes.made.as_deref()).unwrap_or_default()
    }

    /// The name of a fault's toxic: nobody else's.
    pub(super) fn toxic(&self, fault: u8) -> String {
        toxic_name(&self.run, usize::from(fault))
    }
}

fn toxic_name(run: &str, fault: usize) -> String {
    format!("squall-{run}-{fault}")
}

/// What a run has to act with.
pub struct Hands {
    /// Makes requests: follows no redirects, and uses no proxy.
    pub client: Client,
    /// Takes secrets out of what comes back.
    pub hide: Hide,
    /// The target as it is dialled, `host:port`.
    pub upstream: String,
    /// A name of the run that no other has, of letters, digits and `-`.
    pub run: String,
    /// Where state files are.
    pub folder: Option<PathBuf>,
}

/// Makes everything ready for the faults of a plan that act outside; nothing if there are none.
///
/// # Errors
/// When it cannot be as the plan says. Then nothing is changed.
pub async fn begin(plan: &Plan, hands: Hands) -> Result<Option<Outside>, OutsideError> {
    let toxics: Vec<_> = plan.faults.iter().enumerate().filter_map(toxic_of).collect();
    if toxics.is_empty() && !plan.faults.iter().any(|fault| hook_of(fault).is_some()) {
        return Ok(None);
    }
    let Hands { client, hide, upstream, run, folder } = hands;
    let folder = folder.ok_or(OutsideError::Nowhere)?;
    let mut server = None;
    if let (Some(asked), false) = (&plan.toxiproxy, toxics.is_empty()) {
        let url = Url::parse(&asked.url).map_err(|error| OutsideError::Server {
            url: asked.shown.clone(),
            failure: Failure::Foreign(error.to_string()),
        })?;
        let api = Toxiproxy::new(client.clone(), url);
        let own = asked.name.clone().unwrap_or_else(|| format!("squall-{run}"));
        let changes = checked(&api, &asked.shown, &toxics, (&run, own)).await?;
        server = Some((asked, Server { api, changes, instead: None, run: run.clone() }));
    }
    let toxiproxy = server.as_ref().map(|(_, server)| server.changes.clone());
    let (schema, scenario) = (SCHEMA.to_owned(), plan.name.clone());
    let state = State { schema, scenario, toxiproxy, cleanups: Vec::new() };
    let shown = folder.display().to_string();
    let keeper = Keeper::begin(folder, format!("chaos-{run}"), state).await;
    let keeper = keeper.map_err(|error| OutsideError::State { folder: shown, error })?;
    let end = plan.load.pace.length() + plan.load.drain;
    let means = Means { clock: Clock::of_runtime(), client, hide };
    let faults = plan.faults.clone().into();
    let forces = Arc::<Forces>::default();
    let Some((asked, server)) = server else {
        return Ok(Some(Outside { faults, end, server: None, keeper, means, forces }));
    };
    let mut outside = Outside { faults, end, server: Some(server), keeper, means, forces };
    let made = outside.make_own(&asked.shown, &asked.listen, &upstream).await;
    if let Err(error) = made {
        let _left = outside.put_back().await;
        return Err(error);
    }
    Ok(Some(outside))
}

impl Outside {
    /// Makes the proxy on the path to the target, if one is needed.
    async fn make_own(
        &mut self,
        url: &str,
        listen: &str,
        upstream: &str,
    ) -> Result<(), OutsideError> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some(own) = server.changes.made.clone() else { return Ok(()) };
        let url = || url.to_owned();
        match server.api.create(&own, listen, upstream).await {
            Ok(shown) => {
                let found = reached(&shown, server.api.url()).await;
                let apart =
                    |why| OutsideError::Apart { url: url(), listen: shown.listen.clone(), why };
                server.instead = Some(found.map_err(apart)?);
                Ok(())
            }
            Err(Failure::Refused { status: 409, .. }) => {
                // Somebody was faster: that one is not ours to remove.
                server.changes.made = None;
                Err(OutsideError::Taken { url: url(), proxy: own })
            }
            Err(failure) => {
                let (listen, upstream) = (listen.to_owned(), upstream.to_owned());
                Err(OutsideError::Proxy { url: url(), failure, listen, upstream })
            }
        }
    }
}

fn toxic_of((number, fault): (usize, &Fault)) -> Option<(usize, &Fault, &Toxic)> {
    match &fault.what {
        What::Toxic(toxic) => Some((number, fault, toxic)),
        _ => None,
    }
}

const fn hook_of(fault: &Fault) -> Option<&Hook> {
    match &fault.what {
        What::Hook(hook) => Some(hook),
        _ => None,
    }
}

/// Everything that the server must have, or must not, and what is going to change there.
async fn checked(
    api: &Toxiproxy,
    shown: &str,
    toxics: &[(usize, &Fault, &Toxic)],
    (run, own): (&str, String),
) -> Result<Changes, OutsideError> {
    let url = || shown.to_owned();
    let failed = |failure| OutsideError::Server { url: url(), failure };
    api.version().await.map_err(failed)?;
    let proxies = api.proxies().await.map_err(failed)?;
    let mut changes = Changes {
        url: api.url().to_string(),
        made: None,
        disabled: Vec::new(),
        toxics: Vec::new(),
    };
    for (number, fault, toxic) in toxics {
        let Some(proxy) = &toxic.proxy else {
            changes.made = Some(own.clone());
            continue;
        };
        let (fault, proxy) = (fault.name.clone(), proxy.clone());
        let Some(there) = proxies.get(&proxy) else {
            let known = known(proxies.keys());
            return Err(OutsideError::NoProxy { url: url(), proxy, fault, known });
        };
        if !there.enabled {
            return Err(OutsideError::Disabled { url: url(), proxy, fault });
        }
        if !toxic.is_down() {
            changes.toxics.push(Put { proxy, name: toxic_name(run, *number) });
        } else if !changes.disabled.contains(&proxy) {
            changes.disabled.push(proxy);
        }
    }
    match changes.made.clone() {
        Some(proxy) if proxies.contains_key(&proxy) => {
            Err(OutsideError::Taken { url: url(), proxy })
        }
        _ => Ok(changes),
    }
}

/// The first few names, for a person.
fn known<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let shown = |name: &String| name.chars().filter(|c| !c.is_control()).collect::<String>();
    let names: Vec<_> = names.take(10).map(shown).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Where a proxy of this server is dialled: what it says of itself, on the server's own host if it
/// listens everywhere. A server on this machine has its proxies here.
async fn reached(proxy: &Shown, api: &Url) -> Result<SocketAddr, &'static str> {
    let (host, port) = proxy.listen.rsplit_once(':').ok_or("that is no address")?;
    let port: u16 = port.parse().map_err(|_| "that is no port")?;
    let its_own = api.host_str().unwrap_or_default();
    let is_everywhere = bare(host).parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
    let host = bare(if host.is_empty() || is_everywhere { its_own } else { host });
    let is_here = |at: &SocketAddr| at.ip().is_loopback();
    let found = match host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) if host == "localhost" => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        Err(_) => named(host, port).await?,
    };
    if TargetUrl::Url(api.to_string()).is_loopback() && !is_here(&found) {
        return Err("that is not on this machine");
    }
    Ok(found)
}

/// A host without brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The address behind a name, by a connection to it.
async fn named(host: &str, port: u16) -> Result<SocketAddr, &'static str> {
    let (host, http) = (host.to_owned(), Http::One);
    let route = Route { host, port, instead: None, tls: None, http, public_only: false };
    let reached = Dial::new(route, Clock::of_runtime()).plainly(None).await;
    let reached = reached.map_err(ConnectFailure::name)?;
    reached.peer_addr().map_err(|_| "it was closed at once")
}
