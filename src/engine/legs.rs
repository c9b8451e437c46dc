//! The legs of OAuth on their way: each is one exchange, measured as every other one is.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, HeaderValue};
use url::{Position, Url};

use super::gate::Gate;
use super::recorder::Recorder;
use super::sources::Sources;
use super::wire::line::{Address, Lines};
use super::wire::{Ending, Flow, Reply, Request, Trail, Wire};
use crate::edge::clock::Clock;
use crate::edge::net::Connect;
use crate::model::fault::Touched;
use crate::model::leg::Leg;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::secret::Secret;
use crate::protocol::oauth::exchange::Exchange;
use crate::protocol::{sse, throttle};

/// Ways to origins that are remembered: a metadata document names few.
const MOST_WAYS: usize = 64;
/// No leg has a longer budget.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How origins are reached. Replaced in tests by scripted servers.
pub trait Reach: fmt::Debug + Send + Sync {
    /// What connects to this URL's origin for this leg, and the `Host` it is asked with.
    ///
    /// # Errors
    /// Why it cannot be reached at all, for a person.
    fn way(&self, url: &Url, leg: Leg) -> Result<(Arc<dyn Connect>, HeaderValue), String>;

    /// Legs of different roads never share a connection.
    fn road(&self, _leg: Leg) -> u64 {
        0
    }
}

/// A road and an origin.
type Key = (u64, String);

/// Sends the legs of all users.
#[derive(Debug)]
pub struct Legs {
    reach: Arc<dyn Reach>,
    clock: Clock,
    recorder: Arc<Recorder>,
    gate: Option<Arc<Gate>>,
    sources: Sources,
    ways: Mutex<HashMap<Key, Arc<Way>>>,
}

/// The way to one origin.
#[derive(Debug)]
struct Way {
    wire: Wire,
    authority: HeaderValue,
}

/// Whose legs these are; connections are kept from one to the next.
#[derive(Debug)]
pub struct Journey {
    /// Which user.
    pub user: u32,
    from: Option<IpAddr>,
    /// What legs that end before their time count as.
    ending: Ending,
    /// Each leg that left counts in both.
    sent: [AtomicU32; 2],
    /// The faults that legs met, a bit each by their number.
    met: AtomicU64,
    /// How long a person was waited for, which is no server's time.
    pub waited: Duration,
    lines: HashMap<Key, Lines>,
    /// What it said that nobody may see.
    pub secrets: Vec<Secret>,
}

/// What came back.
#[derive(Debug)]
pub struct Arrived {
    /// HTTP status.
    pub status: u16,
    /// Every header.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A leg that brought no whole answer: how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Astray(pub Outcome);

impl Arrived {
    /// Whether the status says that it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Journey {
    /// The legs of `user`, leaving from this address of the machine where that is something.
    pub fn new(user: u32, from: Option<IpAddr>) -> Self {
        let (ending, sent, lines) = (Ending::default(), Default::default(), HashMap::new());
        let (met, waited, secrets) = (AtomicU64::default(), Duration::ZERO, Vec::new());
        Self { user, from, ending, sent, met, waited, lines, secrets }
    }

    /// How many legs left.
    pub fn count(&self) -> u32 {
        self.sent[0].load(Ordering::Relaxed)
    }

    /// The faults that legs met.
    pub fn met(&self) -> Touched {
        Touched(self.met.load(Ordering::Relaxed))
    }
}

impl Legs {
    /// Legs over `reach`, on the clock and with the recorder and the ceiling of `wire`.
    pub fn new(reach: Arc<dyn Reach>, wire: &Wire) -> Self {
        let (clock, recorder) = (wire.clock.clone(), Arc::clone(&wire.recorder));
        let (gate, sources) = (wire.gate.clone(), wire.sources.clone());
        Self { reach, clock, recorder, gate, sources, ways: Mutex::default() }
    }

    /// The legs of one process of a user.
    pub fn journey(&self, user: u32, process: u32) -> Journey {
        Journey::new(user, self.sources.of(user, process))
    }

    /// Sends one leg and reads its whole answer. Nothing is followed and nothing retried.
    ///
    /// # Errors
    /// Why squall does not go there, whatever a server says. Within: how it ended without a whole
    /// answer.
    pub async fn send(
        &self,
        journey: &mut Journey,
        exchange: Exchange,
        budget: Duration,
    ) -> Result<Result<Arrived, Astray>, String> {
        let Exchange { leg, method, url, mut headers, body } = exchange;
        let operation = leg.operation();
        let key = (self.reach.road(leg), origin(&url));
        let way = self.way(&url, leg, &key)?;
        let to = Arc::new(address(&url)?);
        headers.insert(HOST, way.authority.clone());
        let Journey { user, from, ending, sent, met, lines, .. } = journey;
        let mut trail = Trail::begin(&way.wire, ending, *user, operation);
        trail.count_in(&sent[0], &sent[1]);
        trail.note_faults_in(met);
        let lines = lines.entry(key).or_insert_with(|| Lines::leaving(*from));
        let request = Request { operation, method, headers, body: body.into(), to: Some(to) };
        let mut whole = Vec::new();
        let mut on_event = |_: &Reply, _: &sse::Event<'_>| Flow::Enough;
        let deadline = self.clock.now() + budget;
        let came = way
            .wire
            .exchange(lines, &mut trail, request, deadline, &mut whole, &mut on_event)
            .await;
        Ok(match came {
            Ok(reply) => {
                let arrived = Arrived { status: reply.status, headers: reply.headers, body: whole };
                trail.finish(outcome(operation, &arrived));
                Ok(arrived)
            }
            Err(outcome) => {
                trail.finish(outcome);
                Err(Astray(outcome))
            }
        })
    }

    fn way(&self, url: &Url, leg: Leg, key: &Key) -> Result<Arc<Way>, String> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get(key) {
            return Ok(Arc::clone(way));
        }
        let (connect, authority) = self.reach.way(url, leg)?;
        let wire = Wire {
            connect,
            clock: self.clock.clone(),
            recorder: Arc::clone(&self.recorder),
            address: address(url)?,
            // Connecting is part of a leg's own budget.
            connect_timeout: LONGEST,
            sources: self.sources.clone(),
            gate: self.gate.clone(),
        };
        let way = Arc::new(Way { wire, authority });
        if ways.len() < MOST_WAYS {
            ways.insert(key.clone(), Arc::clone(&way));
        }
        Ok(way)
    }
}

/// How an answer counts. That something is not where it was looked for is an answer as well.
fn outcome(operation: Operation, arrived: &Arrived) -> Outcome {
    let Arrived { status, headers, body } = arrived;
    let throttled = || throttle::of_status(*status, headers, body, None);
    match status {
        200..300 => Outcome::Ok,
        300..400 if operation == Operation::OauthAuthorize => Outcome::Ok,
        300..400 => Outcome::Violation(Rule::Redirect),
        404 | 405 if operation == Operation::OauthDiscovery => Outcome::Ok,
        status => match throttled() {
            Some(throttle) => Outcome::Throttled(throttle),
            None if matches!(status, 401 | 403) => Outcome::Unauthorised(*status),
            None => Outcome::Status(*status),
        },
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn address(url: &Url) -> Result<Address, String> {
    let uri = |text: &str| text.parse().map_err(|error: http::uri::InvalidUri| error.to_string());
    let path = uri(&url[Position::BeforePath..Position::AfterQuery])?;
    let whole = uri(&url[..Position::AfterQuery])?;
    Ok(Address { path, whole })
}
