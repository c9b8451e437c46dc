//! A call of a tool: its request, its headers, what its result comes to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Client;
use super::cost::Cost;
use super::post::{Answered, Lent};
use super::put::{self, Header, Put};
use super::trail::CallTrail;
use crate::engine::session::Session;
use crate::model::arguments::{Maker, Unfit};
use crate::model::behaviour::Ask as Turn;
use crate::model::event::Echo;
use crate::model::nonce::Nonce;
use crate::model::outcome::Outcome;
use crate::protocol::answer::{self, Head};
use crate::protocol::ask::Ask;
use crate::protocol::era::{Heard, Refused};
use crate::protocol::modern::errors::HEADER_MISMATCH;
use crate::protocol::modern::params::{self, HeaderParam};
use crate::protocol::output::Output;
use crate::protocol::results::call::CallResult;
use crate::protocol::results::list::Tool as Offered;

/// Appends the arguments of a call.
type Make<'a> = &'a (dyn Fn(&mut Vec<u8>) + Sync);

struct Called;
impl Lent for Called {
    type Of<'a> = CallResult<'a>;
}

/// A tool that may be called.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Makes its arguments.
    pub maker: Maker,
    /// Which of them a modern client repeats in headers.
    pub mirrored: Vec<HeaderParam>,
    /// What its structured results must conform to.
    pub output: Option<Output>,
    /// Its calls have to become tasks, of servers of 2025-11-25.
    pub needs_task: bool,
    /// The headers that say to a modern server what its calls are about.
    about: Vec<Header>,
}

impl Tool {
    /// A tool of which nothing but this is known.
    pub fn new(name: String, maker: Maker) -> Self {
        let about = put::about(&Ask::ToolsCall { name: &name, arguments: &|_| {} });
        Self { name, maker, mirrored: Vec::new(), output: None, needs_task: false, about }
    }

    /// An offered tool, and why its results are held against no output schema, though it has one.
    /// Where its annotations of headers are invalid they mean nothing: to a modern client it is
    /// not to be offered.
    pub fn offered(tool: &Offered, maker: Maker) -> (Self, Option<Unfit>) {
        let mirrored = params::header_params(&tool.input_schema).unwrap_or_default();
        let (output, unfit) = match tool.output_schema.as_ref().map(Output::new) {
            None => (None, None),
            Some(Ok(output)) => (Some(output), None),
            Some(Err(unfit)) => (None, Some(unfit)),
        };
        let needs_task = tool.needs_task();
        (Self { mirrored, output, needs_task, ..Self::new(tool.name.clone(), maker) }, unfit)
    }
}

/// Which headers tools want now, where a client had to learn that.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// Read on every call: hardly ever is there anything.
    is_any: AtomicBool,
    by_tool: Mutex<HashMap<u16, Arc<[HeaderParam]>>>,
}

impl Learnt {
    fn of(&self, tool: u16) -> Option<Arc<[HeaderParam]>> {
        if !self.is_any.load(Ordering::Relaxed) {
            return None;
        }
        self.by_tool.lock().unwrap_or_else(PoisonError::into_inner).get(&tool).cloned()
    }

    fn keep(&self, tool: u16, params: Vec<HeaderParam>) {
        let mut by_tool = self.by_tool.lock().unwrap_or_else(PoisonError::into_inner);
        by_tool.insert(tool, params.into());
        self.is_any.store(true, Ordering::Relaxed);
    }
}

impl Client {
    /// Sends the call itself and reads its answer; says too whether the way it was sent in is to
    /// be doubted. Where a modern server says that the headers are not what it wants, the tools are
    /// listed again and the call made once more (MCP 2026-07-28, streamable-http, "Custom Headers
    /// from Tool Parameters").
    pub(super) async fn call_in(
        self: &Arc<Self>,
        session: &Session,
        trail: &mut CallTrail<'_>,
        ask: Turn,
        deadline: Duration,
    ) -> (Outcome, bool) {
        let Some(tool) = self.common.tools.get(usize::from(ask.tool)) else {
            return (Outcome::NeverSent, false);
        };
        let first = self.call_once((session, tool), trail, ask, deadline).await;
        let is_mismatch = first.code == Some(HEADER_MISMATCH) && session.footing.is_modern();
        let answered = if is_mismatch
            && Box::pin(self.learn((session, ask.tool), deadline, trail.cost)).await
        {
            trail.stamped = false;
            self.call_once((session, tool), trail, ask, deadline).await
        } else {
            first
        };
        let is_doubted = answered.outcome != Outcome::Ok && self.doubts(session, &answered);
        (answered.outcome, is_doubted)
    }

    async fn call_once(
        self: &Arc<Self>,
        (session, tool): (&Session, &Tool),
        trail: &mut CallTrail<'_>,
        ask: Turn,
        deadline: Duration,
    ) -> Answered<u32> {
        let learnt = self.learnt.of(ask.tool);
        let mirrored = learnt.as_deref().unwrap_or(&tool.mirrored);
        let until = (deadline, trail.cost);
        let nonce = trail.nonce(session.tag, ask.variation);
        let make = |out: &mut Vec<u8>| {
            if tool.maker.make(ask.variation, nonce, out) {
                trail.cost.echoes(Echo::Silent);
            }
        };
        let answered = if session.footing.is_modern() && !mirrored.is_empty() {
            let mut made = Vec::new();
            make(&mut made);
            let arguments = |out: &mut Vec<u8>| out.extend_from_slice(&made);
            let headers = headers(mirrored, &made);
            self.call_tool((session, tool), (&arguments, nonce), &headers, until).await
        } else {
            self.call_tool((session, tool), (&make, nonce), &[], until).await
        };
        trail.call.result_chars = answered.value.unwrap_or_default();
        let cap = self.common.profile.result_cap;
        trail.call.over_cap = cap.is_some_and(|cap| trail.call.result_chars > cap);
        if let Some(at) = answered.at {
            trail.stamp_at(at, answered.outcome);
        }
        answered
    }

    /// Calls a tool with these arguments, once, whatever came of it.
    pub(super) async fn call_with(
        self: &Arc<Self>,
        session: &Session,
        tool: &Tool,
        (made, nonce): (&[u8], Nonce),
        until: (Duration, &Cost),
    ) -> Answered<u32> {
        let arguments = |out: &mut Vec<u8>| out.extend_from_slice(made);
        let mirrored = session.footing.is_modern().then(|| headers(&tool.mirrored, made));
        let mirrored = mirrored.unwrap_or_default();
        self.call_tool((session, tool), (&arguments, nonce), &mirrored, until).await
    }

    /// Lists the tools again to learn which headers a tool wants; false if that cannot be told.
    async fn learn(
        self: &Arc<Self>,
        (session, tool): (&Session, u16),
        deadline: Duration,
        cost: &Cost,
    ) -> bool {
        let name = &self.common.tools[usize::from(tool)].name;
        let listed = self.common.wire.clock.by(deadline, self.tools(session, cost)).await;
        let Some(Ok(offered)) = listed else { return false };
        let Some(offered) = offered.iter().find(|offered| offered.name == *name) else {
            return false;
        };
        // What is annotated in an invalid way is not to be called.
        params::header_params(&offered.input_schema)
            .map(|params| self.learnt.keep(tool, params))
            .is_ok()
    }

    /// Whether an answer says that the server does not speak as it was believed to.
    fn doubts(&self, session: &Session, answered: &Answered<u32>) -> bool {
        let Some(reply) = &answered.reply else { return false };
        let code = answered.code;
        let refused = Refused { status: reply.status, code, supported: &[] };
        session.footing.is_modern()
            && self
                .belief()
                .way(self.common.wire.clock.now())
                .is_some_and(|way| way.is_doubted_by(&Heard::Refused(refused)))
    }

    /// Calls a tool; gives the characters of its result.
    async fn call_tool(
        self: &Arc<Self>,
        (session, tool): (&Session, &Tool),
        (arguments, nonce): (Make<'_>, Nonce),
        mirrored: &[Header],
        (deadline, cost): (Duration, &Cost),
    ) -> Answered<u32> {
        let ask = Ask::ToolsCall { name: &tool.name, arguments };
        let about = Some(&*tool.about);
        let nonce = Some(nonce);
        let put = Put { session, ask, about, mirrored, deadline, cost, is_call: true, nonce };
        let judge = |head: &Head<'_>, result: CallResult<'_>| {
            let chars = u32::try_from(result.content.text_chars).unwrap_or(u32::MAX);
            (judged(head, &result, tool), Some(chars))
        };
        if tool.needs_task && session.offers.tasks && !session.footing.is_modern() {
            return Box::pin(self.fetch_as_task::<Called, u32, _>(put, judge)).await;
        }
        self.fetch::<Called, u32, _>(put, judge).await
    }
}

/// How a call ended that was given a result.
fn judged(head: &Head<'_>, result: &CallResult<'_>, tool: &Tool) -> Outcome {
    let promised = tool.output.as_ref().map_or(Ok(()), |output| output.judge(result));
    match (result.content.broken, promised) {
        (Some(rule), _) | (None, Err((rule, _))) => Outcome::Violation(rule),
        (None, Ok(())) => answer::call(head, result),
    }
}

/// The headers that repeat a call's arguments; none where the arguments are not as annotated,
/// which a server is then to say.
pub(super) fn headers(mirrored: &[HeaderParam], arguments: &[u8]) -> Vec<Header> {
    let said = params::mirrored(mirrored, arguments).unwrap_or_default();
    let header = |(name, value): (&str, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    said.into_iter().filter_map(header).collect()
}
