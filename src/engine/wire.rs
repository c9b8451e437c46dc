//! One HTTP exchange: every instant stamped, every size bounded, sent once. The one exception is
//! what HTTP/2 servers say they did nothing about: every client sends that again, and it counts once.

mod ending;
mod frames;
mod held;
mod http1;
mod http2;
mod intake;
mod knife;
pub mod line;
mod meter;
mod pulse;
mod spell;
mod stream;
mod trail;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};

pub use self::ending::Ending;
use self::intake::Intake;
pub use self::intake::Slowly;
use self::knife::Knife;
use self::line::{Address, Line, Lines, Unsent};
pub use self::meter::Watch;
pub use self::pulse::Pulse;
pub use self::stream::{Cursor, Listener};
use self::stream::{Stream, read_body};
pub use self::trail::Trail;
use super::gate::Gate;
use super::recorder::Recorder;
use super::sources::Sources;
use crate::edge::clock::Clock;
use crate::edge::net::Connect;
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome, Rule};
use crate::protocol::answer;
use crate::protocol::media::Media;
use crate::protocol::sse::Event as SseEvent;

/// A body or an event beyond this is refused, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// A stream that brings more than this before its answer is refused, in bytes.
pub const STREAM_LIMIT: u64 = 64 * 1024 * 1024;
/// What is refused as too large, for a person.
pub const BOUNDS: &str = "more than 64 KiB of head, 16 MiB of one body or event, 64 MiB of stream \
                          before its answer, or 1 GiB of all answers under way";
/// A request that a target which answers nobody says it did nothing about is sent so many times.
const UNPROCESSED_LIMIT: u32 = 3;

/// The way to one target.
#[derive(Debug)]
pub struct Wire {
    /// Makes connections.
    pub connect: Arc<dyn Connect>,
    /// The run's clock.
    pub clock: Clock,
    /// Is told every exchange.
    pub recorder: Arc<Recorder>,
    /// The MCP endpoint.
    pub address: Address,
    /// The client's budget of one connection.
    pub connect_timeout: Duration,
    /// Where connections leave from.
    pub sources: Sources,
    /// The ceiling of a target off loopback.
    pub gate: Option<Arc<Gate>>,
}

/// A request about to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it carries.
    pub operation: Operation,
    /// POST, GET or DELETE.
    pub method: Method,
    /// Every header, `Host` included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Where it goes, if not to the MCP endpoint.
    pub to: Option<Arc<Address>>,
}

impl Request {
    /// One to the MCP endpoint, without a credential yet.
    pub const fn new(
        operation: Operation,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        Self { operation, method, headers, body, to: None }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Every header.
    pub headers: HeaderMap,
    /// The media type of the body.
    pub media: Media,
    /// For a stream: whether `on_event` found its answer. Else the body is whole.
    pub answered: bool,
}

/// What the reader of a stream says to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The stream goes on.
    Continue,
    /// That was the answer.
    Answered,
    /// What comes is not worth reading on for.
    Enough,
}

impl Wire {
    /// Sends one request on a connection from `lines` and reads its answer: into `body`, or event
    /// by event. The whole must end by `deadline`.
    ///
    /// # Errors
    /// The outcome of an exchange that brought no whole answer.
    pub async fn exchange(
        &self,
        lines: &Lines,
        trail: &mut Trail<'_>,
        mut request: Request,
        deadline: Duration,
        body: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Outcome> {
        self.pass_gate().await;
        if trail.spell.is_some() {
            Self::bewitch(trail, &mut request);
        }
        let whole = self.on_some_line(lines, trail, request, body, on_event);
        let in_time = {
            // Pinned here, and lent on: a future that is handed over is stored once more.
            let whole = pin!(whole);
            self.clock.by(deadline, whole).await
        };
        in_time.unwrap_or_else(|| {
            let connected = trail.measure.has_begun();
            if !connected {
                trail.touched(self.connect.in_the_way(trail.exchange.began));
            }
            let connecting = Outcome::Connect(ConnectFailure::TimedOut);
            Err(if connected { Outcome::Timeout } else { connecting })
        })
    }

    /// Waits until the ceiling of the target allows one more request.
    pub async fn pass_gate(&self) {
        if let Some(gate) = &self.gate {
            gate.pass(&self.clock).await;
        }
    }

    async fn on_some_line(
        &self,
        lines: &Lines,
        trail: &mut Trail<'_>,
        mut request: Request,
        body: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Outcome> {
        let mut in_vain = 0;
        while in_vain < UNPROCESSED_LIMIT {
            let taken = if trail.spell.is_none() {
                lines.take(&*self.connect, &self.clock, self.connect_timeout).await
            } else {
                Box::pin(self.line_under(lines, trail)).await
            };
            let mut line = taken.map_err(|failure| {
                trail.touched(self.connect.in_the_way(trail.exchange.began));
                Outcome::Connect(failure)
            })?;
            trail.attach(&mut line);
            let came = if spell::leaves_in_time(trail) {
                let (line, request) = (&mut line, &mut request);
                Box::pin(self.converse_until(line, trail, request, body, on_event)).await
            } else {
                self.converse(&mut line, trail, &mut request, body, on_event).await
            };
            match came {
                Ok(reply) => {
                    trail.detach();
                    lines.put(line);
                    return Ok(reply);
                }
                Err(Unsent::Ended(Outcome::Connect(failure))) => {
                    return Err(Outcome::Connect(trail.failure().unwrap_or(failure)));
                }
                Err(Unsent::Ended(outcome)) => return Err(outcome),
                Err(again @ (Unsent::Unprocessed | Unsent::Outlived)) => {
                    in_vain += u32::from(matches!(again, Unsent::Unprocessed));
                    trail.take_back();
                    self.pass_gate().await;
                }
            }
        }
        Err(Outcome::Connect(ConnectFailure::Closed))
    }

    async fn converse(
        &self,
        line: &mut Line,
        trail: &mut Trail<'_>,
        request: &mut Request,
        body: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Unsent> {
        let to = request.to.clone();
        let address = to.as_deref().unwrap_or(&self.address);
        let (head, answer) = line.send(address, request, &mut trail.measure).await?;
        let now = self.clock.now();
        trail.exchange.headers = Some(now);
        if let Some(pulse) = trail.pulse {
            pulse.opens(now);
        }
        let status = head.status.as_u16();
        // A refused stream may be asked for once more, with another credential.
        if let Some(opened) = trail.opened.take_if(|_| !matches!(status, 401 | 403)) {
            let _nobody_waits = opened.send(()).is_err();
        }
        trail.exchange.status = Some(status);
        if head.status.is_success() {
            trail.outcome = trail.when_open.take().or(trail.outcome);
        }
        let media = Media::parse(head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes));
        let is_stream = media == Media::EventStream && head.status.is_success();
        let mut reply = Reply { status, headers: head.headers, media, answered: false };
        let mut answer = match &trail.spell {
            None => Intake::free(answer),
            Some(spell) => {
                let (intake, touched) = Intake::under(answer, spell, is_stream, &self.clock);
                trail.touched(touched);
                intake.slowly(trail.slowly)
            }
        };
        if let Some((leave, parting)) = spell::leaves_at_head(trail) {
            return Err(spell::left(leave, trail, || answer.leave(parting)));
        }
        if head_says_all(&reply) {
            // What nobody can read is not waited for.
            line.spend();
        } else if is_stream {
            let mut stream = Stream::new(&self.clock, answer, stream_limit(request.operation));
            stream.meets(trail.spell().and_then(|spell| spell.cut).map(Knife::new));
            let mut hear = |event: &SseEvent<'_>| on_event(&reply, event);
            let read = stream.read(trail, &mut hear).await;
            let answered = read.map_err(Unsent::Ended)?;
            let is_free = !answered || stream.ends_soon(trail, &mut hear).await;
            reply.answered = answered;
            if !is_free {
                line.spend();
            }
        } else {
            read_body(&mut answer, body, &mut trail.held).await.map_err(Unsent::Ended)?;
            trail.exchange.answer = Some(self.clock.now());
        }
        Ok(reply)
    }
}

/// Whether a body is left where it is: it is encoded as nobody asked for.
fn head_says_all(reply: &Reply) -> bool {
    (200..300).contains(&reply.status) && answer::is_coded(&reply.headers)
}

/// How many bytes a stream may bring before its answer; none for those that last and have none.
const fn stream_limit(operation: Operation) -> u64 {
    match operation {
        Operation::Stream | Operation::Listen | Operation::Resume => u64::MAX,
        _ => STREAM_LIMIT,
    }
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
