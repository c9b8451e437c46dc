//! `[tools]`: what may be called, and with which arguments.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::model::arguments::Maker;
use crate::model::plan::Tools;

use super::document::{Node, Value};
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// Reads `[tools]`.
pub fn read(tools: &Table<'_>) -> Tools {
    let allow = tools
        .key("allow", "Tools by name; without it every tool annotated readOnlyHint.")
        .each("a list of tool names", |node| Ok(text_of(node)?.to_owned()))
        .optional();
    if allow.as_ref().is_some_and(Vec::is_empty) {
        let place = tools.place_of("allow");
        tools.log().wrong(place, "tools.allow is empty", "name at least one tool, or remove it");
    }
    let doc = "Argument objects by tool; {word}, {year} and {number} are filled in.";
    let arguments = tools.table("arguments", doc, |table| arguments_of(table, allow.as_deref()));
    Tools { allow, arguments }
}

fn arguments_of(table: &Table<'_>, allow: Option<&[String]>) -> BTreeMap<String, Vec<Json>> {
    let mut arguments = BTreeMap::new();
    for entry in table.own_entries() {
        if allow.is_some_and(|allow| !allow.contains(&entry.key)) {
            let found = format!("arguments for {}, which tools.allow does not name", entry.key);
            table.log().wrong(entry.key_place, found, "add it to tools.allow, or remove it");
        }
        let unusable = |right: String| {
            let found = format!("unusable arguments for {}", entry.key);
            let right = table.log().discreet(entry.node.place, right, "argument objects");
            table.log().wrong(entry.node.place, found, right);
        };
        match objects(&entry.node) {
            Ok(objects) => {
                if let Err(error) = Maker::from_fixtures(&objects) {
                    unusable(error.to_string());
                }
                arguments.insert(entry.key.clone(), objects);
            }
            Err(right) => unusable(right),
        }
    }
    arguments
}

fn objects(node: &Node) -> Result<Vec<Json>, Wrong> {
    let such = "expected a list of argument objects, such as [{ query = \"{word}\" }]";
    let Value::List(list) = &node.value else { return Err(such.to_owned()) };
    if list.is_empty() || list.iter().any(|node| !matches!(node.value, Value::Table(_))) {
        return Err(such.to_owned());
    }
    list.iter().map(json).collect()
}

fn json(node: &Node) -> Result<Json, Wrong> {
    Ok(match &node.value {
        Value::Text(text) | Value::Date(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(number.ok_or("expected numbers that fit 64 bits")?),
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .map(Json::Number)
            .ok_or("JSON has no infinity and no nan")?,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::List(list) => Json::Array(list.iter().map(json).collect::<Result<_, _>>()?),
        Value::Table(table) => {
            let field =
                |entry: &super::document::Entry| Ok((entry.key.clone(), json(&entry.node)?));
            Json::Object(table.entries.iter().map(field).collect::<Result<Map<_, _>, Wrong>>()?)
        }
    })
}
