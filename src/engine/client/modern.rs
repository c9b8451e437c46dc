//! The modern era: what a server says it speaks and offers, and the stream of its changes.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use super::Client;
use super::connect::{Opening, Refusal};
use super::cost::Cost;
use super::hear::Wrongs;
use super::legacy::FOR_EVER;
use super::post::{Lent, Question, head_of};
use super::resume::{Break, is_passing};
use super::standing::Stood;
use crate::engine::session::{Footing, Offers, Session, Speech, first_id};
use crate::engine::wire::{Flow, Reply as Came, Request};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{self, Head, Reading, Session as Named};
use crate::protocol::introduction::Introduction;
use crate::protocol::message::{self, Id};
use crate::protocol::modern::discover::DiscoverResult;
use crate::protocol::modern::errors::{self, UNSUPPORTED_VERSION};
use crate::protocol::modern::listen::{self, Interest, Told};
use crate::protocol::modern::result::Reply;
use crate::protocol::modern::write::{self, Meta};
use crate::protocol::modern::{self, Revision};
use crate::protocol::sse;

const METHOD: HeaderName = HeaderName::from_static(modern::METHOD_HEADER);

/// So many of the versions that a server names are kept.
const MOST_VERSIONS: usize = 100;

/// What a server says of itself.
struct Discovery;
impl Lent for Discovery {
    type Of<'a> = Reply<'a, DiscoverResult<'a>>;
}

/// What a server that speaks our revision offers.
struct Discovered {
    offers: Offers,
    server: String,
    /// What it speaks, if that is nothing that was asked for.
    others: Vec<String>,
}

impl Client {
    /// Asks what the server speaks: there is nothing more to a connect of this era.
    pub(super) async fn discover(
        self: &Arc<Self>,
        revision: Revision,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let profile = &self.common.profile;
        let id = first_id(profile.ids);
        let mut body = Vec::with_capacity(512);
        let meta = Arc::new(self.meta(revision));
        write::discover(&mut body, Id::Number(id), meta.bytes());
        let footing = self.modern_footing(revision, meta);
        let by = self.common.wire.clock.now() + profile.connect_timeout;
        let bare = Question::bare(Operation::Discover, &footing, Some(id), (by, cost));
        let about = [(METHOD, HeaderValue::from_static(Operation::Discover.name()))];
        let question = Question { about: Cow::Borrowed(&about), body, ..bare };
        let judge =
            |_: &Head<'_>, reply: Reply<'_, DiscoverResult<'_>>| self.discovered(revision, reply);
        let mut answered = self.ask::<Discovery, Discovered, _>(question, judge).await;
        let Some(discovered) = answered.value.take() else {
            return Err(Refusal::said(self, Operation::Discover, answered));
        };
        let Discovered { offers, server, others } = discovered;
        if !others.is_empty() {
            let status = answered.reply.map(|reply| reply.status);
            let supported = others.into_iter().map(|name| Cow::Owned(self.holder.hide(name)));
            let supported = supported.collect();
            let code = Some(UNSUPPORTED_VERSION);
            let outcome = Outcome::RpcError(UNSUPPORTED_VERSION);
            let refusal = Refusal::of(Operation::Discover, outcome);
            return Err(Refusal { status, code, supported, ..refusal });
        }
        let session = Session::new(footing, None, offers, profile.ids);
        Ok((session, Opening { version: revision.name(), server }))
    }

    fn discovered(
        &self,
        revision: Revision,
        reply: Reply<'_, DiscoverResult<'_>>,
    ) -> (Outcome, Option<Discovered>) {
        let Reply::Complete(complete) = reply else {
            return (Outcome::Violation(Rule::UnknownResultType), None);
        };
        let operation = Operation::Discover;
        if !complete.cache.are_complete() {
            let said = "ttlMs or cacheScope is missing".to_owned();
            self.violated(Rule::NoCacheHints, operation, said);
        }
        let result = complete.result;
        let named = result.supported_versions.iter().take(MOST_VERSIONS);
        let versions = match result.common(&[revision]) {
            Some(_) => Vec::new(),
            None => named.map(|name| name.clone().into_owned()).collect(),
        };
        let offers = Offers {
            resources: result.capabilities.resources,
            prompts: result.capabilities.prompts,
            completions: result.capabilities.completions,
            tasks: result.capabilities.tasks,
        };
        let server = result.server.map(|server| self.called(&server.name, &server.version));
        let server = server.unwrap_or_default();
        (Outcome::Ok, Some(Discovered { offers, server, others: versions }))
    }

    /// What a client has that knows already what it would discover.
    pub(super) fn modern_session(&self, revision: Revision, offers: Offers) -> Session {
        let footing = self.modern_footing(revision, Arc::new(self.meta(revision)));
        Session::new(footing, None, offers, self.common.profile.ids)
    }

    fn modern_footing(&self, revision: Revision, meta: Arc<Meta>) -> Footing {
        let headers = self.modern_headers(revision);
        Footing { headers, named: Named::Impossible, speech: Speech::Modern(meta) }
    }

    /// Opens the stream of changes beside everything else. One that was open and breaks is asked for
    /// again as often as the profile says; nothing of it is said twice.
    pub(super) fn subscribe(self: &Arc<Self>, session: &Session) -> oneshot::Receiver<()> {
        let (client, numbers, offers) = (Arc::clone(self), session.numbers.clone(), session.offers);
        let footing = session.footing.clone();
        let (opened, opening) = oneshot::channel();
        let reading = self.errands.begin(async move {
            let Speech::Modern(meta) = &footing.speech else { return };
            let interest = Interest {
                tools: true,
                prompts: offers.prompts,
                resources: offers.resources,
                ..Interest::default()
            };
            let (mut opened, mut broke) = (Some(opened), None::<Break>);
            loop {
                let (id, mut body) = (numbers.next(), Vec::with_capacity(512));
                listen::listen(&mut body, Id::Number(id), &interest, meta.bytes());
                match (client.hear_changes(&footing, id, body, opened.take()).await, &mut broke) {
                    (Stood::Broke(cursor), Some(broke)) => broke.again(cursor),
                    (Stood::Broke(cursor), broke) => {
                        *broke = Some(Break::at(cursor, client.common.profile.resumes));
                    }
                    (Stood::Failed, _) => {}
                    (Stood::Over, _) => return,
                }
                let Some(wait) = broke.as_mut().and_then(Break::pause) else { return };
                client.common.wire.clock.sleep(wait).await;
            }
        });
        let _only_one = session.stream.set(reading).is_ok();
        opening
    }

    /// Hears the stream of changes until it ends.
    async fn hear_changes(
        self: &Arc<Self>,
        footing: &Footing,
        id: u64,
        body: Vec<u8>,
        opened: Option<oneshot::Sender<()>>,
    ) -> Stood {
        let (operation, wire) = (Operation::Listen, &self.common.wire);
        let own = AtomicU32::new(0);
        let mut trail = self.trail(operation, None);
        trail.count_in(&own, &self.exchanges);
        if let Some(opened) = opened {
            trail.tell_when_open(opened);
        }
        // A stream that the client ends was a good one.
        trail.presume_when_open(Outcome::Ok);
        let mut request =
            Request::new(operation, Method::POST, footing.headers.clone(), body.into());
        request.headers.insert(METHOD, HeaderValue::from_static(operation.name()));
        let mut stream = listen::Stream::new(Id::Number(id));
        let (mut refused, mut wrongs) = (None, Wrongs::default());
        let mut on_event = |_: &Came, event: &sse::Event<'_>| {
            if event.name != b"message" {
                return Flow::Continue;
            }
            let heard = match message::read::<IgnoredAny>(event.data) {
                Ok(message) => stream.hear(message),
                Err(malformed) => Err(malformed.rule),
            };
            match heard {
                Ok(Told::Ended) => Flow::Answered,
                Ok(Told::Refused(code)) => {
                    self.refused_with(code, operation, event.data);
                    refused = Some(Outcome::RpcError(code));
                    Flow::Answered
                }
                Ok(Told::ListChanged(method)) => {
                    self.notified(&method);
                    Flow::Continue
                }
                Ok(_) => Flow::Continue,
                Err(rule) => {
                    self.violated(rule, operation, self.shown(event.data));
                    wrongs.flow(Err(rule))
                }
            }
        };
        let (mut body, deadline) = (Vec::new(), wire.clock.now() + FOR_EVER);
        let came = self.carry(&mut trail, request, deadline, &mut body, &mut on_event).await;
        let head_says = |reply: &Came| {
            let head = head_of(reply, footing);
            match head.reading() {
                Reading::Events => Outcome::Ok,
                // A server need not offer it.
                Reading::Message | Reading::Refusal => {
                    let refusal = answer::refused(&head, &body, Some(Id::Number(id)));
                    if let Some(code) = refusal.code {
                        self.refused_with(code, operation, &body);
                    }
                    refusal.outcome
                }
                Reading::Broken(rule) => Outcome::Violation(rule),
            }
        };
        let outcome = came.as_ref().map_or_else(|outcome| *outcome, head_says);
        let (given_up, cursor) = (refused.or(wrongs.outcome()), trail.cursor());
        trail.finish(given_up.unwrap_or(outcome));
        match (given_up, cursor, came) {
            (None, Some(cursor), _) => Stood::Broke(cursor),
            (None, None, Err(outcome)) if is_passing(outcome) => Stood::Failed,
            _ => Stood::Over,
        }
    }

    /// Tells it where a refusal has a code that this era forbids.
    fn refused_with(&self, code: i64, operation: Operation, data: &[u8]) {
        if let Some(rule) = errors::forbidden(code) {
            self.violated(rule, operation, self.shown(data));
        }
    }

    /// What every request says of this client.
    fn meta(&self, revision: Revision) -> Meta {
        let profile = &self.common.profile;
        Meta::new(&Introduction {
            protocol_version: revision.name(),
            capabilities: &profile.capabilities,
            client_name: &profile.identity.client_name,
            client_version: &profile.identity.client_version,
        })
    }

    /// Identity headers and those of every request of a revision.
    fn modern_headers(&self, revision: Revision) -> HeaderMap {
        let mut headers = self.common.headers.clone();
        for (name, value) in modern::constant_headers(revision) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }
}
