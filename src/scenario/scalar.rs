//! What a single value says, or what would be right in its place.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::model::rate;

use super::document::{Node, Value};

/// Why a value is wrong: what would be right.
pub type Wrong = String;

/// The text of a string.
pub fn text_of(node: &Node) -> Result<&str, Wrong> {
    match &node.value {
        Value::Text(text) => Ok(text),
        other => Err(format!("expected a string, this is {}", other.kind())),
    }
}

/// A finite number.
pub fn number_of(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(Some(number)) => Some(number as f64),
        Value::Float(number) => Some(number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// A whole number in a range.
pub fn whole_of(node: &Node, range: &RangeInclusive<u32>) -> Option<u32> {
    let Value::Integer(Some(number)) = node.value else { return None };
    u32::try_from(number).ok().filter(|number| range.contains(number))
}

/// A rate, per second.
pub fn rate_of(node: &Node) -> Result<f64, Wrong> {
    parsed(node, rate::parse, "a rate such as \"60/min\"")
}

/// What a parser of the model makes of a string.
pub fn parsed<T, E: Display>(
    node: &Node,
    parse: impl FnOnce(&str) -> Result<T, E>,
    such: &str,
) -> Result<T, Wrong> {
    let text = text_of(node).map_err(|_| format!("expected {such}"))?;
    parse(text).map_err(|error| error.to_string())
}
