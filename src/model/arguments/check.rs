//! Whether a value satisfies a schema: for what can only be made by trying.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Map, Value};

use super::ecma::Matcher;
use super::refs;

/// Schemas within one another; a check that needs more is given up.
const DEEPEST: u32 = 64;

/// Schemas held against one value: branches that refer to branches ask for exponentially many.
pub(super) const MOST_STEPS: u32 = 20_000;

/// Keywords whose meaning depends on more than the schema they stand in.
const UNCHECKED: [&str; 4] =
    ["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"];

/// What is left of the bounds of one check.
#[derive(Clone, Copy)]
struct Fuel<'a> {
    depth: u32,
    steps: &'a Cell<u32>,
}

impl Fuel<'_> {
    /// For one schema more; too deep a schema leaves nothing for the others either.
    fn less(self) -> Option<Self> {
        let depth = self.depth.checked_sub(1);
        let steps = depth.map_or(0, |_| self.steps.get().saturating_sub(1));
        self.steps.set(steps);
        depth.filter(|_| steps > 0).map(|depth| Self { depth, ..self })
    }

    /// Takes the price of comparing off; whether it could be paid.
    fn spend(self, price: usize) -> bool {
        let price = u32::try_from(price).unwrap_or(u32::MAX);
        self.steps.set(self.steps.get().saturating_sub(price));
        self.steps.get() > 0
    }
}

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
    pub(super) fn obstacle(&self, schema: &Value) -> Option<String> {
        let (mut waiting, mut known) = (vec![schema], HashSet::new());
        while let Some(schema) = waiting.pop() {
            let mut targets = Vec::new();
            if let Some(found) = self.obstacle_within(schema, &mut targets) {
                return Some(found);
            }
            for target in targets.into_iter().filter(|target| known.insert(*target)) {
                match refs::resolve(&self.root, target) {
                    Some((found, _)) => waiting.push(found),
                    None => return Some("$ref".to_owned()),
                }
            }
        }
        None
    }

    fn obstacle_within<'a>(&self, schema: &'a Value, targets: &mut Vec<&'a str>) -> Option<String> {
        match schema {
            Value::Array(items) => {
                items.iter().find_map(|item| self.obstacle_within(item, targets))
            }
            Value::Object(keywords) => {
                keywords.iter().find_map(|(keyword, value)| match (keyword.as_str(), value) {
                    ("pattern", Value::String(text)) if self.matcher(text).is_none() => {
                        Some(keyword.clone())
                    }
                    ("$ref", Value::String(target)) => {
                        targets.push(target);
                        None
                    }
                    ("const" | "enum" | "examples" | "default", _) => None,
                    (name, _) if UNCHECKED.contains(&name) => Some(keyword.clone()),
                    _ => self.obstacle_within(value, targets),
                })
            }
            _ => None,
        }
    }

    /// Whether the value is valid; `format` is not looked at. `None` when that cannot be told in so
    /// many steps, or so deep: a part that was given up would count as invalid, and below a `not`
    /// as valid. What was used is taken off `steps`.
    pub(super) fn decide(&self, schema: &Value, value: &Value, steps: &Cell<u32>) -> Option<bool> {
        let is_valid = self.valid(schema, value, Fuel { depth: DEEPEST, steps });
        (steps.get() > 0).then_some(is_valid)
    }

    fn valid(&self, schema: &Value, value: &Value, fuel: Fuel) -> bool {
        let Value::Object(schema) = schema else { return schema != &Value::Bool(false) };
        let Some(fuel) = fuel.less() else { return false };
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
            "const" => fuel.spend(weight(wanted)) && equal(value, wanted),
            "enum" => fuel.spend(weight(wanted)) && each(wanted).any(|listed| equal(value, listed)),
            _ => match value {
                Value::Number(number) => number
                    .as_f64()
                    .is_none_or(|number| number_fits(keyword, wanted, number, schema)),
                Value::String(text) => {
                    fuel.spend(text.len() / 64) && self.text_fits(keyword, wanted, text)
                }
                Value::Array(items) => self.items_fit(keyword, wanted, items, (schema, fuel)),
                Value::Object(members) => {
                    self.members_fit(keyword, wanted, (value, members), (schema, fuel))
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
        (schema, fuel): (&Map<String, Value>, Fuel),
    ) -> bool {
        let limit = wanted.as_f64().unwrap_or(0.0);
        let pairs = |schemas: &Value, items: &[Value]| {
            each(schemas).zip(items).all(|(schema, item)| self.valid(schema, item, fuel))
        };
        let after = |prefix: &str| schema.get(prefix).map_or(0, |prefix| each(prefix).count());
        match (keyword, wanted) {
            ("minItems", _) => items.len() as f64 >= limit,
            ("maxItems", _) => items.len() as f64 <= limit,
            ("uniqueItems", Value::Bool(true)) => {
                let price = items.iter().map(weight).sum::<usize>().saturating_mul(items.len());
                fuel.spend(price / 2)
                    && (1..items.len()).all(|index| {
                        items[..index].iter().all(|other| !equal(other, &items[index]))
                    })
            }
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
        (whole, members): (&Value, &Map<String, Value>),
        (schema, fuel): (&Map<String, Value>, Fuel),
    ) -> bool {
        let limit = wanted.as_f64().unwrap_or(0.0);
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
                if !fuel.spend(members.len()) {
                    return false;
                }
                let fitting = members.iter().filter(|(name, _)| self.name_matches(pattern, name));
                fitting.into_iter().all(|(_, member)| self.valid(schema, member, fuel))
            }),
            "additionalProperties" => members
                .iter()
                .filter(|_| {
                    fuel.spend(
                        1 + schema.get("patternProperties").map_or(0, |p| entries(p).count()),
                    )
                })
                .filter(|(name, _)| !self.is_declared(schema, name))
                .all(|(_, member)| self.valid(wanted, member, fuel)),
            "propertyNames" => {
                members.keys().all(|name| self.valid(wanted, &Value::from(name.as_str()), fuel))
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => entries(wanted)
                .filter(|(name, _)| members.contains_key(*name))
                .all(|(_, then)| match then {
                    Value::Array(_) => present(then),
                    schema => self.valid(schema, whole, fuel),
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

/// What it costs at most to compare a value: its parts, and a part for each 64 bytes of text.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 64,
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(weight).sum::<usize>(),
        _ => 1,
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
