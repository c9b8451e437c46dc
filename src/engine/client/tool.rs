//! A call of a tool: its request, its headers, what its result comes to.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Client;
use super::post::{Answered, Cost, Lent};
use super::put::Put;
use super::trail::CallTrail;
use crate::engine::session::Session;
use crate::model::arguments::{Maker, Unfit};
use crate::model::behaviour::Ask as Turn;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::answer::{self, Head};
use crate::protocol::ask::Ask;
use crate::protocol::era::{Heard, Refused};
use crate::protocol::legacy::write;
use crate::protocol::message::Id;
use crate::protocol::modern::params::{self, HeaderParam};
use crate::protocol::output::Output;
use crate::protocol::results::call::CallResult;
use crate::protocol::results::list::Tool as Offered;

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
}

impl Tool {
    /// A tool of which nothing but this is known.
    pub fn new(name: String, maker: Maker) -> Self {
        Self { name, maker, mirrored: Vec::new(), output: None, needs_task: false }
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
        let (name, needs_task) = (tool.name.clone(), tool.needs_task());
        (Self { name, maker, mirrored, output, needs_task }, unfit)
    }
}

impl Client {
    /// Sends the call itself and reads its answer; says too whether the way it was sent in is to
    /// be doubted.
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
        let answered = if session.footing.is_modern() && !tool.mirrored.is_empty() {
            let mut made = Vec::new();
            tool.maker.make(ask.variation, &mut made);
            let arguments = |out: &mut Vec<u8>| out.extend_from_slice(&made);
            let mirrored = mirrored(tool, &made);
            self.call_tool((session, tool), &arguments, mirrored, (deadline, trail.cost)).await
        } else {
            let arguments = |out: &mut Vec<u8>| tool.maker.make(ask.variation, out);
            self.call_tool((session, tool), &arguments, Vec::new(), (deadline, trail.cost)).await
        };
        trail.call.result_chars = answered.value.unwrap_or_default();
        let cap = self.common.profile.result_cap;
        trail.call.over_cap = cap.is_some_and(|cap| trail.call.result_chars > cap);
        if let Some(at) = answered.at {
            trail.stamp_at(at, answered.outcome);
        }
        (answered.outcome, answered.outcome != Outcome::Ok && self.doubts(session, &answered))
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
        arguments: &(dyn Fn(&mut Vec<u8>) + Sync),
        mirrored: Vec<(HeaderName, HeaderValue)>,
        (deadline, cost): (Duration, &Cost),
    ) -> Answered<u32> {
        let ask = Ask::ToolsCall { name: &tool.name, arguments };
        let put = Put { session, ask, mirrored, deadline, cost, is_call: true };
        let judge = |head: &Head<'_>, result: CallResult<'_>| {
            let chars = u32::try_from(result.content.text_chars).unwrap_or(u32::MAX);
            (judged(head, &result, tool), Some(chars))
        };
        if tool.needs_task && session.offers.tasks && !session.footing.is_modern() {
            return Box::pin(self.fetch_as_task::<Called, u32, _>(put, judge)).await;
        }
        self.fetch::<Called, u32, _>(put, judge).await
    }

    /// Says that an answer is no longer awaited, if this client does.
    pub(super) fn give_up(self: &Arc<Self>, session: &Session, id: u64) {
        if !self.common.profile.cancels || session.footing.is_modern() {
            return;
        }
        let mut body = Vec::with_capacity(128);
        write::cancelled(&mut body, Id::Number(id), Some("the client's patience ended"));
        let mailbox = session.footing.mailbox().map(Arc::downgrade);
        self.post_beside_then(Operation::Cancelled, body, &session.footing, move |outcome| {
            // An answer that crosses the notification is no fault: only later ones are.
            if let Some(mailbox) = mailbox.and_then(|mailbox| mailbox.upgrade())
                && outcome == Outcome::Ok
            {
                mailbox.cancelled(id);
            }
        });
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
fn mirrored(tool: &Tool, arguments: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
    let said = params::mirrored(&tool.mirrored, arguments).unwrap_or_default();
    let header = |(name, value): (&str, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    said.into_iter().filter_map(header).collect()
}
