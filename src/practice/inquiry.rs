//! Questions to the client in the middle of a call: as requests of the server's until 2025-11-25,
//! as rounds of the same call since 2026-07-28.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, quoted};
use super::client::{Capabilities, Capability};
use super::seal::Seal;

/// What a call asks before it answers.
#[derive(Debug)]
pub struct Inquiry {
    /// The questions of each round.
    pub rounds: &'static [&'static [Question]],
    /// Where in the rounds it is travels with the client, sealed.
    pub sealed: bool,
    /// It asks only what the client declared it can answer; else all of it is needed.
    pub modest: bool,
    /// What its answer begins with; what the client said follows.
    pub says: &'static str,
}

/// One question.
#[derive(Debug)]
pub struct Question {
    /// Its name among the questions of its round.
    pub key: &'static str,
    /// What it asks for.
    pub capability: Capability,
    /// The parameters, a JSON object in which `{message}` stands for the call's argument `message`
    /// or `prompt`.
    pub params: &'static str,
}

/// What a modern call brings from the rounds before it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Brought<'a> {
    /// `inputResponses`.
    pub responses: Option<&'a RawValue>,
    /// `requestState`.
    pub state: Option<&'a str>,
}

#[derive(Deserialize, Default)]
struct Arguments<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prompt: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    roots: Option<&'a RawValue>,
}

impl Question {
    /// The parameters for a call with these arguments.
    pub fn params(&self, arguments: Option<&RawValue>) -> String {
        let read = arguments.and_then(|raw| serde_json::from_str::<Arguments<'_>>(raw.get()).ok());
        let given = read.and_then(|given| given.message.or(given.prompt));
        let text = quoted(given.as_deref().unwrap_or("What should be said?"));
        self.params.replace("\"{message}\"", &text)
    }

    /// Whether an answer has the form that the question asks for.
    pub fn fits(&self, answer: &str) -> bool {
        let object = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get().starts_with('{'));
        let list = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get().starts_with('['));
        let is_object = answer.trim_start().starts_with('{');
        let Some(read) = serde_json::from_str::<Response<'_>>(answer).ok().filter(|_| is_object)
        else {
            return false;
        };
        match self.capability {
            Capability::Elicitation => match read.action.as_deref() {
                Some("accept") => object(read.content),
                Some("decline" | "cancel") => true,
                _ => false,
            },
            Capability::Sampling => object(read.content) || list(read.content),
            Capability::Roots => list(read.roots),
        }
    }
}

impl Inquiry {
    /// The questions of a round that may be put to this client.
    ///
    /// # Errors
    /// The capability it would have to have.
    pub fn askable(
        &self,
        round: usize,
        capabilities: Capabilities,
    ) -> Result<Vec<&'static Question>, Capability> {
        let asked = self.rounds.get(round).copied().unwrap_or_default();
        let can = |question: &&Question| capabilities.has(question.capability);
        match asked.iter().find(|question| !can(question)) {
            Some(question) if !self.modest => Err(question.capability),
            _ => Ok(asked.iter().filter(can).collect()),
        }
    }

    /// What the call answers once nothing is left to ask; `heard` is a JSON object.
    pub fn conclusion(&self, heard: &str) -> String {
        format!("{} {heard}", self.says)
    }

    /// The next step of a modern call: what the client said, as a JSON object, or what it is
    /// answered instead.
    pub fn step(
        &self,
        name: &str,
        arguments: Option<&RawValue>,
        capabilities: Capabilities,
        brought: Brought<'_>,
        seal: &Seal,
    ) -> Result<String, Answer> {
        let round = match brought.state {
            Some(state) => seal.open(name, state).ok_or_else(|| {
                Answer::invalid_params("`requestState` is not as it was issued here")
            })?,
            None => 0,
        };
        let asked = self.askable(round, capabilities).map_err(missing)?;
        let started = brought.state.is_some() || !self.sealed;
        let heard = brought.responses.filter(|_| started).map(|raw| heard(&asked, raw));
        match heard.transpose()?.flatten() {
            None => Err(self.ask(name, arguments, round, &asked, seal)),
            Some(heard) if round + 1 >= self.rounds.len() => Ok(heard),
            Some(_) => {
                let asked = self.askable(round + 1, capabilities).map_err(missing)?;
                Err(self.ask(name, arguments, round + 1, &asked, seal))
            }
        }
    }

    fn ask(
        &self,
        name: &str,
        arguments: Option<&RawValue>,
        round: usize,
        asked: &[&Question],
        seal: &Seal,
    ) -> Answer {
        let mut requests = String::new();
        for question in asked {
            let comma = if requests.is_empty() { "" } else { "," };
            let (key, method) = (question.key, question.capability.method());
            let params = question.params(arguments);
            // Writing into memory cannot fail.
            let _written =
                write!(requests, r#"{comma}"{key}":{{"method":"{method}","params":{params}}}"#);
        }
        let state = if self.sealed {
            format!(r#","requestState":"{}""#, seal.close(name, round))
        } else {
            String::new()
        };
        Answer::InputRequired(format!(r#"{{"inputRequests":{{{requests}}}{state}}}"#))
    }
}

/// What was answered to each question, as a JSON object; `None` if one has no fitting answer.
fn heard(asked: &[&Question], responses: &RawValue) -> Result<Option<String>, Answer> {
    let responses: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(responses.get())
        .map_err(|_| Answer::invalid_params("`inputResponses` must be an object"))?;
    let mut heard = Vec::with_capacity(asked.len());
    for question in asked {
        let Some(answer) = responses.get(question.key).map(|answer| answer.get()) else {
            return Ok(None);
        };
        if !question.fits(answer) {
            return Ok(None);
        }
        heard.push(format!("\"{}\":{answer}", question.key));
    }
    Ok(Some(format!("{{{}}}", heard.join(","))))
}

/// -32021: the client did not declare what the request needs.
pub fn missing(capability: Capability) -> Answer {
    let name = capability.name();
    Answer::Error {
        code: -32021,
        message: format!("this needs the client capability `{name}`, which was not declared"),
        data: Some(format!(r#"{{"requiredCapabilities":{{"{name}":{{}}}}}}"#)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Question = Question {
        key: "name",
        capability: Capability::Elicitation,
        params: r#"{"q":"{message}"}"#,
    };
    const MODEL: Question =
        Question { key: "model", capability: Capability::Sampling, params: "{}" };
    const ROOTS: Question = Question { key: "roots", capability: Capability::Roots, params: "{}" };

    #[test]
    fn an_answer_has_the_form_of_its_question() {
        for (question, answer, fits) in [
            (NAME, r#"{"action":"accept","content":{"a":1}}"#, true),
            (NAME, r#"{"action":"decline"}"#, true),
            (NAME, r#"{"action":"cancel"}"#, true),
            (NAME, r#"{"action":"accept"}"#, false),
            (NAME, r#"{"action":"accept","content":7}"#, false),
            (NAME, r#"{"action":"perhaps"}"#, false),
            (NAME, "{}", false),
            (NAME, "12345", false),
            (NAME, "null", false),
            (NAME, r#"["accept"]"#, false),
            (MODEL, r#"{"role":"assistant","content":{"type":"text","text":"x"}}"#, true),
            (MODEL, r#"{"role":"assistant","content":[]}"#, true),
            (MODEL, r#"{"role":"assistant"}"#, false),
            (ROOTS, r#"{"roots":[]}"#, true),
            (ROOTS, r#"{"roots":{}}"#, false),
        ] {
            assert_eq!(question.fits(answer), fits, "{answer}");
        }
    }

    #[test]
    fn what_the_client_cannot_do_is_left_out_or_demanded() {
        let able: Capabilities = serde_json::from_str(r#"{"sampling":{}}"#).unwrap();
        let of =
            |modest| Inquiry { rounds: &[&[NAME, MODEL, ROOTS]], sealed: false, modest, says: "" };
        let asked = of(true).askable(0, able).unwrap();
        assert_eq!(asked.iter().map(|question| question.key).collect::<Vec<_>>(), ["model"]);
        assert_eq!(of(false).askable(0, able).err(), Some(Capability::Elicitation));
        assert!(of(false).askable(1, able).unwrap().is_empty());
    }

    #[test]
    fn a_question_says_what_the_call_was_given() {
        let given = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        for (arguments, said) in [
            (r#"{"message":"a \"b\""}"#, r#"{"q":"a \"b\""}"#),
            (r#"{"prompt":"p"}"#, r#"{"q":"p"}"#),
            ("{}", r#"{"q":"What should be said?"}"#),
        ] {
            assert_eq!(NAME.params(Some(&given(arguments))), said);
        }
    }
}
