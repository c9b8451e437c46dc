//! The full catalogue: everything that MCP has a form for, read once from the texts beside this
//! file, under the names that the official conformance suite calls.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, quoted};
use super::client::Capability;
use super::inquiry::{Inquiry, Question};

/// The prompt that asks for its context first, and what it asks.
pub const ASKING_PROMPT: &str = "test_input_required_result_prompt";

/// Its question.
pub static CONTEXT: Inquiry = Inquiry {
    rounds: &[&[Question {
        key: "user_context",
        capability: Capability::Elicitation,
        params: concat!(
            r#"{"message":"What context should the prompt use?","#,
            r#""requestedSchema":{"type":"object","properties":{"context":{"type":"string"}},"#,
            r#""required":["context"]}}"#,
        ),
    }]],
    sealed: false,
    modest: false,
    says: "",
};

/// The texts, each on one line.
#[derive(Debug)]
pub struct Full {
    /// Entries of `tools/list`, separated by commas.
    pub tools: String,
    /// Entries of `resources/list`.
    pub resources: String,
    /// Entries of `resources/templates/list`.
    pub templates: String,
    /// Entries of `prompts/list`.
    pub prompts: String,
    results: HashMap<String, String>,
    contents: HashMap<String, String>,
    messages: HashMap<String, String>,
    arguments: HashMap<String, Vec<String>>,
}

/// The catalogue.
pub static FULL: LazyLock<Full> = LazyLock::new(|| Full {
    tools: entries(include_str!("full/tools.json")),
    resources: entries(include_str!("full/resources.json")),
    templates: entries(include_str!("full/templates.json")),
    prompts: entries(include_str!("full/prompts.json")),
    results: named(include_str!("full/results.json")),
    contents: named(include_str!("full/contents.json")),
    messages: named(include_str!("full/messages.json")),
    arguments: arguments(include_str!("full/prompts.json")),
});

/// The inside of a JSON list. The texts are part of the program, and tests read them.
fn entries(text: &str) -> String {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    list.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

fn named(text: &str) -> HashMap<String, String> {
    let all: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
    all.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}

/// The required arguments of each prompt.
fn arguments(text: &str) -> HashMap<String, Vec<String>> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        #[serde(default)]
        arguments: Vec<Named>,
    }
    let prompts: Vec<Named> = serde_json::from_str(text).unwrap_or_default();
    let names = |of: Vec<Named>| of.into_iter().map(|argument| argument.name).collect();
    prompts.into_iter().map(|prompt| (prompt.name, names(prompt.arguments))).collect()
}

impl Full {
    /// The result of a tool that always answers the same.
    pub fn result(&'static self, tool: &str) -> Option<&'static str> {
        self.results.get(tool).map(String::as_str)
    }

    /// The contents of a resource.
    pub fn contents(&'static self, uri: &str) -> Option<Answer> {
        if let Some(contents) = self.contents.get(uri) {
            return Some(Answer::Fixed(contents));
        }
        let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
        let text = format!(
            r#"{{"id":{},"templateTest":true,"data":{}}}"#,
            quoted(id),
            quoted(&format!("Data for ID: {id}"))
        );
        Some(Answer::Result(format!(
            r#"{{"contents":[{{"uri":{},"mimeType":"application/json","text":{}}}]}}"#,
            quoted(uri),
            quoted(&text)
        )))
    }

    /// The messages of a prompt with these arguments; `None`: there is no such prompt.
    pub fn messages(
        &self,
        prompt: &str,
        given: &HashMap<Cow<'_, str>, Cow<'_, str>>,
    ) -> Option<Answer> {
        let mut messages = self.messages.get(prompt)?.clone();
        for name in self.arguments.get(prompt)? {
            let Some(value) = given.get(name.as_str()) else {
                let wrong = format!("prompt `{prompt}` needs the argument `{name}`");
                return Some(Answer::invalid_params(wrong));
            };
            messages = filled(&messages, name, value);
        }
        Some(Answer::Result(filled(&messages, "context", "none")))
    }

    /// The messages of [`ASKING_PROMPT`] once the client said what the context is.
    pub fn messages_in_context(&self, heard: &str) -> Answer {
        let messages = self.messages.get(ASKING_PROMPT).map_or("{}", String::as_str);
        Answer::Result(filled(messages, "context", heard))
    }
}

fn filled(text: &str, name: &str, value: &str) -> String {
    let quoted = quoted(value);
    text.replace(&format!("{{{name}}}"), &quoted[1..quoted.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::exhibits::EXHIBITS;

    fn list(entries: &str) -> Vec<Value> {
        serde_json::from_str(&format!("[{entries}]")).unwrap()
    }

    fn result(answer: &Answer) -> Value {
        let mut bytes = Vec::new();
        answer.write("1", crate::practice::answer::Dress::Plain, &mut bytes);
        serde_json::from_slice::<Value>(&bytes).unwrap()["result"].clone()
    }

    #[test]
    fn the_tools_are_the_exhibits_and_none_is_called_by_default() {
        let tools = list(&FULL.tools);
        let mut listed: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        let mut known: Vec<_> = EXHIBITS.iter().map(|exhibit| exhibit.name).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
        for tool in &tools {
            assert_eq!(tool["annotations"]["readOnlyHint"], false, "{tool}");
            assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
            assert!(!tool.to_string().contains('\n'));
        }
    }

    #[test]
    fn everything_listed_can_be_read() {
        assert_eq!(list(&FULL.templates).len(), 1);
        for resource in list(&FULL.resources) {
            let uri = resource["uri"].as_str().unwrap();
            assert_eq!(result(&FULL.contents(uri).unwrap())["contents"][0]["uri"], uri);
        }
        let data = result(&FULL.contents("test://template/\"7\"/data").unwrap());
        assert_eq!(data["contents"][0]["uri"], "test://template/\"7\"/data");
        let text: Value =
            serde_json::from_str(data["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text["id"], "\"7\"");
        assert!(FULL.contents("test://template/7").is_none());
        for prompt in list(&FULL.prompts) {
            let name = prompt["name"].as_str().unwrap();
            let arguments = prompt["arguments"].as_array().cloned().unwrap_or_default();
            let names = arguments.iter().map(|argument| argument["name"].as_str().unwrap());
            let given = names.map(|name| (name.into(), "\"x\"".into())).collect();
            let messages = result(&FULL.messages(name, &given).unwrap());
            let text = messages["messages"].to_string();
            assert_eq!(text.contains("\\\"x\\\""), !given.is_empty(), "{text}");
            assert!(!text.contains("{arg") && !text.contains("{context}"), "{text}");
        }
    }
}
