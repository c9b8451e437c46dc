//! Tool calls in any era: which tool is meant, its service time, its count.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::catalogue::object;
use super::exhibits::{self, Caller, Exhibit};
use super::server::Target;
use super::tools::Tool;
use crate::model::plan::Catalogue;

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// A call's tool and arguments.
#[derive(Debug)]
pub(super) enum Chosen<'a> {
    /// One of the usual tools.
    Tool(Tool, Option<&'a RawValue>),
    /// One of the full catalogue, and its place there.
    Exhibit(usize, &'static Exhibit, Option<&'a RawValue>),
}

impl Chosen<'_> {
    /// Whether it says something before its answer.
    pub(super) fn talks(&self) -> bool {
        matches!(self, Self::Exhibit(_, exhibit, _) if exhibit.talks())
    }
}

impl Target {
    /// Reads which tool is called.
    pub(super) fn choose<'a>(&self, params: Option<&'a RawValue>) -> Result<Chosen<'a>, Answer> {
        let Some(params) = params else {
            return Err(Answer::invalid_params("`params` is missing"));
        };
        let call: Call<'_> = object(params).map_err(Answer::invalid_params)?;
        self.chosen(&call.name, call.arguments)
    }

    /// The tool of that name, if it is offered.
    pub(super) fn chosen<'a>(
        &self,
        name: &str,
        arguments: Option<&'a RawValue>,
    ) -> Result<Chosen<'a>, Answer> {
        if let Some(tool) = Tool::named(name) {
            return Ok(Chosen::Tool(tool, arguments));
        }
        let is_full = self.knobs.catalogue == Catalogue::Full;
        match is_full.then(|| exhibits::named(name)).flatten() {
            Some((at, exhibit)) => Ok(Chosen::Exhibit(at, exhibit, arguments)),
            None => Err(Answer::invalid_params(format!("unknown tool `{name}`"))),
        }
    }

    /// Calls it, with its service time; only an exhibit asks who calls.
    pub(super) async fn call(&self, chosen: Chosen<'_>, caller: impl FnOnce() -> Caller) -> Answer {
        let key = self.workers.key();
        match chosen {
            Chosen::Tool(tool, arguments) => {
                let called = self.metrics.called(tool);
                let work = tool.call(arguments, self.knobs.result_bytes, key);
                self.workers.work(key, work.extra, &self.metrics).await;
                called.answered(work.answer.is_tool_error());
                work.answer
            }
            Chosen::Exhibit(at, exhibit, arguments) => {
                let called = self.metrics.called_exhibit(at);
                self.workers.work(key, Duration::ZERO, &self.metrics).await;
                // Apart, so that calls of the usual tools do not carry the room it needs.
                let caller = caller();
                let answer = Box::pin(self.perform(exhibit, arguments, &caller)).await;
                called.answered(answer.is_tool_error());
                answer
            }
        }
    }
}

/// The progress token of a request's parameters, as it was written.
pub(super) fn progress_token(params: Option<&RawValue>) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "_meta")]
        meta: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "progressToken")]
        token: Box<RawValue>,
    }
    let params: Params = object(params?).ok()?;
    let is_token = |raw: &str| raw.starts_with('"') || raw.parse::<f64>().is_ok();
    Some(params.meta.token).filter(|token| is_token(token.get()))
}
