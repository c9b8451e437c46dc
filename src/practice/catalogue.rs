//! What the target offers, as the JSON texts of its lists: they never change, so they are written
//! once and sent as they are. (MCP 2025-11-25, server/tools, server/resources, server/prompts.)

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, quoted};
use super::request::REVISIONS;

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

/// A resource that is not there (until 2025-11-25).
const RESOURCE_NOT_FOUND: i32 = -32002;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    #[serde(borrow)]
    protocol_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<PromptArguments<'a>>,
}

#[derive(Deserialize)]
struct PromptArguments<'a> {
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
}

/// The answer to any method but `tools/call`; `initialize` is answered here too, and its session
/// is the server's.
pub fn answer(method: &str, params: Option<&RawValue>) -> Answer {
    let answer: fn(&Params<'_>) -> Answer = match method {
        "ping" => return Answer::Fixed("{}"),
        "initialize" => initialize,
        "tools/list" => |params: &Params<'_>| list(params, TOOLS),
        "resources/list" => |params: &Params<'_>| list(params, RESOURCES),
        "resources/templates/list" => {
            |params: &Params<'_>| list(params, r#"{"resourceTemplates":[]}"#)
        }
        "prompts/list" => |params: &Params<'_>| list(params, PROMPTS),
        "resources/read" => resource,
        "prompts/get" => prompt,
        _ => {
            let message = format!("method `{method}` is not offered here");
            return Answer::Error { code: -32601, message };
        }
    };
    match params.map_or_else(|| Ok(Params::default()), object) {
        Ok(params) => answer(&params),
        Err(wrong) => Answer::invalid_params(wrong),
    }
}

/// Parameters by name: serde alone would also take an array in the order of the fields.
pub fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    if !raw.get().starts_with('{') {
        return Err("`params` must be an object".to_owned());
    }
    serde_json::from_str(raw.get()).map_err(|error| format!("`params`: {error}"))
}

fn initialize(params: &Params<'_>) -> Answer {
    let Some(asked) = &params.protocol_version else {
        return Answer::invalid_params("`params.protocolVersion` is missing");
    };
    let spoken = REVISIONS.iter().find(|known| *known == asked).unwrap_or(&REVISIONS[0]);
    let version = env!("CARGO_PKG_VERSION");
    Answer::Result(format!(
        concat!(
            r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{"listChanged":false}},"#,
            r#""resources":{{}},"prompts":{{}}}},"serverInfo":{{"name":"squall-practice","#,
            r#""title":"squall's practice target","version":"{}"}},"#,
            r#""instructions":"A server to practise on: search and fetch answer with made-up text."}}"#,
        ),
        spoken, version
    ))
}

fn list(params: &Params<'_>, page: &'static str) -> Answer {
    // Each list is one page, so no cursor was ever given out.
    match params.cursor {
        None => Answer::Fixed(page),
        Some(_) => Answer::invalid_params("`params.cursor` was not issued here"),
    }
}

fn resource(params: &Params<'_>) -> Answer {
    match params.uri.as_deref() {
        Some("practice://about") => Answer::Fixed(ABOUT),
        Some("practice://glossary") => Answer::Fixed(GLOSSARY),
        Some(other) => {
            let message = format!("resource `{other}` not found");
            Answer::Error { code: RESOURCE_NOT_FOUND, message }
        }
        None => Answer::invalid_params("`params.uri` is missing"),
    }
}

fn prompt(params: &Params<'_>) -> Answer {
    match params.name.as_deref() {
        Some("summarise") => {}
        Some(other) => return Answer::invalid_params(format!("unknown prompt `{other}`")),
        None => return Answer::invalid_params("`params.name` is missing"),
    }
    let Some(topic) = params.arguments.as_ref().and_then(|arguments| arguments.topic.as_ref())
    else {
        return Answer::invalid_params("prompt `summarise` needs the argument `topic`");
    };
    let text = quoted(&format!("Summarise what the library says about {topic}."));
    Answer::Result(format!(
        r#"{{"messages":[{{"role":"user","content":{{"type":"text","text":{text}}}}}]}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::tools::Tool;

    fn asked(method: &str, params: Option<&str>) -> serde_json::Value {
        let raw = params.map(|params| RawValue::from_string(params.to_owned()).unwrap());
        let mut bytes = Vec::new();
        answer(method, raw.as_deref()).write("1", &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
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
        for asked_for in REVISIONS.iter().chain(&["2026-07-28", "1"]) {
            let params = format!(r#"{{"protocolVersion":"{asked_for}"}}"#);
            let spoken = asked("initialize", Some(&params))["result"]["protocolVersion"].clone();
            let expected = if REVISIONS.contains(asked_for) { asked_for } else { "2025-11-25" };
            assert_eq!(spoken, *expected);
        }
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
            ("initialize", Some("{}"), -32602),
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
