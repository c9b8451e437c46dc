//! Two schemas that must both hold, as one: what `allOf` and `$ref` with neighbours mean.
//!
//! A pair of keywords that has no common form stays as a check on what is made.

use serde_json::{Map, Value, json};

use super::check::{Checker, each, entries, equal};

type Keywords = Map<String, Value>;

/// Merges the second into the first. What could not be merged is added to `checks`; fails with the
/// keyword that leaves nothing.
pub(super) fn merge(
    one: &mut Keywords,
    mut other: Keywords,
    checker: &Checker,
    checks: &mut Vec<(String, Value)>,
) -> Result<(), &'static str> {
    listed(one, &mut other)?;
    properties(one, &mut other, checker, checks);
    items(one, &mut other);
    if one.contains_key("contains") && other.contains_key("contains") {
        let names = ["contains", "minContains", "maxContains"];
        let taken = names.iter().filter_map(|name| other.remove_entry(*name)).collect();
        checks.push(("contains".to_owned(), Value::Object(taken)));
    }
    for (keyword, value) in other {
        match one.get_mut(&keyword) {
            None => drop(one.insert(keyword, value)),
            Some(known) if *known == value => {}
            Some(known) => both(&keyword, known, value, checks)?,
        }
    }
    Ok(())
}

/// One keyword with two values.
fn both(
    keyword: &str,
    known: &mut Value,
    value: Value,
    checks: &mut Vec<(String, Value)>,
) -> Result<(), &'static str> {
    let numbers = known.as_f64().zip(value.as_f64());
    let larger = numbers.is_some_and(|(known, value)| value > known);
    match keyword {
        "type" => *known = common_types(known, &value).ok_or("type")?,
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" if larger => {
            *known = value;
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" if !larger => {
            *known = value;
        }
        "multipleOf" => {
            let whole = |a: f64, b: f64| (a / b).fract() == 0.0;
            match numbers {
                Some((known, value)) if whole(known, value) => {}
                Some((one, other)) if whole(other, one) => *known = value,
                _ => checks.push((keyword.to_owned(), json!({ keyword: value }))),
            }
        }
        "required" => {
            let missing: Vec<Value> =
                each(&value).filter(|name| !each(known).any(|has| has == *name)).cloned().collect();
            if let Value::Array(names) = known {
                names.extend(missing);
            }
        }
        "uniqueItems" => *known = Value::Bool(true),
        "propertyNames" => *known = all_of(Some(&known.clone()), Some(&value)),
        "pattern" => checks.push((keyword.to_owned(), json!({ keyword: value }))),
        "format" => return Err("format"),
        _ => {}
    }
    Ok(())
}

/// The names in `type` that both allow; an integer is a number.
fn common_types(one: &Value, other: &Value) -> Option<Value> {
    let names = |value: &Value| -> Vec<String> {
        let listed = each(value).filter_map(Value::as_str).map(str::to_owned);
        value.as_str().map(str::to_owned).into_iter().chain(listed).collect()
    };
    let (one, other) = (names(one), names(other));
    let allows = |types: &[String], name: &str| {
        types.iter().any(|known| known == name || (known == "number" && name == "integer"))
    };
    let mut common: Vec<String> = one.iter().filter(|name| allows(&other, name)).cloned().collect();
    let more = other.iter().filter(|name| allows(&one, name) && !common.contains(name));
    common.extend(more.cloned().collect::<Vec<_>>());
    match common.len() {
        0 => None,
        1 => common.pop().map(Value::String),
        _ => Some(json!(common)),
    }
}

/// The values of `const` or `enum`.
fn values(keywords: &Keywords) -> Option<Vec<Value>> {
    match (keywords.get("const"), keywords.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        _ => None,
    }
}

fn listed(one: &mut Keywords, other: &mut Keywords) -> Result<(), &'static str> {
    let (Some(mine), Some(theirs)) = (values(one), values(other)) else { return Ok(()) };
    let keyword = if one.contains_key("const") { "const" } else { "enum" };
    let common: Vec<Value> =
        mine.into_iter().filter(|value| theirs.iter().any(|other| equal(value, other))).collect();
    for keywords in [one, other] {
        keywords.remove("const");
        keywords.remove("enum");
        if common.is_empty() {
            return Err(keyword);
        }
        keywords.insert("enum".to_owned(), Value::Array(common.clone()));
    }
    Ok(())
}

/// A schema for what both schemas allow; an absent one allows everything.
pub(super) fn all_of(one: Option<&Value>, other: Option<&Value>) -> Value {
    match (one, other) {
        (Some(one), Some(other)) if one != other && one != &Value::Bool(true) => {
            if other == &Value::Bool(true) { one.clone() } else { joined(one, other) }
        }
        (Some(one), None) => one.clone(),
        (_, Some(other)) => other.clone(),
        (None, None) => Value::Bool(true),
    }
}

/// Both in one `allOf`: many that are joined one by one do not nest.
fn joined(one: &Value, other: &Value) -> Value {
    let known = one.get("allOf").and_then(Value::as_array);
    let alone = known.filter(|_| one.as_object().is_some_and(|one| one.len() == 1));
    let mut branches = alone.cloned().unwrap_or_else(|| vec![one.clone()]);
    branches.push(other.clone());
    json!({ "allOf": branches })
}

/// What an object schema says of a member of this name, besides `patternProperties`.
fn said<'a>(keywords: &'a Keywords, name: &str, checker: &Checker) -> Option<&'a Value> {
    let known = keywords.get("properties").and_then(|known| known.get(name));
    known.or_else(|| {
        let open = keywords.get("additionalProperties");
        open.filter(|_| !checker.is_declared(keywords, name))
    })
}

fn properties(
    one: &mut Keywords,
    other: &mut Keywords,
    checker: &Checker,
    checks: &mut Vec<(String, Value)>,
) {
    let about = ["properties", "additionalProperties", "patternProperties"];
    let speaks = |keywords: &Keywords| about.iter().any(|name| keywords.contains_key(*name));
    if !speaks(one) || !speaks(other) {
        return;
    }
    // Names that match a pattern on one side only escape the other side's `additionalProperties`.
    let patterns = one.contains_key("patternProperties") || other.contains_key("patternProperties");
    if patterns {
        for side in [&*one, &*other] {
            let kept = about.iter().filter_map(|name| side.get_key_value(*name));
            let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            checks.push(("patternProperties".to_owned(), Value::Object(kept)));
        }
    }
    let mut known = Map::new();
    for side in [&*one, &*other] {
        for (name, _) in side.get("properties").into_iter().flat_map(entries) {
            if !known.contains_key(name) {
                let schema = all_of(said(one, name, checker), said(other, name, checker));
                known.insert(name.clone(), schema);
            }
        }
    }
    let mut patterned = Map::new();
    for side in [&*one, &*other] {
        for (pattern, schema) in side.get("patternProperties").into_iter().flat_map(entries) {
            let both = all_of(patterned.get(pattern), Some(schema));
            patterned.insert(pattern.clone(), both);
        }
    }
    let open = all_of(one.get("additionalProperties"), other.get("additionalProperties"));
    for (keyword, value) in
        about.into_iter().zip([Value::Object(known), open, Value::Object(patterned)])
    {
        other.remove(keyword);
        let says_nothing = value == Value::Bool(true) || value == json!({});
        if says_nothing {
            one.remove(keyword);
        } else {
            one.insert(keyword.to_owned(), value);
        }
    }
}

fn items(one: &mut Keywords, other: &mut Keywords) {
    let length = |side: &Keywords| side.get("prefixItems").map_or(0, |prefix| each(prefix).count());
    let longest = length(one).max(length(other));
    if !(one.contains_key("items") || longest > 0) {
        return;
    }
    let at = |side: &Keywords, index: usize| -> Option<Value> {
        let prefix = side.get("prefixItems").and_then(|prefix| prefix.get(index));
        prefix.or_else(|| side.get("items")).cloned()
    };
    let prefix: Vec<Value> = (0..longest)
        .map(|index| all_of(at(one, index).as_ref(), at(other, index).as_ref()))
        .collect();
    let rest = all_of(one.get("items"), other.get("items"));
    other.remove("items");
    other.remove("prefixItems");
    if longest > 0 {
        one.insert("prefixItems".to_owned(), Value::Array(prefix));
    }
    if rest != Value::Bool(true) {
        one.insert("items".to_owned(), rest);
    }
}
