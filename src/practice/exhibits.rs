//! The tools of the full catalogue: what each does beyond answering.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, quoted};
use super::client::{Capabilities, Capability, Client, Level};
use super::full::FULL;
use super::id::Id;
use super::inquiry::{Brought, Inquiry, Question, missing};
use super::server::Target;
use super::stream::Change;
use super::voice::Voice;
use crate::model::plan::Flaw;

mod questions;

pub use questions::EXHIBITS;

/// Between two things that a tool says.
const BETWEEN: Duration = Duration::from_millis(50);

/// A tool of the full catalogue.
#[derive(Debug)]
pub struct Exhibit {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does.
    pub act: Act,
}

/// What a tool does.
#[derive(Debug)]
pub enum Act {
    /// It always answers the same.
    Shows,
    /// It answers with structured content.
    Weather,
    /// It says the arguments that headers mirror.
    Region,
    /// It logs while it works.
    Logs,
    /// It says how far it is.
    Progress,
    /// It breaks its stream.
    HangsUp,
    /// It tells who listens that something changed.
    Changes(Change),
    /// It tells who watches a resource that it changed.
    Touches,
    /// It asks its client.
    Asks(Inquiry),
}

/// Who calls.
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) session: Option<Id>,
    /// The progress token, as it was written.
    pub(super) progress: Option<Box<RawValue>>,
    /// How the call can speak before its answer.
    pub(super) voice: Option<Voice>,
}

/// The exhibit of a name, and its place among them.
pub(super) fn named(name: &str) -> Option<(usize, &'static Exhibit)> {
    EXHIBITS.iter().enumerate().find(|(_, exhibit)| exhibit.name == name)
}

#[derive(Deserialize, Default)]
struct Arguments<'a> {
    #[serde(borrow)]
    city: Option<&'a RawValue>,
    #[serde(borrow)]
    region: Option<&'a RawValue>,
    #[serde(borrow)]
    limit: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<std::borrow::Cow<'a, str>>,
}

impl Exhibit {
    /// Whether it says something before its answer, and so needs a stream.
    pub(super) fn talks(&self) -> bool {
        matches!(self.act, Act::Logs | Act::Progress | Act::HangsUp | Act::Asks(_))
    }

    /// Whether, in the modern era, it has a stream: there nothing is asked in one.
    pub(super) fn talks_modern(&self) -> bool {
        matches!(self.act, Act::Logs | Act::Progress)
    }

    fn inquiry(&self) -> Option<&Inquiry> {
        match &self.act {
            Act::Asks(inquiry) => Some(inquiry),
            _ => None,
        }
    }

    /// What it answers a call of the modern era that brings this from the rounds before; `None`:
    /// it asks nothing.
    pub(super) fn round(
        &self,
        target: &Target,
        arguments: Option<&RawValue>,
        capabilities: Capabilities,
        brought: Brought<'_>,
    ) -> Option<Answer> {
        let inquiry = self.inquiry()?;
        let step = inquiry.step(self.name, arguments, capabilities, brought, &target.seal);
        Some(step.map_or_else(|asked| asked, |heard| Answer::said(&inquiry.conclusion(&heard))))
    }
}

impl Target {
    /// Does what an exhibit does and answers. The questions of the modern era are asked before.
    pub(super) async fn perform(
        &self,
        exhibit: &'static Exhibit,
        arguments: Option<&RawValue>,
        caller: &Caller,
    ) -> Answer {
        let read = arguments.map_or_else(|| Ok(Arguments::default()), super::catalogue::object);
        let read = match read {
            Ok(read) => read,
            Err(wrong) => return Answer::failed(&wrong),
        };
        match &exhibit.act {
            Act::Shows => FULL.result(exhibit.name).map_or(Answer::Fixed("{}"), Answer::Fixed),
            Act::Weather => weather(read.city),
            Act::Region => region(&read),
            Act::Logs => self.log(caller).await,
            Act::Progress => self.progress(caller).await,
            Act::HangsUp => {
                if let Some(voice) = &caller.voice {
                    voice.hang_up().await;
                    self.workers.pause(BETWEEN).await;
                }
                Answer::said("The stream was broken, if it can be resumed, before this answer.")
            }
            Act::Changes(change) => {
                self.tell(change.clone());
                Answer::said("Whoever listens was told.")
            }
            Act::Touches => match read.uri {
                Some(uri) => {
                    self.tell(Change::Resource(uri.into()));
                    Answer::said("Whoever watches it was told.")
                }
                None => Answer::failed("argument `uri` is missing; a string was expected"),
            },
            Act::Asks(inquiry) => self.inquire(inquiry, arguments, caller).await,
        }
    }

    async fn log(&self, caller: &Caller) -> Answer {
        for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
            if let Some(voice) = caller.voice.as_ref().filter(|_| caller.client.hears(Level::INFO))
            {
                let params = format!(r#"{{"level":"info","logger":"practice","data":"{text}"}}"#);
                voice.notify("notifications/message", &params).await;
            }
            self.workers.pause(BETWEEN).await;
        }
        Answer::said("Three messages were logged, if they were asked for.")
    }

    async fn progress(&self, caller: &Caller) -> Answer {
        let all = if self.has(Flaw::ProgressGoesBack) { [0, 50, 40] } else { [0, 50, 100] };
        for progress in all {
            if let (Some(voice), Some(token)) = (&caller.voice, &caller.progress) {
                let params =
                    format!(r#"{{"progressToken":{token},"progress":{progress},"total":100}}"#);
                voice.notify("notifications/progress", &params).await;
            }
            self.workers.pause(BETWEEN).await;
        }
        Answer::said("Done, and told how far it was, if it was asked for.")
    }

    /// Asks all rounds as requests of the server's.
    async fn inquire(
        &self,
        inquiry: &Inquiry,
        arguments: Option<&RawValue>,
        caller: &Caller,
    ) -> Answer {
        let Some(voice) = &caller.voice else {
            return Answer::failed("a call in a batch cannot ask its client");
        };
        let mut heard = Vec::new();
        for round in 0..inquiry.rounds.len() {
            let asked = match inquiry.askable(round, caller.client.capabilities) {
                Ok(asked) => asked,
                Err(capability) => return failed(capability),
            };
            for question in asked {
                let Question { key, capability, .. } = question;
                let params = question.params(arguments);
                let answer = self.ask(voice, caller.session, capability.method(), &params).await;
                let wrong = match answer {
                    Ok(answer) if question.fits(&answer) => {
                        heard.push(format!("\"{key}\":{answer}"));
                        continue;
                    }
                    Ok(_) => format!("`{key}` was answered in no known form"),
                    Err(why) => format!("`{key}` was not answered: {why}"),
                };
                return Answer::failed(&wrong);
            }
        }
        Answer::said(&inquiry.conclusion(&format!("{{{}}}", heard.join(","))))
    }
}

fn failed(capability: Capability) -> Answer {
    match missing(capability) {
        Answer::Error { message, .. } => Answer::failed(&message),
        other => other,
    }
}

fn weather(city: Option<&RawValue>) -> Answer {
    let Some(city) = city.map(RawValue::get).filter(|city| city.starts_with('"')) else {
        return Answer::failed("argument `city` is missing or no string; a string was expected");
    };
    let content = format!(r#"{{"city":{city},"temperature":21.5,"conditions":"cloudy"}}"#);
    let text = quoted(&content);
    Answer::Result(format!(
        r#"{{"content":[{{"type":"text","text":{text}}}],"structuredContent":{content},"isError":false}}"#
    ))
}

fn region(arguments: &Arguments<'_>) -> Answer {
    let raw = |value: Option<&RawValue>| value.map_or("none", RawValue::get).to_owned();
    Answer::said(&format!("region {}, limit {}", raw(arguments.region), raw(arguments.limit)))
}
