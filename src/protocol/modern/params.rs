//! Arguments of a tool that its schema wants mirrored into headers: `x-mcp-header`.
//!
//! Rules: MCP specification 2026-07-28, basic/transports/streamable-http, "Custom Headers from
//! Tool Parameters".

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{PARAM_PREFIX, header_value};

const ANNOTATION: &str = "x-mcp-header";
/// The largest whole number a header may carry either way: 2^53 - 1.
const MOST: i64 = (1 << 53) - 1;
/// A schema deeper than this is not looked through: its tool is dropped.
const DEEPEST: usize = 64;

/// One argument that travels in a header, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderParam {
    /// The header's name, in lower case: `mcp-param-region`.
    pub header: String,
    /// Where the argument is: names of properties from the root on.
    pub path: Vec<String>,
}

/// The annotations of an `inputSchema`, in the order of their paths.
///
/// # Errors
/// What is wrong with an annotation, for a person: a client has to drop the tool.
pub fn header_params(schema: &Map<String, Value>) -> Result<Vec<HeaderParam>, String> {
    let mut search = Search::default();
    search.object(schema, true, 0)?;
    Ok(search.found)
}

/// The headers of a call with these arguments, names in lower case; an argument that is absent or
/// null has none.
///
/// # Errors
/// Which argument cannot be mirrored, for a person: its value is not of the annotated kind.
pub fn mirrored<'p>(
    params: &'p [HeaderParam],
    arguments: &[u8],
) -> Result<Vec<(&'p str, String)>, String> {
    if params.is_empty() {
        return Ok(Vec::new());
    }
    let arguments: Value =
        serde_json::from_slice(arguments).map_err(|_| "the arguments are not JSON".to_owned())?;
    let mut headers = Vec::with_capacity(params.len());
    for param in params {
        let value = param.path.iter().try_fold(&arguments, |value, name| value.get(name));
        match value.map(text) {
            None | Some(Some(None)) => {}
            Some(Some(Some(text))) => {
                headers.push((&*param.header, header_value(&text).into_owned()));
            }
            Some(None) => {
                let path = param.path.join(".");
                return Err(format!("the argument {path} is no text, truth or safe whole number"));
            }
        }
    }
    Ok(headers)
}

/// A value as a header's text: none within for null, none at all if it cannot be one.
#[expect(clippy::option_option, reason = "null, and what cannot be mirrored, differ")]
fn text(value: &Value) -> Option<Option<Cow<'_, str>>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(Cow::Borrowed(text))),
        Value::Bool(truth) => Some(Some(Cow::Borrowed(if *truth { "true" } else { "false" }))),
        Value::Number(number) => {
            let whole = number.as_i64().or_else(|| whole(number.as_f64()?));
            let safe = whole.filter(|whole| whole.abs() <= MOST)?;
            Some(Some(Cow::Owned(safe.to_string())))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// `5.0` is a whole number, too.
fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= MOST as f64;
    is_whole.then_some(number as i64)
}

/// Looks through a schema for annotations.
#[derive(Default)]
struct Search {
    found: Vec<HeaderParam>,
    path: Vec<String>,
    names: BTreeSet<String>,
}

impl Search {
    /// Looks at one schema; `reached` as long as only `properties` led here.
    fn object(
        &mut self,
        schema: &Map<String, Value>,
        reached: bool,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("the schema is deeper than {DEEPEST} levels"));
        }
        if let Some(name) = schema.get(ANNOTATION) {
            self.annotated(name, schema, reached)?;
        }
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        self.path.push(name.clone());
                        self.any(property, reached, depth + 1)?;
                        self.path.pop();
                    }
                }
                // What stands here is data, not schemas.
                ("default" | "const" | "enum" | "examples" | ANNOTATION, _) => {}
                (_, value) => self.any(value, false, depth + 1)?,
            }
        }
        Ok(())
    }

    fn any(&mut self, value: &Value, reached: bool, depth: usize) -> Result<(), String> {
        match value {
            Value::Object(schema) => self.object(schema, reached, depth),
            Value::Array(all) if depth <= DEEPEST => {
                all.iter().try_for_each(|one| self.any(one, false, depth + 1))
            }
            Value::Array(_) => Err(format!("the schema is deeper than {DEEPEST} levels")),
            _ => Ok(()),
        }
    }

    fn annotated(
        &mut self,
        name: &Value,
        schema: &Map<String, Value>,
        reached: bool,
    ) -> Result<(), String> {
        let at = if self.path.is_empty() { "the root".to_owned() } else { self.path.join(".") };
        let wrong = |what: &str| Err(format!("x-mcp-header at {at}: {what}"));
        let Value::String(name) = name else { return wrong("is no string") };
        if name.is_empty() || !name.bytes().all(is_token) {
            return wrong("is not the name of a header");
        }
        if !reached || self.path.is_empty() {
            return wrong("is not reached through properties alone");
        }
        if !schema.get("type").is_some_and(is_mirrored) {
            return wrong("stands on something else than a string, integer or boolean");
        }
        let header = format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase());
        if !self.names.insert(header.clone()) {
            return wrong("names a header that another argument has");
        }
        self.found.push(HeaderParam { header, path: self.path.clone() });
        Ok(())
    }
}

/// Whether a `type` allows what a header can carry, and beside it at most null.
fn is_mirrored(kind: &Value) -> bool {
    let one = |kind: &Value| matches!(kind.as_str(), Some("string" | "integer" | "boolean"));
    match kind {
        Value::Array(kinds) => {
            kinds.iter().any(one) && kinds.iter().all(|kind| one(kind) || kind == "null")
        }
        kind => one(kind),
    }
}

/// RFC 9110, section 5.6.2: a character of a token.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn params(schema: &Value) -> Result<Vec<HeaderParam>, String> {
        header_params(schema.as_object().unwrap())
    }

    /// A schema with these properties.
    fn with(properties: &Value) -> Value {
        json!({"type": "object", "properties": properties})
    }

    #[test]
    fn annotations_are_found_where_they_may_be() {
        let schema = with(&json!({
            "region": {"type": "string", "x-mcp-header": "Region", "default": {"x-mcp-header": 1}},
            "query": {"type": "string"},
            "where": {"type": "object", "properties": {
                "deep": {"type": ["integer", "null"], "x-mcp-header": "X-1"},
                "items": {"type": "boolean", "x-mcp-header": "Method"},
            }},
            "x-mcp-header": {"type": "string"},
        }));
        let found = params(&schema).unwrap();
        let found: Vec<_> =
            found.iter().map(|param| (&*param.header, param.path.join("."))).collect();
        let expected = [
            ("mcp-param-region", "region"),
            ("mcp-param-x-1", "where.deep"),
            ("mcp-param-method", "where.items"),
        ];
        assert_eq!(found, expected.map(|(header, path)| (header, path.to_owned())));
        assert_eq!(params(&json!({"type": "object"})), Ok(vec![]));
    }

    #[test]
    fn invalid_annotations_are_said() {
        let string = |name: Value| with(&json!({"a": {"type": "string", "x-mcp-header": name}}));
        let below =
            |keyword: &str, schema: Value| with(&json!({"a": {"type": "object", keyword: schema}}));
        let good = json!({"type": "string", "x-mcp-header": "R"});
        let inner = json!({"type": "object", "properties": {"b": good}});
        let (name, reach) = ("is not the name of a header", "is not reached");
        let kind = "stands on something else";
        let cases = [
            (string(json!("")), name),
            (string(json!("My Region")), name),
            (string(json!("Region:Primary")), name),
            (string(json!("R\u{e9}gion")), name),
            (string(json!("Region\t1")), name),
            (string(json!(5)), "is no string"),
            (string(json!(null)), "is no string"),
            (with(&json!({"a": {"type": "number", "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"type": "object", "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"type": "array", "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"type": "null", "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"type": ["null"], "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"type": ["string", "number"], "x-mcp-header": "A"}})), kind),
            (with(&json!({"a": {"x-mcp-header": "A"}})), kind),
            (json!({"type": "string", "x-mcp-header": "A"}), reach),
            (below("items", good.clone()), reach),
            (below("items", inner.clone()), reach),
            (below("oneOf", json!([inner])), reach),
            (below("anyOf", json!([{"type": "null"}, good])), reach),
            (below("allOf", json!([inner])), reach),
            (below("not", inner.clone()), reach),
            (below("then", inner.clone()), reach),
            (below("additionalProperties", good.clone()), reach),
            (json!({"$defs": {"a": good}, "properties": {"a": {"$ref": "#/$defs/a"}}}), reach),
            (
                with(&json!({
                    "a": {"type": "string", "x-mcp-header": "MyField"},
                    "b": {"type": "string", "x-mcp-header": "myfield"},
                })),
                "that another argument has",
            ),
        ];
        for (schema, expected) in cases {
            let found = params(&schema).unwrap_err();
            assert!(found.contains(expected), "{found}: {schema}");
        }
    }

    #[test]
    fn a_deep_schema_is_refused() {
        let mut schema = json!({});
        for _ in 0..200 {
            schema = json!({"items": [schema]});
        }
        assert!(params(&schema).unwrap_err().contains("deeper"));
    }

    #[test]
    fn values_are_mirrored_as_the_specification_writes_them() {
        let param = |name: &str| HeaderParam {
            header: format!("mcp-param-{name}"),
            path: name.split('.').map(str::to_owned).collect(),
        };
        let all = ["a", "b.c", "d", "e", "f", "g", "h"].map(param);
        let arguments =
            br#"{"a":"us-west1","b":{"c":42},"d":false,"e":null,"f":" padded ","g":-7.0,"h":""}"#;
        let found = mirrored(&all, arguments).unwrap();
        let expected = [
            ("mcp-param-a", "us-west1"),
            ("mcp-param-b.c", "42"),
            ("mcp-param-d", "false"),
            ("mcp-param-f", "=?base64?IHBhZGRlZCA=?="),
            ("mcp-param-g", "-7"),
            ("mcp-param-h", ""),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name, value.to_owned())));
        for bad in [r#"{"a":1.5}"#, r#"{"a":9007199254740992}"#, r#"{"a":[]}"#, r#"{"a":{}}"#, "{"]
        {
            assert!(mirrored(&all, bad.as_bytes()).is_err(), "{bad}");
        }
        for none in ["{}", "[]", "null", r#"{"b":5}"#, r#"{"b":{"c":null}}"#] {
            assert_eq!(mirrored(&all, none.as_bytes()), Ok(vec![]), "{none}");
        }
        assert_eq!(mirrored(&[], b"no JSON"), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn every_value_can_stand_in_a_header(text in any::<String>()) {
            let param = HeaderParam { header: "mcp-param-a".into(), path: vec!["a".into()] };
            let arguments = serde_json::to_vec(&json!({"a": text})).unwrap();
            let params = [param];
            let found = mirrored(&params, &arguments).unwrap();
            prop_assert!(http::HeaderValue::from_str(&found[0].1).is_ok());
        }
    }
}
