//! The JSON Schema of `run.json`: the names scripts may rely on, with their meaning.

/// The schema, JSON Schema draft 2020-12, as JSON text. Members may be added to a run, so it lets
/// unknown ones be; what it names has the type it says.
pub const TEXT: &str = include_str!("run.schema.json");

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::TEXT;
    use crate::model::report::sample;

    fn schema() -> Value {
        serde_json::from_str(TEXT).unwrap()
    }

    fn errors(schema: &Value, run: &Value) -> Vec<String> {
        let validator = jsonschema::draft202012::options().build(schema).unwrap();
        let told =
            |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        validator.iter_errors(run).map(told).collect()
    }

    /// The same schema without room for members it does not name.
    fn closed(schema: &mut Value) {
        if let Value::Object(map) = schema {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            map.values_mut().for_each(closed);
        } else if let Value::Array(list) = schema {
            list.iter_mut().for_each(closed);
        }
    }

    #[test]
    fn every_member_of_a_run_is_in_it() {
        let mut schema = schema();
        closed(&mut schema);
        for report in [sample::granted(), sample::watched(), sample::nothing()] {
            let run = serde_json::to_value(&report).unwrap();
            assert_eq!(errors(&schema, &run), [""; 0]);
        }
    }

    #[test]
    fn what_is_no_run_is_refused() {
        let run = serde_json::to_value(sample::storm()).unwrap();
        for (pointer, new) in [
            ("/schema", json!("squall.run/2")),
            ("/verdict", json!("fine")),
            ("/exit_code", json!("4")),
            ("/summary/calls", json!(-1)),
            ("/summary/outcomes/ok", json!(1.5)),
            ("/summary/operations/tools~1call/response_us", json!({ "p50": 1 })),
            ("/timeline/0/at_s", json!("0")),
            ("/findings/0/severity", json!("bad")),
            ("/histograms/tools~1call.response", json!(1)),
            ("/generator/trustworthy", json!(1)),
        ] {
            let mut edited = run.clone();
            *edited.pointer_mut(pointer).unwrap() = new;
            assert!(!errors(&schema(), &edited).is_empty(), "{pointer}");
        }
        let mut grown = run;
        grown["summary"]["a_later_member"] = json!(1);
        assert_eq!(errors(&schema(), &grown), [""; 0]);
    }
}
