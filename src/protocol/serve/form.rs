//! Answers to `elicitation/create`: a form filled in with its defaults, or declined, or left.
//!
//! Rules: MCP specification 2025-11-25, client/elicitation: flat objects of strings, numbers,
//! truths and choices; a URL is agreed to without content.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::model::profile::Elicitation;
use crate::protocol::json::{self, Members};
use crate::protocol::message::{Object, Text};

/// Text of a field that has to be filled in and has no default is never longer than this.
const LONGEST_TEXT: u64 = 1_000;

/// The user says no.
const DECLINED: &str = r#"{"action":"decline"}"#;
/// A form whose answer would be larger than this is declined, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// What is asked, as far as an answer depends on it.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    mode: Option<String>,
    #[serde(default, rename = "requestedSchema")]
    schema: Option<Map<String, Value>>,
}

/// Whether a question leads to a URL instead of a form.
pub(super) fn is_url(params: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Mode<'a> {
        #[serde(borrow, default)]
        mode: Option<Text<'a>>,
    }
    let Some(raw) = params else { return false };
    let asked = serde_json::from_str::<Object<Mode<'_>>>(raw.get());
    let mode = asked.ok().and_then(|Object(asked)| asked.mode);
    mode.is_some_and(|Text(mode)| mode == "url")
}

/// The result object, as JSON text; none if the question cannot be read.
pub(super) fn answered(params: Option<&RawValue>, elicitation: Elicitation) -> Option<Vec<u8>> {
    let Object(asked) = serde_json::from_str::<Object<Asked>>(params?.get()).ok()?;
    let answer = match (elicitation, asked.mode.as_deref()) {
        (Elicitation::AcceptDefaults, Some("url")) => r#"{"action":"accept"}"#,
        (Elicitation::AcceptDefaults, _) => return accepted(&asked.schema?),
        (Elicitation::Decline | Elicitation::Refuse, _) => DECLINED,
        (Elicitation::Cancel, _) => r#"{"action":"cancel"}"#,
    };
    Some(answer.as_bytes().to_vec())
}

fn accepted(schema: &Map<String, Value>) -> Option<Vec<u8>> {
    let content = serde_json::to_vec(&filled(schema)).ok()?;
    if content.len() > LARGEST_ANSWER {
        return Some(DECLINED.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(content.len() + 32);
    let mut result = Members::begin(&mut out);
    json::string(result.member("action"), "accept");
    result.member("content").extend_from_slice(&content);
    result.end();
    Some(out)
}

/// The form filled in: every default, and something simple where a field is required and has none.
pub fn filled(schema: &Map<String, Value>) -> Map<String, Value> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).collect());
    let mut content = Map::new();
    let Some(Value::Object(fields)) = schema.get("properties") else { return content };
    for (name, field) in fields {
        let value = match field.get("default") {
            Some(default) if is_plain(default) => Some(default.clone()),
            _ if required.contains(&name.as_str()) => Some(simplest(field)),
            _ => None,
        };
        if let Some(value) = value {
            content.insert(name.clone(), value);
        }
    }
    content
}

/// Whether a form may hold it: a text, a number, a truth, or texts.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        Value::Array(all) => all.iter().all(Value::is_string),
        Value::Null | Value::Object(_) => false,
    }
}

/// The simplest value of a field's type.
fn simplest(field: &Value) -> Value {
    if let Some(choice) = choices(field).next() {
        return choice;
    }
    match field.get("type").and_then(Value::as_str) {
        Some("boolean") => Value::Bool(true),
        Some("integer" | "number") => number(field),
        Some("array") => {
            let least = field.get("minItems").and_then(Value::as_u64).unwrap_or_default();
            let items = field.get("items").unwrap_or(&Value::Null);
            Value::Array(choices(items).take(usize::try_from(least).unwrap_or_default()).collect())
        }
        _ => Value::String(text(field)),
    }
}

/// The values to choose from, named or titled; none where anything may be written.
fn choices(field: &Value) -> impl Iterator<Item = Value> {
    let list = |name: &str| field.get(name).and_then(Value::as_array);
    let named = list("enum").into_iter().flatten().cloned();
    let titled = ["oneOf", "anyOf"].into_iter().filter_map(list).flatten();
    named.chain(titled.filter_map(|choice| choice.get("const").cloned()))
}

/// Zero, or what is nearest to it.
fn number(field: &Value) -> Value {
    let bound = |name: &str| field.get(name).and_then(Value::as_number).cloned();
    let value = |number: &Number| number.as_f64().unwrap_or_default();
    let nearest = match (bound("minimum"), bound("maximum")) {
        (Some(least), _) if value(&least) > 0.0 => least,
        (_, Some(most)) if value(&most) < 0.0 => most,
        _ => Number::from(0),
    };
    Value::Number(nearest)
}

/// A text of the field's format and length.
fn text(field: &Value) -> String {
    let length = |name: &str| field.get(name).and_then(Value::as_u64);
    let least = length("minLength").unwrap_or_default().min(LONGEST_TEXT);
    match field.get("format").and_then(Value::as_str) {
        Some("email") => "user@example.com".to_owned(),
        Some("uri") => "https://example.com/".to_owned(),
        Some("date") => "2026-01-01".to_owned(),
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        _ => "a".repeat(usize::try_from(least.max(1)).unwrap_or(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Elicitation::{AcceptDefaults, Cancel, Decline, Refuse};
    use proptest::prelude::*;
    use serde_json::json;

    fn answer(params: &Value, elicitation: Elicitation) -> Option<Value> {
        let raw = serde_json::value::to_raw_value(params).unwrap();
        answered(Some(&raw), elicitation).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    fn form(schema: &Value) -> Value {
        json!({"mode": "form", "message": "m", "requestedSchema": schema})
    }

    #[test]
    fn defaults_are_filled_in() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "verified": {"type": "boolean", "default": false},
            "status": {"type": "string", "enum": ["active", "inactive"], "default": "inactive"},
            "colour": {"type": "string", "oneOf": [{"const": "#f00", "title": "Red"}], "default": "#f00"},
            "many": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "default": ["b", "a"]},
            "none": {"type": "string"},
            "odd": {"type": "string", "default": {"a": 1}},
            "null": {"type": "string", "default": null},
        }, "required": []});
        let expected = json!({"action": "accept", "content": {
            "name": "John Doe", "age": 30, "score": 95.5, "verified": false, "status": "inactive",
            "colour": "#f00", "many": ["b", "a"],
        }});
        assert_eq!(answer(&form(&schema), AcceptDefaults), Some(expected));
    }

    #[test]
    fn what_is_required_gets_the_simplest_value() {
        let cases = [
            (json!({"type": "string"}), json!("a")),
            (json!({"type": "string", "minLength": 3}), json!("aaa")),
            (json!({"type": "string", "format": "email"}), json!("user@example.com")),
            (json!({"type": "string", "format": "uri"}), json!("https://example.com/")),
            (json!({"type": "string", "format": "date"}), json!("2026-01-01")),
            (json!({"type": "string", "format": "date-time"}), json!("2026-01-01T00:00:00Z")),
            (json!({"type": "string", "enum": ["Red", "Green"]}), json!("Red")),
            (json!({"type": "string", "enum": ["r"], "enumNames": ["Red"]}), json!("r")),
            (
                json!({"type": "string", "oneOf": [{"const": "#0f0"}, {"const": "x"}]}),
                json!("#0f0"),
            ),
            (json!({"type": "boolean"}), json!(true)),
            (json!({"type": "integer"}), json!(0)),
            (json!({"type": "number", "minimum": 1.5}), json!(1.5)),
            (json!({"type": "integer", "minimum": -5, "maximum": -2}), json!(-2)),
            (json!({"type": "array", "items": {"enum": ["a", "b"]}}), json!([])),
            (json!({"type": "array", "minItems": 1, "items": {"enum": ["a", "b"]}}), json!(["a"])),
            (
                json!({"type": "array", "minItems": 2, "items": {"anyOf": [{"const": "a"}, {"const": "b"}]}}),
                json!(["a", "b"]),
            ),
            (json!({}), json!("a")),
            (json!(5), json!("a")),
        ];
        for (field, expected) in cases {
            let schema = json!({"properties": {"f": field}, "required": ["f"]});
            assert_eq!(filled(schema.as_object().unwrap())["f"], expected, "{field}");
        }
    }

    #[test]
    fn the_other_answers() {
        let url = json!({"mode": "url", "url": "https://elsewhere/x", "message": "m"});
        let plain = form(&json!({"properties": {}}));
        let old = json!({"message": "m", "requestedSchema": {"properties": {}}});
        let (yes, empty) =
            (json!({"action": "accept"}), json!({"action": "accept", "content": {}}));
        let (no, gone) = (json!({"action": "decline"}), json!({"action": "cancel"}));
        let cases = [
            (&url, AcceptDefaults, Some(&yes)),
            (&url, Decline, Some(&no)),
            (&url, Cancel, Some(&gone)),
            (&plain, AcceptDefaults, Some(&empty)),
            (&old, AcceptDefaults, Some(&empty)),
            (&plain, Decline, Some(&no)),
            (&plain, Refuse, Some(&no)),
            (&plain, Cancel, Some(&gone)),
        ];
        for (params, elicitation, expected) in cases {
            assert_eq!(answer(params, elicitation).as_ref(), expected, "{params} {elicitation:?}");
        }
        for params in [json!({"message": "m"}), json!([]), json!({"requestedSchema": 5})] {
            assert_eq!(answer(&params, AcceptDefaults), None, "{params}");
        }
        assert_eq!(answered(None, Decline), None);
    }

    #[test]
    fn an_endless_form_is_declined() {
        let schema = json!({"properties": {"f": {"default": "a".repeat(LARGEST_ANSWER)}}});
        assert_eq!(answer(&form(&schema), AcceptDefaults), Some(json!({"action": "decline"})));
    }

    proptest! {
        #[test]
        fn no_form_is_too_odd(text in "[\\[\\]{}\":,a-z0-9 ]{0,200}") {
            let text = format!(r#"{{"requestedSchema":{text}}}"#);
            if let Ok(raw) = serde_json::from_str::<Box<RawValue>>(&text) {
                let _ = answered(Some(&raw), AcceptDefaults);
            }
        }
    }
}
