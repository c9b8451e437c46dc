//! A tool's `inputSchema` compiled into what can be made from it.
//!
//! Honoured: `type` (and lists of types), `enum`, `const`, numeric bounds and `multipleOf`, string
//! lengths, some `format`s, `properties`, `required`, `items`, `minItems`, `maxItems`. Annotations
//! are ignored. Every other keyword that narrows a value is refused by name: what we made without
//! honouring it would fail, and the failure would be ours. Where a refused keyword stands beside
//! `examples` or a `default`, those are used: its author says that they are right.

use serde_json::{Map, Value};

use super::node::Node;
use super::number::Decimal;
use super::object::object;
use super::text::Format;

/// No object is made larger than this; a schema that asks for more is refused. A target must not be
/// able to exhaust us with nested arrays.
pub(super) const LARGEST_BYTES: u64 = 256 * 1024;

/// Longest phrase where the schema sets no upper length.
pub(super) const PHRASE: usize = 48;

/// Keywords that narrow any value and are not honoured.
const REFUSED: [&str; 16] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "prefixItems",
    "contains",
    "pattern",
];

/// A keyword that cannot be honoured, on every way to a valid object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "arguments cannot be made from inputSchema: `{keyword}` at \"{pointer}\" is not honoured; \
     write arguments for this tool under [tools.arguments]"
)]
pub struct Unsupported {
    /// The keyword.
    pub keyword: String,
    /// Where its schema is: a JSON pointer (RFC 6901), empty for the whole schema.
    pub pointer: String,
}

/// The node of a whole argument object.
pub(super) fn arguments(schema: &Value) -> Result<Node, Unsupported> {
    let schema = match schema {
        Value::Null | Value::Bool(true) => return Ok(Node::Object(Vec::new())),
        Value::Object(schema) => schema,
        _ => return Err(unsupported("type", "")),
    };
    let is_object = types(schema).is_none_or(|types| types.contains(&"object"));
    if !is_object {
        return Err(unsupported("type", ""));
    }
    let plain = refuse(schema, "").and_then(|()| object(schema, ""));
    plain.or_else(|reason| match candidates(schema, &["object"]) {
        found if found.is_empty() => Err(reason),
        found => Ok(choice(&found)),
    })
}

pub(super) fn unsupported(keyword: &str, pointer: &str) -> Unsupported {
    Unsupported { keyword: keyword.to_owned(), pointer: pointer.to_owned() }
}

/// A value that must be there: examples and defaults help where keywords cannot be honoured.
pub(super) fn required(schema: &Value, pointer: &str) -> Result<Node, Unsupported> {
    plain(schema, pointer).or_else(|reason| {
        let Value::Object(schema) = schema else { return Err(reason) };
        let types = types(schema).unwrap_or_default();
        match candidates(schema, &types) {
            found if found.is_empty() => Err(reason),
            found => Ok(choice(&found)),
        }
    })
}

pub(super) fn plain(schema: &Value, pointer: &str) -> Result<Node, Unsupported> {
    let schema = match schema {
        Value::Object(schema) => schema,
        Value::Bool(true) => return Ok(Node::Phrase { min: 0, max: PHRASE }),
        _ => return Err(unsupported("false", pointer)),
    };
    refuse(schema, pointer)?;
    if let Some(node) = listed(schema, pointer)? {
        return Ok(node);
    }
    let types = types(schema).unwrap_or_else(|| vec![implied_type(schema)]);
    let (mut nodes, mut reason) = (Vec::new(), unsupported("type", pointer));
    for name in types.iter().filter(|name| types.len() == 1 || **name != "null") {
        match of_type(name, schema, pointer) {
            Ok(node) => nodes.push(node),
            Err(found) => reason = found,
        }
    }
    match nodes.len() {
        0 if types.len() > 1 && types.contains(&"null") => Ok(literal("null")),
        0 => Err(reason),
        1 => Ok(nodes.swap_remove(0)),
        _ => Ok(Node::Either(nodes)),
    }
}

fn refuse(schema: &Map<String, Value>, pointer: &str) -> Result<(), Unsupported> {
    match REFUSED.into_iter().find(|keyword| schema.contains_key(*keyword)) {
        Some(keyword) => Err(unsupported(keyword, pointer)),
        None => Ok(()),
    }
}

/// `const` and `enum`, as far as their values have a type that is allowed.
fn listed(schema: &Map<String, Value>, pointer: &str) -> Result<Option<Node>, Unsupported> {
    let types = types(schema).unwrap_or_default();
    let (keyword, values) = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => ("const", std::slice::from_ref(value)),
        (None, Some(Value::Array(values))) => ("enum", values.as_slice()),
        (None, Some(_)) => return Err(unsupported("enum", pointer)),
        (None, None) => return Ok(None),
    };
    let values: Vec<&Value> = values.iter().filter(|value| has_type(value, &types)).collect();
    if values.is_empty() { Err(unsupported(keyword, pointer)) } else { Ok(Some(choice(&values))) }
}

/// `examples`, else `default`.
fn candidates<'a>(schema: &'a Map<String, Value>, types: &[&str]) -> Vec<&'a Value> {
    let examples = schema.get("examples").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let fitting = |values: &'a [Value]| -> Vec<&'a Value> {
        values.iter().filter(|value| has_type(value, types)).collect()
    };
    let found = fitting(examples);
    if found.is_empty() {
        schema.get("default").map_or_else(Vec::new, |value| fitting(std::slice::from_ref(value)))
    } else {
        found
    }
}

/// The names in `type`; `None` when there are none.
fn types(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn has_type(value: &Value, types: &[&str]) -> bool {
    types.is_empty()
        || types.iter().any(|name| match *name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        })
}

/// The type that keywords without `type` are about.
fn implied_type(schema: &Map<String, Value>) -> &'static str {
    let any = |keywords: &[&str]| keywords.iter().any(|keyword| schema.contains_key(*keyword));
    if any(&["properties", "required", "additionalProperties"]) {
        "object"
    } else if any(&["items", "minItems", "maxItems"]) {
        "array"
    } else if any(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        "string"
    }
}

fn of_type(name: &str, schema: &Map<String, Value>, pointer: &str) -> Result<Node, Unsupported> {
    let number = |made: Result<Decimal, &'static str>| match made {
        Ok(decimal) => Ok(Node::Number(decimal)),
        Err(keyword) => Err(unsupported(keyword, pointer)),
    };
    match name {
        "null" => Ok(literal("null")),
        "boolean" => Ok(Node::Choice(vec![b"false".to_vec(), b"true".to_vec()])),
        "integer" => number(Decimal::integer(schema)),
        "number" => number(Decimal::number(schema)),
        "string" => string(schema, pointer),
        "array" => array(schema, pointer),
        "object" => object(schema, pointer),
        _ => Err(unsupported("type", pointer)),
    }
}

fn literal(json: &str) -> Node {
    Node::Choice(vec![json.as_bytes().to_vec()])
}

fn choice(values: &[&Value]) -> Node {
    Node::Choice(values.iter().map(|value| value.to_string().into_bytes()).collect())
}

/// A count, or the default. A keyword that is no whole number of at least 0 is refused.
pub(super) fn count(
    schema: &Map<String, Value>,
    keyword: &str,
    pointer: &str,
) -> Result<Option<u64>, Unsupported> {
    let Some(value) = schema.get(keyword) else { return Ok(None) };
    let whole = value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0);
    whole.map(|count| Some(count as u64)).ok_or_else(|| unsupported(keyword, pointer))
}

fn string(schema: &Map<String, Value>, pointer: &str) -> Result<Node, Unsupported> {
    let min = count(schema, "minLength", pointer)?.unwrap_or(0);
    let max = count(schema, "maxLength", pointer)?;
    if min > LARGEST_BYTES {
        return Err(unsupported("minLength", pointer));
    }
    if max.is_some_and(|max| max < min) {
        return Err(unsupported("maxLength", pointer));
    }
    let min = min as usize;
    let Some(name) = schema.get("format") else {
        let natural = PHRASE.max(min + PHRASE / 4);
        return Ok(Node::Phrase { min, max: max.map_or(natural, |max| natural.min(max as usize)) });
    };
    let format = name.as_str().and_then(Format::named);
    format
        .filter(|format| {
            let (least, most) = format.lengths();
            min <= least && max.is_none_or(|max| max >= most as u64)
        })
        .map(Node::Format)
        .ok_or_else(|| unsupported("format", pointer))
}

fn array(schema: &Map<String, Value>, pointer: &str) -> Result<Node, Unsupported> {
    let from = count(schema, "minItems", pointer)?.unwrap_or(0);
    let mut to = count(schema, "maxItems", pointer)?.unwrap_or(u64::MAX);
    if to < from {
        return Err(unsupported("maxItems", pointer));
    }
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        if from > 1 {
            return Err(unsupported("uniqueItems", pointer));
        }
        to = to.min(1);
    }
    let item = match schema.get("items") {
        None => Ok(Node::Phrase { min: 0, max: PHRASE }),
        // Drafts up to 2019-09 describe a tuple this way.
        Some(Value::Array(_)) => Err(unsupported("items", pointer)),
        Some(items) => required(items, &format!("{pointer}/items")),
    };
    let item = match item {
        Ok(item) => item,
        Err(_) if from == 0 => return Ok(Node::Array { item: None, from: 0, to: 0 }),
        Err(reason) => return Err(reason),
    };
    let room = LARGEST_BYTES / (item.largest_bytes() + 1);
    if from > room {
        return Err(unsupported("minItems", pointer));
    }
    let to = to.min(from + 2).min(room.max(from));
    Ok(Node::Array { item: Some(Box::new(item)), from: from.max(to.min(1)), to })
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::Maker;
    use super::*;

    fn text(maker: &Maker, variation: u64) -> String {
        let mut out = b"before".to_vec();
        maker.make(variation, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    fn made(schema: &Value, variation: u64) -> Value {
        let maker = Maker::from_schema(schema).unwrap();
        serde_json::from_str(&text(&maker, variation)).unwrap()
    }

    /// A checker of the honoured keywords, written apart from the maker.
    fn satisfies(value: &Value, schema: &Value) -> bool {
        let Value::Object(keywords) = schema else { return schema == &Value::Bool(true) };
        keywords.iter().all(|(keyword, wanted)| match (keyword.as_str(), value) {
            ("type", _) => match wanted {
                Value::Array(names) => names.iter().any(|name| is_a(value, name)),
                name => is_a(value, name),
            },
            ("enum", _) => wanted.as_array().unwrap().contains(value),
            ("const", _) => value == wanted,
            ("minimum", Value::Number(number)) => number.as_f64() >= wanted.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= wanted.as_f64(),
            ("exclusiveMinimum", Value::Number(number)) => number.as_f64() > wanted.as_f64(),
            ("exclusiveMaximum", Value::Number(number)) => number.as_f64() < wanted.as_f64(),
            ("multipleOf", Value::Number(number)) => {
                let quotient = number.as_f64().unwrap() / wanted.as_f64().unwrap();
                (quotient - quotient.round()).abs() < 1e-6
            }
            ("minLength", Value::String(text)) => {
                text.chars().count() as u64 >= wanted.as_u64().unwrap()
            }
            ("maxLength", Value::String(text)) => {
                text.chars().count() as u64 <= wanted.as_u64().unwrap()
            }
            ("minItems", Value::Array(items)) => items.len() as u64 >= wanted.as_u64().unwrap(),
            ("maxItems", Value::Array(items)) => items.len() as u64 <= wanted.as_u64().unwrap(),
            ("uniqueItems", Value::Array(items)) => items.len() < 2,
            ("items", Value::Array(items)) => items.iter().all(|item| satisfies(item, wanted)),
            ("required", Value::Object(members)) => wanted
                .as_array()
                .unwrap()
                .iter()
                .all(|name| members.contains_key(name.as_str().unwrap())),
            ("properties", Value::Object(members)) => members.iter().all(|(name, member)| {
                wanted.get(name).is_none_or(|schema| satisfies(member, schema))
            }),
            ("anyOf" | "pattern", _) => panic!("a value was made for a refused keyword"),
            _ => true,
        })
    }

    fn is_a(value: &Value, name: &Value) -> bool {
        match name.as_str().unwrap() {
            "integer" => {
                value.as_f64().is_some_and(|number| number.trunc().total_cmp(&number).is_eq())
            }
            "number" => value.is_number(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        }
    }

    #[test]
    fn no_properties_give_an_empty_object() {
        for schema in [
            json!(null),
            json!(true),
            json!({}),
            json!({"type": "object"}),
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": false}),
        ] {
            assert_eq!(made(&schema, 1), json!({}), "{schema}");
        }
    }

    #[test]
    fn what_is_refused_is_named_with_its_place() {
        let query = |schema: Value| json!({"properties": {"q": schema}, "required": ["q"]});
        let table = [
            (json!({"type": "string"}), "type", ""),
            (json!([]), "type", ""),
            (json!({"oneOf": []}), "oneOf", ""),
            (query(json!({"type": "string", "pattern": "^a"})), "pattern", "/properties/q"),
            (query(json!({"anyOf": [{"type": "string"}]})), "anyOf", "/properties/q"),
            (query(json!({"$ref": "#/$defs/x"})), "$ref", "/properties/q"),
            (query(json!({"type": "string", "format": "iri"})), "format", "/properties/q"),
            (query(json!({"format": "uuid", "maxLength": 9})), "format", "/properties/q"),
            (query(json!({"type": "whole"})), "type", "/properties/q"),
            (query(json!({"enum": []})), "enum", "/properties/q"),
            (query(json!({"type": "string", "const": 1})), "const", "/properties/q"),
            (
                query(json!({"type": "integer", "minimum": 2, "maximum": 1})),
                "minimum",
                "/properties/q",
            ),
            (query(json!({"minLength": 3, "maxLength": 2})), "maxLength", "/properties/q"),
            (query(json!({"minLength": 1_000_000_000})), "minLength", "/properties/q"),
            (query(json!({"minItems": 1_000_000_000})), "minItems", "/properties/q"),
            (query(json!({"minItems": -1})), "minItems", "/properties/q"),
            (query(json!({"minItems": 2, "uniqueItems": true})), "uniqueItems", "/properties/q"),
            (query(json!({"minItems": 1, "items": {"not": {}}})), "not", "/properties/q/items"),
            (
                query(json!({"properties": {"a/b~": false}, "required": ["a/b~"]})),
                "false",
                "/properties/q/properties/a~1b~0",
            ),
            (
                json!({"required": ["x"], "additionalProperties": false}),
                "required",
                "/properties/x",
            ),
            (json!({"minProperties": 1}), "minProperties", ""),
            (json!({"required": ["x"], "maxProperties": 0}), "maxProperties", ""),
        ];
        for (schema, keyword, pointer) in table {
            let found = Maker::from_schema(&schema).unwrap_err();
            assert_eq!(found, unsupported(keyword, pointer), "{schema}");
        }
    }

    #[test]
    fn optional_properties_are_left_out_when_they_cannot_be_made() {
        let schema = json!({
            "properties": {
                "q": {"type": "string"},
                "cursor": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
                "limit": {"type": "integer", "maximum": 10, "minimum": 1},
                "tags": {"type": "array", "items": {"pattern": "^a"}},
            },
            "required": ["q"],
        });
        let mut seen: HashMap<String, u32> = HashMap::new();
        for variation in 0..1000 {
            for (name, member) in made(&schema, variation).as_object().unwrap() {
                *seen.entry(name.clone()).or_default() += 1;
                assert!(name != "tags" || member == &json!([]));
            }
        }
        assert_eq!(seen["q"], 1000);
        assert!((200..300).contains(&seen["limit"]), "{seen:?}");
        assert!(!seen.contains_key("cursor"));
    }

    #[test]
    fn examples_and_defaults_help_where_keywords_cannot() {
        let schema = json!({
            "properties": {
                "repo": {"type": "string", "pattern": "/", "examples": ["a/b", "c/d", 7]},
                "sort": {"anyOf": [{"type": "string"}], "default": "best"},
            },
            "required": ["repo", "sort"],
        });
        for variation in 0..50 {
            let value = made(&schema, variation);
            assert!(["a/b", "c/d"].contains(&value["repo"].as_str().unwrap()), "{value}");
            assert_eq!(value["sort"], "best");
        }
    }

    #[test]
    fn a_hostile_schema_makes_nothing_large() {
        let mut nested = json!({"type": "string", "minLength": 1000});
        let mut wide = json!({"type": "string"});
        for _ in 0..60 {
            nested = json!({"type": "array", "items": nested});
            wide = json!({"type": "array", "minItems": 50, "items": wide});
        }
        let schema = json!({"properties": {"x": nested}, "required": ["x"]});
        assert!(text(&Maker::from_schema(&schema).unwrap(), 3).len() < 300 * 1024);
        let schema = json!({"properties": {"x": wide}, "required": ["x"]});
        assert_eq!(Maker::from_schema(&schema).unwrap_err().keyword, "minItems");
    }

    #[test]
    fn queries_are_never_alike() {
        let schema = json!({"properties": {"query": {"type": "string"}}, "required": ["query"]});
        let maker = Maker::from_schema(&schema).unwrap();
        let unlike: HashSet<_> = (0..20_000).map(|variation| text(&maker, variation)).collect();
        assert_eq!(unlike.len(), 20_000);
    }

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!({})),
            Just(json!(true)),
            Just(json!({"type": "boolean"})),
            Just(json!({"type": ["string", "null"]})),
            Just(json!({"type": ["integer", "array", "null"], "minimum": 5})),
            Just(json!({"enum": ["a", 1, null, {"x": []}]})),
            Just(json!({"type": "string", "enum": ["\"quoted\"", "b", 3]})),
            Just(json!({"const": [1, "two"]})),
            Just(json!({"type": "string", "pattern": "^a"})),
            Just(json!({"anyOf": [{"type": "string"}]})),
            Just(json!({"type": "string", "format": "date-time"})),
            (0..30_u32, 0..30_u32).prop_map(|(min, more)| {
                json!({"type": "string", "minLength": min, "maxLength": min + more})
            }),
            (-1000..1000_i32, 0..500_i32, 1..9_i32).prop_map(|(min, more, multiple)| {
                json!({"type": "integer", "minimum": min, "maximum": min + more, "multipleOf": multiple})
            }),
            (-100.0..100.0_f64, 0.001..50.0_f64).prop_map(|(min, more)| {
                json!({"type": "number", "exclusiveMinimum": min, "maximum": min + more})
            }),
            (1..500_u32).prop_map(|multiple| {
                json!({"type": "number", "multipleOf": f64::from(multiple) / 100.0})
            }),
        ]
    }

    fn object_of(property: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
        let members = proptest::collection::vec(("[a-f\"é]{1,2}", property, any::<bool>()), 0..5);
        members.prop_map(|members| {
            let names = members.iter().filter(|(.., required)| *required);
            let required: Vec<&String> = names.map(|(name, ..)| name).collect();
            let properties: Map<String, Value> =
                members.iter().map(|(name, schema, _)| (name.clone(), schema.clone())).collect();
            json!({"type": "object", "properties": properties, "required": required})
        })
    }

    fn schemas() -> impl Strategy<Value = Value> {
        let property = leaf().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (inner.clone(), 0..4_u32, 0..3_u32).prop_map(|(items, min, more)| {
                    json!({"type": "array", "items": items, "minItems": min, "maxItems": min + more})
                }),
                inner.clone().prop_map(|items| json!({"items": items, "uniqueItems": true})),
                object_of(inner),
            ]
        });
        object_of(property)
    }

    proptest! {
        #[test]
        fn what_is_made_satisfies_its_schema(schema in schemas(), variation: u64) {
            let Ok(maker) = Maker::from_schema(&schema) else { return Ok(()) };
            for variation in [variation, variation.wrapping_add(1), 0, 1, 2, 3] {
                let made = text(&maker, variation);
                let value: Value = serde_json::from_str(&made).unwrap();
                prop_assert!(value.is_object() && satisfies(&value, &schema), "{schema} {value}");
                prop_assert_eq!(made, text(&maker, variation));
            }
        }
    }
}
