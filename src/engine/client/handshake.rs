//! What surrounds calls: the handshake, lists, the standalone stream, the session's end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::post::{Cost, Lent, Nothing, Question};
use super::{Client, Policy};
use crate::engine::session::{Life, Offers, Opened, Session, first_id};
use crate::engine::wire::{BODY_LIMIT, Flow, Reply, Trail, Wire};
use crate::model::chance::{Key, Purpose};
use crate::model::event::SessionChange;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::profile::List;
use crate::protocol::answer::{self, Head, Offer};
use crate::protocol::legacy::read::{InitializeResult, ListPage, Tool, ToolsPage};
use crate::protocol::legacy::{self, Revision, SESSION_HEADER, Verb, write};
use crate::protocol::message::Id;
use crate::protocol::sse;

/// Pages of one list beyond this are refused.
const MOST_PAGES: usize = 200;
/// A list is refused beyond so many bytes over all its pages: as one page may have.
const LIST_LIMIT: usize = BODY_LIMIT;
/// A list of tools is refused beyond so many.
const MOST_TOOLS: usize = 2_000;
/// The standalone stream has no deadline of its own.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

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
    /// What the target said, bounded, not yet escaped.
    pub said: String,
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

struct Opening {
    revision: Revision,
    offers: Offers,
    server: String,
}

struct Initialized;
impl Lent for Initialized {
    type Of<'a> = InitializeResult<'a>;
}
struct Tools;
impl Lent for Tools {
    type Of<'a> = ToolsPage;
}
struct Others;
impl Lent for Others {
    type Of<'a> = ListPage;
}

impl Client {
    /// Looks at the target once: handshake, tools, goodbye.
    pub async fn scout(self: &Arc<Self>) -> Result<Scouted, Refusal> {
        let cost = Cost::default();
        let (session, opening) = self.open(For::Scouting, &cost).await?;
        let session = Arc::new(session);
        let tools = self.tools(&session, &cost).await;
        self.close(&session, &cost).await;
        Ok(Scouted {
            server: opening.server,
            protocol_version: opening.revision.name(),
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
        if purpose == For::Keeping {
            let number = self.sessions.fetch_add(1, Ordering::Relaxed);
            let key = Key::of_run(self.common.seed, self.user.into()).at_turn(number);
            if key.draw(Purpose::Stream).happens(self.common.profile.stream_share) {
                self.open_stream(&session);
            }
            for list in &self.common.profile.lists {
                self.prefetch(*list, &session, cost).await;
            }
        }
        Ok(session)
    }

    async fn open(
        self: &Arc<Self>,
        purpose: For,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let profile = &self.common.profile;
        let id = first_id(profile.ids);
        let mut body = Vec::with_capacity(256);
        let introduction = write::Introduction {
            protocol_version: &profile.protocol_version,
            capabilities: &profile.capabilities,
            client_name: &profile.identity.client_name,
            client_version: &profile.identity.client_version,
        };
        write::initialize(&mut body, Id::Number(id), &introduction);
        let headers = with(&self.common.headers, Verb::Post, None, None);
        let question = Question {
            operation: Operation::Initialize,
            headers: &headers,
            session: answer::Session::Unnamed,
            id: Some(id),
            body,
            deadline: self.common.wire.clock.now() + profile.connect_timeout,
            cost,
        };
        let answered = self.ask::<Initialized, Opening, _>(question, opening).await;
        let status = answered.reply.as_ref().map(|reply| reply.status);
        let refused =
            |outcome, said| Refusal { operation: Operation::Initialize, outcome, status, said };
        let (Some(opening), Some(reply)) = (answered.value, &answered.reply) else {
            return Err(refused(answered.outcome, answered.said));
        };
        let id = session_id(reply).map_err(|rule| {
            self.violated(rule, Operation::Initialize, "in the header Mcp-Session-Id".to_owned());
            refused(Outcome::Violation(rule), String::new())
        })?;
        let session = self.session_of(id, &opening);
        if purpose != For::OneCall || profile.initialized_when_fresh {
            self.initialized(&session, cost).await;
        }
        Ok((session, opening))
    }

    fn session_of(&self, id: Option<String>, opening: &Opening) -> Session {
        let echoed = id.as_deref().filter(|_| self.policy != Policy::Unechoed);
        let headers = with(&self.common.headers, Verb::Post, echoed, Some(opening.revision));
        let named =
            if echoed.is_some() { answer::Session::Named } else { answer::Session::Unnamed };
        let opened = Opened { id, revision: opening.revision, offers: opening.offers };
        let Wire { clock, recorder, .. } = &self.common.wire;
        let life = Life::begin(clock, recorder, self.user, opened.id.is_some());
        Session::new(opened, headers, named, self.common.profile.ids, life)
    }

    async fn initialized(self: &Arc<Self>, session: &Session, cost: &Cost) {
        let mut body = Vec::with_capacity(64);
        write::initialized(&mut body);
        let question = Question {
            operation: Operation::Initialized,
            headers: &session.headers,
            session: session.named,
            id: None,
            body,
            deadline: self.common.wire.clock.now() + self.common.profile.connect_timeout,
            cost,
        };
        // A server that refuses it shows in the exchanges, and in the calls that follow.
        self.ask::<Nothing, (), _>(question, |_, _| (Outcome::Ok, None)).await;
    }

    async fn prefetch(self: &Arc<Self>, list: List, session: &Session, cost: &Cost) {
        let operation = match list {
            // A prefetched tool list only costs; what may be called was looked at before the load.
            List::Tools => {
                let _known = self.tools(session, cost).await.is_ok();
                return;
            }
            List::Resources if session.offers.resources => Operation::ResourcesList,
            List::Prompts if session.offers.prompts => Operation::PromptsList,
            List::Resources | List::Prompts => return,
        };
        let page = |_: &Head<'_>, page: ListPage| (Outcome::Ok, Some(((), page.next_cursor)));
        let _listed = self.pages::<Others, (), _>(operation, session, cost, page).await.is_ok();
    }

    async fn tools(self: &Arc<Self>, session: &Session, cost: &Cost) -> Result<Vec<Tool>, Refusal> {
        let page =
            |_: &Head<'_>, page: ToolsPage| (Outcome::Ok, Some((page.tools, page.next_cursor)));
        let pages = self.pages::<Tools, _, _>(Operation::ToolsList, session, cost, page).await?;
        let tools: Vec<Tool> = pages.into_iter().flatten().collect();
        if tools.len() > MOST_TOOLS {
            let said = format!("{} tools, of at most {MOST_TOOLS}", tools.len());
            return Err(self.unbounded(Rule::TooLarge, (Operation::ToolsList, None), said));
        }
        Ok(tools)
    }

    /// All pages of a list; a cursor seen before, too many pages or bytes end it as a violation.
    async fn pages<R, T, J>(
        self: &Arc<Self>,
        operation: Operation,
        session: &Session,
        cost: &Cost,
        page: J,
    ) -> Result<Vec<T>, Refusal>
    where
        R: Lent,
        T: Send,
        J: for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<(T, Option<String>)>) + Send + Sync,
    {
        let (mut pages, mut seen, mut bytes) = (Vec::new(), HashSet::new(), 0);
        let mut cursor: Option<String> = None;
        loop {
            let id = session.next_id();
            let mut body = Vec::with_capacity(128);
            write_list(&mut body, operation, Id::Number(id), cursor.as_deref());
            let question = Question {
                operation,
                headers: &session.headers,
                session: session.named,
                id: Some(id),
                body,
                deadline: self.common.wire.clock.now() + self.common.profile.connect_timeout,
                cost,
            };
            let answered = self.ask::<R, _, _>(question, &page).await;
            let status = answered.reply.as_ref().map(|reply| reply.status);
            let Some((items, next)) = answered.value else {
                let (outcome, said) = (answered.outcome, answered.said);
                return Err(Refusal { operation, outcome, status, said });
            };
            pages.push(items);
            bytes += answered.bytes;
            if bytes > LIST_LIMIT {
                let said =
                    format!("{} pages of {bytes} bytes, of at most {LIST_LIMIT}", pages.len());
                return Err(self.unbounded(Rule::TooLarge, (operation, status), said));
            }
            let Some(next) = next else { return Ok(pages) };
            if pages.len() >= MOST_PAGES || !seen.insert(next.clone()) {
                let said = format!("page {} leads to a page seen before", pages.len());
                return Err(self.unbounded(Rule::EndlessPages, (operation, status), said));
            }
            cursor = Some(next);
        }
    }

    /// Tells that a list goes beyond our bounds.
    fn unbounded(&self, rule: Rule, of: (Operation, Option<u16>), said: String) -> Refusal {
        let (operation, status) = of;
        self.violated(rule, operation, said.clone());
        Refusal { operation, outcome: Outcome::Violation(rule), status, said }
    }

    /// Opens the standalone stream beside everything else; 405 is a fine answer.
    fn open_stream(self: &Arc<Self>, session: &Session) {
        let headers =
            with(&self.common.headers, Verb::Get, session.echoed(), Some(session.revision));
        let post_headers = session.headers.clone();
        let (client, named) = (Arc::clone(self), session.named);
        self.beside(async move {
            let wire = &client.common.wire;
            let (operation, cost) = (Operation::Stream, Cost::default());
            let mut trail = Trail::begin(wire, &client.ending, client.user, operation);
            trail.count_in(&cost.exchanges, &client.exchanges);
            // A stream that the client ends was a good one.
            trail.presume(Outcome::Ok);
            let request = client.request(operation, Method::GET, &headers, Bytes::new());
            let mut on_event = |_: &Reply, event: &sse::Event<'_>| {
                if let Some(response) = client.heard_on_stream(event.data) {
                    client.respond(response, &post_headers, named);
                }
                Flow::Continue
            };
            let deadline = wire.clock.now() + FOR_EVER;
            let mut body = Vec::new();
            let came = wire
                .exchange(&client.lines, &mut trail, request, deadline, &mut body, &mut on_event)
                .await;
            trail
                .finish(came.map_or_else(|outcome| outcome, |reply| offered(&reply, &body, named)));
        });
    }

    /// Ends a session as the profile does: with DELETE, or without a word.
    pub(super) async fn close(self: &Arc<Self>, session: &Session, cost: &Cost) {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let key = Key::of_run(self.common.seed, self.user.into()).at_turn(number);
        let deletes = key.draw(Purpose::Delete).happens(self.common.profile.delete_share);
        if session.echoed().is_none() || !deletes {
            session.life.end(SessionChange::Abandoned);
            return;
        }
        let headers =
            with(&self.common.headers, Verb::Delete, session.echoed(), Some(session.revision));
        let wire = &self.common.wire;
        let operation = Operation::Delete;
        let trail = &mut Trail::begin(wire, &self.ending, self.user, operation);
        trail.count_in(&cost.exchanges, &self.exchanges);
        let request = self.request(operation, Method::DELETE, &headers, Bytes::new());
        let deadline = wire.clock.now() + self.common.profile.connect_timeout;
        let (mut body, mut on_event) = (Vec::new(), |_: &Reply, _: &sse::Event<'_>| Flow::Continue);
        let came =
            wire.exchange(&self.lines, trail, request, deadline, &mut body, &mut on_event).await;
        // Only a DELETE that the server took ended anything: 405 leaves the session where it is.
        let taken = matches!(&came, Ok(reply) if (200..300).contains(&reply.status));
        trail.presume(came.map_or_else(
            |outcome| outcome,
            |reply| answer::deleted(&head_of(&reply, session.named), &body),
        ));
        session.life.end(if taken { SessionChange::Closed } else { SessionChange::Abandoned });
    }
}

fn write_list(body: &mut Vec<u8>, operation: Operation, id: Id<'_>, cursor: Option<&str>) {
    match operation {
        Operation::ResourcesList => write::resources_list(body, id, cursor),
        Operation::PromptsList => write::prompts_list(body, id, cursor),
        _ => write::tools_list(body, id, cursor),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as every judge of a result takes it")]
fn opening(_: &Head<'_>, result: InitializeResult<'_>) -> (Outcome, Option<Opening>) {
    match Revision::negotiated(Revision::V2025_11_25, &result.protocol_version) {
        Ok(revision) => {
            let offers = Offers {
                resources: result.capabilities.resources,
                prompts: result.capabilities.prompts,
            };
            let server = format!("{} {}", result.server_name, result.server_version);
            (Outcome::Ok, Some(Opening { revision, offers, server }))
        }
        Err(rule) => (Outcome::Violation(rule), None),
    }
}

fn session_id(reply: &Reply) -> Result<Option<String>, Rule> {
    let header = reply.headers.get(SESSION_HEADER);
    header.map(|value| legacy::session_id(value.as_bytes()).map(str::to_owned)).transpose()
}

fn head_of(reply: &Reply, session: answer::Session) -> Head<'_> {
    Head { status: reply.status, headers: &reply.headers, session }
}

/// What a stream that has ended was.
fn offered(reply: &Reply, body: &[u8], session: answer::Session) -> Outcome {
    let head = head_of(reply, session);
    match head.offer() {
        Offer::Open | Offer::NotOffered => Outcome::Ok,
        Offer::Refused => answer::refused(&head, body, None).outcome,
        Offer::Broken(rule) => Outcome::Violation(rule),
    }
}

/// Identity headers and those the protocol asks for.
fn with(
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
