//! Finding out how a server speaks, and the beginning of a session in whatever way that is.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::IgnoredAny;

use super::Client;
use super::post::{Answered, Cost};
use crate::engine::session::{Session, Speech};
use crate::model::chance::Purpose;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::profile::Connections;
use crate::protocol::era::{Detection, Step, Way};
use crate::protocol::message::{self, Message};
use crate::protocol::modern::errors;
use crate::protocol::results::list::Tool;

/// What a handshake is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// One call, then the session is forgotten.
    OneCall,
    /// A session that is kept: lists and stream follow.
    Keeping,
    /// A look at what the target offers, before the load.
    Scouting,
}

/// A handshake, or a list the load cannot do without, that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// During what.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// The code of a JSON-RPC error, if one came.
    pub code: Option<i64>,
    /// Protocol versions the target says it speaks.
    pub supported: Vec<String>,
    /// What the target said, bounded, not yet escaped.
    pub said: String,
}

impl Refusal {
    /// One of which nothing more is known.
    pub(super) fn of(operation: Operation, outcome: Outcome) -> Self {
        let (supported, said) = (Vec::new(), String::new());
        Self { operation, outcome, status: None, code: None, supported, said }
    }

    /// What came instead of a result.
    pub(super) fn said<T>(operation: Operation, answered: Answered<T>) -> Self {
        let Answered { outcome, reply, said, refusal, .. } = answered;
        let status = reply.map(|reply| reply.status);
        let error = match message::read::<IgnoredAny>(&refusal) {
            Ok(Message::Answer(answer)) => answer.error,
            _ => None,
        };
        let code = error.as_ref().map(|error| error.code);
        let data = error.and_then(|error| error.data);
        let supported = errors::supported(data).into_iter().map(Cow::into_owned).collect();
        Self { operation, outcome, status, code, supported, said }
    }
}

/// What the target offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Scouted {
    /// `serverInfo` as `name version`.
    pub server: String,
    /// The protocol version agreed on.
    pub protocol_version: &'static str,
    /// Its tools.
    pub tools: Vec<Tool>,
    /// It issues session ids.
    pub has_sessions: bool,
}

/// How a session began.
pub(super) struct Opening {
    pub(super) version: &'static str,
    pub(super) server: String,
}

/// What was found out about how a target speaks, and until when that is believed.
#[derive(Debug, Default)]
pub struct Belief(Mutex<Option<(Way, Duration)>>);

impl Belief {
    pub(super) fn held(&self, now: Duration) -> Option<Way> {
        self.lock().filter(|(_, until)| now < *until).map(|(way, _)| way)
    }

    fn hold(&self, way: Way, until: Duration) {
        *self.lock() = Some((way, until));
    }

    /// It turned out to be wrong.
    pub(super) fn drop_it(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Way, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Looks at the target once: handshake, tools, goodbye.
    pub async fn scout(self: &Arc<Self>) -> Result<Scouted, Refusal> {
        let cost = Cost::default();
        let (session, opening) = self.open(For::Scouting, &cost).await?;
        let session = Arc::new(session);
        let tools = self.tools(&session, &cost).await;
        self.close(&session, &cost).await;
        self.end_errands().await;
        Ok(Scouted {
            server: opening.server,
            protocol_version: opening.version,
            tools: tools?,
            has_sessions: session.id.is_some(),
        })
    }

    /// A new session, with all that the profile does around one.
    pub(super) async fn handshake(
        self: &Arc<Self>,
        purpose: For,
        cost: &Cost,
    ) -> Result<Session, Refusal> {
        let (session, _) = self.open(purpose, cost).await?;
        let is_kept = purpose == For::Keeping || session.footing.is_modern();
        if is_kept {
            if self.draws(Purpose::Stream, self.common.profile.stream_share) {
                self.listen(&session).await;
            }
            self.look_around(&session, cost).await;
        }
        Ok(session)
    }

    /// Begins a session in the way that is believed in, or finds out which one that is.
    async fn open(
        self: &Arc<Self>,
        purpose: For,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let clock = &self.common.wire.clock;
        let belief = self.belief();
        let mut detection = match belief.held(clock.now()) {
            Some(way) => Detection::knowing(&self.common.wanted, way),
            None => Detection::start(&self.common.wanted),
        };
        let mut refusal = None;
        loop {
            let (way, opened) = match detection.next() {
                Step::Discover(revision) => (Way::Modern, self.discover(revision, cost).await),
                Step::Initialize => (Way::Legacy, self.initialise(purpose, cost).await),
                Step::OpenSse => (Way::HttpSse, self.open_two_ends(cost).await),
                Step::Fail => {
                    belief.drop_it();
                    let none = || Refusal::of(Operation::Initialize, Outcome::NeverSent);
                    return Err(refusal.unwrap_or_else(none));
                }
            };
            match opened {
                Ok(opened) => {
                    let lasts = self.common.profile.probe_lasts;
                    let until = lasts.map_or(Duration::MAX, |lasts| clock.now() + lasts);
                    belief.hold(way, until);
                    return Ok(opened);
                }
                Err(refused) => {
                    detection.heard(&crate::protocol::era::Heard);
                    refusal = Some(refused);
                }
            }
        }
    }

    /// What this client believes, or the broker it stands behind.
    pub(super) fn belief(&self) -> &Belief {
        match self.common.profile.connections {
            Connections::Shared => &self.common.belief,
            Connections::PerUser => &self.own_belief,
        }
    }

    /// Opens the stream on which the server tells what it was not asked.
    async fn listen(self: &Arc<Self>, session: &Session) {
        let opening = match session.footing.speech {
            Speech::Legacy(_) => self.open_stream(&session.footing),
            Speech::Modern(_) => self.subscribe(session),
            // The one stream it has is open.
            Speech::TwoEnds(_) => return,
        };
        if self.common.profile.stream_awaited {
            let clock = &self.common.wire.clock;
            let by = clock.now() + self.common.profile.connect_timeout;
            let _or_refused = clock.by(by, opening).await;
        }
    }

    /// One session, with all that the profile does around it, before there are calls.
    pub async fn look(self: &Arc<Self>) -> Result<(), Refusal> {
        let cost = Cost::default();
        self.slot.get(|| Box::pin(self.handshake(For::Keeping, &cost))).await.map(drop)
    }
}
