//! Ways to satisfy a schema, each without branches: references followed, `allOf` merged, one way
//! for each branch of `anyOf`, `oneOf`, `if` and the `dependent*` keywords.
//!
//! Not every way is kept: a generator needs some, and their number grows with every branch.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use super::check::{Checker, each, entries};
use super::merge::merge;
use super::refs::{self, child};
use super::schema::{Unsupported, unsupported};

/// Ways kept of one schema.
const MOST_WAYS: usize = 32;

/// How often one reference is followed within itself.
const MOST_REPEATS: usize = 3;

/// Keywords that are taken apart here.
const TAKEN_APART: [&str; 11] = [
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "then",
    "else",
    "not",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
];

/// References that led to a place, outermost first.
pub(super) type Trail = Vec<Rc<str>>;

/// One way to satisfy a schema.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// Keywords about one place, without branches.
    pub(super) keywords: Map<String, Value>,
    /// What a value must satisfy besides, with the keyword that asks it.
    pub(super) checks: Vec<(String, Value)>,
    /// Where it stands.
    pub(super) pointer: String,
    /// References followed on the way here, besides those before.
    pub(super) refs: Trail,
}

/// What is known while one document is compiled.
#[derive(Debug)]
pub(super) struct Compiler {
    pub(super) checker: Arc<Checker>,
    pub(super) bounds: Bounds,
}

impl Compiler {
    pub(super) fn new(root: &Value) -> Self {
        Self { checker: Arc::new(Checker::new(root.clone())), bounds: Bounds::default() }
    }

    /// The ways to satisfy a schema; never none.
    pub(super) fn ways(
        &self,
        schema: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let look = || self.ways_here(schema, pointer, trail);
        self.bounds.deeper(look).unwrap_or_else(|| Err(unsupported("$ref", pointer)))
    }

    fn ways_here(
        &self,
        schema: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Bool(true) => return Ok(vec![way(Map::new(), pointer)]),
            _ => return Err(unsupported("false", pointer)),
        };
        if !self.bounds.step() {
            let branch = schema.keys().find(|keyword| TAKEN_APART.contains(&keyword.as_str()));
            return Err(unsupported(branch.map_or("properties", String::as_str), pointer));
        }
        if let Some(refused) =
            ["$dynamicRef", "$recursiveRef"].into_iter().find(|name| schema.contains_key(*name))
        {
            return Err(unsupported(refused, pointer));
        }
        let mut ways = vec![way(plain(schema), pointer)];
        for (keyword, value) in schema {
            let found = match (keyword.as_str(), value) {
                ("$ref", _) => self.reference(value, pointer, trail)?,
                ("allOf", _) => {
                    for (index, branch) in each(value).enumerate() {
                        let place = format!("{pointer}/allOf/{index}");
                        ways = self.product(&ways, &self.ways(branch, &place, trail)?)?;
                    }
                    continue;
                }
                ("anyOf" | "oneOf", _) => self.branches(keyword, value, pointer, trail)?,
                ("if", _) => self.conditional(schema, value, pointer, trail)?,
                ("not", _) => vec![self.negated(value, pointer)?],
                ("dependentRequired" | "dependentSchemas" | "dependencies", _) => {
                    for (name, then) in entries(value) {
                        let place = child(&format!("{pointer}/{keyword}"), name);
                        let found = self.dependent(name, then, &place, trail)?;
                        ways = self.product(&ways, &found)?;
                    }
                    continue;
                }
                _ => continue,
            };
            ways = self.product(&ways, &found)?;
        }
        ways.iter_mut().for_each(close);
        Ok(ways)
    }

    fn reference(
        &self,
        target: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let refused = || unsupported("$ref", pointer);
        let (schema, place) = target
            .as_str()
            .and_then(|target| refs::resolve(&self.checker.root, target))
            .ok_or_else(refused)?;
        if trail.iter().filter(|known| ***known == *place).count() >= MOST_REPEATS {
            return Err(refused());
        }
        let entered: Rc<str> = place.as_str().into();
        let mut inner = trail.clone();
        inner.push(entered.clone());
        let mut ways = self.ways(schema, &place, &inner)?;
        for way in &mut ways {
            way.refs.insert(0, entered.clone());
        }
        Ok(ways)
    }

    /// One way or more for each branch that has any.
    fn branches(
        &self,
        keyword: &str,
        branches: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let (mut found, mut reason) = (Vec::new(), None);
        for (index, branch) in each(branches).enumerate() {
            let place = format!("{pointer}/{keyword}/{index}");
            match self.ways(branch, &place, trail) {
                Ok(ways) => found.extend(ways.into_iter().map(|way| (index, way))),
                Err(error) => drop(reason.get_or_insert(error)),
            }
        }
        found.truncate(MOST_WAYS);
        for (index, way) in &mut found {
            tell_apart(way);
            if keyword == "oneOf" {
                let others = each(branches).enumerate().filter(|(other, _)| other != index);
                let overlapping: Vec<&Value> = others
                    .map(|(_, branch)| branch)
                    .filter(|branch| !self.excludes(&way.keywords, branch, 0))
                    .collect();
                if !overlapping.is_empty() {
                    let check = json!({ "not": { "anyOf": overlapping } });
                    way.checks.push((keyword.to_owned(), check));
                }
            }
        }
        if found.is_empty() {
            return Err(reason.unwrap_or_else(|| unsupported(keyword, pointer)));
        }
        Ok(found.into_iter().map(|(_, way)| way).collect())
    }

    /// Whether it is certain that nothing of this way satisfies the other schema.
    fn excludes(&self, mine: &Map<String, Value>, other: &Value, depth: u32) -> bool {
        let Value::Object(other) = other else { return other == &Value::Bool(false) };
        let target = other.get("$ref").and_then(Value::as_str).filter(|_| depth < 4);
        if let Some((target, _)) = target.and_then(|name| refs::resolve(&self.checker.root, name))
            && self.excludes(mine, target, depth + 1)
        {
            return true;
        }
        let shallow = ["type", "const", "enum"].into_iter();
        let theirs: Map<String, Value> = shallow
            .filter_map(|keyword| other.get_key_value(keyword))
            .map(|(keyword, value)| (keyword.clone(), value.clone()))
            .collect();
        if let Some(values) = values(mine) {
            let theirs = Value::Object(theirs);
            return values.iter().all(|value| self.decide(&theirs, value) == Some(false));
        }
        if merge(&mut plain(mine), theirs, &self.checker, &mut Vec::new()).is_err() {
            return true;
        }
        let is_object = mine.get("type").and_then(Value::as_str) == Some("object");
        let required = |keywords: &Map<String, Value>| -> BTreeSet<String> {
            let names = keywords.get("required").into_iter().flat_map(each);
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mine_of = |name: &str| mine.get("properties").and_then(|known| known.get(name));
        let known = other.get("properties");
        let differs = required(mine).iter().any(|name| {
            let theirs = known.and_then(|known| known.get(name));
            let mine =
                mine_of(name).and_then(Value::as_object).filter(|mine| !mine.contains_key("$ref"));
            mine.zip(theirs).is_some_and(|(mine, theirs)| self.excludes(mine, theirs, depth + 1))
        });
        let is_closed = mine.get("additionalProperties") == Some(&Value::Bool(false));
        let lacks = is_object
            && is_closed
            && !mine.contains_key("patternProperties")
            && required(other).iter().any(|name| mine_of(name).is_none());
        is_object && differs || lacks
    }

    fn conditional(
        &self,
        schema: &Map<String, Value>,
        condition: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let branch = |name: &str| schema.get(name).unwrap_or(&Value::Bool(true)).clone();
        let taken = self.ways(condition, &format!("{pointer}/if"), trail).and_then(|ways| {
            self.product(&ways, &self.ways(&branch("then"), &format!("{pointer}/then"), trail)?)
        });
        let passed = self.negated(condition, pointer).and_then(|mut way| {
            way.checks.iter_mut().for_each(|check| "if".clone_into(&mut check.0));
            self.product(&[way], &self.ways(&branch("else"), &format!("{pointer}/else"), trail)?)
        });
        either(taken, passed)
    }

    /// Nothing that satisfies the schema: some by form, all by a check.
    fn negated(&self, schema: &Value, pointer: &str) -> Result<Way, Unsupported> {
        if *schema == Value::Bool(true) || *schema == json!({}) {
            return Err(unsupported("not", pointer));
        }
        if let Some(obstacle) = self.checker.obstacle(schema) {
            return Err(unsupported(&obstacle, &format!("{pointer}/not")));
        }
        let mut made = way(Map::new(), pointer);
        let names: Vec<&Value> = schema.get("required").into_iter().flat_map(each).collect();
        match (schema.as_object().map_or(0, Map::len), names.as_slice()) {
            (1, [Value::String(name)]) => {
                made.keywords.insert("properties".to_owned(), json!({ name: false }));
            }
            _ => made.checks.push(("not".to_owned(), json!({ "not": schema }))),
        }
        Ok(made)
    }

    /// With the property and what it brings, or without it.
    fn dependent(
        &self,
        name: &str,
        then: &Value,
        pointer: &str,
        trail: &Trail,
    ) -> Result<Vec<Way>, Unsupported> {
        let with = way(json_map(json!({ "required": [name] })), pointer);
        let without = way(json_map(json!({ "properties": { name: false } })), pointer);
        let then = if then.is_array() { json!({ "required": then }) } else { then.clone() };
        let taken = self.ways(&then, pointer, trail).and_then(|ways| self.product(&[with], &ways));
        either(taken, Ok(vec![without]))
    }

    /// Every pair that can hold together, as far as there is room.
    fn product(&self, ones: &[Way], others: &[Way]) -> Result<Vec<Way>, Unsupported> {
        let (mut found, mut reason) = (Vec::new(), None);
        for (one, other) in ones.iter().flat_map(|one| others.iter().map(move |other| (one, other)))
        {
            let mut both = one.clone();
            if is_bare(&both.keywords) {
                both.pointer.clone_from(&other.pointer);
            }
            both.checks.extend(other.checks.iter().cloned());
            both.refs.extend(other.refs.iter().cloned());
            let keywords = other.keywords.clone();
            match merge(&mut both.keywords, keywords, &self.checker, &mut both.checks) {
                Ok(()) => found.push(both),
                Err(keyword) => drop(reason.get_or_insert(unsupported(keyword, &both.pointer))),
            }
            if found.len() == MOST_WAYS {
                break;
            }
        }
        match reason {
            Some(reason) if found.is_empty() => Err(reason),
            _ => Ok(found),
        }
    }
}

fn either(
    one: Result<Vec<Way>, Unsupported>,
    other: Result<Vec<Way>, Unsupported>,
) -> Result<Vec<Way>, Unsupported> {
    match (one, other) {
        (Ok(mut one), Ok(other)) => {
            one.extend(other);
            Ok(one)
        }
        (Ok(ways), Err(_)) | (Err(_), Ok(ways)) => Ok(ways),
        (Err(reason), Err(_)) => Err(reason),
    }
}

fn way(keywords: Map<String, Value>, pointer: &str) -> Way {
    Way { keywords, checks: Vec::new(), pointer: pointer.to_owned(), refs: Vec::new() }
}

fn json_map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn values(keywords: &Map<String, Value>) -> Option<&[Value]> {
    match (keywords.get("const"), keywords.get("enum")) {
        (Some(value), _) => Some(std::slice::from_ref(value)),
        (None, Some(Value::Array(values))) => Some(values),
        _ => None,
    }
}

/// Whether keywords only describe.
fn is_bare(keywords: &Map<String, Value>) -> bool {
    let words = ["title", "description", "default", "examples", "deprecated", "$comment"];
    keywords.keys().all(|keyword| words.contains(&keyword.as_str()))
}

/// The keywords about this place, in the words of 2020-12.
fn plain(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut keywords = schema.clone();
    keywords.retain(|keyword, _| {
        !TAKEN_APART.contains(&keyword.as_str())
            && !matches!(keyword.as_str(), "$defs" | "definitions")
    });
    // Draft 4 wrote `exclusiveMinimum: true` beside `minimum`.
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(Value::Bool(is_exclusive)) = keywords.get(exclusive).cloned() {
            keywords.remove(exclusive);
            if let Some(value) = is_exclusive.then(|| keywords.remove(bound)).flatten() {
                keywords.insert(exclusive.to_owned(), value);
            }
        }
    }
    // Drafts up to 2019-09 described a tuple with `items` and `additionalItems`.
    if keywords.get("items").is_some_and(Value::is_array) {
        let rest = keywords.remove("additionalItems");
        if let Some(prefix) = keywords.remove("items") {
            keywords.insert("prefixItems".to_owned(), prefix);
        }
        rest.map(|rest| keywords.insert("items".to_owned(), rest));
    }
    keywords
}

/// What is unevaluated after every branch is merged is additional.
fn close(way: &mut Way) {
    for (late, early) in
        [("unevaluatedProperties", "additionalProperties"), ("unevaluatedItems", "items")]
    {
        if let Some(value) = way.keywords.remove(late) {
            way.keywords.entry(early).or_insert(value);
        }
    }
}

/// Constant properties of a branch are made always: they say which branch it is.
fn tell_apart(way: &mut Way) {
    let known = way.keywords.get("properties").into_iter().flat_map(entries);
    let constant = known.filter(|(_, schema)| {
        schema.get("const").is_some()
            || schema.get("enum").is_some_and(|values| each(values).count() == 1)
    });
    let mut names: Vec<Value> = constant.map(|(name, _)| Value::from(name.as_str())).collect();
    if !names.is_empty() {
        let known = way.keywords.entry("required").or_insert_with(|| json!([]));
        names.retain(|name| !each(known).any(|has| has == name));
        if let Value::Array(known) = known {
            known.extend(names);
        }
    }
}
