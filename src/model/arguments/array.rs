//! Arrays of a schema: their first items, those they must contain, the rest.

use serde_json::{Map, Value};

use crate::model::chance::{Key, Purpose};

use super::check::each;
use super::flatten::{Compiler, Trail, Way};
use super::merge::all_of;
use super::node::{Array, Node};
use super::schema::{LARGEST_BYTES, PHRASE, PROBES, Unsupported, count, unsupported};

/// Items beyond the least number.
const MORE: u64 = 2;

/// Items that must differ: each is held against every other, for every call.
const MOST_DISTINCT: u64 = 256;

pub(super) fn array(compiler: &Compiler, way: &Way, trail: &Trail) -> Result<Node, Unsupported> {
    let (schema, pointer) = (&way.keywords, way.pointer.as_str());
    let least = count(schema, "minItems", pointer)?.unwrap_or(0);
    let most = count(schema, "maxItems", pointer)?.unwrap_or(u64::MAX);
    if most < least {
        return Err(unsupported("maxItems", pointer));
    }
    let (mut prefix, most) = first(compiler, way, (least, most), trail)?;
    prefix.extend(contained(compiler, way, trail)?);
    let given = prefix.len() as u64;
    if given > most {
        return Err(unsupported("contains", pointer));
    }
    let least = least.max(given);
    let item = match (most > given).then(|| rest(compiler, schema, pointer, trail)) {
        Some(Ok(item)) => Some(item),
        Some(Err(reason)) if least > given => return Err(reason),
        Some(Err(_)) | None => None,
    };
    let (from, to) = match &item {
        Some(item) => {
            let room = LARGEST_BYTES / (item.largest_bytes() + 1);
            if least > room {
                return Err(unsupported("minItems", pointer));
            }
            let to = most.min(least + MORE).min(room.max(least));
            (least.max(to.min(1)), to)
        }
        None => (least, least),
    };
    let is_unique = schema.get("uniqueItems") == Some(&Value::Bool(true)) && to > 1;
    let nodes = prefix.iter().chain(&item);
    let attempts = nodes.map(Node::affordable_attempts).min().unwrap_or(1);
    let array = Array { prefix, item, from, to, attempts, unique: None };
    let array = if is_unique { distinct(compiler, array, pointer)? } else { array };
    let node = Node::Array(Box::new(array));
    if schema.contains_key("maxContains") {
        let names = ["contains", "minContains", "maxContains"];
        let check: Map<String, Value> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), schema.get(name)?.clone())))
            .collect();
        return compiler.checked(node, vec![("maxContains".to_owned(), check.into())], pointer);
    }
    Ok(node)
}

/// The items of `prefixItems`, and the most items when one of them cannot be made.
fn first(
    compiler: &Compiler,
    way: &Way,
    (least, most): (u64, u64),
    trail: &Trail,
) -> Result<(Vec<Node>, u64), Unsupported> {
    let mut nodes = Vec::new();
    let schemas = way.keywords.get("prefixItems").into_iter().flat_map(each);
    for (index, schema) in schemas.enumerate().take(most.min(LARGEST_BYTES) as usize) {
        match compiler.required(schema, &format!("{}/prefixItems/{index}", way.pointer), trail) {
            Ok(node) => nodes.push(node),
            Err(reason) if (index as u64) < least => return Err(reason),
            Err(_) => return Ok((nodes, index as u64)),
        }
    }
    Ok((nodes, most))
}

/// As many items of `contains` as `minContains` asks for.
fn contained(compiler: &Compiler, way: &Way, trail: &Trail) -> Result<Vec<Node>, Unsupported> {
    let Some(contains) = way.keywords.get("contains") else { return Ok(Vec::new()) };
    let wanted = count(&way.keywords, "minContains", &way.pointer)?.unwrap_or(1);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let schema = all_of(way.keywords.get("items"), Some(contains));
    let node = compiler.required(&schema, &format!("{}/contains", way.pointer), trail)?;
    if wanted.saturating_mul(node.largest_bytes() + 1) > LARGEST_BYTES {
        return Err(unsupported("minContains", &way.pointer));
    }
    Ok(vec![node; wanted as usize])
}

fn rest(
    compiler: &Compiler,
    schema: &Map<String, Value>,
    pointer: &str,
    trail: &Trail,
) -> Result<Node, Unsupported> {
    match schema.get("items") {
        None => Ok(Node::Phrase { min: 0, max: PHRASE }),
        Some(items) => compiler.required(items, &format!("{pointer}/items"), trail),
    }
}

/// An array whose items differ, if enough different ones can be made.
fn distinct(compiler: &Compiler, mut array: Array, pointer: &str) -> Result<Array, Unsupported> {
    if array.from > MOST_DISTINCT {
        return Err(unsupported("uniqueItems", pointer));
    }
    let effort = array.attempts().saturating_mul(array.from as u32);
    for probe in (0..PROBES).take_while(|_| compiler.bounds.spend(effort)) {
        let mut chance = Key::of_run(probe, 0).draw(Purpose::Arguments);
        let mut made = b"[".to_vec();
        if array.distinct(array.from, &mut chance, &mut made) == array.from {
            made.push(b']');
            array.unique = Some(made);
            return Ok(array);
        }
    }
    Err(unsupported("uniqueItems", pointer))
}

/// What narrows a value to arrays when no `type` does.
pub(super) fn is_implied(schema: &Map<String, Value>) -> bool {
    let keywords = ["items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"];
    keywords.iter().any(|keyword| schema.contains_key(*keyword))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Maker;
    use super::*;

    fn made(schema: &Value, variation: u64) -> Value {
        let schema = json!({"properties": {"a": schema}, "required": ["a"]});
        let mut out = Vec::new();
        Maker::from_schema(&schema).unwrap().make(
            variation,
            crate::model::nonce::Nonce::new(7, 0, 0, variation),
            &mut out,
        );
        serde_json::from_slice::<Value>(&out).unwrap()["a"].take()
    }

    #[test]
    fn first_items_and_contained_ones_are_there() {
        let schema = json!({
            "prefixItems": [{"const": "a"}, {"type": "integer"}],
            "items": {"enum": [1, 2, 3]},
            "contains": {"const": 3},
            "minContains": 2,
            "maxContains": 2,
            "maxItems": 6,
        });
        for variation in 0..100 {
            let value = made(&schema, variation);
            assert_eq!(value[0], "a");
            assert!(value[1].is_u64(), "{value}");
            let threes = each(&value).filter(|item| **item == json!(3)).count();
            assert_eq!(threes, 2, "{value}");
        }
    }

    #[test]
    fn unique_items_use_up_a_small_set() {
        let schema =
            json!({"items": {"enum": [1, "1", null, true]}, "minItems": 4, "uniqueItems": true});
        for variation in 0..100 {
            let value = made(&schema, variation);
            let items = value.as_array().unwrap();
            assert!(
                items.len() == 4 && (1..4).all(|at| !items[..at].contains(&items[at])),
                "{value}"
            );
        }
        let five =
            json!({"a": {"items": {"enum": [1, 1.0, 2]}, "minItems": 3, "uniqueItems": true}});
        let schema = json!({"properties": five, "required": ["a"]});
        assert_eq!(
            Maker::from_schema(&schema).unwrap_err(),
            unsupported("uniqueItems", "/properties/a")
        );
    }
}
