//! What the target offers, as the JSON texts of its lists: they never change, so they are written
//! once and sent as they are. (MCP 2025-11-25, server/tools, server/resources, server/prompts.)

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Dress, quoted};
use super::client::{Capabilities, Client};
use super::full::FULL;
use crate::model::plan::Catalogue;
use crate::protocol::legacy::Revision;

const TOOLS: &str = concat!(
    r#"{"tools":["#,
    r#"{"name":"search","title":"Search documents","#,
    r#""description":"Searches the practice library and returns what it found as text.","#,
    r#""inputSchema":{"type":"object","properties":{"query":{"type":"string","#,
    r#""description":"What to look for"}},"required":["query"]},"#,
    r#""annotations":{"readOnlyHint":true,"openWorldHint":false}},"#,
    r#"{"name":"fetch","title":"Read a document","#,
    r#""description":"Returns the text of one document of the practice library.","#,
    r#""inputSchema":{"type":"object","properties":{"id":{"type":"string","#,
    r#""description":"The document's id"}},"required":["id"]},"#,
    r#""annotations":{"readOnlyHint":true,"openWorldHint":false}},"#,
    r#"{"name":"echo","title":"Echo","description":"Returns its message.","#,
    r#""inputSchema":{"type":"object","properties":{"message":{"type":"string","#,
    r#""description":"What to say again"}},"required":["message"]},"#,
    r#""annotations":{"readOnlyHint":true,"openWorldHint":false}},"#,
    r#"{"name":"slow","title":"Take your time","#,
    r#""description":"Answers after so many seconds; after one if none are given.","#,
    r#""inputSchema":{"type":"object","properties":{"seconds":{"type":"number","#,
    r#""description":"How long to take","minimum":0,"maximum":60,"default":1}}},"#,
    r#""annotations":{"readOnlyHint":true,"openWorldHint":false}},"#,
    r#"{"name":"delete_document","title":"Delete a document","#,
    r#""description":"Says that it deletes a document; nothing is stored, so nothing is lost.","#,
    r#""inputSchema":{"type":"object","properties":{"id":{"type":"string","#,
    r#""description":"The document's id"}},"required":["id"]},"#,
    r#""annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true,"#,
    r#""openWorldHint":false}}]}"#,
);

const RESOURCES: &str = concat!(
    r#"{"resources":[{"uri":"practice://about","name":"about","title":"About this server","#,
    r#""description":"What it is for","mimeType":"text/plain"},"#,
    r#"{"uri":"practice://glossary","name":"glossary","title":"Glossary","#,
    r#""description":"Words used here","mimeType":"text/markdown"}]}"#,
);

const ABOUT: &str = concat!(
    r#"{"contents":[{"uri":"practice://about","mimeType":"text/plain","#,
    r#""text":"squall's practice target: a small real MCP server to load."}]}"#,
);

const GLOSSARY: &str = concat!(
    r#"{"contents":[{"uri":"practice://glossary","mimeType":"text/markdown","#,
    r##""text":"# Glossary\n\n- **knee**: the load past which calls queue."}]}"##,
);

const PROMPTS: &str = concat!(
    r#"{"prompts":[{"name":"summarise","title":"Summarise","description":"Asks for a summary","#,
    r#""arguments":[{"name":"topic","description":"Of what","required":true}]}]}"#,
);

const TEMPLATES: &str = r#"{"resourceTemplates":[]}"#;

/// A list and the full catalogue's entries after it.
fn with(list: &str, separator: &str, entries: &str) -> String {
    format!("{}{separator}{entries}]}}", list.strip_suffix("]}").unwrap_or(list))
}

static ALL_TOOLS: LazyLock<String> = LazyLock::new(|| with(TOOLS, ",", &FULL.tools));
static ALL_RESOURCES: LazyLock<String> = LazyLock::new(|| with(RESOURCES, ",", &FULL.resources));
static ALL_TEMPLATES: LazyLock<String> = LazyLock::new(|| with(TEMPLATES, "", &FULL.templates));
static ALL_PROMPTS: LazyLock<String> = LazyLock::new(|| with(PROMPTS, ",", &FULL.prompts));

const INSTRUCTIONS: &str = "A server to practise on: search and fetch answer with made-up text.";

const CAPABILITIES: &str = r#"{"tools":{"listChanged":false},"resources":{},"prompts":{}}"#;

const ALL_CAPABILITIES: &str = concat!(
    r#"{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"#,
    r#""prompts":{"listChanged":true},"logging":{},"completions":{}}"#,
);

/// What the full catalogue completes an argument to.
const COMPLETIONS: [&str; 6] = ["paris", "park", "party", "test", "testing", "value"];

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    #[serde(borrow)]
    protocol_version: Option<Cow<'a, str>>,
    #[serde(default)]
    capabilities: Capabilities,
    #[serde(borrow)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(borrow)]
    argument: Option<Argument<'a>>,
}

/// The argument that is being completed.
#[derive(Deserialize)]
struct Argument<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// What is offered, and in which era.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// How much.
    pub catalogue: Catalogue,
    /// In the modern era, in which some methods and codes are others.
    pub modern: bool,
}

impl Offer {
    /// The answer to any method but `initialize`, `server/discover` and `tools/call`, and those
    /// that are about the client itself.
    pub fn answer(self, method: &str, params: Option<&RawValue>) -> Answer {
        let answer: fn(Self, &Params<'_>) -> Answer = match method {
            "ping" if !self.modern => return Answer::Fixed("{}"),
            "tools/list" => |offer, params| offer.list(params, TOOLS, &ALL_TOOLS),
            "resources/list" => |offer, params| offer.list(params, RESOURCES, &ALL_RESOURCES),
            "resources/templates/list" => {
                |offer, params| offer.list(params, TEMPLATES, &ALL_TEMPLATES)
            }
            "prompts/list" => |offer, params| offer.list(params, PROMPTS, &ALL_PROMPTS),
            "resources/read" => Self::resource,
            "prompts/get" => Self::prompt,
            "completion/complete" if self.is_full() => |_, params| completion(params),
            _ => return not_offered(method),
        };
        match params.map_or_else(|| Ok(Params::default()), object) {
            Ok(params) => answer(self, &params),
            Err(wrong) => Answer::invalid_params(wrong),
        }
    }

    /// Whether it is everything there is.
    pub fn is_full(self) -> bool {
        self.catalogue == Catalogue::Full
    }

    /// What a result of the modern era is dressed in: how long lists and contents may be kept
    /// (MCP 2026-07-28, server/utilities/caching).
    pub fn dress(method: &str) -> Dress {
        match method {
            "server/discover"
            | "tools/list"
            | "resources/list"
            | "resources/templates/list"
            | "prompts/list"
            | "resources/read" => Dress::ModernCached,
            _ => Dress::Modern,
        }
    }

    fn list(self, params: &Params<'_>, usual: &'static str, all: &'static str) -> Answer {
        // Each list is one page, so no cursor was ever given out.
        match params.cursor {
            None => Answer::Fixed(if self.is_full() { all } else { usual }),
            Some(_) => Answer::invalid_params("`params.cursor` was not issued here"),
        }
    }

    fn resource(self, params: &Params<'_>) -> Answer {
        let Some(uri) = params.uri.as_deref() else {
            return Answer::invalid_params("`params.uri` is missing");
        };
        match uri {
            "practice://about" => return Answer::Fixed(ABOUT),
            "practice://glossary" => return Answer::Fixed(GLOSSARY),
            _ => {}
        }
        let found = self.is_full().then(|| FULL.contents(uri)).flatten();
        found.unwrap_or_else(|| Answer::Error {
            // A code of its own until 2025-11-25.
            code: if self.modern { -32602 } else { -32002 },
            message: format!("resource `{uri}` not found"),
            data: Some(format!(r#"{{"uri":{}}}"#, quoted(uri))),
        })
    }

    fn prompt(self, params: &Params<'_>) -> Answer {
        let none = HashMap::new();
        let given = params.arguments.as_ref().unwrap_or(&none);
        let other = match params.name.as_deref() {
            Some("summarise") => return summarise(given.get("topic").map(AsRef::as_ref)),
            Some(other) => other,
            None => return Answer::invalid_params("`params.name` is missing"),
        };
        let found = self.is_full().then(|| FULL.messages(other, given)).flatten();
        found.unwrap_or_else(|| Answer::invalid_params(format!("unknown prompt `{other}`")))
    }

    /// The answer to `initialize`, and the client as it introduced itself.
    pub fn initialize(self, params: Option<&RawValue>) -> Result<(Answer, Client), Answer> {
        let read = params.map_or_else(|| Ok(Params::default()), object);
        let params: Params<'_> = read.map_err(Answer::invalid_params)?;
        let Some(asked) = &params.protocol_version else {
            return Err(Answer::invalid_params("`params.protocolVersion` is missing"));
        };
        let revision = Revision::named(asked).unwrap_or(Revision::V2025_11_25);
        let (spoken, version) = (revision.name(), env!("CARGO_PKG_VERSION"));
        let capabilities = self.capabilities();
        let answer = Answer::Result(format!(
            concat!(
                r#"{{"protocolVersion":"{}","capabilities":{},"#,
                r#""serverInfo":{{"name":"squall-practice","#,
                r#""title":"squall's practice target","version":"{}"}},"instructions":"{}"}}"#,
            ),
            spoken, capabilities, version, INSTRUCTIONS
        ));
        Ok((answer, Client::new(revision, params.capabilities)))
    }

    /// The answer to `server/discover`; `supported` are the versions spoken, a JSON list.
    pub fn discover(self, supported: &str) -> Answer {
        let capabilities = self.capabilities();
        Answer::Result(format!(
            r#"{{"supportedVersions":{supported},"capabilities":{capabilities},"instructions":"{INSTRUCTIONS}"}}"#
        ))
    }

    fn capabilities(self) -> &'static str {
        if self.is_full() { ALL_CAPABILITIES } else { CAPABILITIES }
    }
}

/// -32601.
pub fn not_offered(method: &str) -> Answer {
    Answer::error(-32601, format!("method `{method}` is not offered here"))
}

/// Parameters by name: serde alone would also take an array in the order of the fields.
pub fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    if !raw.get().starts_with('{') {
        return Err("`params` must be an object".to_owned());
    }
    serde_json::from_str(raw.get()).map_err(|error| format!("`params`: {error}"))
}

fn summarise(topic: Option<&str>) -> Answer {
    let Some(topic) = topic else {
        return Answer::invalid_params("prompt `summarise` needs the argument `topic`");
    };
    let text = quoted(&format!("Summarise what the library says about {topic}."));
    Answer::Result(format!(
        r#"{{"messages":[{{"role":"user","content":{{"type":"text","text":{text}}}}}]}}"#
    ))
}

fn completion(params: &Params<'_>) -> Answer {
    let Some(argument) = &params.argument else {
        return Answer::invalid_params("`params.argument` is missing");
    };
    let begins = |word: &&&str| word.starts_with(argument.value.as_ref());
    let values: Vec<&str> = COMPLETIONS.iter().filter(begins).copied().collect();
    let (total, values) = (values.len(), values.join("\",\""));
    let values = if total == 0 { String::new() } else { format!("\"{values}\"") };
    Answer::Result(format!(
        r#"{{"completion":{{"values":[{values}],"total":{total},"hasMore":false}}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::tools::Tool;
    use serde_json::Value;

    fn of(catalogue: Catalogue, modern: bool, method: &str, params: Option<&str>) -> Value {
        let raw = params.map(|params| RawValue::from_string(params.to_owned()).unwrap());
        let mut bytes = Vec::new();
        let answer = Offer { catalogue, modern }.answer(method, raw.as_deref());
        answer.write("1", Dress::Plain, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    fn asked(method: &str, params: Option<&str>) -> Value {
        of(Catalogue::Usual, false, method, params)
    }

    #[test]
    fn the_list_names_the_tools_that_are_there() {
        let listed = asked("tools/list", None);
        let tools = listed["result"]["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, Tool::ALL.map(Tool::name));
        for tool in tools {
            let destructive = tool["name"] == "delete_document";
            assert_eq!(tool["annotations"]["readOnlyHint"], !destructive);
            assert_eq!(tool["annotations"]["destructiveHint"] == true, destructive);
            for part in ["title", "description"] {
                assert!(tool[part].is_string(), "{tool}");
            }
            assert_eq!(tool["inputSchema"]["type"], "object");
        }
    }

    #[test]
    fn a_known_revision_is_echoed_and_any_other_answered_with_the_newest() {
        let offer = Offer { catalogue: Catalogue::Usual, modern: false };
        let known = Revision::ALL.map(Revision::name);
        for asked_for in known.iter().chain(&["2026-07-28", "1"]) {
            let params = format!(r#"{{"protocolVersion":"{asked_for}"}}"#);
            let params = RawValue::from_string(params).unwrap();
            let (answer, client) = offer.initialize(Some(&params)).unwrap();
            let Answer::Result(result) = answer else { panic!("no result") };
            let result: Value = serde_json::from_str(&result).unwrap();
            let expected = if known.contains(asked_for) { asked_for } else { "2025-11-25" };
            assert_eq!(result["protocolVersion"], *expected);
            assert_eq!(client.revision.name(), expected);
        }
        let none = RawValue::from_string("{}".to_owned()).unwrap();
        for params in [Some(&*none), None] {
            let wrong = offer.initialize(params).err().unwrap();
            assert!(matches!(wrong, Answer::Error { code: -32602, .. }));
        }
    }

    #[test]
    fn the_full_catalogue_has_the_usual_one_and_more() {
        for (method, member) in [
            ("tools/list", "tools"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
            ("prompts/list", "prompts"),
        ] {
            let usual = asked(method, None)["result"][member].as_array().unwrap().clone();
            let all = of(Catalogue::Full, true, method, None)["result"][member].clone();
            let all = all.as_array().unwrap();
            assert_eq!(all[..usual.len()], usual[..]);
            assert!(all.len() > usual.len(), "{method}");
        }
        let complete = |value: &str| {
            let params = format!(r#"{{"argument":{{"name":"arg1","value":"{value}"}}}}"#);
            of(Catalogue::Full, true, "completion/complete", Some(&params))["result"].clone()
        };
        assert_eq!(complete("par")["completion"]["values"].as_array().unwrap().len(), 3);
        assert_eq!(complete("no")["completion"]["values"].as_array().unwrap().len(), 0);
        let missing = of(Catalogue::Full, true, "resources/read", Some(r#"{"uri":"test://no"}"#));
        assert_eq!(missing["error"]["code"], -32602);
        assert_eq!(missing["error"]["data"]["uri"], "test://no");
        assert_eq!(of(Catalogue::Full, true, "ping", None)["error"]["code"], -32601);
    }

    #[test]
    fn everything_listed_can_be_read_and_nothing_else() {
        for resource in
            asked("resources/list", Some("{}"))["result"]["resources"].as_array().unwrap()
        {
            let read = asked("resources/read", Some(&format!(r#"{{"uri":{}}}"#, resource["uri"])));
            assert_eq!(read["result"]["contents"][0]["uri"], resource["uri"]);
        }
        let prompt = r#"{"name":"summarise","arguments":{"topic":"\"ice\""}}"#;
        let text = &asked("prompts/get", Some(prompt))["result"]["messages"][0]["content"]["text"];
        assert_eq!(text, "Summarise what the library says about \"ice\".");
        for (method, params, code) in [
            ("resources/read", Some(r#"{"uri":"practice://no"}"#), -32002),
            ("resources/read", None, -32602),
            ("prompts/get", Some(r#"{"name":"no"}"#), -32602),
            ("prompts/get", Some(r#"{"name":"summarise"}"#), -32602),
            ("prompts/get", Some(r#"{"name":5}"#), -32602),
            ("tools/list", Some(r#"{"cursor":""}"#), -32602),
            ("tools/list", Some("[]"), -32602),
            ("completion/complete", Some("{}"), -32601),
            ("server/discover", None, -32601),
        ] {
            assert_eq!(asked(method, params)["error"]["code"], code, "{method} {params:?}");
        }
        assert_eq!(
            asked("resources/templates/list", None)["result"]["resourceTemplates"],
            serde_json::json!([])
        );
    }
}
