//! Finding out how a server speaks, and the beginning of a session in whatever way that is.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::Client;
use super::belief::{Belief, Known};
use super::cost::Cost;
use super::post::Answered;
use crate::engine::session::{Session, Speech};
use crate::model::chance::Purpose;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::profile::Connections;
use crate::protocol::era::{Detection, Heard, Refused, Step, Transport, Way, Wish};
use crate::protocol::message::{self, Message};
use crate::protocol::modern::errors;
use crate::protocol::results::list::Tool;

/// What a handshake is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// One call, then the session is forgotten.
    OneCall,
    /// One that is told by somebody else that it is there.
    Half,
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
    pub supported: Vec<Cow<'static, str>>,
    /// What the target said, bounded, not yet escaped.
    pub said: String,
}

impl Refusal {
    /// One of which nothing more is known.
    pub(super) fn of(operation: Operation, outcome: Outcome) -> Self {
        let (supported, said) = (Vec::new(), String::new());
        Self { operation, outcome, status: None, code: None, supported, said }
    }

    /// The same as the detection of eras hears it.
    fn heard(&self) -> Heard<'_> {
        match (self.outcome, self.status) {
            (Outcome::Timeout | Outcome::Connect(_) | Outcome::CutStream, _) | (_, None) => {
                Heard::Outage
            }
            (_, Some(status)) => {
                Heard::Refused(Refused { status, code: self.code, supported: &self.supported })
            }
        }
    }

    /// What came instead of a result.
    pub(super) fn said<T>(client: &Client, operation: Operation, answered: Answered<T>) -> Self {
        let Answered { outcome, reply, said, refusal, .. } = answered;
        let status = reply.map(|reply| reply.status);
        let error = match message::read::<IgnoredAny>(&refusal) {
            Ok(Message::Answer(answer)) => answer.error,
            _ => None,
        };
        let code = error.as_ref().map(|error| error.code);
        let data = error.and_then(|error| error.data);
        let supported = errors::supported(data);
        let supported =
            supported.into_iter().map(|name| Cow::Owned(client.holder.hide(name.into_owned())));
        let supported = supported.collect();
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
    /// It speaks the era without sessions.
    pub is_modern: bool,
    /// It is spoken to over HTTP+SSE.
    pub has_two_ends: bool,
}

/// What a server calls itself, at most so many characters of it.
const LONGEST_NAME: usize = 200;

/// How a session began.
pub(super) struct Opening {
    pub(super) version: &'static str,
    pub(super) server: String,
}

impl Client {
    /// Looks at the target once: handshake, tools, goodbye.
    pub async fn scout(self: &Arc<Self>) -> Result<Scouted, Refusal> {
        let cost = Cost::default();
        let (session, opening) = self.open(For::Scouting, &cost).await?;
        let session = Arc::new(session);
        let tools = self.tools(&session, &cost).await;
        self.close(&session, &cost).await;
        self.errands.end(std::future::pending()).await;
        Ok(Scouted {
            server: opening.server,
            protocol_version: opening.version,
            tools: self.named(tools?),
            has_sessions: session.id.is_some(),
            is_modern: session.footing.is_modern(),
            has_two_ends: session.footing.mailbox().is_some(),
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
        let (belief, wish) = (self.belief(), self.common.wish);
        let known = belief.known(self.common.wire.clock.now());
        let (way, wish) = match known {
            None => return self.find_out(purpose, cost).await,
            Some(Known { way: Way::Modern(revision), offers, server, .. }) => {
                let session = self.modern_session(revision, offers);
                return Ok((session, Opening { version: revision.name(), server }));
            }
            Some(Known { way: Way::HttpSse, .. }) => {
                (Way::HttpSse, Wish { transport: Transport::HttpSse, ..wish })
            }
            Some(Known { way, .. }) => (way, Wish { modern: None, ..wish }),
        };
        let opened = self.detected(wish, purpose, cost).await;
        if opened.as_ref().is_err_and(|refusal| way.is_doubted_by(&refusal.heard())) {
            belief.drop_it();
        }
        opened.map(|(_, session, opening)| (session, opening))
    }

    /// Begins a session with a server of which nothing is known. Where that takes a probe, one
    /// client asks and the others who would be told the same wait for what it finds; once it has
    /// found nothing, they ask for themselves.
    async fn find_out(
        self: &Arc<Self>,
        purpose: For,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let (belief, wish) = (self.belief(), self.common.wish);
        let failures = belief.failures();
        let mut turn = None;
        if wish.modern.is_some() && wish.legacy.is_some() {
            turn = belief.turn().await;
            if belief.known(self.common.wire.clock.now()).is_some() {
                drop(turn);
                return Box::pin(self.open(purpose, cost)).await;
            }
        }
        if belief.failures() != failures {
            drop(turn.take());
        }
        let opened = self.detected(wish, purpose, cost).await;
        match &opened {
            Ok((way, session, opening)) => {
                let lasts = self.common.profile.probe_lasts;
                let now = self.common.wire.clock.now();
                let until = lasts.map_or(Duration::MAX, |lasts| now + lasts);
                let (offers, server) = (session.offers, opening.server.clone());
                belief.hold(Known { way: *way, offers, server, until });
            }
            Err(_) => belief.fail(),
        }
        opened.map(|(_, session, opening)| (session, opening))
    }

    /// Tries what the detection says until a session has begun.
    pub(super) async fn detected(
        self: &Arc<Self>,
        wish: Wish,
        purpose: For,
        cost: &Cost,
    ) -> Result<(Way, Session, Opening), Refusal> {
        let mut detection = Detection::start(wish);
        let mut refusal: Option<Refusal> = None;
        loop {
            let (way, opened) = match detection.next() {
                Step::Discover(revision) => {
                    (Way::Modern(revision), self.discover(revision, cost).await)
                }
                Step::Initialize(revision) => {
                    (Way::Legacy(revision), self.initialise(revision, purpose, cost).await)
                }
                Step::OpenSse => (Way::HttpSse, self.open_two_ends(wish.legacy, cost).await),
                Step::Settled(_) | Step::Fail(_) => {
                    let none = || Refusal::of(Operation::Initialize, Outcome::NeverSent);
                    return Err(refusal.unwrap_or_else(none));
                }
            };
            match opened {
                Ok((session, opening)) => return Ok((way, session, opening)),
                Err(refused) => {
                    detection.heard(&refused.heard());
                    // What was said to the POST tells more than what the GET after it was told.
                    if way != Way::HttpSse || refusal.is_none() {
                        refusal = Some(refused);
                    }
                }
            }
        }
    }

    /// A server as the report names it: bounded, without what the client presents, not yet escaped.
    pub(super) fn called(&self, name: &str, version: &str) -> String {
        let hidden = |text: &str| self.holder.hide(text.to_owned());
        let part = |text: &str| hidden(text).chars().take(LONGEST_NAME).collect::<String>();
        format!("{} {}", part(name), part(version))
    }

    /// Tools as people read of them: one that is named after what the client presents cannot be
    /// called by that name.
    pub(super) fn named(&self, mut tools: Vec<Tool>) -> Vec<Tool> {
        for tool in &mut tools {
            tool.name = self.holder.hide(std::mem::take(&mut tool.name));
        }
        tools
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
            Speech::Legacy(_) => self.open_stream(session),
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
