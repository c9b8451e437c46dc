//! The values of a profile that are more than a number: ids, weights, headers, lists.

use std::time::Duration;

use crate::model::profile::{Ids, List, SessionWeights};

use crate::scenario::document::{Entry, Node, Value};
use crate::scenario::scalar::{Wrong, number_of, text_of};

pub(super) fn header_value(text: &str) -> Result<String, Wrong> {
    match http::HeaderValue::from_str(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err("expected a header's value (RFC 9110 section 5.5)".to_owned()),
    }
}

pub(super) fn headers(node: &Node) -> Result<Vec<(String, String)>, Wrong> {
    let such = "expected a table of headers such as { x-anthropic-client = \"ClaudeAI\" }";
    let Value::Table(table) = &node.value else { return Err(such.to_owned()) };
    let header = |entry: &Entry| {
        entry.key.parse::<http::HeaderName>().map_err(|_| such)?;
        Ok((entry.key.clone(), header_value(text_of(&entry.node)?)?))
    };
    table.entries.iter().map(header).collect()
}

pub(super) fn object(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("expected a JSON object as text: {error}")),
    }
}

pub(super) fn ids(node: &Node) -> Result<Ids, Wrong> {
    let number = |text: &str| text.parse().ok();
    let ids = match text_of(node)?.split_once(' ') {
        Some(("constant", text)) => number(text).map(Ids::Constant),
        Some(("counter", text)) => number(text).map(Ids::Counter),
        _ => None,
    };
    ids.ok_or_else(|| "expected \"constant 1\" or \"counter 0\"".to_owned())
}

pub(super) fn list(node: &Node) -> Result<List, Wrong> {
    match text_of(node)? {
        "tools" => Ok(List::Tools),
        "resources" => Ok(List::Resources),
        "templates" => Ok(List::Templates),
        "prompts" => Ok(List::Prompts),
        _ => Err("expected tools, resources, templates or prompts".to_owned()),
    }
}

pub(super) fn weights(node: &Node) -> Result<SessionWeights, Wrong> {
    let such = "expected weights such as { fresh = 0.6, unechoed = 0, pooled = 0.25, echo = 0.15 }";
    let Value::Table(table) = &node.value else { return Err(such.to_owned()) };
    let mut weights = SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 0.0, echo: 0.0 };
    for entry in &table.entries {
        let slot = match entry.key.as_str() {
            "fresh" => &mut weights.fresh,
            "unechoed" => &mut weights.unechoed,
            "pooled" => &mut weights.pooled,
            "echo" => &mut weights.echo,
            _ => return Err(such.to_owned()),
        };
        *slot = number_of(&entry.node).filter(|weight| (0.0..=1e6).contains(weight)).ok_or(such)?;
    }
    if weights.fresh + weights.unechoed + weights.pooled + weights.echo > 0.0 {
        Ok(weights)
    } else {
        Err("expected at least one weight above zero".to_owned())
    }
}

pub(super) fn limit(node: &Node) -> Result<Option<Duration>, Wrong> {
    match text_of(node).map_err(|_| "expected a duration or \"none\"")? {
        "none" => Ok(None),
        text => crate::model::duration::parse(text).map(Some).map_err(|error| error.to_string()),
    }
}

pub(super) fn result_cap(node: &Node) -> Result<Option<u32>, Wrong> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        Value::Integer(Some(number)) if *number > 0 => u32::try_from(*number)
            .map(Some)
            .map_err(|_| "expected fewer characters than 4 billion".to_owned()),
        _ => Err("expected a number of characters above 0, or \"none\"".to_owned()),
    }
}

pub(super) fn month(text: &str) -> Result<String, Wrong> {
    let month = text.split_once('-').and_then(|(year, month)| {
        let digits = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        (digits(year, 4) && digits(month, 2)).then(|| month.parse::<u32>().ok()).flatten()
    });
    match month {
        Some(1..=12) => Ok(text.to_owned()),
        _ => Err("expected a month such as \"2026-09\"".to_owned()),
    }
}
