//! Objects of a schema: which properties are made, and which are left out.

use serde_json::{Map, Value, json};

use super::check::{each, entries};
use super::flatten::{Compiler, Trail, Way};
use super::hot;
use super::merge::all_of;
use super::node::{Extra, Node, Object, Property};
use super::refs::child;
use super::schema::{LARGEST_BYTES, PHRASE, Unsupported, count, unsupported};

/// Members of an object whose names are free, when nothing asks for more.
const FREE: u64 = 2;

/// One object schema while its properties are gathered.
struct Gathering<'a> {
    compiler: &'a Compiler,
    schema: &'a Map<String, Value>,
    pointer: &'a str,
    trail: &'a Trail,
    properties: Vec<Property>,
    bytes: u64,
}

/// An object: every required property, and the optional ones that can be made.
pub(super) fn object(compiler: &Compiler, way: &Way, trail: &Trail) -> Result<Node, Unsupported> {
    let (schema, pointer) = (&way.keywords, way.pointer.as_str());
    let mut gathering =
        Gathering { compiler, schema, pointer, trail, properties: Vec::new(), bytes: 0 };
    let mut required: Vec<&str> = Vec::new();
    for name in schema.get("required").into_iter().flat_map(each).filter_map(Value::as_str) {
        if !required.contains(&name) {
            required.push(name);
        }
    }
    gathering.required(&required)?;
    let least = count(schema, "minProperties", pointer)?.unwrap_or(0);
    let most = count(schema, "maxProperties", pointer)?.unwrap_or(u64::MAX);
    let given = gathering.properties.len() as u64;
    if most < given {
        return Err(unsupported("maxProperties", pointer));
    }
    gathering.optional(&required, least, most);
    let always = gathering.properties.iter().filter(|property| property.required).count() as u64;
    let missing = least.saturating_sub(always);
    let extra = gathering.extra(missing, most)?;
    let needs_count = missing > 0;
    let node = Node::Object(Box::new(Object { properties: gathering.properties, extra }));
    let mut checks = Vec::new();
    if needs_count {
        checks.push(("minProperties".to_owned(), json!({ "minProperties": least })));
    }
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    if let (Node::Object(object), Some(patterns)) = (&node, patterns)
        && (object.extra.is_some() && !patterns.is_empty())
    {
        let about = ["properties", "patternProperties", "additionalProperties"].into_iter();
        let check = about.filter_map(|name| Some((name.to_owned(), schema.get(name)?.clone())));
        checks.push(("patternProperties".to_owned(), Value::Object(check.collect())));
    }
    if checks.is_empty() { Ok(node) } else { compiler.checked(node, checks, pointer) }
}

impl Gathering<'_> {
    fn required(&mut self, names: &[&str]) -> Result<(), Unsupported> {
        let known = self.schema.get("properties").into_iter().flat_map(entries);
        let declared: Vec<&str> =
            known.map(|(name, _)| name.as_str()).filter(|name| names.contains(name)).collect();
        let others = names.iter().filter(|name| !declared.contains(name)).copied();
        for name in declared.iter().copied().chain(others) {
            if !self.is_name(name) {
                return Err(unsupported("propertyNames", self.pointer));
            }
            let (schema, place) = self.said(name)?;
            let node = self.compiler.required(&schema, &place, self.trail)?;
            self.add(name, node, true);
        }
        if self.bytes > LARGEST_BYTES {
            return Err(unsupported("required", self.pointer));
        }
        Ok(())
    }

    /// The optional properties that can be made and have room, `least` members at least if they
    /// suffice. A property with a `default` is left to the server, as callers do who have no reason
    /// not to.
    fn optional(&mut self, required: &[&str], least: u64, most: u64) {
        let known = self.schema.get("properties").into_iter().flat_map(entries);
        let (left, mut asked): (Vec<_>, Vec<_>) = known
            .filter(|(name, _)| !required.contains(&name.as_str()))
            .partition(|(_, schema)| schema.get("default").is_some());
        let usual = asked.len();
        asked.extend(left);
        for (index, (name, _)) in asked.into_iter().enumerate() {
            let given = self.properties.len() as u64;
            let needed = given < least;
            if given >= most || index >= usual && !needed {
                break;
            }
            if !self.is_name(name) {
                continue;
            }
            let Ok((schema, place)) = self.said(name) else { continue };
            let Ok(node) = self.compiler.node(&schema, &place, self.trail) else { continue };
            if self.bytes + fragment(name).len() as u64 + 1 + node.largest_bytes() > LARGEST_BYTES {
                break;
            }
            self.add(name, node, needed);
        }
    }

    fn add(&mut self, name: &str, node: Node, required: bool) {
        let node = if hot::names_objects(name) { heated(node, hot::salt(name)) } else { node };
        let property = Property { fragment: fragment(name), node, required };
        self.bytes = self.bytes.saturating_add(property.largest_bytes());
        self.properties.push(property);
    }

    fn is_name(&self, name: &str) -> bool {
        self.schema
            .get("propertyNames")
            .is_none_or(|names| self.compiler.decide(names, &Value::from(name)) == Some(true))
    }

    /// What the schema says of a member, and where.
    fn said(&self, name: &str) -> Result<(Value, String), Unsupported> {
        let declared = self.schema.get("properties").and_then(|known| known.get(name));
        let mut place = child(&format!("{}/properties", self.pointer), name);
        let mut said = declared.cloned();
        for (pattern, schema) in self.schema.get("patternProperties").into_iter().flat_map(entries)
        {
            let Some(matcher) = self.compiler.checker.matcher(pattern) else {
                return Err(unsupported("patternProperties", self.pointer));
            };
            if matcher.matches(name) {
                said = Some(all_of(said.as_ref(), Some(schema)));
                if declared.is_none() {
                    place = child(&format!("{}/patternProperties", self.pointer), pattern);
                }
            }
        }
        match (said, self.schema.get("additionalProperties")) {
            (Some(schema), _) => Ok((schema, place)),
            (None, Some(Value::Bool(false))) => Err(unsupported("required", &place)),
            (None, None | Some(Value::Bool(true))) => Ok((json!({ "type": "string" }), place)),
            (None, Some(schema)) => {
                Ok((schema.clone(), format!("{}/additionalProperties", self.pointer)))
            }
        }
    }

    /// Members whose names are made: as many as are missing, a few where the object is a map.
    fn extra(&self, missing: u64, most: u64) -> Result<Option<Extra>, Unsupported> {
        let is_map = self.schema.get("properties").is_none_or(|known| known == &json!({}))
            && (self.schema.get("additionalProperties").is_some_and(Value::is_object)
                || self.schema.contains_key("patternProperties"));
        let room = most.saturating_sub(self.properties.len() as u64).min(FREE.max(missing));
        if missing > 0 && room < missing {
            return Err(unsupported("minProperties", self.pointer));
        }
        if room == 0 || !is_map && missing == 0 {
            return Ok(None);
        }
        match self.free() {
            Ok((name, value)) => {
                let each = name.largest_bytes() + value.largest_bytes() + 2;
                if each.saturating_mul(room).saturating_add(self.bytes) <= LARGEST_BYTES {
                    let from = missing.max(u64::from(is_map && self.properties.is_empty()));
                    return Ok(Some(Extra { name, value, from, to: room }));
                }
            }
            Err(reason) if missing > 0 => return Err(reason),
            Err(_) => return Ok(None),
        }
        if missing > 0 { Err(unsupported("minProperties", self.pointer)) } else { Ok(None) }
    }

    /// A free name, and what its member is.
    fn free(&self) -> Result<(Node, Node), Unsupported> {
        let patterns = self.schema.get("patternProperties").into_iter().flat_map(entries);
        let usable = patterns.filter(|(_, schema)| **schema != Value::Bool(false));
        let own = json!({ "type": "string" });
        let own = all_of(Some(&own), self.schema.get("propertyNames"));
        for (pattern, schema) in usable {
            let name = all_of(Some(&own), Some(&json!({ "pattern": pattern })));
            let place = child(&format!("{}/patternProperties", self.pointer), pattern);
            if let (Ok(name), Ok(value)) = (
                self.compiler.node(&name, &place, self.trail),
                self.compiler.required(schema, &place, self.trail),
            ) {
                return Ok((name, value));
            }
        }
        let place = format!("{}/additionalProperties", self.pointer);
        let value = match self.schema.get("additionalProperties") {
            Some(Value::Bool(false)) => return Err(unsupported("minProperties", self.pointer)),
            None | Some(Value::Bool(true)) => Node::Phrase { min: 0, max: PHRASE },
            Some(schema) => self.compiler.required(schema, &place, self.trail)?,
        };
        let name =
            self.compiler.node(&own, &format!("{}/propertyNames", self.pointer), self.trail)?;
        Ok((word_like(name), value))
    }
}

/// Phrases make poor names.
fn word_like(node: Node) -> Node {
    match node {
        Node::Phrase { min, max } => Node::Identifier { min, max },
        other => other,
    }
}

/// The node of a property that names objects of the server.
fn heated(node: Node, salt: u64) -> Node {
    match word_like(node) {
        Node::Array(mut array) => {
            array.prefix = array.prefix.into_iter().map(|node| heated(node, salt)).collect();
            array.item = array.item.map(|node| heated(node, salt));
            Node::Array(array)
        }
        node @ (Node::Choice(_) | Node::Object(_) | Node::Hot { .. }) => node,
        node => Node::Hot { node: Box::new(node), salt },
    }
}

fn fragment(name: &str) -> Vec<u8> {
    format!("{}:", Value::from(name)).into_bytes()
}
