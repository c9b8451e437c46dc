//! Schemas made to keep squall busy: each is refused, or made, at once.

use serde_json::{Map, Value, json};

use super::Maker;
use super::schema::unsupported;

/// The schema of an object with a required `q`.
fn query(schema: &Value, defs: &Map<String, Value>) -> Value {
    json!({"properties": {"q": schema}, "required": ["q"], "$defs": defs})
}

/// Definitions `0` to `count - 1`, each in terms of the next.
fn chain(count: u32, link: impl Fn(Value) -> Value, last: Value) -> Map<String, Value> {
    let next = |number: u32| json!({"$ref": format!("#/$defs/{}", number + 1)});
    let links = (0..count).map(|number| (number.to_string(), link(next(number))));
    links.chain([(count.to_string(), last)]).collect()
}

fn refused(schema: &Value, keyword: &str, pointer: &str) {
    assert_eq!(Maker::from_schema(schema).err(), Some(unsupported(keyword, pointer)));
}

#[test]
fn branches_that_refer_to_branches() {
    let not = json!({"type": "string", "not": {"$ref": "#/$defs/0"}});
    let twice = |next: Value| json!({"anyOf": [next, next]});
    let itself = json!({"anyOf": [{"$ref": "#/$defs/0"}, {"$ref": "#/$defs/0"}]});
    let itself = Map::from_iter([("0".to_owned(), itself)]);
    for defs in [itself, chain(25, twice, json!({"const": 1}))] {
        refused(&query(&not, &defs), "not", "/properties/q");
    }
    // Few enough branches are all looked at.
    let defs = chain(8, twice, json!({"const": 1}));
    assert!(Maker::from_schema(&query(&not, &defs)).is_ok());
}

#[test]
fn references_in_a_long_line() {
    let through = chain(15_000, |next| next, json!({"type": "string"}));
    let not = json!({"type": "string", "not": {"$ref": "#/$defs/0"}});
    refused(&query(&not, &through), "not", "/properties/q");
    let member =
        |next: Value| json!({"type": "object", "properties": {"p": next}, "required": ["p"]});
    for defs in [through, chain(5_000, member, json!({"type": "string"}))] {
        let found = Maker::from_schema(&query(&json!({"$ref": "#/$defs/0"}), &defs));
        assert!(found.is_err_and(|found| found.keyword == "$ref"));
    }
}

#[test]
fn searches_within_searches() {
    // One number in 64 is multiple of 64, and a check within checks multiplies the attempts.
    let mut schema = json!({
        "type": "integer", "minimum": 0, "maximum": 1_000_000, "not": {"not": {"multipleOf": 64}},
    });
    for _ in 0..12 {
        schema = json!({
            "type": "object", "properties": {"p": schema}, "required": ["p"],
            "not": {"properties": {"p": {"const": 1}}},
            "minProperties": 1,
        });
        schema = json!({"type": "array", "items": schema, "minItems": 1, "uniqueItems": true,
            "not": {"minItems": 2}});
    }
    if let Ok(maker) = Maker::from_schema(&query(&schema, &Map::new())) {
        let mut made = Vec::new();
        maker.make(1, crate::model::nonce::Nonce::new(7, 0, 0, 1), &mut made);
        assert!(serde_json::from_slice::<Value>(&made).is_ok());
    }
}

#[test]
fn more_that_grows_with_its_square_or_its_depth() {
    let many: Vec<Value> =
        (0..600).map(|at| json!({"properties": {"a": {"maxLength": at}}})).collect();
    assert!(Maker::from_schema(&json!({ "allOf": many, "required": ["a"] })).is_ok());

    let items = json!({"type": "integer"});
    let differing = json!({"items": items, "minItems": 2_000, "uniqueItems": true});
    refused(&query(&differing, &Map::new()), "uniqueItems", "/properties/q");

    let mut same = json!({"type": "object"});
    for _ in 0..40 {
        let names = ["a"; 8];
        same = json!({"type": "object", "properties": {"a": same}, "required": names});
    }
    assert!(Maker::from_schema(&query(&json!({"oneOf": [same, same]}), &Map::new())).is_err());

    let values = vec![json!(1); 60_000];
    refused(&query(&json!({ "enum": values }), &Map::new()), "properties", "");
}
