//! The headers that a modern request carries beside its body: each says again what the body says,
//! so that who stands between can read it. (MCP 2026-07-28, basic/transports, "Request Headers".)

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::answer::quoted;
use super::super::catalogue::object;
use super::super::era;
use super::super::request::Refusal;
use crate::model::plan::Speaks;

const HEADER_MISMATCH: i32 = -32020;
const UNSUPPORTED_VERSION: i32 = -32022;

/// The parameters of tools that headers mirror: tool, argument, header.
const MIRRORED: [(&str, &str, &str); 2] = [
    ("test_header_parameter", "region", "mcp-param-region"),
    ("test_header_parameter", "limit", "mcp-param-limit"),
];

fn mismatch(message: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::coded(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
}

/// -32022, with what is spoken.
pub(super) fn unsupported(requested: &str, speaks: Speaks) -> Refusal {
    let supported = era::supported(speaks);
    let data = format!(r#"{{"supported":{supported},"requested":{}}}"#, quoted(requested));
    let message = format!("protocol version `{requested}` is not spoken here");
    Refusal {
        data: Some(data.into()),
        ..Refusal::coded(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, message)
    }
}

/// A request without `MCP-Protocol-Version`. One that begins a legacy handshake is told what is
/// spoken; any other lacks a header.
pub(super) fn without_version(method: &str, params: Option<&RawValue>, speaks: Speaks) -> Refusal {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        #[serde(borrow)]
        protocol_version: Cow<'a, str>,
    }
    let asked = params.and_then(|params| object::<Params<'_>>(params).ok());
    match asked {
        Some(asked) if method == "initialize" => unsupported(&asked.protocol_version, speaks),
        _ => mismatch("MCP-Protocol-Version is missing"),
    }
}

/// The version of the header is the body's.
pub(super) fn same_version(header: &HeaderValue, said: &str) -> Result<(), Refusal> {
    if header.as_bytes() == said.as_bytes() {
        return Ok(());
    }
    let found = String::from_utf8_lossy(header.as_bytes());
    Err(mismatch(format!("MCP-Protocol-Version is `{found}`, but `params._meta` says `{said}`")))
}

/// `Mcp-Method` is the body's.
pub(super) fn same_method(headers: &HeaderMap, method: &str) -> Result<(), Refusal> {
    let found = headers.get("mcp-method");
    same("Mcp-Method", found.map(HeaderValue::as_bytes), method)
}

/// `Mcp-Name` is the body's.
pub(super) fn same_name(headers: &HeaderMap, name: &str) -> Result<(), Refusal> {
    let found = headers.get("mcp-name").map(plain).transpose()?;
    same("Mcp-Name", found.as_deref(), name)
}

/// `Mcp-Param-*` are the body's, where the tool's schema asks for them.
pub(super) fn same_parameters(
    headers: &HeaderMap,
    tool: &str,
    arguments: Option<&RawValue>,
) -> Result<(), Refusal> {
    for (_, argument, header) in MIRRORED.iter().filter(|(of, ..)| *of == tool) {
        let found = headers.get(*header).map(plain).transpose()?;
        match (said(arguments, argument), found) {
            (Some(said), found) => same(header, found.as_deref(), &said)?,
            (None, None) => {}
            (None, Some(_)) => {
                return Err(mismatch(format!("{header} is there, but the argument is not")));
            }
        }
    }
    Ok(())
}

/// An argument as a header says it: strings as they are, the rest as JSON; null is none.
fn said(arguments: Option<&RawValue>, name: &str) -> Option<String> {
    let all: serde_json::Value = serde_json::from_str(arguments?.get()).ok()?;
    match all.get(name)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn same(header: &str, found: Option<&[u8]>, said: &str) -> Result<(), Refusal> {
    match found {
        Some(found) if found.trim_ascii() == said.as_bytes() => Ok(()),
        Some(found) => {
            let found = String::from_utf8_lossy(found);
            Err(mismatch(format!("{header} is `{found}`, but the body says `{said}`")))
        }
        None => Err(mismatch(format!("{header} is missing; the body says `{said}`"))),
    }
}

/// A value out of its wrapper, `=?base64?...?=`, if it is in one.
fn plain(value: &HeaderValue) -> Result<Cow<'_, [u8]>, Refusal> {
    let value = value.as_bytes();
    let inside = value.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    let Some(inside) = inside else { return Ok(value.into()) };
    STANDARD.decode(inside).map(Cow::from).map_err(|_| {
        let found = String::from_utf8_lossy(value);
        mismatch(format!("`{found}` is wrapped as base64 and is none"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: Option<&'static str>) -> HeaderMap {
        let value = value.map(HeaderValue::from_static);
        value.into_iter().map(|value| (name.parse().unwrap(), value)).collect()
    }

    #[test]
    fn a_name_may_be_wrapped() {
        for (header, name, right) in [
            (Some("echo"), "echo", true),
            (Some("  echo "), "echo", true),
            (Some("=?base64?w6k=?="), "é", true),
            (Some("=?base64?w6k?="), "é", false),
            (Some("=?base64?w6!=?="), "é", false),
            (Some("=?base64?ZWNobw=="), "=?base64?ZWNobw==", true),
            (Some("ZWNobw=="), "echo", false),
            (Some("Echo"), "echo", false),
            (None, "echo", false),
        ] {
            let found = same_name(&headers("mcp-name", header), name);
            assert_eq!(found.is_ok(), right, "{header:?} {name}");
            assert!(found.is_ok_and(|()| right) || !right);
        }
    }

    #[test]
    fn parameters_are_mirrored_where_the_schema_says_so() {
        let tool = "test_header_parameter";
        for (arguments, name, header, right) in [
            (r#"{"region":"Hello"}"#, "mcp-param-region", Some("Hello"), true),
            (r#"{"region":"Hello"}"#, "mcp-param-region", Some("=?base64?SGVsbG8=?="), true),
            (r#"{"region":"Hello"}"#, "mcp-param-region", Some("=?base64?SGVsbG8?="), false),
            (r#"{"region":"Hello"}"#, "mcp-param-region", None, false),
            (r#"{"limit":42}"#, "mcp-param-limit", Some("42"), true),
            (r#"{"limit":42}"#, "mcp-param-limit", Some("43"), false),
            (r#"{"limit":null}"#, "mcp-param-limit", None, true),
            ("{}", "mcp-param-limit", Some("1"), false),
            (r#"{"note":"x"}"#, "mcp-param-note", None, true),
        ] {
            let raw = RawValue::from_string(arguments.to_owned()).unwrap();
            let found = same_parameters(&headers(name, header), tool, Some(&raw));
            assert_eq!(found.is_ok(), right, "{arguments} {header:?}");
        }
    }

    #[test]
    fn what_is_mirrored_is_what_the_schema_says() {
        let tools = format!("[{}]", super::super::super::full::FULL.tools);
        let tools: serde_json::Value = serde_json::from_str(&tools).unwrap();
        let mut annotated = Vec::new();
        for tool in tools.as_array().unwrap() {
            let properties = tool["inputSchema"]["properties"].as_object();
            for (name, property) in properties.into_iter().flatten() {
                if let Some(header) = property["x-mcp-header"].as_str() {
                    let header = format!("mcp-param-{}", header.to_lowercase());
                    annotated.push((tool["name"].as_str().unwrap(), name.clone(), header));
                }
            }
        }
        let mut known = MIRRORED.map(|(tool, name, header)| (tool, name.into(), header.into()));
        known.sort();
        annotated.sort();
        assert_eq!(annotated, known);
    }
}
