//! HTTP+SSE, the transport of revision 2024-11-05: one stream for every answer, and POST to the
//! endpoint that it names.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::Client;
use super::connect::{Opening, Refusal};
use super::cost::Cost;
use super::hear::Wrongs;
use super::legacy::{FOR_EVER, with};
use super::post::head_of;
use crate::engine::mailbox::{Delivered, Mail, Mailbox};
use crate::engine::session::{Footing, Session, Speech};
use crate::engine::wire::line::Address;
use crate::engine::wire::{Reply, Request};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Offer, Session as Named};
use crate::protocol::http_sse::{self, Heard};
use crate::protocol::legacy::{Revision, Verb};
use crate::protocol::message::{self, Message};
use crate::protocol::progress;
use crate::protocol::sse;

/// Where questions go, or why there is no such place.
type Endpoint = Result<Address, Refusal>;

/// Who reads a stream, and for whom.
struct Reader {
    client: Arc<Client>,
    headers: HeaderMap,
    endpoint: Option<oneshot::Sender<Endpoint>>,
    /// Set once the endpoint is known; gone when the session is.
    mailbox: Arc<OnceLock<Weak<Mailbox>>>,
    stream: http_sse::Stream,
    /// Exchanges of its own: one, once it has a connection.
    cost: Arc<AtomicU32>,
}

impl Client {
    /// Opens a stream, initialises on it: a session that lasts as long as the stream does.
    pub(super) async fn open_two_ends(
        self: &Arc<Self>,
        offered: Option<Revision>,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let clock = &self.common.wire.clock;
        let (found, finding) = oneshot::channel();
        let (mailbox, opening) = (Arc::new(OnceLock::new()), Arc::new(AtomicU32::new(0)));
        let headers = with(&self.common.headers, Verb::Post, None, None);
        let reader = Reader {
            client: Arc::clone(self),
            headers: headers.clone(),
            endpoint: Some(found),
            mailbox: Arc::clone(&mailbox),
            stream: http_sse::Stream::default(),
            cost: Arc::clone(&opening),
        };
        let reading = self.errands.begin(reader.read());
        let unless_kept = Hangup(Some(reading.clone()));
        let by = clock.now() + self.common.profile.connect_timeout;
        let timed_out = || Refusal::of(Operation::Stream, Outcome::Timeout);
        let found = clock.by(by, finding).await;
        // Whatever came of it, it was part of the price.
        cost.exchanges.fetch_add(opening.load(Ordering::Relaxed), Ordering::Relaxed);
        let endpoint = match found.ok_or_else(timed_out)? {
            Ok(endpoint) => endpoint?,
            Err(_) => return Err(Refusal::of(Operation::Stream, Outcome::CutStream)),
        };
        let mail = Mailbox::new(Arc::new(endpoint), unless_kept.keep(reading));
        let mail = Arc::new(mail);
        // The reader waits for nothing: a message before this one would be nobody's. Who sets it
        // first says how it is: a stream that has ended by now brings no answer.
        if mailbox.set(Arc::downgrade(&mail)).is_err() {
            return Err(Refusal::of(Operation::Stream, Outcome::CutStream));
        }
        let footing = Footing { headers, named: Named::Named, speech: Speech::TwoEnds(mail) };
        let initialised =
            self.introduced(offered.unwrap_or(Revision::V2024_11_05), &footing, cost).await?;
        let version = initialised.revision.name();
        let session = self.begun(footing, &initialised);
        self.initialized(&session, cost).await;
        Ok((session, Opening { version, server: initialised.server }))
    }
}

/// Ends a task unless it is kept.
struct Hangup(Option<AbortHandle>);

impl Hangup {
    fn keep(mut self, handle: AbortHandle) -> AbortHandle {
        self.0 = None;
        handle
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.abort();
        }
    }
}

impl Reader {
    async fn read(mut self) {
        let client = Arc::clone(&self.client);
        let wire = &client.common.wire;
        let operation = Operation::Stream;
        let own = Arc::clone(&self.cost);
        let mut trail = client.trail(operation, None);
        trail.count_in(&own, &client.exchanges);
        // A stream that the client ends was a good one.
        trail.presume_when_open(Outcome::Ok);
        let headers = with(&client.common.headers, Verb::Get, None, None);
        let request = Request::new(operation, Method::GET, headers, Bytes::new());
        let deadline = wire.clock.now() + FOR_EVER;
        let mut body = Vec::new();
        let mut wrongs = Wrongs::default();
        let mut on_event = |_: &Reply, event: &sse::Event<'_>| wrongs.flow(self.heard(event));
        let came = client.carry(&mut trail, request, deadline, &mut body, &mut on_event).await;
        let (outcome, status) = match came {
            Ok(reply) => {
                let bare = Footing::bare(HeaderMap::new());
                let head = head_of(&reply, &Footing { named: Named::Impossible, ..bare });
                let outcome = match head.offer() {
                    // It named no endpoint, or it broke: the session is gone with it.
                    Offer::Open => Outcome::CutStream,
                    Offer::NotOffered => Outcome::Status(405),
                    Offer::Refused => answer::refused(&head, &body, None).outcome,
                    Offer::Broken(rule) => Outcome::Violation(rule),
                };
                (outcome, Some(reply.status))
            }
            Err(outcome) => (outcome, None),
        };
        let outcome = wrongs.outcome().unwrap_or(outcome);
        let is_mailbox_to_come = self.mailbox.set(Weak::new()).is_ok();
        if !is_mailbox_to_come && let Some(mailbox) = self.mailbox.get().and_then(Weak::upgrade) {
            mailbox.close();
        }
        trail.finish(outcome);
        if let Some(endpoint) = self.endpoint.take() {
            let said = client.shown(&body);
            let refusal = Refusal { status, said, ..Refusal::of(operation, outcome) };
            let _nobody_waits = endpoint.send(Err(refusal)).is_err();
        }
    }

    /// An event of the stream; what is wrong with it is told.
    fn heard(&mut self, event: &sse::Event<'_>) -> Result<(), Rule> {
        match self.stream.hear(event.name, event.data) {
            Ok(Heard::Endpoint(data)) => {
                self.endpoint(data);
                Ok(())
            }
            Ok(Heard::Message(data)) => self.message(data),
            Ok(Heard::Unknown) => Ok(()),
            Err(rule) => self.violated(rule, self.client.shown(event.data)),
        }
    }

    fn violated(&self, rule: Rule, said: String) -> Result<(), Rule> {
        self.client.violated(rule, Operation::Stream, said);
        Err(rule)
    }

    fn endpoint(&mut self, data: &[u8]) {
        // Only the first one counts.
        let Some(sender) = self.endpoint.take() else { return };
        let base = &self.client.common.wire.address.whole;
        let endpoint = address(base, data).map_err(|rule| {
            let said = self.client.shown(data);
            self.client.violated(rule, Operation::Stream, said.clone());
            Refusal { said, ..Refusal::of(Operation::Stream, Outcome::Violation(rule)) }
        });
        let _nobody_waits = sender.send(endpoint).is_err();
    }

    fn message(&self, data: &[u8]) -> Result<(), Rule> {
        let Some(mailbox) = self.mailbox.get().and_then(Weak::upgrade) else { return Ok(()) };
        let at = self.client.common.wire.clock.now();
        let violated = |rule| self.violated(rule, self.client.shown(data));
        match message::read::<serde::de::IgnoredAny>(data) {
            Ok(Message::Answer(answer)) => {
                // A server that could not read a question answers it without its id.
                let id = match (&answer.id, &answer.error) {
                    (None, Some(_)) => mailbox.only(),
                    (id, _) => id.as_ref().and_then(|id| id.raw().parse().ok()),
                };
                let mail = Mail { data: data.to_vec(), at };
                let delivered = id.map_or(Delivered::Unknown, |id| mailbox.deliver(id, mail));
                match delivered {
                    Delivered::Again => violated(Rule::SecondAnswer),
                    Delivered::Cancelled => violated(Rule::AnswerAfterCancel),
                    Delivered::Taken | Delivered::TooLate => Ok(()),
                    Delivered::Unknown => violated(Rule::WrongId),
                }
            }
            Ok(Message::Request(request)) => {
                let footing = Footing {
                    headers: self.headers.clone(),
                    named: Named::Named,
                    speech: Speech::TwoEnds(mailbox),
                };
                self.client.asked(&request, &footing)
            }
            Ok(Message::Notification(told)) if told.method == progress::METHOD => {
                mailbox.progress(told.params).or_else(violated)
            }
            Ok(Message::Notification(told)) => {
                self.client.notified(&told.method);
                Ok(())
            }
            Err(malformed) => {
                self.violated(malformed.rule, format!("{malformed}: {}", self.client.shown(data)))
            }
        }
    }
}

impl Session {
    /// Whether it is gone because the stream it stood on is.
    pub(super) fn is_gone(&self) -> bool {
        self.footing.mailbox().is_some_and(|mailbox| mailbox.is_closed())
    }
}

/// The endpoint that a stream names, on the origin of the stream.
fn address(stream: &Uri, data: &[u8]) -> Result<Address, Rule> {
    let stream = url::Url::parse(&stream.to_string()).map_err(|_| Rule::BadEndpoint)?;
    let path = http_sse::endpoint(&stream, data)?;
    let whole = format!("{}{path}", &stream[..url::Position::BeforePath]);
    let uri = |text: &str| text.parse::<Uri>().map_err(|_| Rule::BadEndpoint);
    Ok(Address { path: uri(&path)?, whole: uri(&whole)? })
}
