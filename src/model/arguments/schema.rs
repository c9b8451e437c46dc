//! A tool's `inputSchema` compiled into what can be made from it.
//!
//! A schema is first taken apart into ways to satisfy it ([`super::flatten`]); each way is then one
//! type with its bounds. What no form promises is made by trying ([`Checked`]). A keyword that
//! cannot be honoured is refused by name: what we made without honouring it would fail, and the
//! failure would be ours. Where such a keyword stands beside `examples` or a `default`, those are
//! used: its author says that they are right.

use serde_json::{Map, Value, json};

use crate::model::chance::{Key, Purpose};

use super::array;
use super::check::{each, entries, has_type};
use super::flatten::{Compiler, Trail, Way};
use super::format::Format;
use super::node::{Checked, Node, Object};
use super::number::Decimal;
use super::object::object;
use super::pattern::Pattern;

/// No object is made larger than this; a schema that asks for more is refused. A target must not be
/// able to exhaust us with nested arrays.
pub(super) const LARGEST_BYTES: u64 = 256 * 1024;

/// Longest phrase where the schema sets no upper length.
pub(super) const PHRASE: usize = 48;

/// Values made at compile time in search of one that passes its checks.
pub(super) const PROBES: u64 = 512;

/// Values in one schema; the largest of real tools have some thousands.
const MOST_VALUES: usize = 50_000;

/// A keyword that cannot be honoured, or not within squall's bounds, on every way to a valid object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "arguments cannot be made from inputSchema: `{keyword}` at \"{pointer}\" cannot be satisfied, \
     is too complicated, or is not honoured; write arguments for this tool under [tools.arguments]"
)]
pub struct Unsupported {
    /// The keyword.
    pub keyword: String,
    /// Where its schema is: a JSON pointer (RFC 6901), empty for the whole schema.
    pub pointer: String,
}

/// The node of a whole argument object.
pub(super) fn arguments(schema: &Value) -> Result<Node, Unsupported> {
    let keywords = match schema {
        Value::Null | Value::Bool(true) => {
            return Ok(Node::Object(Box::new(Object { properties: Vec::new(), extra: None })));
        }
        Value::Object(keywords) => keywords,
        _ => return Err(unsupported("type", "")),
    };
    if keywords.get("type").is_some_and(|types| !has_type(&json!({}), types)) {
        return Err(unsupported("type", ""));
    }
    if values_within(schema) > MOST_VALUES {
        return Err(unsupported("properties", ""));
    }
    let mut keywords = keywords.clone();
    keywords.insert("type".to_owned(), Value::from("object"));
    Compiler::new(schema).required(&Value::Object(keywords), "", &Vec::new())
}

fn values_within(value: &Value) -> usize {
    let (mut waiting, mut count) = (vec![value], 0);
    while let Some(value) = waiting.pop() {
        count += 1;
        waiting.extend(each(value).chain(entries(value).map(|(_, value)| value)));
    }
    count
}

pub(super) fn unsupported(keyword: &str, pointer: &str) -> Unsupported {
    Unsupported { keyword: keyword.to_owned(), pointer: pointer.to_owned() }
}

impl Compiler {
    /// A value that must be there: examples and defaults help where keywords cannot be honoured.
    pub(super) fn required(
        &self,
        schema: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Node, Unsupported> {
        self.node(schema, pointer, trail).or_else(|reason| {
            let Value::Object(schema) = schema else { return Err(reason) };
            let found = candidates(schema);
            if found.is_empty() { Err(reason) } else { Ok(choice(&found)) }
        })
    }

    /// A value of a schema: any of its ways that can be made, `null` only if there is no other.
    pub(super) fn node(
        &self,
        schema: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Node, Unsupported> {
        let look = || self.node_here(schema, pointer, trail);
        self.bounds.deeper(look).unwrap_or_else(|| Err(unsupported("$ref", pointer)))
    }

    fn node_here(&self, schema: &Value, pointer: &str, trail: &Trail) -> Result<Node, Unsupported> {
        let (mut nodes, mut reason) = (Vec::new(), None);
        for way in self.ways(schema, pointer, trail)? {
            match self.of_way(&way, trail) {
                Ok(node) if nodes.contains(&node) => {}
                Ok(node) => nodes.push(node),
                Err(error) => drop(reason.get_or_insert(error)),
            }
        }
        match reason {
            Some(reason) if nodes.is_empty() => Err(reason),
            _ => Ok(one_of(nodes)),
        }
    }

    fn of_way(&self, way: &Way, trail: &Trail) -> Result<Node, Unsupported> {
        if let Some(listed) = self.listed(way)? {
            return Ok(listed);
        }
        let mut trail = trail.clone();
        trail.extend(way.refs.iter().cloned());
        let names = types(&way.keywords).unwrap_or_else(|| vec![implied_type(&way.keywords)]);
        let (mut nodes, mut reason) = (Vec::new(), unsupported("type", &way.pointer));
        for name in names {
            match self.of_type(name, way, &trail) {
                Ok(node) => nodes.push(node),
                Err(found) => reason = found,
            }
        }
        if nodes.is_empty() {
            return Err(reason);
        }
        self.checked(one_of(nodes), way.checks.clone(), &way.pointer)
    }

    /// A node whose values satisfy these schemas too; fails with the first one's keyword when no
    /// such value is found.
    pub(super) fn checked(
        &self,
        node: Node,
        checks: Vec<(String, Value)>,
        pointer: &str,
    ) -> Result<Node, Unsupported> {
        let Some((keyword, _)) = checks.first() else { return Ok(node) };
        let keyword = keyword.clone();
        if let Some(found) = checks.iter().find_map(|(_, check)| self.checker.obstacle(check)) {
            return Err(unsupported(&found, pointer));
        }
        let schemas = checks.into_iter().map(|(_, schema)| schema).collect();
        let checker = self.checker.clone();
        let attempts = node.affordable_attempts();
        let mut checked = Checked { node, schemas, checker, attempts, witness: Vec::new() };
        let mut made = Vec::new();
        for probe in 0..PROBES {
            made.clear();
            checked.node.make(&mut Key::of_run(probe, 0).draw(Purpose::Arguments), &mut made);
            self.bounds.spend(checked.effort(&made));
            match self.bounds.patiently(|steps| checked.accepts(&made, steps)) {
                Some(true) => {
                    checked.witness = made;
                    return Ok(Node::Checked(Box::new(checked)));
                }
                Some(false) => {}
                None => break,
            }
        }
        Err(unsupported(&keyword, pointer))
    }

    /// Whether it is certain that the value is valid, or that it is not.
    pub(super) fn decide(&self, schema: &Value, value: &Value) -> Option<bool> {
        self.bounds.patiently(|steps| self.checker.decide(schema, value, steps))
    }

    /// `const` and `enum`, as far as their values are valid.
    fn listed(&self, way: &Way) -> Result<Option<Node>, Unsupported> {
        let (keyword, values) = match (way.keywords.get("const"), way.keywords.get("enum")) {
            (Some(value), _) => ("const", std::slice::from_ref(value)),
            (None, Some(Value::Array(values))) => ("enum", values.as_slice()),
            (None, Some(_)) => return Err(unsupported("enum", &way.pointer)),
            (None, None) => return Ok(None),
        };
        let schema = Value::Object(way.keywords.clone());
        let is_valid = |value: &&Value| {
            let checks = way.checks.iter().map(|(_, check)| check);
            std::iter::once(&schema).chain(checks).all(|s| self.decide(s, value) == Some(true))
        };
        let values: Vec<&Value> = values.iter().filter(is_valid).collect();
        if values.is_empty() {
            return Err(unsupported(keyword, &way.pointer));
        }
        Ok(Some(choice(&values)))
    }

    fn of_type(&self, name: &str, way: &Way, trail: &Trail) -> Result<Node, Unsupported> {
        let number = |made: Result<Decimal, &'static str>| match made {
            Ok(decimal) => Ok(Node::Number(decimal)),
            Err(keyword) => Err(unsupported(keyword, &way.pointer)),
        };
        match name {
            "null" => Ok(literal("null")),
            "boolean" => Ok(Node::Choice(vec![b"false".to_vec(), b"true".to_vec()])),
            "integer" => number(Decimal::integer(&way.keywords)),
            "number" => number(Decimal::number(&way.keywords)),
            "string" => self.string(&way.keywords, &way.pointer),
            "array" => array::array(self, way, trail),
            "object" => object(self, way, trail),
            _ => Err(unsupported("type", &way.pointer)),
        }
    }

    fn string(&self, schema: &Map<String, Value>, pointer: &str) -> Result<Node, Unsupported> {
        let min = count(schema, "minLength", pointer)?.unwrap_or(0);
        let max = count(schema, "maxLength", pointer)?;
        if min > LARGEST_BYTES {
            return Err(unsupported("minLength", pointer));
        }
        if max.is_some_and(|max| max < min) {
            return Err(unsupported("maxLength", pointer));
        }
        let (min, most) = (min as usize, max.map_or(usize::MAX, |max| max as usize));
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let checks = |first: &str| {
            let about = [first, "pattern", "minLength", "maxLength"].into_iter();
            let asked = about.filter_map(|name| Some((name, schema.get(name)?)));
            asked.map(|(name, value)| (first.to_owned(), json!({ name: value }))).collect()
        };
        let named = schema.get("format").map(|name| name.as_str().unwrap_or_default());
        if let Some(name) = named.filter(|name| !Format::is_any_text(name)) {
            let made = match Format::named(name) {
                Some(format) => {
                    let (least, longest) = format.lengths();
                    let fits = pattern.is_none() && min <= least && most >= longest;
                    let node = Node::Format(format);
                    if fits { Ok(node) } else { self.checked(node, checks("format"), pointer) }
                }
                None => Err(unsupported("format", pointer)),
            };
            if made.is_ok() || pattern.is_none() {
                return made;
            }
        }
        let Some(source) = pattern else {
            let natural = PHRASE.max(min + PHRASE / 4);
            return Ok(Node::Phrase { min, max: natural.min(most) });
        };
        let pattern =
            self.checker.matcher(source).and_then(|matcher| Pattern::new(matcher, min, most));
        match pattern {
            None => Err(unsupported("pattern", pointer)),
            Some(pattern) if pattern.uncertain => {
                self.checked(Node::Pattern(pattern), checks("pattern"), pointer)
            }
            Some(pattern) => Ok(Node::Pattern(pattern)),
        }
    }
}

/// `examples`, else `default`, as far as they have the right type.
fn candidates(schema: &Map<String, Value>) -> Vec<&Value> {
    let has_type = |value: &&Value| schema.get("type").is_none_or(|types| has_type(value, types));
    let examples = schema.get("examples").into_iter().flat_map(each);
    let found: Vec<&Value> = examples.filter(has_type).collect();
    if found.is_empty() {
        schema.get("default").filter(has_type).into_iter().collect()
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

/// The type that keywords without `type` are about.
fn implied_type(schema: &Map<String, Value>) -> &'static str {
    let any = |keywords: &[&str]| keywords.iter().any(|keyword| schema.contains_key(*keyword));
    let of_object = ["properties", "required", "additionalProperties", "patternProperties"];
    if any(&of_object) || any(&["propertyNames", "minProperties", "maxProperties"]) {
        "object"
    } else if array::is_implied(schema) {
        "array"
    } else if any(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        "string"
    }
}

/// One of these; `null` says least and is left out beside others.
fn one_of(mut nodes: Vec<Node>) -> Node {
    let null = literal("null");
    if nodes.iter().any(|node| *node != null) {
        nodes.retain(|node| *node != null);
    }
    if nodes.len() == 1 {
        return nodes.swap_remove(0);
    }
    let is_listed = nodes.iter().all(|node| matches!(node, Node::Choice(_)));
    let listed = nodes.iter().filter(|_| is_listed).flat_map(|node| match node {
        Node::Choice(texts) => texts.as_slice(),
        _ => &[],
    });
    let listed: Vec<Vec<u8>> = listed.cloned().collect();
    if listed.is_empty() { Node::Either(nodes) } else { Node::Choice(listed) }
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

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::Maker;
    use super::*;

    fn text(maker: &Maker, variation: u64) -> String {
        let mut out = b"before".to_vec();
        maker.make(variation, crate::model::nonce::Nonce::new(7, 0, 0, variation), &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    fn made(schema: &Value, variation: u64) -> Value {
        let maker = Maker::from_schema(schema).unwrap();
        serde_json::from_str(&text(&maker, variation)).unwrap()
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
            (query(json!({"type": "string", "pattern": "a(?=b)"})), "pattern", "/properties/q"),
            (query(json!({"pattern": "^a{9}$", "maxLength": 5})), "pattern", "/properties/q"),
            (query(json!({"anyOf": []})), "anyOf", "/properties/q"),
            (
                query(json!({"allOf": [{"type": "string"}, {"type": "null"}]})),
                "type",
                "/properties/q/allOf/0",
            ),
            (
                query(json!({"allOf": [{"enum": [1, 2]}, {"const": 3}]})),
                "enum",
                "/properties/q/allOf/0",
            ),
            (
                query(json!({"oneOf": [{"type": "string"}, {"type": "string"}]})),
                "oneOf",
                "/properties/q/oneOf/0",
            ),
            (query(json!({"type": "string", "not": {"type": "string"}})), "not", "/properties/q"),
            (query(json!({"$dynamicRef": "#x"})), "$dynamicRef", "/properties/q"),
            (query(json!({"$ref": "https://example.com/x.json"})), "$ref", "/properties/q"),
            (query(json!({"$ref": "#/properties/q"})), "$ref", "/properties/q"),
            (
                json!({"properties": {"q": {"type": "object"}, "next": {"$ref": "#"}}, "required": ["next"]}),
                "$ref",
                "/properties/next",
            ),
            (query(json!({"contains": {"const": 1}, "maxItems": 0})), "contains", "/properties/q"),
            (
                query(json!({"prefixItems": [false], "minItems": 1})),
                "false",
                "/properties/q/prefixItems/0",
            ),
            (
                query(json!({"required": ["A"], "propertyNames": {"pattern": "^[a-z]+$"}})),
                "propertyNames",
                "/properties/q",
            ),
            (
                query(json!({"minProperties": 1, "additionalProperties": false})),
                "minProperties",
                "/properties/q",
            ),
            (query(json!({"$ref": "#/$defs/x"})), "$ref", "/properties/q"),
            (query(json!({"type": "string", "format": "house-number"})), "format", "/properties/q"),
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
            (
                query(json!({"minItems": 2, "items": {"const": 1}, "uniqueItems": true})),
                "uniqueItems",
                "/properties/q",
            ),
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
            (json!({"minProperties": 1, "maxProperties": 0}), "minProperties", ""),
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
                "tags": {"type": "array", "items": {"pattern": "(?<=a)b"}},
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
                "repo": {"type": "string", "pattern": "b(?=c)|/", "examples": ["a/b", "c/d", 7]},
                "sort": {"$dynamicRef": "#sort", "default": "best"},
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
            Just(json!({"type": "string", "pattern": "^a[^b]{2,}|c$"})),
            Just(json!({"type": "string", "pattern": "[x-z]", "minLength": 4, "maxLength": 6})),
            Just(json!({"anyOf": [{"type": "string"}, {"type": "null"}]})),
            Just(json!({"not": {"type": "string"}, "type": ["string", "boolean"]})),
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
            let required: std::collections::BTreeSet<&String> =
                names.map(|(name, ..)| name).collect();
            let properties: Map<String, Value> =
                members.iter().map(|(name, schema, _)| (name.clone(), schema.clone())).collect();
            let depends = json!({"a": ["b"], "b": ["c"]});
            json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "dependentRequired": depends,
            })
        })
    }

    fn schemas() -> impl Strategy<Value = Value> {
        let property = leaf().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (inner.clone(), 0..4_u32, 0..3_u32).prop_map(|(items, min, more)| {
                    json!({"type": "array", "items": items, "minItems": min, "maxItems": min + more})
                }),
                inner.clone().prop_map(|items| json!({"items": items, "uniqueItems": true})),
                (inner.clone(), inner.clone(), 0..4_usize).prop_map(|(one, other, keyword)| {
                    let keyword = ["allOf", "anyOf", "oneOf", "prefixItems"][keyword];
                    json!({ keyword: [one, other] })
                }),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(one, two, three)| json!({"if": one, "then": two, "else": three})),
                (inner.clone(), inner.clone())
                    .prop_map(|(items, some)| json!({"items": items, "contains": some, "maxContains": 2})),
                inner.clone().prop_map(|value| {
                    json!({"type": "object", "additionalProperties": value, "minProperties": 1})
                }),
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
                let valid = value.is_object() && jsonschema::is_valid(&schema, &value);
                prop_assert!(valid, "{schema} {value}");
                prop_assert_eq!(made, text(&maker, variation));
            }
        }
    }
}
