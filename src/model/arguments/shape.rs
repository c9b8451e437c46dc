//! Whether a tool's structured content is what its output schema promises.
//!
//! Both come from the target, so that the work is bounded: in steps, whatever refers to whatever;
//! a schema that needs more than its own document, or a keyword that cannot be judged here, is
//! not held against anything.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::check::{Checker, each, entries};
use super::{refs, sound};

/// Parts of a schema larger than this are not compiled.
const MOST_PARTS: usize = 20_000;
/// Patterns of one schema: each costs up to a megabyte.
const MOST_PATTERNS: usize = 64;
/// Steps of one check: some milliseconds.
const PATIENCE: u32 = 100_000;
/// A place in a value is told as far as this, in characters.
const PLACE_CHARS: usize = 120;

/// Keywords whose meaning depends on more than the schema they stand in.
const UNJUDGED: [&str; 4] =
    ["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"];

/// An output schema, ready to be held against values.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    checker: Checker,
}

/// What a value is to its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conformity {
    /// It conforms.
    Conforms,
    /// It does not: where, and which keyword says so; not yet escaped.
    Breaks(String),
    /// That cannot be told within bounds.
    Untold,
}

/// Why nothing can be held against a schema, for a person; not yet escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is none: the fault of who wrote it.
    Broken(String),
    /// It is too large, refers to another document, or uses what is not judged here.
    Unjudged(String),
}

impl Shape {
    /// Prepares an `outputSchema` (JSON Schema, drafts 4 to 2020-12).
    ///
    /// # Errors
    /// Why nothing can be held against it.
    pub fn new(schema: &Map<String, Value>) -> Result<Self, Unfit> {
        let mut survey = Survey { parts: 0, patterns: 0 };
        let surveyed = survey.schema(schema, true);
        // What is too large is not looked through once more.
        if survey.parts <= MOST_PARTS
            && let Some(broken) = sound::broken(schema)
        {
            return Err(Unfit::Broken(broken));
        }
        surveyed.map_err(Unfit::Unjudged)?;
        let checker = Checker::new(Value::Object(schema.clone()));
        unresolved(&checker, &checker.root).map_err(Unfit::Unjudged)?;
        Ok(Self { checker })
    }

    /// Holds a value against it.
    pub fn check(&self, value: &Value) -> Conformity {
        let steps = Cell::new(PATIENCE);
        match self.checker.decide(&self.checker.root, value, &steps) {
            None => Conformity::Untold,
            Some(true) => Conformity::Conforms,
            Some(false) => Conformity::Breaks(self.blamed(value)),
        }
    }

    /// The first place that breaks the schema, as deep as plain members and items lead.
    fn blamed(&self, value: &Value) -> String {
        let (mut schema, mut value) = (&self.checker.root, value);
        let (mut place, steps) = (String::new(), Cell::new(PATIENCE));
        while let Some((step, inner, part)) = self.broken_part(schema, value, &steps) {
            (schema, value) = (inner, part);
            place.push_str(&step);
        }
        let keyword = self.broken_keyword(schema, value, &steps).unwrap_or("the schema");
        let place: String = place.chars().take(PLACE_CHARS).collect();
        let place = if place.is_empty() { "the whole".to_owned() } else { place };
        format!("{place} breaks {keyword}")
    }

    /// A member or an item that breaks the schema that is meant for it alone.
    fn broken_part<'a>(
        &'a self,
        schema: &'a Value,
        value: &'a Value,
        steps: &Cell<u32>,
    ) -> Option<(String, &'a Value, &'a Value)> {
        let breaks =
            |schema: &Value, part: &Value| self.checker.decide(schema, part, steps) == Some(false);
        let schema = self.target(schema);
        match value {
            Value::Object(members) => entries(schema.get("properties")?)
                .filter_map(|(name, inner)| Some((name, inner, members.get(name)?)))
                .find(|(_, inner, part)| breaks(inner, part))
                .map(|(name, inner, part)| (refs::child("", name), inner, part)),
            Value::Array(items) => {
                let inner = schema.get("items").filter(|inner| inner.is_object())?;
                let (index, part) =
                    items.iter().enumerate().find(|(_, part)| breaks(inner, part))?;
                Some((format!("/{index}"), inner, part))
            }
            _ => None,
        }
    }

    /// What a schema that is only a reference refers to.
    fn target<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = schema.get("$ref").and_then(Value::as_str);
        target.and_then(|to| refs::resolve(&self.checker.root, to)).map_or(schema, |(to, _)| to)
    }

    /// The keyword of a schema that a value breaks, held against it alone where that can be.
    fn broken_keyword<'a>(
        &'a self,
        schema: &'a Value,
        value: &Value,
        steps: &Cell<u32>,
    ) -> Option<&'a str> {
        let keywords = self.target(schema).as_object()?;
        let alone = |name: &str| {
            let mut alone = keywords.clone();
            let helpers = ["properties", "patternProperties", "prefixItems", "then", "else"];
            alone.retain(|other, _| other == name || helpers.contains(&other.as_str()));
            Value::Object(alone)
        };
        let broken = |name: &str| self.checker.decide(&alone(name), value, steps) == Some(false);
        keywords.keys().map(String::as_str).find(|name| broken(name))
    }
}

/// Looks a schema through before anything is compiled.
struct Survey {
    parts: usize,
    patterns: usize,
}

impl Survey {
    fn schema(&mut self, schema: &Map<String, Value>, is_root: bool) -> Result<(), String> {
        for (keyword, value) in schema {
            self.parts += 1;
            match (keyword.as_str(), value) {
                _ if self.parts > MOST_PARTS => return Err("is too large".to_owned()),
                (name, _) if UNJUDGED.contains(&name) => return Err(format!("uses {name}")),
                ("$id" | "id", Value::String(_)) if !is_root => {
                    return Err("has schemas with an $id of their own".to_owned());
                }
                ("pattern", Value::String(_)) => self.pattern()?,
                ("const" | "enum", value) => self.data(value)?,
                ("default" | "examples", _) => {}
                ("patternProperties", value) => {
                    entries(value).try_for_each(|_| self.pattern())?;
                    self.named(value)?;
                }
                (
                    "properties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
                    value,
                ) => self.named(value)?,
                (_, value) => self.any(value)?,
            }
        }
        Ok(())
    }

    fn named(&mut self, schemas: &Value) -> Result<(), String> {
        entries(schemas).try_for_each(|(_, schema)| self.any(schema))
    }

    fn any(&mut self, value: &Value) -> Result<(), String> {
        self.parts += 1;
        match value {
            Value::Object(schema) => self.schema(schema, false),
            Value::Array(all) => all.iter().try_for_each(|one| self.any(one)),
            _ => Ok(()),
        }
    }

    /// Counts values, which are no schemas.
    fn data(&mut self, value: &Value) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err("is too large".to_owned());
        }
        match value {
            Value::Object(members) => members.values().try_for_each(|value| self.data(value)),
            Value::Array(items) => items.iter().try_for_each(|item| self.data(item)),
            _ => Ok(()),
        }
    }

    fn pattern(&mut self) -> Result<(), String> {
        self.patterns += 1;
        if self.patterns > MOST_PATTERNS {
            return Err(format!("has more than {MOST_PATTERNS} patterns"));
        }
        Ok(())
    }
}

/// Says which reference leads nowhere in its own document, or which pattern is not understood.
fn unresolved(checker: &Checker, value: &Value) -> Result<(), String> {
    let understood = |pattern: &str| match checker.matcher(pattern) {
        Some(_) => Ok(()),
        None => Err("has a pattern that is not understood".to_owned()),
    };
    match value {
        Value::Object(schema) => schema.iter().try_for_each(|(keyword, value)| {
            match (keyword.as_str(), value) {
                ("$ref", Value::String(to)) if refs::resolve(&checker.root, to).is_none() => {
                    return Err("refers to another document, or to nothing".to_owned());
                }
                ("pattern", Value::String(pattern)) => understood(pattern)?,
                ("patternProperties", value) => {
                    entries(value).try_for_each(|(pattern, _)| understood(pattern))?;
                }
                ("const" | "enum" | "default" | "examples", value) if !value.is_object() => {
                    return Ok(());
                }
                _ => {}
            }
            unresolved(checker, value)
        }),
        array => each(array).try_for_each(|one| unresolved(checker, one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arguments::Maker;
    use crate::model::arguments::corpus::corpus;
    use proptest::prelude::*;
    use serde_json::json;

    fn shape(schema: &Value) -> Result<Shape, Unfit> {
        Shape::new(schema.as_object().unwrap())
    }

    #[test]
    fn what_breaks_is_named() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string", "minLength": 2},
                "days": {"type": "array", "items": {"$ref": "#/$defs/day"}},
            },
            "required": ["city"],
            "additionalProperties": false,
            "$defs": {"day": {"type": "object", "properties": {"high": {"type": "number"}}}},
        });
        let shape = shape(&schema).unwrap();
        let conforms = json!({"city": "Oslo", "days": [{"high": 1}, {}]});
        assert_eq!(shape.check(&conforms), Conformity::Conforms);
        let cases = [
            (json!({}), "the whole breaks required"),
            (json!([]), "the whole breaks type"),
            (json!({"city": 5}), "/city breaks type"),
            (json!({"city": "x"}), "/city breaks minLength"),
            (json!({"city": "Oslo", "x": 1}), "the whole breaks additionalProperties"),
            (json!({"city": "Oslo", "days": [{}, {"high": "1"}]}), "/days/1/high breaks type"),
            (json!({"city": "Oslo", "days": [7]}), "/days/0 breaks type"),
        ];
        for (value, expected) in cases {
            assert_eq!(shape.check(&value), Conformity::Breaks(expected.to_owned()), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_said() {
        let deep = (0..200).fold(json!({}), |schema, _| json!({"items": schema}));
        let wide = json!({"enum": vec![0; MOST_PARTS]});
        let patterns: Map<String, Value> =
            (0..=MOST_PATTERNS).map(|n| (format!("^a{{{n}}}"), json!({}))).collect();
        let cases = [
            (json!({"$ref": "http://127.0.0.1:9/schema.json"}), "refers to another document"),
            (json!({"properties": {"a": {"$ref": "other.json#/a"}}}), "refers to another document"),
            (json!({"properties": {"a": {"$ref": "#none"}}}), "refers to another document"),
            (json!({"unevaluatedProperties": false}), "uses unevaluatedProperties"),
            (json!({"items": [{"$dynamicRef": "#a"}]}), "uses $dynamicRef"),
            (json!({"properties": {"a": {"$id": "b"}}}), "an $id of their own"),
            (json!({"pattern": "(a)\\1"}), "a pattern that is not understood"),
            (json!({"patternProperties": {"(a)\\1": {}}}), "a pattern that is not understood"),
            (json!({"patternProperties": patterns}), "has more than 64 patterns"),
            (wide, "is too large"),
        ];
        for (schema, expected) in cases {
            let found = shape(&schema).unwrap_err();
            let Unfit::Unjudged(found) = found else { panic!("{schema}: {found:?}") };
            assert!(found.contains(expected), "{found}");
        }
        assert!(shape(&deep).is_ok());
        let broken = json!({"multipleOf": 0, "unevaluatedItems": false});
        assert!(matches!(shape(&broken), Err(Unfit::Broken(said)) if said.contains("/multipleOf")));
    }

    #[test]
    fn hostile_schemas_end() {
        let branches = |n: usize| -> Value {
            let mut defs = Map::new();
            for level in 0..n {
                let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
                defs.insert(format!("d{level}"), json!({"allOf": [next, next]}));
            }
            defs.insert(format!("d{n}"), json!({}));
            json!({"$ref": "#/$defs/d0", "$defs": defs})
        };
        let again = json!({"$ref": "#"});
        let cases = [
            (again.clone(), json!({})),
            (json!({"allOf": [again, again]}), json!({})),
            (json!({"not": {"$ref": "#"}}), json!({})),
            (branches(60), json!({})),
            (
                json!({"items": {"allOf": [again, again, again]}}),
                (0..60).fold(json!([]), |value, _| json!([value])),
            ),
            (json!({"uniqueItems": true}), Value::from((0..20_000).collect::<Vec<_>>())),
            (json!({"items": {"enum": (1..9_000).collect::<Vec<_>>()}}), json!(vec![0; 100_000])),
            (
                json!({"patternProperties": {"a": {}, "b": {}}, "additionalProperties": false}),
                Value::Object((0..100_000).map(|n| (format!("ab{n}"), json!(0))).collect()),
            ),
        ];
        for (schema, value) in cases {
            let shape = shape(&schema).unwrap();
            let found = shape.check(&value);
            assert_ne!(
                found,
                Conformity::Conforms,
                "{}",
                &schema.to_string()[..60.min(schema.to_string().len())]
            );
        }
    }

    /// A change somewhere in a value: one that may break its schema.
    fn changed(value: &Value, way: usize) -> Value {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let name = members.keys().nth(way % members.len()).cloned().unwrap();
                let mut members = members.clone();
                match way % 4 {
                    0 => drop(members.remove(&name)),
                    1 => drop(members.insert("another".to_owned(), json!(way))),
                    _ => {
                        let inner = changed(&members[&name], way / 4);
                        members.insert(name, inner);
                    }
                }
                Value::Object(members)
            }
            Value::Array(items) if !items.is_empty() && !way.is_multiple_of(3) => {
                let mut items = items.clone();
                let index = way % items.len();
                items[index] = changed(&items[index], way / 3);
                Value::Array(items)
            }
            Value::Array(items) => Value::Array(items.iter().chain(items).cloned().collect()),
            _ => [json!(null), json!(-1.5), json!("a"), json!([]), json!({}), json!(7)][way % 6]
                .clone(),
        }
    }

    #[test]
    fn the_other_validator_is_asked_about_both_ends() {
        let (mut conforms, mut breaks) = (0, 0);
        for (_, schema) in corpus() {
            let (Ok(maker), Ok(shape)) = (Maker::from_schema(&schema), shape(&schema)) else {
                continue;
            };
            let mut made = Vec::new();
            maker.make(1, crate::model::nonce::Nonce::new(7, 0, 0, 1), &mut made);
            let value = changed(&serde_json::from_slice(&made).unwrap(), 7);
            match shape.check(&value) {
                Conformity::Conforms => conforms += 1,
                Conformity::Breaks(_) => breaks += 1,
                Conformity::Untold => {}
            }
        }
        assert!(conforms > 20 && breaks > 20, "{conforms} conform, {breaks} break");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn another_validator_says_the_same(which in 0..200_usize, variation in 0..8_u64, way: u16) {
            let corpus = corpus();
            let (name, schema) = &corpus[which % corpus.len()];
            let Ok(maker) = Maker::from_schema(schema) else { return Ok(()) };
            let Ok(shape) = shape(schema) else { return Ok(()) };
            let mut made = Vec::new();
            maker.make(variation, crate::model::nonce::Nonce::new(7, 0, 0, variation), &mut made);
            let value = changed(&serde_json::from_slice(&made).unwrap(), way.into());
            let other = jsonschema::options().offline().should_validate_formats(false);
            let expected = other.build(schema).unwrap().is_valid(&value);
            match shape.check(&value) {
                Conformity::Conforms => prop_assert!(expected, "{}: {}", name, value),
                Conformity::Breaks(why) => prop_assert!(!expected, "{}: {} {}", name, why, value),
                Conformity::Untold => {}
            }
        }
    }
}
