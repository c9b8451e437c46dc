//! The legacy era over Streamable HTTP: the handshake, and the session's end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::connect::{For, Opening, Refusal};
use super::cost::Cost;
use super::post::{Answered, Lent, Nothing, Question, head_of};
use super::{Client, Policy};
use crate::engine::session::{Footing, Life, Offers, Session, Speech, first_id};
use crate::engine::wire::{Flow, Reply, Request, Wire};
use crate::model::chance::{Key, Purpose};
use crate::model::event::SessionChange;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::profile::Ids;
use crate::protocol::answer::{self, Head};
use crate::protocol::introduction::Introduction;
use crate::protocol::legacy::read::InitializeResult;
use crate::protocol::legacy::{self, Revision, SESSION_HEADER, Verb, write};
use crate::protocol::message::Id;
use crate::protocol::sse;

/// The standalone stream has no deadline of its own.
pub(super) const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

struct Initialized;
impl Lent for Initialized {
    type Of<'a> = InitializeResult<'a>;
}

/// What an answer to `initialize` came to.
pub(super) struct Initialised {
    pub(super) revision: Revision,
    pub(super) offers: Offers,
    pub(super) server: String,
    pub(super) id: Option<String>,
}

impl Client {
    /// Initialises by POST: a new session, with or without an id.
    pub(super) async fn initialise(
        self: &Arc<Self>,
        offered: Revision,
        purpose: For,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let headers = with(&self.common.headers, Verb::Post, None, None);
        let initialised = self.introduced(offered, &Footing::bare(headers), cost).await?;
        let footing = self.footing(initialised.id.as_deref(), initialised.revision);
        let session = self.begun(footing, &initialised);
        let confirms = match purpose {
            For::OneCall => self.common.profile.initialized_when_fresh,
            For::Half => false,
            For::Keeping | For::Scouting => true,
        };
        if confirms {
            self.initialized(&session, cost).await;
        }
        let Initialised { revision, server, .. } = initialised;
        Ok((session, Opening { version: revision.name(), server }))
    }

    /// `initialize`, and what was agreed on.
    pub(super) async fn introduced(
        self: &Arc<Self>,
        offered: Revision,
        footing: &Footing,
        cost: &Cost,
    ) -> Result<Initialised, Refusal> {
        let profile = &self.common.profile;
        let id = first_id(profile.ids);
        let mut body = Vec::with_capacity(256);
        let introduction = Introduction {
            protocol_version: offered.name(),
            capabilities: &profile.capabilities,
            client_name: &profile.identity.client_name,
            client_version: &profile.identity.client_version,
        };
        write::initialize(&mut body, Id::Number(id), &introduction);
        let by = self.common.wire.clock.now() + profile.connect_timeout;
        let bare = Question::bare(Operation::Initialize, footing, Some(id), (by, cost));
        let question = Question { body, ..bare };
        let judge = |_: &Head<'_>, result: InitializeResult<'_>| self.opening(offered, &result);
        let answered = self.ask::<Initialized, Initialised, _>(question, judge).await;
        let Answered { value: Some(mut initialised), reply: Some(reply), .. } = answered else {
            return Err(Refusal::said(self, Operation::Initialize, answered));
        };
        initialised.id = session_id(&reply).map_err(|rule| {
            self.violated(rule, Operation::Initialize, "in the header Mcp-Session-Id".to_owned());
            let status = Some(reply.status);
            Refusal { status, ..Refusal::of(Operation::Initialize, Outcome::Violation(rule)) }
        })?;
        Ok(initialised)
    }

    fn opening(
        &self,
        offered: Revision,
        result: &InitializeResult<'_>,
    ) -> (Outcome, Option<Initialised>) {
        match Revision::negotiated(offered, &result.protocol_version) {
            Ok(revision) => {
                let offers = Offers {
                    resources: result.capabilities.resources,
                    prompts: result.capabilities.prompts,
                    completions: result.capabilities.completions,
                    tasks: result.capabilities.tasks,
                };
                let server = self.called(&result.server_name, &result.server_version);
                (Outcome::Ok, Some(Initialised { revision, offers, server, id: None }))
            }
            Err(rule) => (Outcome::Violation(rule), None),
        }
    }

    fn footing(&self, id: Option<&str>, revision: Revision) -> Footing {
        let echoed = id.filter(|_| self.policy != Policy::Unechoed);
        let headers = with(&self.common.headers, Verb::Post, echoed, Some(revision));
        let named =
            if echoed.is_some() { answer::Session::Named } else { answer::Session::Unnamed };
        Footing { headers, named, speech: Speech::Legacy(Some(revision)) }
    }

    /// The session that begins with this answer.
    pub(super) fn begun(&self, footing: Footing, initialised: &Initialised) -> Session {
        let Wire { clock, recorder, .. } = &self.common.wire;
        let id = initialised.id.clone();
        let life = Life::begin(clock, recorder, self.user, id.is_some());
        let ids = match self.common.profile.ids {
            // Where every answer comes on one stream, its id alone says whose it is: a client that
            // gave several calls the same one could not work.
            Ids::Constant(id) if footing.mailbox().is_some() => Ids::Counter(id),
            ids => ids,
        };
        let mut session = Session::new(footing, id, initialised.offers, ids);
        session.life = Some(life);
        session
    }

    /// `notifications/initialized`.
    pub(super) async fn initialized(self: &Arc<Self>, session: &Session, cost: &Cost) {
        // A server that refuses it shows in the exchanges, and in the calls that follow.
        self.confirmed(session, cost).await;
    }

    /// The same; how it was taken, and with which status.
    pub(super) async fn confirmed(
        self: &Arc<Self>,
        session: &Session,
        cost: &Cost,
    ) -> (Outcome, Option<u16>) {
        let mut body = Vec::with_capacity(64);
        write::initialized(&mut body);
        let by = self.common.wire.clock.now() + self.common.profile.connect_timeout;
        let bare = Question::bare(Operation::Initialized, &session.footing, None, (by, cost));
        let question = Question { body, ..bare };
        let answered = self.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await;
        (answered.outcome, answered.reply.map(|reply| reply.status))
    }

    /// Ends a session as the profile does: with DELETE, or without a word.
    pub(super) async fn close(self: &Arc<Self>, session: &Session, cost: &Cost) {
        if let Some(mailbox) = session.footing.mailbox() {
            mailbox.hang_up();
            session.end(SessionChange::Closed);
            return;
        }
        let deletes = self.draws(Purpose::Delete, self.common.profile.delete_share);
        if session.echoed().is_none() || !deletes {
            session.end(SessionChange::Abandoned);
            return;
        }
        self.delete(session, cost).await;
    }

    /// DELETE; how the target took it.
    pub(super) async fn delete(
        self: &Arc<Self>,
        session: &Session,
        cost: &Cost,
    ) -> (Outcome, Option<u16>) {
        let headers = of_footing(Verb::Delete, &session.footing);
        let wire = &self.common.wire;
        let operation = Operation::Delete;
        let trail = &mut self.trail_of(operation, None, cost);
        let request = Request::new(operation, Method::DELETE, headers, Bytes::new());
        let deadline = wire.clock.now() + self.common.profile.connect_timeout;
        let (mut body, mut on_event) = (Vec::new(), |_: &Reply, _: &sse::Event<'_>| Flow::Continue);
        let came = self.carry(trail, request, deadline, &mut body, &mut on_event).await;
        // Only a DELETE that the server took ended anything: 405 leaves the session where it is.
        let status = came.as_ref().ok().map(|reply| reply.status);
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        let outcome = came.map_or_else(
            |outcome| outcome,
            |reply| answer::deleted(&head_of(&reply, &session.footing), &body),
        );
        trail.presume(outcome);
        session.end(if taken { SessionChange::Closed } else { SessionChange::Abandoned });
        (outcome, status)
    }

    /// One chance of this client's next session.
    pub(super) fn draws(&self, purpose: Purpose, share: f64) -> bool {
        let number = self.sessions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let key = Key::of_run(self.common.seed, self.user.into()).at_turn(number);
        key.draw(purpose).happens(share)
    }
}

fn session_id(reply: &Reply) -> Result<Option<String>, Rule> {
    let header = reply.headers.get(SESSION_HEADER);
    header.map(|value| legacy::session_id(value.as_bytes()).map(str::to_owned)).transpose()
}

/// Headers of a GET in a session.
pub(super) fn stream_headers(footing: &Footing) -> HeaderMap {
    of_footing(Verb::Get, footing)
}

/// Headers of a request without a body in a session: those of its POSTs but for the media types.
fn of_footing(verb: Verb, footing: &Footing) -> HeaderMap {
    let mut headers = footing.headers.clone();
    headers.remove(http::header::CONTENT_TYPE);
    headers.remove(http::header::ACCEPT);
    with(&headers, verb, None, None)
}

/// Identity headers and those the protocol asks for.
pub(super) fn with(
    identity: &HeaderMap,
    verb: Verb,
    session: Option<&str>,
    revision: Option<Revision>,
) -> HeaderMap {
    let mut headers = identity.clone();
    for (name, value) in legacy::headers(verb, session, revision) {
        // Session ids are checked before they come here, so that every value is a header value.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
