//! Whether a value satisfies a schema: for what can only be made by trying.

use serde_json::{Map, Value};

use super::ecma::Matcher;
use super::refs;

/// References followed below one another; a schema that needs more accepts nothing.
const DEEPEST: u32 = 64;

/// Keywords whose meaning depends on more than the schema they stand in.
const UNCHECKED: [&str; 4] =
    ["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"];

/// Checks against schemas of one document.
#[derive(Debug, Clone)]
pub(super) struct Checker {
    pub(super) root: Value,
    matchers: Vec<(String, Option<Matcher>)>,
}

impl PartialEq for Checker {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Checker {
    pub(super) fn new(root: Value) -> Self {
        let mut matchers = Vec::new();
        collect(&root, &mut matchers);
        Self { root, matchers }
    }

    /// The pattern, if it can be understood.
    pub(super) fn matcher(&self, pattern: &str) -> Option<&Matcher> {
        let found = self.matchers.iter().find(|(known, _)| known == pattern)?;
        found.1.as_ref()
    }

    /// The first keyword in this schema, or in what it refers to, that cannot be checked.
    pub(super) fn obstacle(&self, schema: &Value, depth: u32) -> Option<String> {
        let inner = |value: &Value| self.obstacle(value, depth);
        match schema {
            Value::Array(items) => items.iter().find_map(inner),
            Value::Object(keywords) => {
                keywords.iter().find_map(|(keyword, value)| match (keyword.as_str(), value) {
                    ("pattern", Value::String(text)) if self.matcher(text).is_none() => {
                        Some(keyword.clone())
                    }
                    ("$ref", Value::String(target)) if depth < 4 => {
                        match refs::resolve(&self.root, target) {
                            Some((found, _)) => self.obstacle(found, depth + 1),
                            None => Some(keyword.clone()),
                        }
                    }
                    ("const" | "enum" | "examples" | "default", _) => None,
                    (name, _) if UNCHECKED.contains(&name) => Some(keyword.clone()),
                    _ => inner(value),
                })
            }
            _ => None,
        }
    }

    /// Whether the value is valid; `format` is not looked at.
    pub(super) fn accepts(&self, schema: &Value, value: &Value) -> bool {
        self.valid(schema, value, DEEPEST)
    }

    fn valid(&self, schema: &Value, value: &Value, fuel: u32) -> bool {
        let Value::Object(schema) = schema else { return schema != &Value::Bool(false) };
        let Some(fuel) = fuel.checked_sub(1) else { return false };
        schema.iter().all(|(keyword, wanted)| match keyword.as_str() {
            "$ref" => wanted
                .as_str()
                .and_then(|target| refs::resolve(&self.root, target))
                .is_some_and(|(target, _)| self.valid(target, value, fuel)),
            "allOf" => each(wanted).all(|branch| self.valid(branch, value, fuel)),
            "anyOf" => each(wanted).any(|branch| self.valid(branch, value, fuel)),
            "oneOf" => each(wanted).filter(|branch| self.valid(branch, value, fuel)).count() == 1,
            "not" => !self.valid(wanted, value, fuel),
            "if" => {
                let way = if self.valid(wanted, value, fuel) { "then" } else { "else" };
                schema.get(way).is_none_or(|schema| self.valid(schema, value, fuel))
            }
            "type" => has_type(value, wanted),
            "const" => equal(value, wanted),
            "enum" => each(wanted).any(|listed| equal(value, listed)),
            _ => match value {
                Value::Number(number) => number
                    .as_f64()
                    .is_none_or(|number| number_fits(keyword, wanted, number, schema)),
                Value::String(text) => self.text_fits(keyword, wanted, text),
                Value::Array(items) => self.items_fit(keyword, wanted, items, (schema, fuel)),
                Value::Object(members) => {
                    self.members_fit(keyword, wanted, members, (schema, fuel))
                }
                _ => true,
            },
        })
    }

    fn text_fits(&self, keyword: &str, wanted: &Value, text: &str) -> bool {
        let limit = wanted.as_f64().unwrap_or(0.0);
        match keyword {
            "minLength" => text.chars().count() as f64 >= limit,
            "maxLength" => text.chars().count() as f64 <= limit,
            "pattern" => wanted
                .as_str()
                .and_then(|pattern| self.matcher(pattern))
                .is_none_or(|matcher| matcher.matches(text)),
            _ => true,
        }
    }

    fn items_fit(
        &self,
        keyword: &str,
        wanted: &Value,
        items: &[Value],
        (schema, fuel): (&Map<String, Value>, u32),
    ) -> bool {
        let limit = wanted.as_f64().unwrap_or(0.0);
        let pairs = |schemas: &Value, items: &[Value]| {
            each(schemas).zip(items).all(|(schema, item)| self.valid(schema, item, fuel))
        };
        let after = |prefix: &str| schema.get(prefix).map_or(0, |prefix| each(prefix).count());
        match (keyword, wanted) {
            ("minItems", _) => items.len() as f64 >= limit,
            ("maxItems", _) => items.len() as f64 <= limit,
            ("uniqueItems", Value::Bool(true)) => (1..items.len())
                .all(|index| items[..index].iter().all(|other| !equal(other, &items[index]))),
            ("prefixItems", _) | ("items", Value::Array(_)) => pairs(wanted, items),
            ("items", _) => {
                items.iter().skip(after("prefixItems")).all(|item| self.valid(wanted, item, fuel))
            }
            ("additionalItems", _) if schema.get("items").is_some_and(Value::is_array) => {
                items.iter().skip(after("items")).all(|item| self.valid(wanted, item, fuel))
            }
            ("contains", _) => {
                let count =
                    items.iter().filter(|item| self.valid(wanted, item, fuel)).count() as f64;
                let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
                count >= bound("minContains").unwrap_or(1.0)
                    && bound("maxContains").is_none_or(|most| count <= most)
            }
            _ => true,
        }
    }

    fn members_fit(
        &self,
        keyword: &str,
        wanted: &Value,
        members: &Map<String, Value>,
        (schema, fuel): (&Map<String, Value>, u32),
    ) -> bool {
        let limit = wanted.as_f64().unwrap_or(0.0);
        let whole = || Value::Object(members.clone());
        let present = |names: &Value| {
            each(names).filter_map(Value::as_str).all(|name| members.contains_key(name))
        };
        match keyword {
            "minProperties" => members.len() as f64 >= limit,
            "maxProperties" => members.len() as f64 <= limit,
            "required" => present(wanted),
            "properties" => entries(wanted).all(|(name, schema)| {
                members.get(name).is_none_or(|member| self.valid(schema, member, fuel))
            }),
            "patternProperties" => entries(wanted).all(|(pattern, schema)| {
                let fitting = members.iter().filter(|(name, _)| self.name_matches(pattern, name));
                fitting.into_iter().all(|(_, member)| self.valid(schema, member, fuel))
            }),
            "additionalProperties" => members
                .iter()
                .filter(|(name, _)| !self.is_declared(schema, name))
                .all(|(_, member)| self.valid(wanted, member, fuel)),
            "propertyNames" => {
                members.keys().all(|name| self.valid(wanted, &Value::from(name.as_str()), fuel))
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => entries(wanted)
                .filter(|(name, _)| members.contains_key(*name))
                .all(|(_, then)| match then {
                    Value::Array(_) => present(then),
                    schema => self.valid(schema, &whole(), fuel),
                }),
            _ => true,
        }
    }

    pub(super) fn name_matches(&self, pattern: &str, name: &str) -> bool {
        self.matcher(pattern).is_some_and(|matcher| matcher.matches(name))
    }

    /// Whether `properties` or `patternProperties` speak of this name.
    pub(super) fn is_declared(&self, schema: &Map<String, Value>, name: &str) -> bool {
        schema.get("properties").is_some_and(|known| known.get(name).is_some())
            || schema.get("patternProperties").is_some_and(|patterns| {
                entries(patterns).any(|(pattern, _)| self.name_matches(pattern, name))
            })
    }
}

fn number_fits(keyword: &str, wanted: &Value, number: f64, schema: &Map<String, Value>) -> bool {
    let Some(limit) = wanted.as_f64() else { return true };
    let draft4 = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    match keyword {
        "minimum" => number > limit || (number >= limit && !draft4("exclusiveMinimum")),
        "maximum" => number < limit || (number <= limit && !draft4("exclusiveMaximum")),
        "exclusiveMinimum" => number > limit,
        "exclusiveMaximum" => number < limit,
        "multipleOf" => {
            let quotient = number / limit;
            (quotient - quotient.round()).abs() < 1e-9 * quotient.abs().max(1.0)
        }
        _ => true,
    }
}

/// The elements of an array; none of anything else.
pub(super) fn each(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

/// The members of an object; none of anything else.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Whether the value has one of the types in `type`.
pub(super) fn has_type(value: &Value, wanted: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    wanted.as_str().map_or_else(|| each(wanted).filter_map(Value::as_str).any(is), is)
}

/// Equality as JSON Schema has it: 1 is 1.0 (core, section 4.2.2).
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one != other => {
            one.as_f64().zip(other.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, a)| other.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => one == other,
    }
}

/// Every pattern of a document, once.
fn collect(value: &Value, matchers: &mut Vec<(String, Option<Matcher>)>) {
    let mut add = |pattern: &str| {
        if !matchers.iter().any(|(known, _)| known == pattern) {
            matchers.push((pattern.to_owned(), Matcher::new(pattern)));
        }
    };
    match value {
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get("pattern") {
                add(pattern);
            }
            if let Some(Value::Object(patterns)) = members.get("patternProperties") {
                patterns.keys().for_each(|pattern| add(pattern));
            }
            members.values().for_each(|member| collect(member, matchers));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, matchers)),
        _ => {}
    }
}
