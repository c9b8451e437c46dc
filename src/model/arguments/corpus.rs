//! What is made for tool schemas as servers have them, held against another validator.

use serde_json::Value;

use super::Maker;

const CORPUS: &str = include_str!("corpus.json");

pub(super) fn corpus() -> Vec<(String, Value)> {
    let corpus: serde_json::Map<String, Value> = serde_json::from_str(CORPUS).unwrap();
    corpus.into_iter().collect()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

#[test]
fn what_is_made_is_valid_to_another_validator() {
    let corpus = corpus();
    assert!(corpus.len() >= 200, "{}", corpus.len());
    let mut wrong = Vec::new();
    for (name, schema) in &corpus {
        let maker = match Maker::from_schema(schema) {
            Ok(maker) => maker,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let validator = validator(schema);
        let mut made = Vec::new();
        let bad = (0..200).find_map(|variation| {
            made.clear();
            maker.make(variation, crate::model::nonce::Nonce::new(7, 0, 0, variation), &mut made);
            let value: Value = match serde_json::from_slice(&made) {
                Ok(value) => value,
                Err(error) => return Some(format!("{error}: {}", String::from_utf8_lossy(&made))),
            };
            validator.validate(&value).err().map(|error| format!("{error}: {value}"))
        });
        wrong.extend(bad.map(|bad| format!("{name}: {bad}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
