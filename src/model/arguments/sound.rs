//! Whether a schema is one at all: what no reader of any draft can make sense of.
//!
//! Only keywords of JSON Schema are looked at, and only where schemas stand: what a server writes
//! under names of its own is its own business.

use serde_json::{Map, Value};

use super::check::entries;
use super::refs;

/// The words that `type` may have (JSON Schema, section 6.1.1 of the validation vocabulary).
const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/// The first place of a schema that is none, for a person; the text is not yet escaped.
pub(super) fn broken(schema: &Map<String, Value>) -> Option<String> {
    let root = Value::Object(schema.clone());
    within(&root, &root, "")
}

fn within(root: &Value, schema: &Value, place: &str) -> Option<String> {
    let keywords = match schema {
        Value::Object(keywords) => keywords,
        Value::Bool(_) => return None,
        _ => return Some(format!("{} is no schema", shown(place))),
    };
    if !place.is_empty() && keywords.contains_key("$id") {
        // What is in there refers to a document of its own.
        return None;
    }
    keywords.iter().find_map(|(keyword, value)| {
        let place = refs::child(place, keyword);
        if !is_sound(root, keyword, value) {
            return Some(format!("{} is no such keyword's value", shown(&place)));
        }
        parts(keyword, value)
            .into_iter()
            .find_map(|(step, part)| within(root, part, &format!("{place}{step}")))
    })
}

/// Where it is, as far as it is told.
fn shown(place: &str) -> String {
    const MOST: usize = 120;
    if place.is_empty() { "the whole".to_owned() } else { place.chars().take(MOST).collect() }
}

/// Whether a keyword's value is one that it can have, whatever is within.
fn is_sound(root: &Value, keyword: &str, value: &Value) -> bool {
    let is_type = |value: &Value| value.as_str().is_some_and(|word| TYPES.contains(&word));
    let all = |of: fn(&Value) -> bool| value.as_array().is_some_and(|all| all.iter().all(of));
    match keyword {
        "type" => match value {
            Value::Array(types) => types.iter().all(is_type),
            word => is_type(word),
        },
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            value.is_object()
        }
        "required" => all(Value::is_string),
        "allOf" | "anyOf" | "oneOf" => value.as_array().is_some_and(|all| !all.is_empty()),
        "enum" | "prefixItems" => value.is_array(),
        "pattern" => value.is_string(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "minimum" | "maximum" => value.is_number(),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0)
        }
        "$ref" => match value {
            Value::String(to) => !to.starts_with("#/") || refs::resolve(root, to).is_some(),
            _ => false,
        },
        _ => true,
    }
}

/// The schemas that stand in a keyword's value, each with the way to it.
fn parts<'a>(keyword: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    match (keyword, value) {
        (
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
            named,
        ) => entries(named).map(|(name, part)| (refs::child("", name), part)).collect(),
        ("items" | "allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(all)) => {
            all.iter().enumerate().map(|(at, part)| (format!("/{at}"), part)).collect()
        }
        (
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "propertyNames"
            | "contains"
            | "not"
            | "if"
            | "then"
            | "else",
            part,
        ) => vec![(String::new(), part)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arguments::corpus::corpus;
    use serde_json::json;

    fn found(schema: &Value) -> Option<String> {
        broken(schema.as_object().unwrap())
    }

    #[test]
    fn what_is_no_schema_is_named() {
        let cases = [
            (json!({"type": "text"}), "/type"),
            (json!({"type": ["string", 5]}), "/type"),
            (json!({"properties": []}), "/properties"),
            (json!({"properties": {"a": "string"}}), "/properties/a is no schema"),
            (json!({"properties": {"a": {"items": {"required": true}}}}), "/properties/a/items"),
            (json!({"required": [1]}), "/required"),
            (json!({"anyOf": []}), "/anyOf"),
            (json!({"oneOf": [{}, {"multipleOf": 0}]}), "/oneOf/1/multipleOf"),
            (json!({"pattern": 7}), "/pattern"),
            (json!({"minLength": -1}), "/minLength"),
            (json!({"not": {"$ref": "#/$defs/none"}}), "/not/$ref"),
            (json!({"properties": {"default": {"$ref": "#/none"}}}), "/properties/default/$ref"),
            (json!({"$ref": 1}), "/$ref"),
            (json!({"enum": "a"}), "/enum"),
        ];
        for (schema, place) in cases {
            let said = found(&schema).unwrap_or_else(|| panic!("{schema}"));
            assert!(said.starts_with(place), "{schema}: {said}");
            let other = jsonschema::options().offline().build(&schema);
            assert!(other.is_err(), "another reader takes {schema}");
        }
    }

    #[test]
    fn nobody_is_accused_of_what_is_his_own() {
        let cases = [
            json!({"x-ui": {"type": "text", "properties": []}}),
            json!({"default": {"type": "text"}, "examples": [{"required": 1}]}),
            json!({"enum": [{"type": "text"}], "const": {"$ref": "#/none"}}),
            json!({"properties": {"type": {"type": "string"}, "required": {"type": "boolean"}}}),
            json!({"$ref": "https://127.0.0.1/schema.json"}),
            json!({"$ref": "#anchored"}),
            json!({"$defs": {"a": {"$id": "b", "$ref": "#/none"}}}),
            json!({"minLength": 2.0, "exclusiveMinimum": true}),
            json!({"additionalProperties": false, "items": true}),
            json!({"unevaluatedProperties": false}),
        ];
        for schema in cases {
            assert_eq!(found(&schema), None, "{schema}");
        }
        for (name, schema) in corpus() {
            assert_eq!(found(&schema), None, "{name}");
        }
    }
}
