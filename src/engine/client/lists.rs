//! What a client looks at after a handshake: lists, and some of what they name.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Client;
use super::connect::Refusal;
use super::cost::Cost;
use super::kept::nanos;
use super::post::{Answered, Lent};
use super::put::{Put, operation_of};
use crate::engine::session::Session;
use crate::engine::wire::BODY_LIMIT;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::profile::{Connections, List};
use crate::protocol::answer::Head;
use crate::protocol::ask::{Ask, Reference};
use crate::protocol::message;
use crate::protocol::modern::result::{CacheHints, CacheScope};
use crate::protocol::results::completion::CompleteResult;
use crate::protocol::results::entry::{
    Argument, Prompt, PromptsPage, ResourcesPage, TemplatesPage,
};
use crate::protocol::results::list::{Tool, ToolsPage};
use crate::protocol::results::prompt::PromptResult;
use crate::protocol::results::resource::ReadResult;

/// Pages of one list beyond this are refused.
const MOST_PAGES: usize = 200;
/// A list is refused beyond so many bytes over all its pages: as one page may have.
const LIST_LIMIT: usize = BODY_LIMIT;
/// A list of tools is refused beyond so many.
const MOST_TOOLS: usize = 2_000;
/// A list is whole within this, over all its pages.
const LIST_TIME: Duration = Duration::from_secs(120);
/// What is put for an argument of a prompt, whatever it is.
const SAMPLE: &str = "sample";

struct Tools;
impl Lent for Tools {
    type Of<'a> = ToolsPage;
}
struct Resources;
impl Lent for Resources {
    type Of<'a> = ResourcesPage;
}
struct Templates;
impl Lent for Templates {
    type Of<'a> = TemplatesPage;
}
struct Prompts;
impl Lent for Prompts {
    type Of<'a> = PromptsPage;
}
struct Read;
impl Lent for Read {
    type Of<'a> = ReadResult;
}
struct Got;
impl Lent for Got {
    type Of<'a> = PromptResult<'a>;
}
struct Completed;
impl Lent for Completed {
    type Of<'a> = CompleteResult;
}

/// A list, and how long it holds.
struct Listed<T> {
    items: Vec<T>,
    cache: CacheHints,
    /// Of all pages.
    bytes: usize,
    pages: usize,
}

impl Client {
    /// What follows a handshake: everything the profile lists is asked for; in the modern era
    /// nothing that still holds.
    pub(super) async fn look_around(self: &Arc<Self>, session: &Session, cost: &Cost) {
        if session.footing.is_modern() && self.knows_lists() {
            return;
        }
        self.kept.ask(self.run.load(Ordering::Relaxed));
        self.kept.take_change();
        self.list_all(session, cost).await;
    }

    /// Asks for everything the profile lists, and reads some of it.
    async fn list_all(self: &Arc<Self>, session: &Session, cost: &Cost) {
        let (mut shortest, mut are_public, mut has_failed) = (Duration::MAX, true, false);
        for list in &self.common.profile.lists {
            match self.look_at(*list, session, cost).await {
                Ok(Some(cache)) => {
                    are_public &= cache.scope == Some(CacheScope::Public);
                    shortest = shortest.min(cache.ttl.unwrap_or_default());
                }
                Ok(None) => {}
                Err(_) => has_failed = true,
            }
        }
        if !session.footing.is_modern() {
            return;
        }
        if has_failed {
            return self.kept.fail();
        }
        let is_for_good = shortest == Duration::MAX || !self.common.profile.honours_ttl;
        let until = self.common.wire.clock.now().saturating_add(shortest);
        self.kept.keep(if is_for_good { Duration::MAX } else { until });
        if are_public && !is_for_good && self.shares_lists() {
            self.common.listed_until.fetch_max(nanos(until), Ordering::Relaxed);
        }
    }

    /// Whether all lists still hold: those of this client, or those that somebody else has listed.
    fn knows_lists(&self) -> bool {
        let now = self.common.wire.clock.now();
        if !self.common.profile.honours_ttl {
            return false;
        }
        let others_until = self.common.listed_until.load(Ordering::Relaxed);
        if self.shares_lists() && nanos(now) < others_until {
            self.kept.keep(Duration::from_nanos(others_until));
        }
        self.kept.hold(now)
    }

    /// Whether what one user listed is known to all.
    fn shares_lists(&self) -> bool {
        let profile = &self.common.profile;
        profile.honours_ttl && profile.connections == Connections::Shared
    }

    /// What was listed is no longer what the server has.
    pub(super) fn forget_lists(&self) {
        self.kept.forget();
        if self.shares_lists() {
            self.common.listed_until.store(0, Ordering::Relaxed);
        }
    }

    /// A notification came on a stream of the session's own: where it says that a list changed, the
    /// next call asks for all of them again.
    pub(super) fn notified(&self, method: &str) {
        if message::is_list_changed(method) {
            self.forget_lists();
            self.kept.change();
        }
    }

    /// Lists again what the server of a legacy session says has changed.
    pub(super) async fn relist(self: &Arc<Self>, session: &Session, cost: &Cost) {
        if self.kept.take_change() {
            Box::pin(self.list_all(session, cost)).await;
        }
    }

    /// Lists again what no longer holds, once a run: the list of tools is read when a turn begins.
    /// Lists that did not come are asked for by the next call, too.
    pub(super) async fn refresh_lists(self: &Arc<Self>, session: &Session, cost: &Cost) {
        if self.kept.hold(self.common.wire.clock.now()) || self.knows_lists() {
            return;
        }
        if self.kept.ask(self.run.load(Ordering::Relaxed)) {
            Box::pin(self.list_all(session, cost)).await;
        }
    }

    async fn look_at(
        self: &Arc<Self>,
        list: List,
        session: &Session,
        cost: &Cost,
    ) -> Result<Option<CacheHints>, Refusal> {
        let most = self.common.profile.reads as usize;
        match list {
            // A tool list only costs here; what may be called was looked at before the load.
            List::Tools => {
                let listed = self.all_tools(session, cost).await?;
                Ok(Some(listed.cache))
            }
            List::Resources if session.offers.resources => {
                let page = |_: &Head<'_>, page: ResourcesPage| {
                    (Outcome::Ok, Some((page.resources, page.next_cursor)))
                };
                let listed = self.pages::<Resources, _, _>(list, session, cost, page).await?;
                for resource in listed.items.iter().take(most) {
                    self.read(&resource.uri, session, cost).await;
                }
                Ok(Some(listed.cache))
            }
            List::Templates if session.offers.resources => {
                let page = |_: &Head<'_>, page: TemplatesPage| {
                    (Outcome::Ok, Some((page.resource_templates, page.next_cursor)))
                };
                let listed = self.pages::<Templates, _, _>(list, session, cost, page).await?;
                Ok(Some(listed.cache))
            }
            List::Prompts if session.offers.prompts => {
                let page = |_: &Head<'_>, page: PromptsPage| {
                    (Outcome::Ok, Some((page.prompts, page.next_cursor)))
                };
                let listed = self.pages::<Prompts, _, _>(list, session, cost, page).await?;
                for prompt in listed.items.iter().take(most) {
                    self.get_prompt(prompt, session, cost).await;
                }
                Ok(Some(listed.cache))
            }
            List::Resources | List::Templates | List::Prompts => Ok(None),
        }
    }

    /// Every tool of the target.
    pub(super) async fn tools(
        self: &Arc<Self>,
        session: &Session,
        cost: &Cost,
    ) -> Result<Vec<Tool>, Refusal> {
        self.all_tools(session, cost).await.map(|listed| listed.items)
    }

    /// Every tool of the target, the bytes of all pages, and how many those are.
    pub(super) async fn listed_tools(
        self: &Arc<Self>,
        session: &Session,
        cost: &Cost,
    ) -> Result<(Vec<Tool>, usize, usize), Refusal> {
        self.all_tools(session, cost).await.map(|listed| (listed.items, listed.bytes, listed.pages))
    }

    async fn all_tools(
        self: &Arc<Self>,
        session: &Session,
        cost: &Cost,
    ) -> Result<Listed<Tool>, Refusal> {
        let page =
            |_: &Head<'_>, page: ToolsPage| (Outcome::Ok, Some((page.tools, page.next_cursor)));
        let listed = self.pages::<Tools, _, _>(List::Tools, session, cost, page).await?;
        if listed.items.len() > MOST_TOOLS {
            let said = format!("{} tools, of at most {MOST_TOOLS}", listed.items.len());
            return Err(self.unbounded(Rule::TooLarge, (Operation::ToolsList, None), said));
        }
        Ok(listed)
    }

    async fn read(self: &Arc<Self>, uri: &str, session: &Session, cost: &Cost) {
        let judge = |_: &Head<'_>, read: ReadResult| (sound(read.broken), Some(()));
        self.fetch::<Read, (), _>(self.aside(Ask::ResourcesRead { uri }, session, cost), judge)
            .await;
    }

    async fn get_prompt(self: &Arc<Self>, prompt: &Prompt, session: &Session, cost: &Cost) {
        let wanted = prompt.arguments.as_deref().unwrap_or_default();
        let sample = |argument: &Argument| (argument.name.clone(), Value::from(SAMPLE));
        let arguments: Map<String, Value> = wanted.iter().map(sample).collect();
        let ask = Ask::PromptsGet { name: &prompt.name, arguments: &arguments };
        let judge = |_: &Head<'_>, got: PromptResult<'_>| (sound(got.content.broken), Some(()));
        self.fetch::<Got, (), _>(self.aside(ask, session, cost), judge).await;
        let Some(first) = wanted.first().filter(|_| session.offers.completions) else {
            return;
        };
        let reference = Reference::Prompt(&prompt.name);
        let ask = Ask::Complete { reference, argument: &first.name, value: "s" };
        let judge = |_: &Head<'_>, values: CompleteResult| (sound(values.broken()), Some(()));
        self.fetch::<Completed, (), _>(self.aside(ask, session, cost), judge).await;
    }

    /// A request beside the calls, with the budget of a handshake.
    fn aside<'a>(&self, ask: Ask<'a>, session: &'a Session, cost: &'a Cost) -> Put<'a> {
        let deadline = self.common.wire.clock.now() + self.common.profile.connect_timeout;
        let (about, nonce) = (None, None);
        Put { session, ask, about, mirrored: &[], deadline, cost, is_call: false, nonce }
    }

    /// All pages of a list; a cursor seen before, too many pages or bytes end it as a violation.
    async fn pages<R, T, J>(
        self: &Arc<Self>,
        list: List,
        session: &Session,
        cost: &Cost,
        page: J,
    ) -> Result<Listed<T>, Refusal>
    where
        R: Lent + Send + Sync,
        T: Send,
        J: for<'a> Fn(&Head<'_>, R::Of<'a>) -> (Outcome, Option<(Vec<T>, Option<String>)>)
            + Send
            + Sync,
    {
        let (mut items, mut seen, mut bytes) = (Vec::new(), HashSet::new(), 0);
        let mut cursor: Option<String> = None;
        let mut cache: Option<CacheHints> = None;
        let operation = operation_of(&page_of(list, None));
        let whole_by = self.common.wire.clock.now() + LIST_TIME;
        loop {
            let mut put = self.aside(page_of(list, cursor.as_deref()), session, cost);
            put.deadline = put.deadline.min(whole_by);
            let answered = self.fetch::<R, _, _>(put, &page).await;
            let status = answered.reply.as_ref().map(|reply| reply.status);
            let Answered { value, outcome, said, bytes: more, cache: hints, .. } = answered;
            let Some((some, next)) = value else {
                return Err(Refusal { status, said, ..Refusal::of(operation, outcome) });
            };
            if session.footing.is_modern() && !hints.are_complete() {
                let said = format!("{operation:?}: ttlMs or cacheScope is missing");
                self.violated(Rule::NoCacheHints, operation, said);
            }
            cache = Some(cache.filter(|cache| cache.ttl <= hints.ttl).unwrap_or(hints));
            items.extend(some);
            bytes += more;
            let pages = seen.len() + 1;
            if bytes > LIST_LIMIT {
                let said = format!("{pages} pages of {bytes} bytes, of at most {LIST_LIMIT}");
                return Err(self.unbounded(Rule::TooLarge, (operation, status), said));
            }
            let Some(next) = next else {
                return Ok(Listed { items, cache: cache.unwrap_or_default(), bytes, pages });
            };
            if pages >= MOST_PAGES || !seen.insert(next.clone()) {
                let said = format!("page {pages} leads to a page seen before");
                return Err(self.unbounded(Rule::EndlessPages, (operation, status), said));
            }
            cursor = Some(next);
        }
    }

    /// Tells that a list goes beyond our bounds.
    fn unbounded(&self, rule: Rule, of: (Operation, Option<u16>), said: String) -> Refusal {
        let (operation, status) = of;
        self.violated(rule, operation, said.clone());
        Refusal { status, said, ..Refusal::of(operation, Outcome::Violation(rule)) }
    }
}

/// How a question ended whose result breaks this rule, if any.
fn sound(broken: Option<Rule>) -> Outcome {
    broken.map_or(Outcome::Ok, Outcome::Violation)
}

/// The request for one page.
const fn page_of(list: List, cursor: Option<&str>) -> Ask<'_> {
    match list {
        List::Tools => Ask::ToolsList { cursor },
        List::Resources => Ask::ResourcesList { cursor },
        List::Templates => Ask::TemplatesList { cursor },
        List::Prompts => Ask::PromptsList { cursor },
    }
}
