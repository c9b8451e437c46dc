//! Objects of a schema: which properties are made, and which are left out.

use serde_json::{Map, Value};

use super::node::{Node, Property};
use super::schema::{LARGEST_BYTES, PHRASE, Unsupported, count, plain, required, unsupported};

/// An object: every required property, and the optional ones that can be made.
pub(super) fn object(schema: &Map<String, Value>, pointer: &str) -> Result<Node, Unsupported> {
    let names = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let nothing = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let mut properties = Vec::new();
    for (name, property) in known.iter().filter(|(name, _)| names.contains(&name.as_str())) {
        let node = required(property, &child(pointer, name))?;
        properties.push(Property { fragment: fragment(name), node, required: true });
    }
    for name in names.iter().filter(|name| !known.contains_key(**name)) {
        let node = undeclared(schema, name, pointer)?;
        properties.push(Property { fragment: fragment(name), node, required: true });
    }
    let mut bytes: u64 = properties.iter().map(Property::largest_bytes).sum();
    if bytes > LARGEST_BYTES {
        return Err(unsupported("required", pointer));
    }
    let most = members(schema, properties.len() as u64, pointer)?;
    // A property with a `default` is left to the server, as callers do who have no reason not to.
    let optional = known.iter().filter(|(name, property)| {
        !names.contains(&name.as_str()) && property.get("default").is_none()
    });
    for (name, property) in optional {
        let Ok(node) = plain(property, &child(pointer, name)) else { continue };
        let property = Property { fragment: fragment(name), node, required: false };
        bytes += property.largest_bytes();
        if bytes > LARGEST_BYTES || properties.len() as u64 >= most {
            break;
        }
        properties.push(property);
    }
    Ok(Node::Object(properties))
}

/// A required property that `properties` does not name.
fn undeclared(schema: &Map<String, Value>, name: &str, pointer: &str) -> Result<Node, Unsupported> {
    match schema.get("additionalProperties") {
        None | Some(Value::Bool(true)) => Ok(Node::Phrase { min: 0, max: PHRASE }),
        Some(Value::Bool(false)) => Err(unsupported("required", &child(pointer, name))),
        Some(property) => required(property, &format!("{pointer}/additionalProperties")),
    }
}

/// How many members are allowed; `minProperties` must be met by the required ones alone.
fn members(schema: &Map<String, Value>, required: u64, pointer: &str) -> Result<u64, Unsupported> {
    if count(schema, "minProperties", pointer)?.is_some_and(|least| least > required) {
        return Err(unsupported("minProperties", pointer));
    }
    let most = count(schema, "maxProperties", pointer)?.unwrap_or(u64::MAX);
    if most < required { Err(unsupported("maxProperties", pointer)) } else { Ok(most) }
}

fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/properties/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn fragment(name: &str) -> Vec<u8> {
    format!("{}:", Value::from(name)).into_bytes()
}
