//! The legs of OAuth on their way: each is one exchange, measured as every other one is.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method};
use url::{Position, Url};

use super::gate::Gate;
use super::recorder::Recorder;
use super::wire::line::{Address, Lines};
use super::wire::{Ending, Flow, Reply, Request, Trail, Wire};
use crate::edge::clock::Clock;
use crate::edge::net::Connect;
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome, Rule};
use crate::protocol::{sse, throttle};

/// Ways to origins that are remembered: a metadata document names few.
const MOST_WAYS: usize = 64;
/// No leg has a longer budget.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What a URL comes to that cannot even be tried.
const NO_WAY: Outcome = Outcome::Connect(ConnectFailure::Unreachable);

/// How origins are reached. Replaced in tests by scripted servers.
pub trait Reach: fmt::Debug + Send + Sync {
    /// What connects to this URL's origin, and the `Host` it is asked with.
    ///
    /// # Errors
    /// Why it cannot be reached at all, for a person.
    fn way(&self, url: &Url) -> Result<(Arc<dyn Connect>, HeaderValue), String>;
}

/// Sends the legs of all users.
#[derive(Debug)]
pub struct Legs {
    reach: Arc<dyn Reach>,
    clock: Clock,
    recorder: Arc<Recorder>,
    gate: Option<Arc<Gate>>,
    ways: Mutex<HashMap<String, Arc<Way>>>,
}

/// The way to one origin.
#[derive(Debug)]
struct Way {
    wire: Wire,
    authority: HeaderValue,
}

/// Whose legs these are; connections are kept from one to the next.
#[derive(Debug)]
pub struct Journey<'a> {
    /// Which user.
    pub user: u32,
    /// What legs that end before their time count as.
    pub ending: &'a Ending,
    /// Where they count.
    pub counters: [&'a AtomicU32; 2],
    lines: HashMap<String, Lines>,
}

/// One leg's request.
#[derive(Debug)]
pub struct Leg {
    /// What it carries.
    pub operation: Operation,
    /// GET or POST.
    pub method: Method,
    /// Where it goes, with its query.
    pub url: Url,
    /// Its headers but `Host`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The client's budget for it.
    pub budget: Duration,
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

/// A leg that brought nothing.
#[derive(Debug)]
pub struct Astray {
    /// How it ended.
    pub outcome: Outcome,
    /// What more is known, for a person.
    pub said: String,
}

impl<'a> Journey<'a> {
    /// The legs of `user`; each counts in both `counters`.
    pub fn new(user: u32, ending: &'a Ending, counters: [&'a AtomicU32; 2]) -> Self {
        Self { user, ending, counters, lines: HashMap::new() }
    }
}

impl Legs {
    /// Legs over `reach`, on the clock and with the recorder and the ceiling of `wire`.
    pub fn new(reach: Arc<dyn Reach>, wire: &Wire) -> Self {
        let (clock, recorder) = (wire.clock.clone(), Arc::clone(&wire.recorder));
        Self { reach, clock, recorder, gate: wire.gate.clone(), ways: Mutex::default() }
    }

    /// Sends one leg and reads its whole answer. Nothing is followed and nothing retried.
    ///
    /// # Errors
    /// When no whole answer came within the leg's budget.
    pub async fn send(&self, journey: &mut Journey<'_>, leg: Leg) -> Result<Arrived, Astray> {
        let Leg { operation, method, url, mut headers, body, budget } = leg;
        let unreachable = |said| Astray { outcome: NO_WAY, said };
        let way = self.way(&url).map_err(unreachable)?;
        let to = Arc::new(address(&url).map_err(unreachable)?);
        headers.insert(HOST, way.authority.clone());
        let mut trail = Trail::begin(&way.wire, journey.ending, journey.user, operation);
        trail.count_in(journey.counters[0], journey.counters[1]);
        let lines = journey.lines.entry(origin(&url)).or_default();
        let request = Request { operation, method, headers, body, to: Some(to) };
        let mut whole = Vec::new();
        let mut on_event = |_: &Reply, _: &sse::Event<'_>| Flow::Enough;
        let deadline = self.clock.now() + budget;
        let came = way
            .wire
            .exchange(lines, &mut trail, request, deadline, &mut whole, &mut on_event)
            .await;
        match came {
            Ok(reply) => {
                let arrived = Arrived { status: reply.status, headers: reply.headers, body: whole };
                trail.finish(outcome(operation, &arrived));
                Ok(arrived)
            }
            Err(outcome) => {
                trail.finish(outcome);
                Err(Astray { outcome, said: String::new() })
            }
        }
    }

    fn way(&self, url: &Url) -> Result<Arc<Way>, String> {
        let origin = origin(url);
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get(&origin) {
            return Ok(Arc::clone(way));
        }
        let (connect, authority) = self.reach.way(url)?;
        let wire = Wire {
            connect,
            clock: self.clock.clone(),
            recorder: Arc::clone(&self.recorder),
            address: address(url)?,
            // Connecting is part of a leg's own budget.
            connect_timeout: LONGEST,
            gate: self.gate.clone(),
        };
        let way = Arc::new(Way { wire, authority });
        if ways.len() < MOST_WAYS {
            ways.insert(origin, Arc::clone(&way));
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
