//! Streams that a script holds open without asking anything: a session's own, or that of changes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::de::IgnoredAny;

use super::Client;
use super::cost::Cost;
use super::legacy::stream_headers;
use super::post::head_of;
use crate::engine::session::{Session, Speech};
use crate::engine::wire::{Flow, Pulse, Reply, Request};
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::answer::{self, Offer, Reading};
use crate::protocol::message::{self, Id, Message};
use crate::protocol::modern::METHOD_HEADER;
use crate::protocol::modern::listen::{self, Interest};
use crate::protocol::sse;

/// How a stream ended that was held.
#[derive(Debug, Clone, Copy)]
pub struct Stood {
    /// [`Outcome::Ok`] if its client ended it.
    pub outcome: Outcome,
    /// The HTTP status, if a head came.
    pub status: Option<u16>,
    /// Its events have ids, and it was ended as its server ends one that is to be taken up again: not
    /// cut off.
    pub resumes: bool,
    /// When it was asked for.
    pub sent: Duration,
    /// When it ended.
    pub done: Duration,
}

impl Client {
    /// Holds the stream that a server offers for what it was not asked, until then at most. It is
    /// not opened again.
    pub async fn hold(
        self: &Arc<Self>,
        session: &Session,
        until: Duration,
        pulse: &Pulse,
    ) -> Stood {
        let (footing, cost) = (&session.footing, Cost::default());
        let sent = self.common.wire.clock.now();
        let (operation, request) = if let Speech::Modern(meta) = &footing.speech {
            let (operation, mut body) = (Operation::Listen, Vec::with_capacity(512));
            let interest = Interest { tools: true, ..Interest::default() };
            listen::listen(&mut body, Id::Number(session.next_id()), &interest, meta.bytes());
            let headers = footing.headers.clone();
            let mut request = Request::new(operation, Method::POST, headers, body.into());
            let method = HeaderValue::from_static(operation.name());
            request.headers.insert(HeaderName::from_static(METHOD_HEADER), method);
            (operation, request)
        } else {
            let operation = Operation::Stream;
            let headers = stream_headers(footing);
            (operation, Request::new(operation, Method::GET, headers, Bytes::new()))
        };
        let mut trail = self.trail_of(operation, None, &cost);
        trail.feel(pulse);
        trail.presume_when_open(Outcome::Ok);
        let mut body = Vec::new();
        let mut refused = None;
        let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
            if event.name != b"message" || !answer::is_answer(event.data) {
                return Flow::Continue;
            }
            if let Ok(Message::Answer(answer)) = message::read::<IgnoredAny>(event.data) {
                refused = answer.error.map(|error| Outcome::RpcError(error.code));
            }
            Flow::Answered
        };
        let came = self.carry(&mut trail, request, until, &mut body, &mut on_event).await;
        let resumes = came.is_ok() && trail.cursor().is_some_and(|cursor| cursor.id.is_some());
        let outcome = match came {
            Ok(reply) => {
                let head = head_of(&reply, footing);
                match (operation, head.offer(), head.reading()) {
                    (Operation::Stream, Offer::Open, _)
                    | (Operation::Listen, _, Reading::Events) => Outcome::CutStream,
                    (Operation::Stream, Offer::Broken(rule), _) => Outcome::Violation(rule),
                    (Operation::Stream, Offer::NotOffered, _) => Outcome::Status(reply.status),
                    _ => answer::refused(&head, &body, None).outcome,
                }
            }
            // Its time was over.
            Err(Outcome::Timeout) if pulse.opened().is_some() => Outcome::Ok,
            Err(outcome) => outcome,
        };
        let (outcome, status) = (refused.unwrap_or(outcome), trail.status());
        trail.finish(outcome);
        Stood { outcome, status, resumes, sent, done: self.common.wire.clock.now() }
    }
}
