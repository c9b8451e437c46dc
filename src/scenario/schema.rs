//! The JSON Schema of a scenario, made of the key table: what the reader accepts and what the
//! schema says of it have one source.
//!
//! TOML reads as JSON would. The schema says less than the reader knows (a duration is any text, a
//! text may hold `${NAME}`), so what it refuses the reader refuses too, and not the other way
//! round. The words of [`KeyLine::kind`] decide:
//!
//! ```text
//! kind  = table | list | words | range | pair | text
//! table = "a table" ... | "{ ..."        words = word " | " word ...
//! list  = "a list of " words | ...       range = ("a number, " | "a whole number, ") n " to " n
//! ```

use serde_json::{Map, Value, json};

use super::expect::EXAMPLES;
use super::log::KeyLine;
use super::reader::SEVERAL;

/// The draft that the schema is written in.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema, as a JSON document.
pub fn schema() -> Value {
    let mut root = closed();
    for line in super::keys() {
        place(&mut root, &line.path, described(&line));
    }
    for line in super::keys().iter().filter(|line| line.kind == SEVERAL) {
        let pointer = format!("/properties/{}", line.path.replace('.', "/properties/"));
        if let Some(one) = root.pointer_mut(&pointer) {
            // What is said of its keys is about a table, and what of its items about a list.
            let items = one.clone();
            merge(one, json!({ "type": ["object", "array"], "items": items }));
        }
    }
    let mut document = json!({
        "$schema": DRAFT,
        "title": "squall scenario",
        "description": "A scenario of squall, as a TOML file; unknown keys are mistakes.",
    });
    merge(&mut document, root);
    document
}

/// A table that knows its keys.
fn closed() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

fn merge(into: &mut Value, other: Value) {
    if let (Value::Object(into), Value::Object(other)) = (into, other) {
        into.extend(other);
    }
}

/// Puts a key's schema where its path says, turning what holds keys into tables on the way.
fn place(table: &mut Value, path: &str, schema: Value) {
    let (name, below) = match path.split_once('.') {
        Some((name, below)) => (name, Some(below)),
        None => (path, None),
    };
    let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
    let Some(properties) = table["properties"].as_object_mut() else { return };
    let Some(below) = below else {
        properties.insert(name.to_owned(), schema);
        return;
    };
    let slot = properties.entry(name).or_insert_with(|| json!({}));
    let inner = if is_list { &mut slot["items"] } else { slot };
    if inner.get("properties").is_none() {
        let table = closed();
        if inner.is_object() { merge(inner, table) } else { *inner = table }
    }
    place(inner, below, schema);
}

fn described(line: &KeyLine) -> Value {
    let mut schema = of_kind(&line.kind);
    merge(&mut schema, json!({ "description": format!("{} Holds {}.", line.doc, line.kind) }));
    if let Some(default) = line.default.as_deref().and_then(written) {
        merge(&mut schema, json!({ "default": default }));
    }
    if line.path == "expect.thresholds" {
        merge(&mut schema["items"], json!({ "examples": EXAMPLES }));
    }
    schema
}

/// A default as it is written in TOML; nothing for one said in words.
fn written(default: &str) -> Option<Value> {
    let table: Map<String, Value> = toml::from_str(&format!("value = {default}")).ok()?;
    table.get("value").cloned()
}

/// What a kind, said in words, is to JSON.
fn of_kind(kind: &str) -> Value {
    if let Some(elements) = kind.strip_prefix("a list of ") {
        return json!({ "type": "array", "items": element(elements) });
    }
    if let Some(range) = kind.strip_prefix("a whole number") {
        return ranged("integer", range);
    }
    if let Some(range) = kind.strip_prefix("a number, ") {
        return ranged("number", range);
    }
    match kind {
        "true or false" => json!({ "type": "boolean" }),
        _ if kind.starts_with("a table") || kind.starts_with('{') => json!({ "type": "object" }),
        _ if kind.starts_with("two whole numbers") => {
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0 },
                    "minItems": 2, "maxItems": 2 })
        }
        _ if kind.contains("users such as") || kind.starts_with("a number of") => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text()] })
        }
        _ if kind.contains(" | ") => words(kind),
        _ => text(),
    }
}

fn element(elements: &str) -> Value {
    if let Some(range) = elements.strip_prefix("whole numbers") {
        return ranged("integer", range);
    }
    match elements {
        "tables" => closed(),
        "weights" => json!({ "type": "number", "minimum": 0 }),
        _ if elements.contains(" | ") => words(elements),
        _ => text(),
    }
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// One of some words, or a text that the environment makes one.
fn words(kind: &str) -> Value {
    let words: Vec<&str> = kind.split(" | ").collect();
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "\\$\\{" }] })
}

/// `, 0 to 1`, or ` from 0`.
fn ranged(kind: &str, range: &str) -> Value {
    let mut schema = json!({ "type": kind });
    let bounds = range.trim_start_matches([',', ' ']);
    let number = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_number);
    let (least, most) = match bounds.split_once(" to ") {
        Some((least, most)) => (number(least), number(most)),
        None => (bounds.strip_prefix("from ").and_then(number), None),
    };
    for (name, bound) in [("minimum", least), ("maximum", most)] {
        if let Some(bound) = bound {
            merge(&mut schema, json!({ name: bound }));
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::threshold::Threshold;

    fn validator() -> jsonschema::Validator {
        jsonschema::draft202012::options().build(&schema()).unwrap()
    }

    fn json_of(toml: &str) -> Value {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn a_scenario_with_every_key_is_valid() {
        let every_key = json_of(include_str!("every-key.toml"));
        let errors: Vec<_> =
            validator().iter_errors(&every_key).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn every_key_of_the_table_is_in_it() {
        let schema = schema();
        for line in crate::scenario::keys() {
            let path = line.path.replace("[]", "/items").replace('.', "/properties/");
            let key = schema.pointer(&format!("/properties/{path}"));
            assert!(key.is_some_and(|key| key["description"].is_string()), "{}", line.path);
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let validator = validator();
        let table = [
            ("[load]\nspeed = 20", true),
            ("[load]\nspeed = \"fast\"", false),
            ("[load]\nspeed = 0", false),
            ("[load]\nspede = 20", false),
            ("[load]\nbehaviour = \"chat\"", true),
            ("[load]\nbehaviour = \"${WHAT}\"", true),
            ("[load]\nbehaviour = \"reserch\"", false),
            ("[load]\nstages = [{ over = \"5s\", to = 50 }]", true),
            ("[load]\nstages = [{ over = \"5s\", too = 50 }]", false),
            ("[expect]\nrate_limit = { allow = \"60/min\" }", true),
            ("[[expect.rate_limit]]\nallow = \"60/min\"\nper = \"user\"", true),
            ("[[expect.rate_limit]]\nallow = \"60/min\"\nfor = \"user\"", false),
            ("[load]\nstages = { over = \"5s\" }", false),
            ("[load.chat]\ncalls = [1, 3]", true),
            ("[load.chat]\ncalls = [1, 3, 5]", false),
            ("[tools]\nallow = [\"a\"]\narguments = { a = [{ q = 1 }] }", true),
            ("[tools]\nallow = \"a\"", false),
            ("[target]\nmine = 1", false),
            ("[clients.override]\nlists = [\"tools\"]\nresult_cap = \"none\"", true),
            ("[clients.override]\nlists = [\"tool\"]", false),
            ("seed = -1", false),
        ];
        for (text, expected) in table {
            assert_eq!(validator.is_valid(&json_of(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_thresholds_it_offers_are_some() {
        let schema = schema();
        let thresholds = &schema["properties"]["expect"]["properties"]["thresholds"];
        let offered = thresholds["items"]["examples"].as_array().unwrap();
        let described = thresholds["description"].as_str().unwrap();
        for of_windows in ["recovery", "errors(window", "lost_sessions", "amplification"] {
            assert!(described.contains(of_windows), "{described}");
            let starts = |one: &&Value| one.as_str().unwrap().starts_with(of_windows);
            assert_eq!(offered.iter().filter(starts).count(), 1, "{of_windows}");
        }
        for threshold in offered {
            let text = threshold.as_str().unwrap();
            text.parse::<Threshold>().unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        }
    }

    #[test]
    fn defaults_are_values() {
        let schema = schema();
        let default = |pointer: &str| schema.pointer(pointer).unwrap()["default"].clone();
        assert_eq!(default("/properties/seed"), json!(1));
        assert_eq!(default("/properties/load/properties/drain"), json!("20s"));
        let chat = "/properties/load/properties/chat/properties/calls";
        assert_eq!(default(chat), json!([1, 3]));
        assert_eq!(default("/properties/name"), Value::Null);
    }
}
